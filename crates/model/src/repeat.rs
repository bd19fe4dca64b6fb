//! Whether a session goes in circles: the rule, and what of a call it looks at. Pure. Leaves out remembering a session's
//! calls and what happens then (`engine/loops`).
//!
//! A call is a *step*: what was asked newly (the words and results after the model's last ones) and what the model did
//! (the tools it asked for, or its words). Steps that are the same, one right after the other, are no progress. When only
//! what came back differs (a clock, a build that is waited for), three times as many are borne. A circle is the same few
//! steps in the same order.

use api::{LoopKind, Message, Part, Role};

use crate::dialect::Spoken;
use crate::identity::words;

/// Steps of a circle at most.
const LONGEST_CIRCLE: usize = 4;
/// The same tool call with other results is borne so many times longer.
const PATIENCE: usize = 3;
/// Characters of a tool's arguments that are shown.
const SHOWN: usize = 120;

/// What one call asked and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was asked newly, and what the model did.
    whole: [u8; 32],
    /// The tool calls alone; `None` without one.
    tools: Option<[u8; 32]>,
    /// The first tool's name and the beginning of its arguments.
    pub tool: Option<(String, String)>,
}

/// That a session goes in circles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// What is repeated.
    pub kind: LoopKind,
    /// How often it was done.
    pub times: usize,
    /// The steps that took part, from the last one back.
    pub steps: usize,
}

/// The step that a call was; `None` when nobody asked for anything, or nobody answered.
pub fn step(spoken: &Spoken) -> Option<Step> {
    let last = spoken.messages.iter().rposition(|message| message.role == Role::Assistant);
    let newest = spoken.messages.get(last.map_or(0, |at| at + 1)..).unwrap_or_default();
    let newest: Vec<&Message> = newest.iter().filter(|message| message.role != Role::System).collect();
    let answer: Vec<&Message> = spoken.answer.iter().collect();
    if newest.is_empty() || answer.iter().all(|message| message.parts.is_empty()) {
        return None;
    }
    let calls = answer.iter().flat_map(|message| &message.parts).filter(|part| is_call(part));
    let calls = Message { role: Role::Assistant, parts: calls.cloned().collect(), cache_marker: false };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&words(&newest)).update(&words(&answer));
    let tool = calls.parts.first().and_then(|part| match part {
        Part::ToolCall { name, arguments, .. } => {
            Some((name.clone(), arguments.chars().take(SHOWN).collect()))
        }
        _ => None,
    });
    Some(Step { whole: *hasher.finalize().as_bytes(), tools: tool.is_some().then(|| words(&[&calls])), tool })
}

const fn is_call(part: &Part) -> bool {
    matches!(part, Part::ToolCall { .. })
}

/// Whether the last of these steps repeat what was done before, `enough` times or more.
pub fn repeats(steps: &[Step], enough: usize) -> Option<Repeat> {
    let enough = enough.max(2);
    let whole: Vec<&[u8; 32]> = steps.iter().map(|step| &step.whole).collect();
    let same = run(&whole, 1);
    if same >= enough {
        return Some(Repeat { kind: LoopKind::Same, times: same, steps: same });
    }
    let tools: Vec<Option<&[u8; 32]>> = steps.iter().map(|step| step.tools.as_ref()).collect();
    let with_tools = tools.iter().rev().take_while(|tools| tools.is_some()).count();
    let tools = tools.get(tools.len() - with_tools..).unwrap_or_default();
    let same = run(tools, 1);
    if same >= enough.saturating_mul(PATIENCE) {
        return Some(Repeat { kind: LoopKind::SameToolCall, times: same, steps: same });
    }
    (2..=LONGEST_CIRCLE).find_map(|length| {
        let times = run(&whole, length) / length;
        (times >= enough).then(|| Repeat { kind: LoopKind::Circle, times, steps: times * length })
    })
}

/// How many of the last things repeat with this period, the first round included.
fn run<T: PartialEq>(things: &[T], period: usize) -> usize {
    let again =
        (period..things.len()).rev().take_while(|at| things.get(*at) == things.get(at - period)).count();
    match again {
        0 => things.len().min(1),
        again => again + period,
    }
}

/// More steps than these are never looked at.
pub const fn looked_at(enough: usize) -> usize {
    let most = if LONGEST_CIRCLE > PATIENCE { LONGEST_CIRCLE } else { PATIENCE };
    let enough = if enough < 2 { 2 } else { enough };
    enough.saturating_mul(most).saturating_add(1)
}

#[cfg(test)]
mod tests;
