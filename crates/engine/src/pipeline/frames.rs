//! Cutting a call's credentials out of a copy of an event stream: what its frames hold may be in base64, and a frame of which
//! the content changes needs its length and checksums anew.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::eventstream::{Frame, frames};
use proxy::Secrets;
use serde_json::{Value, json};

/// Whether a body of this type is framed.
pub(super) fn is_framed(content_type: Option<&str>) -> bool {
    content_type.is_some_and(|kind| kind.contains("amazon.eventstream"))
}

/// `stream` without the credentials; `None` when none stands there.
pub(super) fn scrub(stream: &[u8], secrets: &Secrets) -> Option<Vec<u8>> {
    let mut clean: Option<Vec<u8>> = None;
    let mut rest = frames(stream);
    let mut from = 0;
    while let Some(frame) = rest.next() {
        let raw = stream.get(from..rest.at()).unwrap_or_default();
        let changed = match &frame {
            Ok(frame) => payload(frame, secrets).map(|payload| frame.with(&payload)),
            // What is no frame has nothing to be kept in order.
            Err(_) => secrets.scrub(raw),
        };
        if changed.is_some() && clean.is_none() {
            clean = Some(stream.get(..from).unwrap_or_default().to_vec());
        }
        if let Some(clean) = &mut clean {
            clean.extend_from_slice(changed.as_deref().unwrap_or(raw));
        }
        from = rest.at();
    }
    clean
}

/// A frame's payload without the credentials; `None` when none stands there.
fn payload(frame: &Frame<'_>, secrets: &Secrets) -> Option<Vec<u8>> {
    let chunk: Option<Value> = serde_json::from_slice(frame.payload).ok();
    let inner = chunk.as_ref().and_then(|chunk| STANDARD.decode(chunk.get("bytes")?.as_str()?).ok());
    let inner = inner.and_then(|inner| secrets.scrub(&inner));
    match inner {
        Some(inner) => Some(json!({"bytes": STANDARD.encode(inner)}).to_string().into_bytes()),
        None => secrets.scrub(frame.payload),
    }
}
