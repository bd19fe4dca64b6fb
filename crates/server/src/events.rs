//! `GET /api/events`: the engine's events as server-sent events, one JSON object each.

use std::convert::Infallible;
use std::time::Duration;

use api::Event;
use axum::extract::State;
use axum::response::sse::{self, KeepAlive, Sse};
use futures_util::{Stream, StreamExt};
use tokio_stream::wrappers::BroadcastStream;

use crate::Host;

const KEEP_ALIVE: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_secs(1);

/// Events from now on. A listener that was too slow is told to fetch everything again.
pub(crate) async fn stream(
    State(host): State<Host>,
) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let stop = host.stop.clone();
    let events = BroadcastStream::new(host.engine.events())
        .map(|event| event.unwrap_or(Event::Resync))
        .filter_map(|event| async move { sse::Event::default().json_data(event).ok().map(Ok) })
        .take_until(stop.cancelled_owned());
    let hello = futures_util::stream::once(async { Ok(sse::Event::default().retry(RETRY).comment("hello")) });
    Sse::new(hello.chain(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}
