//! Sending a recorded call again: what is asked, what would be sent, and what came of it.
//! Leaves out how it is sent (`engine`).

use serde::{Deserialize, Serialize};

use crate::{CallId, CallSummary, Cost, Money};

/// What is to be different this time. Nothing given: the same again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplayEdit {
    /// The whole body, instead of the recorded one.
    pub body: Option<String>,
    /// Another model, wherever the call names its model: in the body, in the path, or in both.
    pub model: Option<String>,
    /// Another provider, where it takes what the call asks.
    pub provider: Option<String>,
}

impl ReplayEdit {
    /// Whether it is the same again.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// How far an answer to a replay waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayUntil {
    /// Nothing is sent: only what would be, and whether it could.
    DryRun,
    /// Until the call is under way; it can be watched as any other.
    Begun,
    /// Until the call ended and is recorded.
    #[default]
    Ended,
}

/// A replay: what is sent, and how it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// The recorded call.
    pub of: CallId,
    /// The new call; `None` when nothing was sent.
    pub id: Option<CallId>,
    /// Where it goes, by the name of the provider.
    pub provider: String,
    /// The host that is asked.
    pub upstream: String,
    /// The path that is asked, on LLMFlow's proxy.
    pub path: String,
    /// The model that is asked for, where the call names it.
    pub model: Option<String>,
    /// Bytes of the body.
    pub body_bytes: u64,
    /// What it would cost if it took as many tokens as the recorded call; `None` when nobody knows.
    pub estimate: Option<Money>,
    /// How it ended; `None` while it is under way, and when nothing was sent.
    pub call: Option<Box<CallSummary>>,
    /// What it cost, in detail, once it ended.
    pub cost: Option<Cost>,
    /// The tools that the model asks for. LLMFlow runs none: the replay stops here.
    pub tools_asked: Vec<String>,
}

/// What replays of a stretch of time add up to: they are in no other sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplayTotals {
    /// Replays.
    pub calls: u64,
    /// What they cost, of those whose cost is known.
    pub cost: Money,
    /// Those whose cost is unknown.
    pub unpriced: u64,
}
