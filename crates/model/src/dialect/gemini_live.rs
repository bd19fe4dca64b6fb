//! Gemini Live: one turn of a connection, read as if it had been asked with generateContent. Leaves out telling turns
//! apart (`websocket`) and Gemini's own shapes (`gemini`).

use serde_json::{Map, Value, json};

use super::json::{list, object, text};
use crate::scanner::member;

/// Whether a path is Gemini Live's.
pub(super) fn is_live(path: &str) -> bool {
    path.ends_with(".BidiGenerateContent")
}

/// Whether a request's bytes are the lines of a turn.
pub(super) fn is_turn(request: &[u8]) -> bool {
    let names = ["setup", "clientContent", "realtimeInput", "toolResponse", "serverContent", "setupComplete"];
    request.starts_with(b"{") && names.iter().any(|name| member(request, name).is_some())
}

/// What a turn was asked, in the shape of a request to generateContent.
pub(super) fn request(lines: &[u8]) -> Value {
    let mut setup = Map::new();
    let mut contents: Vec<Value> = Vec::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
        if let Some(Value::Object(said)) = message.get("setup") {
            setup.extend(said.clone());
        }
        if let Some(said) = object(&message, "clientContent") {
            contents.extend(list(said, "turns").iter().cloned());
        }
        if let Some(response) = object(&message, "toolResponse") {
            let parts: Vec<Value> = list(response, "functionResponses")
                .iter()
                .map(|response| json!({"functionResponse": response}))
                .collect();
            contents.push(json!({"role": "user", "parts": parts}));
        }
        let written = object(&message, "realtimeInput").and_then(|input| text(input, "text"));
        let heard = object(&message, "serverContent")
            .and_then(|content| object(content, "inputTranscription"))
            .and_then(|transcription| text(transcription, "text"));
        contents.extend(written.or(heard).map(|said| json!({"role": "user", "parts": [{"text": said}]})));
    }
    setup.insert("contents".to_owned(), Value::Array(contents));
    Value::Object(setup)
}

/// A message of the server as an element of a stream of generateContent.
pub(super) fn as_element(message: &Value) -> Value {
    let content = object(message, "serverContent");
    let mut parts: Vec<Value> = content
        .and_then(|content| object(content, "modelTurn"))
        .map(|turn| list(turn, "parts").to_vec())
        .unwrap_or_default();
    let heard = content.and_then(|content| object(content, "outputTranscription"));
    parts.extend(heard.and_then(|said| text(said, "text")).map(|said| json!({"text": said})));
    let calls = object(message, "toolCall").map(|calls| list(calls, "functionCalls")).unwrap_or_default();
    parts.extend(calls.iter().map(|call| json!({"functionCall": call})));
    let has =
        |name: &str| content.and_then(|content| content.get(name)).and_then(Value::as_bool) == Some(true);
    let mut candidate = json!({"content": {"role": "model", "parts": parts}});
    let reason = if has("interrupted") { Some("INTERRUPTED") } else { has("turnComplete").then_some("STOP") };
    if let (Some(reason), Some(candidate)) = (reason, candidate.as_object_mut()) {
        candidate.insert("finishReason".to_owned(), json!(reason));
    }
    let mut element = json!({"candidates": [candidate]});
    if let (Some(usage), Some(element)) = (message.get("usageMetadata"), element.as_object_mut()) {
        element.insert("usageMetadata".to_owned(), usage.clone());
    }
    element
}
