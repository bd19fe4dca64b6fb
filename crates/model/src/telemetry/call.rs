//! A call of a model in the names that all dialects share: who was asked, what it took, how it ended.
//! Leaves out which reports are calls, and what one dialect alone says (`dialect`).

use api::{Operation, Usage};

use super::facts::Facts;
use super::keys::Key;
use super::provider;
use super::reading::ReportedCall;
use super::told::{Told, unquoted};
use super::usage::{Input, Output, Tokens};
use super::value::{self, dollars, id, one_line};
use super::wire::Value;

const REQUESTED: [Key; 11] = [
    Key::GenAiRequestModel,
    Key::LlmRequestModelName,
    Key::LlmModelName,
    Key::AiModel,
    Key::LangfuseModel,
    Key::LangsmithModel,
    Key::MlflowModel,
    Key::EmbeddingModel,
    Key::LlmRequestModel,
    Key::LlmModel,
    Key::Model,
];
const ANSWERED: [Key; 5] = [
    Key::GenAiResponseModel,
    Key::LlmResponseModelName,
    Key::AiResponseModel,
    Key::LlmResponseModel,
    Key::LogfireModel,
];
const PROVIDERS: [Key; 8] = [
    Key::GenAiProvider,
    Key::GenAiSystem,
    Key::LlmProvider,
    Key::LlmSystem,
    Key::AiModelProvider,
    Key::LangsmithProvider,
    Key::MlflowProvider,
    Key::LlmVendor,
];
const FINISHED: [Key; 7] = [
    Key::GenAiFinishReasons,
    Key::LlmFinishReason,
    Key::AiFinishReason,
    Key::GenAiCompletionFinish,
    Key::LlmResponseFinish,
    Key::LlmResponseStop,
    Key::StopReason,
];
const COSTS: [Key; 5] = [Key::GenAiCost, Key::GenAiCostTotal, Key::LogfireCost, Key::LlmCost, Key::CostUsd];
const STREAMS: [Key; 5] = [
    Key::GenAiRequestStream,
    Key::GenAiIsStreaming,
    Key::LlmIsStreaming,
    Key::LitellmStreaming,
    Key::LangsmithStreaming,
];
const TIERS: [Key; 3] = [Key::OpenAiResponseTier, Key::GenAiOpenAiResponseTier, Key::GenAiResponseTier];

/// The call that a report tells of, without its title; `None` when nothing is said by which it could be known.
pub(super) fn read(told: &Told<'_>, start_ns: u64, end_ns: u64) -> Option<ReportedCall> {
    let facts = &told.facts;
    let call = ReportedCall {
        provider: provider_of(facts),
        requested_model: facts.first_text(&REQUESTED).and_then(model),
        model: facts.first_text(&ANSWERED).and_then(model),
        operation: Operation::Chat,
        usage: shared_usage(facts),
        cost: facts.number(&COSTS).and_then(dollars),
        start_ns,
        end_ns,
        first_token_us: facts
            .seconds(&[Key::GenAiTimeToFirstChunk, Key::GenAiTimeToFirstToken])
            .or_else(|| facts.milliseconds(&[Key::AiMsToFirstChunk, Key::TtftMs])),
        streamed: facts.flag(&STREAMS),
        status: status(facts),
        error: None,
        finish_reason: finish_reason(facts),
        title: None,
        request_id: facts.text(Key::RequestId).and_then(id),
        client_request_id: facts.text(Key::ClientRequestId).and_then(id),
        response_id: facts
            .first_text(&[Key::GenAiResponseId, Key::AiResponseId, Key::ResponseId])
            .and_then(id),
        service_tier: facts.owned(&TIERS),
    };
    Some(sorted(call)).filter(is_known)
}

/// Some report the request's id where the answer's belongs, and only its beginning tells.
fn sorted(mut call: ReportedCall) -> ReportedCall {
    if let Some(id) = call.response_id.take_if(|id| id.starts_with("req_")) {
        call.request_id.get_or_insert(id);
    }
    call
}

/// Whether a call can be told from others: what has neither model nor tokens nor id would only be counted twice.
pub(super) fn is_known(call: &ReportedCall) -> bool {
    call.requested_model.is_some()
        || call.model.is_some()
        || call.response_id.is_some()
        || call.request_id.is_some()
        || call.usage != Usage::default()
}

/// Who was asked, in our words.
pub(super) fn provider_of(facts: &Facts<'_>) -> Option<String> {
    let named = facts.first_text(&PROVIDERS).map(|name| provider::ours(unquoted(name)));
    named.or_else(|| facts.text(Key::ServerAddress).and_then(provider::of_server))
}

/// A model's name as all sources write it: without Claude Code's mark for the long context, without Google's folder.
pub(super) fn model(sent: &str) -> Option<String> {
    let name = unquoted(sent.trim());
    let name = name.strip_prefix("models/").unwrap_or(name);
    let name = name.strip_suffix("[1m]").unwrap_or(name);
    id(name)
}

/// Tokens in the names that dialects share. Counts are whole unless the figures disprove it.
fn shared_usage(facts: &Facts<'_>) -> Usage {
    let tokens = Tokens {
        input: facts.first_count(&[
            Key::GenAiInputTokens,
            Key::GenAiPromptTokens,
            Key::LlmPromptTokens,
            Key::LlmUsagePrompt,
            Key::AiInputTokens,
            Key::AiPromptTokens,
            Key::InputTokens,
        ]),
        output: facts.first_count(&[
            Key::GenAiOutputTokens,
            Key::GenAiCompletionTokens,
            Key::LlmCompletionTokens,
            Key::LlmUsageCompletion,
            Key::AiOutputTokens,
            Key::AiCompletionTokens,
            Key::OutputTokens,
        ]),
        uncached: None,
        cache_read: facts.first_count(&[
            Key::GenAiCacheRead,
            Key::GenAiCacheReadClassic,
            Key::LlmCacheRead,
            Key::LlmCacheInput,
            Key::LlmUsageCacheRead,
            Key::AiCacheReadTokens,
            Key::AiCachedInputTokens,
            Key::GenAiCacheReadDetail,
            Key::GenAiCacheReadInputDetail,
            Key::GenAiCachedDetail,
        ]),
        cache_write: facts.first_count(&[
            Key::GenAiCacheWrite,
            Key::GenAiCacheCreation,
            Key::GenAiCacheCreationClassic,
            Key::LlmCacheWrite,
            Key::LlmUsageCacheCreation,
            Key::AiCacheWriteTokens,
            Key::GenAiCacheWriteDetail,
            Key::GenAiCacheCreationDetail,
        ]),
        cache_write_long: None,
        reasoning: facts.first_count(&[
            Key::GenAiReasoning,
            Key::GenAiReasoningClassic,
            Key::LlmUsageReasoning,
            Key::LlmReasoning,
            Key::AiReasoningDetail,
            Key::AiReasoningTokens,
            Key::GenAiReasoningDetail,
        ]),
        total: facts.first_count(&[
            Key::GenAiTotalTokens,
            Key::LlmUsageTotal,
            Key::LlmTotalTokens,
            Key::AiTotalTokens,
        ]),
    };
    tokens.buckets(Input::WholeUnlessDisproved, Output::Whole)
}

/// An HTTP status.
pub(super) fn status(facts: &Facts<'_>) -> Option<u16> {
    let status = facts.first_count(&[Key::HttpStatus, Key::HttpStatusOld, Key::StatusCode])?;
    u16::try_from(status).ok().filter(|status| (100..600).contains(status))
}

/// Why the first choice ended.
fn finish_reason(facts: &Facts<'_>) -> Option<String> {
    FINISHED.iter().find_map(|name| first_word(facts.get(*name)?))
}

/// A word, or the first of several: a list, or JSON in a text.
pub(super) fn first_word(value: &Value) -> Option<String> {
    match value {
        Value::List(words) => words.iter().find_map(|word| word.text().and_then(one_line)),
        Value::Text(text) if text.starts_with(['[', '"']) => match value::parsed(text)? {
            serde_json::Value::String(word) => one_line(&word),
            serde_json::Value::Array(words) => words.first()?.as_str().and_then(one_line),
            _ => None,
        },
        Value::Text(text) => one_line(text),
        _ => None,
    }
}

/// What an operation's word asks for.
pub(super) fn operation(word: &str) -> Operation {
    match word {
        "text_completion" | "completion" => Operation::TextCompletion,
        "embeddings" | "embedding" | "EMBEDDING" | "embed" => Operation::Embeddings,
        "rerank" | "reranker" | "RERANKER" => Operation::Rerank,
        "image_generation" | "generate_image" | "image" => Operation::Images,
        "speech" | "transcription" | "generate_speech" | "transcribe" => Operation::Audio,
        _ => Operation::Chat,
    }
}
