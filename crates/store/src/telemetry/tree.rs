//! One trace's spans by their beginning, in parts, and one span whole. Leaves out lists of traces (`list`).

use std::collections::HashMap;
use std::sync::Arc;

use api::{CallId, CostSource, LogFilter, Money, SpanCall, SpanDetail, SpanRow, TraceDetail, Usage};
use model::telemetry::ids;
use model::telemetry::wire::{Origin, Span};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::list::span_type;
use super::packs::Records;
use super::shown;
use super::spans::{FAILED, INFRASTRUCTURE};
use crate::row::{from_word, sources};
use crate::{Store, StoreError};

/// Spans of one part.
const LARGEST_PART: u32 = 20_000;
/// Whole spans of one part.
const LARGEST_WHOLE: u32 = 5_000;
/// Log records shown with a span.
const LOGS: u32 = 200;

/// What [`read`] reads of a span's row and of the call that it is.
const COLUMNS: &str = "span.id AS span_id, parent, span.start_ns AS start_ns, duration_ns, type, flags, span.name AS name, \
    label, service, place, origin, call.id AS call_id, call.started_ms AS started_ms, duration_us, \
    call.model AS model, path, title, failed, parent_id, call.client AS client, operation, input, cache_read, \
    cache_write_5m, cache_write_1h, output, reasoning, cost, cost_source, first_token_us, sources";

/// A span as it is stored, and what is shown of it beside its conversation.
#[derive(Clone, Debug)]
pub struct StoredSpan {
    /// What is shown.
    pub detail: SpanDetail,
    /// As it came.
    pub span: Span,
    /// Who reported it.
    pub origin: Origin,
}

impl Store {
    /// A trace and a part of its spans; `None` when no span of it was reported. Calls in it of which nobody reported a
    /// span stand among them.
    pub async fn trace(
        &self,
        id: [u8; 16],
        offset: u64,
        limit: u32,
    ) -> Result<Option<TraceDetail>, StoreError> {
        let Some(trace) = self.trace_row(id).await? else { return Ok(None) };
        let limit = limit.clamp(1, LARGEST_PART);
        let mut query = QueryBuilder::<Sqlite>::new(
            "WITH part (at, lone, number) AS (SELECT start_ns, 0, id FROM span WHERE trace = ",
        );
        query.push_bind(trace.key);
        query.push(" UNION ALL SELECT started_ms * 1000000, 1, seq FROM call WHERE trace = ");
        query.push_bind(trace.key);
        query.push(
            " AND operation != 'side_call' AND seq NOT IN (SELECT call FROM span WHERE call IS NOT NULL AND trace = ",
        );
        query.push_bind(trace.key);
        query.push(") ORDER BY 1, 2, 3 LIMIT ").push_bind(limit + 1);
        query.push(" OFFSET ").push_bind(i64::try_from(offset).unwrap_or(i64::MAX));
        query.push(") SELECT lone, ").push(COLUMNS);
        query.push(" FROM part LEFT JOIN span ON lone = 0 AND span.id = number AND span.trace = ");
        query.push_bind(trace.key);
        query.push(
            " LEFT JOIN origin ON origin.key = span.origin \
             LEFT JOIN call ON call.seq = CASE lone WHEN 1 THEN number ELSE span.call END ORDER BY at, lone, number",
        );
        let rows = query.build().fetch_all(&self.inner.read).await?;
        let most = limit as usize;
        let next = (rows.len() > most).then(|| offset.saturating_add(u64::from(limit)));
        let spans = rows.iter().take(most).map(read).collect::<Result<_, _>>()?;
        Ok(Some(TraceDetail { trace: trace.summary, spans, next }))
    }

    /// The spans of a trace whole, by their beginning, but for their conversations and log records.
    pub async fn spans(
        &self,
        trace_id: [u8; 16],
        offset: u64,
        limit: u32,
    ) -> Result<Vec<StoredSpan>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT 0 AS lone, ");
        query.push(COLUMNS).push(
            " FROM span LEFT JOIN origin ON origin.key = span.origin LEFT JOIN call ON call.seq = span.call \
             WHERE span.trace = (SELECT key FROM trace WHERE trace.id = ",
        );
        query.push_bind(trace_id.to_vec()).push(") ORDER BY span.start_ns, span.id LIMIT ");
        query.push_bind(limit.clamp(1, LARGEST_WHOLE)).push(" OFFSET ");
        query.push_bind(i64::try_from(offset).unwrap_or(i64::MAX));
        let rows = query.build().fetch_all(&self.inner.read).await?;
        let (mut spans, mut records) = (Vec::with_capacity(rows.len()), Records::new(self));
        let mut origins: HashMap<i64, Arc<Origin>> = HashMap::new();
        for row in &rows {
            let span: Span = records.get(row.try_get("place")?).await?;
            let key: i64 = row.try_get("origin")?;
            let origin = match origins.get(&key) {
                Some(origin) => origin.clone(),
                None => self.origin(key).await?,
            };
            origins.insert(key, origin.clone());
            let detail = shown::span(&span, &origin, read(row)?);
            spans.push(StoredSpan { detail, span, origin: Origin::clone(&origin) });
        }
        Ok(spans)
    }

    /// The trace of the newest span with this id.
    pub async fn trace_of_span(&self, id: [u8; 8]) -> Result<Option<[u8; 16]>, StoreError> {
        // Asked for seldom: an index over ids would cost every span its share.
        let select = "SELECT trace.id FROM span JOIN trace ON trace.key = span.trace WHERE span.id = ? \
            ORDER BY span.trace DESC LIMIT 1";
        let found: Option<Vec<u8>> =
            sqlx::query_scalar(select).bind(i64::from_be_bytes(id)).fetch_optional(&self.inner.read).await?;
        let id = found.map(|id| id.try_into().map_err(|_| StoreError::Damaged("a trace's id is malformed")));
        id.transpose()
    }

    /// One span whole; `None` when it was not reported.
    pub async fn span(&self, trace_id: [u8; 16], span_id: [u8; 8]) -> Result<Option<StoredSpan>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT 0 AS lone, ");
        query.push(COLUMNS).push(
            " FROM span LEFT JOIN origin ON origin.key = span.origin LEFT JOIN call ON call.seq = span.call \
             WHERE span.trace = (SELECT key FROM trace WHERE trace.id = ",
        );
        query.push_bind(trace_id.to_vec()).push(") AND span.id = ").push_bind(i64::from_be_bytes(span_id));
        let Some(found) = query.build().fetch_optional(&self.inner.read).await? else { return Ok(None) };
        let span: Span = Records::new(self).get(found.try_get("place")?).await?;
        let origin = self.origin(found.try_get("origin")?).await?;
        let mut detail = shown::span(&span, &origin, read(&found)?);
        let of_span = LogFilter {
            trace_id: Some(detail.trace_id.clone()),
            span_id: Some(detail.row.id.clone()),
            ..LogFilter::default()
        };
        detail.logs = self.earliest_logs(&of_span, LOGS).await?;
        Ok(Some(StoredSpan { detail, span, origin: Origin::clone(&origin) }))
    }
}

fn read(row: &SqliteRow) -> Result<SpanRow, StoreError> {
    let call = call(row)?;
    if row.try_get("lone")? {
        return lone(row, call);
    }
    let flags: i64 = row.try_get("flags")?;
    Ok(SpanRow {
        id: shown::span_hex(row.try_get("span_id")?),
        parent: row.try_get::<Option<i64>, _>("parent")?.map(shown::span_hex),
        name: row.try_get("name")?,
        label: row.try_get("label")?,
        span_type: span_type(row.try_get("type")?),
        infrastructure: flags & INFRASTRUCTURE != 0,
        start_ns: row.try_get("start_ns")?,
        duration_ns: row.try_get("duration_ns")?,
        failed: flags & FAILED != 0,
        service: row.try_get("service")?,
        call,
    })
}

/// A call that the proxy saw and nobody reported a span of, under the span that its headers name.
fn lone(row: &SqliteRow, call: Option<SpanCall>) -> Result<SpanRow, StoreError> {
    let parent: Option<String> = row.try_get("parent_id")?;
    let duration_us: Option<i64> = row.try_get("duration_us")?;
    let operation: String = row.try_get("operation")?;
    Ok(SpanRow {
        id: call.as_ref().map(|call| call.id.to_string()).unwrap_or_default(),
        parent: parent.filter(|name| !name.is_empty()).map(|name| super::hex(&ids::span_id(&name))),
        name: row.try_get("path")?,
        label: row.try_get::<Option<String>, _>("title")?.or(row.try_get("model")?),
        span_type: if operation == "embeddings" { api::SpanType::Embedding } else { api::SpanType::Llm },
        infrastructure: false,
        start_ns: row.try_get::<i64, _>("started_ms")?.saturating_mul(1_000_000),
        duration_ns: duration_us.map_or(-1, |duration| duration.saturating_mul(1_000)),
        failed: row.try_get("failed")?,
        service: row.try_get("client")?,
        call,
    })
}

fn call(row: &SqliteRow) -> Result<Option<SpanCall>, StoreError> {
    let Some(id) = row.try_get::<Option<&[u8]>, _>("call_id")?.and_then(CallId::from_slice) else {
        return Ok(None);
    };
    let tokens =
        |column: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(i64::unsigned_abs));
    Ok(Some(SpanCall {
        id,
        model: row.try_get("model")?,
        usage: Usage {
            input: tokens("input")?,
            cache_read: tokens("cache_read")?,
            cache_write_5m: tokens("cache_write_5m")?,
            cache_write_1h: tokens("cache_write_1h")?,
            output: tokens("output")?,
            reasoning: tokens("reasoning")?,
        },
        cost: row.try_get::<Option<i64>, _>("cost")?.map(Money::from_pico),
        cost_source: from_word::<CostSource>(row.try_get("cost_source")?),
        first_token_us: tokens("first_token_us")?,
        sources: sources(row.try_get("sources")?),
    }))
}
