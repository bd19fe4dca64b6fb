//! Anthropic Messages: the message object and its stream of typed events. Leaves out requests (`prompt`).

use api::Part;
use serde_json::Value;

use super::answer::{Answer, text_of};
use super::content;
use super::json::{count, index, list, object, owned, text};

/// Takes a message or one event of a stream.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    match text(value, "type").unwrap_or_default() {
        "message_start" => {
            if let Some(message) = object(value, "message") {
                take_message(message, answer);
            }
        }
        "message" => take_message(value, answer),
        "content_block_start" => {
            if let Some(block) = value.get("content_block") {
                start_block(index(value, "index", 0), block, answer);
            }
        }
        "content_block_delta" => {
            if let Some(delta) = object(value, "delta") {
                take_delta(index(value, "index", 0), delta, answer);
            }
        }
        "content_block_stop" => stop_block(index(value, "index", 0), answer),
        "message_delta" => take_message_delta(value, answer),
        "message_stop" => answer.reading.complete = true,
        _ => {}
    }
}

fn take_message(message: &Value, answer: &mut Answer) {
    let reading = &mut answer.reading;
    reading.model = owned(message, "model").or_else(|| reading.model.take());
    reading.response_id = owned(message, "id").or_else(|| reading.response_id.take());
    for (place, block) in (0..).zip(list(message, "content")) {
        answer.put((place, 0), content::part(block));
    }
    take_stop(message, answer);
    if let Some(usage) = object(message, "usage") {
        take_usage(usage, answer);
    }
}

/// A block's beginning: streamed text and arguments start empty, other blocks come whole.
fn start_block(place: u64, block: &Value, answer: &mut Answer) {
    let mut part = content::part(block);
    if let Part::ToolCall { arguments, .. } = &mut part
        && arguments == "{}"
    {
        arguments.clear();
    }
    answer.put((place, 0), part);
}

fn take_delta(place: u64, delta: &Value, answer: &mut Answer) {
    let piece = |key: &str| text(delta, key).unwrap_or_default();
    let place = (place, 0);
    match text(delta, "type").unwrap_or_default() {
        "text_delta" => answer.extend(place, piece("text"), || Part::Text { text: String::new() }),
        "thinking_delta" => {
            answer.extend(place, piece("thinking"), || Part::Thinking { text: String::new() });
        }
        "input_json_delta" => answer.extend(place, piece("partial_json"), || Part::ToolCall {
            id: None,
            name: String::new(),
            arguments: String::new(),
        }),
        _ => {}
    }
}

/// A tool without arguments gets an empty fragment, which stands for an empty object.
fn stop_block(place: u64, answer: &mut Answer) {
    if let Some(part @ Part::ToolCall { .. }) = answer.draft(0).part_mut((place, 0))
        && let Some(arguments) = text_of(part)
        && arguments.is_empty()
    {
        arguments.push_str("{}");
    }
}

fn take_message_delta(value: &Value, answer: &mut Answer) {
    let stopped = object(value, "delta").is_some_and(|delta| take_stop(delta, answer));
    if let Some(usage) = object(value, "usage") {
        take_usage(usage, answer);
        // Nothing is counted after the model has stopped.
        answer.reading.usage_final |= stopped;
    }
}

fn take_stop(holder: &Value, answer: &mut Answer) -> bool {
    let Some(reason) = text(holder, "stop_reason") else { return false };
    answer.finish(0, reason);
    true
}

/// Usage is cumulative: each field that is present replaces what was known.
fn take_usage(usage: &Value, answer: &mut Answer) {
    let reading = &mut answer.reading;
    let known = &mut reading.usage;
    known.input = count(usage, "input_tokens").or(known.input);
    known.cache_read = count(usage, "cache_read_input_tokens").or(known.cache_read);
    known.output = count(usage, "output_tokens").or(known.output);
    let details = object(usage, "output_tokens_details");
    known.reasoning = details.and_then(|details| count(details, "thinking_tokens")).or(known.reasoning);
    take_cache_writes(usage, known);

    let searches = object(usage, "server_tool_use").and_then(|tools| count(tools, "web_search_requests"));
    reading.units.web_searches = searches.unwrap_or(reading.units.web_searches);
    reading.service_tier = owned(usage, "service_tier").or_else(|| reading.service_tier.take());
    reading.inference_geo = owned(usage, "inference_geo").or_else(|| reading.inference_geo.take());
    reading.speed = owned(usage, "speed").or_else(|| reading.speed.take());
}

/// The split by lifetime comes at the beginning only; a later total without it leaves the long part as it was.
fn take_cache_writes(usage: &Value, known: &mut api::Usage) {
    if let Some(split) = object(usage, "cache_creation") {
        known.cache_write_5m = count(split, "ephemeral_5m_input_tokens").or(known.cache_write_5m);
        known.cache_write_1h = count(split, "ephemeral_1h_input_tokens").or(known.cache_write_1h);
    } else if let Some(all) = count(usage, "cache_creation_input_tokens") {
        known.cache_write_5m = Some(all.saturating_sub(known.cache_write_1h.unwrap_or(0)));
    }
}
