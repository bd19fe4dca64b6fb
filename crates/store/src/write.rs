//! The one writer: a batch is a transaction of multi-row statements. Ids are given out here, in memory.
//! Leaves out cutting bodies into segments (`bodies`) and the rows' columns (`row`).

use std::collections::HashMap;

use api::{CallDetail, CallId, CallSummary};
use bytes::Bytes;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::batch::{Batch, Ended};
use crate::bodies::{Cut, NewSegments, SegmentIds};
use crate::layout::encode_ids;
use crate::lineage::{Lineages, Placed, Ties};
use crate::row::{CallRow, DetailRow};
use crate::{Store, StoreError, row};

/// A transaction that takes the write lock at once: one that reads first could find its snapshot outdated.
pub(crate) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Something to remember.
#[derive(Clone, Debug)]
pub enum Write {
    /// A call began.
    Open(Box<CallSummary>),
    /// A call ended.
    Close(Box<CallRecord>),
    /// A call ended, but its record could not be kept. Says so on its row, if it has one.
    Lose(CallId),
}

/// A body's decoded bytes, credentials cut out.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// The bytes.
    pub bytes: Bytes,
    /// Cut at the elements of its arrays, so that what a later body repeats is stored once.
    pub segmented: bool,
}

/// Everything about a call that ended.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// What is known of it.
    pub detail: CallDetail,
    /// What was sent.
    pub request: Body,
    /// What came back.
    pub response: Body,
    /// The answer's text, for search.
    pub answer_text: String,
    /// What ties it to other calls. Its session is the client's as it is handed over; storing it may find another.
    pub ties: Ties,
}

/// The writing connection and the ids that come next.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    /// A recovery did not succeed yet.
    broken: bool,
    next_seq: i64,
    next_body: i64,
    /// Rows of calls under way.
    open: HashMap<CallId, i64>,
    pub(crate) segments: SegmentIds,
    pub(crate) lineages: Lineages,
}

impl Writer {
    pub(crate) async fn new(
        mut connection: SqliteConnection,
        options: SqliteConnectOptions,
    ) -> Result<Self, StoreError> {
        let (next_seq, next_body) = next_ids(&mut connection).await?;
        let segments = SegmentIds::load(&mut connection).await?;
        let lineages = Lineages::load(&mut connection).await?;
        Ok(Self {
            connection: Some(connection),
            options,
            broken: false,
            next_seq,
            next_body,
            open: HashMap::new(),
            segments,
            lineages,
        })
    }

    /// The connection; an error once the store is closed.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.connection.as_mut().ok_or(StoreError::Database("the store is closed".into()))
    }

    /// Takes the connection away for good.
    pub(crate) fn take_connection(&mut self) -> Option<SqliteConnection> {
        self.connection.take()
    }

    /// Commits `batch`, and says from when to when the calls it changed began.
    async fn write(&mut self, batch: &Batch) -> Result<Option<(i64, i64)>, StoreError> {
        let Self { connection, next_seq, next_body, open, segments, lineages, .. } = self;
        let connection = connection.as_mut().ok_or(StoreError::Database("the store is closed".into()))?;
        let mut seq_of = |id: CallId| {
            *open.entry(id).or_insert_with(|| {
                let seq = *next_seq;
                *next_seq += 1;
                seq
            })
        };
        let Batch { opened, ended, lost } = batch;
        let mut rows: Vec<CallRow<'_>> =
            opened.iter().map(|summary| CallRow::open(seq_of(summary.id), summary)).collect();
        let ended: Vec<(i64, &Ended)> =
            ended.iter().map(|call| (seq_of(call.record.detail.summary.id), call)).collect();

        let mut transaction = connection.begin_with(BEGIN).await?;
        let Placed { places, joined_ms } = lineages.place(&mut transaction, &ended).await?;
        rows.extend(ended.iter().zip(&places).map(|((seq, call), place)| CallRow::ended(*seq, &call.record, place)));
        let bodies: Vec<&Cut> = ended.iter().flat_map(|(_, call)| &call.bodies).collect();
        let NewSegments { layouts, introduced } = segments.store(&mut transaction, &bodies).await?;
        let (mut body_rows, mut details, mut backlog) = (Vec::new(), Vec::new(), Vec::new());
        for (index, (seq, call)) in ended.iter().enumerate() {
            let detail = &call.record.detail;
            let mut ids = [None, None];
            for (side, info) in [&detail.request_body, &detail.response_body].into_iter().enumerate() {
                let layout = layouts.get(index * 2 + side).map(Vec::as_slice).unwrap_or_default();
                let (Some(id), Some(coded)) = (ids.get_mut(side), call.infos.get(side)) else { continue };
                if info.wire_bytes == 0 && layout.is_empty() {
                    continue;
                }
                *id = Some(*next_body);
                body_rows.push((*next_body, coded.as_str(), layout));
                *next_body += 1;
            }
            details.push(DetailRow { seq: *seq, detail, coded: &call.coded, bodies: ids });
            let fresh = introduced.get(index * 2).map(Vec::as_slice).unwrap_or_default();
            let answer = call.record.answer_text.as_str();
            if !fresh.is_empty() || !answer.is_empty() {
                backlog.push((*seq, encode_ids(fresh), answer));
            }
        }
        row::put_summaries(&mut transaction, &rows).await?;
        row::put_details(&mut transaction, &details).await?;
        row::put_bodies(&mut transaction, &body_rows).await?;
        row::put_backlog(&mut transaction, &backlog).await?;
        for id in lost {
            row::lose(&mut transaction, *id).await?;
        }
        transaction.commit().await?;
        for id in ended.iter().map(|(_, call)| &call.record.detail.summary.id).chain(lost) {
            open.remove(id);
        }
        // A lost call's id was made within a moment of its beginning.
        let moment = |id: &CallId| [id.began_ms() - 1_000, id.began_ms() + 1_000];
        let began = || {
            let written = rows.iter().map(CallRow::started_ms).chain(joined_ms.iter().copied());
            written.chain(lost.iter().flat_map(moment))
        };
        Ok(began().min().zip(began().max()))
    }

    /// After a failed transaction: the ids given out in it are wrong, and SQLite may have ended it on its own (a full
    /// disk does that) without the driver's knowing. A new connection and ids read again put both right.
    pub(crate) async fn recover(&mut self) -> Result<(), StoreError> {
        self.connection = None;
        self.segments.forget();
        self.broken = true;
        let mut connection = SqliteConnection::connect_with(&self.options).await?;
        (self.next_seq, self.next_body) = next_ids(&mut connection).await?;
        self.segments = SegmentIds::load(&mut connection).await?;
        self.lineages = Lineages::load(&mut connection).await?;
        self.open = row::open_rows(&mut connection).await?;
        self.connection = Some(connection);
        self.broken = false;
        Ok(())
    }

    /// Finishes a recovery that failed before.
    async fn reconnect(&mut self) -> Result<(), StoreError> {
        if self.broken { self.recover().await } else { Ok(()) }
    }
}

impl Store {
    /// Makes `batch` ready and commits it.
    pub async fn write(&self, batch: &[Write]) -> Result<(), StoreError> {
        self.commit(&self.prepare(batch.to_vec())?).await
    }

    /// Commits `batch` whole, or nothing of it.
    pub async fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let written = writer.write(batch).await;
        match written {
            Ok(began) => {
                if let Some((from_ms, last_ms)) = began {
                    self.inner.kept.committed(from_ms, last_ms);
                }
                Ok(())
            }
            Err(error) => {
                // Should this fail as well, the next batch tries again.
                writer.recover().await?;
                Err(error)
            }
        }
    }
}

async fn next_ids(connection: &mut SqliteConnection) -> Result<(i64, i64), StoreError> {
    let ids =
        "SELECT coalesce((SELECT max(seq) FROM call), 0) + 1, coalesce((SELECT max(id) FROM body), 0) + 1";
    Ok(sqlx::query_as(ids).fetch_one(connection).await?)
}

#[cfg(test)]
mod tests {
    use api::{CallId, CallState, CallSummary, CostSource, Operation, Usage, UsageSource};

    use super::*;

    fn open_call(title: String) -> Write {
        Write::Open(Box::new(CallSummary {
            id: CallId::new(uuid::Uuid::now_v7()),
            started_ms: 0,
            duration_us: None,
            first_byte_us: None,
            first_token_us: None,
            state: CallState::Open,
            provider: "openai".into(),
            operation: Operation::Chat,
            client: None,
            method: "POST".into(),
            path: "/v1/chat/completions".into(),
            status: None,
            model: None,
            title: Some(title),
            streamed: false,
            usage: Usage::default(),
            usage_source: UsageSource::Unknown,
            cost: None,
            cost_source: CostSource::Unknown,
            finish_reason: None,
            error: None,
            session_id: None,
            lineage: api::Lineage::default(),
            trace_id: None,
            parent_id: None,
            tags: Vec::new(),
        }))
    }

    #[tokio::test]
    async fn a_full_disk_fails_a_batch_and_not_the_ones_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
        // A page limit fails a write as a full disk does, and holds for the one connection that has it.
        let mut writer = store.inner.writer.lock().await;
        let limit = sqlx::query("PRAGMA max_page_count = 1");
        limit.execute(writer.connection().unwrap()).await.unwrap();
        drop(writer);
        let large = open_call("x".repeat(200_000));
        assert!(store.write(std::slice::from_ref(&large)).await.is_err());
        store.write(&[large]).await.unwrap();
        assert_eq!(store.count_calls(&api::CallFilter::default()).await.unwrap(), 1);
    }
}
