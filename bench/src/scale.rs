//! A database as it is after months: calls of many sessions with their bodies, written as the app writes them, their
//! times spread over the months. Leaves out what is asked of it (`questions`), measuring (`rows::scale`) and
//! what calls say (`talk`).

mod dashboard;
mod questions;
mod talk;

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use api::{
    BodyInfo, CallDetail, CallFilter, CallId, CallState, CallSummary, Cost, CostSource, Header, Limits,
    Lineage, Money, Operation, ReportSource, SessionSource, Timing, UsageSource,
};
use store::{Body, CallRecord, Store, Ties, Write};
use tokio_util::sync::CancellationToken;

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
/// While nothing has to go.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
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

/// Calls as they come, some sessions at a time.
struct Coming {
    talks: Vec<Talk>,
    next_talk: u64,
    /// Bytes of their bodies.
    raw: u64,
}

impl Coming {
    /// Their sessions have the numbers from `first` on.
    fn new(first: u64) -> Self {
        let next_talk = first + AT_ONCE as u64;
        Self { talks: (first..next_talk).map(Talk::new).collect(), next_talk, raw: 0 }
    }

    fn next(&mut self, number: u64, started_ms: i64) -> Result<Write> {
        let at = usize::try_from(number)? % AT_ONCE;
        let talk = self.talks.get_mut(at).context("so many are under way")?;
        let turn = talk.next();
        self.raw += (turn.request.len() + turn.response.len()) as u64;
        let write = call(number, started_ms, talk, turn)?;
        if talk.is_over() {
            *talk = Talk::new(self.next_talk);
            self.next_talk += 1;
        }
        Ok(write)
    }
}

async fn write(store: &Store, calls: u64, said: impl Fn(&Rate)) -> Result<Filled> {
    let to_ms = now_ms()?;
    let mut filled = Filled { rates: Vec::new(), raw: 0, from_ms: to_ms - DAYS * DAY_MS, to_ms };
    let mut coming = Coming::new(0);
    let (mut done, mut batch) = (0_u64, Vec::with_capacity(BATCH));
    // What makes texts is not what is measured.
    let (mut spent, mut since) = (Duration::ZERO, 0);
    while done < calls {
        let started_ms = to_ms - i64::try_from((calls - done) * 1_000 / calls)? * DAYS * DAY_MS / 1_000
            + i64::try_from(done % 1_000)?;
        batch.push(coming.next(done, started_ms)?);
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
    filled.raw = coming.raw;
    Ok(filled)
}

/// How it goes on in a database that is full.
pub(crate) struct Beyond {
    /// Calls of each of the two: a tenth of what is there.
    pub(crate) more: u64,
    /// Calls a second while nothing has to go.
    pub(crate) free: f64,
    /// Calls a second while the oldest go for them.
    pub(crate) at_the_cap: f64,
    /// Until the last of those that had to go was gone.
    pub(crate) left: Duration,
}

/// Writes a tenth more into the database at `path`, in which `calls` calls are, and then as many with a limit that it has
/// reached: the oldest have to go for them meanwhile, as the app sees to it.
pub(crate) fn go_on(path: &Path, calls: u64) -> Result<Beyond> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(path).await?.0;
        let more = (calls / 10).max(1);
        let mut coming = Coming::new(calls);
        let free = write_on(&store, &mut coming, calls..calls + more).await?;
        let limits = Limits { traces: Some(calls + more), ..Limits::default() };
        let done = CancellationToken::new();
        let writing = async {
            let rate = write_on(&store, &mut coming, calls + more..calls + 2 * more).await;
            done.cancel();
            rate
        };
        let removing = async {
            while !done.is_cancelled() {
                let gone = store.retain(&limits, now_ms()?).await?;
                if !store.tidy_some().await? && gone.is_nothing() {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            }
            anyhow::Ok(())
        };
        let (at_the_cap, removed) = tokio::join!(writing, removing);
        removed?;
        let began = Instant::now();
        while !store.retain(&limits, now_ms()?).await?.is_nothing() {}
        let left = began.elapsed();
        let all = CallFilter { side_calls: true, ..CallFilter::default() };
        let there = store.count_calls(&all).await?;
        anyhow::ensure!(there <= calls + more, "{there} calls are there, more than {}", calls + more);
        store.close().await?;
        Ok(Beyond { more, free, at_the_cap: at_the_cap?, left })
    })
}

/// Writes these calls, which began now, and says how many a second that were.
async fn write_on(store: &Store, coming: &mut Coming, numbers: Range<u64>) -> Result<f64> {
    let (calls, mut spent) = (numbers.end - numbers.start, Duration::ZERO);
    let mut batch = Vec::with_capacity(BATCH);
    for number in numbers.clone() {
        batch.push(coming.next(number, now_ms()?)?);
        if batch.len() == BATCH || number + 1 == numbers.end {
            let began = Instant::now();
            store.write(&batch).await?;
            spent += began.elapsed();
            batch.clear();
        }
    }
    Ok(f64::from(u32::try_from(calls)?) / spent.as_secs_f64())
}

fn now_ms() -> Result<i64> {
    Ok(i64::try_from(now_nanos() / 1_000_000)?)
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
