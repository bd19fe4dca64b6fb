//! WebSockets: the handshake goes through as any call does, then bytes go both ways untouched. Owns the handshake.
//! Leaves out carrying bytes (`tunnel`) and what is recorded of them (`observer`, `records`).

mod observer;
mod pump;
mod records;
mod tunnel;

#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::header::{self, HeaderMap};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::Empty;
use hyper::body::Incoming;

use crate::admit::{Admitted, admit, refused, speaks};
use crate::azure::Azure;
use crate::body::{ResponseBody, Tapped};
use crate::capture::{Ending, Head};
use crate::forward::{Kept, describe, keep_end_to_end, prepare_headers};
use crate::provider::PathRule;
use crate::recorder::{Open, Recorder};
use crate::reply;
use crate::route::Destination;
use crate::send::once;
use crate::serve::Shared;
use crate::target::{Refusal, Target};
use crate::unreachable::explain;
use crate::watch::{Passing, Watch};

use observer::Observer;
pub(crate) use tunnel::Tunnel;

/// Where a connection leaves what it has become.
pub(crate) type Slot = Arc<Mutex<Option<Tunnel>>>;

/// Whether a request wants its connection to become a WebSocket. What only says so in part is an ordinary request.
pub(crate) fn asks(request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.body().is_end_stream()
        && headers.contains_key(header::SEC_WEBSOCKET_KEY)
        && names(headers, &header::CONNECTION, "upgrade")
        && names(headers, &header::UPGRADE, "websocket")
}

/// Whether one of a header's tokens is `token`.
fn names(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|named| named.trim().eq_ignore_ascii_case(token))
}

/// Asks the upstream for a WebSocket. When it agrees, both connections become a tunnel in `slot`; when it does not, its
/// answer is the client's.
pub(crate) async fn relay(
    shared: &Arc<Shared>,
    to: &Destination,
    mut request: Request<Incoming>,
    origin: Instant,
    slot: &Slot,
) -> Response<ResponseBody> {
    let provider = &to.provider;
    let open = Open::new(&shared.tap.counters);
    let target = match aim(shared, to, request.headers()) {
        Ok(target) => target,
        Err(refusal) => return refused(provider, speaks(to), &refusal),
    };
    let admitted = admit(&shared.keys.current(), to, &target, request.headers());
    let Admitted { auth, path_and_query, uri } = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => return refused(provider, speaks(to), &refusal),
    };
    if let Err(refusal) = shared.gate.judge_socket(to, &target, request.headers()) {
        return refused(provider, speaks(to), &refusal);
    }
    let base = &target.base;
    let mut head = describe(shared, provider, base, &path_and_query, &request);
    auth.note(&mut head);
    let mut handshake = Handshake { shared: shared.clone(), head: Some(head), origin, open: Some(open) };

    let client = hyper::upgrade::on(&mut request);
    let (mut parts, _) = request.into_parts();
    prepare_headers(&mut parts.headers, base, &auth, Kept::WebSocket);
    (parts.uri, parts.version) = (uri, Version::HTTP_11);
    match once(&shared.clients.upgrading, Request::from_parts(parts, Empty::new())).await {
        Ok(mut response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            if !names(response.headers(), &header::UPGRADE, "websocket") {
                let reason =
                    format!("{} switched to a protocol that nobody had asked for (101).", base.authority);
                return handshake.unreachable(&reason);
            }
            let upstream = hyper::upgrade::on(&mut response);
            keep_end_to_end(response.headers_mut(), Kept::WebSocket, |_| true);
            response.headers_mut().remove(header::CONTENT_LENGTH);
            let Some((head, open)) = handshake.agreed() else {
                return reply::empty(StatusCode::INTERNAL_SERVER_ERROR);
            };
            let observer = Observer::start(&shared.tap, head, origin, response.headers());
            let tunnel = Tunnel { client, upstream, observer, _open: open };
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(tunnel);
            *response.version_mut() = Version::HTTP_11;
            let extensions = std::mem::take(response.extensions_mut());
            let mut answer = reply::empty(StatusCode::SWITCHING_PROTOCOLS);
            std::mem::swap(answer.headers_mut(), response.headers_mut());
            *answer.extensions_mut() = extensions;
            answer
        }
        Ok(response) => handshake.refused(response),
        Err(error) => {
            let reason = explain(&error, base.authority.as_str());
            tracing::warn!(provider = provider.name, upstream = %base.authority, reason, "upstream did not answer");
            handshake.unreachable(&reason)
        }
    }
}

/// The address of the handshake; it has no body that could name a deployment.
fn aim(shared: &Shared, to: &Destination, headers: &HeaderMap) -> Result<Target, Refusal> {
    if to.provider.path == PathRule::Bedrock {
        let message = "Bedrock speaks no WebSocket. Use converse-stream or invoke-with-response-stream.";
        return Err(Refusal::bad_request(message.to_owned()));
    }
    let mut target = shared.upstreams.aim(to, headers)?;
    if target.needs_model {
        let deployment = Azure::named_deployment(headers).ok_or_else(|| {
            let message = "LLMFlow cannot tell which deployment this WebSocket is for. Name it in the header \
                           x-azure-deployment, or in the path: /azure/openai/…";
            Refusal::bad_request(message.to_owned())
        })?;
        target.path_and_query = shared.upstreams.azure().at(deployment, &target.path_and_query);
    }
    Ok(target)
}

/// A handshake under way. Dropped without a word, the client left: that is recorded too.
struct Handshake {
    shared: Arc<Shared>,
    head: Option<Head>,
    origin: Instant,
    open: Option<Open>,
}

impl Handshake {
    /// Both sides agreed: what the record begins with.
    fn agreed(&mut self) -> Option<(Head, Open)> {
        Some((self.head.take()?, self.open.take()?))
    }

    /// What goes along with an answer that is no WebSocket.
    fn watch(&mut self) -> Option<Watch> {
        let (head, open) = self.agreed()?;
        let tap = &self.shared.tap;
        Some(match tap.paused.load(Ordering::Relaxed) {
            true => Watch::Passing(Passing::open(&tap.counters, open)),
            false => Watch::Recording(Recorder::open(tap, head, self.origin, open)),
        })
    }

    /// The upstream does not agree: its answer goes through as any does.
    fn refused(&mut self, mut response: Response<Incoming>) -> Response<ResponseBody> {
        let Some(mut watch) = self.watch() else { return reply::empty(StatusCode::INTERNAL_SERVER_ERROR) };
        watch.answered(response.status().as_u16(), response.headers());
        keep_end_to_end(response.headers_mut(), Kept::Call, |_| true);
        let line = response.extensions_mut().remove();
        *response.version_mut() = Version::HTTP_11;
        response.map(|body| ResponseBody::Upstream(Box::new(Tapped::new(body, watch, None, line))))
    }

    fn unreachable(&mut self, reason: &str) -> Response<ResponseBody> {
        let speaks = self.head.as_ref().map_or_else(String::new, |head| head.provider.speaks.clone());
        if let Some(mut watch) = self.watch() {
            watch.end(Ending::Unreachable(reason.to_owned()));
        }
        reply::error(StatusCode::BAD_GATEWAY, &speaks, "upstream_unreachable", reason)
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        // Only dropping it tells how a recorder's call ended.
        drop(self.watch());
    }
}
