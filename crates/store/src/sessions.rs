//! Reading sessions: a page of a list, and one with its calls. What a session adds up to is worked out for the page
//! that is shown, so that nothing has to be kept in step. Leaves out which session a call belongs to (`lineage`).

use std::collections::HashMap;

use api::{
    CallSummary, Money, SessionDetail, SessionFilter, SessionSource, SessionSummary, SessionsCursor,
    SessionsPage, Usage,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::row::{SUMMARY_COLUMNS, summary};
use crate::{Store, StoreError};

const LARGEST_PAGE: u32 = 500;
/// Calls of one session that are shown.
const MOST_CALLS: i64 = 5_000;

const COLUMNS: &str = "SELECT key, id, source, provider, client, title, first_ms, last_ms FROM session";
const TOTALS: &str = "SELECT session, count(*) AS calls, coalesce(sum(failed), 0) AS errors, \
    coalesce(sum(duration_us), 0) AS duration, sum(input) AS input, sum(cache_read) AS cache_read, \
    sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h, sum(output) AS output, \
    sum(reasoning) AS reasoning, coalesce(sum(cost), 0) AS cost, \
    coalesce(sum(cost_source = 'unknown' AND state != 'open'), 0) AS unpriced, count(DISTINCT agent) AS agents, \
    coalesce(sum(tie = 'fork'), 0) AS forks FROM call WHERE session IN (";

impl Store {
    /// A page of the sessions that match, the latest used first, and how many match in all.
    pub async fn list_sessions(
        &self,
        filter: &SessionFilter,
        limit: u32,
        offset: u32,
        before: Option<SessionsCursor>,
    ) -> Result<SessionsPage, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        push_where(&mut query, filter);
        if let Some(SessionsCursor { last_ms, key }) = before {
            query.push(" AND (last_ms, key) < (").push_bind(last_ms).push(", ");
            query.push_bind(i64::try_from(key).unwrap_or(i64::MAX)).push(")");
        }
        query.push(" ORDER BY last_ms DESC, key DESC LIMIT ").push_bind(limit.clamp(1, LARGEST_PAGE));
        query.push(" OFFSET ").push_bind(offset);
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        let mut sessions = rows.iter().map(session).collect::<Result<Vec<_>, _>>()?;
        self.add_up(&mut sessions).await?;
        let mut count = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM session");
        push_where(&mut count, filter);
        let total: i64 = count.build_query_scalar().persistent(false).fetch_one(&self.inner.read).await?;
        Ok(SessionsPage { sessions, total: total.unsigned_abs() })
    }

    /// One session and its latest calls; `None` when there is none of this key.
    pub async fn session(&self, key: u64) -> Result<Option<SessionDetail>, StoreError> {
        let key = i64::try_from(key).unwrap_or(i64::MAX);
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push(" WHERE key = ").push_bind(key);
        let Some(row) = query.build().fetch_optional(&self.inner.read).await? else { return Ok(None) };
        let mut found = vec![session(&row)?];
        self.add_up(&mut found).await?;
        let Some(session) = found.pop() else { return Ok(None) };
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(SUMMARY_COLUMNS).push(" FROM call WHERE session = ").push_bind(key);
        query.push(" ORDER BY seq DESC LIMIT ").push_bind(MOST_CALLS);
        let rows = query.build().fetch_all(&self.inner.read).await?;
        let mut calls = rows.iter().map(summary).collect::<Result<Vec<CallSummary>, _>>()?;
        calls.sort_unstable_by_key(|call| call.id);
        Ok(Some(SessionDetail { session, calls }))
    }

    /// The session used last of those that go by a client's id, else of those whose calls reports place in a session of
    /// that id; `None` when there is none.
    pub async fn session_key(&self, id: &str) -> Result<Option<u64>, StoreError> {
        let own = "SELECT key FROM session WHERE id = ? ORDER BY last_ms DESC, key DESC LIMIT 1";
        let by_records = "SELECT call.session FROM log JOIN call ON call.seq = log.call \
            WHERE log.session = ? AND call.session IS NOT NULL ORDER BY call.started_ms DESC LIMIT 1";
        let by_traces = "SELECT call.session FROM trace JOIN call ON call.trace = trace.key \
            WHERE trace.session = ? AND call.session IS NOT NULL ORDER BY call.started_ms DESC LIMIT 1";
        for query in [own, by_records, by_traces] {
            let query = sqlx::query_scalar(query).bind(id);
            let key: Option<i64> = query.fetch_optional(&self.inner.read).await?;
            if key.is_some() {
                return Ok(key.map(i64::unsigned_abs));
            }
        }
        Ok(None)
    }

    async fn add_up(&self, sessions: &mut [SessionSummary]) -> Result<(), StoreError> {
        let mut totals: HashMap<u64, SqliteRow> = HashMap::new();
        let mut models: HashMap<u64, Vec<String>> = HashMap::new();
        let mut query = QueryBuilder::<Sqlite>::new(TOTALS);
        push_keys(&mut query, sessions);
        query.push(" GROUP BY session");
        for row in query.build().persistent(false).fetch_all(&self.inner.read).await? {
            totals.insert(row.try_get::<i64, _>("session")?.unsigned_abs(), row);
        }
        let mut query = QueryBuilder::<Sqlite>::new("SELECT session, model FROM call WHERE session IN (");
        push_keys(&mut query, sessions);
        query.push(" AND model IS NOT NULL GROUP BY session, model ORDER BY count(*) DESC, model");
        let rows: Vec<(i64, String)> =
            query.build_query_as().persistent(false).fetch_all(&self.inner.read).await?;
        for (key, model) in rows {
            models.entry(key.unsigned_abs()).or_default().push(model);
        }
        for session in sessions {
            session.models = models.remove(&session.key).unwrap_or_default();
            if let Some(row) = totals.get(&session.key) {
                take_totals(session, row)?;
            }
        }
        Ok(())
    }
}

fn push_keys(query: &mut QueryBuilder<Sqlite>, sessions: &[SessionSummary]) {
    let mut list = query.separated(", ");
    for session in sessions {
        list.push_bind(i64::try_from(session.key).unwrap_or(i64::MAX));
    }
    list.push_unseparated(")");
}

fn push_where(query: &mut QueryBuilder<Sqlite>, filter: &SessionFilter) {
    query.push(" WHERE 1");
    for (column, value) in [("client", &filter.client), ("provider", &filter.provider)] {
        match value.as_deref() {
            Some("") => drop(query.push(" AND ").push(column).push(" IS NULL")),
            Some(value) => drop(query.push(" AND ").push(column).push(" = ").push_bind(value.to_owned())),
            None => {}
        }
    }
    if let Some(from_ms) = filter.from_ms {
        query.push(" AND last_ms >= ").push_bind(from_ms);
    }
    if let Some(to_ms) = filter.to_ms {
        query.push(" AND first_ms < ").push_bind(to_ms);
    }
    if let Some(text) = filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        query.push(" AND (instr(lower(title), ").push_bind(text.to_lowercase());
        query.push(") OR instr(id, ").push_bind(text.to_owned()).push("))");
    }
}

fn session(row: &SqliteRow) -> Result<SessionSummary, StoreError> {
    Ok(SessionSummary {
        key: row.try_get::<i64, _>("key")?.unsigned_abs(),
        id: row.try_get("id")?,
        source: row.try_get::<&str, _>("source")?.parse().unwrap_or(SessionSource::Client),
        provider: row.try_get("provider")?,
        client: row.try_get("client")?,
        title: row.try_get("title")?,
        first_ms: row.try_get("first_ms")?,
        last_ms: row.try_get("last_ms")?,
        calls: 0,
        errors: 0,
        duration_us: 0,
        usage: Usage::default(),
        cost: Money::default(),
        unpriced: 0,
        models: Vec::new(),
        agents: 0,
        forks: 0,
    })
}

fn take_totals(session: &mut SessionSummary, row: &SqliteRow) -> Result<(), StoreError> {
    let count = |column: &str| Ok::<_, StoreError>(row.try_get::<i64, _>(column)?.unsigned_abs());
    let tokens =
        |column: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(i64::unsigned_abs));
    session.calls = count("calls")?;
    session.errors = count("errors")?;
    session.duration_us = count("duration")?;
    session.usage = Usage {
        input: tokens("input")?,
        cache_read: tokens("cache_read")?,
        cache_write_5m: tokens("cache_write_5m")?,
        cache_write_1h: tokens("cache_write_1h")?,
        output: tokens("output")?,
        reasoning: tokens("reasoning")?,
    };
    session.cost = Money::from_pico(row.try_get("cost")?);
    session.unpriced = count("unpriced")?;
    session.agents = count("agents")?;
    session.forks = count("forks")?;
    Ok(())
}
