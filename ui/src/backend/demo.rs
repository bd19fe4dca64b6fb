//! Invented calls instead of a server, for working on the pages. Never part of the shipped build.
//! `?demo` turns it on, with sixty days behind today; `?demo=5000` makes that many calls of today, `?demo=0` none,
//! `?demo=error` fails, `?demo=still` rests, `?demo=taken` has trouble with OTLP. Other words: `control` and `control/keys`.

mod cache;
mod calls;
mod control;
mod figures;
mod limits;
mod matching;
mod replays;
mod sessions;
mod signals;
mod talk;
mod traces;

use std::cell::RefCell;
use std::time::Duration;

use api::{
    ApiError, BodySide, BodyText, CallDetail, CallId, CallsPage, Collected, Completeness, ErrorKind, Event,
    Facets, Health, HealthStatus, HistogramBar, InFlight, Reply, Request, SourceState, SourceStatus, Stats,
};
use leptos::prelude::*;

use super::{EventStream, Signal};
use crate::browser::now_ms;

struct World {
    /// Newest first.
    details: Vec<CallDetail>,
    traces: Vec<traces::Made>,
    flying: Vec<InFlight>,
    /// Newest first.
    logs: Vec<api::LogRow>,
    word: String,
    control: control::Control,
    limits: limits::Limits,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

pub(super) fn is_wanted() -> bool {
    let search = window().location().search().unwrap_or_default();
    let pairs = search.trim_start_matches('?').split('&');
    let Some(word) = pairs.filter_map(|pair| pair.strip_prefix("demo")).next() else {
        return false;
    };
    let word = word.trim_start_matches('=').to_owned();
    let count = word.parse().unwrap_or(412);
    let now = now_ms();
    let flying = if count == 0 || word == "error" { Vec::new() } else { calls::flying(now) };
    let control = control::Control::make(&word, now);
    let limits = limits::Limits::make(&word);
    let mut details = calls::make(count, now);
    let traces = if count == 0 { Vec::new() } else { traces::make(&mut details, now) };
    let logs = signals::make(&details);
    signals::add_reports(&mut details, &logs);
    WORLD.set(Some(World { details, traces, flying, logs, word, control, limits }));
    true
}

fn with<T>(look: impl FnOnce(&mut World) -> T) -> Result<T, ApiError> {
    let gone = || ApiError::new(ErrorKind::Unavailable, "There is no invented data.");
    WORLD.with_borrow_mut(|world| world.as_mut().map(look)).ok_or_else(gone)
}

pub(super) async fn ask(request: Request) -> Result<Reply, ApiError> {
    if matches!(request, Request::GetTrace { limit, .. } if limit > 2_000) {
        pause(120).await;
    }
    with(|world| answer(world, request))?
}

/// A large answer takes its time.
async fn pause(ms: i32) {
    let promise = js_sys::Promise::new(&mut |done, _| {
        // It cannot fail in a page.
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&done, ms);
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}

fn answer(world: &mut World, request: Request) -> Result<Reply, ApiError> {
    if world.word == "error" && request != Request::GetHealth {
        return Err(ApiError::new(
            ErrorKind::Unavailable,
            "The database is locked by another program. Close it, then try again.",
        ));
    }
    if let Some(answer) = world.control.answer(&request) {
        return answer;
    }
    if let Some(answer) = world.limits.answer(&world.details, now_ms(), &request) {
        return answer;
    }
    if let Request::Replay { id, edit, until } = &request {
        let missing =
            || ApiError::new(ErrorKind::NotFound, "There is no such call. It may have been deleted.");
        let of = world.details.iter().find(|call| call.summary.id == *id).cloned().ok_or_else(missing)?;
        let replay = replays::replay(&mut world.details, &of, edit, *until, now_ms())?;
        return Ok(Reply::Replay(Box::new(replay)));
    }
    if let Some(answer) = traces::answer(&world.traces, &world.details, &request) {
        return answer.ok_or_else(|| {
            ApiError::new(ErrorKind::NotFound, "There is no such trace. It may have been deleted.")
        });
    }
    if let Some(answer) = signals::answer(&world.details, &world.logs, now_ms(), &request) {
        return answer;
    }
    let missing = || ApiError::new(ErrorKind::NotFound, "There is no such call. It may have been deleted.");
    let find = |id: CallId| world.details.iter().find(|call| call.summary.id == id).ok_or_else(missing);
    let kept = |filter: &api::CallFilter| {
        let filter = filter.clone();
        world.details.iter().filter(move |call| matching::matches(&filter, call)).collect::<Vec<_>>()
    };
    Ok(match request {
        Request::GetHealth => Reply::Health(Box::new(health(world))),
        Request::GetStats { filter } => Reply::Stats(stats(&kept(&filter))),
        Request::ListCalls { filter, page } => {
            let all = kept(&filter);
            let after = |call: &&&CallDetail| page.before.is_none_or(|before| call.summary.id < before);
            let part = all.iter().filter(after).skip(page.offset as usize).take(page.limit as usize);
            Reply::Calls(CallsPage {
                calls: part.map(|call| call.summary.clone()).collect(),
                total: all.len() as u64,
                reading: None,
            })
        }
        Request::GetCall { id } => Reply::Call(Box::new(find(id)?.clone())),
        Request::GetConversation { id } => {
            Reply::Conversation(Box::new(talk::conversation(&find(id)?.summary)))
        }
        Request::GetBody { id, side, offset, limit } => Reply::Body(body(find(id)?, side, offset, limit)),
        Request::ListInFlight => Reply::InFlight(world.flying.clone()),
        Request::GetFacets => Reply::Facets(facets(&world.details)),
        Request::GetHistogram { filter, from_ms, to_ms, bars } => {
            Reply::Histogram(histogram(&kept(&filter), from_ms, to_ms, bars))
        }
        Request::GetSeries { filter, bounds_ms, group } => {
            Reply::Series(figures::series(&kept(&filter), &bounds_ms, group))
        }
        Request::GetOverview { bounds_ms } => {
            Reply::Overview(Box::new(figures::overview(&kept(&api::CallFilter::default()), &bounds_ms)))
        }
        Request::GetMeter { bounds_ms } => {
            let all = api::CallFilter { side_calls: true, ..api::CallFilter::default() };
            Reply::Meter(figures::meter(&kept(&all), &bounds_ms))
        }
        Request::ListSessions { filter, limit, offset, .. } => {
            Reply::Sessions(sessions::page(&world.details, &filter, limit, offset))
        }
        Request::GetSession { session } => {
            let gone = || ApiError::new(ErrorKind::NotFound, "There is no such session.");
            Reply::Session(Box::new(sessions::one(&world.details, &session).ok_or_else(gone)?))
        }
        Request::GetCallCache { id } => Reply::CallCache(Box::new(cache::of_call(&world.details, find(id)?))),
        Request::GetSessionCache { session } => {
            let gone = || ApiError::new(ErrorKind::NotFound, "There is no such session.");
            let found = sessions::one(&world.details, &session).ok_or_else(gone)?;
            Reply::SessionCache(Box::new(cache::of_session(&found.calls)))
        }
        _ => return Err(ApiError::new(ErrorKind::Unavailable, "This is not invented yet.")),
    })
}

fn body(call: &CallDetail, side: BodySide, offset: u64, limit: u64) -> BodyText {
    let text = match side {
        BodySide::Request | BodySide::ClientRequest => talk::request_body(&call.summary),
        BodySide::Response | BodySide::ClientResponse => talk::response_body(&call.summary),
    };
    let total = text.len();
    let start = text.floor_char_boundary(offset as usize);
    let end = text.floor_char_boundary((offset + limit) as usize);
    BodyText {
        text: text[start..end].to_owned(),
        offset: start as u64,
        next: end as u64,
        total: total as u64,
        binary: false,
    }
}

fn stats(calls: &[&CallDetail]) -> Stats {
    let mut stats = Stats { calls: calls.len() as u64, ..Stats::default() };
    for call in calls.iter().map(|call| &call.summary) {
        stats.errors += u64::from(matching::failed(call));
        stats.unpriced += u64::from(matching::unpriced(call));
        stats.cost = stats.cost.saturating_add(call.cost.unwrap_or_default());
        stats.duration_us += call.duration_us.unwrap_or(0);
        let add =
            |sum: &mut Option<u64>, part: Option<u64>| *sum = Some(sum.unwrap_or(0) + part.unwrap_or(0));
        add(&mut stats.usage.input, call.usage.input);
        add(&mut stats.usage.cache_read, call.usage.cache_read);
        add(&mut stats.usage.cache_write_5m, call.usage.cache_write_5m);
        add(&mut stats.usage.output, call.usage.output);
    }
    stats
}

fn histogram(calls: &[&CallDetail], from_ms: i64, to_ms: i64, bars: u32) -> Vec<HistogramBar> {
    let width = ((to_ms - from_ms) / i64::from(bars)).max(1);
    let mut out: Vec<_> = (0..i64::from(bars))
        .map(|bar| HistogramBar { from_ms: from_ms + bar * width, ..HistogramBar::default() })
        .collect();
    for call in calls.iter().map(|call| &call.summary) {
        if let Some(bar) =
            usize::try_from((call.started_ms - from_ms) / width).ok().and_then(|at| out.get_mut(at))
        {
            bar.calls += 1;
            bar.errors += u64::from(matching::failed(call));
        }
    }
    out
}

fn facets(calls: &[CallDetail]) -> Facets {
    let values = |of: fn(&api::CallSummary) -> Option<String>| {
        let mut values: Vec<String> = calls.iter().filter_map(|call| of(&call.summary)).collect();
        values.sort();
        values.dedup();
        values
    };
    Facets {
        models: values(|call| call.model.clone()),
        providers: values(|call| Some(call.provider.clone())),
        clients: values(|call| call.client.clone()),
        tags: values(|call| call.tags.first().cloned()),
    }
}

fn health(world: &World) -> Health {
    let recorded = world.details.len() as u64;
    let paused = if world.word == "paused" { 7 } else { 0 };
    Health {
        status: HealthStatus::Ok,
        version: "0.1.0".into(),
        uptime_s: 4_211,
        sources: sources(world),
        completeness: Completeness {
            seen: recorded + 5,
            recorded,
            open: 5,
            waiting: 0,
            lost: 0,
            cut: 0,
            paused,
        },
        collected: collected(world),
        calls: recorded,
        disk_bytes: 92_000 + recorded * 180_000,
        retention: api::Retention::default(),
        data_dir: "~/.local/share/llmflow".into(),
        price_date: "2026-11-12".into(),
        cannot_store: None,
        problems: vec![],
    }
}

fn sources(world: &World) -> Vec<SourceStatus> {
    let running = |port: u16| SourceState::Running {
        addresses: vec![format!("127.0.0.1:{port}"), format!("[::1]:{port}")],
    };
    let taken = SourceState::Failed {
        message: "Port 4317 is taken by another program. OTLP over HTTP on 4318 works; set OTLP_GRPC_PORT to use another port.".into(),
    };
    let grpc = if world.word == "taken" { taken } else { running(4317) };
    vec![
        SourceStatus { name: "proxy".into(), state: world.control.proxy.clone() },
        SourceStatus { name: "otlp_http".into(), state: running(4318) },
        SourceStatus { name: "otlp_grpc".into(), state: grpc },
    ]
}

fn collected(world: &World) -> Collected {
    let (logs, bad) = (world.logs.len() as u64, world.word == "taken");
    Collected {
        spans: logs * 3,
        logs,
        points: logs * 2,
        rejected: if bad { 12 } else { 0 },
        refused: if bad { 340 } else { 0 },
        unreadable: u64::from(bad),
        paused: 0,
        waiting: if bad { 1_204 } else { 0 },
        lag_ms: if bad { 4_200 } else { 0 },
    }
}

pub(super) fn listen(on: impl Fn(Signal) + 'static) -> EventStream {
    on(Signal::Connected);
    let turn = RefCell::new(0_u32);
    set_interval(
        move || {
            *turn.borrow_mut() += 1;
            let turn = *turn.borrow();
            let told = with(|world| {
                for call in &mut world.flying {
                    call.chunks += 3;
                    call.response_bytes += 412;
                }
                let arrives = turn.is_multiple_of(12) && !world.flying.is_empty() && world.word != "still";
                let ids = if arrives { calls::arrive(&mut world.details, now_ms()) } else { Vec::new() };
                if let Some(call) = world.details.first().filter(|_| arrives) {
                    signals::arrive(&mut world.logs, call);
                }
                let grown = if turn.is_multiple_of(6) { traces::grow(&mut world.traces) } else { Vec::new() };
                (ids, world.flying.clone(), grown)
            });
            if let Ok((ids, calls, grown)) = told {
                if !grown.is_empty() {
                    on(Signal::Event(Event::TracesChanged { ids: grown }));
                }
                if !calls.is_empty() {
                    let total = calls.len() as u64;
                    on(Signal::Event(Event::CallProgress { calls, total }));
                }
                if !ids.is_empty() {
                    for event in [Event::CallsChanged { ids }, Event::LogsChanged, Event::MetricsChanged] {
                        on(Signal::Event(event));
                    }
                }
            }
        },
        Duration::from_millis(250),
    );
    EventStream::self_made()
}
