//! `GET /api/events`: the engine's events as server-sent events, one JSON object each. However many listen, each event is
//! written once, with others of the same moment, and every listener is sent the same bytes in the same order. A listener
//! that is too slow misses some and is told `resync`; one that takes nothing at all is let go. None holds anything back.

use std::convert::Infallible;
use std::time::Duration;

use api::{ApiError, ErrorKind, Event};
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use collector::HangUp;
use engine::Gathering;
use futures_util::StreamExt;
use http::header;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::Host;
use crate::error::Failure;
use crate::fanout::Fanout;
use crate::guard::Entrance;

/// Moments that a listener may lag behind: six seconds at least. They are held once for all listeners.
const BACKLOG: usize = 64;
/// Listeners at one time. Each takes a connection: half of them are left to questions ([`collector::CONNECTIONS`]).
const LISTENERS: usize = 512;
/// What happens within this time is told together: often enough for people.
const MOMENT: Duration = Duration::from_millis(100);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Who takes nothing for so long, once the system's buffers are full, is gone: its connection is closed.
const PATIENCE: Duration = Duration::from_secs(30);

const HELLO: Bytes = Bytes::from_static(b"retry: 1000\n: hello\n\n");
const STILL_HERE: Bytes = Bytes::from_static(b":\n\n");

/// Who listens.
pub(crate) type Listeners = Fanout<Bytes>;

pub(crate) fn listeners() -> Listeners {
    Fanout::new(BACKLOG, LISTENERS)
}

/// Events from now on.
pub(crate) async fn stream(
    State(host): State<Host>,
    Extension(Entrance(entrance)): Extension<Entrance>,
    Extension(hang_up): Extension<HangUp>,
) -> Result<Response, Failure> {
    let place = host.listeners.enter().ok_or_else(|| {
        let words =
            format!("{LISTENERS} event streams are open already. Close a dashboard, or ask again later.");
        ApiError::new(ErrorKind::Unavailable, words)
    })?;
    let frames = host.listeners.listen(|sender, listeners| {
        tell(Gathering::new(host.engine.events(), MOMENT), sender, listeners, host.stop.clone())
    });
    // Full as soon as the connection is: hyper holds at most 16 pieces more, and the system its buffers.
    let (out, body) = mpsc::channel(1);
    let gone = CancellationToken::new();
    let left = gone.clone().drop_guard();
    host.listeners.tasks.spawn(async move {
        let listener = Listener { out, frames, gone: gone.clone() };
        tokio::select! {
            ending = listener.serve() => if ending == Ending::Stuck {
                let_go(&hang_up);
            },
            () = host.stop.cancelled() => {}
            // The body ends properly, unless nobody takes even that.
            () = entrance.cancelled() => tokio::select! {
                () = gone.cancelled() => {}
                () = host.stop.cancelled() => {}
                () = sleep(PATIENCE) => let_go(&hang_up),
            },
        }
        drop(place);
    });
    let body = ReceiverStream::new(body).map(move |bytes| {
        // Held until the connection lets go of the body.
        let _ = &left;
        Ok::<_, Infallible>(bytes)
    });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body)).into_response())
}

fn let_go(hang_up: &HangUp) {
    tracing::warn!("a dashboard takes nothing any more: its connection is closed");
    hang_up.now();
}

/// Writes what happens, once for all, until nobody listens.
async fn tell(
    mut events: Gathering,
    frames: broadcast::Sender<Bytes>,
    listeners: Listeners,
    stop: CancellationToken,
) {
    loop {
        let gathered = tokio::select! {
            gathered = events.next() => gathered,
            () = stop.cancelled() => None,
        };
        let Some(gathered) = gathered else { return };
        if listeners.end_if_idle() {
            return;
        }
        // An error only says that nobody listens.
        let _nobody = frames.send(written(&gathered));
    }
}

/// Events as they go over the wire.
fn written(events: &[Event]) -> Bytes {
    let mut text = String::new();
    for event in events {
        match serde_json::to_string(event) {
            Ok(json) => text.extend(["data: ", &json, "\n\n"]),
            Err(error) => tracing::error!(%error, "an event cannot be written"),
        }
    }
    text.into()
}

/// How a stream ended by itself.
#[derive(PartialEq, Eq)]
enum Ending {
    /// The listener left, or there is nothing more to tell.
    Over,
    /// The listener takes nothing any more.
    Stuck,
}

struct Listener {
    out: mpsc::Sender<Bytes>,
    frames: broadcast::Receiver<Bytes>,
    /// The connection has let go of the body.
    gone: CancellationToken,
}

impl Listener {
    async fn serve(mut self) -> Ending {
        let mut next = HELLO;
        loop {
            match timeout(PATIENCE, self.out.send(next)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ending::Over,
                Err(_) => return Ending::Stuck,
            }
            next = tokio::select! {
                frame = self.frames.recv() => match frame {
                    Ok(frame) => frame,
                    Err(RecvError::Lagged(_)) => written(&[Event::Resync]),
                    Err(RecvError::Closed) => return Ending::Over,
                },
                () = sleep(KEEP_ALIVE) => STILL_HERE,
                () = self.gone.cancelled() => return Ending::Over,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(frames: &broadcast::Sender<Bytes>) -> (Listener, mpsc::Receiver<Bytes>) {
        let (out, body) = mpsc::channel(1);
        (Listener { out, frames: frames.subscribe(), gone: CancellationToken::new() }, body)
    }

    #[tokio::test]
    async fn who_lags_is_told_and_who_does_not_misses_nothing() {
        let (frames, _) = broadcast::channel(BACKLOG);
        let ((slow, mut slowly), (quick, mut quickly)) = (listener(&frames), listener(&frames));
        let tracker = tokio_util::task::TaskTracker::new();
        tracker.spawn(slow.serve());
        tracker.spawn(quick.serve());
        assert_eq!((slowly.recv().await, quickly.recv().await), (Some(HELLO), Some(HELLO)));
        let number = |number: usize| Bytes::from(number.to_string());
        for sent in 0..1_000 {
            frames.send(number(sent)).unwrap();
            assert_eq!(quickly.recv().await, Some(number(sent)), "the other one holds nothing up");
        }
        drop(frames);
        let mut told = Vec::new();
        while let Some(frame) = slowly.recv().await {
            told.push(frame);
        }
        let resync = told.iter().position(|frame| frame == "data: {\"type\":\"resync\"}\n\n").unwrap();
        assert!(resync <= 2, "what it could still be told: {told:?}");
        assert_eq!(told[resync + 1..], (1_000 - BACKLOG..1_000).map(number).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn what_happens_together_is_written_together() {
        let text = written(&[Event::Resync, Event::LogsChanged]);
        assert_eq!(text, "data: {\"type\":\"resync\"}\n\ndata: {\"type\":\"logs_changed\"}\n\n");
    }
}
