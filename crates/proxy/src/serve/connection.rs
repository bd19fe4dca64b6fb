//! One client's connection: which HTTP it speaks, how long it may take to say what it wants, and how it ends.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use guard::{Near, Peer};
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::socket::{Presence, Socket};
use super::{MAX_HEAD, MAX_HEADERS, Shared};
use crate::body::ResponseBody;
use crate::forward::handle;
use crate::reply;
use crate::websocket::Slot;

/// What HTTP/2 begins with, all of it: nobody looks at the time until it is there.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A client that has sent less than that is asked again after this time.
const PREFACE_PAUSE: Duration = Duration::from_millis(5);
/// Streams of one HTTP/2 connection at a time.
const MAX_STREAMS: u32 = 256;
/// Streams that a client opened and reset and that nobody has looked at yet: more is an attack.
const MAX_RESETS: usize = 64;
/// An HTTP/2 client is asked for a sign of life after this time; quiet streams are no sign of death.
const PING_EVERY: Duration = Duration::from_secs(60);
/// A client that left while nothing was read from it has this long for being noticed in the usual way.
const NOTICED: Duration = Duration::from_millis(100);
/// A connection beyond the limit has this long to take its refusal.
const REFUSAL: Duration = Duration::from_secs(5);

/// Where a connection belongs, held while it lasts.
pub(super) struct Place {
    /// Among those that are told there is no room.
    pub(super) refused: bool,
    pub(super) _permit: OwnedSemaphorePermit,
}

/// Serves one connection until it ends, `stop` lets it finish what is under way, or `force` cuts it.
pub(super) async fn connection(
    shared: Arc<Shared>,
    (stream, peer): (TcpStream, SocketAddr),
    place: Place,
    stop: CancellationToken,
    force: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    // Before anything is read: whoever sends and leaves could not be asked about any more.
    let Ok(local) = stream.local_addr() else { return };
    let end = (shared.guard.meet(peer, local), Near::of(local));
    let refused = place.refused;
    let head_timeout = if refused { REFUSAL } else { shared.bounds.head_timeout };
    let asked = tokio::select! {
        asked = tokio::time::timeout(head_timeout, speaks_http2(&stream)) => asked,
        () = stop.cancelled() => return,
    };
    let Ok(Ok(Some(http2))) = asked else { return };
    let serving = serving(shared, (stream, end), refused, http2, head_timeout, stop, force);
    match refused {
        false => serving.await,
        // Its refusal is all there is to say.
        true => drop(tokio::time::timeout(REFUSAL, serving).await),
    }
    drop(place);
}

async fn serving(
    shared: Arc<Shared>,
    stream: (TcpStream, (Peer, Near)),
    refused: bool,
    http2: bool,
    head_timeout: Duration,
    stop: CancellationToken,
    force: CancellationToken,
) {
    let slot = Slot::default();
    speak_http(&shared, stream, refused, http2, head_timeout, &stop, &force, &slot).await;
    let tunnel = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(tunnel) = tunnel {
        tunnel.run(&shared.tap, stop, force).await;
    }
}

/// Serves HTTP until the connection ends, or has become something else, which is then in `slot`.
#[expect(clippy::too_many_arguments, reason = "what a connection is made of")]
async fn speak_http(
    shared: &Arc<Shared>,
    (stream, (peer, near)): (TcpStream, (Peer, Near)),
    refused: bool,
    http2: bool,
    head_timeout: Duration,
    stop: &CancellationToken,
    force: &CancellationToken,
    slot: &Slot,
) {
    let (socket, presence) = Socket::new(stream);
    let service = {
        let (shared, slot) = (shared.clone(), slot.clone());
        service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(near);
            let (shared, slot) = (shared.clone(), slot.clone());
            async move { Ok::<_, Infallible>(answer(shared, peer, request, refused, &slot).await) }
        })
    };
    let server = builder(http2, head_timeout);
    let serving = server.serve_connection_with_upgrades(TokioIo::new(socket), service);
    tokio::pin!(serving);
    let result = tokio::select! {
        result = serving.as_mut() => result,
        // Reading the request waits for the upstream, so only this can tell that the client left.
        () = left(&presence) => Ok(()),
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                result = serving.as_mut() => result,
                () = left(&presence) => Ok(()),
                () = force.cancelled() => {
                    shared.tap.stopping.store(true, Ordering::Relaxed);
                    Ok(())
                }
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a client's connection ended early");
    }
}

async fn left(presence: &Presence) {
    presence.left().await;
    tokio::time::sleep(NOTICED).await;
}

async fn answer(
    shared: Arc<Shared>,
    peer: Peer,
    request: Request<Incoming>,
    refused: bool,
    slot: &Slot,
) -> Response<ResponseBody> {
    let limit = shared.bounds.connections;
    let under_way = shared.tap.counters.open.load(Ordering::Relaxed);
    if refused {
        return full(&format!("{limit} connections are open, which is the most LLMFlow takes"));
    }
    // One connection can carry many calls.
    if usize::try_from(under_way).unwrap_or(usize::MAX) >= limit {
        shared.tap.counters.refused.fetch_add(1, Ordering::Relaxed);
        return full(&format!("{limit} calls are under way, which is the most LLMFlow takes"));
    }
    handle(shared, peer, request, slot).await
}

/// There is no room now.
fn full(reason: &str) -> Response<ResponseBody> {
    let message = format!("{reason}. Try again shortly, or raise max_connections in the settings.");
    let mut response = reply::error(StatusCode::SERVICE_UNAVAILABLE, "openai", "overloaded", &message);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn builder(http2: bool, head_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .preserve_header_case(true)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD as usize)
        // The upstream's own Date goes through; where it sends none, neither do we.
        .auto_date_header(false);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_header_list_size(MAX_HEAD)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY)
        .auto_date_header(false);
    if http2 { server.http2_only() } else { server.http1_only() }
}

/// Whether the client begins with HTTP/2's preface; `None` when it leaves without a word.
async fn speaks_http2(stream: &TcpStream) -> io::Result<Option<bool>> {
    let mut seen = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut seen).await?;
        let seen = seen.get(..count).unwrap_or_default();
        if seen.is_empty() {
            return Ok(None);
        }
        if !PREFACE.starts_with(seen) {
            return Ok(Some(false));
        }
        if seen.len() == PREFACE.len() {
            return Ok(Some(true));
        }
        tokio::time::sleep(PREFACE_PAUSE).await;
    }
}
