//! OpenInference (Arize, Phoenix): the prompt's tokens include what came from caches. Its lists are spread over
//! attributes, which `conversation` gathers.

use api::SpanType;

use super::super::keys::Key;
use super::super::read;
use super::super::reading::SpanReading;
use super::super::told::Told;
use super::super::wire::Span;

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let mut reading = read::base(span, told);
    if let Some(call) = &mut reading.call {
        // What was asked for is a name of the caller's; the answer names the model itself.
        let parameters = told.facts.text(Key::LlmInvocationParameters).unwrap_or_default();
        let stream = crate::scanner::member(parameters.as_bytes(), "stream");
        call.streamed = call.streamed.or(stream.map(|value| value == b"true"));
    }
    // A reranker is a model, but nobody counts its tokens.
    if reading.span_type == SpanType::Retrieval && reading.label.is_none() {
        reading.label = told.facts.text(Key::RerankerModel).map(str::to_owned);
    }
    reading
}
