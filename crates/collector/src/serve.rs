//! A collector's own listener: accept, serve HTTP/1.1 and HTTP/2, let in whom the guard lets in, drain when told to stop.
//! It is handed a bound socket and bears a bounded number of connections.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware;
use axum::response::Response;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use crate::decode::Encoding;
use crate::over_grpc;
use crate::over_http::{any_address, refusal, root, routes};
use crate::problem::Problem;
use crate::receiver::Receiver;

/// Connections of senders at one time; one more is closed without a word, and its sender comes again.
const CONNECTIONS: usize = 1024;
/// Streams of one HTTP/2 connection at a time.
const MAX_STREAMS: u32 = 256;
/// After a failed accept (out of file descriptors, say) the listener waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a sender may take for a request's head.
const HEAD: Duration = Duration::from_secs(30);
/// An HTTP/2 sender is asked for a sign of life after this time.
const PING_EVERY: Duration = Duration::from_secs(60);
/// A large body should not stop for a window that is full.
const WINDOW: u32 = 1 << 20;

/// Judges whether a request may come in, by where it goes and what its headers say; a refusal says why.
pub type Judge = Arc<dyn Fn(&Uri, &HeaderMap) -> Result<(), String> + Send + Sync>;

/// Takes OTLP in on `listener` until `stop`; when the future ends, the port is closed. What is under way goes on in
/// `connections` until it ends or `force` is cancelled.
pub async fn serve(
    receiver: Receiver,
    judge: Judge,
    listener: TcpListener,
    connections: TaskTracker,
    stop: CancellationToken,
    force: CancellationToken,
) {
    let router = routes(receiver.clone())
        .route("/", root(receiver.clone()))
        .route("/health", axum::routing::get(health))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(receiver, any_address));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let Ok(place) = places.clone().try_acquire_owned() else {
                    tracing::warn!(limit = CONNECTIONS, "too many connections send telemetry");
                    continue;
                };
                let door = Door { router: router.clone(), judge: judge.clone() };
                connections.spawn(connection(door, stream, place, stop.clone(), force.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    door: Door,
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    stop: CancellationToken,
    force: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW)
        .keep_alive_interval(PING_EVERY);
    let service = service_fn(move |request| {
        let door = door.clone();
        async move { Ok::<_, Infallible>(door.enter(request).await) }
    });
    let serving = server.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                result = serving.as_mut() => result,
                () = force.cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a sender's connection ended early");
    }
    drop(place);
}

/// What stands before the routes.
#[derive(Clone)]
struct Door {
    router: Router,
    judge: Judge,
}

impl Door {
    async fn enter(mut self, request: Request<Incoming>) -> Response {
        if let Err(reason) = (self.judge)(request.uri(), request.headers()) {
            return forbidden(reason, request.headers());
        }
        // Who gets here with an origin is a page that the settings allow.
        let page = request.headers().get(header::ORIGIN).cloned();
        if let Some(page) = &page
            && request.method() == Method::OPTIONS
        {
            return preflight(page, request.headers());
        }
        let answered = self.router.call(request.map(Body::new)).await;
        let mut response = answered.unwrap_or_else(|never| match never {});
        if let Some(page) = page {
            admit(response.headers_mut(), page);
        }
        response
    }
}

fn forbidden(reason: String, headers: &HeaderMap) -> Response {
    let problem = Problem::Forbidden(reason);
    match over_grpc::is_grpc(headers) {
        true => over_grpc::failure(&problem),
        false => refusal(&problem, Encoding::Json),
    }
}

fn admit(headers: &mut HeaderMap, page: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

/// The answer to the question that a browser asks before it sends a page's request.
fn preflight(page: &HeaderValue, asked: &HeaderMap) -> Response {
    const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
    const ALLOWS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    admit(headers, page.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    for names in asked.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.append(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    if asked.contains_key(ASKS_PRIVATE) {
        headers.insert(ALLOWS_PRIVATE, HeaderValue::from_static("true"));
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}

/// For whoever asks who has this port.
async fn health() -> Response {
    const BODY: &str = r#"{"service":"otlp","status":"ok"}"#;
    let mut response = Response::new(Body::from(BODY));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn unknown(request: Request) -> Response {
    let path = request.uri().path();
    let problem = Problem::Unknown(format!(
        "OTLP has no {path:?}: LLMFlow takes /v1/traces, /v1/logs and /v1/metrics; give exporters the address without a path as OTEL_EXPORTER_OTLP_ENDPOINT"
    ));
    refusal(&problem, Encoding::Json)
}
