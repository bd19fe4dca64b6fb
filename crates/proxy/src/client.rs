//! The client that asks upstreams: keep-alive, HTTP/2 where TLS negotiates it, the platform's authorities.
//! Leaves out the connections (`dial`) and trying again (`send`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;

use crate::body::RequestBody;
use crate::dial::{Dialer, InTime};
use crate::outbound::Outbound;
use crate::serve::{MAX_HEAD, MAX_HEADERS};

/// Shorter than the minute after which the usual load balancers close a connection, so that few are met closing.
const KEEP_IDLE: Duration = Duration::from_secs(55);
/// An HTTP/2 peer that does not answer a ping in this time is gone; silence between events is no sign of that.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type HttpClient<B = RequestBody> = Client<InTime<HttpsConnector<Dialer>>, B>;

/// The clients for calls, which never call `own_ports` of this machine.
pub(crate) struct Clients {
    /// Takes connections that are idle.
    pub(crate) pooled: HttpClient,
    /// Makes a connection for each call.
    pub(crate) fresh: HttpClient,
    /// Makes connections that may become WebSockets: HTTP/1.1, tunnelled through any proxy.
    pub(crate) upgrading: HttpClient<Empty<Bytes>>,
}

impl Clients {
    pub(crate) fn new(outbound: &Outbound, own_ports: &[u16]) -> std::io::Result<Self> {
        let config = Arc::new(tls()?);
        let dialer = || Dialer::new(outbound.clone(), config.clone(), own_ports);
        let upgrading = HttpsConnectorBuilder::new()
            .with_tls_config((*config).clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(dialer().tunnelling());
        Ok(Self {
            pooled: over(connector(dialer(), &config), usize::MAX),
            fresh: over(connector(dialer(), &config), 0),
            upgrading: over(upgrading, 0),
        })
    }
}

/// A client for a few questions of our own, which never calls `own_ports` of this machine.
pub(crate) fn client<B>(outbound: &Outbound, own_ports: &[u16]) -> std::io::Result<HttpClient<B>>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    let config = Arc::new(tls()?);
    let dialer = Dialer::new(outbound.clone(), config.clone(), own_ports);
    Ok(over(connector(dialer, &config), usize::MAX))
}

/// A client for fetching this machine's own credentials: the only one that may reach a metadata service.
pub(crate) fn for_credentials<B>(outbound: &Outbound, own_ports: &[u16]) -> std::io::Result<HttpClient<B>>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    let config = Arc::new(tls()?);
    let dialer = Dialer::new(outbound.clone(), config.clone(), own_ports).with_metadata();
    Ok(over(connector(dialer, &config), 0))
}

fn connector(dialer: Dialer, config: &Arc<rustls::ClientConfig>) -> HttpsConnector<Dialer> {
    HttpsConnectorBuilder::new()
        .with_tls_config((**config).clone())
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(dialer)
}

fn over<B>(connector: HttpsConnector<Dialer>, keep_idle: usize) -> HttpClient<B>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEEP_IDLE)
        .pool_max_idle_per_host(keep_idle)
        .http1_preserve_header_case(true)
        .http1_max_headers(MAX_HEADERS)
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_PATIENCE)
        .http2_max_header_list_size(MAX_HEAD)
        .build(InTime(connector))
}

/// TLS that trusts whom the platform trusts, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name instead. A machine with no
/// authorities at all still reaches its local models; every other call says what is missing.
fn tls() -> std::io::Result<rustls::ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "certificates of authorities cannot be read");
    }
    let mut authorities = RootCertStore::empty();
    let (taken, ignored) = authorities.add_parsable_certificates(found.certs);
    tracing::debug!(taken, ignored, "certificates of authorities");
    if authorities.is_empty() {
        tracing::warn!(
            "this machine trusts no authority, so no provider can be reached by https; install ca-certificates or set SSL_CERT_FILE"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.map_err(std::io::Error::other)?;
    Ok(config.with_root_certificates(authorities).with_no_client_auth())
}
