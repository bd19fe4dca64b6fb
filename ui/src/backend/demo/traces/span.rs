//! Everything about one invented span.

use api::{
    Attribute, AttributeValue, CallDetail, LogRow, Reporter, SpanDetail, SpanEvent, SpanLink, SpanRow,
    SpanType,
};

use super::super::talk;
use super::Made;

fn text(key: &str, value: &str) -> Attribute {
    Attribute { key: key.into(), value: AttributeValue::Text(value.into()) }
}

fn int(key: &str, value: u64) -> Attribute {
    Attribute { key: key.into(), value: AttributeValue::Int(value as i64) }
}

pub(super) fn detail(row: &SpanRow, trace: &Made, details: &[CallDetail]) -> SpanDetail {
    let call = row.call.as_ref().and_then(|call| details.iter().find(|one| one.summary.id == call.id));
    let is_tool = row.span_type == SpanType::Tool;
    let label = row.label.clone().unwrap_or_default();
    let exit = if row.failed { 101 } else { 0 };
    SpanDetail {
        row: row.clone(),
        trace_id: trace.summary.id.clone(),
        kind: if row.call.is_some() { "client" } else { "internal" }.into(),
        status_code: if row.failed { 2 } else { 0 },
        status_message: if row.failed { "exit status 101" } else { "" }.into(),
        trace_state: String::new(),
        flags: 257,
        attributes: attributes(row, call),
        dropped_attributes: u32::from(row.failed) * 2,
        events: match row.failed {
            true => vec![SpanEvent {
                time_ns: row.start_ns + row.duration_ns * 9 / 10,
                name: "exception".into(),
                attributes: vec![
                    text("exception.type", "ExitStatus"),
                    text("exception.message", "exit status 101"),
                    text("exception.stacktrace", "thread 'drops_whole_traces' panicked at retention.rs:88:\nwriter lock held for 26.4 s"),
                ],
                dropped_attributes: 0,
            }],
            false => vec![],
        },
        dropped_events: 0,
        links: match row.span_type {
            SpanType::Agent => vec![SpanLink {
                trace_id: format!("{:032x}", 4),
                span_id: "a000040000000000".into(),
                trace_state: String::new(),
                flags: 1,
                attributes: vec![text("link.reason", "the turn before")],
                dropped_attributes: 0,
            }],
            _ => vec![],
        },
        dropped_links: 0,
        reporter: Reporter {
            resource: vec![
                text("service.name", row.service.as_deref().unwrap_or_default()),
                text("service.version", "2.1.104"),
                text("host.arch", "arm64"),
                text("os.type", "darwin"),
                int("process.pid", 48_113),
            ],
            resource_schema_url: "https://opentelemetry.io/schemas/1.37.0".into(),
            scope_name: "com.anthropic.claude_code.tracing".into(),
            scope_version: "1.0.0".into(),
            ..Reporter::default()
        },
        conversation: call.map(|call| talk::conversation(&call.summary)),
        input: is_tool.then(|| format!("{{\"command\":{label:?},\"timeout\":120000,\"description\":\"Runs the tests\"}}")),
        output: is_tool.then(|| format!("{{\"exit\":{exit},\"stdout\":\"    Summary [ 27.103s] 214 tests run: 213 passed\\n\",\"seconds\":27.1}}")),
        logs: match row.failed {
            true => vec![LogRow {
                id: format!("{:016x}{:016x}", row.start_ns, 7),
                time_ns: row.start_ns + row.duration_ns,
                severity: 17,
                event: Some("claude_code.tool_result".into()),
                service: row.service.clone(),
                text: "Bash failed after 27.2 s".into(),
                trace_id: Some(trace.summary.id.clone()),
                span_id: Some(row.id.clone()),
                session_id: None,
                call: None,
            }],
            false => vec![],
        },
    }
}

fn attributes(row: &SpanRow, call: Option<&CallDetail>) -> Vec<Attribute> {
    let label = row.label.as_deref().unwrap_or_default();
    let mut attributes = match call {
        Some(call) => vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.provider.name", &call.summary.provider),
            text("gen_ai.request.model", label),
            int("gen_ai.usage.input_tokens", call.summary.usage.prompt_total().unwrap_or(0)),
            int("gen_ai.usage.output_tokens", call.summary.usage.output.unwrap_or(0)),
            Attribute {
                key: "gen_ai.response.finish_reasons".into(),
                value: AttributeValue::List(vec![AttributeValue::Text("tool_use".into())]),
            },
            Attribute { key: "gen_ai.request.temperature".into(), value: AttributeValue::Double(0.7) },
            Attribute { key: "gen_ai.request.stream".into(), value: AttributeValue::Bool(true) },
        ],
        None => vec![
            text("gen_ai.operation.name", &row.name),
            text("gen_ai.tool.name", label.split(' ').next().unwrap_or_default()),
            Attribute {
                key: "tool.parameters".into(),
                value: AttributeValue::Map(vec![
                    text("command", label),
                    int("timeout", 120_000),
                    Attribute { key: "env".into(), value: AttributeValue::Map(vec![text("CI", "1")]) },
                ]),
            },
        ],
    };
    attributes.push(text("session.id", "sess-of-today"));
    attributes.push(Attribute { key: "score".into(), value: AttributeValue::NotFinite("NaN".into()) });
    attributes.push(Attribute { key: "digest".into(), value: AttributeValue::Bytes("3q2+7w==".into()) });
    attributes.push(Attribute { key: "nothing".into(), value: AttributeValue::Empty });
    attributes
}
