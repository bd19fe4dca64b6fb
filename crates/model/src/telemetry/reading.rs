//! What a span, a log record or a metric means, whatever dialect it speaks. Leaves out reading it (one module a dialect).

use api::{Money, Operation, SpanType, Usage};
use serde::{Deserialize, Serialize};

/// What a span means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanReading {
    /// What it is.
    pub span_type: SpanType,
    /// Plumbing that no user of a model asked for (HTTP, a tool's own insides): folded away by default.
    pub infrastructure: bool,
    /// A copy of another span, or its announcement (Logfire's pending spans, LiteLLM's raw requests): its tokens are
    /// never counted.
    pub echo: bool,
    /// A line that says more than the name: the model, the tool with what it was asked, the agent.
    pub label: Option<String>,
    /// Whom it belongs to.
    pub whose: Whose,
    /// The call of a model that this span is.
    pub call: Option<ReportedCall>,
    /// The tool's run that this span is.
    pub tool: Option<ToolRun>,
    /// What went wrong, in one line.
    pub error: Option<String>,
}

/// What a log record means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogReading {
    /// The event's real name: attribute `event.name`, else the field unless it names a line of source, else the body
    /// where that is a name; the tool's prefix is kept as sent.
    pub event: Option<String>,
    /// What it is to a session's timeline.
    pub kind: LogKind,
    /// Whom it belongs to.
    pub whose: Whose,
    /// One line that says what happened.
    pub title: Option<String>,
    /// The call of a model that it reports.
    pub call: Option<ReportedCall>,
    /// The tool's run that it reports.
    pub tool: Option<ToolRun>,
}

/// What a log record is to a session's timeline. Stored as its number: new ones go to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogKind {
    /// Nothing that a timeline shows.
    #[default]
    Other,
    /// What a user asked.
    Prompt,
    /// A call of a model.
    Call,
    /// A tool's run.
    Tool,
    /// Whether a tool may run.
    Decision,
    /// What a model answered.
    Answer,
    /// Something failed.
    Error,
    /// Something that happened to the session: it began, was compacted, changed its mode.
    Session,
}

/// Whom a report belongs to. Stored as it stands: a field may only be added at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Whose {
    /// `service.name`, else the scope's name.
    pub service: Option<String>,
    /// The tool in the words the proxy uses (`claude-code`, `codex`, `gemini-cli`, …), where it is one we know; else the
    /// service.
    pub client: Option<String>,
    /// The session (`session.id` and its kin), else the conversation.
    pub session: Option<String>,
    /// The conversation, where it is told apart from the session.
    pub conversation: Option<String>,
    /// The user's prompt that this is part of (`prompt.id`, `prompt_id`).
    pub prompt: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The agent's id, where it is not the main one.
    pub agent: Option<String>,
    /// That agent's maker.
    pub agent_parent: Option<String>,
    /// What kind of agent.
    pub agent_name: Option<String>,
}

/// A call of a model as somebody other than the wire tells it. Stored as it stands: a field may only be added at the end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportedCall {
    /// The provider in our words (`openai`, `anthropic`, `gemini`, `bedrock`, …), else as sent.
    pub provider: Option<String>,
    /// The model asked for.
    pub requested_model: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// What was asked.
    pub operation: Operation,
    /// Tokens in exclusive buckets, whatever the dialect's own reading.
    pub usage: Usage,
    /// What the reporter says it cost.
    pub cost: Option<Money>,
    /// Its beginning, in nanoseconds since 1970; 0 when only its end is known.
    pub start_ns: u64,
    /// Its end.
    pub end_ns: u64,
    /// From its beginning to the first token, in microseconds.
    pub first_token_us: Option<u64>,
    /// Whether the answer was a stream, where that was said.
    pub streamed: Option<bool>,
    /// The status, where it was said.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// The line that tells it apart: what the user said last, where that was reported.
    pub title: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The client's own id of the request (`x-client-request-id`).
    pub client_request_id: Option<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// Batch, flex, priority.
    pub service_tier: Option<String>,
}

/// A tool's run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolRun {
    /// The tool.
    pub name: Option<String>,
    /// The id by which the model asked for it.
    pub call_id: Option<String>,
    /// What it was given, as JSON text.
    pub arguments: Option<String>,
    /// What it gave back, as text.
    pub result: Option<String>,
    /// Whether it succeeded, where that was said.
    pub success: Option<bool>,
    /// How long it took, in microseconds.
    pub duration_us: Option<u64>,
}
