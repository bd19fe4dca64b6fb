//! Qwen Code, a fork of Gemini CLI: the same events under its own prefix, and spans of its own.
//!
//! A subagent's prompt id names the session, the agent and the turn (`SESSION#AGENT#0`). Where it asks a server that
//! speaks OpenAI's words, reasoning is within what it calls the answer: the total tells.

use api::SpanType;

use super::super::keys::Key;
use super::super::read;
use super::super::reading::{LogReading, SpanReading, Whose};
use super::super::told::Told;
use super::super::value::{id, one_line};
use super::super::wire::{LogRecord, Span};
use super::gemini_cli::{provider_of, shared};

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let span_type = match span.name.strip_prefix("qwen-code.").unwrap_or_default() {
        "interaction" | "subagent" => SpanType::Agent,
        "llm_request" => SpanType::Llm,
        "tool" => SpanType::Tool,
        _ if span.name.starts_with("qwen-code.") => SpanType::Custom,
        _ => return read::base(span, told),
    };
    let mut reading = read::typed(span, told, span_type);
    reading.whose = whose(told);
    if let Some(call) = &mut reading.call {
        call.provider = call.provider.take().or_else(|| Some(provider_of(told)));
    }
    reading
}

fn whose(told: &Told<'_>) -> Whose {
    let mut whose = told.whose();
    whose.conversation = None;
    whose.agent_name = whose.agent_name.or_else(|| told.facts.text(Key::SubagentName).and_then(one_line));
    let prompt = whose.prompt.clone().unwrap_or_default();
    let mut parts = prompt.split('#').skip(1);
    if let (Some(agent), Some(_)) = (parts.next(), parts.next()) {
        whose.agent = whose.agent.or_else(|| id(agent));
    }
    whose
}

pub(super) fn log(record: &LogRecord, told: &Told<'_>, event: &str) -> LogReading {
    let mut reading = shared(record, told, event);
    reading.whose = whose(told);
    reading
}
