//! A call's bodies as they are kept: decoded, without its credentials, with their size and hash on the wire. Leaves out
//! what they say (`record`).

use api::{BodyInfo, Header, Translated};
use bytes::Bytes;
use proxy::{Captured, Closed};
use sha2::{Digest, Sha256};
use store::Body;

use super::decode::decode;
use super::frames;
use super::record::find;

/// How much of a call is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Everything.
    Whole,
    /// Only what the wire says; bodies stay as they came.
    Bytes,
}

/// A body decoded and without the call's credentials, and what is known of it.
pub(super) fn body(
    captured: &Captured,
    headers: &[Header],
    call: &Closed,
    depth: Depth,
) -> (Bytes, BodyInfo) {
    let wire = captured.to_bytes();
    let encoding = find(headers, "content-encoding").filter(|encoding| *encoding != "identity");
    let mut decoded = decode(&wire, encoding.filter(|_| depth == Depth::Whole));
    if captured.cut || decoded.cut {
        let kept = decoded.bytes.len() - call.head.secrets.straddling(&decoded.bytes);
        decoded.bytes.truncate(kept);
    }
    let secrets = &call.head.secrets;
    let scrubbed = match frames::is_framed(find(headers, "content-type")) && depth == Depth::Whole {
        true => frames::scrub(&decoded.bytes, secrets),
        false => secrets.scrub(&decoded.bytes),
    };
    let scrubbed = scrubbed.map(Bytes::from);
    let digest = captured.wire_sha256.unwrap_or_else(|| Sha256::digest(&wire).into());
    let info = BodyInfo {
        wire_bytes: captured.wire_bytes,
        wire_sha256: (captured.wire_bytes > 0).then(|| hex(&digest)),
        stored_bytes: scrubbed.as_ref().unwrap_or(&decoded.bytes).len() as u64,
        content_type: find(headers, "content-type").map(str::to_owned),
        encoding: encoding.map(str::to_owned),
        cut: captured.cut || decoded.cut,
        inexact: scrubbed.is_some(),
    };
    (scrubbed.unwrap_or(decoded.bytes), info)
}

/// What the client sent and got, of a translated call.
pub(super) fn client_side(call: &Closed, depth: Depth) -> Option<(Box<[Body; 2]>, Box<Translated>)> {
    let side = call.client.as_deref()?;
    let answered = side.answered.as_ref();
    let headers = answered.map(|head| head.headers.as_slice()).unwrap_or_default();
    let (request, request_body) = body(&side.request, &call.head.headers, call, depth);
    let (answer, response_body) = body(&side.answer, headers, call, depth);
    let told = Translated {
        upstream_path: call.head.upstream_path.clone(),
        request_body,
        status: answered.map(|head| head.status),
        response_headers: headers.to_vec(),
        response_body,
    };
    let bodies =
        [Body { bytes: request, segmented: depth == Depth::Whole }, Body { bytes: answer, segmented: false }];
    Some((Box::new(bodies), Box::new(told)))
}

/// Headers and, under names that no header can have, those that came after the body.
pub(super) fn with_trailers(headers: &[Header], captured: &Captured) -> Vec<Header> {
    let trailer = |trailer: &Header| Header { name: format!("trailer:{}", trailer.name), ..trailer.clone() };
    headers.iter().cloned().chain(captured.trailers.iter().map(trailer)).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _always_ok = write!(text, "{byte:02x}");
        text
    })
}
