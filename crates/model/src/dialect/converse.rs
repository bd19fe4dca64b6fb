//! Bedrock's Converse: its messages, whose parts are known by the one member they have, its answer and its stream. Amazon's
//! own models speak the same through `invoke`. Leaves out frames (`events`) and other models (`bedrock`).

use api::{Message, Part, Role, ServerTiming};
use serde_json::Value;

use super::answer::{Answer, text_of};
use super::content;
use super::json::{argument_text, count, first_count, index, list, object, owned, text};

/// Takes a whole answer, or one event of a stream under its name.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    if let Some(start) = object(value, "contentBlockStart") {
        if let Some(part) = object(start, "start").and_then(started) {
            answer.put((index(start, "contentBlockIndex", 0), 0), part);
        }
    } else if let Some(delta) = object(value, "contentBlockDelta") {
        if let Some(piece) = object(delta, "delta") {
            take_delta(index(delta, "contentBlockIndex", 0), piece, answer);
        }
    } else if let Some(stop) = object(value, "contentBlockStop") {
        stop_block(index(stop, "contentBlockIndex", 0), answer);
    } else if let Some(stop) = object(value, "messageStop") {
        take_stop(stop, answer);
    } else if let Some(metadata) = object(value, "metadata") {
        // The last event.
        answer.reading.complete = true;
        take_end(metadata, answer);
    } else if let Some(message) = object(value, "output").and_then(|output| object(output, "message")) {
        for (place, block) in (0..).zip(list(message, "content")) {
            answer.put((place, 0), part(block));
        }
        take_stop(value, answer);
        take_end(value, answer);
    }
}

/// Streamed arguments come as pieces of text after the start.
fn started(start: &Value) -> Option<Part> {
    let call = object(start, "toolUse")?;
    Some(Part::ToolCall {
        id: owned(call, "toolUseId"),
        name: owned(call, "name").unwrap_or_default(),
        arguments: String::new(),
    })
}

fn take_delta(place: u64, delta: &Value, answer: &mut Answer) {
    let place = (place, 0);
    let reasoning = object(delta, "reasoningContent");
    if let Some(piece) = text(delta, "text") {
        answer.extend(place, piece, || Part::Text { text: String::new() });
    } else if let Some(reasoning) = reasoning {
        // A signature says nothing to people, and what is redacted nothing at all.
        let piece = text(reasoning, "text").unwrap_or_default();
        answer.extend(place, piece, || Part::Thinking { text: String::new() });
    } else if let Some(call) = object(delta, "toolUse") {
        let piece = call.get("input").map(argument_text).unwrap_or_default();
        answer.extend(place, &piece, || Part::ToolCall {
            id: None,
            name: String::new(),
            arguments: String::new(),
        });
    }
}

/// A tool without arguments gets no piece, which stands for an empty object.
fn stop_block(place: u64, answer: &mut Answer) {
    if let Some(part @ Part::ToolCall { .. }) = answer.draft(0).part_mut((place, 0))
        && let Some(arguments) = text_of(part)
        && arguments.is_empty()
    {
        arguments.push_str("{}");
    }
}

fn take_stop(holder: &Value, answer: &mut Answer) {
    if let Some(reason) = text(holder, "stopReason") {
        answer.finish(0, reason);
    }
}

fn take_end(holder: &Value, answer: &mut Answer) {
    let reading = &mut answer.reading;
    if let Some(usage) = object(holder, "usage") {
        let known = &mut reading.usage;
        known.input = count(usage, "inputTokens").or(known.input);
        known.output = count(usage, "outputTokens").or(known.output);
        // Nova's own API says it in its own words.
        let read = first_count(usage, &["cacheReadInputTokens", "cacheReadInputTokenCount"]);
        known.cache_read = read.or(known.cache_read);
        take_cache_writes(usage, known);
        reading.usage_final = true;
    }
    if let Some(metrics) = object(holder, "metrics") {
        let total_us = count(metrics, "latencyMs").map(|millis| millis.saturating_mul(1000));
        reading.server =
            total_us.map(|total| ServerTiming { total_us: Some(total), ..ServerTiming::default() });
    }
    let tier = object(holder, "serviceTier").and_then(|tier| owned(tier, "type"));
    reading.service_tier = tier.or_else(|| reading.service_tier.take());
}

/// Of what was written, the details say what lives for an hour; the rest lives for five minutes.
fn take_cache_writes(usage: &Value, known: &mut api::Usage) {
    let Some(all) = first_count(usage, &["cacheWriteInputTokens", "cacheWriteInputTokenCount"]) else {
        return;
    };
    let details = list(usage, "cacheDetails").iter();
    let hour: u64 = details
        .filter(|detail| text(detail, "ttl") == Some("1h"))
        .filter_map(|detail| count(detail, "inputTokens"))
        .fold(0, u64::saturating_add);
    known.cache_write_5m = Some(all.saturating_sub(hour));
    known.cache_write_1h = (hour > 0).then_some(hour).or(known.cache_write_1h);
}

/// One message of a request; `None` when it is none.
pub(super) fn message(turn: &Value) -> Option<Message> {
    turn.as_object()?;
    let role = if text(turn, "role") == Some("assistant") { Role::Assistant } else { Role::User };
    let parts = parts(turn.get("content").unwrap_or(&Value::Null));
    let only_results = !parts.is_empty() && parts.iter().all(|part| matches!(part, Part::ToolResult { .. }));
    let role = if role == Role::User && only_results { Role::Tool } else { role };
    Some(Message { role, parts, cache_marker: has_marker(turn.get("content")) })
}

/// The system prompt.
pub(super) fn system(request: &Value) -> Option<Message> {
    let prompt = request.get("system")?;
    let parts = parts(prompt);
    (!parts.is_empty()).then(|| Message { role: Role::System, parts, cache_marker: has_marker(Some(prompt)) })
}

fn has_marker(content: Option<&Value>) -> bool {
    let marked = |part: &Value| part.get("cachePoint").is_some() || part.get("cache_control").is_some();
    content.and_then(Value::as_array).is_some_and(|parts| parts.iter().any(marked))
}

fn parts(content: &Value) -> Vec<Part> {
    match content {
        Value::Array(blocks) => {
            blocks.iter().filter(|block| block.get("cachePoint").is_none()).map(part).collect()
        }
        other => content::parts(other),
    }
}

/// One part, by the member it has. Models that speak otherwise tag theirs by `type`.
fn part(block: &Value) -> Part {
    if block.get("type").is_some() || block.is_string() {
        return content::part(block);
    }
    if let Some(text) = block.get("text").and_then(Value::as_str) {
        return Part::Text { text: text.to_owned() };
    }
    let Some((kind, inner)) = block.as_object().and_then(|members| members.iter().next()) else {
        return content::other("", block);
    };
    match kind.as_str() {
        "toolUse" => Part::ToolCall {
            id: owned(inner, "toolUseId"),
            name: owned(inner, "name").unwrap_or_default(),
            arguments: inner.get("input").map(argument_text).unwrap_or_default(),
        },
        "toolResult" => Part::ToolResult {
            id: owned(inner, "toolUseId"),
            text: list(inner, "content").iter().map(flat).collect::<Vec<_>>().join("\n"),
            error: text(inner, "status") == Some("error"),
        },
        "reasoningContent" => {
            let said = object(inner, "reasoningText").and_then(|said| owned(said, "text"));
            Part::Thinking { text: said.unwrap_or_default() }
        }
        "image" | "video" | "audio" => media(kind, inner),
        "document" => media("file", inner),
        "citationsContent" => Part::Text { text: list(inner, "content").iter().map(flat).collect() },
        "guardContent" => {
            let said = object(inner, "text").and_then(|said| owned(said, "text"));
            said.map_or_else(|| content::other(kind, block), |text| Part::Text { text })
        }
        _ => content::other(kind, block),
    }
}

/// What a tool's result holds, as text.
fn flat(block: &Value) -> String {
    match (block.get("text").and_then(Value::as_str), block.get("json")) {
        (Some(text), _) => text.to_owned(),
        (None, Some(json)) => json.to_string(),
        (None, None) => match part(block) {
            Part::Media { kind, .. } => format!("[{kind}]"),
            _ => block.to_string(),
        },
    }
}

fn media(kind: &str, holder: &Value) -> Part {
    let source = object(holder, "source");
    let bytes = source.and_then(|source| text(source, "bytes")).map(content::decoded_size);
    let place = source.and_then(|source| object(source, "s3Location")).and_then(|place| owned(place, "uri"));
    Part::Media { kind: kind.to_owned(), media_type: owned(holder, "format"), bytes, url: place }
}
