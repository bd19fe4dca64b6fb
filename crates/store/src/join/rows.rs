//! Rows that say which report tells of which call. Leaves out what a report is (`load`) and the calls' own rows (`row`).

use std::collections::{HashMap, HashSet};

use api::{CallId, ReportSource};
use model::telemetry::join::{Mark, Rule};
use model::telemetry::wire::TraceId;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::load::{bit, push_list};
use crate::StoreError;
use crate::row::statements;
use crate::telemetry::INFRASTRUCTURE;

/// Rows in one statement.
const ROWS: usize = 128;

/// A report as its row is written.
pub(super) struct Written<'a> {
    pub(super) call: i64,
    pub(super) mark: Mark,
    pub(super) by: Option<Rule>,
    pub(super) body: &'a [u8],
}

/// The calls of which these reports are known to tell.
pub(super) async fn calls_of(
    connection: &mut SqliteConnection,
    marks: &[Mark],
) -> Result<HashMap<Mark, i64>, StoreError> {
    let mut found = HashMap::new();
    for source in [ReportSource::Span, ReportSource::Event] {
        let (table, a, b) = columns(source);
        let of: Vec<Mark> = marks.iter().filter(|mark| mark.source == source).copied().collect();
        for some in statements(&of, ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new("WITH wanted (a, b) AS (");
            query.push_values(some, |mut row, mark| {
                row.push_bind(mark.a).push_bind(mark.b);
            });
            query.push(format_args!(
                ") SELECT wanted.a AS a, wanted.b AS b, call FROM wanted CROSS JOIN {table} \
                 ON {table}.{a} = wanted.a AND {table}.{b} = wanted.b WHERE call IS NOT NULL"
            ));
            for row in query.build().fetch_all(&mut *connection).await? {
                let mark = Mark { source, a: row.try_get("a")?, b: row.try_get("b")? };
                found.insert(mark, row.try_get("call")?);
            }
        }
    }
    Ok(found)
}

/// The table of a source's reports, and the columns that name one.
const fn columns(source: ReportSource) -> (&'static str, &'static str, &'static str) {
    match source {
        ReportSource::Span | ReportSource::Proxy => ("span", "trace", "id"),
        ReportSource::Event => ("log", "time_ns", "hash"),
    }
}

/// Notes at reports of which call they tell.
pub(super) async fn point(connection: &mut SqliteConnection, told: &[(Mark, i64)]) -> Result<(), StoreError> {
    for source in [ReportSource::Span, ReportSource::Event] {
        let (table, a, b) = columns(source);
        let of: Vec<(Mark, i64)> = told.iter().filter(|(mark, _)| mark.source == source).copied().collect();
        for some in statements(&of, ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new("WITH told (a, b, now) AS (");
            query.push_values(some, |mut row, (mark, call)| {
                row.push_bind(mark.a).push_bind(mark.b).push_bind(*call);
            });
            query.push(format_args!(
                ") UPDATE {table} SET call = told.now FROM told WHERE {table}.{a} = told.a AND {table}.{b} = told.b"
            ));
            query.build().execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// What is told of these calls.
pub(super) async fn reports(
    connection: &mut SqliteConnection,
    calls: &[i64],
) -> Result<Vec<SqliteRow>, StoreError> {
    let mut rows = Vec::new();
    for some in statements(calls, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT call, source, a, b, matched_by, body FROM call_report WHERE call IN (",
        );
        push_list(&mut query, some);
        rows.extend(query.build().fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}

/// Those of these ids that calls have.
pub(super) async fn taken(
    connection: &mut SqliteConnection,
    ids: &[CallId],
) -> Result<HashSet<CallId>, StoreError> {
    let mut taken = HashSet::new();
    for some in statements(ids, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT id FROM call WHERE id IN (");
        let mut list = query.separated(", ");
        for id in some {
            list.push_bind(id.as_bytes().as_slice());
        }
        query.push(")");
        let found: Vec<Vec<u8>> = query.build_query_scalar().fetch_all(&mut *connection).await?;
        taken.extend(found.iter().filter_map(|id| CallId::from_slice(id)));
    }
    Ok(taken)
}

/// Forgets what was told of these calls.
pub(super) async fn forget_reports(
    connection: &mut SqliteConnection,
    calls: &[i64],
) -> Result<(), StoreError> {
    delete(connection, "DELETE FROM call_report WHERE call IN (", calls).await
}

/// Takes away calls that were found to be others.
pub(super) async fn forget_calls(connection: &mut SqliteConnection, calls: &[i64]) -> Result<(), StoreError> {
    delete(connection, "DELETE FROM call_words WHERE rowid IN (", calls).await?;
    delete(connection, "DELETE FROM call WHERE seq IN (", calls).await
}

async fn delete(
    connection: &mut SqliteConnection,
    sql: &'static str,
    numbers: &[i64],
) -> Result<(), StoreError> {
    for some in statements(numbers, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(sql);
        push_list(&mut query, some);
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Writes what is told of calls.
pub(super) async fn put_reports(
    connection: &mut SqliteConnection,
    reports: &[Written<'_>],
) -> Result<(), StoreError> {
    for some in statements(reports, ROWS) {
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT INTO call_report (call, source, a, b, matched_by, body) ");
        query.push_values(some, |mut row, report| {
            row.push_bind(report.call)
                .push_bind(bit(report.mark.source))
                .push_bind(report.mark.a)
                .push_bind(report.mark.b)
                .push_bind(report.by.map(Rule::as_str))
                .push_bind(report.body);
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// What a user asked in a session, as a record tells it.
pub(super) struct Prompt {
    pub(super) id: Option<String>,
    pub(super) time_ns: i64,
    pub(super) text: String,
}

/// The latest prompts of a session, the last one first.
pub(super) async fn prompts(
    connection: &mut SqliteConnection,
    session: &str,
) -> Result<Vec<Prompt>, StoreError> {
    let select = "SELECT prompt, time_ns, text FROM log WHERE session = ? AND kind = 1 ORDER BY time_ns DESC LIMIT 100";
    let rows: Vec<(Option<String>, i64, String)> =
        sqlx::query_as(select).bind(session).fetch_all(connection).await?;
    let told = |text: &String| !text.is_empty() && !text.contains("<REDACTED>");
    let prompts = rows.into_iter().filter(|(_, _, text)| told(text));
    Ok(prompts.map(|(id, time_ns, text)| Prompt { id, time_ns, text }).collect())
}

/// The key of a trace with spans.
pub(super) async fn trace_key(
    connection: &mut SqliteConnection,
    id: &TraceId,
) -> Result<Option<i64>, StoreError> {
    let key = sqlx::query_scalar("SELECT key FROM trace WHERE id = ? AND spans > 0").bind(id.to_vec());
    Ok(key.fetch_optional(connection).await?)
}

/// The span above `span`, if that is plumbing.
pub(super) async fn above(
    connection: &mut SqliteConnection,
    trace: i64,
    span: i64,
) -> Result<Option<i64>, StoreError> {
    let parent = sqlx::query_scalar("SELECT parent FROM span WHERE trace = ? AND id = ? AND flags & ? != 0");
    let parent = parent.bind(trace).bind(span).bind(INFRASTRUCTURE).fetch_optional(connection).await?;
    Ok(parent.flatten())
}

/// The ids of traces with these keys.
pub(super) async fn trace_ids(
    connection: &mut SqliteConnection,
    keys: &[i64],
) -> Result<Vec<TraceId>, StoreError> {
    let mut ids = Vec::new();
    for some in statements(keys, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT id FROM trace WHERE key IN (");
        push_list(&mut query, some);
        let found: Vec<Vec<u8>> = query.build_query_scalar().fetch_all(&mut *connection).await?;
        ids.extend(found.iter().filter_map(|id| TraceId::try_from(id.as_slice()).ok()));
    }
    Ok(ids)
}
