//! Cutting a body into stretches and arrays of elements, their cache markers apart; what is large and has no form is cut
//! by its content. Pure; leaves out storing.

use bytes::Bytes;
use fastcdc::v2020::FastCDC;
use model::segment::{BodyPart, scan};

use crate::layout::{Patch, encode_patches};
use crate::write::Body;

/// From this size on a body without a known form is cut by its content: smaller ones are as well stored whole.
const LARGE: usize = 256 << 10;
/// Bytes of a piece that is cut by content. Each is looked for by a hash of its own.
const SMALLEST: usize = 16 << 10;
const USUAL: usize = 64 << 10;
const LARGEST: usize = 256 << 10;

/// One piece of a body.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Bytes outside the big arrays.
    Stretch(Bytes),
    /// One big array's elements.
    Array(Vec<Element>),
}

/// One element, its cache markers cut out.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) bytes: Bytes,
    /// The markers, and where they go back in.
    pub(crate) patch: Option<Vec<u8>>,
}

/// The pieces of `body`, none of them empty.
pub(crate) fn cut(body: &Body) -> Vec<Piece> {
    let bytes = &body.bytes;
    if bytes.is_empty() {
        return Vec::new();
    }
    if is_opaque(body) {
        return chunks(bytes);
    }
    if !body.segmented {
        return vec![Piece::Stretch(bytes.clone())];
    }
    scan(bytes)
        .into_iter()
        .filter_map(|part| match part {
            BodyPart::Literal(range) if range.is_empty() => None,
            BodyPart::Literal(range) => Some(Piece::Stretch(at(bytes, range))),
            BodyPart::Array(elements) if elements.is_empty() => None,
            BodyPart::Array(elements) => {
                let elements = elements.into_iter().map(|element| {
                    let (bytes, patches) = strip(bytes, element.range, &element.markers);
                    Element { bytes, patch: encode_patches(&patches) }
                });
                Some(Piece::Array(elements.collect()))
            }
        })
        .collect()
}

/// Whether a body is large and of no form that is known here: an upload, a file, a recording.
fn is_opaque(body: &Body) -> bool {
    let first = body.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    body.bytes.len() >= LARGE && !matches!(first, Some(b'{' | b'['))
}

/// Cut where the bytes themselves say so: a file that is sent again in another form is cut in the same places.
fn chunks(bytes: &Bytes) -> Vec<Piece> {
    let cut = FastCDC::new(bytes, SMALLEST, USUAL, LARGEST);
    cut.map(|chunk| Piece::Stretch(at(bytes, chunk.offset..chunk.offset + chunk.length))).collect()
}

fn at(body: &Bytes, range: std::ops::Range<usize>) -> Bytes {
    if range.start <= range.end && range.end <= body.len() { body.slice(range) } else { Bytes::new() }
}

/// The element without its cache markers, and how to put them back.
fn strip(
    body: &Bytes,
    range: std::ops::Range<usize>,
    markers: &[std::ops::Range<usize>],
) -> (Bytes, Vec<Patch>) {
    if markers.is_empty() {
        return (at(body, range), Vec::new());
    }
    let (mut stripped, mut patches, mut from) = (Vec::with_capacity(range.len()), Vec::new(), range.start);
    for marker in markers {
        stripped.extend_from_slice(body.get(from..marker.start).unwrap_or_default());
        let bytes = body.get(marker.clone()).unwrap_or_default().to_vec();
        patches.push(Patch { at: stripped.len(), bytes });
        from = marker.end;
    }
    stripped.extend_from_slice(body.get(from..range.end).unwrap_or_default());
    (stripped.into(), patches)
}
