//! `GET /ws`: what is new, frame by frame, in the former LLMFlow's shapes: `hello`, `new_span`, `new_trace`, `new_log`,
//! `trace_log_added`, `new_metric`, `stats_update`. Frames are made once, however many listen (`feed`). A listener that is
//! too slow misses some and is told `resync`; it never holds anything back.

mod feed;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::{ApiError, ErrorKind};
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use engine::Engine;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Host;
use crate::error::Failure;

/// Frames that a listener may lag behind.
const BACKLOG: usize = 1_024;
/// Listeners at one time.
const LISTENERS: usize = 512;
/// What a listener may say: nothing of it is read.
const LARGEST: usize = 64 * 1024;
/// Who says nothing is asked for a sign of life this often.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Who takes nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// The frames and who listens to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    frames: Arc<Mutex<Option<broadcast::Sender<Utf8Bytes>>>>,
    listeners: Arc<AtomicUsize>,
    tasks: TaskTracker,
}

impl Live {
    /// Frames from now on; the first listener has the feed begin.
    fn listen(&self, engine: &Engine, stop: &CancellationToken) -> broadcast::Receiver<Utf8Bytes> {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = frames.as_ref() {
            return sender.subscribe();
        }
        let (sender, receiver) = broadcast::channel(BACKLOG);
        *frames = Some(sender.clone());
        drop(frames);
        self.tasks.spawn(feed::run(engine.clone(), sender, self.clone(), stop.clone()));
        receiver
    }

    /// Ends the feed if nobody listens any more; whether it did.
    fn end_if_idle(&self) -> bool {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = frames.as_ref().is_none_or(|sender| sender.receiver_count() == 0);
        if is_idle {
            *frames = None;
        }
        is_idle
    }

    /// After a stop: waits until every listener was told of it.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// A place for one more, while there is one.
    fn enter(&self) -> Option<Place> {
        let place = Place(self.listeners.clone());
        (place.0.fetch_add(1, Ordering::Relaxed) < LISTENERS).then_some(place)
    }
}

/// A listener's place, given back when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `GET /ws`.
pub(crate) async fn socket(
    State(host): State<Host>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let upgrade = upgrade.map_err(|rejection| {
        let wanted = "This address is for WebSockets; GET /api/events has the same as server-sent events.";
        ApiError::new(ErrorKind::BadRequest, format!("{wanted} {}", rejection.body_text()))
    })?;
    let place = host.live.enter().ok_or_else(|| {
        let words = format!("{LISTENERS} WebSockets are open already. Close one, or use GET /api/events.");
        ApiError::new(ErrorKind::Unavailable, words)
    })?;
    Ok(upgrade.max_message_size(LARGEST).max_frame_size(LARGEST).on_upgrade(move |socket| {
        let tasks = host.live.tasks.clone();
        tasks.track_future(async move {
            let frames = host.live.listen(&host.engine, &host.stop);
            serve(socket, frames, host.stop).await;
            drop(place);
        })
    }))
}

/// Tells one listener everything until it leaves, takes nothing any more, or LLMFlow stops.
async fn serve(socket: WebSocket, mut frames: broadcast::Receiver<Utf8Bytes>, stop: CancellationToken) {
    let (mut out, mut said) = socket.split();
    let mut next = Message::Text(hello());
    let mut pings = tokio::time::interval_at(tokio::time::Instant::now() + PING_EVERY, PING_EVERY);
    loop {
        match tokio::time::timeout(PATIENCE, out.send(next)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
        next = loop {
            tokio::select! {
                frame = frames.recv() => match frame {
                    Ok(frame) => break Message::Text(frame),
                    Err(RecvError::Lagged(missed)) => break Message::Text(resync(missed)),
                    Err(RecvError::Closed) => return,
                },
                // Reading answers pings; what else it says means nothing.
                heard = said.next() => match heard {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                },
                _ = pings.tick() => break Message::Ping(axum::body::Bytes::new()),
                () = stop.cancelled() => {
                    let leaving = CloseFrame { code: close_code::AWAY, reason: "LLMFlow is stopping".into() };
                    let _gone = tokio::time::timeout(PATIENCE, out.send(Message::Close(Some(leaving)))).await;
                    return;
                }
            }
        };
    }
}

fn hello() -> Utf8Bytes {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    json!({"type": "hello", "time": time}).to_string().into()
}

fn resync(missed: u64) -> Utf8Bytes {
    json!({"type": "resync", "payload": {"missed": missed}}).to_string().into()
}
