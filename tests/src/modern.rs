//! What raw bytes cannot play: an upstream that speaks HTTP/2, over TLS under an authority of its own, and a client that
//! speaks HTTP/2 in clear. Both are hyper's. Leaves out HTTP/1.1 (`mock`, `client`).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use crate::raw::Raw;
use crate::wait::within;

/// A body of either side; an error breaks it off.
pub type Piecewise = BoxBody<Bytes, std::io::Error>;
type Handler = Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response<Piecewise>> + Send + Sync>;

/// A body in one piece.
pub fn whole(body: impl Into<Bytes>) -> Piecewise {
    Full::new(body.into()).map_err(|never| match never {}).boxed()
}

/// What an upstream was asked, bodies aside.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which HTTP it came by.
    pub version: Version,
    /// The request's line and headers.
    pub head: http::request::Parts,
}

/// An upstream over TLS. Dropping it closes every connection.
pub struct SecureUpstream {
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate of its authority, as a file.
    pub authority: PathBuf,
    _folder: tempfile::TempDir,
    asked: Arc<Mutex<Vec<Asked>>>,
    raw: Raw,
}

impl SecureUpstream {
    /// An upstream for `name` that offers `protocols` (ALPN) and answers with `handler`.
    pub async fn start<F>(
        name: &str,
        protocols: &[&str],
        handler: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<Piecewise>> + Send + 'static,
    {
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        let noted = asked.clone();
        let mut upstream =
            Self::by_hand(name, protocols, move |_, stream| serve(stream, handler.clone(), noted.clone()))
                .await;
        upstream.asked = asked;
        upstream
    }

    /// An upstream that hands each connection with its number, from zero, to `script`.
    pub async fn by_hand<F>(
        name: &str,
        protocols: &[&str],
        script: impl Fn(usize, TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let folder = tempfile::tempdir().unwrap();
        let authority = folder.path().join("authority.pem");
        let tls = TlsAcceptor::from(Arc::new(server_config(name, protocols, &authority)));
        let script = Arc::new(script);
        let raw = Raw::start(move |number, line| {
            let (tls, script) = (tls.clone(), script.clone());
            async move {
                if let Ok(stream) = tls.accept(line.stream).await {
                    script(number, stream).await;
                }
            }
        })
        .await;
        Self { address: raw.address, authority, _folder: folder, asked: Arc::default(), raw }
    }

    /// What it was asked until now.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Connections that were made to it.
    pub fn connections(&self) -> usize {
        self.raw.connections()
    }
}

fn server_config(name: &str, protocols: &[&str], authority: &std::path::Path) -> ServerConfig {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut own = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    own.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    own.distinguished_name.push(rcgen::DnType::CommonName, "LLMFlow's tests");
    let certificate = own.self_signed(&key).unwrap();
    std::fs::write(authority, certificate.pem()).unwrap();
    let issuer = rcgen::Issuer::new(own, key);
    let server_key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let server = server.signed_by(&server_key, &issuer).unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![server.der().clone()];
    let key = PrivateKeyDer::try_from(server_key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config
}

async fn serve(stream: TlsStream<TcpStream>, handler: Handler, asked: Arc<Mutex<Vec<Asked>>>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (head, body) = request.into_parts();
        asked.lock().unwrap().push(Asked { version: head.version, head: head.clone() });
        let answering = handler(Request::from_parts(head, body));
        async move { Ok::<_, std::convert::Infallible>(answering.await) }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    let _ended_somehow = server.serve_connection(TokioIo::new(stream), service).await;
}

/// An HTTP/2 connection of a client that knows beforehand that it is understood. Clones share it.
#[derive(Clone)]
pub struct Http2 {
    sender: hyper::client::conn::http2::SendRequest<Piecewise>,
}

impl Http2 {
    /// Connects in clear.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = within("connecting", TcpStream::connect(address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = within("the HTTP/2 handshake", handshake).await.unwrap();
        TaskTracker::new().spawn(connection);
        Self { sender }
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(&self, request: Request<Piecewise>) -> hyper::Result<Response<Incoming>> {
        let mut sender = self.sender.clone();
        within("an answer by HTTP/2", async move {
            sender.ready().await?;
            sender.send_request(request).await
        })
        .await
    }
}
