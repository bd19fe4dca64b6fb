//! Reading log records: a page of a list, one whole, bars over time, and what filters can take.

use std::collections::HashMap;
use std::sync::Arc;

use api::{CallId, LogDetail, LogDetails, LogFacets, LogFilter, LogHistogram, LogRow, LogsPage};
use model::telemetry::wire::{LogRecord, Origin};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::log_words::{Found, push_found};
use super::packs::Records;
use super::{hex, shown, signed};
use crate::totals::bars;
use crate::{Store, StoreError};

const LARGEST_PAGE: u32 = 1_000;
/// The latest records, of which filters name services and events.
const RECENT: i64 = 100_000;
/// Services and events named.
const FACETS: usize = 200;
/// Log records of one span that are read whole.
const RECORDS: i64 = 500;
pub(super) const NANOS: i64 = 1_000_000;
/// From this severity on it is an error.
const ERROR: i64 = 17;

const COLUMNS: &str = "SELECT time_ns, log.hash AS hash, severity, event, service, text, trace.id AS trace_id, span, \
    log.session AS session, call.id AS call_id, log.origin AS origin, place FROM log \
    LEFT JOIN origin ON origin.key = log.origin LEFT JOIN trace ON trace.key = log.trace \
    LEFT JOIN call ON call.seq = log.call";

/// A service, an event, and how many records told of both.
type Told = (Option<String>, Option<String>, i64);

/// A log record as it is stored, and what is shown of it.
#[derive(Clone, Debug)]
pub struct StoredLog {
    /// What is shown.
    pub detail: LogDetail,
    /// As it came.
    pub record: LogRecord,
    /// Who reported it.
    pub origin: Origin,
}

impl Store {
    /// A page of the log records that match, newest first, and how many match in all.
    pub async fn list_logs(
        &self,
        filter: &LogFilter,
        limit: u32,
        offset: u32,
        before: Option<(i64, i64)>,
    ) -> Result<LogsPage, StoreError> {
        let found = self.find_logs(filter).await?;
        let rows = self.log_rows(filter, found.as_ref(), limit, offset, before).await?;
        let logs = rows.iter().map(read).collect::<Result<_, _>>()?;
        let total = self.count_logs(filter, found.as_ref()).await?;
        Ok(LogsPage { logs, total, read_back_to_ms: found.and_then(|found| found.read_back_to_ms) })
    }

    async fn log_rows(
        &self,
        filter: &LogFilter,
        found: Option<&Found>,
        limit: u32,
        offset: u32,
        before: Option<(i64, i64)>,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        push_where(&mut query, filter, found);
        if let Some((time_ns, hash)) = before {
            query.push(" AND (time_ns, log.hash) < (").push_bind(time_ns);
            query.push(", ").push_bind(hash).push(")");
        }
        query.push(" ORDER BY time_ns DESC, log.hash DESC LIMIT ").push_bind(limit.clamp(1, LARGEST_PAGE));
        query.push(" OFFSET ").push_bind(offset);
        Ok(query.build().persistent(false).fetch_all(&self.inner.read).await?)
    }

    /// The earliest log records that match.
    pub(super) async fn earliest_logs(
        &self,
        filter: &LogFilter,
        limit: u32,
    ) -> Result<Vec<LogRow>, StoreError> {
        let found = self.find_logs(filter).await?;
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        push_where(&mut query, filter, found.as_ref());
        query.push(" ORDER BY time_ns, log.hash LIMIT ").push_bind(limit);
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        rows.iter().map(read).collect()
    }

    /// The earliest log records of a span, as they came.
    pub async fn span_records(
        &self,
        trace_id: [u8; 16],
        span_id: [u8; 8],
    ) -> Result<Vec<LogRecord>, StoreError> {
        let select = "SELECT place FROM log WHERE trace = (SELECT key FROM trace WHERE id = ?) AND span = ? \
            ORDER BY time_ns, hash LIMIT ?";
        let places = sqlx::query_scalar(select)
            .bind(trace_id.to_vec())
            .bind(i64::from_be_bytes(span_id))
            .bind(RECORDS);
        let places: Vec<i64> = places.fetch_all(&self.inner.read).await?;
        let (mut records, mut reader) = (Vec::with_capacity(places.len()), Records::new(self));
        for place in places {
            records.push(reader.get(place).await?);
        }
        Ok(records)
    }

    async fn count_logs(&self, filter: &LogFilter, found: Option<&Found>) -> Result<u64, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM log");
        if *filter != LogFilter::default() {
            push_counted(&mut query, filter, found);
        }
        let count: i64 = query.build_query_scalar().persistent(false).fetch_one(&self.inner.read).await?;
        Ok(count.unsigned_abs())
    }

    /// The log record of this moment with this hash; `None` when there is none.
    pub async fn log(&self, (time_ns, hash): (i64, i64)) -> Result<Option<StoredLog>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push(" WHERE time_ns = ").push_bind(time_ns).push(" AND log.hash = ").push_bind(hash);
        let Some(row) = query.build().fetch_optional(&self.inner.read).await? else { return Ok(None) };
        let record: LogRecord = Records::new(self).get(row.try_get("place")?).await?;
        let origin = self.origin(row.try_get("origin")?).await?;
        let detail = detail(&row, &record, &origin)?;
        Ok(Some(StoredLog { detail, record, origin: Origin::clone(&origin) }))
    }

    /// A page of the log records that match whole, newest first, and how many match in all.
    pub async fn list_log_details(
        &self,
        filter: &LogFilter,
        limit: u32,
        offset: u32,
        before: Option<(i64, i64)>,
    ) -> Result<LogDetails, StoreError> {
        let found = self.find_logs(filter).await?;
        let rows = self.log_rows(filter, found.as_ref(), limit, offset, before).await?;
        let (mut logs, mut records) = (Vec::with_capacity(rows.len()), Records::new(self));
        let mut origins: HashMap<i64, Arc<Origin>> = HashMap::new();
        for row in &rows {
            let record: LogRecord = records.get(row.try_get("place")?).await?;
            let key: i64 = row.try_get("origin")?;
            let origin = match origins.get(&key) {
                Some(origin) => origin.clone(),
                None => self.origin(key).await?,
            };
            logs.push(detail(row, &record, &origin)?);
            origins.insert(key, origin);
        }
        let total = self.count_logs(filter, found.as_ref()).await?;
        Ok(LogDetails { logs, total, read_back_to_ms: found.and_then(|found| found.read_back_to_ms) })
    }

    /// Log records over time from `from_ms` to `to_ms`, in so many equal bars, the empty ones too.
    pub async fn log_histogram(
        &self,
        filter: &LogFilter,
        from_ms: i64,
        to_ms: i64,
        count: u32,
    ) -> Result<LogHistogram, StoreError> {
        let (mut histogram, span) = bars(from_ms, to_ms, count);
        let within = LogFilter {
            from_ms: Some(filter.from_ms.map_or(from_ms, |from| from.max(from_ms))),
            to_ms: Some(filter.to_ms.map_or(to_ms, |to| to.min(from_ms.saturating_add(span)))),
            ..filter.clone()
        };
        let found = self.find_logs(&within).await?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT (time_ns / 1000000 - ");
        query.push_bind(from_ms).push(") * ").push_bind(i64::try_from(histogram.len()).unwrap_or(1));
        query.push(" / ").push_bind(span).push(" AS bar, count(*), sum(severity >= ").push_bind(ERROR);
        query.push(") FROM log");
        push_counted(&mut query, &within, found.as_ref());
        query.push(" GROUP BY bar");
        let rows: Vec<(i64, i64, i64)> =
            query.build_query_as().persistent(false).fetch_all(&self.inner.read).await?;
        for (bar, calls, errors) in rows {
            if let Some(bar) = usize::try_from(bar).ok().and_then(|bar| histogram.get_mut(bar)) {
                (bar.calls, bar.errors) = (calls.unsigned_abs(), errors.unsigned_abs());
            }
        }
        Ok(LogHistogram { bars: histogram, read_back_to_ms: found.and_then(|found| found.read_back_to_ms) })
    }

    /// The services and events of the latest records, most used first.
    pub async fn log_facets(&self) -> Result<LogFacets, StoreError> {
        let recent: Vec<Told> = sqlx::query_as(
            "SELECT service, event, count(*) FROM \
             (SELECT origin, event FROM log ORDER BY time_ns DESC, hash DESC LIMIT ?) AS recent \
             LEFT JOIN origin ON origin.key = recent.origin GROUP BY service, event ORDER BY 3 DESC",
        )
        .bind(RECENT)
        .fetch_all(&self.inner.read)
        .await?;
        let by = |pick: fn(&Told) -> Option<String>| {
            let mut sums: Vec<(String, i64)> = Vec::new();
            for row in &recent {
                let Some(name) = pick(row) else { continue };
                match sums.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, sum)) => *sum += row.2,
                    None => sums.push((name, row.2)),
                }
            }
            sums.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
            sums.into_iter().take(FACETS).map(|(name, _)| name).collect()
        };
        Ok(LogFacets { services: by(|row| row.0.clone()), events: by(|row| row.1.clone()) })
    }
}

/// Appends ` WHERE …` for what is only counted: where time and severity are all that is asked for, an index that has
/// nothing else is read.
fn push_counted(query: &mut QueryBuilder<Sqlite>, filter: &LogFilter, found: Option<&Found>) {
    let bare = LogFilter {
        from_ms: filter.from_ms,
        to_ms: filter.to_ms,
        severity_min: filter.severity_min,
        ..LogFilter::default()
    };
    if *filter != bare {
        return push_where(query, filter, found);
    }
    query.push(" INDEXED BY log_severity WHERE severity IN (");
    let mut list = query.separated(", ");
    for severity in filter.severity_min.unwrap_or(0)..=24 {
        list.push_bind(severity);
    }
    query.push(")");
    push_times(query, filter);
}

fn push_times(query: &mut QueryBuilder<Sqlite>, filter: &LogFilter) {
    for (condition, moment) in [(" AND time_ns >= ", filter.from_ms), (" AND time_ns < ", filter.to_ms)] {
        if let Some(moment) = moment {
            query.push(condition).push_bind(moment.saturating_mul(NANOS));
        }
    }
}

/// Appends ` WHERE …`; every condition that is given must hold. What is empty stands for none. What the filter's text asks
/// for was `found`.
pub(super) fn push_where(query: &mut QueryBuilder<Sqlite>, filter: &LogFilter, found: Option<&Found>) {
    query.push(" WHERE 1");
    push_times(query, filter);
    match filter.service.as_deref() {
        Some("") => drop(query.push(" AND log.origin IN (SELECT key FROM origin WHERE service IS NULL)")),
        Some(service) => {
            query.push(" AND log.origin IN (SELECT key FROM origin WHERE service = ");
            query.push_bind(service.to_owned()).push(")");
        }
        None => {}
    }
    for (column, value) in [("log.event", &filter.event), ("log.session", &filter.session_id)] {
        match value.as_deref() {
            Some("") => drop(query.push(" AND ").push(column).push(" IS NULL")),
            Some(value) => drop(query.push(" AND ").push(column).push(" = ").push_bind(value.to_owned())),
            None => {}
        }
    }
    if let Some(least) = filter.severity_min {
        query.push(" AND severity >= ").push_bind(least);
    }
    if let Some(id) = &filter.trace_id {
        query
            .push(" AND log.trace = (SELECT key FROM trace WHERE id = unhex(")
            .push_bind(id.clone())
            .push("))");
    }
    if let Some(id) = &filter.span_id {
        let key = u64::from_str_radix(id, 16).ok().filter(|_| id.len() == 16).map(u64::cast_signed);
        query.push(" AND span = ").push_bind(key);
    }
    if let Some(found) = found {
        push_found(query, found);
    }
}

fn detail(row: &SqliteRow, record: &LogRecord, origin: &Origin) -> Result<LogDetail, StoreError> {
    Ok(LogDetail {
        row: read(row)?,
        time_ns: signed(record.time_ns),
        observed_ns: signed(record.observed_ns),
        severity_text: record.severity_text.clone(),
        event_name: record.event_name.clone(),
        body: shown::value(&record.body),
        attributes: shown::attributes(&record.attributes),
        dropped_attributes: record.dropped_attributes,
        flags: record.flags,
        reporter: shown::reporter(origin),
    })
}

fn read(row: &SqliteRow) -> Result<LogRow, StoreError> {
    let (time_ns, hash): (i64, i64) = (row.try_get("time_ns")?, row.try_get("hash")?);
    Ok(LogRow {
        id: log_id(time_ns, hash),
        time_ns,
        severity: u8::try_from(row.try_get::<i64, _>("severity")?).unwrap_or_default(),
        event: row.try_get("event")?,
        service: row.try_get("service")?,
        text: row.try_get("text")?,
        trace_id: row.try_get::<Option<&[u8]>, _>("trace_id")?.map(hex),
        span_id: row.try_get::<Option<i64>, _>("span")?.map(shown::span_hex),
        session_id: row.try_get("session")?,
        call: row.try_get::<Option<&[u8]>, _>("call_id")?.and_then(CallId::from_slice),
    })
}

/// What names a record: its moment and its hash.
pub fn log_id(time_ns: i64, hash: i64) -> String {
    format!("{time_ns:016x}{hash:016x}")
}

/// What [`log_id`] wrote; `None` when it is no such id.
pub fn log_key(id: &str) -> Option<(i64, i64)> {
    let part = |from: usize| u64::from_str_radix(id.get(from..from + 16)?, 16).ok();
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some((part(0)?.cast_signed(), part(16)?.cast_signed()))
}
