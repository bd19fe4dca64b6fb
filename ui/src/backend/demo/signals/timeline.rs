//! What happened in an invented session: each call with the prompt before it and the tools after it.

use api::{LogRow, Money, SessionDetail, Timeline, TimelineEntry, TimelineKind, Usage};

const MS: i64 = 1_000_000;
/// Entries shown at most, as the engine does.
const MOST: usize = 10_000;

pub(super) fn of(found: &SessionDetail, logs: &[LogRow]) -> Timeline {
    let own: Vec<&LogRow> =
        logs.iter().filter(|log| log.session_id.as_deref() == Some(found.session.id.as_str())).collect();
    let mut entries = Vec::new();
    let began = found.session.first_ms * MS - 2_000 * MS;
    entries.push(entry(began, TimelineKind::Session, "Session started: startup, model claude-opus-4-5"));
    let mut prompt = 0;
    for (index, call) in found.calls.iter().enumerate() {
        if index % 3 == 0 {
            prompt += 1;
            let title = call.title.clone().unwrap_or_else(|| "Go on".into());
            entries.push(TimelineEntry {
                prompt: named(prompt),
                ..entry(call.started_ms * MS - 900 * MS, TimelineKind::Prompt, &title)
            });
        }
        let agent =
            call.lineage.agent.as_ref().map(|agent| agent.name.clone().unwrap_or_else(|| agent.id.clone()));
        let log = own.iter().find(|log| log.call == Some(call.id));
        let failed = super::super::matching::failed(call);
        entries.push(TimelineEntry {
            duration_us: call.duration_us,
            agent: agent.clone(),
            failed: Some(failed),
            prompt: named(prompt),
            call: Some(call.id),
            model: call.model.clone(),
            usage: call.usage,
            cost: call.cost,
            trace_id: log.and_then(|log| log.trace_id.clone()),
            span_id: log.and_then(|log| log.span_id.clone()),
            log_id: log.map(|log| log.id.clone()),
            ..entry(call.started_ms * MS, TimelineKind::Call, call.title.as_deref().unwrap_or("chat"))
        });
        let ended = call.started_ms * MS + i64::try_from(call.duration_us.unwrap_or(0)).unwrap_or(0) * 1_000;
        if failed {
            let said = call.error.as_deref().unwrap_or("failed");
            entries.push(TimelineEntry {
                failed: Some(true),
                prompt: named(prompt),
                agent,
                ..entry(ended, TimelineKind::Error, said)
            });
            continue;
        }
        let tool = [
            "Bash: cargo nextest run -E 'test(drop_whole_traces)'",
            "Read: src/store/retry.rs",
            "Edit: src/store/retention.rs",
        ][index % 3];
        let (name, _) = tool.split_once(':').unwrap_or((tool, ""));
        let id = Some(format!("toolu_{index:02}"));
        entries.push(TimelineEntry {
            prompt: named(prompt),
            agent: agent.clone(),
            tool_call: id.clone(),
            failed: Some(index % 7 == 6),
            ..entry(ended + 20 * MS, TimelineKind::Decision, &format!("{name} allowed by the configuration"))
        });
        entries.push(TimelineEntry {
            prompt: named(prompt),
            agent,
            tool_call: id,
            duration_us: Some(40_000 + index as u64 * 211_000 % 9_000_000),
            failed: Some(index % 5 == 4),
            ..entry(ended + 60 * MS, TimelineKind::Tool, tool)
        });
        if index % 3 == 2 {
            entries.push(TimelineEntry {
                prompt: named(prompt),
                ..entry(ended + 9_000 * MS, TimelineKind::Answer, "The writer keeps its transaction open while it waits for the vacuum. I will run the vacuum after the commit.")
            });
        }
    }
    entries.sort_by_key(|entry| entry.time_ns);
    let earlier = entries.len().saturating_sub(MOST);
    Timeline { entries: entries.split_off(earlier), earlier: earlier as u64 }
}

fn named(prompt: u32) -> Option<String> {
    Some(format!("prompt-{prompt}"))
}

fn entry(time_ns: i64, kind: TimelineKind, title: &str) -> TimelineEntry {
    TimelineEntry {
        time_ns,
        duration_us: None,
        kind,
        title: title.to_owned(),
        agent: None,
        failed: None,
        prompt: None,
        tool_call: None,
        call: None,
        model: None,
        usage: Usage::default(),
        cost: None::<Money>,
        trace_id: None,
        span_id: None,
        log_id: None,
    }
}
