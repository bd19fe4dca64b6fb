//! A collector's own listener: lets in whom the guard lets in. Leaves out connections (`listen`).

use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware;
use axum::response::Response;
use guard::{Door, Guard, Peer, Refusal};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use crate::decode::Encoding;
use crate::listen::{CONNECTIONS, Ending, listen};
use crate::over_grpc;
use crate::over_http::{any_address, refusal, root, routes};
use crate::patience::Patience;
use crate::problem::Problem;
use crate::receiver::Receiver;

/// Takes OTLP in on `listener`, from whom `guard` lets in, until `stop`; when the future ends, the port is closed. What is under way goes on in
/// `connections` until it ends or `force` is cancelled.
pub async fn serve(
    receiver: Receiver,
    guard: Guard,
    listener: TcpListener,
    connections: TaskTracker,
    stop: CancellationToken,
    force: CancellationToken,
) {
    let counts = receiver.inbox.shared_counts();
    let router = routes(receiver.clone())
        .route("/", root(receiver.clone()))
        .route("/health", axum::routing::get(health))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(receiver, any_address));
    let entrance = Entrance { router, guard: guard.clone() };
    let answer = move |request| {
        let entrance = entrance.clone();
        async move { entrance.enter(request).await }
    };
    let full = || {
        if counts.turned_away.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(limit = CONNECTIONS, "too many connections send telemetry");
        }
    };
    listen(listener, guard, Patience::default(), answer, full, Ending { connections, stop, force }).await;
}

/// What stands before the routes.
#[derive(Clone)]
struct Entrance {
    router: Router,
    guard: Guard,
}

impl Entrance {
    async fn enter(mut self, request: Request<Incoming>) -> Response {
        let peer = request.extensions().get().copied().unwrap_or(Peer::Network);
        // Browsers show no token with it.
        if self.guard.is_preflight(&request) {
            return preflight(request.headers());
        }
        if let Err(refusal) = self.guard.judge(peer, Door::Collector, &request) {
            let mut response = forbidden(refusal, request.headers());
            if peer != Peer::Own {
                // It takes no place any longer than it has to.
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            return response;
        }
        // Who gets here with an origin is a page that the settings allow.
        let page = request.headers().get(header::ORIGIN).cloned();
        let answered = self.router.call(request.map(Body::new)).await;
        let mut response = answered.unwrap_or_else(|never| match never {});
        if let Some(page) = page {
            admit(response.headers_mut(), page);
        }
        response
    }
}

fn forbidden(Refusal { wants_token, reason }: Refusal, headers: &HeaderMap) -> Response {
    let problem = if wants_token { Problem::WithoutToken(reason) } else { Problem::Forbidden(reason) };
    match over_grpc::is_grpc(headers) {
        true => over_grpc::failure(&problem),
        false => refusal(&problem, Encoding::Json),
    }
}

/// Lets an allowed page read an answer.
pub fn admit(headers: &mut HeaderMap, page: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

/// The answer to the question that a browser asks before it sends an allowed page's request.
pub fn preflight(asked: &HeaderMap) -> Response {
    const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
    const ALLOWS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if let Some(page) = asked.get(header::ORIGIN) {
        admit(headers, page.clone());
    }
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
