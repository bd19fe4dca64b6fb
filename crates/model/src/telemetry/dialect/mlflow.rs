//! MLflow: every attribute's value is JSON text, texts in quotes too.

use serde_json::Value as Json;

use super::super::keys::Key;
use super::super::read;
use super::super::reading::SpanReading;
use super::super::told::Told;
use super::super::usage::{Input, Output, Tokens};
use super::super::value::{dollars, json};
use super::super::wire::Span;
use super::counted;

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let facts = &told.facts;
    let mut reading = read::base(span, told);
    if let Some(call) = &mut reading.call {
        if let Some(usage) = facts.get(Key::MlflowUsage).map(json).filter(Json::is_object) {
            let tokens = Tokens {
                input: counted(&usage, "input_tokens"),
                output: counted(&usage, "output_tokens"),
                total: counted(&usage, "total_tokens"),
                cache_read: counted(&usage, "cache_read_input_tokens"),
                cache_write: counted(&usage, "cache_creation_input_tokens"),
                cache_write_long: counted(&usage, "cache_creation_input_tokens_above_1hr"),
                ..Tokens::default()
            };
            call.usage = tokens.buckets(Input::WholeUnlessDisproved, Output::Whole);
        }
        let cost = facts.get(Key::MlflowCost).map(json);
        let total = cost.and_then(|cost| cost.get("total_cost")?.as_f64());
        call.cost = call.cost.or_else(|| total.and_then(dollars));
    }
    reading
}
