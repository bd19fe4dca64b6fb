//! What is committed and waits to be joined with calls and sessions: a row a batch. Leaves out joining (`join`).

use std::collections::HashMap;
use std::sync::Arc;

use model::telemetry::wire::{self, LogRecord, Origin, Span, TraceId};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::packs::{Records, decompressed};
use crate::{Store, StoreError};

/// A report as a row of the backlog names it: 0 for a span, then its trace's key and its id; 1 for a log record, then its
/// time and its hash. Then the origin's key and the record's place.
pub(super) type Coded = (u8, i64, i64, i64, i64);

/// One committed batch's reports that tell of calls.
#[derive(Clone, Debug)]
pub struct WorkBatch {
    /// Its row: gone once it is joined.
    pub id: i64,
    /// When it was committed, in milliseconds since 1970 (UTC).
    pub since_ms: i64,
    /// The reports, in the order in which they came.
    pub works: Vec<WorkPlace>,
}

/// Where a report of the backlog stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkPlace(Coded);

/// A report that tells of a call, and who made it.
#[derive(Clone, Debug)]
pub struct Worked {
    /// Who reported.
    pub origin: Arc<Origin>,
    /// What.
    pub work: Work,
}

/// A report that tells of a call.
#[derive(Clone, Debug)]
pub enum Work {
    /// A span.
    Span {
        /// `trace.key`.
        trace: i64,
        /// `span.id`.
        id: i64,
        /// As it came.
        span: Box<Span>,
    },
    /// A log record.
    Log {
        /// `log.time_ns`.
        time_ns: i64,
        /// `log.hash`.
        hash: i64,
        /// As it came.
        record: Box<LogRecord>,
    },
}

pub(super) async fn put(
    connection: &mut SqliteConnection,
    id: i64,
    since_ms: i64,
    works: &[Coded],
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO backlog (id, since_ms, works, work) VALUES (?, ?, ?, ?)")
        .bind(id)
        .bind(since_ms)
        .bind(i64::try_from(works.len()).unwrap_or(i64::MAX))
        .bind(wire::encode(&works))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn span(trace: i64, id: i64, origin: i64, place: i64) -> Coded {
    (0, trace, id, origin, place)
}

pub(super) fn log(time_ns: i64, hash: i64, origin: i64, place: i64) -> Coded {
    (1, time_ns, hash, origin, place)
}

impl Store {
    /// The oldest batches of the backlog after the one with the number `after`, at most about `works` reports of them but
    /// at least one batch, if there is one.
    pub async fn take_backlog(&self, after: i64, works: u64) -> Result<Vec<WorkBatch>, StoreError> {
        let (mut taken, mut after, mut held) = (Vec::new(), after, 0);
        while held < works {
            let next =
                sqlx::query_as("SELECT id, since_ms, work FROM backlog WHERE id > ? ORDER BY id LIMIT 1");
            let row: Option<(i64, i64, Vec<u8>)> = next.bind(after).fetch_optional(&self.inner.read).await?;
            let Some((id, since_ms, work)) = row else { break };
            let coded: Vec<Coded> =
                wire::decode(&work).ok_or(StoreError::Damaged("the backlog cannot be read"))?;
            after = id;
            held += coded.len() as u64;
            taken.push(WorkBatch { id, since_ms, works: coded.into_iter().map(WorkPlace).collect() });
        }
        Ok(taken)
    }

    /// Reads reports of the backlog. What cannot be read is left out, and said.
    pub async fn read_works(&self, places: &[WorkPlace]) -> Result<Vec<Worked>, StoreError> {
        let mut reading = Reading { records: Records::new(self), origins: HashMap::new() };
        let mut works = Vec::with_capacity(places.len());
        for WorkPlace(coded) in places {
            match reading.read(self, *coded).await {
                Ok(work) => works.push(work),
                Err(StoreError::Damaged(what)) => {
                    tracing::error!(what, "a stored report cannot be read, and is joined with no call");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(works)
    }

    /// How many reports wait to be joined, and since when the oldest of them does, in milliseconds since 1970 (UTC).
    pub async fn backlog(&self) -> Result<(u64, Option<i64>), StoreError> {
        let query = sqlx::query_as("SELECT coalesce(sum(works), 0), min(since_ms) FROM backlog");
        let (works, since_ms): (i64, Option<i64>) = query.fetch_one(&self.inner.read).await?;
        Ok((works.unsigned_abs(), since_ms))
    }

    /// Takes batches out of the backlog in which there was nothing to join.
    pub async fn pass_backlog(&self, ids: &[i64]) -> Result<(), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        done(writer.connection()?, ids).await
    }

    /// The origin with this key.
    pub(crate) async fn origin(&self, key: i64) -> Result<Arc<Origin>, StoreError> {
        let body: Option<Vec<u8>> = sqlx::query_scalar("SELECT body FROM origin WHERE key = ?")
            .bind(key)
            .fetch_optional(&self.inner.read)
            .await?;
        let body = body.ok_or(StoreError::Damaged("a report's origin is missing"))?;
        Ok(Arc::new(decompressed(&body)?))
    }
}

struct Reading<'a> {
    records: Records<'a>,
    origins: HashMap<i64, Arc<Origin>>,
}

impl Reading<'_> {
    async fn read(&mut self, store: &Store, coded: Coded) -> Result<Worked, StoreError> {
        let (kind, a, b, origin, place) = coded;
        let origin = match self.origins.get(&origin) {
            Some(origin) => origin.clone(),
            None => {
                let read = store.origin(origin).await?;
                self.origins.insert(origin, read.clone());
                read
            }
        };
        let work = match kind {
            0 => Work::Span { trace: a, id: b, span: Box::new(self.records.get(place).await?) },
            _ => Work::Log { time_ns: a, hash: b, record: Box::new(self.records.get(place).await?) },
        };
        Ok(Worked { origin, work })
    }
}

impl Store {
    /// The key of a trace's row.
    pub async fn trace_key(&self, id: TraceId) -> Result<Option<i64>, StoreError> {
        let key = sqlx::query_scalar("SELECT key FROM trace WHERE id = ?").bind(id.to_vec());
        Ok(key.fetch_optional(&self.inner.read).await?)
    }
}

/// Takes batches that are joined out of the backlog, in the transaction that joins them.
pub(crate) async fn done(connection: &mut SqliteConnection, ids: &[i64]) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("DELETE FROM backlog WHERE id IN (");
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    query.push(")");
    query.build().persistent(false).execute(connection).await?;
    Ok(())
}
