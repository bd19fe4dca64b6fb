//! Gemini's generateContent, its stream, and its content parts. Leaves out the rest of requests (`prompt`).

use api::Part;
use serde_json::Value;

use super::answer::Answer;
use super::json::{argument_text, count, first_count, index, list, object, owned, text};
use super::{content, pieces};

/// Takes a response or one element of a stream; Code Assist wraps it once more.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    let value = object(value, "response").unwrap_or(value);
    let reading = &mut answer.reading;
    reading.model = owned(value, "modelVersion").or_else(|| reading.model.take());
    reading.response_id = owned(value, "responseId").or_else(|| reading.response_id.take());
    for (position, candidate) in (0..).zip(list(value, "candidates")) {
        take_candidate(candidate, index(candidate, "index", position), answer);
    }
    let blocked = object(value, "promptFeedback").and_then(|feedback| text(feedback, "blockReason"));
    if let Some(reason) = blocked {
        answer.finish(0, reason);
        answer.reading.complete = true;
    }
    if let Some(usage) = object(value, "usageMetadata") {
        take_usage(usage, answer);
    }
}

fn take_candidate(candidate: &Value, index: u64, answer: &mut Answer) {
    answer.draft(index);
    if let Some(content) = object(candidate, "content") {
        for value in list(content, "parts") {
            answer.add(index, part(value));
        }
    }
    if let Some(grounding) = object(candidate, "groundingMetadata") {
        let queries = list(grounding, "webSearchQueries").len() as u64;
        answer.reading.units.web_searches = answer.reading.units.web_searches.max(queries);
    }
    pieces::take_maps(candidate, answer);
    if let Some(reason) = text(candidate, "finishReason") {
        answer.finish(index, reason);
        answer.reading.complete |= answer.all_finished();
    }
}

/// Cumulative: the last chunk's figures count.
fn take_usage(usage: &Value, answer: &mut Answer) {
    let reading = &mut answer.reading;
    let prompt = count(usage, "promptTokenCount");
    let from_tools = count(usage, "toolUsePromptTokenCount").unwrap_or(0);
    let cached = count(usage, "cachedContentTokenCount");
    let candidates = first_count(usage, &["candidatesTokenCount", "responseTokenCount"]);
    let thoughts = count(usage, "thoughtsTokenCount");
    let known = &mut reading.usage;
    if let Some(prompt) = prompt {
        known.input = Some(prompt.saturating_sub(cached.unwrap_or(0)) + from_tools);
        known.cache_read = cached;
    }
    if candidates.is_some() || thoughts.is_some() {
        let written = candidates.unwrap_or(0);
        let without_thoughts = prompt.unwrap_or(0) + written + from_tools;
        // Older models and some gateways count thoughts among the candidates.
        let inclusive = count(usage, "totalTokenCount") == Some(without_thoughts);
        known.output = Some(if inclusive { written } else { written + thoughts.unwrap_or(0) });
        known.reasoning = thoughts;
    }
    pieces::take_gemini(usage, reading);
    let tier = owned(usage, "serviceTier").or_else(|| owned(usage, "trafficType"));
    reading.service_tier = tier.or_else(|| reading.service_tier.take());
}

/// One of Gemini's parts, in a request or an answer; gateways write some names in snake case.
pub(crate) fn part(value: &Value) -> Part {
    let either = |camel: &str, snake: &str| object(value, camel).or_else(|| object(value, snake));
    if let Some(text) = value.get("text").and_then(Value::as_str) {
        let thought = value.get("thought").and_then(Value::as_bool) == Some(true);
        let text = text.to_owned();
        return if thought { Part::Thinking { text } } else { Part::Text { text } };
    }
    if let Some(call) = either("functionCall", "function_call") {
        return Part::ToolCall {
            id: owned(call, "id"),
            name: owned(call, "name").unwrap_or_default(),
            arguments: call.get("args").map_or_else(|| "{}".to_owned(), argument_text),
        };
    }
    if let Some(result) = either("functionResponse", "function_response") {
        let response = result.get("response").unwrap_or(&Value::Null);
        return Part::ToolResult {
            id: owned(result, "id").or_else(|| owned(result, "name")),
            text: text(response, "output").map_or_else(|| argument_text(response), str::to_owned),
            error: response.get("error").is_some_and(|error| !error.is_null()),
        };
    }
    if let Some(data) = either("inlineData", "inline_data").or_else(|| either("fileData", "file_data")) {
        return media(data);
    }
    let kind = value.as_object().and_then(|members| members.keys().next()).map_or("", String::as_str);
    content::other(kind, value)
}

fn media(data: &Value) -> Part {
    let media_type = owned(data, "mimeType").or_else(|| owned(data, "mime_type"));
    let family = media_type.as_deref().and_then(|media_type| media_type.split('/').next());
    let kind = family.filter(|family| matches!(*family, "image" | "audio")).unwrap_or("file");
    Part::Media {
        kind: kind.to_owned(),
        bytes: text(data, "data").map(content::decoded_size),
        url: owned(data, "fileUri").or_else(|| owned(data, "file_uri")),
        media_type,
    }
}
