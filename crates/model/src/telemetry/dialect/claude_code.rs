//! Claude Code: its events, and its spans (a beta). Its tokens exclude what came from caches, as Anthropic's own do; its
//! `gen_ai.response.id` is the id of the request.

use api::SpanType;

use super::super::facts::Facts;
use super::super::keys::Key;
use super::super::reading::{LogKind, LogReading, ReportedCall, SpanReading, Whose};
use super::super::told::Told;
use super::super::usage::{Input, Output, Tokens};
use super::super::value::{failure, one_line};
use super::super::wire::{LogRecord, Span};
use super::super::{call, read};
use super::{called, decided, happened, is_redacted, prompted, ran, told_call};

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let word = told.facts.text(Key::SpanType);
    let word = word.or_else(|| span.name.strip_prefix("claude_code.")).unwrap_or_default();
    let span_type = match word {
        "interaction" | "subagent.spawn" => SpanType::Agent,
        "llm_request" => SpanType::Llm,
        "tool" => SpanType::Tool,
        "compaction" => SpanType::Chain,
        _ => SpanType::Custom,
    };
    let mut reading = read::typed(span, told, span_type);
    reading.whose = whose(told);
    reading.infrastructure = matches!(word, "mcp.rpc" | "bash.subprocess");
    reading.error = reading.error.or_else(|| unsuccessful(&told.facts));
    if let Some(call) = &mut reading.call {
        correct(call, &told.facts);
        call.error = call.error.take().or_else(|| reading.error.clone());
    }
    reading.label = match word {
        "interaction" => {
            told.facts.text(Key::UserPrompt).filter(|prompt| !is_redacted(prompt)).and_then(one_line)
        }
        "tool.blocked_on_user" => Some(permission(&told.facts)),
        _ => None,
    };
    reading
}

/// What came of asking whether a tool may run; Claude Code says `unknown` where nobody had to be asked.
fn permission(facts: &Facts<'_>) -> String {
    let decision = facts.text(Key::Decision).filter(|decision| *decision != "unknown").and_then(one_line);
    decision.map_or_else(|| "permission".to_owned(), |decision| format!("permission: {decision}"))
}

/// What failed, where it says that it did not succeed.
fn unsuccessful(facts: &Facts<'_>) -> Option<String> {
    let failed = facts.flag(&[Key::Success]) == Some(false);
    let said = || facts.first_text(&[Key::Error, Key::ErrorMessage, Key::ErrorClass, Key::ErrorType]);
    failed.then(|| said().and_then(failure).unwrap_or_else(|| "failed".to_owned()))
}

/// What the shared names do not tell rightly.
fn correct(call: &mut ReportedCall, facts: &Facts<'_>) {
    call.usage = Tokens {
        input: facts.count(Key::InputTokens),
        output: facts.count(Key::OutputTokens),
        cache_read: facts.count(Key::CacheReadTokens),
        cache_write: facts.count(Key::CacheCreationTokens),
        cache_write_long: facts.count(Key::CacheCreation1h).filter(|long| *long > 0),
        ..Tokens::default()
    }
    .buckets(Input::Uncached, Output::Whole);
    call.provider = call.provider.take().or_else(|| Some("anthropic".to_owned()));
    // Only Anthropic's own ids of answers begin so.
    call.response_id = call.response_id.take().filter(|id| id.starts_with("msg_"));
}

/// The conversation is the session; who asks within it is said in `query_source` (`agent:builtin:Explore`).
fn whose(told: &Told<'_>) -> Whose {
    let mut whose = told.whose();
    let source = told.facts.text(Key::QuerySource).and_then(|source| source.strip_prefix("agent:"));
    let kind = source.map(|agent| agent.rsplit(':').next().unwrap_or(agent));
    whose.agent_name = whose.agent_name.or_else(|| kind.map(str::to_owned));
    whose
}

pub(super) fn log(record: &LogRecord, told: &Told<'_>, event: &str) -> LogReading {
    let facts = &told.facts;
    let mut reading = match event {
        "user_prompt" => prompted(told),
        "api_request" => called(told, request(record, told)),
        "api_error" | "api_retries_exhausted" | "api_refusal" => failed(record, told, event),
        "assistant_response" => {
            let said = facts.text(Key::Response).filter(|text| !is_redacted(text)).and_then(one_line);
            happened(told, LogKind::Answer, said)
        }
        "tool_decision" => decided(told),
        "tool_result" => ran(told),
        "compaction" => happened(told, LogKind::Session, compaction(facts)),
        "permission_mode_changed" => {
            let mode = |name| facts.text(name).unwrap_or("?");
            let line = format!("permissions: {} to {}", mode(Key::FromMode), mode(Key::ToMode));
            happened(told, LogKind::Session, one_line(&line))
        }
        "subagent_completed" => happened(told, LogKind::Session, subagent(facts)),
        "skill_activated" => happened(
            told,
            LogKind::Session,
            facts.text(Key::SkillName).and_then(|name| one_line(&format!("skill {name}"))),
        ),
        "internal_error" => happened(told, LogKind::Error, facts.text(Key::ErrorName).and_then(one_line)),
        _ => happened(told, LogKind::Other, None),
    };
    reading.whose = whose(told);
    reading
}

fn request(record: &LogRecord, told: &Told<'_>) -> Option<ReportedCall> {
    let mut call = told_call(record, told)?;
    correct(&mut call, &told.facts);
    call.model = call.model.take().or_else(|| call.requested_model.clone());
    Some(call)
}

/// `api_error` is written once for a call that failed for good; the others say more about that one.
fn failed(record: &LogRecord, told: &Told<'_>, event: &str) -> LogReading {
    let facts = &told.facts;
    let error = facts.first_text(&[Key::Error, Key::ErrorMessage]).and_then(failure);
    if event != "api_error" {
        let what = if event == "api_refusal" { "refused" } else { "gave up" };
        let model = facts.text(Key::Model).unwrap_or_default();
        let line = format!("{model}: {what} {}", error.unwrap_or_default());
        return happened(told, LogKind::Error, one_line(&line));
    }
    let mut call = request(record, told);
    if let Some(call) = &mut call {
        call.error = error.or_else(|| Some("failed".to_owned()));
    }
    called(told, call)
}

fn compaction(facts: &Facts<'_>) -> Option<String> {
    let trigger = facts.text(Key::Trigger).unwrap_or_default();
    Some(match (facts.count(Key::PreTokens), facts.count(Key::PostTokens)) {
        (Some(before), Some(after)) => format!("compacted ({trigger}): {before} to {after} tokens"),
        _ => format!("compacted ({trigger})"),
    })
}

fn subagent(facts: &Facts<'_>) -> Option<String> {
    let kind = facts.first_text(&[Key::AgentType, Key::AgentTypeDotted])?;
    let model = facts.first_text(&[Key::FinalModel, Key::Model]).and_then(call::model);
    one_line(&format!("subagent {kind} ended {}", model.unwrap_or_default()))
}
