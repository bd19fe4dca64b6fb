//! A listener that bears a bounded number of connections, none of which may say or take nothing for long: accept, speak HTTP/1.1
//! and HTTP/2, drain when told to stop. Each request says who is at the other end, by a [`guard::Peer`] among its extensions,
//! and which address it came to.
//! Leaves out whether that one is let in, and what is answered.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use guard::{Guard, Near};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::patience::{Heard, Over, Patience, Pulse};

/// Connections of one listener at one time; one more is closed without a word, and its client comes again.
pub const CONNECTIONS: usize = 1024;
/// Streams of one HTTP/2 connection at a time.
const MAX_STREAMS: u32 = 256;
/// After a failed accept (out of file descriptors, say) the listener waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// An HTTP/2 client is asked for a sign of life after this time.
const PING_EVERY: Duration = Duration::from_secs(60);
/// A large body should not stop for a window that is full.
const WINDOW: u32 = 1 << 20;

/// What the system keeps of an answer that its client does not read; Linux counts its own bookkeeping and doubles it.
const SEND_BUFFER: usize = 128 << 10;

/// How a listener ends.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What is under way goes on in here.
    pub connections: TaskTracker,
    /// Nothing more is accepted.
    pub stop: CancellationToken,
    /// What is under way is cut.
    pub force: CancellationToken,
}

/// Ends the connection that a request came on, whatever is still to be sent on it: for whoever takes nothing of an answer.
/// It stands among a request's extensions.
#[derive(Clone, Debug)]
pub struct HangUp(CancellationToken);

impl HangUp {
    /// At once.
    pub fn now(&self) {
        self.0.cancel();
    }
}

/// Lets `answer` answer what comes on `listener` until it is told to stop; when the future ends, the port is closed.
/// `full` is told of every connection for which there was no room.
pub async fn listen<A, F>(
    listener: TcpListener,
    guard: Guard,
    patience: Patience,
    answer: A,
    full: impl Fn() + Send + Sync,
    ending: Ending,
) where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ending.stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => match places.clone().try_acquire_owned() {
                Ok(place) => {
                    let stream = (stream, peer, guard.clone());
                    let serving = connection(stream, patience, answer.clone(), place, ending.clone());
                    ending.connections.spawn(serving);
                }
                Err(_) => full(),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection<A, F>(
    (stream, peer, guard): (TcpStream, SocketAddr, Guard),
    patience: Patience,
    answer: A,
    place: OwnedSemaphorePermit,
    ending: Ending,
) where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    // The system would let it grow to megabytes for everybody who does not read.
    if let Err(error) = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER) {
        tracing::debug!(%error, "the system's own size of what waits to be sent");
    }
    // Before anything is read: whoever sends and leaves could not be asked about any more.
    let Ok(local) = stream.local_addr() else { return };
    let (peer, near) = (guard.meet(peer, local), Near::of(local));
    let (pulse, hang_up) = (Pulse::new(), CancellationToken::new());
    let mut server = auto::Builder::new(TokioExecutor::new());
    // hyper's own limit of a head's time would not tell a head from none, and does not run before the first byte.
    server.http1().timer(TokioTimer::new()).header_read_timeout(None);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW)
        .keep_alive_interval(PING_EVERY);
    let service = {
        let (pulse, hang_up) = (pulse.clone(), HangUp(hang_up.clone()));
        service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(near);
            request.extensions_mut().insert(hang_up.clone());
            let (under_way, answer) = (pulse.request(), answer.clone());
            async move { Ok::<_, Infallible>(under_way.until_sent(answer(request).await)) }
        })
    };
    let serving =
        server.serve_connection_with_upgrades(TokioIo::new(Heard::new(stream, pulse.clone())), service);
    tokio::pin!(serving);
    let result = tokio::select! {
        result = serving.as_mut() => result,
        over = pulse.over(patience) => match over {
            // A request that comes at this moment is answered.
            Over::Idle => {
                serving.as_mut().graceful_shutdown();
                let last = tokio::time::timeout(patience.head, serving.as_mut());
                tokio::select! {
                    result = last => result.unwrap_or(Ok(())),
                    () = ending.force.cancelled() => Ok(()),
                    () = hang_up.cancelled() => Ok(()),
                }
            }
            Over::Head => Ok(()),
            // What waits to be sent is held in memory until then.
            Over::Untaken => {
                tracing::warn!("a client takes nothing any more: its connection is closed");
                Ok(())
            }
        },
        () = ending.stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                result = serving.as_mut() => result,
                () = ending.force.cancelled() => Ok(()),
                () = hang_up.cancelled() => Ok(()),
            }
        }
        () = hang_up.cancelled() => Ok(()),
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a client's connection ended early");
    }
    drop(place);
}
