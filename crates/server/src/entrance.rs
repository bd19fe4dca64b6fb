//! How a browser comes in where a token is asked for: `GET /login?once=…` takes a link's code for a cookie, and a page says
//! how to get such a link. Leaves out codes and cookies themselves (`guard`).

use std::time::{Instant, SystemTime};

use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::Host;
use crate::guard::Trusted;

const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
    <title>LLMFlow</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:20vh auto;padding:0 1em}\
    @media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}</style>\
    <h1>LLMFlow asks who you are</h1><p>This dashboard is opened by a link that works once, within ten minutes. \
    Make one where LLMFlow runs:<pre>llmflow open</pre><p>In a container: <code>docker exec NAME llmflow open --print</code>.";
/// A browser that came by a link on another page leaves its cookie at home. Asked by this page, it brings it along.
const AGAIN: &str =
    "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=0><title>LLMFlow</title>";

/// `GET /login`: once a link has been followed, its code is worth nothing, and the address that stays is `/`.
pub(crate) async fn enter(
    State(host): State<Host>,
    Extension(Trusted(trusted)): Extension<Trusted>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "once");
    // What fetches ahead of a click, or only looks, does not use a link up.
    let ahead = method != Method::GET || headers.contains_key(PURPOSE);
    let guard = host.engine.guard();
    let redeem = |code: &str| guard.tokens().redeem(code, Instant::now(), SystemTime::now());
    let value = code.filter(|_| !ahead).and_then(|(_, code)| redeem(&code));
    let cookie = value.and_then(|value| {
        let (name, port) = (engine::COOKIE, host.engine.settings().dashboard_port);
        let lasts = engine::COOKIE_LASTS.as_secs();
        let text = format!("{name}_{port}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={lasts}");
        HeaderValue::try_from(text).ok()
    });
    if cookie.is_none() && !trusted {
        return page(PAGE);
    }
    let home = [(header::LOCATION, HeaderValue::from_static("/"))];
    let mut response = (StatusCode::SEE_OTHER, home).into_response();
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

/// Whether a browser wants to show a page.
pub(crate) fn is_navigation(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    headers.get(FETCH_MODE).is_some_and(|mode| mode == "navigate") || accepts.contains("text/html")
}

/// The answer to a browser that has no cookie, or did not bring it.
pub(crate) fn ask(headers: &HeaderMap) -> Response {
    let from_elsewhere =
        headers.get(FETCH_SITE).is_some_and(|site| site == "cross-site" || site == "same-site");
    page(if from_elsewhere { AGAIN } else { PAGE })
}

fn page(html: &'static str) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::WWW_AUTHENTICATE, "Bearer")];
    (StatusCode::UNAUTHORIZED, kind, html).into_response()
}
