//! OpenInference (Arize, Phoenix): the prompt's tokens include what came from caches. Its lists are spread over
//! attributes, which `conversation` gathers.

use api::{Operation, SpanType};

use super::super::call::{model, provider_of};
use super::super::keys::Key;
use super::super::reading::{ReportedCall, SpanReading};
use super::super::told::Told;
use super::super::value::id;
use super::super::wire::Span;
use super::super::{conversation, read};
use super::langchain_id;
use crate::scanner::{member, string_member};

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let mut reading = read::base(span, told);
    if matches!(reading.span_type, SpanType::Llm | SpanType::Embedding) {
        let mut call = reading.call.take().or_else(|| failed(span, told));
        if let Some(call) = &mut call {
            refine(call, told);
        }
        reading.call = call;
    }
    // A reranker is a model, but nobody counts its tokens.
    if reading.span_type == SpanType::Retrieval && reading.label.is_none() {
        reading.label = told.facts.text(Key::RerankerModel).map(str::to_owned);
    }
    reading
}

/// A call that failed names its model among its parameters and nowhere else.
fn failed(span: &Span, told: &Told<'_>) -> Option<ReportedCall> {
    let parameters = told.facts.text(Key::LlmInvocationParameters)?;
    let named = string_member(parameters.as_bytes(), "model").as_deref().and_then(model)?;
    Some(ReportedCall {
        requested_model: Some(named),
        provider: provider_of(&told.facts),
        operation: Operation::Chat,
        start_ns: span.start_ns,
        end_ns: span.end_ns,
        error: read::error(span, told),
        title: conversation::title(&span.events, told),
        ..ReportedCall::default()
    })
}

/// What stands in the request's parameters and in the answer, which are kept as the provider wrote them.
fn refine(call: &mut ReportedCall, told: &Told<'_>) {
    let parameters = told.facts.text(Key::LlmInvocationParameters).unwrap_or_default();
    let stream = member(parameters.as_bytes(), "stream");
    call.streamed = call.streamed.or(stream.map(|value| value == b"true"));
    let answer =
        told.facts.text(Key::OutputValue).filter(|answer| answer.starts_with('{')).unwrap_or_default();
    let said = |name| string_member(answer.as_bytes(), name);
    // An object that has both is an answer of a provider's API.
    if let (Some(answer), Some(named)) = (said("id"), said("model")) {
        call.response_id = call.response_id.take().or_else(|| id(&answer));
        call.model = call.model.take().or_else(|| model(&named));
    } else if answer.contains("\"generations\"") {
        call.response_id = call.response_id.take().or_else(|| langchain_id(answer));
    }
}
