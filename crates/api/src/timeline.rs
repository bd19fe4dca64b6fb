//! What happened in a session, in order: prompts, calls, tool runs. Leaves out finding it (`store`, `engine`).

use serde::{Deserialize, Serialize};

use crate::{CallId, Money, Usage};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
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
    /// Something that happened to the session.
    Session,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When it began, in nanoseconds since 1970 (UTC).
    pub time_ns: i64,
    /// How long it took, in microseconds.
    pub duration_us: Option<u64>,
    /// What it is.
    pub kind: TimelineKind,
    /// One line that says what happened.
    pub title: String,
    /// The agent, where it is not the main one.
    pub agent: Option<String>,
    /// Whether it failed, where that is known.
    pub failed: Option<bool>,
    /// The user's prompt that it is part of (`prompt.id`), where the tool says so.
    pub prompt: Option<String>,
    /// The id by which a model asked for the tool.
    pub tool_call: Option<String>,
    /// The call.
    pub call: Option<CallId>,
    /// Its model.
    pub model: Option<String>,
    /// Its tokens.
    pub usage: Usage,
    /// What it cost.
    pub cost: Option<Money>,
    /// The trace, in hex.
    pub trace_id: Option<String>,
    /// The span, in hex.
    pub span_id: Option<String>,
    /// The log record.
    pub log_id: Option<String>,
}

/// A session's timeline, in order; what two reports tell of is there once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// What happened: at most the latest 10,000 entries.
    pub entries: Vec<TimelineEntry>,
    /// Entries before those.
    pub earlier: u64,
}
