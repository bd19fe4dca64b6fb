//! Gemini CLI: its events, and its spans. Owns what its fork Qwen Code says alike.
//!
//! Each call is told three times: by `api_response` with all its tokens, by OpenTelemetry's own event without those of
//! caches and thoughts, and by a span that mostly has none. Only the first counts. Candidates exclude thoughts.

use api::SpanType;

use super::super::keys::Key;
use super::super::reading::{LogKind, LogReading, ReportedCall, SpanReading, Whose};
use super::super::told::Told;
use super::super::usage::{Input, Output, Tokens};
use super::super::value::{failure, one_line};
use super::super::wire::{LogRecord, Span};
use super::super::{call, event, provider, read};
use super::{called, happened, prompted, ran, told_call};

/// The agent that is no subagent.
const MAIN: &str = "gemini-cli";

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let mut reading = read::base(span, told);
    reading.whose = whose(told);
    // The event of the same call knows its tokens; the span has no more in common with it than a model's name.
    reading.call = None;
    let word = told.facts.text(Key::GenAiOperation).unwrap_or_default();
    if matches!(word, "user_prompt" | "system_prompt") {
        reading.span_type = SpanType::Custom;
    }
    reading
}

/// Whose a report is: the main agent is no agent in our sense.
fn whose(told: &Told<'_>) -> Whose {
    let mut whose = told.whose();
    whose.conversation = None;
    whose.agent_name = whose.agent_name.filter(|name| name != MAIN);
    whose
}

/// Who is asked, by how the user is known there.
pub(super) fn provider_of(told: &Told<'_>) -> String {
    match told.facts.text(Key::AuthType).unwrap_or_default() {
        "vertex-ai" => "vertex".to_owned(),
        "openai" => "openai".to_owned(),
        "anthropic" => "anthropic".to_owned(),
        "qwen-oauth" => "qwen".to_owned(),
        _ => told
            .facts
            .first_text(&[Key::GenAiProvider, Key::GenAiSystem])
            .map_or_else(|| "gemini".to_owned(), provider::ours),
    }
}

pub(super) fn log(record: &LogRecord, told: &Told<'_>, event: &str) -> LogReading {
    let mut reading = shared(record, told, event);
    reading.whose = whose(told);
    reading
}

/// The events that Qwen Code writes alike.
pub(super) fn shared(record: &LogRecord, told: &Told<'_>, event: &str) -> LogReading {
    let facts = &told.facts;
    match event {
        "user_prompt" => prompted(told),
        "api_response" => called(told, answered(record, told)),
        "api_error" => {
            let mut call = answered(record, told);
            if let Some(call) = &mut call {
                let said = facts.first_text(&[
                    Key::ErrorMessage,
                    Key::ErrorMessagePlain,
                    Key::Error,
                    Key::ErrorType,
                    Key::ErrorTypePlain,
                ]);
                call.error = said.and_then(failure).or_else(|| Some("failed".to_owned()));
            }
            called(told, call)
        }
        "tool_call" => ran(told),
        "agent.start" | "agent.finish" => {
            let name = facts.first_text(&[Key::PydanticAgent, Key::AgentName]).unwrap_or_default();
            let what = event.strip_prefix("agent.").unwrap_or_default();
            happened(told, LogKind::Session, one_line(&format!("agent {name}: {what}")))
        }
        "subagent_execution" => {
            let words = [Key::SubagentName, Key::Status].map(|name| facts.text(name).unwrap_or_default());
            happened(told, LogKind::Session, one_line(&format!("subagent {}: {}", words[0], words[1])))
        }
        "chat_compression" => {
            let tokens = (facts.count(Key::TokensBefore), facts.count(Key::TokensAfter));
            let line = match tokens {
                (Some(before), Some(after)) => format!("compacted: {before} to {after} tokens"),
                _ => "compacted".to_owned(),
            };
            happened(told, LogKind::Session, Some(line))
        }
        "config" => {
            let model = facts.text(Key::Model).unwrap_or_default();
            happened(told, LogKind::Session, one_line(&format!("began with {model}")))
        }
        "approval_mode_switch"
        | "flash_fallback"
        | "conversation_finished"
        | "end_session"
        | "rewind"
        | "slash_command"
        | "loop_detected" => {
            happened(told, LogKind::Session, event::sentence(record).or_else(|| one_line(event)))
        }
        "chat.content_retry_failure" | "malformed_json_response" => {
            happened(told, LogKind::Error, event::sentence(record))
        }
        _ => happened(told, LogKind::Other, None),
    }
}

fn answered(record: &LogRecord, told: &Told<'_>) -> Option<ReportedCall> {
    let facts = &told.facts;
    let mut call = told_call(record, told)?;
    call.provider = Some(provider_of(told));
    call.model = call.model.take().or_else(|| call.requested_model.clone());
    let tokens = Tokens {
        input: facts.count(Key::InputTokenCount),
        output: facts.count(Key::OutputTokenCount),
        cache_read: facts.count(Key::CachedContentTokenCount),
        reasoning: facts.count(Key::ThoughtsTokenCount),
        total: facts.count(Key::TotalTokenCount),
        ..Tokens::default()
    };
    call.usage = tokens.buckets(Input::Whole, Output::Answer);
    // Prompts of tools the model used are beside the prompt.
    if let (Some(input), Some(from_tools)) = (call.usage.input, facts.count(Key::ToolTokenCount)) {
        call.usage.input = Some(input.saturating_add(from_tools));
    }
    let finished = facts.get(Key::FinishReasons).and_then(call::first_word);
    call.finish_reason = call.finish_reason.take().or(finished);
    Some(call)
}
