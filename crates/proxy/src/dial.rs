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
use tower_service::Service;

use crate::connector::Connector;
use crate::outbound::{Outbound, shown};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Tcp = Connector;

/// Connects to upstreams.
#[derive(Clone)]
pub(crate) struct Dialer {
    tcp: Tcp,
    /// To proxies that are asked over TLS.
    tls: HttpsConnector<Tcp>,
    outbound: Outbound,
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
        Self { tls: HttpsConnector::from((tcp.clone(), authorities)), tcp, outbound }
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
        let Some(proxy) = self.outbound.proxy(&destination) else {
            let connecting = self.tcp.call(destination);
            return Box::pin(async move {
                Ok(Line::new(Transport::Direct(connecting.await?.into_inner()), false))
            });
        };
        let (tcp, tls) = (self.tcp.clone(), self.tls.clone());
        Box::pin(async move {
            let connected = through(&proxy, destination, tcp, tls).await;
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
) -> Result<Line, BoxError> {
    let address = proxy.uri().clone();
    if address.scheme_str().is_some_and(|scheme| scheme.starts_with("socks5")) {
        let mut socks = SocksV5::new(address, tcp);
        if let Some((user, password)) = proxy.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        return Ok(Line::new(Transport::Direct(socks.call(destination).await?.into_inner()), false));
    }
    if destination.scheme() == Some(&Scheme::HTTP) {
        return Ok(Line::new(Transport::Proxy(TokioIo::new(tls.call(address).await?)), true));
    }
    let mut tunnel = Tunnel::new(address, tls);
    if let Some(authorization) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(authorization.clone());
    }
    Ok(Line::new(Transport::Proxy(TokioIo::new(tunnel.call(destination).await?)), false))
}

/// When bytes last came on a connection. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct LastHeard {
    opened: Instant,
    /// Milliseconds after `opened`.
    heard: Arc<AtomicU64>,
}

impl LastHeard {
    /// How long the other side had been silent at `moment`; `None` when something came after it.
    pub(crate) fn silent_at(&self, moment: Instant) -> Option<Duration> {
        let heard = self.opened + Duration::from_millis(self.heard.load(Ordering::Relaxed));
        moment.checked_duration_since(heard)
    }

    fn now(&self) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(since, Ordering::Relaxed);
    }
}

/// One connection, to the upstream or to the proxy in front of it.
pub(crate) struct Line {
    io: TokioIo<Heard>,
    last: LastHeard,
    /// A proxy forwards what is sent here: requests name the whole URL.
    forwarded: bool,
}

impl Line {
    fn new(transport: Transport, forwarded: bool) -> Self {
        let last = LastHeard { opened: Instant::now(), heard: Arc::default() };
        Self { io: TokioIo::new(Heard { transport, last: last.clone() }), last, forwarded }
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

/// Takes note of when bytes came.
struct Heard {
    transport: Transport,
    last: LastHeard,
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
        match &mut self.transport {
            Transport::Direct(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Proxy(stream) => Pin::new(stream).poll_write(context, bytes),
        }
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
        match &mut self.transport {
            Transport::Direct(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
            Transport::Proxy(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
        }
    }
}
