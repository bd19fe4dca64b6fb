//! Codex: its events, and of its some four hundred spans a turn the few that mean something to others.
//!
//! Tokens stand on one of many `handle_responses` spans, whose model and conversation only other spans name; the turn
//! repeats their sum. In logs they stand on the second of two `response.completed` events.

use api::SpanType;

use super::super::call::is_known;
use super::super::keys::Key;
use super::super::reading::{LogKind, LogReading, ReportedCall, SpanReading, Whose};
use super::super::told::Told;
use super::super::usage::{Input, Output, Tokens};
use super::super::value::{failure, id, one_line};
use super::super::wire::{LogRecord, Span};
use super::super::{read, tool};
use super::{called, decided, happened, is_redacted, prompted, ran, told_call};

/// Who is asked unless the configuration names another, which no report of a call says.
const PROVIDER: &str = "openai";
/// The agent that is no subagent.
const MAIN: &str = "/root";

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let facts = &told.facts;
    let counted = facts.any(&[Key::GenAiInputTokens, Key::GenAiOutputTokens]);
    let span_type = match span.name.as_str() {
        "handle_responses" if counted => SpanType::Llm,
        "run_sampling_request" => SpanType::Chain,
        "session_task.turn" => SpanType::Agent,
        // The dispatch of a tool is called as the tool is.
        _ if facts.any(&[Key::CodexToolPhase]) && facts.any(&[Key::CallId]) => SpanType::Tool,
        _ if counted => SpanType::Llm,
        _ => SpanType::Custom,
    };
    let mut reading = read::typed(span, told, span_type);
    reading.whose = whose(told);
    reading.infrastructure = span_type == SpanType::Custom;
    if let Some(call) = &mut reading.call {
        call.usage = Tokens {
            input: facts.count(Key::GenAiInputTokens),
            output: facts.count(Key::GenAiOutputTokens),
            cache_read: facts.count(Key::GenAiCacheRead),
            cache_write: facts.count(Key::GenAiCacheWrite),
            reasoning: facts.count(Key::CodexReasoning),
            ..Tokens::default()
        }
        .buckets(Input::Whole, Output::Whole);
        call.provider = call.provider.take().or_else(|| Some(PROVIDER.to_owned()));
        // The span is the end of a stream, not the call.
        call.start_ns = 0;
    }
    reading.label = match span_type {
        SpanType::Chain | SpanType::Agent => facts.text(Key::Model).map(str::to_owned),
        SpanType::Tool => reading.tool.as_ref().and_then(tool::line),
        _ => None,
    };
    reading
}

/// The thread is the session; `thread.id` is mostly a thread of the machine, which has a number.
fn whose(told: &Told<'_>) -> Whose {
    let facts = &told.facts;
    let mut whose = told.whose();
    let thread = facts.text(Key::ThreadId).filter(|id| id.contains('-'));
    whose.session = facts.first_text(&[Key::ConversationId, Key::ThreadIdPlain]).or(thread).and_then(id);
    whose.conversation = None;
    whose.agent_name = whose.agent_name.filter(|name| name != MAIN);
    whose
}

pub(super) fn log(record: &LogRecord, told: &Told<'_>, event: &str) -> LogReading {
    let facts = &told.facts;
    let mut reading = match event {
        "user_prompt" => prompted(told),
        "sse_event" | "websocket_event" if facts.any(&[Key::InputTokenCount, Key::OutputTokenCount]) => {
            called(told, completed(record, told))
        }
        "api_request" | "websocket_request" => requested(record, told, true),
        // Where no connection comes about the request is made without one.
        "websocket_connect" => requested(record, told, false),
        "tool_decision" => decided(told),
        "tool_result" => ran(told),
        "agent_response" => {
            let said = facts.text(Key::Response).filter(|text| !is_redacted(text)).and_then(one_line);
            happened(told, LogKind::Answer, said)
        }
        "conversation_starts" => {
            let model = facts.text(Key::Model).unwrap_or_default();
            happened(told, LogKind::Session, one_line(&format!("began with {model}")))
        }
        _ => match facts.text(Key::ErrorMessage).and_then(failure) {
            Some(error) => happened(told, LogKind::Error, Some(error)),
            None => happened(told, LogKind::Other, None),
        },
    };
    reading.whose = whose(told);
    reading
}

fn completed(record: &LogRecord, told: &Told<'_>) -> Option<ReportedCall> {
    let facts = &told.facts;
    let mut call = base(record, told)?;
    call.usage = Tokens {
        input: facts.count(Key::InputTokenCount),
        output: facts.count(Key::OutputTokenCount),
        cache_read: facts.count(Key::CachedTokenCount),
        cache_write: facts.count(Key::CacheWriteTokenCount),
        reasoning: facts.count(Key::ReasoningTokenCount),
        total: facts.count(Key::ToolTokenCount),
        ..Tokens::default()
    }
    .buckets(Input::Whole, Output::Whole);
    call.streamed = Some(true);
    // What this event took is the time since the one before it.
    call.start_ns = 0;
    Some(call).filter(is_known)
}

/// A request that was answered is told once more when its answer is whole; one that failed is not.
fn requested(record: &LogRecord, told: &Told<'_>, asks: bool) -> LogReading {
    let facts = &told.facts;
    let status = super::super::call::status(facts);
    let said = facts.text(Key::ErrorMessage).and_then(failure);
    let failed = said.is_some()
        || status.is_some_and(|status| status >= 400)
        || facts.flag(&[Key::Success]) == Some(false);
    if !failed {
        return happened(told, LogKind::Other, None);
    }
    let asked = asks && facts.text(Key::Endpoint).is_none_or(|endpoint| endpoint.contains("responses"));
    let error =
        said.or_else(|| status.map(|status| status.to_string())).unwrap_or_else(|| "failed".to_owned());
    let mut call = base(record, told).filter(|_| asked);
    if let Some(call) = &mut call {
        call.request_id = call.request_id.take().or_else(|| facts.text(Key::AuthRequestId).and_then(id));
        call.error = Some(error.clone());
    }
    match call {
        Some(call) => called(told, Some(call)),
        None => happened(told, LogKind::Error, Some(error)),
    }
}

fn base(record: &LogRecord, told: &Told<'_>) -> Option<ReportedCall> {
    let mut call = told_call(record, told)?;
    call.provider = call.provider.take().or_else(|| Some(PROVIDER.to_owned()));
    Some(call)
}
