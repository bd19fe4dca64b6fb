//! The listeners that bring calls in: how they are, switching them, and whom switching one off strands.
//! Leaves out doing it (`engine/supervisor`).

use serde::{Deserialize, Serialize};

/// How a listener is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SourceState {
    /// It accepts calls on these addresses and records them.
    Running {
        /// The addresses, as `host:port`.
        addresses: Vec<String>,
    },
    /// It accepts calls on these addresses and forwards them, but records nothing.
    Paused {
        /// The addresses, as `host:port`.
        addresses: Vec<String>,
    },
    /// It is switched off.
    Stopped,
    /// It could not start.
    Failed {
        /// Why, and what to do.
        message: String,
    },
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// `proxy`.
    pub name: String,
    /// How it is.
    #[serde(flatten)]
    pub state: SourceState,
}

/// What a listener is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceTarget {
    /// Accept calls and record them.
    Running,
    /// Accept calls, record nothing. Refused while it is off: that would switch it on.
    Paused,
    /// Record again after a pause. Refused while it is off, as [`SourceTarget::Paused`] is.
    Resumed,
    /// Close the port: tools that point at it fail until it opens again.
    Stopped,
}

/// A tool that uses a listener and would fail without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stranded {
    /// The tool or SDK (`claude-code`, …); `None` for calls that did not say who they are.
    pub client: Option<String>,
    /// Its calls within the last 24 hours.
    pub calls: u64,
    /// Of them, under way now.
    pub open: u64,
    /// When its latest call began, in milliseconds since 1970 (UTC).
    pub last_ms: i64,
}
