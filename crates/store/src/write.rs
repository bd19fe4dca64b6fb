//! The one writer: a batch is a transaction of multi-row statements. Rows are numbered here, in memory.
//! Leaves out packing what calls leave behind (`batch`) and the rows' columns (`row`).

use std::collections::{HashMap, HashSet};

use api::{CallDetail, CallId, CallSummary};
use bytes::Bytes;
use model::pricing::Facts;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::batch::{Batch, Left};
use crate::join::{self, Joins, Price, Writing};
use crate::layout::Place;
use crate::lineage::{Lineages, Placed, Ties};
use crate::pace::Pace;
use crate::remove::RemovedCalls;
use crate::row::CallRow;
use crate::telemetry::Keys;
use crate::text::scan::Written;
use crate::{Store, StoreError, pack, rollup, row, text};

/// A transaction that takes the write lock at once: one that reads first could find its snapshot outdated.
pub(crate) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Instructions of SQLite's machine between two looks at the clock: a row of the index of words is one of them, and
/// takes most of a slice.
const STEPS: i32 = 8;

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
    /// What the client sent and got, of a translated call.
    pub client: Option<Box<[Body; 2]>>,
    /// The answer's text, for search.
    pub answer_text: String,
    /// What it is priced by beside its row.
    pub billed: Facts,
    /// What ties it to other calls. Its session is the client's as it is handed over; storing it may find another.
    pub ties: Ties,
}

/// The writing connection and the row that comes next.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    pace: Pace,
    /// Told of each row that is written.
    written: Written,
    /// A recovery did not succeed yet.
    broken: bool,
    next_seq: i64,
    /// Rows of calls under way.
    open: HashMap<CallId, i64>,
    pub(crate) lineages: Lineages,
    /// The numbers of what reports are made of.
    keys: Keys,
    /// What is remembered to know calls again.
    joins: Joins,
}

impl Writer {
    pub(crate) async fn new(
        mut connection: SqliteConnection,
        options: SqliteConnectOptions,
        pace: Pace,
        written: Written,
    ) -> Result<Self, StoreError> {
        share_core(&mut connection, &pace).await?;
        written.hear(&mut connection).await?;
        let next_seq = next_seq(&mut connection).await?;
        let lineages = Lineages::load(&mut connection).await?;
        let keys = Keys::load(&mut connection).await?;
        let joins = Joins::load(&mut connection).await?;
        let (connection, open) = (Some(connection), HashMap::new());
        Ok(Self { connection, options, pace, written, broken: false, next_seq, open, lineages, keys, joins })
    }

    /// One that writes nothing.
    pub(crate) fn none(options: SqliteConnectOptions, pace: Pace) -> Self {
        Self {
            connection: None,
            options,
            pace,
            written: Written::default(),
            broken: false,
            next_seq: 1,
            open: HashMap::new(),
            lineages: Lineages::default(),
            keys: Keys::none(),
            joins: Joins::default(),
        }
    }

    /// The connection; an error once the store is closed.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.connection.as_mut().ok_or(StoreError::Database("the store is closed".into()))
    }

    /// The connection and the numbers of what reports are made of.
    pub(crate) fn telemetry(&mut self) -> Result<(&mut SqliteConnection, &mut Keys), StoreError> {
        let connection = self.connection.as_mut();
        Ok((connection.ok_or(StoreError::Database("the store is closed".into()))?, &mut self.keys))
    }

    /// The connection and what joining takes.
    pub(crate) fn joining<'a>(
        &'a mut self,
        price: &'a Price,
    ) -> Result<(&'a mut SqliteConnection, Writing<'a>), StoreError> {
        let Self { connection, next_seq, lineages, joins, .. } = self;
        let connection = connection.as_mut().ok_or(StoreError::Database("the store is closed".into()))?;
        Ok((connection, Writing { joins, lineages, next_seq, price }))
    }

    /// Forgets what was remembered of calls and traces that are deleted.
    pub(crate) fn forget(&mut self, calls: &RemovedCalls, traces: &[i64]) {
        let seqs: HashSet<i64> = calls.seqs.iter().copied().collect();
        if !seqs.is_empty() {
            self.lineages.forget(&seqs, &calls.sessions);
            self.joins.forget(&seqs);
        }
        if !traces.is_empty() {
            self.keys.forget_traces(traces);
        }
    }

    /// Takes the connection away for good.
    pub(crate) fn take_connection(&mut self) -> Option<SqliteConnection> {
        self.connection.take()
    }

    /// Commits `batch` with what its calls left behind, and says from when to when the calls it changed began.
    async fn write(
        &mut self,
        batch: &Batch,
        left: &Left,
        price: &Price,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        let Self { connection, next_seq, open, lineages, joins, keys, .. } = self;
        let connection = connection.as_mut().ok_or(StoreError::Database("the store is closed".into()))?;
        let mut seq_of = |id: CallId| {
            *open.entry(id).or_insert_with(|| {
                let seq = *next_seq;
                *next_seq += 1;
                seq
            })
        };
        let Batch { opened, ended, lost, .. } = batch;
        let mut rows: Vec<CallRow<'_>> =
            opened.iter().map(|summary| CallRow::open(seq_of(summary.id), summary)).collect();
        let ended: Vec<(i64, &CallRecord)> =
            ended.iter().map(|call| (seq_of(call.detail.summary.id), call)).collect();
        ended
            .iter()
            .filter_map(|(_, call)| call.detail.summary.trace_id.as_deref())
            .for_each(|name| keys.note_name(name));
        let seqs = || ended.iter().map(|(seq, _)| *seq);
        let places: Vec<(i64, Place)> = seqs().zip(left.places.iter().copied()).collect();
        let texts = seqs().zip(left.texts.iter().map(String::as_str));
        let texts: Vec<(i64, &str)> = texts.filter(|(_, text)| !text.is_empty()).collect();

        let mut transaction = connection.begin_with(BEGIN).await?;
        let Placed { standings, joined_ms } = lineages.place(&mut transaction, &ended).await?;
        let standing = ended.iter().zip(&standings);
        rows.extend(standing.map(|((seq, call), standing)| CallRow::ended(*seq, call, standing)));
        pack::put_packs(&mut transaction, &left.packs).await?;
        row::put_summaries(&mut transaction, &rows).await?;
        row::put_places(&mut transaction, &places).await?;
        text::put(&mut transaction, &texts).await?;
        for id in lost {
            row::lose(&mut transaction, *id).await?;
        }
        // No tool tells of a replay: what is told is about the call it repeats. And what came from elsewhere without having
        // been through a proxy was told of there.
        let told_of = ended.iter().filter(|(_, call)| {
            let call = &call.detail.summary;
            call.replay_of.is_none() && call.sources.contains(&api::ReportSource::Proxy)
        });
        let calls: Vec<_> = told_of.map(|(seq, call)| (*seq, &call.detail)).collect();
        let touched = joins.proxied(&mut transaction, &calls, next_seq).await?;
        let mut told_ms = None;
        if !touched.calls.is_empty() {
            let mut writing = Writing { joins, lineages, next_seq, price };
            told_ms = join::told_before(&mut transaction, &mut writing, &touched).await?;
        }
        rollup::settle(&mut transaction).await?;
        transaction.commit().await?;
        for id in ended.iter().map(|(_, call)| &call.detail.summary.id).chain(lost) {
            open.remove(id);
        }
        // A lost call's id was made within a moment of its beginning.
        let moment = |id: &CallId| [id.began_ms() - 1_000, id.began_ms() + 1_000];
        let began = || {
            let written = rows.iter().map(CallRow::started_ms).chain(joined_ms.iter().copied());
            let told = told_ms.iter().flat_map(|(from, to)| [*from, *to]);
            written.chain(lost.iter().flat_map(moment)).chain(told)
        };
        Ok(began().min().zip(began().max()))
    }

    /// After a failed transaction: the rows numbered in it are wrong, and SQLite may have ended it on its own (a full
    /// disk does that) without the driver's knowing. A new connection and numbers read again put both right.
    pub(crate) async fn recover(&mut self) -> Result<(), StoreError> {
        self.connection = None;
        self.broken = true;
        let mut connection = SqliteConnection::connect_with(&self.options).await?;
        share_core(&mut connection, &self.pace).await?;
        self.written.hear(&mut connection).await?;
        rollup::watch(&mut connection).await?;
        self.next_seq = next_seq(&mut connection).await?;
        self.lineages = Lineages::load(&mut connection).await?;
        self.open = row::open_rows(&mut connection).await?;
        self.keys = Keys::load(&mut connection).await?;
        self.joins = Joins::load(&mut connection).await?;
        self.connection = Some(connection);
        self.broken = false;
        Ok(())
    }

    /// Finishes a recovery that failed before.
    pub(crate) async fn reconnect(&mut self) -> Result<(), StoreError> {
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
        writer.reconnect().await.inspect_err(|error| self.suspect(error))?;
        let again;
        // Asked with the writer in hand: nothing that this repeats of earlier calls is taken away from here on.
        let left = match batch.left.is_stale() {
            true => {
                again = self.pack_again(&batch.ended)?;
                &again
            }
            false => &batch.left,
        };
        let written = writer.write(batch, left, self.price()).await;
        match written {
            Ok(began) => {
                left.note_written();
                self.inner.committed(began);
                Ok(())
            }
            Err(error) => {
                self.suspect(&error);
                // Should this fail as well, the next batch tries again.
                writer.recover().await?;
                Err(error)
            }
        }
    }
}

/// Lets others use the core of the connection's thread, in the middle of its statements.
async fn share_core(connection: &mut SqliteConnection, pace: &Pace) -> Result<(), StoreError> {
    let pace = pace.clone();
    let go_on = move || {
        pace.give_way();
        true
    };
    connection.lock_handle().await?.set_progress_handler(STEPS, go_on);
    Ok(())
}

async fn next_seq(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(seq), 0) + 1 FROM call").fetch_one(connection).await?)
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
            equivalent: None,
            finish_reason: None,
            error: None,
            session_id: None,
            lineage: api::Lineage::default(),
            trace_id: None,
            parent_id: None,
            retry_of: None,
            replay_of: None,
            tags: Vec::new(),
            sources: vec![api::ReportSource::Proxy],
            in_trace: None,
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
