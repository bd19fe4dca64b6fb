//! `GET /ws`: what is new, frame by frame, in the former LLMFlow's shapes: `hello`, `new_span`, `new_trace`, `new_log`,
//! `trace_log_added`, `new_metric`, `stats_update`. Frames are made once, however many listen (`feed`). A listener that is
//! too slow misses some and is told `resync` (`recent`); it never holds anything back.

mod feed;
mod recent;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::{ApiError, ErrorKind};
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Extension, State};
use axum::response::Response;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::Host;
use crate::error::Failure;
use crate::fanout::Fanout;
use crate::guard::Entrance;
use recent::{Frame, Hearing};

/// Frames that a listener may lag behind; of large ones fewer (`recent`).
const BACKLOG: usize = 1_024;
/// Frames sent at once.
const TOGETHER: usize = 64;
/// Listeners at one time.
const LISTENERS: usize = 512;
/// What a listener may say: nothing of it is read.
const LARGEST: usize = 64 * 1024;
/// What waits here until the system takes it, beside one frame.
const UNSENT: usize = 16 * 1024;
/// A control frame has room for no more.
const LONGEST_REASON: usize = 123;
/// Who says nothing is asked for a sign of life this often.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Who takes nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// The frames and who listens to them.
pub(crate) type Live = Fanout<Frame>;

pub(crate) fn live() -> Live {
    Fanout::new(BACKLOG, LISTENERS)
}

/// `GET /ws`.
pub(crate) async fn socket(
    State(host): State<Host>,
    Extension(Entrance(entrance)): Extension<Entrance>,
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
    let upgrade = upgrade.max_message_size(LARGEST).max_frame_size(LARGEST).write_buffer_size(UNSENT);
    Ok(upgrade.on_upgrade(move |socket| {
        let tasks = host.live.tasks.clone();
        tasks.track_future(async move {
            let frames = host
                .live
                .listen(|sender, live| feed::run(host.engine.clone(), sender, live, host.stop.clone()));
            serve(socket, Hearing::new(frames), Ends { stop: host.stop, entrance }).await;
            drop(place);
        })
    }))
}

/// What ends a listening from here.
struct Ends {
    stop: CancellationToken,
    /// The token that let the listener in was replaced.
    entrance: CancellationToken,
}

/// Tells one listener everything until it leaves, takes nothing any more, or LLMFlow stops.
async fn serve(socket: WebSocket, mut frames: Hearing, ends: Ends) {
    let (mut out, mut said) = socket.split();
    let mut next = Message::Text(hello());
    let mut pings = tokio::time::interval_at(tokio::time::Instant::now() + PING_EVERY, PING_EVERY);
    loop {
        match tokio::time::timeout(PATIENCE, send(&mut out, next, &mut frames)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
        next = loop {
            tokio::select! {
                frame = frames.next() => match frame {
                    Some(frame) => break Message::Text(frame),
                    None => return,
                },
                // Reading answers pings; what else it says means nothing.
                heard = said.next() => match heard {
                    Some(Ok(Message::Close(_))) | None => {
                        // The answer to a close waits to be sent.
                        let _gone = tokio::time::timeout(PATIENCE, out.close()).await;
                        return;
                    }
                    Some(Err(error)) => return leave(out, close_code::PROTOCOL, &error.to_string()).await,
                    Some(Ok(_)) => {}
                },
                _ = pings.tick() => break Message::Ping(axum::body::Bytes::new()),
                () = ends.stop.cancelled() => {
                    return leave(out, close_code::AWAY, "LLMFlow is stopping").await;
                }
                () = ends.entrance.cancelled() => {
                    return leave(out, close_code::POLICY, "the token was replaced: come in anew").await;
                }
            }
        };
    }
}

/// Sends a message, and what waits behind it, in few writes.
async fn send(
    out: &mut SplitSink<WebSocket, Message>,
    first: Message,
    frames: &mut Hearing,
) -> Result<(), axum::Error> {
    out.feed(first).await?;
    for _ in 1..TOGETHER {
        let Some(frame) = frames.waiting() else { break };
        out.feed(Message::Text(frame)).await?;
    }
    out.flush().await
}

async fn leave(mut out: SplitSink<WebSocket, Message>, code: u16, reason: &str) {
    let reason = reason.get(..reason.floor_char_boundary(LONGEST_REASON)).unwrap_or_default();
    let leaving = CloseFrame { code, reason: reason.into() };
    let _gone = tokio::time::timeout(PATIENCE, out.send(Message::Close(Some(leaving)))).await;
}

fn hello() -> Utf8Bytes {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    json!({"type": "hello", "time": time}).to_string().into()
}

fn resync(missed: u64) -> Utf8Bytes {
    json!({"type": "resync", "payload": {"missed": missed}}).to_string().into()
}
