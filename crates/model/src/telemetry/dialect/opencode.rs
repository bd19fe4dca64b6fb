//! opencode: hundreds of spans about its own insides, folded away; its calls of models are the AI SDK's (`vercel`).
//! Its log records are lists: a sentence and what goes with it as JSON text.

use api::SpanType;

use super::super::read;
use super::super::reading::{LogReading, SpanReading};
use super::super::told::Told;
use super::super::value::{id, one_line};
use super::super::wire::{LogRecord, Span, Value};
use super::other;
use crate::scanner::string_member;

/// Spans of its own that a user would look for.
const MEANT: [&str; 5] =
    ["LLM.run", "Session.prompt", "SessionPrompt.prompt", "SessionPrompt.loop", "SessionPrompt.run"];

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let tool = span.name.strip_prefix("Tool.").filter(|name| *name == "execute").is_some();
    let span_type = match span.name.as_str() {
        _ if tool => SpanType::Tool,
        name if MEANT.contains(&name) => SpanType::Chain,
        _ => SpanType::Custom,
    };
    let mut reading = read::typed(span, told, span_type);
    reading.infrastructure = span_type == SpanType::Custom;
    reading
}

pub(super) fn log(record: &LogRecord, told: &Told<'_>) -> LogReading {
    let mut reading = other(record, told);
    if let Value::List(parts) = &record.body {
        let words: Vec<&str> = parts.iter().filter_map(Value::text).collect();
        reading.title = one_line(&words.join(" "));
        let session = words.iter().find_map(|word| string_member(word.as_bytes(), "session.id"));
        reading.whose.session = reading.whose.session.or_else(|| session.as_deref().and_then(id));
    }
    reading
}
