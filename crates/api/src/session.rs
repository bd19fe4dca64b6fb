//! Sessions: where a call stands in one, and one as a whole. Leaves out finding them (`model::identity`, `store`).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{CallId, CallSummary, Money, Usage};

/// Who says that a call belongs to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionSource {
    /// The client: it sent the id.
    Client,
    /// LLMFlow: the call repeats the messages and the answer of an earlier one.
    Inferred,
    /// The provider: the call goes on from an answer it names (`previous_response_id`).
    ResponseId,
}

impl SessionSource {
    /// The word stored and shown in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Inferred => "inferred",
            Self::ResponseId => "response_id",
        }
    }
}

impl FromStr for SessionSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Client, Self::Inferred, Self::ResponseId]
            .into_iter()
            .find(|source| source.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a session's source"))
    }
}

/// How a call goes on from the one it continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// The next turn.
    Turn,
    /// Another next turn: the conversation was wound back.
    Fork,
    /// The same request once more.
    Retry,
    /// A subagent's first turn: the call it continues asked for it.
    Spawned,
}

impl Tie {
    /// The word stored and shown in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Fork => "fork",
            Self::Retry => "retry",
            Self::Spawned => "spawned",
        }
    }
}

impl FromStr for Tie {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Turn, Self::Fork, Self::Retry, Self::Spawned]
            .into_iter()
            .find(|tie| tie.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a tie"))
    }
}

/// An agent of a session that is not its main one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Agent {
    /// Its id within the session.
    pub id: String,
    /// The agent that made it; `None` for the main one, or when that is not known.
    pub parent: Option<String>,
    /// What kind it is, in the client's word.
    pub name: Option<String>,
    /// The client did not say so: its prompt, or its system prompt and tools, tell it apart.
    pub inferred: bool,
}

/// Where a call stands in its session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lineage {
    /// The session, as `SessionSummary::key` names it. The client's id alone may stand for several.
    pub session: Option<u64>,
    /// Who says so.
    pub source: Option<SessionSource>,
    /// The agent that made the call; `None` for the main one.
    pub agent: Option<Agent>,
    /// The call this one goes on from.
    pub continues: Option<CallId>,
    /// How.
    pub tie: Option<Tie>,
}

/// Which sessions. Every field given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionFilter {
    /// Stands in the title or in the id.
    pub text: Option<String>,
    /// Of this tool or SDK.
    pub client: Option<String>,
    /// With this provider.
    pub provider: Option<String>,
    /// Its latest call began at or after, in milliseconds since 1970 (UTC).
    pub from_ms: Option<i64>,
    /// Its first call began before, in milliseconds since 1970 (UTC).
    pub to_ms: Option<i64>,
}

/// A place in the list of sessions: behind the session that was last used then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsCursor {
    /// When the last session of the page before was used last, in milliseconds since 1970 (UTC).
    pub last_ms: i64,
    /// That session, as [`SessionSummary::key`] names it.
    pub key: u64,
}

impl std::fmt::Display for SessionsCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.last_ms, self.key)
    }
}

impl FromStr for SessionsCursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.rsplit_once('-');
        let read = parts.and_then(|(last_ms, key)| Some((last_ms.parse().ok()?, key.parse().ok()?)));
        let (last_ms, key) = read.ok_or_else(|| format!("{text:?} is no place in the list of sessions"))?;
        Ok(Self { last_ms, key })
    }
}

/// How a question names a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionRef {
    /// [`SessionSummary::key`]: one session and no other.
    Key(u64),
    /// A client's id: of several sessions that go by it, the one used last.
    Id(String),
}

/// One session as a list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// LLMFlow's own number for it: one client id, one provider, one account.
    pub key: u64,
    /// The client's id, or `inferred-…`.
    pub id: String,
    /// Who said so first.
    pub source: SessionSource,
    /// The provider.
    pub provider: String,
    /// The tool or SDK.
    pub client: Option<String>,
    /// What was asked first.
    pub title: Option<String>,
    /// When its first call began, in milliseconds since 1970 (UTC).
    pub first_ms: i64,
    /// When its latest call began, in milliseconds since 1970 (UTC).
    pub last_ms: i64,
    /// Its calls.
    pub calls: u64,
    /// Of them, with an error.
    pub errors: u64,
    /// Sum of durations in microseconds.
    pub duration_us: u64,
    /// Tokens by bucket, over the calls whose usage is known.
    pub usage: Usage,
    /// Cost over the calls whose cost is known.
    pub cost: Money,
    /// Billable calls whose cost is unknown.
    pub unpriced: u64,
    /// The models, most calls first.
    pub models: Vec<String>,
    /// Agents beside the main one.
    pub agents: u64,
    /// Turns at which it was wound back.
    pub forks: u64,
}

/// A page of sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionsPage {
    /// The sessions, the latest used first.
    pub sessions: Vec<SessionSummary>,
    /// How many match in all.
    pub total: u64,
}

/// One session and its calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionDetail {
    /// The session.
    pub session: SessionSummary,
    /// Its calls in the order in which they began; at most the latest 5,000.
    pub calls: Vec<CallSummary>,
}
