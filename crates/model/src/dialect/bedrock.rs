//! What is Bedrock's own in the answers of other makers' models: frames, figures beside an answer, and the shapes of models
//! that are met only there. Leaves out Converse (`converse`).

use api::{Part, ServerTiming};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::Answer;
use super::json::{count, first_count, list, object, owned, text};
use super::{ByHeaders, anthropic, cohere, converse, embeddings, errors, openai_chat};
use crate::eventstream::Frame;

const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// What a frame carries.
pub(super) enum Carried {
    /// A document or event of the answer.
    Value(Value),
    /// The call failed, for this reason.
    Error(String),
    /// Nothing that can be read.
    Unreadable,
}

/// Opens a frame. Events of `invoke` hold the model's own in base64; Converse's are put under their name.
pub(super) fn carried(frame: &Frame<'_>) -> Carried {
    let payload = serde_json::from_slice::<Value>(frame.payload);
    match frame.header(":message-type") {
        Some("exception") => {
            let kind = frame.header(":exception-type").unwrap_or("exception");
            let message =
                payload.ok().and_then(|said| owned(&said, "message").or_else(|| owned(&said, "Message")));
            Carried::Error(errors::told(kind, message.as_deref()))
        }
        Some("error") => {
            let kind = frame.header(":error-code").unwrap_or("error");
            Carried::Error(errors::told(kind, frame.header(":error-message")))
        }
        _ => match (frame.header(":event-type"), payload) {
            (_, Err(_)) => Carried::Unreadable,
            (Some("chunk"), Ok(chunk)) => {
                let inner = text(&chunk, "bytes").and_then(|inner| STANDARD.decode(inner).ok());
                let inner = inner.and_then(|inner| serde_json::from_slice(&inner).ok());
                inner.map_or(Carried::Unreadable, Carried::Value)
            }
            (Some(kind), Ok(event)) => Carried::Value(json!({ kind: event })),
            (None, Ok(event)) => Carried::Value(event),
        },
    }
}

/// Takes a document or event of a model whose shape is not known beforehand.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    let tagged = text(value, "type").is_some();
    let has = |key: &str| value.get(key).is_some();
    if tagged {
        anthropic::absorb(value, answer);
    } else if has("choices")
        && list(value, "choices").iter().any(|choice| choice.get("stop_reason").is_some())
    {
        // Models that were moved there with a completion's shape.
        take_texts(list(value, "choices"), answer);
    } else if has("choices") {
        openai_chat::absorb(value, answer);
    } else if has("event_type") || has("generation_id") || has("response_id") {
        cohere::absorb(value, answer);
    } else if has("embedding") || has("embeddings") {
        embeddings::absorb(value, answer);
    } else if has("outputs") || has("generations") {
        take_texts(list(value, "outputs"), answer);
        take_texts(list(value, "generations"), answer);
    } else if has("results") || has("outputText") {
        take_titan(value, answer);
    } else if has("generation") {
        take_llama(value, answer);
    } else {
        converse::absorb(value, answer);
    }
}

/// Mistral's completions and what resembles them.
fn take_texts(choices: &[Value], answer: &mut Answer) {
    for choice in choices {
        add_text(owned(choice, "text").unwrap_or_default(), answer);
        take_stop(text(choice, "stop_reason").or_else(|| text(choice, "finish_reason")), answer);
    }
}

fn take_titan(value: &Value, answer: &mut Answer) {
    let results = list(value, "results");
    let whole = std::slice::from_ref(value);
    for result in if results.is_empty() { whole } else { results } {
        add_text(owned(result, "outputText").unwrap_or_default(), answer);
        let written = first_count(result, &["tokenCount", "totalOutputTextTokenCount"]);
        answer.reading.usage.output = written.or(answer.reading.usage.output);
        take_stop(text(result, "completionReason"), answer);
    }
    answer.reading.usage.input = count(value, "inputTextTokenCount").or(answer.reading.usage.input);
}

fn take_llama(value: &Value, answer: &mut Answer) {
    add_text(owned(value, "generation").unwrap_or_default(), answer);
    let known = &mut answer.reading.usage;
    known.input = count(value, "prompt_token_count").or(known.input);
    known.output = count(value, "generation_token_count").or(known.output);
    take_stop(text(value, "stop_reason"), answer);
}

fn add_text(text: String, answer: &mut Answer) {
    answer.add(0, Part::Text { text });
}

fn take_stop(reason: Option<&str>, answer: &mut Answer) {
    if let Some(reason) = reason {
        answer.finish(0, reason);
    }
}

/// Bedrock's own figures, in the last event of a stream. They are the same for every model, and end it.
pub(super) fn take_metrics(value: &Value, answer: &mut Answer) {
    let Some(metrics) = object(value, METRICS) else { return };
    let reading = &mut answer.reading;
    let known = &mut reading.usage;
    known.input = known.input.or_else(|| count(metrics, "inputTokenCount"));
    known.output = count(metrics, "outputTokenCount").or(known.output);
    known.cache_read = known.cache_read.or_else(|| count(metrics, "cacheReadInputTokenCount"));
    if known.cache_write_5m.is_none() && known.cache_write_1h.is_none() {
        known.cache_write_5m = count(metrics, "cacheWriteInputTokenCount");
    }
    let total = count(metrics, "invocationLatency").map(|millis| millis.saturating_mul(1000));
    reading.server = total.map(|total| ServerTiming { total_us: Some(total), ..ServerTiming::default() });
    (reading.complete, reading.usage_final) = (true, true);
}

/// The counts in an answer's headers, for what the answer itself does not say.
pub(super) fn take_counts(told: &ByHeaders<'_>, answer: &mut Answer) {
    let known = &mut answer.reading.usage;
    if known.prompt_total().is_none() {
        known.input = told.input_tokens;
    }
    known.output = known.output.or(told.output_tokens);
}
