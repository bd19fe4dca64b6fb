//! One call from the client's request to the upstream's answer. Leaves out what is kept of it (`recorder`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use guard::{Door, Peer};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tokio_util::task::TaskTracker;

use crate::admit::{Admitted, admit, refused, speaks};
use crate::auth::{self, Auth};
use crate::azure::Azure;
use crate::bedrock::Signer;
use crate::body::{RequestBody, ResponseBody, Tapped};
use crate::capture::{Ending, Head};
use crate::cors::Page;
use crate::peek::{PeekError, Peeked};
use crate::provider::{PathRule, Provider};
use crate::recorder::{Open, Recorder};
use crate::redact::Secrets;
use crate::replay::{self, Again};
use crate::reply;
use crate::route::{Destination, Route, route};
use crate::send::{Expectation, send};
use crate::serve::Shared;
use crate::target::{Refusal, Target};
use crate::translation::{Translation, translate};
use crate::unreachable::explain;
use crate::upstream::Base;
use crate::watch::{Passing, Watch};
use crate::websocket::{self, Slot};

pub(crate) const PROVIDER_HEADER: &str = "x-llmflow-provider";
/// Connection-level headers end with the connection they came on.
const HOP_BY_HOP: &[HeaderName] = &[
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
];
/// What a connection says that becomes a WebSocket.
const UPGRADE: HeaderValue = HeaderValue::from_static("Upgrade");
const HOP_BY_HOP_OLD: &[&str] = &["keep-alive", "proxy-connection"];

/// Answers one request.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    peer: Peer,
    mut request: Request<Incoming>,
    slot: &Slot,
) -> Response<ResponseBody> {
    if request.version() == Version::HTTP_2 {
        join_cookies(request.headers_mut());
    }
    let origin = Instant::now();
    // Whom it stands for matters only of callers that are not let in anyway.
    let local_key = peer != Peer::Own && auth::has_local_key(&shared.keys.current(), &request);
    let door = Door::Proxy { local_key };
    // Browsers show neither token nor key with it.
    if shared.guard.is_preflight(&request)
        && let Some(page) = Page::of(request.headers())
    {
        return page.preflight(request.headers());
    }
    if let Err(refusal) = shared.guard.judge(peer, door, &request) {
        let (status, kind) = match refusal.wants_token {
            true => (StatusCode::UNAUTHORIZED, "authentication_error"),
            false => (StatusCode::FORBIDDEN, "forbidden"),
        };
        let mut response = reply::error(status, "openai", kind, &refusal.reason);
        if peer != Peer::Own {
            // It takes no place any longer than it has to.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        return response;
    }
    let Some(page) = Page::of(request.headers()) else { return answer(&shared, request, origin, slot).await };
    let mut response = answer(&shared, request, origin, slot).await;
    page.admit(response.headers_mut());
    response
}

async fn answer(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
    origin: Instant,
    slot: &Slot,
) -> Response<ResponseBody> {
    if request.method() == http::Method::CONNECT {
        let message = "LLMFlow is set as a base URL, not as an HTTP proxy: it does not tunnel. WebSockets are taken \
                       over HTTP/1.1.";
        return reply::error(StatusCode::METHOD_NOT_ALLOWED, "openai", "unsupported_method", message);
    }
    let asked = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let chosen = request.headers().get(PROVIDER_HEADER).and_then(|value| value.to_str().ok());
    let providers = shared.upstreams.providers();
    match route(providers, request.method().as_str(), asked, chosen) {
        Route::Health => {
            let counters = &shared.tap.counters;
            let (seen, open) = (counters.seen.load(Ordering::Relaxed), counters.open.load(Ordering::Relaxed));
            let recording = !shared.tap.paused.load(Ordering::Relaxed);
            reply::health(
                !shared.tap.sender.is_closed(),
                recording,
                seen,
                open,
                shared.started.elapsed().as_secs(),
                providers,
            )
        }
        Route::BedrockHealth => {
            let state = shared.bedrock.look().await;
            reply::bedrock_health(&state, shared.tap.counters.decode_errors.load(Ordering::Relaxed))
        }
        Route::Providers => reply::providers(providers),
        Route::Refused(reason) => reply::error(StatusCode::NOT_FOUND, "openai", "unknown_route", &reason),
        Route::Upstream(to) if websocket::asks(&request) => {
            websocket::relay(shared, &to, request, origin, slot).await
        }
        Route::Upstream(to) if is_coded(request.headers()) => {
            let message = "LLMFlow reads no Transfer-Encoding but \"chunked\". Send the body as it is; what compresses \
                           it belongs into Content-Encoding.";
            let speaks = to.provider.speaks.as_str();
            reply::error(StatusCode::NOT_IMPLEMENTED, speaks, "unsupported_transfer_encoding", message)
        }
        Route::Upstream(to) => forward(shared, &to, request.map(Peeked::new), origin).await,
    }
}

pub(crate) async fn forward(
    shared: &Shared,
    to: &Destination,
    mut request: Request<Peeked>,
    origin: Instant,
) -> Response<ResponseBody> {
    let (provider, speaks) = (&to.provider, speaks(to));
    // It is under way from here on: a body that is looked at takes room too.
    let open = Open::new(&shared.tap.counters);
    let translation = match to.translated {
        None => None,
        Some(from_to) => match translate(from_to, provider, &shared.tap.held, &mut request).await {
            Ok(translation) => Some(translation),
            Err(refusal) => {
                TaskTracker::new().spawn(request.into_body().discard());
                return refusal;
            }
        },
    };
    let target = match aim(shared, to, translation.as_ref(), &mut request).await {
        Ok(target) => target,
        Err(refusal) => return refuse(to, &refusal, request),
    };
    let keys = shared.keys.current();
    let admitted = admit(&keys, to, &target, request.headers());
    let Admitted { auth, path_and_query, uri } = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(to, &refusal, request),
    };
    let again = request.extensions().get::<Again>().cloned();
    if again.is_some()
        && let Err(refusal) = replay::may_go(&keys, provider, &target, &auth)
    {
        return refuse(to, &refusal, request);
    }
    if let Err(refusal) = shared.gate.judge(to, &target, &mut request, &shared.tap.held).await {
        return refuse(to, &refusal, request);
    }
    let mut signer = None;
    if auth.signs() {
        match sign_with(shared, &target, &mut request).await {
            Ok(found) => signer = Some(found),
            Err(refusal) => return refuse(to, &refusal, request),
        }
    }
    let base = &target.base;
    let tap = &shared.tap;
    let mut watch = match tap.paused.load(Ordering::Relaxed) {
        // It would be money spent that nobody finds again.
        true if again.is_some() => return refuse(to, &unrecorded(), request),
        true => Watch::Passing(Passing::open(&tap.counters, open)),
        false => {
            let mut head = describe(shared, provider, base, &path_and_query, &request);
            auth.note(&mut head);
            if let Some(signer) = &signer {
                signer.note(&mut head, &tap.fingerprinter);
            }
            Watch::Recording(Recorder::open(tap, head, origin, open))
        }
    };
    if let Some(again) = &again {
        again.begun();
    }
    if let Some(translation) = &translation {
        watch.translated(&translation.asked);
        translation.prepare(request.headers_mut());
    }
    let (mut parts, body) = request.into_parts();
    prepare_headers(&mut parts.headers, base, &auth, Kept::Call);
    parts
        .headers
        .extend(shared.outbound.authorization(&uri).map(|value| (header::PROXY_AUTHORIZATION, value)));
    (parts.uri, parts.version) = (uri, Version::HTTP_11);
    if let Some(Err(refusal)) = signer.as_mut().map(|signer| signer.sign(&mut parts)) {
        watch.end(Ending::Unreachable(refusal.message.clone()));
        return reply::error(refusal.status, speaks, refusal.kind, &refusal.message);
    }
    let expectation = Expectation::of(&mut parts);
    let body = RequestBody::new(body, watch.request(), expectation.clone());

    match send(&shared.clients, Request::from_parts(parts, body)).await {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let reason = format!(
                "{} answered by switching to another protocol (101), which nobody had asked for. Check this provider's \
                 base_url in the settings.",
                base.authority
            );
            tracing::warn!(provider = provider.name, upstream = %base.authority, "an answer was of no use: {reason}");
            watch.end(Ending::Unreachable(reason.clone()));
            reply::error(StatusCode::BAD_GATEWAY, speaks, "upstream_unreachable", &reason)
        }
        Ok(mut response) => {
            if let Some(expectation) = &expectation {
                expectation.answered();
            }
            watch.answered(response.status().as_u16(), response.headers());
            if let Some(signer) = &signer {
                signer.answered(response.status(), response.headers());
            }
            keep_end_to_end(response.headers_mut(), Kept::Call, |_| true);
            let line = response.extensions_mut().remove().filter(|_| response.version() != Version::HTTP_2);
            *response.version_mut() = Version::HTTP_11;
            let response = response.map(|body| Tapped::new(body, watch, expectation, line));
            match translation {
                Some(translation) => translation.answer(response, &shared.tap.held).await,
                None => response.map(|tapped| ResponseBody::Upstream(Box::new(tapped))),
            }
        }
        Err(_) if watch.request().is_broken() => {
            watch.end(Ending::Cancelled);
            let message = "The request's body broke off before its end.";
            reply::error(StatusCode::BAD_REQUEST, speaks, "invalid_request_error", message)
        }
        Err(error) => {
            let reason = explain(&error, base.authority.as_str());
            tracing::warn!(provider = provider.name, upstream = %base.authority, reason, "upstream did not answer");
            watch.end(Ending::Unreachable(reason.clone()));
            reply::error(StatusCode::BAD_GATEWAY, speaks, "upstream_unreachable", &reason)
        }
    }
}

/// The answer to a call that is not forwarded, and why.
fn refuse(to: &Destination, refusal: &Refusal, request: Request<Peeked>) -> Response<ResponseBody> {
    let response = refused(&to.provider, speaks(to), refusal);
    // Nobody waits for this: it ends with the connection at the latest.
    TaskTracker::new().spawn(request.into_body().discard());
    response
}

/// Why a replay is not sent while recording is paused.
fn unrecorded() -> Refusal {
    Refusal {
        status: StatusCode::SERVICE_UNAVAILABLE,
        kind: "recording_paused",
        message: "Recording is paused, so that a replay would leave no record. Resume it first.".to_owned(),
    }
}

/// What signs a call, its body read.
async fn sign_with(
    shared: &Shared,
    target: &Target,
    request: &mut Request<Peeked>,
) -> Result<Signer, Refusal> {
    let mut signer = shared.bedrock.signer(target.region.as_deref()).await?;
    let headers = request.headers().clone();
    signer.read(request.body_mut(), &target.path_and_query, &headers, &shared.tap.held).await?;
    Ok(signer)
}

/// The address a call goes to; what the body has to say about it is read first.
pub(crate) async fn aim(
    shared: &Shared,
    to: &Destination,
    translation: Option<&Translation>,
    request: &mut Request<Peeked>,
) -> Result<Target, Refusal> {
    if to.provider.path == PathRule::Bedrock {
        return shared.bedrock.aim(&shared.upstreams, to, request.headers()).await;
    }
    let mut target = shared.upstreams.aim(to, request.headers())?;
    if let Some(translation) = translation {
        target.path_and_query.clone_from(&translation.path_and_query);
    }
    if !target.needs_model {
        return Ok(target);
    }
    let azure = shared.upstreams.azure();
    let headers = request.headers().clone();
    target.path_and_query = match Azure::named_deployment(&headers) {
        Some(deployment) => azure.at(deployment, &target.path_and_query),
        None => {
            let model = request.body_mut().model(&headers, &shared.tap.held).await;
            azure.deployed(&model.map_err(unknown_deployment)?, &target.path_and_query)
        }
    };
    Ok(target)
}

/// Why a call to Azure goes nowhere.
fn unknown_deployment(error: PeekError) -> Refusal {
    match error {
        PeekError::Client => {
            Refusal::bad_request("The request's body broke off before its end.".to_owned())
        }
        PeekError::NoRoom => Refusal {
            status: StatusCode::SERVICE_UNAVAILABLE,
            kind: "overloaded",
            message: "LLMFlow has no memory left to look for the model in this body. Try again shortly, raise memory_mb \
                      in the settings, or name the deployment in the header x-azure-deployment."
                .to_owned(),
        },
        PeekError::None | PeekError::TooLarge => Refusal::bad_request(
            "LLMFlow cannot tell which deployment this is for: the first MiB of the body names no model. Send it as \
             \"model\" there, uncompressed, or name the deployment in the header x-azure-deployment or in the path: \
             /azure/openai/deployments/DEPLOYMENT/…?api-version=…"
                .to_owned(),
        ),
    }
}

/// Whether the body travels in a coding that would be lost, since it ends with the connection.
fn is_coded(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let mut codings =
        codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    codings.any(|coding| !coding.eq_ignore_ascii_case(b"chunked"))
}

/// The record's head, its credentials replaced.
pub(crate) fn describe<B>(
    shared: &Shared,
    provider: &Arc<Provider>,
    base: &Base,
    path_and_query: &str,
    request: &Request<B>,
) -> Head {
    let (mut secrets, mut credential) = (Secrets::default(), None);
    let fingerprinter = &shared.tap.fingerprinter;
    let headers = fingerprinter.headers(request.headers(), &mut secrets, &mut credential);
    let query = request.uri().query().map(|query| fingerprinter.query(query, &mut secrets, &mut credential));
    let headers = headers
        .into_iter()
        .map(|header| api::Header { value: secrets.scrub_text(header.value), ..header })
        .collect();
    let upstream_path = path_and_query.split('?').next().unwrap_or_default().to_owned();
    // Only what is made within this process has one: no client can put its calls apart.
    let again = request.extensions().get::<Again>();
    Head {
        id: again.map_or_else(|| api::CallId::new(uuid::Uuid::now_v7()), |again| again.id),
        started: SystemTime::now(),
        provider: provider.clone(),
        upstream: base.authority.as_str().to_owned(),
        upstream_path: secrets.scrub_text(upstream_path),
        method: request.method().as_str().to_owned(),
        path: secrets.scrub_text(request.uri().path().to_owned()),
        query: query.map(|query| secrets.scrub_text(query)),
        http_version: version_name(request.version()),
        headers,
        credential,
        local_key: None,
        replay: again.map(|again| again.of.clone()),
        secrets,
    }
}

fn version_name(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

/// HTTP/2 may cut a cookie header into pieces, which only HTTP/2 puts together again (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let pieces: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if pieces.len() > 1
        && let Ok(whole) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, whole);
    }
}

/// Everything goes on but what ends here: the connection's own headers and those meant for us.
pub(crate) fn prepare_headers(headers: &mut HeaderMap, base: &Base, auth: &Auth, kept: Kept) {
    keep_end_to_end(headers, kept, |name| !name.as_str().starts_with("x-llmflow-"));
    if let Ok(host) = HeaderValue::from_str(base.authority.as_str()) {
        headers.insert(header::HOST, host);
    }
    drop_own_cookies(headers);
    auth.apply(headers);
}

/// A browser sends the dashboard's cookie to every port of this machine. It goes no further.
fn drop_own_cookies(headers: &mut HeaderMap) {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
    let Some(rest) = cookies.and_then(guard::without_cookie) else { return };
    match HeaderValue::try_from(rest) {
        Ok(rest) if !rest.is_empty() => _ = headers.insert(header::COOKIE, rest),
        Ok(_) | Err(_) => _ = headers.remove(header::COOKIE),
    }
}

/// Which of the connection's own headers go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// None.
    Call,
    /// Those that make it a WebSocket.
    WebSocket,
}

/// Leaves out the connection's own headers and those that `keep` refuses. The map is made anew, since removing from
/// one would change the order of the others.
pub(crate) fn keep_end_to_end(headers: &mut HeaderMap, kept: Kept, keep: impl Fn(&HeaderName) -> bool) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // An end-to-end header named here would be a way to make us drop it.
        .filter(|name: &HeaderName| {
            !matches!(*name, header::AUTHORIZATION | header::HOST | header::CONTENT_LENGTH)
        })
        .collect();
    let mut all = std::mem::take(headers);
    // Where both tell the body's end, the coding counts and the length must not go on (RFC 9112, 6.3).
    if all.contains_key(header::TRANSFER_ENCODING) {
        all.remove(header::CONTENT_LENGTH);
    }
    for (name, value) in &all {
        if kept == Kept::WebSocket && matches!(*name, header::CONNECTION | header::UPGRADE) {
            // Other options of the connection end here, as the headers they name.
            let value = if *name == header::CONNECTION { UPGRADE } else { value.clone() };
            headers.append(name, value);
            continue;
        }
        let ends_here = HOP_BY_HOP.contains(name)
            || HOP_BY_HOP_OLD.contains(&name.as_str())
            || named.contains(name)
            // `TE: trailers` is the one value that may travel on.
            || (*name == header::TE && value != "trailers");
        if !ends_here && keep(name) {
            headers.append(name, value.clone());
        }
    }
}
