//! What was said in a call that a span or log records tell of. Read when somebody looks, and for a call's title.
//!
//! Owns where each dialect keeps the prompt, the answer and the tools. Leaves out single messages (`message`), lists
//! spread over attributes (`spread`) and JSON documents of prompts and answers (`document`).

use api::{Conversation, Message, Part, Role, SpanType};
use serde_json::{Value as Json, json};

use super::facts::Facts;
use super::keys::Key;
use super::kind;
use super::told::Told;
use super::value::{self, one_line};
use super::wire::{LogRecord, Origin, Span, SpanEvent, Value};
use crate::dialect::{tool_definitions, without_reminders};

mod document;
mod events;
mod message;
mod spread;

pub(super) use events::body_line;

/// Where whole prompts stand: names that are for prompts alone, then those for whatever something was given. What
/// stands spread over attributes comes between.
const PROMPTS: [Key; 11] = [
    Key::GenAiInputMessages,
    Key::AiPromptMessages,
    Key::AiPrompt,
    Key::LogfireRequest,
    Key::RequestText,
    Key::GenAiPrompt,
    Key::LangfuseInput,
    Key::MlflowInputs,
    Key::TraceloopInput,
    Key::InputValue,
    Key::AiValue,
];
const EXACT_PROMPTS: usize = 5;
/// How names begin over which prompts are spread.
const PROMPTS_SPREAD: [&str; 2] = ["llm.input_messages.", "gen_ai.prompt."];
/// Where whole answers stand, in the same order.
const ANSWERS: [Key; 9] = [
    Key::GenAiOutputMessages,
    Key::LogfireResponse,
    Key::ResponseText,
    Key::GenAiCompletion,
    Key::LangfuseOutput,
    Key::MlflowOutputs,
    Key::TraceloopOutput,
    Key::OutputValue,
    Key::PydanticFinal,
];
const EXACT_ANSWERS: usize = 3;
/// Where tools stand.
const TOOLS: [Key; 3] = [Key::GenAiToolDefinitions, Key::AiPromptTools, Key::MlflowTools];

/// Bytes of one report that can be searched for.
const LONGEST_TEXT: usize = 1 << 20;

/// What was said in the call that a span is; `None` when the span is none or does not say.
pub fn span_conversation(span: &Span, origin: &Origin) -> Option<Conversation> {
    read(&Told::of(&span.attributes, origin), &span.events)
}

/// What was said in the call that log records tell of: of several records of one call, the first that tells the prompt
/// and the first that tells the answer; else what they tell message by message.
pub fn log_conversation(records: &[LogRecord], origin: &Origin) -> Option<Conversation> {
    let mut found: Option<Conversation> = None;
    for record in records {
        let told = Told::of(&record.attributes, origin);
        let Some(said) = events::of_tool(record, &told).or_else(|| read(&told, &[])) else { continue };
        let found = found.get_or_insert_default();
        if found.tools.is_empty() {
            found.tools = said.tools;
        }
        if found.messages.is_empty() {
            found.messages = said.messages;
        }
        if found.answer.is_empty() {
            found.answer = said.answer;
        }
    }
    found.or_else(|| events::of_records(records, origin))
}

/// What a span was given and what it gave back, as text: JSON where it was sent as such.
pub fn span_io(span: &Span) -> (Option<String>, Option<String>) {
    const INPUTS: [Key; 9] = [
        Key::GenAiToolArguments,
        Key::AiToolCallArgs,
        Key::ToolInput,
        Key::PydanticToolArguments,
        Key::GenAiRetrievalQuery,
        Key::UserPrompt,
        Key::ToolParameters,
        Key::FullCommand,
        Key::Arguments,
    ];
    const OUTPUTS: [Key; 7] = [
        Key::GenAiToolResult,
        Key::AiToolCallResult,
        Key::PydanticToolResponse,
        Key::GenAiRetrievalDocuments,
        Key::AiResponseText,
        Key::AiResponseObject,
        Key::Output,
    ];
    let facts = Facts::of(&span.attributes);
    let first = |names: &[Key]| names.iter().find_map(|name| value::text(facts.get(*name)?));
    let spread = |prefix: &str| facts.spread.then(|| spread::gather(&span.attributes, prefix)).flatten();
    let either =
        |prefixes: [&str; 2]| prefixes.into_iter().find_map(spread).map(|messages| messages.to_string());
    (
        first(&INPUTS)
            .or_else(|| first(&PROMPTS))
            .or_else(|| either(["gen_ai.prompt.", "llm.input_messages."])),
        first(&OUTPUTS)
            .or_else(|| first(&ANSWERS))
            .or_else(|| either(["gen_ai.completion.", "llm.output_messages."])),
    )
}

/// What was asked and answered in the call that a span is, for search.
pub fn span_text(span: &Span, origin: &Origin) -> String {
    span_conversation(span, origin).map(|said| searchable_text(&said, LONGEST_TEXT)).unwrap_or_default()
}

/// What was asked and answered in the call that a log record tells of, for search.
pub fn log_text(record: &LogRecord, origin: &Origin) -> String {
    let said = log_conversation(std::slice::from_ref(record), origin);
    said.map(|said| searchable_text(&said, LONGEST_TEXT)).unwrap_or_default()
}

/// The words of a conversation that somebody would search for, one piece a line, at most `limit` bytes.
pub fn searchable_text(conversation: &Conversation, limit: usize) -> String {
    let mut found = String::new();
    for part in conversation.messages.iter().chain(&conversation.answer).flat_map(|message| &message.parts) {
        let text = match part {
            Part::Text { text } | Part::Thinking { text } | Part::Refusal { text } => text,
            Part::ToolResult { text, .. } => text,
            Part::ToolCall { arguments, .. } => arguments,
            Part::Media { .. } | Part::Other { .. } => continue,
        };
        let room = limit.saturating_sub(found.len() + 1);
        let end =
            (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        found.push_str(text.get(..end).unwrap_or_default());
        found.push('\n');
        if end < text.len() {
            break;
        }
    }
    found.truncate(found.trim_end().len());
    found
}

/// The last thing the user said, in one line.
pub(super) fn title(events: &[SpanEvent], told: &Told<'_>) -> Option<String> {
    let facts = &told.facts;
    let whole = |name: &Key| facts.get(*name).and_then(document::last_asked);
    let (exact, loose) = PROMPTS.split_at(EXACT_PROMPTS);
    exact
        .iter()
        .find_map(whole)
        .or_else(|| spread_title(facts))
        .or_else(|| loose.iter().find_map(whole))
        .or_else(|| spoken(&events::prompt(events)))
}

/// The last thing a user said in messages that are spread over attributes: only that one is put together.
fn spread_title(facts: &Facts<'_>) -> Option<String> {
    if !facts.spread {
        return None;
    }
    PROMPTS_SPREAD.iter().find_map(|prefix| {
        spread::of_users(facts.attributes, prefix).into_iter().rev().find_map(|index| {
            let message = spread::gather(facts.attributes, &format!("{prefix}{index}."))?;
            spoken(&[message::read(&message, Role::User)?])
        })
    })
}

/// The last thing a user said in these messages.
fn spoken(messages: &[Message]) -> Option<String> {
    messages.iter().rev().filter(|message| message.role == Role::User).find_map(|message| {
        message.parts.iter().rev().find_map(|part| match part {
            Part::Text { text } => one_line(&without_reminders(text)),
            _ => None,
        })
    })
}

fn read(told: &Told<'_>, events: &[SpanEvent]) -> Option<Conversation> {
    let facts = &told.facts;
    // What a tool or a chain was given is no conversation, unless it says so in a conversation's own words.
    let outer = facts.text(Key::AiOperation).is_some_and(|operation| !operation.contains(".do"));
    let kind = if outer { SpanType::Chain } else { kind::of(facts).unwrap_or_default() };
    let loose_prompts = matches!(kind, SpanType::Llm | SpanType::Embedding);
    let loose_answers = kind == SpanType::Llm;
    let whole = |name: &Key| some(document::prompt(&value::json(facts.get(*name)?)));
    let (exact, loose) = PROMPTS.split_at(EXACT_PROMPTS);
    let loose = if loose_prompts { loose } else { &[] };
    let mut messages = exact
        .iter()
        .find_map(whole)
        .or_else(|| some(prompt_spread(facts)))
        .or_else(|| loose.iter().find_map(whole))
        .or_else(|| some(events::prompt(events)))
        .unwrap_or_default();
    if let Some(system) = facts.get(Key::GenAiSystemInstructions).and_then(instructions) {
        messages.insert(0, system);
    }
    let whole = |name: &Key| some(document::answer(&value::json(facts.get(*name)?)));
    let (exact, loose) = ANSWERS.split_at(EXACT_ANSWERS);
    let loose = if loose_answers { loose } else { &[] };
    let answer = vercel_answer(facts)
        .or_else(|| exact.iter().find_map(whole))
        .or_else(|| some(answer_spread(facts)))
        .or_else(|| loose.iter().find_map(whole))
        .or_else(|| some(events::answer(events)))
        .unwrap_or_default();
    let tools = tools(facts);
    if messages.is_empty() && answer.is_empty() && tools.is_empty() {
        return None;
    }
    Some(Conversation { tools, messages, answer, notes: Vec::new() })
}

fn some(messages: Vec<Message>) -> Option<Vec<Message>> {
    (!messages.is_empty()).then_some(messages)
}

fn prompt_spread(facts: &Facts<'_>) -> Vec<Message> {
    gathered(facts, &PROMPTS_SPREAD, Role::User)
}

fn answer_spread(facts: &Facts<'_>) -> Vec<Message> {
    gathered(facts, &["llm.output_messages.", "gen_ai.completion."], Role::Assistant)
}

fn gathered(facts: &Facts<'_>, prefixes: &[&str], default: Role) -> Vec<Message> {
    if !facts.spread {
        return Vec::new();
    }
    let found = prefixes.iter().find_map(|prefix| spread::gather(facts.attributes, prefix));
    let Some(Json::Array(messages)) = found else { return Vec::new() };
    messages.iter().filter_map(|one| message::read(one, default)).collect()
}

/// The system's instructions: parts, or a text.
fn instructions(value: &Value) -> Option<Message> {
    let parts = message::parts(&value::json(value));
    (!parts.is_empty()).then_some(Message { role: Role::System, parts, cache_marker: false })
}

/// Vercel's AI SDK keeps the answer's pieces apart.
fn vercel_answer(facts: &Facts<'_>) -> Option<Vec<Message>> {
    let text = |name| facts.text(name).map(str::to_owned);
    let mut parts = Vec::new();
    parts.extend(text(Key::AiResponseReasoning).map(|text| Part::Thinking { text }));
    parts.extend(
        text(Key::AiResponseText).or_else(|| text(Key::AiResponseObject)).map(|text| Part::Text { text }),
    );
    if let Some(Json::Array(calls)) = facts.get(Key::AiResponseToolCalls).map(value::json) {
        parts.extend(calls.iter().map(message::tool_call));
    }
    (!parts.is_empty()).then(|| vec![Message { role: Role::Assistant, parts, cache_marker: false }])
}

fn tools(facts: &Facts<'_>) -> Vec<api::ToolDefinition> {
    let said = TOOLS.iter().find_map(|name| facts.get(*name)).map(value::json);
    let spread = || {
        let tools = ["llm.tools.", "llm.request.functions."];
        tools.iter().find_map(|prefix| spread::gather(facts.attributes, prefix))
    };
    let Some(Json::Array(tools)) = said.or_else(spread) else { return Vec::new() };
    // Vercel writes each tool as JSON text, OpenInference wraps that once more.
    let tools: Vec<Json> = tools
        .into_iter()
        .map(|tool| tool.pointer("/tool/json_schema").cloned().unwrap_or(tool))
        .map(|tool| tool.as_str().and_then(value::parsed).unwrap_or(tool))
        .collect();
    tool_definitions(&json!({ "tools": tools }))
}

#[cfg(test)]
mod tests;
