//! The guard in front of every route, and the headers that keep pages from misusing ours.

use api::{ApiError, ErrorKind};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::Guard;
use http::{HeaderMap, HeaderName, HeaderValue, header};

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

/// Refuses whom [`Guard`] refuses, before routing.
pub(crate) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = match judge(&guard, &request) {
        Ok(()) => next.run(request).await,
        Err(reason) => Failure(ApiError::new(ErrorKind::Forbidden, reason)).into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn judge(guard: &Guard, request: &Request) -> Result<(), String> {
    let headers = request.headers();
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let host = text(headers, header::HOST);
    // Both must be ours: an absolute URI does not excuse a foreign Host header.
    let hosts = [authority, host].into_iter().flatten().chain(authority.or(host).is_none().then_some(""));
    for host in hosts {
        let (origin, site) =
            (text(headers, header::ORIGIN), text(headers, HeaderName::from_static("sec-fetch-site")));
        // A person may follow a link to the dashboard from anywhere; only the page itself, never the API.
        let navigation = text(headers, HeaderName::from_static("sec-fetch-mode")) == Some("navigate")
            && request.method() == http::Method::GET
            && !request.uri().path().starts_with("/api/");
        let site = if navigation { None } else { site };
        guard.check(Some(host), origin, site, true).map_err(|refusal| refusal.0)?;
    }
    Ok(())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
