//! Deleting what a user names: which calls, traces, log records and points that is, and taking them away in steps, each a
//! transaction of its own, so that recording goes on between them. What is left in packs, in the index of words and in
//! free pages is overwritten afterwards (`sweep`, `scrub`).

use std::time::Duration;

use api::{CallFilter, Erase, Erased, SessionRef};
use model::telemetry::ids;
use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};

use crate::filter::{push_where, restricts};
use crate::remove::{RemovedCalls, remove_calls};
use crate::telemetry::{
    Pair, RemovedReports, points_gone, remove_logs, remove_points, remove_spans, remove_trace, reports_of,
};
use crate::text::find::Found;
use crate::write::BEGIN;
use crate::{Store, StoreError, rollup};

/// Calls in one transaction.
const CALLS: i64 = 128;
/// Log records and points in one transaction.
const REPORTS: i64 = 1_024;
/// Between two steps others have their turn.
const PAUSE: Duration = Duration::from_millis(2);

/// Rows of one table.
enum Rows {
    None,
    /// Where this holds, with these values for its question marks.
    Where(&'static str, Vec<Value>),
    Found(Box<CallFilter>, Option<Found>),
}

#[derive(Clone, Debug)]
enum Value {
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What goes, table by table.
struct Selected {
    calls: Rows,
    traces: Rows,
    logs: Rows,
    points: Rows,
}

impl Rows {
    /// Appends the condition after ` WHERE …`.
    fn push(&self, query: &mut QueryBuilder<Sqlite>) {
        match self {
            Self::None => drop(query.push(" WHERE 0")),
            Self::Found(filter, found) => push_where(query, filter, found.as_ref()),
            Self::Where(sql, values) => {
                let mut pieces = sql.split('?');
                query.push(" WHERE ").push(pieces.next().unwrap_or_default());
                for (piece, value) in pieces.zip(values) {
                    match value {
                        Value::Number(value) => query.push_bind(*value),
                        Value::Text(value) => query.push_bind(value.clone()),
                        Value::Bytes(value) => query.push_bind(value.clone()),
                    };
                    query.push(piece);
                }
            }
        }
    }

    const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl Store {
    /// How much `what` is. Nothing is deleted.
    pub async fn count_erase(&self, what: &Erase) -> Result<Erased, StoreError> {
        let Some(selected) = self.selected(what).await? else { return Ok(Erased::default()) };
        let mut counts = [0_u64; 4];
        let Selected { calls, traces, logs, points } = &selected;
        let tables = [("call", calls), ("trace", traces), ("log", logs), ("point", points)];
        for ((table, rows), count) in tables.into_iter().zip(&mut counts) {
            if rows.is_none() {
                continue;
            }
            let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM ");
            query.push(table);
            rows.push(&mut query);
            if table == "call" {
                query.push(" AND state != 'open'");
            }
            let counted: i64 =
                query.build_query_scalar().persistent(false).fetch_one(&self.inner.read).await?;
            *count = counted.unsigned_abs();
        }
        let [calls, traces, logs, points] = counts;
        let mut spans = QueryBuilder::<Sqlite>::new("SELECT coalesce(sum(spans), 0) FROM trace");
        selected.traces.push(&mut spans);
        let spans: i64 = spans.build_query_scalar().persistent(false).fetch_one(&self.inner.read).await?;
        Ok(Erased { calls, traces, logs, points, spans: spans.unsigned_abs() })
    }

    /// Deletes `what`. What it leaves in packs, in the index and in free pages is gone once it was tidied up.
    pub async fn erase(&self, what: &Erase) -> Result<Erased, StoreError> {
        if *what == Erase::Everything {
            return self.reset().await;
        }
        let mut erased = Erased::default();
        let Some(selected) = self.selected(what).await? else { return Ok(erased) };
        self.note_scrub().await?;
        loop {
            let seqs: Vec<i64> =
                self.some("SELECT seq FROM call", &selected.calls, " AND state != 'open'", CALLS).await?;
            if seqs.is_empty() {
                break;
            }
            erased.add(self.remove_some(&seqs, true).await?);
            if seqs.len() < usize::try_from(CALLS).unwrap_or_default() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        loop {
            let keys: Vec<i64> = self.some("SELECT key FROM trace", &selected.traces, "", 1).await?;
            let Some(key) = keys.first() else { break };
            erased.add(self.remove_trace_step(*key).await?);
            tokio::time::sleep(PAUSE).await;
        }
        loop {
            let select = "SELECT time_ns, hash FROM log";
            let logs: Vec<Pair> = self.some_pairs(select, &selected.logs, REPORTS).await?;
            if logs.is_empty() {
                break;
            }
            erased.add(self.remove_logs_step(&logs).await?);
            tokio::time::sleep(PAUSE).await;
        }
        if !selected.points.is_none() {
            erased.add(self.remove_points_of(&selected.points).await?);
        }
        // What was rewritten while words were still taken out is rewritten once more.
        self.note_scrub().await?;
        Ok(erased)
    }

    /// What is meant; `None` when there is nothing of it.
    async fn selected(&self, what: &Erase) -> Result<Option<Selected>, StoreError> {
        let number = |sql, value| Rows::Where(sql, vec![Value::Number(value)]);
        let text = |sql, value: &str| Rows::Where(sql, vec![Value::Text(value.to_owned())]);
        let named = |id: &str| Value::Bytes(ids::trace_id(id).to_vec());
        let only = |calls| Selected { calls, traces: Rows::None, logs: Rows::None, points: Rows::None };
        Ok(match what {
            // What repeats it says the same.
            Erase::Call(id) => {
                let id = || Value::Bytes(id.as_bytes().to_vec());
                Some(only(Rows::Where("(id = ? OR replay_of = ?)", vec![id(), id()])))
            }
            Erase::Session(session) => self.selected_session(session).await?,
            Erase::Trace(id) => Some(Selected {
                calls: Rows::Where(
                    "(trace = (SELECT key FROM trace WHERE trace.id = ?) OR trace_id = ?)",
                    vec![named(id), Value::Text(id.clone())],
                ),
                traces: Rows::Where("id = ?", vec![named(id)]),
                logs: Rows::Where("trace = (SELECT key FROM trace WHERE trace.id = ?)", vec![named(id)]),
                points: Rows::None,
            }),
            Erase::Client(client) => Some(Selected {
                calls: text("client = ?", client),
                traces: text("client = ?", client),
                logs: text("origin IN (SELECT key FROM origin WHERE client = ?)", client),
                points: text(
                    "series IN (SELECT series.key FROM series JOIN origin ON origin.key = series.origin \
                     WHERE origin.client = ?)",
                    client,
                ),
            }),
            Erase::Calls(filter) if !restricts(filter) => None,
            Erase::Calls(filter) => {
                let filter = Box::new(CallFilter { so_far: false, ..filter.as_ref().clone() });
                let found = self.find(&filter).await?;
                Some(only(Rows::Found(filter, found)))
            }
            Erase::Before(ms) => {
                let ns = ms.saturating_mul(1_000_000);
                Some(Selected {
                    calls: number("started_ms < ?", *ms),
                    traces: number("last_ns < ?", ns),
                    logs: number("time_ns < ?", ns),
                    points: number("time_ns < ?", ns),
                })
            }
            Erase::Everything => {
                let all = || Rows::Where("1", Vec::new());
                Some(Selected { calls: all(), traces: all(), logs: all(), points: all() })
            }
        })
    }

    async fn selected_session(&self, session: &SessionRef) -> Result<Option<Selected>, StoreError> {
        let key = match session {
            SessionRef::Key(key) => Some(*key),
            SessionRef::Id(id) => self.session_key(id).await?,
        };
        let Some(key) = key.and_then(|key| i64::try_from(key).ok()) else { return Ok(None) };
        let id: Option<String> = sqlx::query_scalar("SELECT id FROM session WHERE key = ?")
            .bind(key)
            .fetch_optional(&self.inner.read)
            .await?;
        let Some(id) = id else { return Ok(None) };
        // What reports say of a session says its id only. Where several go by it, they belong to none of them alone.
        let said = |sql| Rows::Where(sql, vec![Value::Text(id.clone()), Value::Text(id.clone())]);
        Ok(Some(Selected {
            calls: Rows::Where(
                "(session = ? OR replay_of IS NOT NULL AND session_id = ?)",
                vec![Value::Number(key), Value::Text(id.clone())],
            ),
            traces: said("session = ? AND (SELECT count(*) FROM session AS other WHERE other.id = ?) < 2"),
            logs: said("session = ? AND (SELECT count(*) FROM session AS other WHERE other.id = ?) < 2"),
            points: Rows::None,
        }))
    }

    async fn some(
        &self,
        select: &'static str,
        rows: &Rows,
        more: &'static str,
        most: i64,
    ) -> Result<Vec<i64>, StoreError> {
        if rows.is_none() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Sqlite>::new(select);
        rows.push(&mut query);
        query.push(more).push(" LIMIT ").push_bind(most);
        Ok(query.build_query_scalar().persistent(false).fetch_all(&self.inner.read).await?)
    }

    async fn some_pairs(
        &self,
        select: &'static str,
        rows: &Rows,
        most: i64,
    ) -> Result<Vec<Pair>, StoreError> {
        if rows.is_none() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Sqlite>::new(select);
        rows.push(&mut query);
        query.push(" LIMIT ").push_bind(most);
        Ok(query.build_query_as().persistent(false).fetch_all(&self.inner.read).await?)
    }

    /// Takes these calls away in one transaction, and with `reports` what told of them.
    pub(crate) async fn remove_some(&self, seqs: &[i64], reports: bool) -> Result<Erased, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        match calls(writer.connection()?, seqs, reports).await {
            Ok((calls, reports)) => {
                writer.forget(&calls, &reports.traces);
                self.inner.committed(calls.began_ms);
                Ok(Erased { calls: calls.seqs.len() as u64, ..of(&reports) })
            }
            Err(error) => {
                writer.recover().await?;
                Err(error)
            }
        }
    }

    /// Takes some of a trace away.
    pub(crate) async fn remove_trace_step(&self, key: i64) -> Result<Erased, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        match trace(writer.connection()?, key).await {
            Ok(reports) => {
                writer.forget(&RemovedCalls::default(), &reports.traces);
                Ok(of(&reports))
            }
            Err(error) => {
                writer.recover().await?;
                Err(error)
            }
        }
    }

    pub(crate) async fn remove_logs_step(&self, logs: &[Pair]) -> Result<Erased, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let mut removed = RemovedReports::default();
        let mut transaction = writer.connection()?.begin_with(BEGIN).await?;
        remove_logs(&mut transaction, logs, &mut removed).await?;
        transaction.commit().await?;
        Ok(of(&removed))
    }

    async fn remove_points_of(&self, rows: &Rows) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        loop {
            let mut query = QueryBuilder::<Sqlite>::new("SELECT series, time_ns, start_ns FROM point");
            rows.push(&mut query);
            query.push(" LIMIT ").push_bind(REPORTS);
            let points: Vec<(i64, i64, i64)> =
                query.build_query_as().persistent(false).fetch_all(&self.inner.read).await?;
            if points.is_empty() {
                return Ok(erased);
            }
            erased.points += self.remove_points_step(&points).await?;
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(crate) async fn remove_points_step(&self, points: &[(i64, i64, i64)]) -> Result<u64, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let mut transaction = writer.connection()?.begin_with(BEGIN).await?;
        let gone = remove_points(&mut transaction, points).await?;
        transaction.commit().await?;
        Ok(gone)
    }

    /// Takes away who reported nothing that is still there.
    pub async fn forget_reporters(&self) -> Result<(), StoreError> {
        let (series, origins) = points_gone(self).await?;
        if series.is_empty() && origins.is_empty() {
            return Ok(());
        }
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        crate::telemetry::remove_reporters(writer.connection()?, &series, &origins).await?;
        let (_, keys) = writer.telemetry()?;
        keys.forget_reporters();
        Ok(())
    }
}

fn of(reports: &RemovedReports) -> Erased {
    Erased {
        traces: reports.traces.len() as u64,
        spans: reports.spans,
        logs: reports.logs,
        ..Erased::default()
    }
}

async fn calls(
    connection: &mut SqliteConnection,
    seqs: &[i64],
    with_reports: bool,
) -> Result<(RemovedCalls, RemovedReports), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    let mut reports = RemovedReports::default();
    if with_reports {
        let (spans, logs) = reports_of(&mut transaction, seqs).await?;
        remove_spans(&mut transaction, &spans, &mut reports).await?;
        remove_logs(&mut transaction, &logs, &mut reports).await?;
    }
    let calls = remove_calls(&mut transaction, seqs).await?;
    transaction.commit().await?;
    Ok((calls, reports))
}

async fn trace(connection: &mut SqliteConnection, key: i64) -> Result<RemovedReports, StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    let mut removed = RemovedReports::default();
    remove_trace(&mut transaction, key, &mut removed).await?;
    rollup::settle(&mut transaction).await?;
    transaction.commit().await?;
    Ok(removed)
}
