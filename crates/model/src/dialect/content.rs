//! The content parts of OpenAI, Anthropic, Cohere and Mistral. They tag parts by `type` with words that do not
//! collide, so one reader serves them all. Leaves out Gemini's parts, which have no tag (`gemini`).

use api::Part;
use serde_json::Value;

use super::json::{argument_text, list, owned, text};

/// The parts of a message's `content`: a string, a list of parts, or one part.
pub(super) fn parts(content: &Value) -> Vec<Part> {
    match content {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![Part::Text { text: text.clone() }],
        Value::Array(values) => values.iter().map(part).collect(),
        other => vec![part(other)],
    }
}

/// One part.
pub(crate) fn part(value: &Value) -> Part {
    if let Value::String(text) = value {
        return Part::Text { text: text.clone() };
    }
    let text_at = |key: &str| owned(value, key).unwrap_or_default();
    let kind = text(value, "type").unwrap_or_default();
    match kind {
        "text" | "input_text" | "output_text" | "summary_text" => Part::Text { text: text_at("text") },
        "" if text(value, "text").is_some() => Part::Text { text: text_at("text") },
        "thinking" => Part::Thinking { text: thinking(value) },
        "reasoning_text" => Part::Thinking { text: text_at("text") },
        "redacted_thinking" => Part::Thinking { text: String::new() },
        "refusal" => Part::Refusal { text: text_at("refusal") },
        "tool_use" | "server_tool_use" | "mcp_tool_use" => tool_use(value),
        "tool_result" | "mcp_tool_result" => Part::ToolResult {
            id: owned(value, "tool_use_id"),
            text: value.get("content").map(flat_text).unwrap_or_default(),
            error: value.get("is_error").and_then(Value::as_bool).unwrap_or_default(),
        },
        "image_url" | "input_image" | "image" => media("image", value),
        "input_audio" | "audio" => media("audio", value),
        "file" | "input_file" | "document" => media("file", value),
        _ => other(kind, value),
    }
}

/// What this version has no word for.
pub(super) fn other(kind: &str, value: &Value) -> Part {
    let kind = if kind.is_empty() { "unknown" } else { kind };
    Part::Other { kind: kind.to_owned(), json: value.to_string() }
}

/// Anthropic and Cohere write a string, Mistral a list of text parts.
fn thinking(value: &Value) -> String {
    value.get("thinking").map(flat_text).unwrap_or_default()
}

fn tool_use(value: &Value) -> Part {
    Part::ToolCall {
        id: owned(value, "id"),
        name: owned(value, "name").unwrap_or_default(),
        arguments: value.get("input").map(argument_text).unwrap_or_default(),
    }
}

/// Content as plain text: what is not text is described in brackets.
pub(crate) fn flat_text(content: &Value) -> String {
    match content {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let texts: Vec<String> = values.iter().map(|value| described(value, part(value))).collect();
            texts.join("\n")
        }
        other => other.to_string(),
    }
}

fn described(value: &Value, part: Part) -> String {
    match part {
        Part::Text { text } | Part::Thinking { text } | Part::Refusal { text } => text,
        Part::Media { kind, media_type, bytes, url } => {
            let size = bytes.map(|bytes| format!("{bytes} bytes"));
            let facts: Vec<String> = [Some(kind), media_type, size, url].into_iter().flatten().collect();
            format!("[{}]", facts.join(", "))
        }
        Part::ToolCall { .. } | Part::ToolResult { .. } | Part::Other { .. } => value.to_string(),
    }
}

/// An image, a sound or a file: inline or by address, in any of the shapes that are in use.
fn media(kind: &str, value: &Value) -> Part {
    let holders = ["source", "image_url", "input_audio", "file"];
    let holder = holders.iter().find_map(|key| value.get(key)).unwrap_or(value);
    let address = holder.as_str().or_else(|| {
        ["url", "image_url", "file_url", "file_data"]
            .iter()
            .find_map(|key| text(holder, key).or_else(|| text(value, key)))
    });
    let declared = owned(holder, "media_type").or_else(|| owned(holder, "format"));
    match (address, text(holder, "data")) {
        (Some(url), _) => match data_url(url) {
            Some((media_type, bytes)) => inline(kind, Some(media_type), Some(bytes)),
            None => Part::Media {
                kind: kind.to_owned(),
                media_type: declared,
                bytes: None,
                url: Some(url.to_owned()),
            },
        },
        (None, Some(data)) => inline(kind, declared, Some(decoded_size(data))),
        (None, None) if list(holder, "content").is_empty() => inline(kind, declared, None),
        (None, None) => Part::Text { text: holder.get("content").map(flat_text).unwrap_or_default() },
    }
}

/// Media that stand in the body itself.
pub(super) fn inline(kind: &str, media_type: Option<String>, bytes: Option<u64>) -> Part {
    Part::Media { kind: kind.to_owned(), media_type, bytes, url: None }
}

fn data_url(url: &str) -> Option<(String, u64)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.split(';').next().unwrap_or_default().to_owned();
    let bytes = if head.ends_with(";base64") { decoded_size(data) } else { data.len() as u64 };
    Some((media_type, bytes))
}

/// How many bytes a base64 text stands for.
pub(super) fn decoded_size(base64: &str) -> u64 {
    (base64.trim_end_matches('=').len() as u64) * 3 / 4
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn media_are_described_not_shown() {
        for (value, expected) in [
            (
                json!({"type": "image_url", "image_url": {"url": "https://a/b.png"}}),
                (None, None, Some("https://a/b.png")),
            ),
            (
                json!({"type": "image_url", "image_url": "data:image/png;base64,AAAA"}),
                (Some("image/png"), Some(3), None),
            ),
            (
                json!({"type": "input_image", "image_url": "data:image/png;base64,AAA="}),
                (Some("image/png"), Some(2), None),
            ),
            (
                json!({"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "AAAA"}}),
                (Some("image/gif"), Some(3), None),
            ),
            (
                json!({"type": "image", "source": {"type": "url", "url": "https://a"}}),
                (None, None, Some("https://a")),
            ),
        ] {
            let (media_type, bytes, url) = expected;
            let expected = Part::Media {
                kind: "image".to_owned(),
                media_type: media_type.map(str::to_owned),
                bytes,
                url: url.map(str::to_owned),
            };
            assert_eq!(part(&value), expected, "{value}");
        }
    }

    #[test]
    fn a_tool_result_is_flat_text() {
        let value = json!({"type": "tool_result", "tool_use_id": "t", "is_error": true, "content": [
            {"type": "text", "text": "a"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        ]});
        let text = "a\n[image, image/png, 3 bytes]".to_owned();
        assert_eq!(part(&value), Part::ToolResult { id: Some("t".to_owned()), text, error: true });
    }

    #[test]
    fn what_is_unknown_is_kept_as_it_was_sent() {
        let json = r#"{"type":"web_search_result","z":1,"a":2}"#;
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(part(&value), Part::Other { kind: "web_search_result".to_owned(), json: json.to_owned() });
    }
}
