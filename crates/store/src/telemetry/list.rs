//! The Traces list: traces, and calls that belong to none, newest first. Leaves out one trace's spans (`tree`).

mod lone;

use std::cmp::Reverse;
use std::collections::HashMap;

use api::{
    BucketCosts, CallFilter, CallSummary, Money, SpanType, TraceEntry, TraceSummary, TracesCursor,
    TracesPage, Usage,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use self::lone::push_calls_after;
use super::hex;
use crate::filter::{COUNTED, push_where};
use crate::text::find::Found;
use crate::{Store, StoreError};

const LARGEST_PAGE: u32 = 500;
/// Of a larger trace a list tells how many spans lack their parent as it was when it had nearly as many spans.
const LARGE: i64 = 1_000;
/// Large traces of which that is remembered.
const REMEMBERED: usize = 1_000;
/// So few calls in traces are looked at one by one, where an index of what is asked for would find many others.
const FEW_IN_TRACES: u64 = 20_000;
const MANY: u64 = 20_000;
/// Models named of one trace.
const MODELS: usize = 20;

/// The columns of a trace that [`read`] reads.
const COLUMNS: &str = "SELECT trace.key AS key, trace.id AS id, first_ns, last_ns, spans, infra, errors, root_name, \
    root_label, root_type, session, trace.client AS client, origin.service AS service, origin.client AS teller \
    FROM trace LEFT JOIN origin ON origin.key = trace.origin";

/// How many spans a large trace had, and how many of them lacked their parent.
pub(crate) type Orphans = HashMap<i64, (i64, i64)>;

/// A trace's row.
pub(super) struct TraceRow {
    pub(super) key: i64,
    spans: i64,
    pub(super) summary: TraceSummary,
}

/// What is looked for, and how calls in traces are found.
#[derive(Clone, Copy)]
struct Reach<'a> {
    filter: &'a CallFilter,
    found: Option<&'a Found>,
    /// Calls in traces, as far as they are counted.
    in_traces: u64,
    /// So many calls match that a page of the newest is found by their time, sooner than all are put in order.
    many: bool,
}

impl Reach<'_> {
    /// What stands behind a table of calls of which only those in traces are asked for.
    fn in_traces(&self) -> &'static str {
        if self.in_traces < FEW_IN_TRACES { " INDEXED BY call_in_trace" } else { "" }
    }

    /// Whether it is about calls, and none stands in a trace.
    fn is_of_lone_calls(&self) -> bool {
        self.in_traces == 0 && (self.found.is_some() || *self.filter != about_traces(self.filter))
    }
}

/// Where a page begins: after an entry's moment and its sixteen bytes.
#[derive(Clone, Copy)]
struct After {
    started_ms: i64,
    id: [u8; 16],
}

impl Store {
    /// A page of the traces and lone calls that match, newest first, and how many match in all.
    pub async fn list_traces(
        &self,
        filter: &CallFilter,
        limit: u32,
        offset: u64,
        after: Option<&TracesCursor>,
    ) -> Result<TracesPage, StoreError> {
        let limit = limit.clamp(1, LARGEST_PAGE);
        let found = self.find(filter).await?;
        let reading = found.as_ref().and_then(|found| found.reading);
        let after = after.map(|after| After { started_ms: after.started_ms, id: sixteen(&after.id) });
        let in_traces = self.in_traces().await?;
        let mut reach = Reach { filter, found: found.as_ref(), in_traces, many: false };
        let matching = self.count_quickly(filter, found.as_ref()).await?;
        let lone = self.count_lone_calls(&reach, matching).await?;
        reach.many = lone > MANY;
        let total = self.count_traces(&reach).await? + lone;
        let after = match offset.checked_sub(1) {
            None => after,
            Some(before) => match self.place(&reach, after, before).await? {
                Some(place) => Some(place),
                None => return Ok(TracesPage { total, reading, ..TracesPage::default() }),
            },
        };
        let traces = self.traces_after(&reach, after, limit + 1).await?;
        let calls = match lone {
            0 => Vec::new(),
            _ => self.lone_calls_after(&reach, matching, after, limit + 1).await?,
        };

        let most = limit as usize;
        let mut all: Vec<(i64, [u8; 16], Entry)> = Vec::with_capacity(traces.len() + calls.len());
        all.extend(
            traces
                .into_iter()
                .map(|row| (row.summary.started_ms, sixteen(&row.summary.id), Entry::Trace(Box::new(row)))),
        );
        all.extend(
            calls.into_iter().map(|call| (call.started_ms, *call.id.as_bytes(), Entry::Call(Box::new(call)))),
        );
        all.sort_unstable_by_key(|(started_ms, id, _)| Reverse((*started_ms, *id)));
        let more = all.len() > most;
        all.truncate(most);
        let mut rows: Vec<TraceRow> = Vec::new();
        let mut order = Vec::with_capacity(all.len());
        for (_, _, entry) in all {
            match entry {
                Entry::Trace(row) => {
                    rows.push(*row);
                    order.push(None);
                }
                Entry::Call(call) => order.push(Some(call)),
            }
        }
        self.add_up_traces(&mut rows, false).await?;
        let mut traces = rows.into_iter().map(|row| TraceEntry::Trace(row.summary));
        let entries =
            order.into_iter().filter_map(|call| call.map(TraceEntry::Call).or_else(|| traces.next()));
        let entries: Vec<TraceEntry> = entries.collect();
        let next = if more { entries.last().map(cursor) } else { None };
        Ok(TracesPage { entries, total, next, reading })
    }

    /// Where the entry stands that so many come before; `None` when there are not as many.
    async fn place(
        &self,
        reach: &Reach<'_>,
        after: Option<After>,
        before: u64,
    ) -> Result<Option<After>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT first_ns / 1000000, trace.id FROM trace");
        push_traces_where(&mut query, reach);
        push_traces_after(&mut query, after);
        query.push(" UNION ALL SELECT started_ms, id FROM call");
        push_where(&mut query, reach.filter, reach.found);
        push_calls_after(&mut query, after);
        query.push(" ORDER BY 1 DESC, 2 DESC LIMIT 1 OFFSET ");
        query.push_bind(i64::try_from(before).unwrap_or(i64::MAX));
        let found: Option<(i64, Vec<u8>)> =
            query.build_query_as().persistent(false).fetch_optional(&self.inner.read).await?;
        let place = found.map(|(started_ms, id)| {
            let id = id.try_into().map_err(|_| StoreError::Damaged("an id is malformed"))?;
            Ok(After { started_ms, id })
        });
        place.transpose()
    }

    async fn traces_after(
        &self,
        reach: &Reach<'_>,
        after: Option<After>,
        limit: u32,
    ) -> Result<Vec<TraceRow>, StoreError> {
        if reach.is_of_lone_calls() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        push_traces_where(&mut query, reach);
        push_traces_after(&mut query, after);
        query.push(" ORDER BY first_ns / 1000000 DESC, trace.id DESC LIMIT ").push_bind(limit);
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        rows.iter().map(read).collect()
    }

    async fn count_traces(&self, reach: &Reach<'_>) -> Result<u64, StoreError> {
        if reach.is_of_lone_calls() {
            return Ok(0);
        }
        let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM trace");
        push_traces_where(&mut query, reach);
        let count: i64 = query.build_query_scalar().persistent(false).fetch_one(&self.inner.read).await?;
        Ok(count.unsigned_abs())
    }

    /// The trace with this id, if spans of it were reported or calls stand in it.
    pub(super) async fn trace_row(&self, id: [u8; 16]) -> Result<Option<TraceRow>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push(" WHERE spans > 0 AND trace.id = ").push_bind(id.to_vec());
        let row = query.build().fetch_optional(&self.inner.read).await?;
        let Some(mut row) = row.as_ref().map(read).transpose()? else { return Ok(None) };
        self.add_up_traces(std::slice::from_mut(&mut row), true).await?;
        Ok(Some(row))
    }

    /// Adds to traces what their calls come to, and how many of their spans lack their parent: `exactly`, or nearly so.
    async fn add_up_traces(&self, rows: &mut [TraceRow], exactly: bool) -> Result<(), StoreError> {
        let mut by_key: HashMap<i64, &mut TraceRow> = rows.iter_mut().map(|row| (row.key, row)).collect();
        let keys: Vec<i64> = by_key.keys().copied().collect();
        for row in self.trace_calls(&keys).await? {
            if let Some(trace) = by_key.get_mut(&row.try_get("trace")?) {
                add_calls(&mut trace.summary, &row)?;
            }
        }
        for trace in by_key.into_values() {
            trace.summary.orphans = self.orphans(trace.key, trace.spans, exactly).await?.unsigned_abs();
        }
        Ok(())
    }

    /// What the calls of these traces come to, by model, the most used first.
    async fn trace_calls(&self, keys: &[i64]) -> Result<Vec<SqliteRow>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT trace, model, count(*) AS calls, sum(input) AS input, sum(cache_read) AS cache_read, \
             sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h, sum(output) AS output, \
             sum(reasoning) AS reasoning, coalesce(sum(cost), 0) AS cost, \
             coalesce(sum(cost_input), 0) AS cost_input, coalesce(sum(cost_cache_read), 0) AS cost_cache_read, \
             coalesce(sum(cost_cache_write_5m), 0) AS cost_cache_write_5m, \
             coalesce(sum(cost_cache_write_1h), 0) AS cost_cache_write_1h, coalesce(sum(cost_output), 0) AS cost_output, \
             sum(cost_source = 'unknown' AND state != 'open') AS unpriced FROM call WHERE trace IN (",
        );
        let mut list = query.separated(", ");
        for key in keys {
            list.push_bind(*key);
        }
        query
            .push(") AND ")
            .push(COUNTED)
            .push(" GROUP BY trace, model ORDER BY trace, count(*) DESC, model");
        Ok(query.build().persistent(false).fetch_all(&self.inner.read).await?)
    }

    async fn orphans(&self, key: i64, spans: i64, exactly: bool) -> Result<i64, StoreError> {
        let known = self.remembered().get(&key).copied();
        if let Some((then, orphans)) = known
            && (then == spans || (!exactly && spans - then < spans / 20))
        {
            return Ok(orphans);
        }
        let orphans: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM span WHERE trace = ?1 AND parent IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM span AS above WHERE above.trace = ?1 AND above.id = span.parent)",
        )
        .bind(key)
        .fetch_one(&self.inner.read)
        .await?;
        if spans > LARGE {
            let mut remembered = self.remembered();
            if remembered.len() >= REMEMBERED {
                remembered.clear();
            }
            remembered.insert(key, (spans, orphans));
        }
        Ok(orphans)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Orphans> {
        self.inner.orphans.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

enum Entry {
    Trace(Box<TraceRow>),
    Call(Box<CallSummary>),
}

fn cursor(entry: &TraceEntry) -> TracesCursor {
    let id = match entry {
        TraceEntry::Trace(trace) => trace.id.clone(),
        TraceEntry::Call(call) => call.id.to_string(),
    };
    TracesCursor { started_ms: entry.started_ms(), id }
}

/// The bytes of a trace's id or a call's. What is neither stands after everything of its moment.
fn sixteen(id: &str) -> [u8; 16] {
    let digits = id.replace('-', "");
    u128::from_str_radix(&digits, 16).unwrap_or_default().to_be_bytes()
}

fn push_traces_after(query: &mut QueryBuilder<Sqlite>, after: Option<After>) {
    if let Some(After { started_ms, id }) = after {
        query.push(" AND first_ns / 1000000 <= ").push_bind(started_ms);
        query.push(" AND (first_ns / 1000000 < ").push_bind(started_ms);
        query.push(" OR trace.id < ").push_bind(id.to_vec()).push(")");
    }
}

/// Appends ` WHERE …`. A filter about calls holds for a trace when it holds for one of its calls.
fn push_traces_where(query: &mut QueryBuilder<Sqlite>, reach: &Reach<'_>) {
    let Reach { filter, found, .. } = *reach;
    query.push(" WHERE spans > 0");
    if found.is_none() && *filter == about_traces(filter) {
        push_about_traces(query, filter);
    } else {
        query.push(" AND trace.key IN (SELECT trace FROM call").push(reach.in_traces());
        push_where(query, filter, found);
        query.push(" AND trace IS NOT NULL)");
    }
}

/// Of a filter what can be said of a trace without calls.
fn about_traces(filter: &CallFilter) -> CallFilter {
    CallFilter {
        from_ms: filter.from_ms,
        to_ms: filter.to_ms,
        session_id: filter.session_id.clone(),
        session: filter.session,
        trace_id: filter.trace_id.clone(),
        side_calls: filter.side_calls,
        replays: filter.replays,
        ..CallFilter::default()
    }
}

fn push_about_traces(query: &mut QueryBuilder<Sqlite>, filter: &CallFilter) {
    if let Some(from_ms) = filter.from_ms {
        query.push(" AND first_ns / 1000000 >= ").push_bind(from_ms);
    }
    if let Some(to_ms) = filter.to_ms {
        query.push(" AND first_ns / 1000000 < ").push_bind(to_ms);
    }
    match filter.session_id.as_deref() {
        Some("") => drop(query.push(" AND session IS NULL")),
        Some(id) => {
            query.push(" AND (session = ").push_bind(id.to_owned());
            query.push(
                " OR trace.key IN (SELECT trace FROM call WHERE session IN (SELECT key FROM session WHERE id = ",
            );
            query.push_bind(id.to_owned()).push(")))");
        }
        None => {}
    }
    if let Some(key) = filter.session {
        let key = i64::try_from(key).unwrap_or(i64::MAX);
        query.push(" AND (session = (SELECT id FROM session WHERE key = ").push_bind(key);
        query.push(") OR trace.key IN (SELECT trace FROM call WHERE session = ").push_bind(key).push("))");
    }
    match filter.trace_id.as_deref() {
        Some("") => drop(query.push(" AND 0")),
        Some(id) => drop(query.push(" AND trace.id = unhex(").push_bind(id.replace('-', "")).push(")")),
        None => {}
    }
}

fn read(row: &SqliteRow) -> Result<TraceRow, StoreError> {
    let count = |column: &str| Ok::<_, StoreError>(row.try_get::<i64, _>(column)?.unsigned_abs());
    let (first_ns, last_ns): (i64, i64) = (row.try_get("first_ns")?, row.try_get("last_ns")?);
    let kind: i64 = row.try_get("root_type")?;
    let summary = TraceSummary {
        id: hex(row.try_get("id")?),
        started_ms: first_ns / 1_000_000,
        duration_us: last_ns.saturating_sub(first_ns).max(0).unsigned_abs() / 1_000,
        name: row.try_get("root_name")?,
        label: row.try_get("root_label")?,
        span_type: span_type(kind),
        service: row.try_get("service")?,
        client: row.try_get::<Option<String>, _>("client")?.or(row.try_get("teller")?),
        session_id: row.try_get("session")?,
        spans: count("spans")?,
        infrastructure: count("infra")?,
        errors: count("errors")?,
        orphans: 0,
        calls: 0,
        models: Vec::new(),
        usage: Usage::default(),
        cost: Money::ZERO,
        costs: BucketCosts::default(),
        unpriced: 0,
    };
    Ok(TraceRow { key: row.try_get("key")?, spans: row.try_get("spans")?, summary })
}

/// The type that the table keeps as this number.
pub(super) fn span_type(number: i64) -> SpanType {
    usize::try_from(number).ok().and_then(|number| SpanType::ALL.get(number)).copied().unwrap_or_default()
}

fn add_calls(trace: &mut TraceSummary, row: &SqliteRow) -> Result<(), StoreError> {
    let tokens =
        |column: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(i64::unsigned_abs));
    trace.calls += row.try_get::<i64, _>("calls")?.unsigned_abs();
    trace.unpriced += row.try_get::<i64, _>("unpriced")?.unsigned_abs();
    trace.cost = trace.cost.saturating_add(Money::from_pico(row.try_get("cost")?));
    for (sum, column) in [
        (&mut trace.costs.input, "cost_input"),
        (&mut trace.costs.cache_read, "cost_cache_read"),
        (&mut trace.costs.cache_write_5m, "cost_cache_write_5m"),
        (&mut trace.costs.cache_write_1h, "cost_cache_write_1h"),
        (&mut trace.costs.output, "cost_output"),
    ] {
        *sum = sum.saturating_add(Money::from_pico(row.try_get(column)?));
    }
    trace.usage.add(&Usage {
        input: tokens("input")?,
        cache_read: tokens("cache_read")?,
        cache_write_5m: tokens("cache_write_5m")?,
        cache_write_1h: tokens("cache_write_1h")?,
        output: tokens("output")?,
        reasoning: tokens("reasoning")?,
    });
    let model: Option<String> = row.try_get("model")?;
    trace.models.extend(model.filter(|_| trace.models.len() < MODELS));
    Ok(())
}
