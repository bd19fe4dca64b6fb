//! The columns: how `api` types become rows and come back.

use std::collections::HashMap;

use api::{
    Agent, CallDetail, CallId, CallState, CallSummary, Cost, CostSource, Lineage, Money, Operation,
    ReportSource, SessionSource, Tie, Usage, UsageSource,
};
use model::pricing::Facts;
use model::telemetry::ids;
use model::telemetry::join::{answer_digest, digest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::query_builder::Separated;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::join::bit;
use crate::layout::Place;
use crate::lineage::Standing;
use crate::telemetry::hex;
use crate::{CallRecord, StoreError};

/// Rows in one statement, of 61 columns each.
const ROWS: usize = 64;
/// Rows of a few columns in one statement.
const NARROW_ROWS: usize = 256;

/// The columns of a list, which [`summary`] reads by name.
pub(crate) const SUMMARY_COLUMNS: &str = "id, started_ms, duration_us, first_byte_us, first_token_us, state, \
    provider, operation, client, method, path, status, model, title, streamed, input, cache_read, cache_write_5m, \
    cache_write_1h, output, reasoning, usage_source, cost, cost_source, equivalent, finish_reason, error, session_id, trace_id, \
    parent_id, tags, retry_of, replay_of, session, session_source, agent, agent_parent, agent_name, agent_inferred, tie, \
    (SELECT before.id FROM call AS before WHERE before.seq = call.continues) AS continues_id, sources, \
    (SELECT trace.id FROM trace WHERE trace.key = call.trace) AS in_trace";
/// The columns of a row of `call` that every call has, in the order they are written.
const WRITTEN_COLUMNS: &str = "id, started_ms, duration_us, first_byte_us, first_token_us, state, \
    provider, operation, client, method, path, status, model, title, streamed, input, cache_read, cache_write_5m, \
    cache_write_1h, output, reasoning, usage_source, cost, cost_source, finish_reason, error, session_id, trace_id, \
    parent_id, tags, retry_of, replay_of";

/// The columns of a call's place in its session, and those that only sums read.
const WINDOW_COLUMNS: &str = ", session, session_source, agent, agent_parent, agent_name, agent_inferred, continues, tie, \
    chain_end, chain_answer, chain_root, response_key, cost_input, cost_cache_read, cost_cache_write_5m, cost_cache_write_1h, cost_output, \
    saved, error_kind, cut, equivalent, billed, sources, request_key, client_request_key, answer_key, trace";
/// The trace that the client's headers name, if spans of it were reported.
const IN_TRACE: &str = ", (SELECT key FROM trace WHERE trace.id = unhex(";
/// The buckets of the `cost_…` columns, in their order.
const BUCKETS: [&[&str]; 5] = [
    &["input", "audio_input", "image_input"],
    &["cache_read", "audio_cache_read", "image_cache_read"],
    &["cache_write_5m"],
    &["cache_write_1h"],
    &["output", "reasoning", "audio_output", "image_output"],
];

/// A row of `call`, ready to be written.
pub(crate) struct CallRow<'a> {
    seq: i64,
    call: &'a CallSummary,
    /// Of a call of the proxy that ended.
    ended: Option<&'a CallRecord>,
    standing: Option<&'a Standing>,
    cost: Option<&'a Cost>,
    facts: Option<&'a Facts>,
    keys: Keys,
}

/// By what a call is known again when others tell of it, as digests, and who told of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Bits.
    pub(crate) sources: i64,
    pub(crate) request: Option<i64>,
    pub(crate) client_request: Option<i64>,
    pub(crate) answer: Option<i64>,
}

impl Keys {
    /// Of a call that has a record: one of the proxy, or one that came from elsewhere with what others told of it.
    fn recorded(call: &CallDetail) -> Self {
        let sent = call.request_headers.iter().find(|header| header.name == "x-client-request-id");
        Self {
            request: call.request_id.as_deref().map(digest),
            client_request: sent.map(|header| digest(&header.value)),
            answer: call.response_id.as_deref().and_then(answer_digest),
            sources: call.summary.sources.iter().fold(0, |bits, source| bits | bit(*source)),
        }
    }
}

/// Of a call of the proxy that is under way.
const OPEN: Keys = Keys { sources: 1, request: None, client_request: None, answer: None };

/// What the row of a call takes that did not go through the proxy.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) cost: &'a Cost,
    pub(crate) facts: &'a Facts,
    pub(crate) standing: &'a Standing,
    pub(crate) keys: Keys,
}

impl<'a> CallRow<'a> {
    pub(crate) fn open(seq: i64, call: &'a CallSummary) -> Self {
        Self { seq, call, ended: None, standing: None, cost: None, facts: None, keys: OPEN }
    }

    pub(crate) fn ended(seq: i64, record: &'a CallRecord, standing: &'a Standing) -> Self {
        let detail = &record.detail;
        let (standing, cost, keys) = (Some(standing), Some(&detail.cost), Keys::recorded(detail));
        let facts = Some(&record.billed);
        Self { seq, call: &detail.summary, ended: Some(record), standing, cost, facts, keys }
    }

    pub(crate) fn told(seq: i64, call: &'a CallSummary, told: Told<'a>) -> Self {
        let Told { cost, facts, standing, keys } = told;
        let (standing, cost, facts) = (Some(standing), Some(cost), Some(facts));
        Self { seq, call, ended: None, standing, cost, facts, keys }
    }

    fn session_id(&self) -> Option<&'a str> {
        let placed = self.standing.and_then(|standing| standing.session_id.as_deref());
        placed.or(self.call.session_id.as_deref())
    }

    pub(crate) fn started_ms(&self) -> i64 {
        self.call.started_ms
    }

    fn is_cut(&self) -> bool {
        self.ended.is_some_and(|call| call.detail.request_body.cut || call.detail.response_body.cut)
    }
}

/// What the buckets of each `cost_…` column cost together; `None` where there are none of them.
pub(crate) fn bucket_costs(cost: Option<&Cost>) -> [Option<i64>; 5] {
    // What a subscription pays for is not spent.
    let cost = cost.filter(|cost| cost.source != CostSource::Subscription);
    BUCKETS.map(|names| {
        let buckets = cost.into_iter().flat_map(|cost| &cost.buckets);
        let mut costs = buckets.filter(|bucket| names.contains(&bucket.bucket.as_str())).peekable();
        costs.peek()?;
        Some(costs.map(|bucket| bucket.cost).sum::<Money>().pico())
    })
}

/// Whether a call counts as an error: a bad status, or an answer that did not end well. A client that left is none.
pub(crate) fn failed(summary: &CallSummary) -> bool {
    use CallState::{Lost, Truncated, Unreachable, UpstreamError};
    matches!(summary.state, UpstreamError | Truncated | Unreachable | Lost)
        || summary.status.is_some_and(|status| status >= 400)
}

pub(crate) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(crate) fn from_word<T: DeserializeOwned + Default>(word: String) -> T {
    serde_json::from_value(serde_json::Value::String(word)).unwrap_or_default()
}

pub(crate) fn signed(value: Option<u64>) -> Option<i64> {
    value.map(|value| i64::try_from(value).unwrap_or(i64::MAX))
}

fn unsigned(value: Option<i64>) -> Option<u64> {
    value.map(i64::unsigned_abs)
}

/// `rows` in as few statements as can be used again: each takes a power of two of them, at most `largest`.
pub(crate) fn statements<T>(mut rows: &[T], largest: usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let power = 1 << rows.len().checked_ilog2()?;
        let (some, rest) = rows.split_at_checked(largest.min(power))?;
        rows = rest;
        Some(some)
    })
}

pub(crate) async fn put_summaries(
    connection: &mut SqliteConnection,
    rows: &[CallRow<'_>],
) -> Result<(), StoreError> {
    for some in statements(rows, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO call (seq, failed, ");
        query.push(WRITTEN_COLUMNS).push(WINDOW_COLUMNS).push(") ");
        query.push_values(some, |mut row, written| {
            let call = written.call;
            let tags = (!call.tags.is_empty()).then(|| serde_json::to_string(&call.tags).unwrap_or_default());
            row.push_bind(written.seq).push_bind(failed(call)).push_bind(call.id.as_bytes().as_slice());
            row.push_bind(call.started_ms)
                .push_bind(signed(call.duration_us))
                .push_bind(signed(call.first_byte_us))
                .push_bind(signed(call.first_token_us))
                .push_bind(call.state.as_str())
                .push_bind(call.provider.as_str())
                .push_bind(call.operation.as_str())
                .push_bind(call.client.as_deref())
                .push_bind(call.method.as_str())
                .push_bind(call.path.as_str())
                .push_bind(call.status)
                .push_bind(call.model.as_deref())
                .push_bind(call.title.as_deref())
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
                .push_bind(call.finish_reason.as_deref())
                .push_bind(call.error.as_deref())
                .push_bind(written.session_id())
                .push_bind(call.trace_id.as_deref())
                .push_bind(call.parent_id.as_deref())
                .push_bind(tags)
                .push_bind(call.retry_of.as_ref().map(|id| id.as_bytes().as_slice()))
                .push_bind(call.replay_of.as_ref().map(|id| id.as_bytes().as_slice()));
            push_standing(&mut row, written);
            for cost in bucket_costs(written.cost) {
                row.push_bind(cost);
            }
            row.push_bind(written.cost.and_then(|cost| cost.saved).map(Money::pico))
                .push_bind(call.error.as_deref().map(|error| model::dialect::error_kind(error).to_owned()))
                .push_bind(written.is_cut())
                .push_bind(call.equivalent.map(Money::pico))
                .push_bind(written.facts.map(Facts::to_text))
                .push_bind(written.keys.sources)
                .push_bind(written.keys.request)
                .push_bind(written.keys.client_request)
                .push_bind(written.keys.answer);
            row.push_unseparated(IN_TRACE).push_bind_unseparated(trace_of(call));
            row.push_unseparated(") AND spans > 0)");
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// The id that the call's trace has among those of spans, in hex: the client may name it in words of its own.
pub(crate) fn trace_of(call: &CallSummary) -> Option<String> {
    call.trace_id.as_deref().map(|name| hex(&ids::trace_id(name)))
}

/// Twelve columns.
fn push_standing(row: &mut Separated<'_, Sqlite, &'static str>, written: &CallRow<'_>) {
    let standing = written.standing;
    let agent = standing.and_then(|standing| standing.agent.as_ref());
    let ties = written.ended.map(|record| &record.ties);
    let chain = ties.and_then(|ties| ties.chain.as_ref());
    row.push_bind(standing.and_then(|standing| standing.session))
        .push_bind(standing.and_then(|standing| standing.source).map(SessionSource::as_str))
        .push_bind(agent.map(|agent| agent.id.as_str()))
        .push_bind(agent.and_then(|agent| agent.parent.as_deref()))
        .push_bind(agent.and_then(|agent| agent.name.as_deref()))
        .push_bind(agent.map(|agent| agent.inferred))
        .push_bind(standing.and_then(|standing| standing.continues))
        .push_bind(standing.and_then(|standing| standing.tie).map(Tie::as_str))
        .push_bind(chain.map(|chain| chain.end))
        .push_bind(chain.and_then(|chain| chain.answer))
        .push_bind(chain.map(|chain| chain.root))
        .push_bind(ties.and_then(|ties| ties.response));
}

/// Where the records of calls stand.
pub(crate) async fn put_places(
    connection: &mut SqliteConnection,
    places: &[(i64, Place)],
) -> Result<(), StoreError> {
    for some in statements(places, NARROW_ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO call_record (seq, pack, at, len) ");
        query.push_values(some, |mut row, (seq, place)| {
            row.push_bind(*seq).push_bind(place.pack).push_bind(place.at).push_bind(place.len);
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Why the end of a call is not known.
pub(crate) const RECORD_LOST: &str =
    "The call went through, but its record was lost: more calls ended at once than could be written.";

/// The end of this call could not be recorded. One that has no row leaves at least that it was.
pub(crate) async fn lose(connection: &mut SqliteConnection, id: CallId) -> Result<(), StoreError> {
    let error = RECORD_LOST;
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
        equivalent: row.try_get::<Option<i64>, _>("equivalent")?.map(Money::from_pico),
        finish_reason: row.try_get("finish_reason")?,
        error: row.try_get("error")?,
        session_id: row.try_get("session_id")?,
        lineage: lineage(row)?,
        trace_id: row.try_get("trace_id")?,
        parent_id: row.try_get("parent_id")?,
        retry_of: row.try_get::<Option<&[u8]>, _>("retry_of")?.and_then(CallId::from_slice),
        replay_of: row.try_get::<Option<&[u8]>, _>("replay_of")?.and_then(CallId::from_slice),
        tags: tags.map(|tags| serde_json::from_str(&tags)).transpose()?.unwrap_or_default(),
        sources: sources(row.try_get("sources")?),
        in_trace: row.try_get::<Option<&[u8]>, _>("in_trace")?.map(hex),
    })
}

/// Who told of a call, by the bits of `call.sources`.
pub(crate) fn sources(bits: i64) -> Vec<ReportSource> {
    let all = [(1, ReportSource::Proxy), (2, ReportSource::Span), (4, ReportSource::Event)];
    all.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, source)| source).collect()
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
