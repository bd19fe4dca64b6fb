//! LiteLLM's `otel` callback. `raw_gen_ai_request` is a copy of the call in the provider's own shape: an echo. An answer
//! from LiteLLM's own cache cost no call.

use api::{Money, SpanType};

use super::super::keys::Key;
use super::super::read;
use super::super::reading::SpanReading;
use super::super::told::Told;
use super::super::value::dollars;
use super::super::wire::Span;

const COSTS: [Key; 5] = [
    Key::LitellmInputCost,
    Key::LitellmOutputCost,
    Key::LitellmCacheReadCost,
    Key::LitellmCacheCreationCost,
    Key::LitellmToolCost,
];

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let facts = &told.facts;
    let mut reading = read::base(span, told);
    let outer = span.name == "Received Proxy Server Request";
    reading.echo = span.name == "raw_gen_ai_request";
    if outer {
        reading.span_type = SpanType::Trace;
    }
    let cached = facts.flag(&[Key::LitellmCacheHit]) == Some(true);
    if reading.echo || outer || cached {
        reading.call = None;
    }
    if let Some(call) = &mut reading.call {
        let parts: Vec<Money> =
            COSTS.iter().filter_map(|name| facts.number(&[*name]).and_then(dollars)).collect();
        call.cost = call.cost.or_else(|| (!parts.is_empty()).then(|| parts.into_iter().sum()));
    }
    reading
}
