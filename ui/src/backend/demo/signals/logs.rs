//! Log records of the invented calls: prompts, requests, tool runs, decisions, errors.

use std::collections::BTreeMap;

use api::{
    Attribute, AttributeValue, CallDetail, CallState, HistogramBar, LogDetail, LogFacets, LogFilter, LogRow,
    LogsPage, Reporter,
};

const MS: i64 = 1_000_000;
/// Calls that have records.
const MOST: usize = 6_000;

const TOOLS: [&str; 5] = ["Bash", "Read", "Edit", "Grep", "Task"];
const PROMPTS: [&str; 4] = [
    "The flaky store test still fails on CI, look at retry.rs first",
    "Why does retention take 26 seconds with 12,000 traces? <img src=x onerror=\"window.owned=1\"><script>window.owned=1</script>",
    "Warum dauert das so lange? Bitte prüfe auch die Migration. 日本語のテスト 🌧",
    "rename_everything_in_the_store_from_segments_to_log_including_the_documentation_and_every_test_that_mentions_it_without_a_single_space_in_this_prompt_so_that_it_has_to_be_cut_somewhere",
];

fn hex(number: u64, digits: usize) -> String {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (number << 7);
    format!("{mixed:016x}{:016x}", mixed.rotate_left(23).wrapping_mul(31))[..digits].to_owned()
}

/// Records of the first calls, newest first.
pub(in super::super) fn make(details: &[CallDetail]) -> Vec<LogRow> {
    let mut logs: Vec<LogRow> =
        details.iter().take(MOST).enumerate().flat_map(|(at, call)| of(call, at as u64)).collect();
    logs.sort_by(|one, other| other.id.cmp(&one.id));
    logs
}

/// Records of a call that was just made.
pub(in super::super) fn arrive(logs: &mut Vec<LogRow>, call: &CallDetail) {
    logs.extend(of(call, 9_000_000 + logs.len() as u64));
    logs.sort_by(|one, other| other.id.cmp(&one.id));
}

fn of(call: &CallDetail, number: u64) -> Vec<LogRow> {
    let row = &call.summary;
    let (prefix, service) = match row.client.as_deref() {
        Some("claude-code") => ("claude_code", "claude-code"),
        Some("codex") => ("codex", "codex_cli_rs"),
        Some("gemini-cli") => ("gemini_cli", "gemini-cli"),
        _ => return Vec::new(),
    };
    let traced = service != "gemini-cli" && number % 3 != 2;
    let mut logs = Vec::new();
    let mut add = |offset_ms: i64, severity: u8, event: &str, text: String, of_call: bool| {
        let time_ns = (row.started_ms + offset_ms) * MS + (number as i64 * 7_919) % MS;
        let serial = number * 16 + logs.len() as u64;
        logs.push(LogRow {
            id: format!("{time_ns:016x}{}", hex(serial, 16)),
            time_ns,
            severity,
            event: Some(format!("{prefix}.{event}")),
            service: Some(service.to_owned()),
            text,
            trace_id: row.in_trace.clone().or_else(|| traced.then(|| hex(number / 4, 32))),
            span_id: traced.then(|| hex(serial, 16)),
            session_id: row.session_id.clone(),
            call: of_call.then_some(row.id),
        });
    };
    if number.is_multiple_of(4) {
        add(-900, 9, "user_prompt", PROMPTS[(number / 4 % 4) as usize].to_owned(), false);
    }
    let model = row.model.clone().unwrap_or_default();
    let took = crate::format::duration(row.duration_us.unwrap_or(0));
    let ended = i64::try_from(row.duration_us.unwrap_or(0) / 1_000).unwrap_or(0);
    match row.state {
        CallState::UpstreamError => {
            add(
                ended,
                17,
                "api_error",
                format!("{model} answered 429 after {took}: {}", row.error.clone().unwrap_or_default()),
                true,
            );
        }
        CallState::Truncated => {
            add(ended, 13, "api_retries_exhausted", format!("{model} broke off after {took}"), true);
        }
        _ => {
            let tokens = crate::format::thousands(row.usage.total().unwrap_or(0));
            add(ended, 9, "api_request", format!("{model}, {tokens} tokens in {took}"), true);
        }
    }
    let tool = TOOLS[(number % 5) as usize];
    add(ended + 40, 5, "tool_decision", format!("{tool} allowed by the configuration"), false);
    let failed = number.is_multiple_of(11);
    let said = if failed {
        format!("{tool} failed after 1.2 s: exit status 1")
    } else {
        format!("{tool} ran for {} ms", 20 + number % 900)
    };
    add(ended + 1_300, if failed { 13 } else { 9 }, "tool_result", said, false);
    logs
}

fn keeps(filter: &LogFilter, log: &LogRow) -> bool {
    let is = |wanted: &Option<String>, value: &Option<String>| wanted.is_none() || wanted == value;
    let ms = log.time_ns / MS;
    let words = filter.text.as_deref().map(str::to_lowercase);
    let has = |text: &str| words.as_deref().is_none_or(|words| text.to_lowercase().contains(words));
    is(&filter.service, &log.service)
        && is(&filter.event, &log.event)
        && is(&filter.trace_id, &log.trace_id)
        && is(&filter.span_id, &log.span_id)
        && is(&filter.session_id, &log.session_id)
        && filter.severity_min.is_none_or(|least| log.severity >= least)
        && filter.from_ms.is_none_or(|from| ms >= from)
        && filter.to_ms.is_none_or(|to| ms < to)
        && (has(&log.text)
            || has(log.event.as_deref().unwrap_or_default())
            || has(log.service.as_deref().unwrap_or_default()))
}

pub(super) fn page(
    logs: &[LogRow],
    filter: &LogFilter,
    limit: u32,
    offset: u32,
    before: Option<&str>,
) -> LogsPage {
    let all: Vec<&LogRow> = logs.iter().filter(|log| keeps(filter, log)).collect();
    let after = |log: &&&LogRow| before.is_none_or(|before| log.id.as_str() < before);
    let part = all.iter().filter(after).skip(offset as usize).take(limit as usize);
    let logs = part.map(|log| (*log).clone()).collect();
    LogsPage { logs, total: all.len() as u64, read_back_to_ms: None }
}

pub(super) fn histogram(
    logs: &[LogRow],
    filter: &LogFilter,
    from_ms: i64,
    to_ms: i64,
    bars: u32,
) -> Vec<HistogramBar> {
    let width = ((to_ms - from_ms) / i64::from(bars)).max(1);
    let mut out: Vec<_> = (0..i64::from(bars))
        .map(|bar| HistogramBar { from_ms: from_ms + bar * width, ..HistogramBar::default() })
        .collect();
    for log in logs.iter().filter(|log| keeps(filter, log)) {
        let at = usize::try_from((log.time_ns / MS - from_ms) / width).ok();
        if let Some(bar) = at.and_then(|at| out.get_mut(at)) {
            bar.calls += 1;
            bar.errors += u64::from(log.severity >= 17);
        }
    }
    out
}

pub(super) fn facets(logs: &[LogRow]) -> LogFacets {
    let values = |of: fn(&LogRow) -> &Option<String>| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for value in logs.iter().filter_map(|log| of(log).clone()) {
            *counts.entry(value).or_default() += 1;
        }
        let mut values: Vec<_> = counts.into_iter().collect();
        values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        values.into_iter().map(|(value, _)| value).collect()
    };
    LogFacets { services: values(|log| &log.service), events: values(|log| &log.event) }
}

pub(super) fn text(key: &str, value: &str) -> Attribute {
    Attribute { key: key.to_owned(), value: AttributeValue::Text(value.to_owned()) }
}

pub(super) fn int(key: &str, value: u64) -> Attribute {
    Attribute { key: key.to_owned(), value: AttributeValue::Int(i64::try_from(value).unwrap_or(i64::MAX)) }
}

pub(super) fn reporter(service: &str) -> Reporter {
    Reporter {
        resource: vec![
            text("service.name", service),
            text("service.version", "2.1.329"),
            text("os.type", "linux"),
            text("host.arch", "amd64"),
        ],
        scope_name: "com.anthropic.claude_code.events".into(),
        scope_version: "2.1.329".into(),
        ..Reporter::default()
    }
}

pub(super) fn detail(log: &LogRow, details: &[CallDetail]) -> LogDetail {
    let call = log.call.and_then(|id| details.iter().find(|call| call.summary.id == id));
    let event = log.event.clone().unwrap_or_default();
    let (_, name) = event.split_once('.').unwrap_or(("", &event));
    let mut attributes = vec![
        text("event.name", name),
        text("session.id", log.session_id.as_deref().unwrap_or_default()),
        text("user.id", &hex(7, 32)),
        text("terminal.type", "xterm-256color"),
    ];
    if let Some(call) = call {
        let usage = &call.summary.usage;
        attributes.extend([
            text("model", call.summary.model.as_deref().unwrap_or_default()),
            int("input_tokens", usage.input.unwrap_or(0)),
            int("output_tokens", usage.output.unwrap_or(0)),
            int("cache_read_tokens", usage.cache_read.unwrap_or(0)),
            int("duration_ms", call.summary.duration_us.unwrap_or(0) / 1_000),
            Attribute {
                key: "cost_usd".into(),
                value: AttributeValue::Double(call.summary.cost.unwrap_or_default().dollars()),
            },
            text("request_id", call.request_id.as_deref().unwrap_or_default()),
            Attribute { key: "success".into(), value: AttributeValue::Bool(true) },
        ]);
    } else {
        attributes.extend([
            text("prompt", &log.text),
            text("tool_parameters", r#"{"bash_command":"cargo nextest run -E 'test(drop_whole_traces)' --no-capture","timeout":120000}"#),
            Attribute { key: "workspace.host_paths".into(), value: AttributeValue::List(vec![AttributeValue::Text("/home/ada/llmflow".into()), AttributeValue::Text("/home/ada/store".into())]) },
            Attribute {
                key: "nested".into(),
                value: AttributeValue::Map(vec![int("depth", 1), Attribute { key: "inner".into(), value: AttributeValue::Map(vec![text("a", "b"), Attribute { key: "none".into(), value: AttributeValue::Empty }]) }]),
            },
            Attribute { key: "ratio".into(), value: AttributeValue::NotFinite("NaN".into()) },
        ]);
    }
    LogDetail {
        row: log.clone(),
        time_ns: log.time_ns,
        observed_ns: log.time_ns + 2_310_000,
        severity_text: if log.severity >= 17 { "ERROR".into() } else { String::new() },
        event_name: event.clone(),
        body: AttributeValue::Text(format!("{event}: {}", log.text)),
        attributes,
        dropped_attributes: u32::from(log.severity >= 17),
        flags: 1,
        reporter: reporter(log.service.as_deref().unwrap_or_default()),
    }
}
