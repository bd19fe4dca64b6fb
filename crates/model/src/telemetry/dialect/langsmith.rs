//! LangSmith's OpenTelemetry exporter: details of tokens and whole conversations are JSON texts. A chain repeats the
//! tokens of what is in it, and is no call.

use serde_json::Value as Json;

use super::super::keys::Key;
use super::super::reading::SpanReading;
use super::super::told::Told;
use super::super::usage::{Input, Output, Tokens};
use super::super::value::json;
use super::super::wire::Span;
use super::super::{provider, read};
use super::{counted, langchain_id};

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let facts = &told.facts;
    let mut reading = read::base(span, told);
    if let Some(call) = &mut reading.call {
        let whole = facts.get(Key::LangsmithUsage).or_else(|| facts.get(Key::LangsmithMetadataUsage));
        let whole = whole.map(json).unwrap_or_default();
        let inputs = details(facts.get(Key::GenAiInputTokenDetails).map(json), &whole, "input_token_details");
        let outputs =
            details(facts.get(Key::GenAiOutputTokenDetails).map(json), &whole, "output_token_details");
        let tokens = Tokens {
            input: facts.count(Key::GenAiInputTokens).or_else(|| counted(&whole, "input_tokens")),
            output: facts.count(Key::GenAiOutputTokens).or_else(|| counted(&whole, "output_tokens")),
            total: facts.count(Key::GenAiTotalTokens).or_else(|| counted(&whole, "total_tokens")),
            cache_read: counted(&inputs, "cache_read").or(call.usage.cache_read),
            cache_write: counted(&inputs, "cache_creation").or(call.usage.cache_write_5m),
            reasoning: counted(&outputs, "reasoning").or(call.usage.reasoning),
            ..Tokens::default()
        };
        if tokens.input.is_some() || tokens.output.is_some() {
            call.usage = tokens.buckets(Input::WholeUnlessDisproved, Output::Whole);
        }
        // LangChain is who reports, not who is asked.
        let provider = facts.text(Key::LangsmithProvider).map(provider::ours);
        call.provider = provider.or_else(|| call.provider.take().filter(|name| name != "langchain"));
        let answer = facts.text(Key::GenAiCompletion);
        call.response_id = call.response_id.take().or_else(|| answer.and_then(langchain_id));
    }
    reading
}

fn details(own: Option<Json>, whole: &Json, member: &str) -> Json {
    own.filter(Json::is_object).or_else(|| whole.get(member).cloned()).unwrap_or_default()
}
