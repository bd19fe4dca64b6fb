//! From a span or a log record to what it means: finds out who speaks, and lets that dialect read.
//!
//! What all dialects share is read first (`base`); a dialect then says what it alone knows. Leaves out conversations,
//! which are read on demand.

use api::SpanType;

use super::dialect::{self, Dialect};
use super::keys::Key;
use super::reading::{LogReading, ReportedCall, SpanReading};
use super::told::Told;
use super::value::{LINE, failure, line, one_line};
use super::wire::{LogRecord, Origin, Span, SpanEvent};
use super::{call, conversation, event, infrastructure, kind, tool};
use crate::dialect::fold;

/// OTLP's status of what went wrong.
const ERROR: i32 = 2;
/// OTLP's status of what somebody says went well.
const OK: i32 = 1;

/// What a span means. Never fails: what cannot be read stays empty.
pub fn read_span(span: &Span, origin: &Origin) -> SpanReading {
    let told = Told::of(&span.attributes, origin);
    let mut reading = match Dialect::of_span(&told) {
        Some(dialect) => dialect::span(dialect, span, &told),
        None => plain(span, &told),
    };
    if reading.label.is_none() {
        reading.label = label(&reading, &told);
    }
    reading.shortened()
}

/// What a log record means. Never fails: what cannot be read stays empty.
pub fn read_log(record: &LogRecord, origin: &Origin) -> LogReading {
    let told = Told::of(&record.attributes, origin);
    let event = event::name(record, &told);
    let mut reading = dialect::log(record, &told, event.as_deref().unwrap_or_default());
    reading.event = event;
    reading.shortened()
}

/// A span that nobody speaks of models in.
fn plain(span: &Span, told: &Told<'_>) -> SpanReading {
    let root = if span.parent.is_none() { SpanType::Trace } else { SpanType::Custom };
    let infrastructure = infrastructure::is(span, told);
    SpanReading {
        span_type: if infrastructure { SpanType::Custom } else { root },
        infrastructure,
        whose: told.whose(),
        error: error(span, told),
        ..SpanReading::default()
    }
}

/// A span in the names that all dialects share.
pub(super) fn base(span: &Span, told: &Told<'_>) -> SpanReading {
    let Some(span_type) = kind::of(&told.facts) else { return plain(span, told) };
    typed(span, told, span_type)
}

/// A span of a known type in the names that all dialects share.
pub(super) fn typed(span: &Span, told: &Told<'_>, span_type: SpanType) -> SpanReading {
    let mut reading =
        SpanReading { span_type, whose: told.whose(), error: error(span, told), ..SpanReading::default() };
    match span_type {
        SpanType::Llm | SpanType::Embedding => reading.call = reported(span, told),
        SpanType::Tool => {
            let mut run = tool::read(told);
            run.name =
                run.name.or_else(|| one_line(span.name.strip_prefix("execute_tool ").unwrap_or(&span.name)));
            run.success = run.success.or(match span.status_code {
                ERROR => Some(false),
                OK => Some(true),
                _ => None,
            });
            run.duration_us =
                run.duration_us.or_else(|| span.end_ns.checked_sub(span.start_ns).map(|ns| ns / 1000));
            reading.tool = Some(run);
        }
        _ => {}
    }
    reading
}

/// The call that a span is, in the names that all dialects share.
pub(super) fn reported(span: &Span, told: &Told<'_>) -> Option<ReportedCall> {
    let mut reported = call::read(told, span.start_ns, span.end_ns)?;
    let word = told.facts.first_text(&[
        Key::GenAiOperation,
        Key::OpenInferenceKind,
        Key::LlmRequestType,
        Key::LangfuseType,
        Key::LangsmithKind,
        Key::MlflowType,
    ]);
    reported.operation = word.map_or(reported.operation, call::operation);
    reported.error = error(span, told);
    reported.title = conversation::title(&span.events, told);
    reported.first_token_us = reported.first_token_us.or_else(|| first_token(span));
    Some(reported)
}

/// Events that mark the first token, by OpenInference's and older OpenLLMetry's names.
const FIRST_TOKEN: [&str; 3] =
    ["First Token Stream Event", "llm.content.completion.chunk", "gen_ai.content.completion.chunk"];

fn first_token(span: &Span) -> Option<u64> {
    let event = span.events.iter().find(|event| FIRST_TOKEN.contains(&event.name.as_str()))?;
    event.time_ns.checked_sub(span.start_ns).map(|ns| ns / 1000)
}

/// What went wrong, in one line; `None` when nobody said that anything did.
pub(super) fn error(span: &Span, told: &Told<'_>) -> Option<String> {
    if span.status_code != ERROR {
        return None;
    }
    let facts = &told.facts;
    let said = facts.first_text(&[Key::ErrorMessage, Key::ExceptionMessage, Key::LangfuseStatus]);
    failure(&span.status_message)
        .or_else(|| said.and_then(failure))
        .or_else(|| span.events.iter().rev().find_map(exception))
        .or_else(|| facts.get(Key::Error).and_then(line))
        .or_else(|| facts.first_text(&[Key::ErrorType, Key::ExceptionType]).and_then(one_line))
        .or_else(|| Some("failed".to_owned()))
}

fn exception(event: &SpanEvent) -> Option<String> {
    let kind = event.attributes.text("exception.type");
    let message = event.attributes.text("exception.message");
    match (kind, message) {
        (Some(kind), Some(message)) => one_line(&format!("{kind}: {message}")),
        (kind, message) => one_line(message.or(kind)?),
    }
}

/// A line that says more than the span's name.
fn label(reading: &SpanReading, told: &Told<'_>) -> Option<String> {
    if let Some(run) = &reading.tool {
        return tool::line(run);
    }
    if let Some(call) = &reading.call {
        return call.model.clone().or_else(|| call.requested_model.clone());
    }
    let named = match reading.span_type {
        SpanType::Agent => [Key::GenAiAgentName, Key::AgentName, Key::PydanticAgent, Key::TraceloopEntity],
        SpanType::Retrieval => {
            [Key::GenAiRetrievalQuery, Key::RerankerQuery, Key::GenAiDataSource, Key::InputValue]
        }
        SpanType::Chain | SpanType::Trace => {
            [Key::GenAiWorkflow, Key::TraceloopEntity, Key::TraceloopWorkflow, Key::LangfuseTraceName]
        }
        _ => [Key::LogfireMessage, Key::MlflowFunction, Key::GenAiRequestModel, Key::McpResource],
    };
    told.facts.first_text(&named).map(|text| fold(text, LINE)).filter(|line| !line.is_empty())
}
