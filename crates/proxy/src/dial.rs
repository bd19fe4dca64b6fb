//! Opens connections to upstreams: directly, or through the network's proxy where there is one. Leaves out whom nobody may
//! call (`connector`), TLS to the upstream (`client` wraps it around this) and what a failure is called (`unreachable`).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower_service::Service;

use crate::connector::Connector;
use crate::outbound::{Outbound, shown};

/// A connection is ready in this time, proxies and TLS included, or has failed.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Tcp = Connector;

/// Connects to upstreams.
#[derive(Clone)]
pub(crate) struct Dialer {
    tcp: Tcp,
    /// To proxies that are asked over TLS.
    tls: HttpsConnector<Tcp>,
    outbound: Outbound,
    /// Asks proxies for a tunnel also where they would forward plain HTTP.
    tunnels: bool,
}

/// The network's proxy did not bring us further.
#[derive(Debug, thiserror::Error)]
#[error("through the proxy {proxy}")]
pub(crate) struct ProxyFailed {
    /// Its address, without user name and password.
    pub(crate) proxy: String,
    source: BoxError,
}

impl Dialer {
    pub(crate) fn new(outbound: Outbound, authorities: Arc<rustls::ClientConfig>, own_ports: &[u16]) -> Self {
        let tcp = Connector::new(own_ports);
        Self { tls: HttpsConnector::from((tcp.clone(), authorities)), tcp, outbound, tunnels: false }
    }

    /// The same for connections that do not stay HTTP.
    pub(crate) fn tunnelling(self) -> Self {
        Self { tunnels: true, ..self }
    }

    /// The same, for fetching this machine's own credentials: to metadata services directly, to all others as before.
    pub(crate) fn with_metadata(self) -> Self {
        Self { tcp: self.tcp.with_metadata(), ..self }
    }
}

impl Service<Uri> for Dialer {
    type Response = Line;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Line, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let direct = self.tcp.is_metadata(&destination);
        let Some(proxy) = self.outbound.proxy(&destination).filter(|_| !direct) else {
            let connecting = self.tcp.call(destination);
            return Box::pin(async move {
                Ok(Line::new(Transport::Direct(connecting.await?.into_inner()), false))
            });
        };
        let (tcp, tls, tunnels) = (self.tcp.clone(), self.tls.clone(), self.tunnels);
        Box::pin(async move {
            let connected = through(&proxy, destination, tcp, tls, tunnels).await;
            connected.map_err(|source| ProxyFailed { proxy: shown(proxy.uri()), source }.into())
        })
    }
}

/// Connects to `destination` through `proxy`: a tunnel, but for plain HTTP, which an HTTP proxy forwards itself.
async fn through(
    proxy: &Intercept,
    destination: Uri,
    tcp: Tcp,
    mut tls: HttpsConnector<Tcp>,
    tunnels: bool,
) -> Result<Line, BoxError> {
    let (address, destination) = (proxy.uri().clone(), with_port(destination));
    if address.scheme_str().is_some_and(|scheme| scheme.starts_with("socks5")) {
        let mut socks = SocksV5::new(address, tcp);
        if let Some((user, password)) = proxy.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        return Ok(Line::new(Transport::Direct(socks.call(destination).await?.into_inner()), false));
    }
    if !tunnels && destination.scheme() == Some(&Scheme::HTTP) {
        return Ok(Line::new(Transport::Proxy(TokioIo::new(tls.call(address).await?)), true));
    }
    let mut tunnel = Tunnel::new(address, tls);
    if let Some(authorization) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(authorization.clone());
    }
    Ok(Line::new(Transport::Proxy(TokioIo::new(tunnel.call(destination).await?)), false))
}

/// Plain HTTP's address with its port: who tunnels takes 443 for the port of an address that names none.
fn with_port(destination: Uri) -> Uri {
    let Some(host) = destination.host().filter(|_| destination.port().is_none()) else { return destination };
    if destination.scheme() != Some(&Scheme::HTTP) {
        return destination;
    }
    let authority = format!("{host}:80");
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(authority)
        .path_and_query("/")
        .build()
        .unwrap_or(destination)
}

/// A connector that fails when a connection is not ready in time.
#[derive(Clone)]
pub(crate) struct InTime<C>(pub(crate) C);

impl<C> Service<Uri> for InTime<C>
where
    C: Service<Uri, Error = BoxError>,
    C::Future: Send + 'static,
    C::Response: Send,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(READY_TIMEOUT, self.0.call(destination));
        Box::pin(async move { connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))? })
    }
}

/// What is known of a connection from outside: when bytes last came, and how to give it up. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct LineHandle {
    opened: Instant,
    /// Milliseconds after `opened`.
    heard: Arc<AtomicU64>,
    given_up: CancellationToken,
}

impl LineHandle {
    /// How long the other side had been silent at `moment`; `None` when something came after it.
    pub(crate) fn silent_at(&self, moment: Instant) -> Option<Duration> {
        let heard = self.opened + Duration::from_millis(self.heard.load(Ordering::Relaxed));
        moment.checked_duration_since(heard)
    }

    /// Nobody waits for what is sent here any more: a write that is stuck fails.
    pub(crate) fn give_up(&self) {
        self.given_up.cancel();
    }

    fn now(&self) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(since, Ordering::Relaxed);
    }
}

/// One connection, to the upstream or to the proxy in front of it.
pub(crate) struct Line {
    io: TokioIo<Heard>,
    last: LineHandle,
    /// A proxy forwards what is sent here: requests name the whole URL.
    forwarded: bool,
}

impl Line {
    fn new(transport: Transport, forwarded: bool) -> Self {
        let last =
            LineHandle { opened: Instant::now(), heard: Arc::default(), given_up: CancellationToken::new() };
        Self { io: TokioIo::new(Heard { transport, last: last.clone(), stuck: None }), last, forwarded }
    }
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.forwarded).extra(self.last.clone())
    }
}

impl hyper::rt::Read for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, bytes)
    }
}

/// What a connection runs over.
#[expect(clippy::large_enum_variant, reason = "TLS to a proxy is rare, and a connection is made once")]
enum Transport {
    Direct(TcpStream),
    Proxy(TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>),
}

/// Takes note of when bytes came, and of whether the other side takes them.
struct Heard {
    transport: Transport,
    last: LineHandle,
    /// What was to be written last did not fit; until it does, this waits for it to be given up.
    stuck: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Heard {
    /// The result of a write; one that is stuck fails once the connection is given up.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if result.is_ready() {
            self.stuck = None;
            return result;
        }
        let given_up = &self.last.given_up;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(given_up.clone().cancelled_owned()));
        stuck.as_mut().poll(context).map(|()| Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl Drop for Heard {
    /// A connection that is given up while the other side takes nothing would wait with its end behind what is not sent
    /// yet; only a reset says at once that there is nobody any more.
    fn drop(&mut self) {
        if let (Transport::Direct(stream), true) = (&self.transport, self.stuck.is_some())
            && let Err(error) = stream.set_zero_linger()
        {
            tracing::debug!(%error, "a stalled connection cannot be reset");
        }
    }
}

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = match &mut self.transport {
            Transport::Direct(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Proxy(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        if buffer.filled().len() > before {
            self.last.now();
        }
        read
    }
}

impl AsyncWrite for Heard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.transport {
            Transport::Direct(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Proxy(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        self.written(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Direct(stream) => Pin::new(stream).poll_flush(context),
            Transport::Proxy(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Direct(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Proxy(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Direct(stream) => stream.is_write_vectored(),
            Transport::Proxy(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.transport {
            Transport::Direct(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
            Transport::Proxy(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
        };
        self.written(context, written)
    }
}
