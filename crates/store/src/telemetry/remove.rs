//! Taking reports away: their rows, what is added up of them, and what waits to be joined. Their records in packs are
//! noted as nobody's, and overwritten later (`overwrite`). Leaves out which reports go (`erase`, `retention`).

use std::collections::{BTreeSet, HashSet};

use model::telemetry::wire;
use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};

use super::backlog::Coded;
use crate::remove::note_words;
use crate::remove::numbers;
use crate::row::statements;
use crate::write::BEGIN;
use crate::{Store, StoreError};

/// Rows in one statement.
const ROWS: usize = 128;
/// Spans of one trace that go in one transaction.
const SPANS: i64 = 4_096;

/// What reports are named by: of a span its trace's key and its id, of a log record its time and its hash.
pub(crate) type Pair = (i64, i64);

/// What went.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemovedReports {
    pub(crate) spans: u64,
    pub(crate) logs: u64,
    /// Traces that have no row any more.
    pub(crate) traces: Vec<i64>,
}

/// Takes these spans away, and traces that have none left.
pub(crate) async fn remove_spans(
    connection: &mut SqliteConnection,
    spans: &[Pair],
    removed: &mut RemovedReports,
) -> Result<(), StoreError> {
    for some in statements(spans, ROWS) {
        pairs(
            "INSERT OR IGNORE INTO report_orphan (place) SELECT place FROM span WHERE (trace, id) IN (",
            some,
        )
        .build()
        .execute(&mut *connection)
        .await?;
        let gone =
            pairs("DELETE FROM span WHERE (trace, id) IN (", some).build().execute(&mut *connection).await?;
        removed.spans += gone.rows_affected();
    }
    let traces: BTreeSet<i64> = spans.iter().map(|(trace, _)| *trace).collect();
    for trace in traces {
        let left = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM span WHERE trace = ?)").bind(trace);
        if left.fetch_one(&mut *connection).await? {
            sum_again(connection, trace).await?;
        } else {
            remove_rows(connection, trace, removed).await?;
        }
    }
    without(connection, &HashSet::new(), &spans.iter().copied().collect(), &HashSet::new()).await
}

/// Takes some of a trace away, and its row with the last of it; whether all of it is gone.
pub(crate) async fn remove_trace(
    connection: &mut SqliteConnection,
    trace: i64,
    removed: &mut RemovedReports,
) -> Result<bool, StoreError> {
    let some = sqlx::query_as("SELECT trace, id FROM span WHERE trace = ? LIMIT ?").bind(trace).bind(SPANS);
    let some: Vec<Pair> = some.fetch_all(&mut *connection).await?;
    let all = some.len() < usize::try_from(SPANS).unwrap_or(usize::MAX);
    let logs = sqlx::query_as("SELECT time_ns, hash FROM log WHERE trace = ?").bind(trace);
    let logs: Vec<Pair> = logs.fetch_all(&mut *connection).await?;
    remove_logs(connection, &logs, removed).await?;
    remove_spans(connection, &some, removed).await?;
    if some.is_empty() {
        remove_rows(connection, trace, removed).await?;
    }
    Ok(all)
}

/// Takes the sums of a trace again.
async fn sum_again(connection: &mut SqliteConnection, trace: i64) -> Result<(), StoreError> {
    let again = "UPDATE trace SET (first_ns, last_ns, spans, infra, errors) = (\
            SELECT min(start_ns), max(start_ns + max(duration_ns, 0)), count(*), sum(flags & 2 != 0), \
            sum(flags & 1 != 0) FROM span WHERE trace = ?1), \
         (root_inner, root_start_ns, root_id, root_name, root_label, root_type, origin) = (\
            SELECT parent IS NOT NULL, start_ns, id, name, label, type, origin FROM span WHERE trace = ?1 \
            ORDER BY parent IS NOT NULL, start_ns, id LIMIT 1) WHERE key = ?1";
    sqlx::query(again).bind(trace).execute(connection).await?;
    Ok(())
}

async fn remove_rows(
    connection: &mut SqliteConnection,
    trace: i64,
    removed: &mut RemovedReports,
) -> Result<(), StoreError> {
    for sql in [
        "UPDATE call SET trace = NULL WHERE trace = ?",
        "UPDATE log SET trace = NULL WHERE trace = ?",
        "DELETE FROM trace WHERE key = ?",
    ] {
        sqlx::query(sql).bind(trace).execute(&mut *connection).await?;
    }
    removed.traces.push(trace);
    Ok(())
}

/// Takes these log records away.
pub(crate) async fn remove_logs(
    connection: &mut SqliteConnection,
    logs: &[Pair],
    removed: &mut RemovedReports,
) -> Result<(), StoreError> {
    for some in statements(logs, ROWS) {
        pairs(
            "INSERT OR IGNORE INTO report_orphan (place) SELECT place FROM log WHERE (time_ns, hash) IN (",
            some,
        )
        .build()
        .execute(&mut *connection)
        .await?;
        let gone = pairs("DELETE FROM log WHERE (time_ns, hash) IN (", some)
            .build()
            .execute(&mut *connection)
            .await?;
        removed.logs += gone.rows_affected();
        note_words(connection, gone.rows_affected()).await?;
    }
    without(connection, &HashSet::new(), &HashSet::new(), &logs.iter().copied().collect()).await
}

/// Notes records that were written and are named by no row: they came twice, or a later one took their place.
pub(super) async fn put_orphans(connection: &mut SqliteConnection, places: &[i64]) -> Result<(), StoreError> {
    for some in statements(places, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT OR IGNORE INTO report_orphan (place) ");
        query.push_values(some, |mut row, place| {
            row.push_bind(*place);
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// What these calls were told of by.
pub(crate) async fn reports_of(
    connection: &mut SqliteConnection,
    calls: &[i64],
) -> Result<(Vec<Pair>, Vec<Pair>), StoreError> {
    let (mut spans, mut logs) = (Vec::new(), Vec::new());
    for some in statements(calls, ROWS) {
        let rows: Vec<(i64, i64, i64)> =
            numbers("SELECT source, a, b FROM call_report WHERE call IN (", some, ")")
                .build_query_as()
                .fetch_all(&mut *connection)
                .await?;
        for (source, a, b) in rows {
            match crate::join::source(source) {
                api::ReportSource::Span => spans.push((a, b)),
                api::ReportSource::Event => logs.push((a, b)),
                api::ReportSource::Proxy => {}
            }
        }
    }
    Ok((spans, logs))
}

/// What waits to be joined, without what tells of these.
async fn without(
    connection: &mut SqliteConnection,
    traces: &HashSet<i64>,
    spans: &HashSet<Pair>,
    logs: &HashSet<Pair>,
) -> Result<(), StoreError> {
    let waiting: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT id, work FROM backlog").fetch_all(&mut *connection).await?;
    for (id, work) in waiting {
        let works: Vec<Coded> =
            wire::decode(&work).ok_or(StoreError::Damaged("the backlog cannot be read"))?;
        let stays = |(kind, a, b, _, _): &&Coded| match kind {
            0 => !traces.contains(a) && !spans.contains(&(*a, *b)),
            _ => !logs.contains(&(*a, *b)),
        };
        let left: Vec<Coded> = works.iter().filter(stays).copied().collect();
        if left.len() < works.len() {
            sqlx::query("UPDATE backlog SET works = ?, work = ? WHERE id = ?")
                .bind(i64::try_from(left.len()).unwrap_or(i64::MAX))
                .bind(wire::encode(&left))
                .bind(id)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

fn pairs(sql: &'static str, pairs: &[Pair]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(sql);
    query.push_values(pairs, |mut row, (a, b)| {
        row.push_bind(*a).push_bind(*b);
    });
    query.push(")");
    query
}

/// Takes these points away, each named by its series and its two times; how many there were.
pub(crate) async fn remove_points(
    connection: &mut SqliteConnection,
    points: &[(i64, i64, i64)],
) -> Result<u64, StoreError> {
    let mut gone = 0;
    for some in statements(points, ROWS) {
        let mut query =
            QueryBuilder::<Sqlite>::new("DELETE FROM point WHERE (series, time_ns, start_ns) IN (");
        query.push_values(some, |mut row, (series, time, start)| {
            row.push_bind(*series).push_bind(*time).push_bind(*start);
        });
        query.push(")");
        gone += query.build().execute(&mut *connection).await?.rows_affected();
    }
    Ok(gone)
}

/// Series without a point, and origins that nothing names. Reads only.
pub(crate) async fn points_gone(store: &Store) -> Result<(Vec<i64>, Vec<i64>), StoreError> {
    let series =
        "SELECT key FROM series WHERE NOT EXISTS (SELECT 1 FROM point WHERE point.series = series.key)";
    let origins = "SELECT key FROM origin WHERE key NOT IN (SELECT origin FROM span UNION SELECT origin FROM log \
        UNION SELECT origin FROM series UNION SELECT origin FROM trace WHERE origin IS NOT NULL) \
        AND NOT EXISTS (SELECT 1 FROM backlog)";
    let series = sqlx::query_scalar(series).fetch_all(&store.inner.read).await?;
    Ok((series, sqlx::query_scalar(origins).fetch_all(&store.inner.read).await?))
}

/// Takes these series and origins away, unless somebody names them again by now.
pub(crate) async fn remove_reporters(
    connection: &mut SqliteConnection,
    series: &[i64],
    origins: &[i64],
) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    for some in statements(series, ROWS) {
        let end = ") AND NOT EXISTS (SELECT 1 FROM point WHERE point.series = series.key)";
        numbers("DELETE FROM series WHERE key IN (", some, end).build().execute(&mut *transaction).await?;
    }
    // What is said of a metric that has no series any more.
    let metrics =
        "DELETE FROM metric WHERE NOT EXISTS (SELECT 1 FROM series WHERE series.metric = metric.key)";
    sqlx::query(metrics).execute(&mut *transaction).await?;
    for origin in origins {
        // Named by the newest rows, if at all.
        let delete = "DELETE FROM origin WHERE key = ?1 \
            AND NOT EXISTS (SELECT 1 FROM span WHERE origin = ?1) AND NOT EXISTS (SELECT 1 FROM log WHERE origin = ?1) \
            AND NOT EXISTS (SELECT 1 FROM series WHERE origin = ?1) AND NOT EXISTS (SELECT 1 FROM trace WHERE origin = ?1)";
        sqlx::query(delete).bind(origin).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
