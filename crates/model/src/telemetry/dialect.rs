//! Who speaks: the dialects of spans and log records, and how each is known. One module reads what is each one's own;
//! what they share is read by `read`, `call` and `tool`.

use super::event;
use super::keys::Key;
use super::kind;
use super::reading::{LogKind, LogReading, ReportedCall, SpanReading, ToolRun};
use super::told::Told;
use super::value::one_line;
use super::wire::{LogRecord, Span};
use super::{read, tool};

mod claude_code;
mod codex;
mod copilot;
mod gemini_cli;
mod genai;
mod langfuse;
mod langsmith;
mod litellm;
mod logfire;
mod mcp;
mod mlflow;
mod opencode;
mod openinference;
mod openllmetry;
mod qwen_code;
mod vercel;

/// A dialect of spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    ClaudeCode,
    Codex,
    GeminiCli,
    QwenCode,
    Opencode,
    Copilot,
    Vercel,
    Logfire,
    Langfuse,
    Langsmith,
    Mlflow,
    Litellm,
    OpenInference,
    OpenLlmetry,
    Mcp,
    /// OpenTelemetry's own conventions, also in the mouth of those who add nothing to them.
    GenAi,
}

impl Dialect {
    /// The dialect of a span: a tool's own instrumentation first, then what only one dialect has. `None` for spans that
    /// say nothing of models.
    pub(super) fn of_span(told: &Told<'_>) -> Option<Self> {
        Self::of_tool(told).or_else(|| Self::by_facts(told))
    }

    fn of_tool(told: &Told<'_>) -> Option<Self> {
        let own = |names: &[&str]| told.scope.is_empty() || told.scope_begins(names);
        match told.tool {
            _ if told.scope_begins(&["com.anthropic.claude_code"]) => Some(Self::ClaudeCode),
            Some("claude-code") if told.facts.any(&[Key::SpanType]) => Some(Self::ClaudeCode),
            Some("codex") if own(&["codex"]) => Some(Self::Codex),
            Some("gemini-cli") if own(&["gemini-cli"]) => Some(Self::GeminiCli),
            Some("qwen-code") if own(&["qwen-code"]) => Some(Self::QwenCode),
            Some("opencode") if told.facts.any(&[Key::AiOperation]) => Some(Self::Vercel),
            Some("opencode") if own(&["opencode"]) => Some(Self::Opencode),
            Some("github-copilot") if own(&["github.copilot", "copilot"]) => Some(Self::Copilot),
            _ => None,
        }
    }

    fn by_facts(told: &Told<'_>) -> Option<Self> {
        let any = |names: &[Key]| told.facts.any(names);
        let scope = |names: &[&str]| told.scope_begins(names);
        Some(if any(&[Key::AiOperation]) {
            Self::Vercel
        } else if any(&[Key::LogfireSpanType]) || scope(&["logfire", "pydantic-ai"]) {
            Self::Logfire
        } else if any(&[Key::LangfuseType]) {
            Self::Langfuse
        } else if any(&[Key::LangsmithKind]) || scope(&["langsmith"]) {
            Self::Langsmith
        } else if any(&[Key::MlflowType]) {
            Self::Mlflow
        } else if any(&[Key::LitellmCallId, Key::LitellmCallType]) || scope(&["litellm"]) {
            Self::Litellm
        } else if any(&[Key::OpenInferenceKind]) {
            Self::OpenInference
        } else if any(&[Key::TraceloopKind, Key::LlmRequestType]) {
            Self::OpenLlmetry
        } else if any(&[Key::McpMethod]) {
            Self::Mcp
        } else if kind::of(&told.facts).is_some() {
            Self::GenAi
        } else {
            return None;
        })
    }
}

/// A span in its dialect.
pub(super) fn span(dialect: Dialect, span: &Span, told: &Told<'_>) -> SpanReading {
    match dialect {
        Dialect::ClaudeCode => claude_code::span(span, told),
        Dialect::Codex => codex::span(span, told),
        Dialect::GeminiCli => gemini_cli::span(span, told),
        Dialect::QwenCode => qwen_code::span(span, told),
        Dialect::Opencode => opencode::span(span, told),
        Dialect::Copilot => copilot::span(span, told),
        Dialect::Vercel => vercel::span(span, told),
        Dialect::Logfire => logfire::span(span, told),
        Dialect::Langfuse => langfuse::span(span, told),
        Dialect::Langsmith => langsmith::span(span, told),
        Dialect::Mlflow => mlflow::span(span, told),
        Dialect::Litellm => litellm::span(span, told),
        Dialect::OpenInference => openinference::span(span, told),
        Dialect::OpenLlmetry => openllmetry::span(span, told),
        Dialect::Mcp => mcp::span(span, told),
        Dialect::GenAi => read::base(span, told),
    }
}

/// A log record in the dialect that its event's name, its instrumentation or its program tells.
pub(super) fn log(record: &LogRecord, told: &Told<'_>, event: &str) -> LogReading {
    if told.scope_begins(&["com.anthropic.claude_code"]) || told.tool == Some("claude-code") {
        return claude_code::log(record, told, event.strip_prefix("claude_code.").unwrap_or(event));
    }
    if let Some(event) = event.strip_prefix("codex.") {
        return codex::log(record, told, event);
    }
    if let Some(event) = event.strip_prefix("qwen-code.") {
        return qwen_code::log(record, told, event);
    }
    // Some of Gemini's events have no prefix.
    let gemini = event.strip_prefix("gemini_cli.").or((told.tool == Some("gemini-cli")).then_some(event));
    if let Some(event) = gemini {
        return gemini_cli::log(record, told, event);
    }
    match told.tool {
        Some("opencode") => opencode::log(record, told),
        _ if event.starts_with("gen_ai.") => genai::log(record, told, event),
        _ => other(record, told),
    }
}

/// From here on a log record tells of a failure, by OTLP's numbers.
const FAILED: i32 = 17;

/// A record that no dialect knows.
fn other(record: &LogRecord, told: &Told<'_>) -> LogReading {
    let kind = if record.severity_number >= FAILED { LogKind::Error } else { LogKind::Other };
    LogReading { kind, whose: told.whose(), ..LogReading::default() }
}

/// Something that happened, in one line.
fn happened(told: &Told<'_>, kind: LogKind, title: Option<String>) -> LogReading {
    LogReading { kind, title, whose: told.whose(), ..LogReading::default() }
}

/// What a user asked. Tools that were told to keep prompts to themselves write a word in brackets for them.
fn prompted(told: &Told<'_>) -> LogReading {
    let facts = &told.facts;
    let said = facts.text(Key::Prompt).filter(|prompt| !is_redacted(prompt)).and_then(one_line);
    let length = || facts.count(Key::PromptLength).map(|length| format!("a prompt of {length} characters"));
    happened(told, LogKind::Prompt, said.or_else(length))
}

/// Whether a tool was told to keep this to itself.
pub(super) fn is_redacted(text: &str) -> bool {
    matches!(text.trim(), "<REDACTED>" | "[REDACTED]" | "__REDACTED__")
}

/// Whether a tool may run.
fn decided(told: &Told<'_>) -> LogReading {
    let facts = &told.facts;
    let run = tool::read(told);
    let words = [run.name.as_deref(), facts.text(Key::Decision), facts.text(Key::Source)];
    let [name, decision, source] = words.map(Option::unwrap_or_default);
    let source = if source.is_empty() { String::new() } else { format!("({source})") };
    let mut reading = happened(told, LogKind::Decision, one_line(&format!("{name}: {decision} {source}")));
    // Only what ties the decision to the run: it has not run.
    reading.tool = Some(ToolRun { result: None, success: None, duration_us: None, ..run });
    reading
}

/// A tool's run.
fn ran(told: &Told<'_>) -> LogReading {
    let run = tool::read(told);
    let mut reading = happened(told, LogKind::Tool, tool::line(&run));
    reading.tool = Some(run);
    reading
}

/// A call of a model, in one line: the model and what it took, or what went wrong.
fn called(told: &Told<'_>, call: Option<ReportedCall>) -> LogReading {
    let title = call.as_ref().and_then(|call| {
        let model = call.model.as_deref().or(call.requested_model.as_deref()).unwrap_or("a model");
        let tokens = (call.usage.prompt_total(), call.usage.output);
        one_line(&match (&call.error, tokens) {
            (Some(error), _) => format!("{model}: {error}"),
            (None, (Some(input), Some(output))) => format!("{model}: {input} tokens in, {output} out"),
            _ => model.to_owned(),
        })
    });
    let failed = call.as_ref().is_some_and(|call| call.error.is_some());
    let mut reading = happened(told, if failed { LogKind::Error } else { LogKind::Call }, title);
    reading.call = call;
    reading
}

/// The call that a log record tells of: it ended when the record was written, and took what the record says.
fn told_call(record: &LogRecord, told: &Told<'_>) -> Option<ReportedCall> {
    let took = told.facts.milliseconds(&[Key::DurationMs, Key::Duration]);
    let (start, end) = event::stretch(event::time(record, told), took);
    super::call::read(told, start, end)
}

/// A count in a JSON map.
fn counted(map: &serde_json::Value, member: &str) -> Option<u64> {
    let value = map.get(member)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    (number <= 1 << 53).then_some(number)
}

/// A document of LangChain's larger than this is not looked through for an id.
const LARGEST: usize = 1 << 20;

/// The provider's id of the answer in what LangChain keeps of it.
fn langchain_id(answer: &str) -> Option<String> {
    if answer.len() > LARGEST {
        return None;
    }
    let answer: serde_json::Value = serde_json::from_str(answer).ok()?;
    let message = answer
        .pointer("/generations/0/0/message/kwargs")
        .or_else(|| answer.pointer("/generations/0/0/message"))?;
    let found = message.pointer("/response_metadata/id").or_else(|| message.get("id"))?.as_str()?;
    // LangChain's own ids of runs are nobody else's.
    (!found.starts_with("run-") && !found.starts_with("lc_")).then(|| super::value::id(found)).flatten()
}
