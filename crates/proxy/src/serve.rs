//! The proxy's listeners: accept, serve, and drain when told to stop. They are handed bound sockets.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::forward::handle;
use crate::guard::Guard;
use crate::keys::Keys;
use crate::recorder::Tap;
use crate::upstream::{HttpClient, Upstreams, client};

/// A client that opens a connection and sends no request is let go after this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// Headers of one message; hyper's own limit of a hundred is less than some gateways send.
pub(crate) const MAX_HEADERS: usize = 512;
/// After a failed accept (out of file descriptors, say) the listener waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Everything the calls share.
pub(crate) struct Shared {
    pub(crate) tap: Tap,
    pub(crate) guard: Guard,
    pub(crate) upstreams: Upstreams,
    pub(crate) keys: Keys,
    pub(crate) client: HttpClient,
    pub(crate) started: Instant,
}

/// A proxy that is ready to serve.
#[derive(Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
}

impl Proxy {
    /// A proxy to `upstreams` that answers whom `guard` lets in, lends them `keys`, and reports to `tap`.
    ///
    /// Fails when the platform's certificate store cannot be read.
    pub fn new(tap: Tap, guard: Guard, upstreams: Upstreams, keys: Keys) -> std::io::Result<Self> {
        let client = client(upstreams.own_ports())?;
        let started = Instant::now();
        Ok(Self { shared: Arc::new(Shared { tap, guard, upstreams, keys, client, started }) })
    }

    /// The same proxy for listening once more: calls that an earlier stop cuts late do not touch the new ones.
    pub fn again(&self) -> Self {
        let Shared { tap, guard, upstreams, keys, client, started } = &*self.shared;
        let tap = Tap { stopping: Arc::default(), ..tap.clone() };
        let (guard, upstreams, keys) = (guard.clone(), upstreams.clone(), keys.clone());
        let (client, started) = (client.clone(), *started);
        Self { shared: Arc::new(Shared { tap, guard, upstreams, keys, client, started }) }
    }

    /// Whether calls that begin from now on are forwarded without a record.
    pub fn pause(&self, paused: bool) {
        self.shared.tap.paused.store(paused, Ordering::Relaxed);
    }
}

/// Serves `listener` until `stop`; when the future ends, the port is closed. Calls under way go on in `connections`
/// until they end or `force` is cancelled.
pub async fn serve(
    proxy: Proxy,
    listener: TcpListener,
    connections: TaskTracker,
    stop: CancellationToken,
    force: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(proxy.clone(), stream, stop.clone(), force.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(proxy: Proxy, stream: TcpStream, stop: CancellationToken, force: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .preserve_header_case(true)
        .max_headers(MAX_HEADERS)
        // The upstream's own Date goes through; where it sends none, neither do we.
        .auto_date_header(false);
    server.http2().timer(TokioTimer::new()).auto_date_header(false);
    let shared = proxy.shared.clone();
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(handle(shared, request).await) }
    });
    let serving = server.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                result = serving.as_mut() => result,
                () = force.cancelled() => {
                    proxy.shared.tap.stopping.store(true, Ordering::Relaxed);
                    Ok(())
                }
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a client's connection ended early");
    }
}
