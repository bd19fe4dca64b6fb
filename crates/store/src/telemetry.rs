//! What tools report about themselves: spans, log records and metric points, kept whole in packs, and of each a narrow
//! row. Leaves out what a report means: that comes with it as a reading.

mod about;
pub(crate) mod backlog;
mod commit;
mod distribution;
mod edges;
mod growth;
mod keys;
mod list;
mod log_list;
mod log_words;
mod logs;
mod metrics;
mod overwrite;
mod packs;
mod points;
mod prepare;
mod remove;
mod replaced;
mod shown;
mod spans;
mod traces;
mod tree;
mod usage;

use std::sync::Arc;

use model::telemetry::reading::{LogReading, SpanReading, Whose};
use model::telemetry::wire::{LogRecord, Metric, Origin, Span, SpanId, TraceId};

pub use backlog::{Work, WorkBatch, WorkPlace, Worked};
pub(crate) use keys::Keys;
pub(crate) use list::Orphans;
pub use log_list::{StoredLog, log_id, log_key};
pub(crate) use log_words::{CANDIDATES, Candidate, LogTexts};
pub use metrics::{PointKey, point_key};
pub(crate) use packs::Records;
pub use prepare::TelemetryBatch;
pub(crate) use remove::{
    Pair, RemovedReports, points_gone, remove_logs, remove_points, remove_reporters, remove_spans,
    remove_trace, reports_of,
};
pub(crate) use spans::INFRASTRUCTURE;
pub use tree::StoredSpan;

/// A span to remember.
#[derive(Clone, Debug)]
pub struct SpanWrite {
    /// As it came.
    pub span: Span,
    /// Who reported it; those of one envelope share it.
    pub origin: Arc<Origin>,
    /// What it means.
    pub reading: SpanReading,
}

/// A log record to remember.
#[derive(Clone, Debug)]
pub struct LogWrite {
    /// As it came.
    pub record: LogRecord,
    /// Who reported it.
    pub origin: Arc<Origin>,
    /// What it means.
    pub reading: LogReading,
}

/// A metric's points to remember.
#[derive(Clone, Debug)]
pub struct MetricWrite {
    /// As it came.
    pub metric: Metric,
    /// Who reported it.
    pub origin: Arc<Origin>,
    /// Whom it belongs to: service and client are what counts.
    pub whose: Whose,
}

/// What one request carried. Of equal log records in one request each is kept; those of a request that is sent again
/// are the ones that are there already.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// Its spans.
    pub spans: Vec<SpanWrite>,
    /// Its log records.
    pub logs: Vec<LogWrite>,
    /// Its metrics.
    pub metrics: Vec<MetricWrite>,
}

/// What a commit changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Spans that were not there.
    pub spans: u64,
    /// Log records that were not there.
    pub logs: u64,
    /// Points that were not there.
    pub points: u64,
    /// Traces with spans in it.
    pub traces: Vec<TraceId>,
    /// Reports that wait to be joined with calls.
    pub works: u64,
    /// The latest of what was not there.
    pub latest: Latest,
}

/// Reports by their names: of many that came at once only the latest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latest {
    /// Each with its trace.
    pub spans: Vec<(TraceId, SpanId)>,
    /// As [`crate::Store::log`] takes them.
    pub logs: Vec<(i64, i64)>,
    /// As [`crate::Store::point`] takes them.
    pub points: Vec<String>,
}

impl Latest {
    /// How many of a kind are named.
    pub const MOST: usize = 100;

    /// Adds what came after.
    pub fn extend(&mut self, later: Self) {
        extend(&mut self.spans, later.spans);
        extend(&mut self.logs, later.logs);
        extend(&mut self.points, later.points);
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.logs.is_empty() && self.points.is_empty()
    }
}

fn extend<T>(all: &mut Vec<T>, later: Vec<T>) {
    all.extend(later);
    all.drain(..all.len().saturating_sub(Latest::MOST));
}

/// The last of `all`, in their order.
fn last<T>(all: impl DoubleEndedIterator<Item = T>) -> Vec<T> {
    let mut last: Vec<T> = all.rev().take(Latest::MOST).collect();
    last.reverse();
    last
}

/// The first half of a BLAKE3 hash.
type Hash = [u8; 16];

fn hash(bytes: &[u8]) -> Hash {
    half(blake3::hash(bytes))
}

fn half(whole: blake3::Hash) -> Hash {
    let mut half = Hash::default();
    half.copy_from_slice(whole.as_bytes().split_at(16).0);
    half
}

/// Nanoseconds as SQLite keeps them.
fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

/// `text`, at most `chars` characters of it.
fn short(mut text: String, chars: usize) -> String {
    if text.len() > chars {
        let end = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
        text.truncate(end);
    }
    text
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
