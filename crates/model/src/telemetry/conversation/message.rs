//! One message or part of one, in the shapes that telemetry writes: OpenTelemetry's parts, Vercel's, OpenInference's
//! wrappers, LangChain's classes; what providers write themselves is read as in their bodies (`dialect`).

use api::{Message, Part, Role};
use serde_json::Value as Json;

use super::super::value::parsed;
use crate::dialect::{argument_text, content_part, flat_text, gemini_part};

/// A message; `default` speaks where nobody is named. `None` when there is nothing in it.
pub(super) fn read(value: &Json, default: Role) -> Option<Message> {
    let named = role(value);
    let value = unwrapped(value);
    if let Json::String(text) = value {
        return (!text.is_empty()).then(|| said(default, text));
    }
    let members = value.as_object()?;
    let role = role(value).or(named).unwrap_or(default);
    let mut parts = Vec::new();
    let thought = ["reasoning_content", "reasoning", "thinking"];
    parts.extend(thought.iter().find_map(|key| text_at(value, key)).map(|text| Part::Thinking { text }));
    let body = ["parts", "contents", "content", "message", "text"].iter().find_map(|key| members.get(*key));
    let body = body.filter(|body| !body.is_null());
    if let Some(body) = body {
        let id = ["tool_call_id", "toolCallId", "id", "name"].iter().find_map(|key| text_at(value, key));
        match body {
            Json::String(text) if role == Role::Tool => {
                parts.push(Part::ToolResult { id, text: text.clone(), error: false });
            }
            other => parts.extend(self::parts(other)),
        }
    }
    parts.extend(calls(value).map(tool_call));
    parts.extend(legacy_call(value));
    (!parts.is_empty()).then_some(Message { role: speaker(role, &parts), parts, cache_marker: false })
}

pub(super) fn said(role: Role, text: &str) -> Message {
    Message { role, parts: vec![Part::Text { text: text.to_owned() }], cache_marker: false }
}

/// A tool's results are its own words, whoever sends them.
fn speaker(role: Role, parts: &[Part]) -> Role {
    let only_results = parts.iter().all(|part| matches!(part, Part::ToolResult { .. }));
    if only_results && role == Role::User { Role::Tool } else { role }
}

/// OpenInference wraps a message once, LangChain's serialised classes once or twice.
fn unwrapped(value: &Json) -> &Json {
    let wrapped = ["message", "kwargs", "data"].iter().find_map(|key| value.get(key));
    let inner = wrapped.filter(|inner| inner.is_object() && value.get("role").is_none());
    inner.unwrap_or(value)
}

fn calls(value: &Json) -> impl Iterator<Item = &Json> {
    let lists = ["tool_calls", "toolCalls"].iter().filter_map(|key| value.get(key));
    let calls = lists.filter_map(Json::as_array).flatten();
    calls.map(|call| call.get("tool_call").unwrap_or(call))
}

/// OpenInference's older form of a call.
fn legacy_call(value: &Json) -> Option<Part> {
    let name = text_at(value, "function_call_name")?;
    let arguments = text_at(value, "function_call_arguments_json").unwrap_or_default();
    Some(Part::ToolCall { id: None, name, arguments })
}

/// Who speaks, in anybody's word.
fn role(value: &Json) -> Option<Role> {
    // LangChain's classes are named by their path.
    let class = || value.get("id").and_then(Json::as_array).and_then(|path| path.last());
    let class = || class().or_else(|| value.get("type")).and_then(Json::as_str);
    let word = value.get("role").and_then(Json::as_str).or_else(class)?;
    Some(match word.to_ascii_lowercase().as_str() {
        "system" | "developer" | "systemmessage" => Role::System,
        "user" | "human" | "humanmessage" => Role::User,
        "assistant" | "ai" | "model" | "chatbot" | "aimessage" | "aimessagechunk" => Role::Assistant,
        "tool" | "function" | "toolmessage" => Role::Tool,
        _ => return None,
    })
}

/// The parts of a message: a text, a list of parts, a part, or JSON text of any of these.
pub(super) fn parts(body: &Json) -> Vec<Part> {
    match body {
        Json::Null => Vec::new(),
        Json::String(text) if text.is_empty() => Vec::new(),
        Json::String(text) => match parsed(text) {
            // Classic OpenLLMetry writes a list of parts as text; what a user wrote may be JSON as well.
            Some(Json::Array(values)) if !values.is_empty() && values.iter().all(is_part) => {
                values.iter().map(part).collect()
            }
            _ => vec![Part::Text { text: text.clone() }],
        },
        Json::Array(values) => values.iter().map(part).collect(),
        other => vec![part(other)],
    }
}

fn is_part(value: &Json) -> bool {
    value.get("type").is_some_and(Json::is_string)
}

/// One part.
fn part(value: &Json) -> Part {
    let value = value.get("message_content").unwrap_or(value);
    let kind = value.get("type").and_then(Json::as_str).unwrap_or_default();
    let text = || text_at(value, "content").or_else(|| text_at(value, "text"));
    match kind {
        "text" if text().is_some() => Part::Text { text: text().unwrap_or_default() },
        "reasoning" => {
            Part::Thinking { text: text().or_else(|| text_at(value, "reasoning")).unwrap_or_default() }
        }
        "tool_call" | "tool-call" | "server_tool_call" => tool_call(value),
        "tool_call_response" | "tool-result" | "server_tool_call_response" | "tool_result" => {
            tool_result(value)
        }
        "blob" | "file" | "uri" if value.get("modality").is_some() || value.get("mime_type").is_some() => {
            media(value)
        }
        "image" | "audio" | "file" if media_of_sdk(value).is_some() => {
            media_of_sdk(value).unwrap_or_else(|| media(value))
        }
        "" if value.is_object() => gemini_part(value),
        _ => content_part(value),
    }
}

/// A call of a tool in any of the shapes in use.
pub(super) fn tool_call(value: &Json) -> Part {
    let value = value.get("tool_call").unwrap_or(value);
    let inner = ["function", "server_tool_call"]
        .iter()
        .find_map(|key| value.get(key).filter(|inner| inner.is_object()));
    let inner = inner.unwrap_or(value);
    let first = |value: &Json, keys: &[&str]| keys.iter().find_map(|key| text_at(value, key));
    let arguments = ["arguments", "args", "input"].iter().find_map(|key| inner.get(key));
    Part::ToolCall {
        id: first(value, &["id", "toolCallId", "call_id", "tool_call_id"]),
        name: first(inner, &["name", "toolName"])
            .or_else(|| first(value, &["name", "toolName"]))
            .unwrap_or_default(),
        arguments: arguments.map(argument_text).unwrap_or_default(),
    }
}

fn tool_result(value: &Json) -> Part {
    let keys = ["response", "result", "output", "content", "server_tool_call_response"];
    let body = keys.iter().find_map(|key| value.get(key)).unwrap_or(&Json::Null);
    // Vercel says of what kind the output is.
    let typed = body.get("value").filter(|_| body.get("type").is_some_and(Json::is_string));
    let ids = ["id", "toolCallId", "tool_use_id", "tool_call_id"];
    let kind = body.get("type").and_then(Json::as_str).unwrap_or_default();
    let failed = ["is_error", "isError"].iter().any(|key| value.get(key) == Some(&Json::Bool(true)));
    Part::ToolResult {
        id: ids.iter().find_map(|key| text_at(value, key)),
        text: flat_text(typed.unwrap_or(body)),
        error: failed || kind.starts_with("error"),
    }
}

/// OpenTelemetry's media: inline, by address, or by a file's id.
fn media(value: &Json) -> Part {
    let kind = text_at(value, "modality").filter(|kind| matches!(kind.as_str(), "image" | "audio"));
    let inline = value.get("content").and_then(Json::as_str);
    Part::Media {
        kind: kind.unwrap_or_else(|| "file".to_owned()),
        media_type: text_at(value, "mime_type"),
        bytes: inline.map(|data| (data.trim_end_matches('=').len() as u64) * 3 / 4),
        url: text_at(value, "uri").or_else(|| text_at(value, "file_id")),
    }
}

/// Media of Vercel's SDK and of OpenInference, which keep the data under the kind's own name.
fn media_of_sdk(value: &Json) -> Option<Part> {
    let kind = value.get("type")?.as_str()?;
    let held = value.get(kind).or_else(|| value.get("data"))?;
    let url = held.as_str().or_else(|| held.pointer(&format!("/{kind}/url"))?.as_str())?;
    let address = url.starts_with("http").then(|| url.to_owned());
    let bytes = address.is_none().then(|| (url.len() as u64) * 3 / 4);
    let media_type = ["mediaType", "mimeType"].iter().find_map(|key| text_at(value, key));
    Some(Part::Media { kind: kind.to_owned(), media_type, bytes, url: address })
}

fn text_at(value: &Json, key: &str) -> Option<String> {
    value.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}
