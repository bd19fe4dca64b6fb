//! Turns of agents as they usually are.

use api::{CallDetail, SpanType};

use super::super::calls::Dice;
use super::Made;
use super::plot::{At, Plot};

const OPUS: usize = 0;
const HAIKU: usize = 2;
const EMBEDDING: usize = 8;

/// What was asked, by whom, with which model.
const ASKED: [(&str, &str, usize); 6] = [
    ("port the parser to nom 8", "codex", 3),
    ("design the segment store", "claude-code", OPUS),
    ("summarise the crash logs of last night", "gemini-cli", 5),
    ("docs-index refresh", "openai-python", 6),
    ("review PR 482", "claude-code", HAIKU),
    ("rename module store::segments to store::log everywhere", "opencode", 4),
];

pub(super) fn make(dice: &mut Dice, details: &mut Vec<CallDetail>, now: i64) -> Vec<Made> {
    let mut traces = vec![flaky(dice, details, now - 95_000)];
    for number in 0..40_u64 {
        let start = now - 400_000 - number as i64 * 790_000 - dice.roll(300_000) as i64;
        let (asked, client, model) = ASKED[number as usize % ASKED.len()];
        traces.push(turn(dice, details, 0x100 + number, start, (asked, client, model)));
    }
    traces
}

/// The turn of the design.
fn flaky(dice: &mut Dice, details: &mut Vec<CallDetail>, start: i64) -> Made {
    use SpanType::{Agent, Chain, Custom, Retrieval, Tool, Trace};
    let mut plot = Plot::new(1, start, "claude-code");
    let root = plot.add(None, Trace, "turn 17", "fix flaky store tests", (0, 118_000));
    let agent = plot.add(Some(root), Agent, "invoke_agent", "claude-code", (20, 117_900));
    let first = plot.call(dice, agent, OPUS, (50, 25_100));
    plot.plumbing(first, "POST api.anthropic.com", (60, 25_000));
    plot.add(Some(agent), Tool, "execute_tool", "Read src/store/retry.rs", (25_160, 40));
    plot.add(Some(agent), Tool, "execute_tool", "Grep with_retry", (25_250, 120));
    let explore =
        plot.add(Some(agent), Agent, "invoke_agent", "Explore, find retry callers", (25_450, 15_800));
    plot.call(dice, explore, HAIKU, (25_560, 3_900));
    plot.add(Some(explore), Tool, "execute_tool", "Grep with_retry(", (29_550, 80));
    plot.call(dice, explore, HAIKU, (29_750, 3_400));
    plot.add(Some(explore), Tool, "execute_tool", "Read src/store/writer.rs", (33_240, 50));
    plot.add(Some(explore), Tool, "execute_tool", "Read src/store/retention.rs", (33_240, 60));
    let docs = plot.add(Some(explore), Retrieval, "retrieve", "docs-index, k=8", (33_440, 940));
    plot.call(dice, docs, EMBEDDING, (33_460, 40));
    plot.call(dice, explore, HAIKU, (34_540, 6_500));
    plot.call(dice, agent, OPUS, (41_430, 18_000));
    let bash = plot.add(Some(agent), Tool, "execute_tool", "Bash cargo nextest run", (59_500, 27_200));
    plot.add(Some(bash), Custom, "permission, approved by rule", "", (59_500, 20));
    plot.add(Some(bash), Custom, "sandbox", "", (59_600, 27_000));
    plot.fail(bash);
    let fourth = plot.call(dice, agent, OPUS, (86_750, 17_700));
    plot.plumbing(fourth, "POST api.anthropic.com", (86_760, 17_600));
    plot.add(Some(agent), Tool, "execute_tool", "Edit src/store/retention.rs", (104_520, 60));
    let hook = plot.add(Some(agent), Chain, "hook PostToolUse", "", (104_620, 1_600));
    for step in 0..5 {
        plot.add(Some(hook), Custom, "cargo fmt", "", (104_640 + step * 300, 280));
    }
    plot.call(dice, agent, OPUS, (106_310, 7_900));
    plot.add(Some(agent), Tool, "execute_tool", "Bash cargo nextest run -E retention", (114_300, 1_900));
    plot.call(dice, agent, OPUS, (116_200, 1_700));
    plot.finish(details, "claude-code")
}

fn turn(
    dice: &mut Dice,
    details: &mut Vec<CallDetail>,
    number: u64,
    start: i64,
    (asked, client, model): (&str, &'static str, usize),
) -> Made {
    let mut plot = Plot::new(number, start, client);
    let kind = if number.is_multiple_of(3) { SpanType::Agent } else { SpanType::Trace };
    let root = plot.add(None, kind, &format!("turn {}", number % 19 + 1), asked, (0, 0));
    let mut at = 20;
    for _ in 0..1 + dice.roll(6) {
        at = step(dice, &mut plot, root, model, at);
    }
    plot.spans[root].duration_ns = (at + 30) * 1_000_000;
    plot.finish(details, client)
}

/// A call and the tools that it asks for; when they end.
fn step(dice: &mut Dice, plot: &mut Plot, parent: At, model: usize, from: i64) -> i64 {
    let took = 900 + dice.roll(14_000) as i64;
    let call = plot.call(dice, parent, model, (from, took));
    plot.plumbing(call, "HTTP POST", (from + 4, took - 10));
    let mut at = from + took + 20;
    for _ in 0..dice.roll(3) {
        let took = 20 + dice.roll(2_400) as i64;
        let words = ["Read src/store/pack.rs", "Bash cargo check -p store", "Grep fn prepare"];
        let tool =
            plot.add(Some(parent), SpanType::Tool, "execute_tool", words[dice.roll(3) as usize], (at, took));
        if dice.roll(19) == 0 {
            plot.fail(tool);
        }
        at += took + 8;
    }
    at
}
