//! What the provider keeps: batches and their results, files, responses read again, the figures of a generation.
//! Their tokens belong to other calls; what is read here is who and how far. Leaves out live answers.

use serde_json::Value;

use super::answer::Answer;
use super::json::{object, owned, text};
use super::{Exchange, openai_responses};

/// Takes a stored response, a conversation's item, or a generation's figures.
pub(super) fn absorb_stored(exchange: &Exchange<'_>, value: &Value, answer: &mut Answer) {
    if exchange.path.contains("/responses/") {
        openai_responses::absorb(value, answer);
        return;
    }
    let value = object(value, "data").unwrap_or(value);
    answer.reading.response_id = owned(value, "id").or_else(|| answer.reading.response_id.take());
    answer.reading.model = owned(value, "model").or_else(|| answer.reading.model.take());
}

/// Takes a batch or a file, or one line of their contents.
pub(super) fn absorb_listed(value: &Value, answer: &mut Answer) {
    let reading = &mut answer.reading;
    if value.get("custom_id").is_some() {
        // One result of many; it says nothing about this call.
        reading.finish_reason = Some("results".to_owned());
        return;
    }
    reading.response_id = owned(value, "id").or_else(|| reading.response_id.take());
    reading.model = owned(value, "model").or_else(|| reading.model.take());
    let status = text(value, "processing_status").or_else(|| text(value, "status"));
    reading.finish_reason = status.map(str::to_owned).or_else(|| reading.finish_reason.take());
}
