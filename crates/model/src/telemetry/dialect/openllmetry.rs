//! OpenLLMetry (Traceloop), classic names and current ones. A workflow, a task and an agent hold calls and are none.

use api::{Operation, SpanType};

use super::super::keys::Key;
use super::super::reading::SpanReading;
use super::super::told::Told;
use super::super::wire::Span;
use super::super::{kind, read};

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let facts = &told.facts;
    let workflow = facts.text(Key::TraceloopKind).and_then(kind::by_word);
    let mut reading = match workflow {
        Some(span_type) if span_type != SpanType::Custom => read::typed(span, told, span_type),
        _ => read::base(span, told),
    };
    // Calls of Anthropic's Messages say that they are completions.
    if let Some(call) = reading.call.as_mut().filter(|_| span.name.ends_with(".chat")) {
        call.operation = Operation::Chat;
    }
    reading
}
