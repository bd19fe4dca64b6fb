//! Langfuse's SDK: its tokens and costs are JSON maps whose parts exclude each other, unless the total says otherwise.

use api::{Money, SpanType};
use serde_json::Value as Json;

use super::super::keys::Key;
use super::super::reading::SpanReading;
use super::super::told::Told;
use super::super::usage::{Input, Output, Tokens};
use super::super::value::{dollars, json, moment};
use super::super::wire::Span;
use super::super::{conversation, read};
use super::counted;

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let facts = &told.facts;
    let mut reading = read::base(span, told);
    if facts.text(Key::LangfuseLevel) == Some("ERROR") && reading.error.is_none() {
        reading.error =
            facts.text(Key::LangfuseStatus).map(str::to_owned).or_else(|| Some("failed".to_owned()));
    }
    if matches!(reading.span_type, SpanType::Llm | SpanType::Embedding) {
        let usage = facts.get(Key::LangfuseUsage).map(json);
        let call = reading.call.get_or_insert_default();
        (call.start_ns, call.end_ns) = (span.start_ns, span.end_ns);
        if let Some(usage) = usage.filter(Json::is_object) {
            // Under OpenAI's names stand OpenAI's counts.
            let whole = usage.get("prompt_tokens").is_some();
            let input = if whole { Input::Whole } else { Input::UncachedUnlessDisproved };
            call.usage = tokens(&usage).buckets(input, Output::Whole);
        }
        call.cost =
            call.cost.or_else(|| facts.get(Key::LangfuseCost).map(json).and_then(|cost| money(&cost)));
        let first = facts.text(Key::LangfuseFirstToken).and_then(moment);
        let waited = first.and_then(|first| first.checked_sub(span.start_ns)).map(|ns| ns / 1000);
        call.first_token_us = call.first_token_us.or(waited);
        call.title = call.title.take().or_else(|| conversation::title(&span.events, told));
        reading.call = reading.call.take().filter(super::super::call::is_known);
    }
    reading
}

fn tokens(usage: &Json) -> Tokens {
    let first = |names: &[&str]| names.iter().find_map(|name| counted(usage, name));
    let detail = |held: [&str; 2], name| held.iter().find_map(|held| counted(usage.get(*held)?, name));
    let cached = || detail(["prompt_tokens_details", "input_tokens_details"], "cached_tokens");
    let reasoned = || detail(["completion_tokens_details", "output_tokens_details"], "reasoning_tokens");
    Tokens {
        input: first(&["input", "prompt_tokens", "input_tokens", "promptTokens"]),
        output: first(&["output", "completion_tokens", "output_tokens", "completionTokens"]),
        cache_read: first(&[
            "cache_read_input_tokens",
            "input_cached_tokens",
            "input_cache_read",
            "cache_read",
        ])
        .or_else(cached),
        cache_write: first(&["cache_creation_input_tokens", "input_cache_creation", "cache_creation"]),
        reasoning: first(&["output_reasoning_tokens", "output_reasoning", "reasoning_tokens", "reasoning"])
            .or_else(reasoned),
        total: first(&["total", "total_tokens", "totalTokens"]),
        ..Tokens::default()
    }
}

/// The total, else the sum of the parts.
fn money(cost: &Json) -> Option<Money> {
    let amount = |value: &Json| value.as_f64().and_then(dollars);
    let total = cost.get("total").and_then(amount);
    total.or_else(|| Some(cost.as_object()?.values().filter_map(amount).sum()))
}
