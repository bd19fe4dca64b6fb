//! A timeline as rows: what is shown of it, under which prompt, on which line. Pure; leaves out drawing (`timeline`).

use std::collections::{HashMap, HashSet};

use api::{Money, Timeline, TimelineEntry, TimelineKind};

/// Lines beside the main one; more share the last.
const MOST: usize = 6;

/// The kinds, in the order of their switches.
pub const KINDS: [TimelineKind; 7] = [
    TimelineKind::Prompt,
    TimelineKind::Call,
    TimelineKind::Tool,
    TimelineKind::Decision,
    TimelineKind::Answer,
    TimelineKind::Error,
    TimelineKind::Session,
];

/// The word of a kind in the address.
pub const fn word(kind: TimelineKind) -> &'static str {
    match kind {
        TimelineKind::Prompt => "prompt",
        TimelineKind::Call => "call",
        TimelineKind::Tool => "tool",
        TimelineKind::Decision => "decision",
        TimelineKind::Answer => "answer",
        TimelineKind::Error => "error",
        TimelineKind::Session => "session",
    }
}

/// What belongs to one prompt, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub calls: u64,
    pub tools: u64,
    pub errors: u64,
    pub cost: Money,
    /// From when to when, in nanoseconds.
    pub from_ns: i64,
    pub to_ns: i64,
}

/// The lines that pass a row, and which one is its own; 0 is the main one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    pub own: usize,
    /// Its line begins here and leaves the main one.
    pub begins: bool,
    /// Lane, whether it comes from above, whether it goes on below.
    pub passes: Vec<(usize, bool, bool)>,
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A prompt with what it led to; without an entry when nobody reported the prompt itself.
    Head { entry: Option<Box<TimelineEntry>>, sum: Sum },
    /// Something that happened, and the stretch of the prompt it is part of.
    Entry { entry: Box<TimelineEntry>, lines: Lines, within: (i64, i64) },
}

/// When an entry is over.
pub fn end_ns(entry: &TimelineEntry) -> i64 {
    let took = entry.duration_us.and_then(|us| i64::try_from(us).ok()).unwrap_or(0);
    entry.time_ns.saturating_add(took.saturating_mul(1_000))
}

/// How many of each kind there are, in the order of [`KINDS`].
pub fn counts(timeline: &Timeline) -> [u64; 7] {
    KINDS.map(|kind| timeline.entries.iter().filter(|entry| entry.kind == kind).count() as u64)
}

/// The rows without the hidden kinds. A prompt that is hidden takes its heading along; the rest stays in order.
pub fn arrange(timeline: &Timeline, hidden: &HashSet<TimelineKind>) -> Vec<Row> {
    let mut groups: Vec<(Option<&TimelineEntry>, Sum, Vec<&TimelineEntry>)> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    for entry in &timeline.entries {
        let new = entry.prompt.as_deref().is_some_and(|prompt| known.insert(prompt));
        let head = (entry.kind == TimelineKind::Prompt).then_some(entry);
        if head.is_some() || new || groups.is_empty() {
            let began = Sum { from_ns: entry.time_ns, to_ns: end_ns(entry), ..Sum::default() };
            groups.push((head, began, Vec::new()));
        }
        if let Some((_, sum, members)) = groups.last_mut() {
            add(sum, entry);
            if head.is_none() {
                members.push(entry);
            }
        }
    }
    let mut rows = Vec::new();
    for (head, sum, members) in groups {
        let shown: Vec<&TimelineEntry> =
            members.into_iter().filter(|entry| !hidden.contains(&entry.kind)).collect();
        let named = head.is_some() || shown.iter().any(|entry| entry.prompt.is_some());
        if named && !hidden.contains(&TimelineKind::Prompt) && (head.is_some() || !shown.is_empty()) {
            rows.push(Row::Head { entry: head.cloned().map(Box::new), sum });
        }
        let within = (sum.from_ns, sum.to_ns);
        let asked = head.map(|head| head.title.as_str());
        rows.extend(shown.into_iter().map(|entry| Row::Entry {
            entry: Box::new(named_apart(entry, asked)),
            lines: Lines::default(),
            within,
        }));
    }
    draw_lines(&mut rows);
    rows
}

/// A call that is named like the prompt above it is named by its model.
fn named_apart(entry: &TimelineEntry, asked: Option<&str>) -> TimelineEntry {
    let same = entry.kind == TimelineKind::Call && asked == Some(entry.title.as_str());
    let model = entry.model.clone().filter(|_| same);
    TimelineEntry { title: model.unwrap_or_else(|| entry.title.clone()), ..entry.clone() }
}

fn add(sum: &mut Sum, entry: &TimelineEntry) {
    sum.calls += u64::from(entry.kind == TimelineKind::Call);
    sum.tools += u64::from(entry.kind == TimelineKind::Tool);
    sum.errors += u64::from(entry.failed == Some(true) && entry.kind != TimelineKind::Decision);
    sum.cost = sum.cost.saturating_add(entry.cost.unwrap_or_default());
    sum.from_ns = sum.from_ns.min(entry.time_ns);
    sum.to_ns = sum.to_ns.max(end_ns(entry));
}

/// Gives each agent a line from its first row to its last, the leftmost that is free as long.
fn draw_lines(rows: &mut [Row]) {
    let mut spans: Vec<(usize, usize, usize)> = Vec::new();
    let mut of_agent: HashMap<String, usize> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        let Row::Entry { entry, .. } = row else { continue };
        let Some(agent) = &entry.agent else { continue };
        match of_agent.get(agent).and_then(|span| spans.get_mut(*span)) {
            Some(span) => span.1 = at,
            None => {
                of_agent.insert(agent.clone(), spans.len());
                spans.push((at, at, 0));
            }
        }
    }
    let mut taken = [None::<usize>; MOST];
    for span in &mut spans {
        let free = taken.iter().position(|last| last.is_none_or(|last| last < span.0)).unwrap_or(MOST - 1);
        span.2 = free + 1;
        if let Some(last) = taken.get_mut(free) {
            *last = Some(last.unwrap_or(0).max(span.1));
        }
    }
    let last = rows.len().saturating_sub(1);
    let (mut drawn, mut next): (Vec<(usize, usize, usize)>, usize) = (Vec::new(), 0);
    for (at, row) in rows.iter_mut().enumerate() {
        drawn.retain(|span| span.1 >= at);
        while let Some(span) = spans.get(next).filter(|span| span.0 <= at) {
            drawn.push(*span);
            next += 1;
        }
        let Row::Entry { entry, lines, .. } = row else { continue };
        let own = entry.agent.as_ref().and_then(|agent| spans.get(*of_agent.get(agent)?));
        lines.own = own.map_or(0, |span| span.2);
        lines.begins = own.is_some_and(|span| span.0 == at);
        lines.passes = std::iter::once((0, at > 0, at < last))
            .chain(drawn.iter().map(|span| (span.2, at > span.0, at < span.1)))
            .collect();
    }
}

/// How many lines there are beside each other.
pub fn lanes(rows: &[Row]) -> usize {
    let passes = rows.iter().flat_map(|row| match row {
        Row::Entry { lines, .. } => lines.passes.as_slice(),
        Row::Head { .. } => &[],
    });
    passes.map(|(lane, ..)| lane + 1).max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use api::Usage;

    use super::*;

    fn entry(at: i64, kind: TimelineKind, prompt: Option<&str>, agent: Option<&str>) -> TimelineEntry {
        TimelineEntry {
            time_ns: at,
            duration_us: Some(1),
            kind,
            title: format!("{at}"),
            agent: agent.map(Into::into),
            failed: None,
            prompt: prompt.map(Into::into),
            tool_call: None,
            call: None,
            model: None,
            usage: Usage::default(),
            cost: Some(Money::from_pico(7)).filter(|_| kind == TimelineKind::Call),
            trace_id: None,
            span_id: None,
            log_id: None,
        }
    }

    fn shown(rows: &[Row]) -> Vec<String> {
        rows.iter()
            .map(|row| match row {
                Row::Head { entry, sum } => {
                    let said = entry.as_ref().map_or("?", |entry| entry.title.as_str());
                    format!("{said}: {} calls, {} tools", sum.calls, sum.tools)
                }
                Row::Entry { entry, lines, .. } => format!("{}{}", entry.title, "'".repeat(lines.own)),
            })
            .collect()
    }

    #[test]
    fn what_follows_a_prompt_stands_below_it() {
        use TimelineKind::{Call, Decision, Prompt, Session, Tool};
        let entries = vec![
            entry(1, Session, None, None),
            entry(2, Prompt, Some("a"), None),
            entry(3, Call, Some("a"), None),
            entry(4, Decision, Some("a"), None),
            entry(5, Tool, Some("a"), Some("x")),
            entry(6, Call, Some("b"), None),
            entry(7, Call, Some("a"), Some("y")),
            entry(8, Call, None, Some("x")),
        ];
        let timeline = Timeline { entries, earlier: 0 };
        let rows = arrange(&timeline, &HashSet::new());
        assert_eq!(
            shown(&rows),
            ["1", "2: 1 calls, 1 tools", "3", "4", "5'", "?: 3 calls, 0 tools", "6", "7''", "8'"],
            "a prompt that nobody reported has a heading, too"
        );
        assert_eq!(lanes(&rows), 3);
        let Row::Head { sum, .. } = &rows[1] else { panic!("a heading") };
        assert_eq!((sum.cost.pico(), sum.from_ns, sum.to_ns), (7, 2, 5 + 1_000));
        let Row::Entry { lines, .. } = &rows[4] else { panic!("an entry") };
        assert_eq!(lines.passes, [(0, true, true), (1, false, true)]);
        assert_eq!(counts(&timeline), [1, 4, 1, 1, 0, 0, 1]);

        let hidden = HashSet::from([Decision, Prompt]);
        assert_eq!(shown(&arrange(&timeline, &hidden)), ["1", "3", "5'", "6", "7''", "8'"]);
    }

    #[test]
    fn a_call_does_not_repeat_its_prompt() {
        let mut call = entry(2, TimelineKind::Call, None, None);
        (call.title, call.model) = ("1".into(), Some("gpt-5".into()));
        let entries = vec![entry(1, TimelineKind::Prompt, None, None), call.clone()];
        let timeline = Timeline { entries, earlier: 0 };
        assert_eq!(shown(&arrange(&timeline, &HashSet::new()))[1], "gpt-5");
        let alone = Timeline { entries: vec![call], earlier: 0 };
        assert_eq!(shown(&arrange(&alone, &HashSet::new())), ["1"]);
    }

    #[test]
    fn very_many_agents_stay_within_the_page() {
        let entries = (0..200_i64)
            .map(|at| entry(at, TimelineKind::Call, None, Some(&format!("agent {}", at % 50))))
            .collect();
        let rows = arrange(&Timeline { entries, earlier: 0 }, &HashSet::new());
        assert_eq!(rows.len(), 200);
        assert_eq!(lanes(&rows), MOST + 1);
        assert!(arrange(&Timeline::default(), &HashSet::new()).is_empty());
    }
}
