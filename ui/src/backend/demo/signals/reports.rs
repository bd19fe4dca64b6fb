//! What spans and events told of the invented calls: most agree with the proxy, some differ, some calls only they know.

use std::collections::HashMap;

use api::{BodyInfo, CallDetail, CallReport, Difference, LogRow, Money, ReportSource, Timing};

/// Adds reports to the calls whose tools make them.
pub(in super::super) fn add(details: &mut [CallDetail], logs: &[LogRow]) {
    let of_call: HashMap<_, &LogRow> = logs.iter().filter_map(|log| Some((log.call?, log))).collect();
    for (at, call) in details.iter_mut().enumerate() {
        let log = of_call.get(&call.summary.id);
        if call.summary.in_trace.is_some()
            && call.reports.is_empty()
            && call.summary.sources.contains(&ReportSource::Span)
        {
            call.reports.push(report(call, ReportSource::Span, None, at));
        }
        if let Some(log) = log {
            call.reports.push(report(call, ReportSource::Event, Some(log), at));
            if !call.summary.sources.contains(&ReportSource::Event) {
                call.summary.sources.push(ReportSource::Event);
            }
            if at % 13 == 5 {
                only_reported(call);
            }
        }
    }
}

fn report(call: &CallDetail, source: ReportSource, log: Option<&&LogRow>, at: usize) -> CallReport {
    let row = &call.summary;
    let mut told = CallReport {
        source,
        name: match source {
            ReportSource::Span => "claude_code.llm_request".into(),
            _ => log.and_then(|log| log.event.clone()).unwrap_or_default(),
        },
        service: log.and_then(|log| log.service.clone()).or(Some("claude-code".into())),
        trace_id: row.in_trace.clone().or(log.and_then(|log| log.trace_id.clone())),
        span_id: log.and_then(|log| log.span_id.clone()),
        log_id: log.map(|log| log.id.clone()),
        matched_by: Some(["request_id", "session_tokens_time", "tokens_time"][at % 3].into()),
        model: row.model.clone(),
        usage: row.usage,
        cost: row.cost,
        started_ms: row.started_ms + 3,
        duration_us: row.duration_us.map(|us| us + 41_000),
        differs: vec![],
    };
    if at % 4 == 1 {
        let shown = row.cost.unwrap_or_default();
        let says = Money::from_pico(shown.pico() / 10 * 9);
        told.cost = Some(says);
        told.usage.cache_write_5m = None;
        let dollars = |money: Money| format!("${:.4}", money.dollars());
        told.differs = vec![
            Difference { field: "cost".into(), says: dollars(says), shown: dollars(shown) },
            Difference { field: "finish_reason".into(), says: "tool_use".into(), shown: "end_turn".into() },
        ];
    }
    told
}

/// The call never went through the proxy.
fn only_reported(call: &mut CallDetail) {
    call.summary.sources.retain(|source| *source != ReportSource::Proxy);
    call.summary.method = "OTLP".into();
    call.summary.path = call.reports.first().map(|report| report.name.clone()).unwrap_or_default();
    if let Some(first) = call.reports.first_mut() {
        first.matched_by = None;
    }
    call.upstream = String::new();
    call.http_version = String::new();
    call.query = None;
    (call.request_headers, call.response_headers) = (vec![], vec![]);
    (call.request_body, call.response_body) = (BodyInfo::default(), BodyInfo::default());
    call.timing = Timing { end_us: call.summary.duration_us, ..Timing::default() };
}
