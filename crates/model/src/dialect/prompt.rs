//! A request as a conversation: system prompts, messages, tools. Owns where each dialect keeps them.
//! Leaves out single content parts (`content`, `gemini`) and tool definitions (`tools`).

use api::{Conversation, Message, Part, Role};
use serde_json::{Map, Value};

use super::json::{list, object, owned, text};
use super::{
    Dialect, Exchange, content, converse, gemini, gemini_live, multipart, ollama, openai_realtime,
    openai_responses, tools,
};
use crate::scanner;

/// The request as JSON. Of a request that is cut, the whole elements of its arrays, and a note.
pub(super) fn parse(dialect: Dialect, request: &[u8]) -> (Value, Option<String>) {
    // A turn of a WebSocket is asked with everything that was said since the last one.
    match dialect {
        Dialect::OpenaiRealtime => return (openai_realtime::request(request), None),
        Dialect::Gemini if gemini_live::is_turn(request) => return (gemini_live::request(request), None),
        _ => {}
    }
    if request.trim_ascii().is_empty() {
        return (Value::Null, None);
    }
    if let Some(prompt) = multipart::text_field(request, "prompt") {
        return (serde_json::json!({ "prompt": prompt }), None);
    }
    if request.starts_with(b"--") {
        return (Value::Null, None);
    }
    match serde_json::from_slice(request) {
        Ok(value) => (value, None),
        Err(error) => (salvage(request), Some(format!("the request is not a whole JSON document: {error}"))),
    }
}

/// Where a request keeps what was said.
pub(super) const SPOKEN: [&str; 11] = [
    "system",
    "instructions",
    "tools",
    "toolConfig",
    "messages",
    "input",
    "inputs",
    "contents",
    "prompt",
    "inputText",
    "suffix",
];

fn salvage(request: &[u8]) -> Value {
    let mut found = Map::new();
    for member in scanner::members(request) {
        let Some(name) = SPOKEN.iter().find(|name| name.as_bytes() == member.key) else { continue };
        let whole = member.value.and_then(|value| serde_json::from_slice(value).ok());
        let value = whole.unwrap_or_else(|| whole_elements(member.onwards));
        found.insert((*name).to_owned(), value);
    }
    Value::Object(found)
}

fn whole_elements(array: &[u8]) -> Value {
    let (ranges, _) = scanner::elements(array);
    ranges.into_iter().filter_map(|range| serde_json::from_slice::<Value>(array.get(range)?).ok()).collect()
}

/// Whether the request asks for a stream. Ollama streams unless told not to; Google says it in the path.
pub(super) fn stream_requested(exchange: &Exchange<'_>, request: &Value) -> bool {
    let said = request.get("stream").and_then(Value::as_bool);
    let verbs =
        ["streamGenerateContent", "streamRawPredict", "/converse-stream", "/invoke-with-response-stream"];
    let by_path = verbs.iter().any(|verb| exchange.path.contains(verb));
    let by_default = by_path || exchange.dialect.is_ollama() && request.is_object();
    said.unwrap_or(by_default)
}

/// Everything before the answer.
pub(super) fn conversation(dialect: Dialect, request: &[u8]) -> Conversation {
    let (request, note) = parse(dialect, request);
    let messages = messages(dialect, &request);
    let tools = tools::definitions(unwrapped(dialect, &request));
    Conversation { tools, messages, answer: Vec::new(), notes: note.into_iter().collect() }
}

/// System prompts and messages.
pub(super) fn messages(dialect: Dialect, request: &Value) -> Vec<Message> {
    let mut messages = system(dialect, request);
    let turns = turns(dialect, request);
    messages.extend(turns.iter().filter_map(|turn| message(dialect, turn)));
    if turns.is_empty() {
        messages.extend(bare_prompts(request).into_iter().map(|text| said(Role::User, text)));
    }
    messages
}

/// The names of the tools offered.
pub(super) fn tool_names(dialect: Dialect, request: &Value) -> Vec<String> {
    tools::names(unwrapped(dialect, request))
}

fn said(role: Role, text: &str) -> Message {
    Message { role, parts: vec![Part::Text { text: text.to_owned() }], cache_marker: false }
}

/// Code Assist and Gemini's token count wrap the request once more.
fn unwrapped(dialect: Dialect, request: &Value) -> &Value {
    if !dialect.is_gemini() {
        return request;
    }
    object(request, "request").or_else(|| object(request, "generateContentRequest")).unwrap_or(request)
}

/// The messages as they were sent; none when the prompt is bare text.
pub(super) fn turns(dialect: Dialect, request: &Value) -> &[Value] {
    match dialect {
        Dialect::Gemini | Dialect::GeminiCountTokens => {
            let request = unwrapped(dialect, request);
            match request.get("contents") {
                Some(one @ Value::Object(_)) => std::slice::from_ref(one),
                _ => list(request, "contents"),
            }
        }
        Dialect::OpenaiResponses | Dialect::OpenaiRealtime => list(request, "input"),
        Dialect::MistralConversations => list(request, "inputs"),
        _ => list(request, "messages"),
    }
}

fn system(dialect: Dialect, request: &Value) -> Vec<Message> {
    let request = unwrapped(dialect, request);
    let gemini = object(request, "systemInstruction").or_else(|| object(request, "system_instruction"));
    if let Some(instruction) = gemini.filter(|_| dialect.is_gemini()) {
        return gemini_message(instruction, Role::System).into_iter().collect();
    }
    if dialect.is_bedrocks() {
        return converse::system(request).into_iter().collect();
    }
    let prompts = ["system", "instructions", "preamble"].iter().filter_map(|key| request.get(key));
    prompts.filter_map(|prompt| plain_message(Role::System, prompt)).collect()
}

fn plain_message(role: Role, content: &Value) -> Option<Message> {
    let parts = content::parts(content);
    (!parts.is_empty()).then(|| Message { role, parts, cache_marker: has_marker(content) })
}

/// Whether a content part asks the provider to cache the prompt up to it.
fn has_marker(content: &Value) -> bool {
    let marked = |part: &Value| part.get("cache_control").is_some_and(|marker| !marker.is_null());
    content.as_array().is_some_and(|parts| parts.iter().any(marked))
}

/// One message; `None` when it is nothing that can be shown.
pub(super) fn message(dialect: Dialect, turn: &Value) -> Option<Message> {
    match dialect {
        Dialect::Gemini | Dialect::GeminiCountTokens => gemini_message(turn, role(turn)),
        Dialect::OpenaiResponses | Dialect::OpenaiRealtime => Some(response_item(turn)),
        Dialect::Converse | Dialect::BedrockInvoke => converse::message(turn),
        _ => chat_message(turn),
    }
}

fn role(turn: &Value) -> Role {
    match text(turn, "role").unwrap_or_default() {
        "system" | "developer" | "SYSTEM" => Role::System,
        "assistant" | "model" | "CHATBOT" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        _ => Role::User,
    }
}

/// A tool's results are sent as the user's message; they are the tool's words.
fn speaker(role: Role, parts: &[Part]) -> Role {
    let only_results = !parts.is_empty() && parts.iter().all(|part| matches!(part, Part::ToolResult { .. }));
    if role == Role::User && only_results { Role::Tool } else { role }
}

fn gemini_message(turn: &Value, role: Role) -> Option<Message> {
    let parts: Vec<Part> = match turn.get("parts") {
        Some(Value::Array(values)) => values.iter().map(gemini::part).collect(),
        Some(one @ Value::Object(_)) => vec![gemini::part(one)],
        _ => return None,
    };
    Some(Message { role: speaker(role, &parts), parts, cache_marker: false })
}

/// Messages of Chat Completions, Anthropic, Ollama and Cohere.
fn chat_message(turn: &Value) -> Option<Message> {
    turn.as_object()?;
    let role = role(turn);
    let body = turn.get("content").or_else(|| turn.get("message")).unwrap_or(&Value::Null);
    let mut parts = Vec::new();
    let thought = ["reasoning_content", "reasoning", "thinking", "tool_plan"];
    if let Some(text) = thought.iter().find_map(|key| owned(turn, key)) {
        parts.push(Part::Thinking { text });
    }
    if role == Role::Tool {
        let id = ["tool_call_id", "tool_name", "name"].iter().find_map(|key| owned(turn, key));
        parts.push(Part::ToolResult { id, text: content::flat_text(body), error: false });
    } else {
        parts.extend(content::parts(body));
    }
    if let Some(text) = owned(turn, "refusal") {
        parts.push(Part::Refusal { text });
    }
    for image in list(turn, "images").iter().filter_map(Value::as_str) {
        parts.push(content::inline("image", None, Some(content::decoded_size(image))));
    }
    let legacy_call = object(turn, "function_call");
    parts.extend(list(turn, "tool_calls").iter().chain(legacy_call).map(ollama::tool_call));
    let cache_marker = has_marker(body) || turn.get("cache_control").is_some_and(|marker| !marker.is_null());
    Some(Message { role: speaker(role, &parts), parts, cache_marker })
}

/// One item of the Responses API's `input`.
pub(crate) fn response_item(item: &Value) -> Message {
    if let Value::String(text) = item {
        return said(Role::User, text);
    }
    let kind = text(item, "type").unwrap_or_default();
    if kind.ends_with("_output") {
        let output = item.get("output").map(content::flat_text).unwrap_or_default();
        let id = owned(item, "call_id");
        let parts = vec![Part::ToolResult { id, text: output, error: false }];
        return Message { role: Role::Tool, parts, cache_marker: false };
    }
    let role = if matches!(kind, "" | "message") { role(item) } else { Role::Assistant };
    Message { role, parts: openai_responses::item_parts(item), cache_marker: false }
}

/// The prompt of a request without messages.
pub(super) fn bare_prompt(request: &Value) -> Option<&str> {
    bare_prompts(request).into_iter().next()
}

fn bare_prompts(request: &Value) -> Vec<&str> {
    let held = ["prompt", "input", "inputs", "inputText", "message", "texts", "content", "query"]
        .iter()
        .find_map(|key| request.get(key));
    match held {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        Some(content) => gemini_texts(content),
        None => list(request, "requests")
            .iter()
            .filter_map(|one| one.get("content"))
            .flat_map(gemini_texts)
            .collect(),
    }
}

fn gemini_texts(content: &Value) -> Vec<&str> {
    list(content, "parts").iter().filter_map(|part| text(part, "text")).collect()
}
