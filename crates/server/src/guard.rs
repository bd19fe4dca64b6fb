//! The guard in front of every route, and the headers that keep pages from misusing ours.

use api::{ApiError, ErrorKind};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::{Door, Engine, Peer};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio_util::sync::CancellationToken;

use crate::entrance;
use crate::error::Failure;

/// Scripts, styles and connections only from ourselves; WebAssembly may be compiled.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
/// What a page's form can send to anybody without being asked.
const OF_FORMS: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// Whether whoever asks may see everything, or only that somebody is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trusted(pub(crate) bool);

/// Ends when whoever was let in would not be any more: the token that let them in was replaced. Never for others.
#[derive(Clone, Debug)]
pub(crate) struct Entrance(pub(crate) CancellationToken);

/// Refuses whom [`Guard`] refuses, before routing.
pub(crate) async fn check(State(engine): State<Engine>, mut request: Request, next: Next) -> Response {
    let guard = engine.guard();
    // Before anything is judged: a token that is replaced meanwhile ends what it lets in.
    let entrance = engine.entrance();
    let peer = request.extensions().get().copied().unwrap_or(Peer::Network);
    let method = request.method().clone();
    let door = Door::Dashboard(&method);
    let is_api = request.uri().path().starts_with("/api/");
    // Pages that the settings allow may report here as they may on the collector's port, and nothing else.
    let reports = collector::takes(request.uri().path());
    let page = request.headers().get(header::ORIGIN).filter(|_| reports && method == Method::POST).cloned();
    let mut response = match guard.judge(peer, door, &request) {
        _ if reports && guard.is_preflight(&request) => collector::preflight(request.headers()),
        Ok(()) if is_api && is_of_a_form(&method, request.headers()) => {
            let error = "Send the content type application/json: what a form sends is not taken.";
            Failure(ApiError::new(ErrorKind::UnsupportedMediaType, error)).into_response()
        }
        Ok(()) => {
            let trusted = Trusted(guard.trusts(peer, door, request.headers()));
            let asked = peer != Peer::Own || guard.requires_token();
            let entrance = if asked { entrance } else { CancellationToken::new() };
            request.extensions_mut().insert(trusted);
            request.extensions_mut().insert(Entrance(entrance));
            let mut response = next.run(request).await;
            if let Some(page) = page {
                collector::admit(response.headers_mut(), page);
            }
            response
        }
        Err(refusal) if refusal.wants_token && !is_api && entrance::is_navigation(request.headers()) => {
            entrance::ask(request.headers())
        }
        Err(refusal) => {
            let mut response = Failure(ApiError::new(ErrorKind::Forbidden, refusal.reason)).into_response();
            if refusal.wants_token {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            if peer != Peer::Own {
                // It takes no place any longer than it has to.
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // What is answered is of now and for whoever asked; only the page's own files may be kept, and are asked for again.
    if is_api || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Whether a request that may change something has the type of a form.
fn is_of_a_form(method: &Method, headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    !method.is_safe()
        && types.any(|value| {
            let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
            OF_FORMS.contains(&value.split(';').next().unwrap_or_default().trim())
        })
}
