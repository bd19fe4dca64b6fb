//! Embeddings of every provider, and the media endpoints that report tokens: answers without a conversation.
//! Leaves out the vectors.

use serde_json::Value;

use super::answer::Answer;
use super::json::{count, first_count, object, owned};
use super::openai_chat;

/// Takes an embeddings answer.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    answer.reading.model = owned(value, "model");
    answer.reading.response_id = owned(value, "id");
    let cohere = object(value, "meta").and_then(|meta| object(meta, "billed_units"));
    let told = object(value, "usage").or_else(|| object(value, "usageMetadata")).or(cohere).unwrap_or(value);
    answer.reading.usage.input =
        first_count(told, &["prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count"])
            .or_else(|| count(told, "total_tokens"));
}

/// Takes an answer of an endpoint that is no conversation. Only images and audio report what they used; elsewhere
/// (a stored response read again, a batch) the same tokens would be counted a second time.
pub(super) fn absorb_media(path: &str, value: &Value, answer: &mut Answer) {
    answer.reading.model = owned(value, "model").or_else(|| answer.reading.model.take());
    if (path.contains("/images/") || path.contains("/audio/"))
        && let Some(usage) = object(value, "usage")
    {
        openai_chat::take_usage(usage, answer);
    }
}
