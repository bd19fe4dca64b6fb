//! Messages that are told one by one: as a span's events or as log records, as conventions up to 1.36 had it.

use api::{Conversation, Message, Role};
use serde_json::Value as Json;

use super::super::dialect::is_redacted;
use super::super::event;
use super::super::keys::Key;
use super::super::told::Told;
use super::super::value::{self, line, one_line};
use super::super::wire::{Attributes, LogRecord, Origin, SpanEvent};
use super::{document, message};

/// What was said before the answer.
pub(super) fn prompt(events: &[SpanEvent]) -> Vec<Message> {
    events.iter().filter_map(|event| asked(&event.name, &of_attributes(&event.attributes))).collect()
}

/// The answers.
pub(super) fn answer(events: &[SpanEvent]) -> Vec<Message> {
    events.iter().filter_map(|event| answered(&event.name, &of_attributes(&event.attributes))).collect()
}

/// A conversation told by log records.
pub(super) fn of_records(records: &[LogRecord], origin: &Origin) -> Option<Conversation> {
    let mut found = Conversation::default();
    for record in records {
        let name = event::name(record, &Told::of(&record.attributes, origin)).unwrap_or_default();
        let body = value::json(&record.body);
        found.messages.extend(asked(&name, &body));
        found.answer.extend(answered(&name, &body));
    }
    (!found.messages.is_empty() || !found.answer.is_empty()).then_some(found)
}

/// What coding agents tell in events of their own: a prompt, an answer, or the bodies of a call as they were sent.
pub(super) fn of_tool(record: &LogRecord, told: &Told<'_>) -> Option<Conversation> {
    let facts = &told.facts;
    let event = event::name(record, told)?;
    let said = |key| facts.text(key).filter(|text| !is_redacted(text));
    let mut found = Conversation::default();
    match event.rsplit('.').next().unwrap_or_default() {
        "user_prompt" => found.messages.push(message::said(Role::User, said(Key::Prompt)?)),
        "assistant_response" | "agent_response" => {
            found.answer.push(message::said(Role::Assistant, said(Key::Response)?));
        }
        "api_request_body" => found.messages = document::prompt(&value::json(facts.get(Key::Body)?)),
        "api_response_body" => found.answer = document::answer(&value::json(facts.get(Key::Body)?)),
        _ => return None,
    }
    Some(found)
}

/// What an event's body says, in one line.
pub(in super::super) fn body_line(record: &LogRecord) -> Option<String> {
    let body = value::json(&record.body);
    let content = body.get("content").or_else(|| body.pointer("/message/content"));
    match content {
        Some(Json::String(text)) => one_line(text),
        Some(other) if !other.is_null() => one_line(&other.to_string()),
        _ => line(&record.body),
    }
}

fn asked(name: &str, body: &Json) -> Option<Message> {
    let role = match name {
        "gen_ai.system.message" => Role::System,
        "gen_ai.user.message" | "gen_ai.content.prompt" => Role::User,
        "gen_ai.assistant.message" => Role::Assistant,
        "gen_ai.tool.message" => Role::Tool,
        _ => return None,
    };
    match body.get("gen_ai.prompt") {
        Some(prompt) => document::prompt(prompt).into_iter().next_back(),
        None => message::read(body, role).map(|message| Message { role, ..message }),
    }
}

fn answered(name: &str, body: &Json) -> Option<Message> {
    match name {
        "gen_ai.choice" => {
            let spoken = body.get("message").filter(|message| message.is_object()).unwrap_or(body);
            message::read(spoken, Role::Assistant).or_else(|| message::read(body, Role::Assistant))
        }
        "gen_ai.content.completion" => document::answer(body.get("gen_ai.completion")?).into_iter().next(),
        _ => None,
    }
}

/// A span's event keeps a message's members as attributes, structured ones as JSON text.
fn of_attributes(attributes: &Attributes) -> Json {
    let members = attributes.0.iter().map(|(key, value)| {
        let key = key.strip_prefix("gen_ai.event.").unwrap_or(key);
        (key.to_owned(), value::json(value))
    });
    Json::Object(members.collect())
}
