//! Whether all is well, and how complete the record is. Leaves out finding out (`engine`).

use serde::{Deserialize, Serialize};

use crate::{Retention, SourceStatus};

/// Whether all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Everything that should run does, and nothing was lost.
    Ok,
    /// Something failed or was lost; the rest works.
    Degraded,
}

/// Every call since start that was to be recorded is in exactly one of `recorded`, `lost`, `open` and `waiting`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completeness {
    /// Calls that reached the proxy while it recorded.
    pub seen: u64,
    /// Of them, committed to the store with their ending.
    pub recorded: u64,
    /// Of them, under way.
    pub open: u64,
    /// Of them, over and not committed yet; they stay here while the store cannot be written.
    #[serde(default)]
    pub waiting: u64,
    /// Of them, forwarded but not recorded (queue full, store failed).
    pub lost: u64,
    /// Bodies of which only the beginning was kept.
    pub cut: u64,
    /// Calls that were forwarded while recording was paused; they are not in `seen`.
    #[serde(default)]
    pub paused: u64,
}

/// What came over OTLP since start. Every span, record and point that was read is in exactly one of those stored (`spans`,
/// `logs`, `points`), `rejected`, `refused` and `paused`, but for those sent twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Collected {
    /// Spans committed, those sent twice once.
    pub spans: u64,
    /// Log records committed.
    pub logs: u64,
    /// Metric points committed.
    pub points: u64,
    /// Of no use (an id of zeros, say): the sender was told how many and why.
    pub rejected: u64,
    /// Not taken for now (full, or the store cannot be written): the sender was asked to come again.
    pub refused: u64,
    /// Requests that could not be read at all.
    pub unreadable: u64,
    /// Came while the collector was paused: the sender was told that nothing is kept.
    pub paused: u64,
    /// Spans and events that are stored, but not yet joined with calls and sessions.
    pub waiting: u64,
    /// For how long the oldest of those waits, in milliseconds.
    pub lag_ms: u64,
}

/// The answer of `/api/health`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Whether all is well.
    pub status: HealthStatus,
    /// This program's version.
    pub version: String,
    /// Seconds since start.
    pub uptime_s: u64,
    /// The listeners.
    pub sources: Vec<SourceStatus>,
    /// Calls since start.
    pub completeness: Completeness,
    /// What came over OTLP since start.
    #[serde(default)]
    pub collected: Collected,
    /// Calls in the store.
    pub calls: u64,
    /// Bytes of the database files.
    pub disk_bytes: u64,
    /// What is kept, and what goes when.
    #[serde(default)]
    pub retention: Retention,
    /// Where the data lies.
    pub data_dir: String,
    /// The price table's date.
    pub price_date: String,
    /// Why calls cannot be stored at the moment: since the first failed commit, until one succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot_store: Option<String>,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
}
