//! A database as it is after months: calls of many sessions with their bodies, written as the app writes them, their
//! times spread over the months. Leaves out what is asked of it (`questions`), measuring (`rows::scale`) and
//! what calls say (`talk`).

mod dashboard;
mod questions;
mod talk;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use api::{
    BodyInfo, CallDetail, CallId, CallState, CallSummary, Cost, CostSource, Header, Lineage, Money,
    Operation, ReportSource, SessionSource, Timing, UsageSource,
};
use store::{Body, CallRecord, Store, Ties, Write};

use crate::upstream::now_nanos;
use talk::{MODELS, Model, Talk, Turn};

pub(crate) use dashboard::{Dashboard, TRACE};
pub(crate) use questions::{Asker, QUESTIONS};

/// Over so long the calls are spread.
pub(crate) const DAYS: i64 = 90;
pub(crate) const DAY_MS: i64 = 86_400_000;
/// Sessions that are under way at one time.
const AT_ONCE: usize = 16;
/// Calls in a transaction.
const BATCH: usize = 1_000;
/// One call in so many fails, and one has no price.
const FAILS: u64 = 50;
const UNPRICED: u64 = 40;

/// How many calls there were, and how many a second were written since the figure before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) calls: u64,
    pub(crate) per_second: f64,
}

/// What filling gave.
pub(crate) struct Filled {
    /// A figure for each tenth.
    pub(crate) rates: Vec<Rate>,
    /// Bytes of bodies as they were sent and received.
    pub(crate) raw: u64,
    /// When the first and the last call began, in milliseconds since 1970.
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// Writes `calls` calls into a new database at `path`. `said` hears of each tenth.
pub(crate) fn fill(path: &Path, calls: u64, said: impl Fn(&Rate)) -> Result<Filled> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(path).await?.0;
        let filled = write(&store, calls, said).await;
        store.close().await?;
        filled
    })
}

async fn write(store: &Store, calls: u64, said: impl Fn(&Rate)) -> Result<Filled> {
    let to_ms = i64::try_from(now_nanos() / 1_000_000)?;
    let mut filled = Filled { rates: Vec::new(), raw: 0, from_ms: to_ms - DAYS * DAY_MS, to_ms };
    let mut talks: Vec<Talk> = (0..AT_ONCE as u64).map(Talk::new).collect();
    let mut next_talk = AT_ONCE as u64;
    let (mut done, mut batch) = (0_u64, Vec::with_capacity(BATCH));
    // What makes texts is not what is measured.
    let (mut spent, mut since) = (Duration::ZERO, 0);
    while done < calls {
        let at = usize::try_from(done)? % AT_ONCE;
        let Some(talk) = talks.get_mut(at) else { break };
        let turn = talk.next();
        filled.raw += (turn.request.len() + turn.response.len()) as u64;
        let started_ms = to_ms - i64::try_from((calls - done) * 1_000 / calls)? * DAYS * DAY_MS / 1_000
            + i64::try_from(done % 1_000)?;
        batch.push(call(done, started_ms, talk, turn)?);
        if talk.is_over() {
            *talk = Talk::new(next_talk);
            next_talk += 1;
        }
        done += 1;
        if batch.len() == BATCH || done == calls {
            let began = Instant::now();
            store.write(&batch).await?;
            spent += began.elapsed();
            batch.clear();
        }
        if done % (calls / 10).max(1) == 0 {
            let each = f64::from(u32::try_from(done - since)?);
            let rate = Rate { calls: done, per_second: each / spent.as_secs_f64() };
            said(&rate);
            filled.rates.push(rate);
            (spent, since) = (Duration::ZERO, done);
        }
    }
    Ok(filled)
}

/// As the app has it after the answer.
fn call(number: u64, started_ms: i64, talk: &Talk, turn: Turn) -> Result<Write> {
    let model: &Model = MODELS.get(talk.model).unwrap_or(&MODELS[0]);
    let failed = number % FAILS == FAILS - 1;
    let priced = number % UNPRICED != UNPRICED - 1;
    let usage = turn.usage;
    let pico = |tokens: Option<u64>, each: i64| tokens.map_or(0, |tokens| tokens.cast_signed() * each);
    let total = Money::from_pico(
        pico(usage.input, model.input)
            + pico(usage.cache_read, model.input / 10)
            + pico(usage.output, model.output),
    );
    let cost = match priced {
        true => Cost { total: Some(total), source: CostSource::Computed, ..Cost::default() },
        false => Cost::default(),
    };
    let summary = CallSummary {
        id: id(started_ms, number)?,
        started_ms,
        duration_us: Some(900_000 + number % 7_000 * 1_000),
        first_byte_us: Some(200_000),
        first_token_us: Some(300_000 + number % 400 * 1_000),
        state: CallState::Complete,
        provider: model.provider.into(),
        operation: Operation::Chat,
        client: Some(model.client.into()),
        method: "POST".into(),
        path: model.path.into(),
        status: Some(if failed { 529 } else { 200 }),
        model: Some(if priced { model.name.into() } else { format!("{}-preview", model.name) }),
        title: Some(turn.title),
        streamed: true,
        usage,
        usage_source: UsageSource::Provider,
        cost: cost.total,
        cost_source: cost.source,
        equivalent: None,
        finish_reason: Some("end_turn".into()),
        error: failed.then(|| "overloaded_error: Overloaded".into()),
        session_id: Some(talk.id.clone()),
        lineage: Lineage { source: Some(SessionSource::Client), ..Lineage::default() },
        trace_id: None,
        parent_id: None,
        retry_of: None,
        replay_of: None,
        tags: if number.is_multiple_of(10) {
            vec![format!("project:{}", number / 10 % 20)]
        } else {
            Vec::new()
        },
        sources: vec![ReportSource::Proxy],
        in_trace: None,
    };
    let body = |bytes: &bytes::Bytes, kind: &str| BodyInfo {
        wire_bytes: bytes.len() as u64,
        stored_bytes: bytes.len() as u64,
        content_type: Some(kind.into()),
        ..BodyInfo::default()
    };
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let detail = CallDetail {
        request_body: body(&turn.request, "application/json"),
        response_body: body(&turn.response, "text/event-stream"),
        summary,
        upstream: "https://api.anthropic.com/v1/messages".into(),
        upstream_path: None,
        query: None,
        http_version: "HTTP/1.1".into(),
        requested_model: Some(model.name.into()),
        response_id: Some(format!("msg_{number:024}")),
        request_id: Some(format!("req_{number:024}")),
        credential: Some("sk-ant-…4f2a".into()),
        request_headers: vec![
            header("user-agent", "claude-cli/2.1.197 (external, cli)"),
            header("anthropic-version", "2023-06-01"),
            header("content-type", "application/json"),
        ],
        response_headers: vec![header("content-type", "text/event-stream; charset=utf-8")],
        cost,
        timing: Timing::default(),
        translated: None,
        reports: Vec::new(),
    };
    Ok(Write::Close(Box::new(CallRecord {
        detail,
        request: Body { bytes: turn.request, segmented: true },
        response: Body { bytes: turn.response, segmented: false },
        client: None,
        answer_text: turn.answer,
        billed: model::pricing::Facts::default(),
        ties: Ties { holder: "account:bench".into(), ..Ties::default() },
    })))
}

/// Version 7 of RFC 9562, the number in place of chance.
fn id(started_ms: i64, number: u64) -> Result<CallId> {
    let mut bytes = [0; 16];
    let time = started_ms.to_be_bytes();
    bytes.iter_mut().zip(time.iter().skip(2)).for_each(|(byte, time)| *byte = *time);
    bytes.iter_mut().skip(8).zip(number.to_be_bytes()).for_each(|(byte, part)| *byte = part);
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    (*version, *variant) = (0x70, *variant & 0x3f | 0x80);
    CallId::from_slice(&bytes).ok_or_else(|| anyhow::anyhow!("a call's id has 16 bytes"))
}
