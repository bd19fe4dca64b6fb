//! The conversation as Anthropic wants it: instructions beside the messages, results of tools in a user's message.

use serde_json::{Map, Value, json};

use crate::chat::{Call, Message, Part, Source, Thought};
use crate::gemini;
use crate::refusal::Refusal;

/// The system prompt's blocks and the messages. Instructions in the middle of a conversation go to the others at its
/// beginning, which is where Anthropic has them.
pub(super) fn conversation(messages: &[Message]) -> Result<(Vec<Value>, Vec<Value>), Refusal> {
    let mut system = Vec::new();
    let mut turns: Vec<(&'static str, Vec<Value>)> = Vec::new();
    for message in messages {
        let (role, blocks) = match message {
            Message::System { parts } => {
                system.extend(blocks(parts)?);
                continue;
            }
            Message::User { parts } => ("user", blocks(parts)?),
            Message::Assistant { parts, thoughts, calls } => ("assistant", answer(parts, thoughts, calls)?),
            Message::Tool { id, parts, .. } => ("user", vec![result(id, parts)?]),
        };
        // An answer that says nothing is none, and the API takes none.
        if blocks.is_empty() && role == "assistant" {
            continue;
        }
        // Results of parallel calls belong into one message, with what the user adds behind them.
        match turns.last_mut() {
            Some((last, held)) if *last == role => held.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    let turns = turns.into_iter().map(|(role, blocks)| json!({"role": role, "content": short(blocks)}));
    Ok((system, turns.collect()))
}

/// A single plain text is written as a string.
pub(super) fn short(blocks: Vec<Value>) -> Value {
    match blocks.as_slice() {
        [Value::Object(only)] if only.len() == 2 && only.get("type").is_some_and(|kind| kind == "text") => {
            only.get("text").cloned().unwrap_or_default()
        }
        _ => Value::from(blocks),
    }
}

fn blocks(parts: &[Part]) -> Result<Vec<Value>, Refusal> {
    // An empty text says nothing, and the API takes none.
    let parts = parts.iter().filter(|part| !matches!(part, Part::Text { text, .. } if text.is_empty()));
    parts.map(block).collect()
}

fn block(part: &Part) -> Result<Value, Refusal> {
    let (mut block, cache) = match part {
        Part::Text { text, cache } => (json!({"type": "text", "text": text}), cache),
        Part::Image { source, detail, cache, path } => {
            if let Some(detail) =
                detail.as_deref().filter(|detail| *detail != "high" && *detail != "original")
            {
                let why = format!("is {detail:?}: Anthropic looks at every picture in full. Leave it out.");
                return Err(Refusal::new(
                    format!("{path}.image_url.detail"),
                    format!("{path}.image_url.detail {why}"),
                ));
            }
            (json!({"type": "image", "source": image_source(source)}), cache)
        }
        Part::File { source, name, cache, path } => {
            let mut block = json!({"type": "document", "source": file_source(source, path)?});
            put(&mut block, "title", name.as_deref().map(Value::from));
            (block, cache)
        }
        Part::Audio { path, .. } => {
            return Err(Refusal::new(
                path.clone(),
                format!("{path} is sound, which Anthropic does not take."),
            ));
        }
    };
    put(&mut block, "cache_control", cache.clone());
    Ok(block)
}

fn image_source(source: &Source) -> Value {
    match source {
        Source::Data { media, base64 } => json!({"type": "base64", "media_type": media, "data": base64}),
        Source::Url(url) => json!({"type": "url", "url": url}),
    }
}

fn file_source(source: &Source, path: &str) -> Result<Value, Refusal> {
    match source {
        Source::Data { media, base64 } if media == "application/pdf" => {
            Ok(json!({"type": "base64", "media_type": media, "data": base64}))
        }
        Source::Data { media, base64 } if media.starts_with("text/") => {
            let text = text_of(base64).ok_or_else(|| {
                Refusal::new(
                    format!("{path}.file.file_data"),
                    format!("{path}.file.file_data is no text in base64."),
                )
            })?;
            Ok(json!({"type": "text", "media_type": "text/plain", "data": text}))
        }
        Source::Data { media, .. } => Err(Refusal::new(
            format!("{path}.file.file_data"),
            format!("{path}.file.file_data is {media:?}; Anthropic takes PDF and plain text."),
        )),
        Source::Url(url) => Ok(json!({"type": "url", "url": url})),
    }
}

/// Thoughts first, then text, then calls: the order in which Claude writes them. A thought without its signature is not
/// taken back, and the model does not miss it.
fn answer(parts: &[Part], thoughts: &[Thought], calls: &[Call]) -> Result<Vec<Value>, Refusal> {
    let thoughts = thoughts.iter().filter_map(|thought| match thought {
        // One that another provider signed is not Anthropic's to check.
        Thought::Text { signature: Some(signature), .. } if gemini::signed(signature) => None,
        Thought::Text { text, signature: Some(signature) } => {
            Some(json!({"type": "thinking", "thinking": text, "signature": signature}))
        }
        Thought::Text { signature: None, .. } => None,
        Thought::Sealed(data) => Some(json!({"type": "redacted_thinking", "data": data})),
    });
    let mut answer: Vec<Value> = thoughts.collect();
    answer.extend(blocks(parts)?);
    answer.extend(calls.iter().map(|call| {
        json!({"type": "tool_use", "id": tool_id(&call.id), "name": call.name, "input": call.arguments})
    }));
    Ok(answer)
}

fn result(id: &str, parts: &[Part]) -> Result<Value, Refusal> {
    let mut result = json!({"type": "tool_result", "tool_use_id": tool_id(id)});
    // A marker on the result's only part is meant for the result.
    let mut blocks = blocks(parts)?;
    let cache = match blocks.as_mut_slice() {
        [Value::Object(only)] => only.shift_remove("cache_control"),
        _ => None,
    };
    put(
        &mut result,
        "content",
        Some(short(blocks)).filter(|content| content.as_array().is_none_or(|list| !list.is_empty())),
    );
    put(&mut result, "cache_control", cache);
    Ok(result)
}

/// Anthropic's ids are letters, digits, `_` and `-`; others may come from another provider's part of the conversation.
fn tool_id(id: &str) -> String {
    gemini::bare_id(id)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
        .collect()
}

pub(super) fn put(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(map), Some(value)) = (object.as_object_mut(), value) {
        map.insert(name.to_owned(), value);
    }
}

/// A map from pairs, those without a value left out.
pub(super) fn map_of(pairs: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Map<String, Value> {
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The text within base64.
fn text_of(base64: &str) -> Option<String> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD
        .decode(base64)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
}
