//! The numbers by which rows name origins, traces, metrics and series: given out in memory, the latest remembered.

use std::collections::HashMap;
use std::hash::Hash as HashKey;
use std::sync::Arc;

use model::telemetry::ids;
use model::telemetry::wire::TraceId;
use sqlx::SqliteConnection;

use super::Hash;
use super::edges::Edges;
use crate::StoreError;

/// Half of what is remembered of each; some megabytes.
const GENERATION: usize = 32_768;
/// Bytes of a name of a trace that is remembered.
const LONGEST_NAME: usize = 256;
/// So many of the latest calls are looked at for names of traces.
const NAMING: i64 = 10_000;

/// What is remembered, and the numbers that come next.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(super) origins: Latest<Hash, i64>,
    pub(super) traces: Latest<TraceId, Trace>,
    pub(super) metrics: Latest<Hash, i64>,
    pub(super) series: Latest<Hash, i64>,
    pub(super) next_pack: i64,
    pub(super) next_work: i64,
    pub(super) edges: Edges,
    /// What clients call their traces in words of their own, by the id that spans of them have.
    pub(super) names: Latest<TraceId, Arc<str>>,
}

/// A trace's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) key: i64,
    /// Whether spans of it were committed.
    pub(super) listed: bool,
}

impl Keys {
    pub(crate) async fn load(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        // A place that the index of words has passed is not given out again.
        let next = "SELECT (SELECT coalesce(max(key), 0) + 1 FROM origin), (SELECT coalesce(max(key), 0) + 1 FROM trace), \
            (SELECT coalesce(max(key), 0) + 1 FROM series), (SELECT max((SELECT coalesce(max(id), 0) FROM report_pack), \
            (SELECT coalesce(max(value), 0) >> 17 FROM upkeep WHERE name = 'logs_indexed')) + 1), \
            (SELECT coalesce(max(id), 0) + 1 FROM backlog), (SELECT coalesce(max(key), 0) + 1 FROM metric)";
        let (origin, trace, series, next_pack, next_work, metric): (i64, i64, i64, i64, i64, i64) =
            sqlx::query_as(next).fetch_one(&mut *connection).await?;
        let named = "SELECT trace_id FROM call NOT INDEXED WHERE seq > (SELECT max(seq) FROM call) - ? \
            AND trace_id IS NOT NULL AND trace IS NULL ORDER BY seq";
        let named: Vec<String> = sqlx::query_scalar(named).bind(NAMING).fetch_all(connection).await?;
        let mut keys = Self {
            origins: Latest::new(origin),
            traces: Latest::new(trace),
            metrics: Latest::new(metric),
            series: Latest::new(series),
            next_pack,
            next_work,
            edges: Edges::default(),
            names: Latest::new(0),
        };
        named.iter().for_each(|name| keys.note_name(name));
        Ok(keys)
    }
}

impl Keys {
    /// Of a store that writes nothing.
    pub(crate) fn none() -> Self {
        Self {
            origins: Latest::new(1),
            traces: Latest::new(1),
            metrics: Latest::new(1),
            series: Latest::new(1),
            next_pack: 1,
            next_work: 1,
            edges: Edges::default(),
            names: Latest::new(0),
        }
    }

    /// A call's headers named its trace so; spans of it may come later.
    pub(crate) fn note_name(&mut self, name: &str) {
        if name.len() > LONGEST_NAME {
            return;
        }
        let id = ids::trace_id(name);
        if super::hex(&id) != name && self.names.get(&id).is_none() {
            self.names.put(id, name.into());
        }
    }

    /// Forgets traces that have no row any more.
    pub(crate) fn forget_traces(&mut self, keys: &[i64]) {
        self.traces.forget(|trace| keys.contains(&trace.key));
        self.edges.forget(keys);
    }

    /// Forgets all origins, metrics and series: some have no row any more.
    pub(crate) fn forget_reporters(&mut self) {
        self.origins.forget(|_| true);
        self.metrics.forget(|_| true);
        self.series.forget(|_| true);
    }
}

/// The latest used of a table's rows, by what names them outside.
#[derive(Debug)]
pub(super) struct Latest<K, V> {
    newer: HashMap<K, V>,
    older: HashMap<K, V>,
    next: i64,
}

impl<K: HashKey + Eq, V: Clone> Latest<K, V> {
    fn new(next: i64) -> Self {
        Self { newer: HashMap::new(), older: HashMap::new(), next }
    }

    pub(super) fn get(&mut self, name: &K) -> Option<V>
    where
        K: Clone,
    {
        if let Some(known) = self.newer.get(name) {
            return Some(known.clone());
        }
        let known = self.older.remove(name)?;
        self.put(name.clone(), known.clone());
        Some(known)
    }

    pub(super) fn put(&mut self, name: K, value: V) {
        if self.newer.len() >= GENERATION {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(name, value);
    }

    /// Forgets those of which `is_gone` says so.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&V) -> bool) {
        self.newer.retain(|_, value| !is_gone(value));
        self.older.retain(|_, value| !is_gone(value));
    }

    /// The number of a new row.
    pub(super) fn next(&mut self) -> i64 {
        let key = self.next;
        self.next += 1;
        key
    }
}
