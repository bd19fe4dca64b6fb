//! GitHub Copilot's CLI: OpenTelemetry's conventions as they are written. Its agent's span sums up the calls in it, and
//! is no call. What it calls cost is not known to be dollars and is left alone.

use super::super::keys::Key;
use super::super::read;
use super::super::reading::SpanReading;
use super::super::told::Told;
use super::super::value::id;
use super::super::wire::Span;

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let mut reading = read::base(span, told);
    reading.whose.prompt =
        reading.whose.prompt.take().or_else(|| told.facts.text(Key::CopilotInteraction).and_then(id));
    if let Some(call) = &mut reading.call {
        call.first_token_us = call.first_token_us.or_else(|| told.facts.seconds(&[Key::CopilotFirstChunk]));
    }
    reading
}
