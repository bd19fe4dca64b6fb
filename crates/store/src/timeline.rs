//! A session's timeline: its calls, and what reports say of prompts, tools, decisions and answers, in one order. What
//! two of them tell of is there once: a call whoever told of it, a tool's run by the id by which a model asked for it.
//! Leaves out which session anything belongs to (`lineage`), and what a report means.

use std::collections::HashMap;

use api::{CallId, CallState, Money, SpanType, Timeline, TimelineEntry, TimelineKind, Usage};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::telemetry::{hex, log_id};
use crate::{Store, StoreError};

/// Entries of a timeline, the latest.
const MOST: usize = 10_000;

const CALLS: &str = "SELECT call.id AS id, started_ms, duration_us, title, operation, model, path, state, failed, agent, \
    agent_name, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, cost, seq, \
    (SELECT trace.id FROM trace WHERE trace.key = call.trace) AS trace_id FROM call \
    WHERE session = ? AND operation NOT IN ('side_call', 'models', 'count_tokens') ORDER BY started_ms DESC LIMIT ?";
/// What told of calls: where they stand among spans and records, and for which prompt they were made.
const CALL_LOGS: &str = "SELECT log.call AS seq, time_ns, hash, prompt, span, trace.id AS trace_id FROM log \
    LEFT JOIN trace ON trace.key = log.trace \
    WHERE log.session IN (SELECT value FROM json_each(?)) AND log.call IS NOT NULL";
const CALL_SPANS: &str = "SELECT span.call AS seq, span.id AS span FROM span WHERE span.call IS NOT NULL AND span.trace IN \
    (SELECT trace FROM call WHERE session = ? AND trace IS NOT NULL)";
const LOGS: &str = "SELECT time_ns, hash, kind, text, prompt, agent, agent_name, ref, failed, duration_us, span, severity, \
    trace.id AS trace_id FROM log LEFT JOIN trace ON trace.key = log.trace \
    WHERE log.session IN (SELECT value FROM json_each(?)) AND kind != 0 AND kind != 2 AND log.call IS NULL \
    ORDER BY time_ns DESC, hash DESC LIMIT ?";
const TOOLS: &str = "SELECT span.id AS span, start_ns, duration_ns, flags, span.name AS name, span.label AS label, \
    span.ref AS ref, trace.id AS trace_id FROM span JOIN trace ON trace.key = span.trace WHERE span.type = ? AND flags & 6 = 0 \
    AND span.trace IN (SELECT key FROM trace WHERE trace.session IN (SELECT value FROM json_each(?)) \
    UNION SELECT trace FROM call WHERE session = ? AND trace IS NOT NULL) ORDER BY start_ns DESC LIMIT ?";
/// What reports call the session of these calls: not every tool tells the provider, and such a session's id is ours.
const NAMES: &str = "SELECT log.session FROM call JOIN call_report AS told ON told.call = call.seq AND told.source = 4 \
    JOIN log ON log.time_ns = told.a AND log.hash = told.b WHERE call.session = ?1 AND log.session IS NOT NULL UNION \
    SELECT trace.session FROM call JOIN call_report AS told ON told.call = call.seq AND told.source = 2 \
    JOIN trace ON trace.key = told.a WHERE call.session = ?1 AND trace.session IS NOT NULL";

impl Store {
    /// What happened in the session with this key; `None` when there is none.
    pub async fn timeline(&self, key: u64) -> Result<Option<Timeline>, StoreError> {
        let key = i64::try_from(key).unwrap_or(i64::MAX);
        let id = sqlx::query_scalar("SELECT id FROM session WHERE key = ?").bind(key);
        let Some(id): Option<String> = id.fetch_optional(&self.inner.read).await? else { return Ok(None) };
        let mut names: Vec<String> = sqlx::query_scalar(NAMES).bind(key).fetch_all(&self.inner.read).await?;
        names.push(id);
        let names = serde_json::to_string(&names)?;
        // One more than is shown says that there are more.
        let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
        let calls = sqlx::query(CALLS).bind(key).bind(most).fetch_all(&self.inner.read).await?;
        let logs = sqlx::query(LOGS).bind(&names).bind(most).fetch_all(&self.inner.read).await?;
        let tools = sqlx::query(TOOLS).bind(tool_number()).bind(&names).bind(key).bind(most);
        let tools = tools.fetch_all(&self.inner.read).await?;
        let full = [&calls, &logs, &tools].iter().any(|rows| rows.len() > MOST);
        let mut entries = Vec::with_capacity(calls.len() + logs.len() + tools.len());
        let told = self.told_in(key, &names).await?;
        for row in &calls {
            entries.push(call(row, &told)?);
        }
        let mut runs: HashMap<String, usize> = HashMap::new();
        for row in &tools {
            let entry = tool(row)?;
            if let Some(asked) = &entry.tool_call
                && let Some(known) = runs.get(asked).and_then(|at| entries.get_mut(*at))
            {
                outer(known, entry);
                continue;
            }
            if let Some(asked) = &entry.tool_call {
                runs.insert(asked.clone(), entries.len());
            }
            entries.push(entry);
        }
        for row in &logs {
            let entry = log(row)?;
            let known = entry.tool_call.as_ref().filter(|_| entry.kind == TimelineKind::Tool);
            match known.and_then(|asked| runs.get(asked)).and_then(|at| entries.get_mut(*at)) {
                Some(known) => add(known, entry),
                None => {
                    if entry.kind == TimelineKind::Tool
                        && let Some(asked) = &entry.tool_call
                    {
                        runs.insert(asked.clone(), entries.len());
                    }
                    entries.push(entry);
                }
            }
        }
        entries.sort_by_key(|entry| (entry.time_ns, rank(entry.kind)));
        let mut earlier = entries.len().saturating_sub(MOST);
        entries.drain(..earlier);
        if full {
            earlier = self.entries_of(key, &names).await?.saturating_sub(entries.len()).max(earlier);
        }
        Ok(Some(Timeline { entries, earlier: earlier as u64 }))
    }

    /// Where the session's calls stand among records and spans, by their rows.
    async fn told_in(&self, key: i64, names: &str) -> Result<HashMap<i64, Told>, StoreError> {
        let mut told: HashMap<i64, Told> = HashMap::new();
        for row in sqlx::query(CALL_LOGS).bind(names).fetch_all(&self.inner.read).await? {
            let told = told.entry(row.try_get("seq")?).or_default();
            told.prompt = row.try_get("prompt")?;
            told.log = Some(log_id(row.try_get("time_ns")?, row.try_get("hash")?));
            told.span = told.span.or(row.try_get("span")?);
            told.trace = row.try_get::<Option<&[u8]>, _>("trace_id")?.map(hex);
        }
        for row in sqlx::query(CALL_SPANS).bind(key).fetch_all(&self.inner.read).await? {
            told.entry(row.try_get("seq")?).or_default().span = row.try_get("span")?;
        }
        Ok(told)
    }

    /// How many entries there would be in all; what two tell of counts twice.
    async fn entries_of(&self, key: i64, names: &str) -> Result<usize, StoreError> {
        let count = "SELECT (SELECT count(*) FROM call WHERE session = ?) \
            + (SELECT count(*) FROM log WHERE session IN (SELECT value FROM json_each(?)) \
            AND kind != 0 AND kind != 2 AND call IS NULL)";
        let count: i64 = sqlx::query_scalar(count).bind(key).bind(names).fetch_one(&self.inner.read).await?;
        Ok(usize::try_from(count).unwrap_or_default())
    }
}

/// What told of a call.
#[derive(Default)]
struct Told {
    prompt: Option<String>,
    log: Option<String>,
    span: Option<i64>,
    trace: Option<String>,
}

fn tool_number() -> i64 {
    let number = SpanType::ALL.iter().position(|kind| *kind == SpanType::Tool);
    number.and_then(|number| i64::try_from(number).ok()).unwrap_or_default()
}

/// Of what happens at once, what comes first.
const fn rank(kind: TimelineKind) -> u8 {
    match kind {
        TimelineKind::Session => 0,
        TimelineKind::Prompt => 1,
        TimelineKind::Call => 2,
        TimelineKind::Answer => 3,
        TimelineKind::Decision => 4,
        TimelineKind::Tool => 5,
        TimelineKind::Error => 6,
    }
}

fn entry(kind: TimelineKind, time_ns: i64, title: String) -> TimelineEntry {
    TimelineEntry {
        time_ns,
        duration_us: None,
        kind,
        title,
        agent: None,
        failed: None,
        prompt: None,
        tool_call: None,
        call: None,
        model: None,
        usage: Usage::default(),
        cost: None,
        trace_id: None,
        span_id: None,
        log_id: None,
    }
}

fn call(row: &SqliteRow, told: &HashMap<i64, Told>) -> Result<TimelineEntry, StoreError> {
    let tokens =
        |column: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(i64::unsigned_abs));
    let id = CallId::from_slice(row.try_get("id")?).ok_or(StoreError::Damaged("a call's id is malformed"))?;
    let model: Option<String> = row.try_get("model")?;
    let title = row.try_get::<Option<String>, _>("title")?.or_else(|| model.clone());
    let title = match title {
        Some(title) => title,
        None => row.try_get("path")?,
    };
    let told = told.get(&row.try_get("seq")?);
    let time_ns = row.try_get::<i64, _>("started_ms")?.saturating_mul(1_000_000);
    let open = row.try_get::<&str, _>("state")? == CallState::Open.as_str();
    let failed: bool = row.try_get("failed")?;
    Ok(TimelineEntry {
        duration_us: tokens("duration_us")?,
        agent: row.try_get::<Option<String>, _>("agent_name")?.or(row.try_get("agent")?),
        failed: (!open).then_some(failed),
        prompt: told.and_then(|told| told.prompt.clone()),
        call: Some(id),
        model,
        usage: Usage {
            input: tokens("input")?,
            cache_read: tokens("cache_read")?,
            cache_write_5m: tokens("cache_write_5m")?,
            cache_write_1h: tokens("cache_write_1h")?,
            output: tokens("output")?,
            reasoning: tokens("reasoning")?,
        },
        cost: row.try_get::<Option<i64>, _>("cost")?.map(Money::from_pico),
        trace_id: match row.try_get::<Option<&[u8]>, _>("trace_id")? {
            Some(id) => Some(hex(id)),
            None => told.and_then(|told| told.trace.clone()),
        },
        span_id: told.and_then(|told| told.span).map(span_hex),
        log_id: told.and_then(|told| told.log.clone()),
        ..entry(TimelineKind::Call, time_ns, title)
    })
}

fn tool(row: &SqliteRow) -> Result<TimelineEntry, StoreError> {
    let title = row.try_get::<Option<String>, _>("label")?;
    let title = match title {
        Some(title) => title,
        None => row.try_get("name")?,
    };
    let lasted: i64 = row.try_get("duration_ns")?;
    Ok(TimelineEntry {
        duration_us: u64::try_from(lasted).ok().map(|lasted| lasted / 1_000),
        failed: Some(row.try_get::<i64, _>("flags")? & 1 != 0),
        tool_call: row.try_get("ref")?,
        trace_id: Some(hex(row.try_get("trace_id")?)),
        span_id: Some(span_hex(row.try_get("span")?)),
        ..entry(TimelineKind::Tool, row.try_get("start_ns")?, title)
    })
}

fn log(row: &SqliteRow) -> Result<TimelineEntry, StoreError> {
    let kind = match row.try_get::<i64, _>("kind")? {
        1 => TimelineKind::Prompt,
        3 => TimelineKind::Tool,
        4 => TimelineKind::Decision,
        5 => TimelineKind::Answer,
        6 => TimelineKind::Error,
        _ => TimelineKind::Session,
    };
    let duration_us: Option<i64> = row.try_get("duration_us")?;
    let told_ns: i64 = row.try_get("time_ns")?;
    // Records are written when it is over.
    let began_ns = told_ns.saturating_sub(duration_us.unwrap_or(0).saturating_mul(1_000));
    let failed: Option<bool> = row.try_get("failed")?;
    Ok(TimelineEntry {
        duration_us: duration_us.map(i64::unsigned_abs),
        agent: row.try_get::<Option<String>, _>("agent_name")?.or(row.try_get("agent")?),
        failed: failed.or((kind == TimelineKind::Error).then_some(true)),
        prompt: row.try_get("prompt")?,
        tool_call: row.try_get("ref")?,
        trace_id: row.try_get::<Option<&[u8]>, _>("trace_id")?.map(hex),
        span_id: row.try_get::<Option<i64>, _>("span")?.map(span_hex),
        log_id: Some(log_id(told_ns, row.try_get("hash")?)),
        ..entry(kind, began_ns, row.try_get("text")?)
    })
}

/// Of two spans of one run the longer one is the whole.
fn outer(known: &mut TimelineEntry, other: TimelineEntry) {
    let failed = known.failed.unwrap_or_default() || other.failed.unwrap_or_default();
    if other.duration_us > known.duration_us {
        *known = other;
    }
    known.failed = Some(failed);
}

/// A record of a run that a span tells of, too: the span knows when, the record what for.
fn add(known: &mut TimelineEntry, told: TimelineEntry) {
    known.duration_us = known.duration_us.or(told.duration_us);
    known.agent = known.agent.take().or(told.agent);
    known.failed = match (known.failed, told.failed) {
        (Some(one), Some(two)) => Some(one || two),
        (one, two) => one.or(two),
    };
    known.prompt = known.prompt.take().or(told.prompt);
    known.log_id = known.log_id.take().or(told.log_id);
    if !told.title.is_empty() && told.title.len() > known.title.len() {
        known.title = told.title;
    }
}

/// A span's id as paths name it.
fn span_hex(id: i64) -> String {
    hex(&id.to_be_bytes())
}
