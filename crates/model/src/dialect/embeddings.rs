//! Embeddings, orders of documents and moderations of every provider: answers without a conversation that take input
//! and write nothing. Leaves out the vectors, scores and verdicts.

use serde_json::Value;

use super::answer::Answer;
use super::json::{count, first_count, list, object, owned};
use super::{pieces, timing};

/// Takes an answer.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    answer.reading.model = owned(value, "model");
    answer.reading.response_id = owned(value, "id");
    pieces::take_queries(value, answer);
    let cohere = object(value, "meta").and_then(|meta| object(meta, "billed_units"));
    let told = object(value, "usage").or_else(|| object(value, "usageMetadata")).or(cohere).unwrap_or(value);
    let vertex = list(value, "predictions")
        .iter()
        .filter_map(|one| count(object(object(one, "embeddings")?, "statistics")?, "token_count"))
        .reduce(u64::saturating_add);
    answer.reading.usage.input = first_count(
        told,
        &["prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count", "inputTextTokenCount"],
    )
    .or_else(|| count(told, "total_tokens"))
    .or(vertex);
    timing::take_ollama(value, answer);
}
