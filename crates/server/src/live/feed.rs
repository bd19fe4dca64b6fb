//! Makes the frames of `/ws` of what changed: looks each thing up once and tells all listeners. Runs while somebody listens.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use api::{CallFilter, CallId, CallState, Event, Reply, ReportSource, Request};
use engine::{Engine, Gathering, Reported};
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::Live;
use super::recent::{Frame, Recent};
use crate::rest::shape;

/// The totals are told at most this often.
const STATS_EVERY: Duration = Duration::from_secs(1);
/// What happens within this time is looked up together.
const MOMENT: Duration = Duration::from_millis(100);
/// Calls of which it is known that they were told.
const REMEMBERED: usize = 8_192;

/// The feed of what happens from now on, until nobody listens.
pub(super) fn run(
    engine: Engine,
    frames: broadcast::Sender<Frame>,
    live: Live,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let (events, reports) = (Gathering::new(engine.events(), MOMENT), engine.reports());
    tell(Feed { engine, recent: Recent::new(frames) }, events, reports, (live, stop))
}

async fn tell(
    mut feed: Feed,
    mut events: Gathering,
    mut reports: broadcast::Receiver<Arc<Reported>>,
    (live, stop): (Live, CancellationToken),
) {
    let (mut told, mut stale) = (Told::default(), false);
    let mut ticks = tokio::time::interval(STATS_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            gathered = events.next() => {
                let Some(gathered) = gathered else { return };
                for event in gathered {
                    match event {
                        Event::CallsChanged { ids } => {
                            feed.calls(ids, &mut told).await;
                            stale = true;
                        }
                        Event::Resync => feed.send("resync", &json!({})),
                        _ => {}
                    }
                }
            }
            reported = reports.recv() => match reported {
                Ok(reported) => {
                    feed.reports(&reported).await;
                    stale = true;
                }
                Err(RecvError::Lagged(missed)) => feed.send("resync", &json!({"missed": missed})),
                Err(RecvError::Closed) => return,
            },
            _ = ticks.tick() => {
                if live.end_if_idle() {
                    return;
                }
                if std::mem::take(&mut stale) {
                    feed.stats().await;
                }
            }
            () = stop.cancelled() => return,
        }
    }
}

struct Feed {
    engine: Engine,
    recent: Recent,
}

impl Feed {
    fn send(&mut self, kind: &str, payload: &Value) {
        self.recent.tell(json!({"type": kind, "payload": payload}).to_string());
    }

    /// Calls that ended, each once.
    async fn calls(&mut self, ids: Vec<CallId>, told: &mut Told) {
        for id in ids.into_iter().filter(|id| !told.has(*id)).collect::<Vec<_>>() {
            // One that is gone again needs no telling.
            let Ok(Reply::Call(call)) = self.engine.dispatch(Request::GetCall { id }).await else { continue };
            if call.summary.state == CallState::Open {
                continue;
            }
            told.add(id);
            // One that only a span told of is told as that span.
            let told_by = |source| call.summary.sources.contains(&source);
            if told_by(ReportSource::Proxy) || !told_by(ReportSource::Span) {
                self.span(&shape::row(&call.summary));
            }
        }
    }

    fn span(&mut self, row: &Value) {
        self.send("new_span", row);
        if row.get("parent_id").is_none_or(Value::is_null) {
            self.send("new_trace", row);
        }
    }

    async fn reports(&mut self, reported: &Arc<Reported>) {
        for (trace_id, span_id) in &reported.spans {
            let request = Request::GetSpan { trace_id: trace_id.clone(), span_id: span_id.clone() };
            if let Ok(Reply::Span(span)) = self.engine.dispatch(request).await {
                self.span(&shape::telemetry::live_span(&span));
            }
        }
        for id in &reported.logs {
            if let Ok(Reply::Log(log)) = self.engine.dispatch(Request::GetLog { id: id.clone() }).await {
                let row = shape::telemetry::live_log(&log);
                self.send("new_log", &row);
                if let Some(trace_id) = &log.row.trace_id {
                    self.send("trace_log_added", &json!({"trace_id": trace_id, "log": row}));
                }
            }
        }
        for id in &reported.points {
            if let Ok(Reply::Point(point)) = self.engine.dispatch(Request::GetPoint { id: id.clone() }).await
            {
                self.send("new_metric", &shape::telemetry::live_point(&point));
            }
        }
    }

    async fn stats(&mut self) {
        let request = Request::GetStats { filter: CallFilter::default() };
        if let Ok(Reply::Stats(stats)) = self.engine.dispatch(request).await {
            self.send("stats_update", &shape::stats(&stats));
        }
    }
}

/// The latest calls that were told of.
#[derive(Default)]
struct Told {
    known: HashSet<CallId>,
    order: VecDeque<CallId>,
}

impl Told {
    fn has(&self, id: CallId) -> bool {
        self.known.contains(&id)
    }

    fn add(&mut self, id: CallId) {
        if self.known.insert(id) {
            self.order.push_back(id);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}
