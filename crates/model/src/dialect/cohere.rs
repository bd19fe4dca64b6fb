//! Cohere chat, v2 and as much of v1 as is still in use. Leaves out requests (`prompt`).

use api::Part;
use serde_json::Value;

use super::answer::{Answer, text_of};
use super::json::{count, index, list, object, owned, text};
use super::{content, errors, ollama};

/// Tool calls stand after text and thinking.
const TOOL_CALLS: u64 = 1 << 60;

/// Takes a whole answer or one event of a stream.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    let delta = object(value, "delta");
    let message = delta.and_then(|delta| object(delta, "message"));
    let place = index(value, "index", 0);
    match (text(value, "type").or_else(|| text(value, "event_type")).unwrap_or_default(), message) {
        ("message-start", _) => answer.reading.response_id = owned(value, "id"),
        ("content-start" | "content-delta", Some(message)) => {
            if let Some(content) = object(message, "content") {
                take_content(place, content, answer);
            }
        }
        ("tool-call-start" | "tool-call-delta", Some(message)) => {
            if let Some(call) = object(message, "tool_calls") {
                take_tool_call(place, call, answer);
            }
        }
        ("message-end", _) => {
            answer.reading.complete = true;
            take_end(delta.unwrap_or(value), answer);
        }
        ("text-generation", _) => add_text(value, answer),
        ("stream-end", _) => {
            answer.reading.complete = true;
            let response = object(value, "response").unwrap_or(value);
            answer.reading.response_id = owned(response, "response_id");
            take_end(response, answer);
        }
        ("", _) => take_whole(value, answer),
        _ => {}
    }
}

fn take_whole(value: &Value, answer: &mut Answer) {
    answer.reading.response_id = owned(value, "id").or_else(|| owned(value, "response_id"));
    if let Some(message) = object(value, "message") {
        for part in message.get("content").map(content::parts).unwrap_or_default() {
            answer.add(0, part);
        }
        for call in list(message, "tool_calls") {
            answer.add(0, ollama::tool_call(call));
        }
    }
    add_text(value, answer);
    take_end(value, answer);
}

fn add_text(value: &Value, answer: &mut Answer) {
    if let Some(text) = text(value, "text") {
        answer.add(0, Part::Text { text: text.to_owned() });
    }
}

fn take_content(place: u64, content: &Value, answer: &mut Answer) {
    let place = (place, 0);
    if let Some(piece) = text(content, "thinking") {
        answer.extend(place, piece, || Part::Thinking { text: String::new() });
    } else if let Some(piece) = text(content, "text") {
        answer.extend(place, piece, || Part::Text { text: String::new() });
    }
}

fn take_tool_call(place: u64, call: &Value, answer: &mut Answer) {
    answer.has_output = true;
    let place = (TOOL_CALLS.saturating_add(place), 0);
    let started = ollama::tool_call(call);
    let Part::ToolCall { arguments: piece, .. } = &started else { return };
    let piece = piece.clone();
    match answer.draft(0).part_mut(place) {
        Some(known) => {
            if let Some(arguments) = text_of(known) {
                arguments.push_str(&piece);
            }
        }
        None => answer.put(place, started),
    }
}

fn take_end(holder: &Value, answer: &mut Answer) {
    if let Some(reason) = text(holder, "finish_reason") {
        answer.finish(0, reason);
        // Its failures are an ordinary end but for the reason; v1 says which kind of ERROR.
        if reason.starts_with("ERROR") || reason == "TIMEOUT" {
            let error = holder.get("error").and_then(|error| errors::named(error, None));
            answer.reading.error = error.or_else(|| Some(reason.to_owned()));
        }
    }
    let usage = object(holder, "usage").or_else(|| object(holder, "meta"));
    if let Some(usage) = usage {
        take_usage(usage, answer);
    }
}

/// Billed units rather than tokens: Cohere does not bill what its own prompt template adds.
fn take_usage(usage: &Value, answer: &mut Answer) {
    let Some(units) = object(usage, "billed_units").or_else(|| object(usage, "tokens")) else { return };
    let known = &mut answer.reading.usage;
    let cached = count(usage, "cached_tokens");
    known.input = count(units, "input_tokens").map(|input| input.saturating_sub(cached.unwrap_or(0)));
    known.cache_read = cached;
    known.output = count(units, "output_tokens");
}
