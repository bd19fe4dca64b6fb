//! Traces that are hard to show: very many spans, missing parents, wrong clocks, long names, one that still grows.
//! Their numbers: 2 ten thousand spans, 3 a hundred thousand, 4 one span, 5 missing parents, 6 wrong times, 7 grows,
//! 8 long names, 9 nearly only plumbing, a sixty levels deep.

use api::{CallDetail, SpanType};

use super::super::calls::Dice;
use super::Made;
use super::plot::Plot;

pub(super) fn make(dice: &mut Dice, details: &mut Vec<CallDetail>, now: i64) -> Vec<Made> {
    let back = |minutes: i64| now - minutes * 60_000;
    vec![
        many(dice, details, 2, back(47), 10_000),
        many(dice, details, 3, back(190), 100_000),
        single(dice, details, back(12)),
        orphans(dice, details, back(21)),
        clocks(dice, details, back(33)),
        growing(dice, details, back(1)),
        long_names(dice, details, back(44)),
        plumbing(dice, details, back(58)),
        deep(details, back(71)),
    ]
}

fn many(dice: &mut Dice, details: &mut Vec<CallDetail>, number: u64, start: i64, count: usize) -> Made {
    let mut plot = Plot::new(number, start, "codex");
    let root = plot.add(None, SpanType::Trace, "nightly-eval", "All 412 cases", (0, 0));
    let mut at = 10;
    while plot.spans.len() < count {
        let case =
            plot.add(Some(root), SpanType::Agent, "invoke_agent", &format!("case {}", at / 7), (at, 0));
        let begun = at;
        for _ in 0..6 {
            let took = 300 + dice.roll(2_000) as i64;
            // So many details would only be memory.
            let call = match plot.spans.len() < 1_500 {
                true => plot.call(dice, case, 3, (at, took)),
                false => plot.add(Some(case), SpanType::Llm, "chat", "gpt-5.1-codex", (at, took)),
            };
            plot.plumbing(call, "HTTP POST", (at + 3, took - 6));
            at += took + 4;
            for _ in 0..dice.roll(5) {
                let took = 1 + dice.roll(400) as i64;
                let tool =
                    plot.add(Some(case), SpanType::Tool, "execute_tool", "shell ls -la src", (at, took));
                if dice.roll(300) == 0 {
                    plot.fail(tool);
                }
                at += took + 1;
            }
        }
        plot.spans[case].duration_ns = (at - begun) * 1_000_000;
        at += 11;
    }
    plot.spans[root].duration_ns = at * 1_000_000;
    plot.finish(details, "codex")
}

fn single(dice: &mut Dice, details: &mut Vec<CallDetail>, start: i64) -> Made {
    let mut plot = Plot::new(4, start, "openai-python");
    let root = plot.add(None, SpanType::Custom, "openai.chat", "", (0, 2_400));
    plot.call(dice, root, 6, (0, 2_400));
    let mut only = plot.spans.remove(1);
    only.parent = None;
    plot.spans[root] = only;
    plot.finish(details, "openai-python")
}

fn orphans(dice: &mut Dice, details: &mut Vec<CallDetail>, start: i64) -> Made {
    let mut plot = Plot::new(5, start, "langchain");
    let root = plot.add(None, SpanType::Chain, "RunnableSequence", "", (0, 14_000));
    plot.call(dice, root, 4, (100, 3_000));
    let lost = plot.add(Some(root), SpanType::Agent, "lost", "", (3_200, 9_000));
    let tool = plot.add(Some(lost), SpanType::Tool, "execute_tool", "search the web", (3_300, 2_000));
    plot.fail(tool);
    plot.call(dice, lost, 4, (5_400, 4_000));
    plot.plumbing(lost, "GET search.example", (3_310, 1_900));
    let other = plot.add(Some(root), SpanType::Custom, "also lost", "", (9_800, 100));
    plot.add(Some(other), SpanType::Retrieval, "retrieve", "wiki, k=4", (9_820, 60));
    plot.spans.retain(|span| !span.name.contains("lost"));
    plot.finish(details, "langchain")
}

fn clocks(dice: &mut Dice, details: &mut Vec<CallDetail>, start: i64) -> Made {
    let mut plot = Plot::new(6, start, "two-machines");
    let root = plot.add(None, SpanType::Agent, "invoke_agent", "planner", (1_000, 8_000));
    plot.call(dice, root, 2, (1_100, 2_000));
    plot.add(Some(root), SpanType::Tool, "execute_tool", "on a machine whose clock is slow", (200, 900));
    plot.add(Some(root), SpanType::Tool, "execute_tool", "goes on after its agent", (8_000, 4_000));
    let zero = plot.add(Some(root), SpanType::Custom, "took no time", "", (4_000, 0));
    plot.add(Some(zero), SpanType::Custom, "took microseconds", "", (4_000, 0));
    plot.spans[zero + 1].duration_ns = 42_000;
    plot.add(Some(root), SpanType::Custom, "ended before it began", "", (5_000, -1_500));
    let endless = plot.add(Some(root), SpanType::Custom, "says no end", "", (6_000, 0));
    plot.spans[endless].duration_ns = -1;
    let timeless = plot.add(Some(root), SpanType::Custom, "says no time", "", (0, 0));
    plot.spans[timeless].start_ns = 0;
    plot.finish(details, "openai-python")
}

fn growing(dice: &mut Dice, details: &mut Vec<CallDetail>, start: i64) -> Made {
    let mut plot = Plot::new(7, start, "gemini-cli");
    let root = plot.add(None, SpanType::Trace, "turn 3", "write the release notes", (0, 240_000));
    let mut at = 10;
    for _ in 0..60 {
        plot.call(dice, root, 5, (at, 2_600));
        plot.add(Some(root), SpanType::Tool, "execute_tool", "read_file CHANGELOG.md", (at + 2_700, 900));
        at += 3_900;
    }
    let mut made = plot.finish(details, "gemini-cli");
    // The root comes last, as it is reported when it ends.
    made.spans.rotate_left(1);
    made.grown = Some(6);
    made
}

fn long_names(dice: &mut Dice, details: &mut Vec<CallDetail>, start: i64) -> Made {
    let mut plot = Plot::new(8, start, "a service with a name that does not end for a long while");
    let name = "a-name-that-has-no-place-to-break-".repeat(12);
    let root = plot.add(
        None,
        SpanType::Trace,
        &name,
        &"A label of many words that goes on and on ".repeat(9),
        (0, 9_000),
    );
    let markup = "<img src=x onerror=\"document.title='owned'\"><b>bold</b> \u{202e}right to left";
    let tool = plot.add(Some(root), SpanType::Tool, markup, &format!("{markup} {name}"), (100, 5_000));
    plot.fail(tool);
    plot.call(dice, tool, 0, (200, 4_000));
    plot.add(Some(tool), SpanType::Custom, "数据库查询：检索所有未完成的任务并汇总结果", "", (4_300, 600));
    plot.add(Some(root), SpanType::Custom, "", "", (6_000, 100));
    plot.finish(details, "claude-code")
}

fn plumbing(dice: &mut Dice, details: &mut Vec<CallDetail>, start: i64) -> Made {
    let mut plot = Plot::new(9, start, "codex");
    let root = plot.add(None, SpanType::Trace, "turn", "explain this repository", (0, 31_000));
    let mut at = 10;
    for number in 0..24 {
        let first = plot.plumbing(root, "handle_responses", (at, 1_250));
        for inner in 0..14 {
            plot.plumbing(
                first,
                ["poll_next", "receiving", "try_recv", "append_items"][inner % 4],
                (at + 20 + inner as i64 * 80, 70),
            );
        }
        let call = if number % 4 == 0 { plot.call(dice, first, 3, (at + 30, 900)) } else { first };
        if number == 13 {
            plot.fail(call);
        }
        at += 1_280;
    }
    plot.finish(details, "codex")
}

fn deep(details: &mut Vec<CallDetail>, start: i64) -> Made {
    let mut plot = Plot::new(10, start, "recursive");
    let mut at = plot.add(None, SpanType::Chain, "fold", "level 0", (0, 9_000));
    for level in 1..60 {
        at = plot.add(
            Some(at),
            SpanType::Chain,
            "fold",
            &format!("level {level}"),
            (level * 20, 9_000 - level * 60),
        );
    }
    plot.fail(at);
    plot.finish(details, "openai-python")
}
