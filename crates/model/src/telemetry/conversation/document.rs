//! Prompts and answers as whole JSON documents: lists of messages, requests and answers of providers' APIs, results of
//! LangChain, plain text. Leaves out single messages (`message`).

use api::{Message, Part, Role};
use serde_json::Value as Json;

use super::super::value::{self, one_line};
use super::super::wire::Value;
use super::message::{self, said};
use super::spoken;
use crate::dialect::response_item;
use crate::scanner::elements;

/// Documents hold documents no deeper than this.
const MAX_DEPTH: usize = 6;

/// Where requests keep what was said.
const PROMPTS: [&str; 8] =
    ["messages", "contents", "input", "inputs", "prompt", "prompts", "question", "query"];
/// Where answers keep what was said.
const ANSWERS: [&str; 10] = [
    "choices",
    "generations",
    "candidates",
    "messages",
    "message",
    "output",
    "outputs",
    "response",
    "result",
    "text",
];

/// The messages of a prompt.
pub(super) fn prompt(document: &Json) -> Vec<Message> {
    let mut found = Vec::new();
    take_prompt(document, 0, &mut found);
    found
}

fn take_prompt(document: &Json, depth: usize, found: &mut Vec<Message>) {
    match document {
        _ if depth > MAX_DEPTH => {}
        Json::String(text) if !text.is_empty() => found.push(said(Role::User, text)),
        Json::Array(values) => {
            for value in values {
                match value {
                    Json::Array(_) => take_prompt(value, depth + 1, found),
                    value => found.extend(one(value, Role::User)),
                }
            }
        }
        Json::Object(members) => {
            let system =
                ["system", "instructions", "systemInstruction"].iter().filter_map(|key| members.get(*key));
            for system in system {
                let parts = message::parts(system.get("parts").unwrap_or(system));
                found.extend((!parts.is_empty()).then_some(Message {
                    role: Role::System,
                    parts,
                    cache_marker: false,
                }));
            }
            match PROMPTS.iter().find_map(|key| members.get(*key)) {
                Some(held) => take_prompt(held, depth + 1, found),
                None => match one(document, Role::User) {
                    Some(message) => found.push(message),
                    // Arguments of a function that is asked: what it was given is what was said.
                    None => found.push(said(Role::User, &document.to_string())),
                },
            }
        }
        _ => {}
    }
}

/// A message, or an item of the Responses API.
fn one(value: &Json, default: Role) -> Option<Message> {
    let kind = value.get("type").and_then(Json::as_str).unwrap_or_default();
    if kind.ends_with("_call_output")
        || kind == "function_call"
        || kind == "reasoning" && value.get("summary").is_some()
    {
        return Some(response_item(value));
    }
    message::read(value, default)
}

/// The messages of an answer: one for each choice.
pub(super) fn answer(document: &Json) -> Vec<Message> {
    let mut found = Vec::new();
    take_answer(document, 0, &mut found);
    // Gemini CLI keeps every piece of a stream.
    let pieces = document.as_array().is_some_and(|all| all.iter().all(|one| one.get("candidates").is_some()));
    if pieces { joined(found) } else { found }
}

fn take_answer(document: &Json, depth: usize, found: &mut Vec<Message>) {
    match document {
        _ if depth > MAX_DEPTH => {}
        Json::String(text) if !text.is_empty() => found.push(said(Role::Assistant, text)),
        Json::Array(values) => values.iter().for_each(|value| take_answer(value, depth + 1, found)),
        Json::Object(members) => {
            let spoken = one(document, Role::Assistant).filter(|_| {
                members.contains_key("role")
                    || members.contains_key("parts")
                    || members.get("content").is_some_and(|content| !content.is_object())
                    || members.contains_key("kwargs")
                    || members.get("type").is_some_and(|kind| kind == "function_call")
            });
            if let Some(message) = spoken {
                found.push(message);
                return;
            }
            // Gemini's candidate holds one message under this name.
            let held = members.get("content").filter(|content| content.is_object());
            let held = held.or_else(|| ANSWERS.iter().find_map(|key| members.get(*key)));
            match held {
                Some(held) => take_answer(held, depth + 1, found),
                None if depth == 0 && !members.is_empty() => {
                    found.push(said(Role::Assistant, &document.to_string()));
                }
                None => {}
            }
        }
        _ => {}
    }
}

/// Pieces of a stream as one message.
fn joined(messages: Vec<Message>) -> Vec<Message> {
    let mut parts: Vec<Part> = Vec::new();
    for part in messages.into_iter().flat_map(|message| message.parts) {
        match (parts.last_mut(), part) {
            (Some(Part::Text { text: sofar }), Part::Text { text }) => sofar.push_str(&text),
            (Some(Part::Thinking { text: sofar }), Part::Thinking { text }) => sofar.push_str(&text),
            (_, Part::Text { text }) if text.is_empty() => {}
            (_, part) => parts.push(part),
        }
    }
    if parts.is_empty() {
        Vec::new()
    } else {
        vec![Message { role: Role::Assistant, parts, cache_marker: false }]
    }
}

/// The last thing a user said in a prompt. Of a long conversation only as much is read as it takes.
pub(super) fn last_asked(value: &Value) -> Option<String> {
    let Value::Text(text) = value else { return spoken(&prompt(&value::json(value))) };
    if let Some(line) = from_the_back(text.as_bytes()) {
        return Some(line);
    }
    match value::parsed(text) {
        Some(document) => spoken(&prompt(&document)),
        // Cut JSON is no title.
        None if text.starts_with(['{', '[']) => None,
        None => one_line(text),
    }
}

fn from_the_back(json: &[u8]) -> Option<String> {
    let (ranges, _) = elements(json);
    ranges.into_iter().rev().find_map(|range| {
        let element: Json = serde_json::from_slice(json.get(range)?).ok()?;
        spoken(&[one(&element, Role::User)?])
    })
}
