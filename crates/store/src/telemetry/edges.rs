//! Which span of a trace begins first, ends last or is its root, for traces in which such a one was replaced by one that
//! is not: of each a few of the next are kept in memory, so that the next is found without reading the whole trace.
//! What is kept may lag behind what was taken away: whoever is found is looked up before it counts.

use std::collections::{BTreeSet, HashMap};

use sqlx::SqliteConnection;

use super::spans::{Stand, There, one};
use crate::StoreError;

/// Spans kept of a trace for each edge. The trace is read once in so many replacements, at most.
const KEPT: usize = 512;
/// Traces of which they are kept; with all of their edges some megabytes.
const TRACES: usize = 64;

/// Where a span stands on an edge, the utmost first; its id is the last of it.
type Rank = (bool, i64, i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// What begins first.
    First,
    /// What ends last.
    Last,
    /// The earliest without a parent, else the earliest of all.
    Root,
}

impl Edge {
    const ALL: [Self; 3] = [Self::First, Self::Last, Self::Root];

    pub(super) const fn rank(self, span: &Stand) -> Rank {
        match self {
            Self::First => (false, span.start_ns, span.id),
            // The later, the less.
            Self::Last => (false, !span.end_ns, span.id),
            Self::Root => (span.inner, span.start_ns, span.id),
        }
    }

    const fn select(self) -> &'static str {
        match self {
            Self::First => "SELECT 0, start_ns, id FROM span WHERE trace = ? ORDER BY start_ns, id LIMIT ?",
            Self::Last => {
                "SELECT 0, ~(start_ns + max(duration_ns, 0)), id FROM span WHERE trace = ? ORDER BY 2, id LIMIT ?"
            }
            Self::Root => {
                "SELECT parent IS NOT NULL, start_ns, id FROM span WHERE trace = ? \
                 ORDER BY parent IS NOT NULL, start_ns, id LIMIT ?"
            }
        }
    }
}

/// The utmost spans of one trace on one edge: all that stand before the last of them are here.
#[derive(Debug, Default)]
struct Utmost {
    kept: BTreeSet<Rank>,
    /// Every span of the trace is here.
    whole: bool,
}

impl Utmost {
    fn insert(&mut self, rank: Rank) {
        if self.whole || self.kept.last().is_some_and(|last| rank < *last) {
            self.kept.insert(rank);
        }
        if self.kept.len() > KEPT {
            self.kept.pop_last();
            self.whole = false;
        }
    }
}

/// What is kept, by the keys of traces.
#[derive(Debug, Default)]
pub(super) struct Edges {
    traces: HashMap<i64, [Utmost; 3]>,
}

impl Edges {
    /// A span that was not there came to a trace.
    pub(super) fn add(&mut self, trace: i64, span: &Stand) {
        let Some(edges) = self.traces.get_mut(&trace) else { return };
        for (edge, utmost) in Edge::ALL.into_iter().zip(edges) {
            utmost.insert(edge.rank(span));
        }
    }

    /// These traces are deleted.
    pub(super) fn forget(&mut self, traces: &[i64]) {
        self.traces.retain(|key, _| !traces.contains(key));
    }

    /// A span stands elsewhere now.
    pub(super) fn replace(&mut self, trace: i64, before: &Stand, now: &Stand) {
        if let Some(edges) = self.traces.get_mut(&trace) {
            for (edge, utmost) in Edge::ALL.into_iter().zip(edges) {
                utmost.kept.remove(&edge.rank(before));
            }
            self.add(trace, now);
        }
    }

    /// The utmost span of a trace, its rows being written; `None` when it has no span.
    pub(super) async fn utmost(
        &mut self,
        connection: &mut SqliteConnection,
        trace: i64,
        edge: Edge,
    ) -> Result<Option<(Stand, There)>, StoreError> {
        if self.traces.len() >= TRACES && !self.traces.contains_key(&trace) {
            self.traces.clear();
        }
        let [first, last, root] = self.traces.entry(trace).or_default();
        let utmost = match edge {
            Edge::First => first,
            Edge::Last => last,
            Edge::Root => root,
        };
        loop {
            if utmost.kept.is_empty() && !utmost.whole {
                let most = i64::try_from(KEPT).unwrap_or(i64::MAX);
                let rows: Vec<Rank> =
                    sqlx::query_as(edge.select()).bind(trace).bind(most).fetch_all(&mut *connection).await?;
                utmost.whole = rows.len() < KEPT;
                utmost.kept.extend(rows);
            }
            let Some(rank) = utmost.kept.first().copied() else { return Ok(None) };
            let (_, _, id) = rank;
            if let Some(row) = one(connection, trace, id).await? {
                let stand = row.stand(id);
                if edge.rank(&stand) == rank {
                    return Ok(Some((stand, row)));
                }
            }
            utmost.kept.remove(&rank);
        }
    }
}
