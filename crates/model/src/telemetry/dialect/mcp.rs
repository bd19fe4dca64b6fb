//! The Model Context Protocol's conventions: a call of a tool is the tool's run, everything else is transport.

use api::SpanType;

use super::super::keys::Key;
use super::super::read;
use super::super::reading::SpanReading;
use super::super::told::Told;
use super::super::wire::Span;

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let method = told.facts.text(Key::McpMethod).unwrap_or_default();
    let (span_type, transport) = match method {
        "tools/call" => (SpanType::Tool, false),
        "resources/read" => (SpanType::Retrieval, false),
        "prompts/get" | "sampling/createMessage" => (SpanType::Custom, false),
        _ => (SpanType::Custom, true),
    };
    let mut reading = read::typed(span, told, span_type);
    reading.infrastructure = transport;
    if let Some(run) = &mut reading.tool {
        let target = span.name.strip_prefix("tools/call ").map(str::to_owned);
        run.name = run.name.take().or(target);
        // `tool_error` is a run that failed, though the protocol did its part.
        let failed = told.facts.any(&[Key::ErrorType]);
        run.success = run.success.or(failed.then_some(false));
    }
    reading
}
