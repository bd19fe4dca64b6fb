//! A recorded answer in the pieces in which it came, with their moments. Pure.

use api::{CallDetail, Header};
use bytes::Bytes;

use super::Answer;
use crate::pipeline::broke_off;

/// Headers of a connection, of a body's coding, or of a moment: none is true a second time.
const LEFT_OUT: [&str; 10] = [
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// What stands in a recorded text where a credential was.
const MARK: &str = "[key:";

/// A piece of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// When it came, in microseconds since the request.
    pub at_us: u64,
    /// What came.
    pub data: Bytes,
}

/// What the client of `call` got; `body` is all of it.
pub(super) fn answer(call: &CallDetail, body: &Bytes) -> Option<Answer> {
    let (status, recorded, encoded) = match &call.translated {
        Some(translated) => (translated.status, &translated.response_headers, true),
        None => (call.summary.status, &call.response_headers, call.response_body.encoding.is_some()),
    };
    let kept = |header: &&Header| {
        !LEFT_OUT.contains(&header.name.to_ascii_lowercase().as_str()) && !header.value.contains(MARK)
    };
    let has_length = recorded.iter().any(|header| header.name.eq_ignore_ascii_case("content-length"));
    let breaks_off = broke_off(&call.summary);
    Some(Answer {
        call: call.summary.id,
        status: status?,
        headers: recorded.iter().filter(kept).cloned().collect(),
        length: (has_length && !breaks_off).then_some(body.len() as u64),
        head_us: call.timing.headers_us.or(call.timing.first_byte_us).unwrap_or(0),
        pieces: pieces(call, body, encoded),
        breaks_off,
    })
}

/// The body cut where its pieces ended. Where they are pieces of something else (of what was compressed or translated),
/// each takes its part.
fn pieces(call: &CallDetail, body: &Bytes, elsewhere: bool) -> Vec<Piece> {
    let timing = &call.timing;
    let end_us = timing.end_us.or(timing.first_byte_us).unwrap_or(0);
    let timed: u64 = timing.chunks.iter().map(|chunk| u64::from(chunk.bytes)).sum();
    let wire = call.response_body.wire_bytes.max(timed).max(1);
    let (mut pieces, mut gone, mut from) = (Vec::new(), 0_u64, 0);
    for chunk in &timing.chunks {
        gone = gone.saturating_add(u64::from(chunk.bytes));
        let until = match elsewhere {
            false => usize::try_from(gone).unwrap_or(usize::MAX),
            true => {
                let part = u128::from(gone) * body.len() as u128 / u128::from(wire);
                usize::try_from(part).unwrap_or(usize::MAX)
            }
        };
        let until = until.clamp(from, body.len());
        if until > from {
            pieces.push(Piece { at_us: chunk.at_us, data: body.slice(from..until) });
            from = until;
        }
    }
    if from < body.len() {
        pieces.push(Piece { at_us: end_us, data: body.slice(from..) });
    }
    pieces
}
