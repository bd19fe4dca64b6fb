//! Reports and calls made for tests: what Claude Code says of a call, and what the proxy sees of it.

use std::path::Path;

use api::{
    BodyInfo, CallDetail, CallId, CallState, CallSummary, Cost, CostSource, Header, Lineage, Operation,
    ReportSource, Timing, Usage, UsageSource,
};
use model::telemetry::wire::{Attributes, Export, LogRecord, Origin, Resource, Scope, Span, Value};
use store::{CallRecord, Write};

use crate::{Engine, Settings};

/// When calls begin: each a minute after the one before.
const START_MS: i64 = 1_790_000_000_000;
/// The proxy's first call.
pub(crate) const PROXIED: CallId =
    CallId::new(uuid::Uuid::from_u128(0x01a0_c2c2_0000_7000_8000_0000_0000_0001));

/// An engine without listeners.
pub(crate) async fn collecting(folder: &Path) -> Engine {
    let settings = Settings {
        proxy_port: 0,
        otlp_http_port: 0,
        otlp_grpc_port: 0,
        keychain: false,
        data_dir: folder.to_owned(),
        ..Settings::default()
    };
    Engine::start(settings).await.unwrap()
}

/// Sends a request and waits for its answer.
pub(crate) async fn collect(engine: &Engine, export: Export) {
    let inbox = engine.inner.inbox.clone();
    let room = inbox.reserve(1_000).unwrap();
    inbox.deliver(export, room).await.unwrap();
}

fn origin(scope: &str) -> Origin {
    let attributes = Attributes(vec![text("service.name", "claude-code")]);
    Origin {
        resource: Resource { attributes, ..Resource::default() },
        scope: Scope { name: scope.into(), ..Scope::default() },
    }
}

pub(crate) fn spans(spans: impl IntoIterator<Item = Span>) -> Export {
    Export::Traces(vec![(origin("com.anthropic.claude_code.tracing"), spans.into_iter().collect())])
}

pub(crate) fn logs(logs: impl IntoIterator<Item = LogRecord>) -> Export {
    Export::Logs(vec![(origin("com.anthropic.claude_code.events"), logs.into_iter().collect())])
}

pub(crate) fn text(key: &str, value: &str) -> (String, Value) {
    (key.to_owned(), Value::Text(value.to_owned()))
}

pub(crate) fn int(key: &str, value: i64) -> (String, Value) {
    (key.to_owned(), Value::Int(value))
}

fn began_ms(number: u64) -> i64 {
    START_MS + 60_000 * number.cast_signed()
}

fn ns(ms: i64) -> u64 {
    ms.unsigned_abs() * 1_000_000
}

/// What its span says of a call, the `number`th.
pub(crate) fn claude_span(number: u64) -> Span {
    let mut span_id = number.to_be_bytes();
    span_id[0] = 1;
    Span {
        trace_id: [7; 16],
        span_id,
        name: "claude_code.llm_request".into(),
        start_ns: ns(began_ms(number)),
        end_ns: ns(began_ms(number) + 2_000),
        attributes: Attributes(vec![
            text("span.type", "llm_request"),
            text("session.id", "session-1"),
            text("gen_ai.system", "anthropic"),
            text("model", "claude-sonnet-4-5"),
            int("input_tokens", 10),
            int("output_tokens", 200),
            text("gen_ai.response.id", &format!("req_{number:024}")),
        ]),
        ..Span::default()
    }
}

/// What its event says of a call.
pub(crate) fn claude_event(number: u64) -> LogRecord {
    LogRecord {
        time_ns: ns(began_ms(number) + 2_000),
        body: Value::Text("claude_code.api_request".into()),
        attributes: Attributes(vec![
            text("event.name", "api_request"),
            text("session.id", "session-1"),
            text("model", "claude-sonnet-4-5"),
            int("input_tokens", 10),
            int("output_tokens", 200),
            int("duration_ms", 2_000),
            ("cost_usd".to_owned(), Value::Double(0.00303)),
            text("request_id", &format!("req_{number:024}")),
        ]),
        ..LogRecord::default()
    }
}

/// What the proxy sees of a call.
pub(crate) fn proxied(number: u64) -> Write {
    let mut id = *PROXIED.as_bytes();
    id[15] = u8::try_from(number).unwrap();
    let summary = CallSummary {
        id: CallId::from_slice(&id).unwrap(),
        started_ms: began_ms(number),
        duration_us: Some(2_000_000),
        first_byte_us: None,
        first_token_us: None,
        state: CallState::Complete,
        provider: "anthropic".into(),
        operation: Operation::Chat,
        client: Some("claude-code".into()),
        method: "POST".into(),
        path: "/v1/messages".into(),
        status: Some(200),
        model: Some("claude-sonnet-4-5-20250929".into()),
        title: None,
        streamed: true,
        usage: Usage { input: Some(10), output: Some(200), ..Usage::default() },
        usage_source: UsageSource::Provider,
        cost: Some(api::Money::from_pico(3_030_000_000)),
        cost_source: CostSource::Computed,
        equivalent: None,
        finish_reason: Some("end_turn".into()),
        error: None,
        session_id: Some("session-1".into()),
        lineage: Lineage::default(),
        trace_id: None,
        parent_id: None,
        retry_of: None,
        replay_of: None,
        tags: Vec::new(),
        sources: vec![ReportSource::Proxy],
        in_trace: None,
    };
    let detail = CallDetail {
        summary,
        upstream: "api.anthropic.com".into(),
        upstream_path: None,
        query: None,
        http_version: "HTTP/1.1".into(),
        requested_model: None,
        response_id: Some(format!("msg_{number:024}")),
        request_id: Some(format!("req_{number:024}")),
        credential: None,
        request_headers: vec![Header { name: "x-client-request-id".into(), value: format!("c{number}") }],
        response_headers: Vec::new(),
        request_body: BodyInfo::default(),
        response_body: BodyInfo::default(),
        cost: Cost::default(),
        timing: Timing::default(),
        translated: None,
        reports: Vec::new(),
    };
    Write::Close(Box::new(CallRecord {
        detail,
        request: store::Body::default(),
        response: store::Body::default(),
        client: None,
        answer_text: String::new(),
        billed: model::pricing::Facts::default(),
        ties: store::Ties { holder: "account:me".into(), ..store::Ties::default() },
    }))
}

/// An event of Claude Code, so many milliseconds after the first call's beginning.
pub(crate) fn happened(
    name: &str,
    after_ms: i64,
    more: impl IntoIterator<Item = (String, Value)>,
) -> LogRecord {
    let common = [text("event.name", name), text("session.id", "session-1"), text("prompt.id", "prompt-1")];
    LogRecord {
        time_ns: ns(began_ms(1) + after_ms),
        body: Value::Text(format!("claude_code.{name}")),
        attributes: Attributes(common.into_iter().chain(more).collect()),
        ..LogRecord::default()
    }
}

/// A tool's run as a span tells of it.
pub(crate) fn tool_span(after_ms: i64, lasted_ms: i64, call_id: &str) -> Span {
    Span {
        trace_id: [7; 16],
        span_id: after_ms.to_be_bytes(),
        name: "claude_code.tool".into(),
        start_ns: ns(began_ms(1) + after_ms),
        end_ns: ns(began_ms(1) + after_ms + lasted_ms),
        attributes: Attributes(vec![
            text("span.type", "tool"),
            text("session.id", "session-1"),
            text("tool_name", "Bash"),
            text("gen_ai.operation.name", "execute_tool"),
            text("gen_ai.tool.name", "Bash"),
            text("gen_ai.tool.call.id", call_id),
        ]),
        ..Span::default()
    }
}

/// A call as the GenAI conventions tell of it, with what was said.
pub(crate) fn said(number: u64, asked: &str, answered: &str) -> Export {
    let message = |role: &str, said: &str| {
        format!(r#"[{{"role":"{role}","parts":[{{"type":"text","content":"{said}"}}]}}]"#)
    };
    let span = Span {
        trace_id: [9; 16],
        span_id: number.to_be_bytes(),
        name: "chat gpt-4o".into(),
        kind: 3,
        start_ns: ns(began_ms(number)),
        end_ns: ns(began_ms(number) + 500),
        attributes: Attributes(vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.provider.name", "openai"),
            text("gen_ai.request.model", "gpt-4o"),
            int("gen_ai.usage.input_tokens", 1_000),
            int("gen_ai.usage.output_tokens", 100),
            text("gen_ai.input.messages", &message("user", asked)),
            text("gen_ai.output.messages", &message("assistant", answered)),
        ]),
        ..Span::default()
    };
    Export::Traces(vec![(origin("made.by.hand"), vec![span])])
}
