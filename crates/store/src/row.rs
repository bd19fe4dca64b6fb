//! The columns: how `api` types become rows and come back.

use std::collections::HashMap;

use api::{
    Agent, CallDetail, CallId, CallState, CallSummary, Cost, CostSource, Header, Lineage, Money, Operation,
    SessionSource, Tie, Timing, Usage, UsageSource,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::query_builder::Separated;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::lineage::Place;
use crate::{CallRecord, StoreError, packing};

/// Rows in one statement: 52 columns each, and SQLite takes 32,766 values.
const ROWS: usize = 200;
const LARGEST_DETAIL: usize = 64 << 20;
/// A column below this size is not worth compressing: a call's few moments, mostly.
const PACKED_FROM: usize = 256;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The columns of a list, which [`summary`] reads by name.
pub(crate) const SUMMARY_COLUMNS: &str = "id, started_ms, duration_us, first_byte_us, first_token_us, state, \
    provider, operation, client, method, path, status, model, title, streamed, input, cache_read, cache_write_5m, \
    cache_write_1h, output, reasoning, usage_source, cost, cost_source, finish_reason, error, session_id, trace_id, \
    parent_id, tags, session, session_source, agent, agent_parent, agent_name, agent_inferred, tie, \
    (SELECT before.id FROM call AS before WHERE before.seq = call.continues) AS continues_id";
/// The columns of a row of `call` that every call has, in the order they are written.
const WRITTEN_COLUMNS: &str = "id, started_ms, duration_us, first_byte_us, first_token_us, state, \
    provider, operation, client, method, path, status, model, title, streamed, input, cache_read, cache_write_5m, \
    cache_write_1h, output, reasoning, usage_source, cost, cost_source, finish_reason, error, session_id, trace_id, \
    parent_id, tags";

/// The columns of a call's place in its session, and those that only sums read.
const WINDOW_COLUMNS: &str = ", session, session_source, agent, agent_parent, agent_name, agent_inferred, continues, tie, \
    chain_end, chain_answer, chain_root, response_key, cost_input, cost_cache_read, cost_cache_write_5m, cost_cache_write_1h, cost_output, \
    saved, error_kind, cut";
/// The buckets of the `cost_…` columns, in their order.
const BUCKETS: [&[&str]; 5] =
    [&["input"], &["cache_read"], &["cache_write_5m"], &["cache_write_1h"], &["output", "reasoning"]];

/// A row of `call`, ready to be written.
pub(crate) struct CallRow<'a> {
    seq: i64,
    call: &'a CallSummary,
    /// Of a call that ended.
    ended: Option<(&'a CallRecord, &'a Place)>,
}

impl<'a> CallRow<'a> {
    pub(crate) fn open(seq: i64, call: &'a CallSummary) -> Self {
        Self { seq, call, ended: None }
    }

    pub(crate) fn ended(seq: i64, record: &'a CallRecord, place: &'a Place) -> Self {
        Self { seq, call: &record.detail.summary, ended: Some((record, place)) }
    }

    fn detail(&self) -> Option<&'a CallDetail> {
        self.ended.map(|(record, _)| &record.detail)
    }

    fn session_id(&self) -> Option<String> {
        let placed = self.ended.and_then(|(_, place)| place.session_id.clone());
        placed.or_else(|| self.call.session_id.clone())
    }

    pub(crate) fn started_ms(&self) -> i64 {
        self.call.started_ms
    }

    /// What the buckets named cost together; `None` when there are none of them.
    fn bucket_cost(&self, names: &[&str]) -> Option<i64> {
        let buckets = self.detail().into_iter().flat_map(|detail| &detail.cost.buckets);
        let mut costs = buckets.filter(|bucket| names.contains(&bucket.bucket.as_str())).peekable();
        costs.peek()?;
        Some(costs.map(|bucket| bucket.cost).sum::<Money>().pico())
    }

    fn is_cut(&self) -> bool {
        self.detail().is_some_and(|detail| detail.request_body.cut || detail.response_body.cut)
    }
}

/// The rest of a call, ready to be written.
pub(crate) struct DetailRow<'a> {
    pub(crate) seq: i64,
    pub(crate) detail: &'a CallDetail,
    pub(crate) coded: &'a CodedDetail,
    pub(crate) bodies: [Option<i64>; 2],
}

/// The columns of a call's details that take work to make.
#[derive(Debug)]
pub(crate) struct CodedDetail {
    headers: Vec<u8>,
    cost: String,
    timing: Vec<u8>,
}

impl CodedDetail {
    pub(crate) fn new(detail: &CallDetail) -> Result<Self, StoreError> {
        let headers = pack(&(&detail.request_headers, &detail.response_headers))?;
        let cost = serde_json::to_string(&detail.cost)?;
        Ok(Self { headers, cost, timing: pack(&detail.timing)? })
    }
}

/// A call's details as they are stored, and the ids of its bodies.
pub(crate) struct StoredDetail {
    pub(crate) detail: CallDetail,
    pub(crate) bodies: [Option<i64>; 2],
}

/// JSON, compressed where that pays. JSON never begins as zstd does.
fn pack(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(value)?;
    if json.len() < PACKED_FROM { Ok(json) } else { packing::pack(&json) }
}

fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T, StoreError> {
    if packed.starts_with(&ZSTD_MAGIC) {
        return Ok(serde_json::from_slice(&packing::unpack(packed, LARGEST_DETAIL)?)?);
    }
    Ok(serde_json::from_slice(packed)?)
}

/// Whether a call counts as an error: a bad status, or an answer that did not end well. A client that left is none.
pub(crate) fn failed(summary: &CallSummary) -> bool {
    use CallState::{Lost, Truncated, Unreachable, UpstreamError};
    matches!(summary.state, UpstreamError | Truncated | Unreachable | Lost)
        || summary.status.is_some_and(|status| status >= 400)
}

fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn from_word<T: DeserializeOwned + Default>(word: String) -> T {
    serde_json::from_value(serde_json::Value::String(word)).unwrap_or_default()
}

fn signed(value: Option<u64>) -> Option<i64> {
    value.map(|value| i64::try_from(value).unwrap_or(i64::MAX))
}

fn unsigned(value: Option<i64>) -> Option<u64> {
    value.map(i64::unsigned_abs)
}

pub(crate) async fn put_summaries(
    connection: &mut SqliteConnection,
    rows: &[CallRow<'_>],
) -> Result<(), StoreError> {
    for some in rows.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO call (seq, failed, ");
        query.push(WRITTEN_COLUMNS).push(WINDOW_COLUMNS).push(") ");
        query.push_values(some, |mut row, written| {
            let call = written.call;
            let tags = (!call.tags.is_empty()).then(|| serde_json::to_string(&call.tags).unwrap_or_default());
            row.push_bind(written.seq).push_bind(failed(call)).push_bind(call.id.as_bytes().to_vec());
            row.push_bind(call.started_ms)
                .push_bind(signed(call.duration_us))
                .push_bind(signed(call.first_byte_us))
                .push_bind(signed(call.first_token_us))
                .push_bind(call.state.as_str())
                .push_bind(call.provider.clone())
                .push_bind(call.operation.as_str())
                .push_bind(call.client.clone())
                .push_bind(call.method.clone())
                .push_bind(call.path.clone())
                .push_bind(call.status)
                .push_bind(call.model.clone())
                .push_bind(call.title.clone())
                .push_bind(call.streamed);
            let usage = &call.usage;
            for tokens in [usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h] {
                row.push_bind(signed(tokens));
            }
            row.push_bind(signed(usage.output))
                .push_bind(signed(usage.reasoning))
                .push_bind(word(&call.usage_source))
                .push_bind(call.cost.map(Money::pico))
                .push_bind(word(&call.cost_source))
                .push_bind(call.finish_reason.clone())
                .push_bind(call.error.clone())
                .push_bind(written.session_id())
                .push_bind(call.trace_id.clone())
                .push_bind(call.parent_id.clone())
                .push_bind(tags);
            push_place(&mut row, written);
            for names in BUCKETS {
                row.push_bind(written.bucket_cost(names));
            }
            row.push_bind(written.detail().and_then(|detail| detail.cost.saved).map(Money::pico))
                .push_bind(call.error.as_deref().map(|error| model::dialect::error_kind(error).to_owned()))
                .push_bind(written.is_cut());
        });
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Twelve columns.
fn push_place(row: &mut Separated<'_, Sqlite, &'static str>, written: &CallRow<'_>) {
    let place = written.ended.map(|(_, place)| place);
    let agent = place.and_then(|place| place.agent.as_ref());
    let ties = written.ended.map(|(record, _)| &record.ties);
    let chain = ties.and_then(|ties| ties.chain.as_ref());
    row.push_bind(place.and_then(|place| place.session))
        .push_bind(place.and_then(|place| place.source).map(SessionSource::as_str))
        .push_bind(agent.map(|agent| agent.id.clone()))
        .push_bind(agent.and_then(|agent| agent.parent.clone()))
        .push_bind(agent.and_then(|agent| agent.name.clone()))
        .push_bind(agent.map(|agent| agent.inferred))
        .push_bind(place.and_then(|place| place.continues))
        .push_bind(place.and_then(|place| place.tie).map(Tie::as_str))
        .push_bind(chain.map(|chain| chain.end))
        .push_bind(chain.and_then(|chain| chain.answer))
        .push_bind(chain.map(|chain| chain.root))
        .push_bind(ties.and_then(|ties| ties.response));
}

pub(crate) async fn put_details(
    connection: &mut SqliteConnection,
    details: &[DetailRow<'_>],
) -> Result<(), StoreError> {
    for some in details.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT OR REPLACE INTO call_detail (seq, upstream, query, http_version, requested_model, response_id, \
             request_id, credential, headers, cost, timing, request_body, response_body) ",
        );
        query.push_values(some, |mut row, stored| {
            let detail = stored.detail;
            row.push_bind(stored.seq)
                .push_bind(detail.upstream.clone())
                .push_bind(detail.query.clone())
                .push_bind(detail.http_version.clone())
                .push_bind(detail.requested_model.clone())
                .push_bind(detail.response_id.clone())
                .push_bind(detail.request_id.clone())
                .push_bind(detail.credential.clone())
                .push_bind(stored.coded.headers.clone())
                .push_bind(stored.coded.cost.clone())
                .push_bind(stored.coded.timing.clone());
            for body in stored.bodies {
                row.push_bind(body);
            }
        });
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(crate) async fn put_bodies(
    connection: &mut SqliteConnection,
    bodies: &[(i64, &str, &[u8])],
) -> Result<(), StoreError> {
    for some in bodies.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO body (id, info, layout) ");
        query.push_values(some, |mut row, (id, info, layout)| {
            row.push_bind(*id).push_bind((*info).to_owned()).push_bind(layout.to_vec());
        });
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(crate) async fn put_backlog(
    connection: &mut SqliteConnection,
    backlog: &[(i64, Vec<u8>, &str)],
) -> Result<(), StoreError> {
    for some in backlog.chunks(ROWS) {
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO text_backlog (seq, segments, answer) ");
        query.push_values(some, |mut row, (seq, segments, answer)| {
            row.push_bind(*seq).push_bind(segments.clone()).push_bind((*answer).to_owned());
        });
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The end of this call could not be recorded. One that has no row leaves at least that it was.
pub(crate) async fn lose(connection: &mut SqliteConnection, id: CallId) -> Result<(), StoreError> {
    let error =
        "The call went through, but its record was lost: more calls ended at once than could be written.";
    sqlx::query(
        "UPDATE call SET state = 'lost', failed = 1, error = ?, error_kind = ? WHERE id = ? AND state = 'open'",
    )
    .bind(error)
    .bind(model::dialect::error_kind(error))
    .bind(id.as_bytes().to_vec())
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT OR IGNORE INTO unrecorded (id, started_ms) \
         SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM call WHERE id = ?1)",
    )
    .bind(id.as_bytes().to_vec())
    .bind(id.began_ms())
    .execute(connection)
    .await?;
    Ok(())
}

/// The rows of calls under way.
pub(crate) async fn open_rows(connection: &mut SqliteConnection) -> Result<HashMap<CallId, i64>, StoreError> {
    let rows: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT id, seq FROM call WHERE state = 'open'").fetch_all(connection).await?;
    Ok(rows.into_iter().filter_map(|(id, seq)| Some((CallId::from_slice(&id)?, seq))).collect())
}

/// Reads a row with [`SUMMARY_COLUMNS`].
pub(crate) fn summary(row: &SqliteRow) -> Result<CallSummary, StoreError> {
    let tags: Option<String> = row.try_get("tags")?;
    let tokens = |column: &str| Ok::<_, StoreError>(unsigned(row.try_get(column)?));
    Ok(CallSummary {
        id: CallId::from_slice(row.try_get("id")?).ok_or(StoreError::Damaged("a call's id is malformed"))?,
        started_ms: row.try_get("started_ms")?,
        duration_us: tokens("duration_us")?,
        first_byte_us: tokens("first_byte_us")?,
        first_token_us: tokens("first_token_us")?,
        state: row.try_get::<&str, _>("state")?.parse().unwrap_or(CallState::Lost),
        provider: row.try_get("provider")?,
        operation: row.try_get::<&str, _>("operation")?.parse().unwrap_or(Operation::Other),
        client: row.try_get("client")?,
        method: row.try_get("method")?,
        path: row.try_get("path")?,
        status: row.try_get("status")?,
        model: row.try_get("model")?,
        title: row.try_get("title")?,
        streamed: row.try_get("streamed")?,
        usage: Usage {
            input: tokens("input")?,
            cache_read: tokens("cache_read")?,
            cache_write_5m: tokens("cache_write_5m")?,
            cache_write_1h: tokens("cache_write_1h")?,
            output: tokens("output")?,
            reasoning: tokens("reasoning")?,
        },
        usage_source: from_word::<UsageSource>(row.try_get("usage_source")?),
        cost: row.try_get::<Option<i64>, _>("cost")?.map(Money::from_pico),
        cost_source: from_word::<CostSource>(row.try_get("cost_source")?),
        finish_reason: row.try_get("finish_reason")?,
        error: row.try_get("error")?,
        session_id: row.try_get("session_id")?,
        lineage: lineage(row)?,
        trace_id: row.try_get("trace_id")?,
        parent_id: row.try_get("parent_id")?,
        tags: tags.map(|tags| serde_json::from_str(&tags)).transpose()?.unwrap_or_default(),
    })
}

fn lineage(row: &SqliteRow) -> Result<Lineage, StoreError> {
    let continues: Option<&[u8]> = row.try_get("continues_id")?;
    Ok(Lineage {
        session: unsigned(row.try_get("session")?),
        source: row.try_get::<Option<&str>, _>("session_source")?.and_then(|source| source.parse().ok()),
        agent: agent(row)?,
        continues: continues.and_then(CallId::from_slice),
        tie: row.try_get::<Option<&str>, _>("tie")?.and_then(|tie| tie.parse().ok()),
    })
}

/// Reads the columns of an agent.
pub(crate) fn agent(row: &SqliteRow) -> Result<Option<Agent>, StoreError> {
    let Some(id) = row.try_get::<Option<String>, _>("agent")? else { return Ok(None) };
    Ok(Some(Agent {
        id,
        parent: row.try_get("agent_parent")?,
        name: row.try_get("agent_name")?,
        inferred: row.try_get::<Option<bool>, _>("agent_inferred")?.unwrap_or_default(),
    }))
}

/// Reads a row of `call` joined with `call_detail`. A call that never ended has no details yet.
pub(crate) fn detail(row: &SqliteRow) -> Result<StoredDetail, StoreError> {
    let headers: Option<Vec<u8>> = row.try_get("headers")?;
    let (request_headers, response_headers): (Vec<Header>, Vec<Header>) =
        headers.map(|packed| unpack(&packed)).transpose()?.unwrap_or_default();
    let cost: Option<String> = row.try_get("cost_json")?;
    let timing: Option<Vec<u8>> = row.try_get("timing")?;
    let detail = CallDetail {
        summary: summary(row)?,
        upstream: row.try_get::<Option<_>, _>("upstream")?.unwrap_or_default(),
        query: row.try_get("query")?,
        http_version: row.try_get::<Option<_>, _>("http_version")?.unwrap_or_default(),
        requested_model: row.try_get("requested_model")?,
        response_id: row.try_get("response_id")?,
        request_id: row.try_get("request_id")?,
        credential: row.try_get("credential")?,
        request_headers,
        response_headers,
        request_body: api::BodyInfo::default(),
        response_body: api::BodyInfo::default(),
        cost: cost.map(|cost| serde_json::from_str::<Cost>(&cost)).transpose()?.unwrap_or_default(),
        timing: timing.map(|packed| unpack::<Timing>(&packed)).transpose()?.unwrap_or_default(),
    };
    Ok(StoredDetail { detail, bodies: [row.try_get("request_body")?, row.try_get("response_body")?] })
}
