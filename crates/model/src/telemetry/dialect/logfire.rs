//! Pydantic Logfire and Pydantic AI. A pending span announces the real one, which comes when it has ended: an echo.
//! The agent's `gen_ai.aggregated_usage.*` sums up its calls, and is not read.

use api::SpanType;

use super::super::keys::Key;
use super::super::reading::SpanReading;
use super::super::told::Told;
use super::super::wire::Span;
use super::super::{kind, read, tool};

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let facts = &told.facts;
    let agent = facts.any(&[
        Key::GenAiAggregatedInput,
        Key::PydanticMessages,
        Key::PydanticFinal,
        Key::PydanticEvents,
    ]) || span.name.starts_with("agent run")
        || span.name.starts_with("invoke_agent");
    let tool = facts.any(&[Key::PydanticToolArguments, Key::PydanticToolResponse])
        || span.name.starts_with("running tool");
    let span_type = match kind::of(facts) {
        // Older versions put the sum over an agent's run where a call's tokens stand.
        Some(SpanType::Llm) | None if agent => Some(SpanType::Agent),
        // `running 2 tools` holds each one's `running tool`.
        _ if span.name.starts_with("running ") && !span.name.starts_with("running tool") => {
            Some(SpanType::Chain)
        }
        None if tool => Some(SpanType::Tool),
        known => known,
    };
    let mut reading = match span_type {
        Some(span_type) => read::typed(span, told, span_type),
        None => read::base(span, told),
    };
    if reading.span_type == SpanType::Tool {
        reading.label = reading.tool.as_ref().and_then(tool::line);
    }
    if facts.text(Key::LogfireSpanType) == Some("pending_span") {
        reading.echo = true;
        reading.call = None;
        reading.tool = None;
    }
    reading
}
