//! Cutting a body into segments and chains, by content. Pure; leaves out what is stored already.

use bytes::Bytes;
use model::segment::{BodyPart, scan};

use super::{Hash, NodeKey};
use crate::layout::{Patch, encode_patches};
use crate::write::Body;

/// A body cut into its pieces, by content.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(super) pieces: Vec<Piece>,
}

/// One stretch of a body.
#[derive(Debug)]
pub(super) enum Piece {
    /// Bytes outside the big arrays.
    Segment(Segment),
    /// An array: for each element the key of its node, its segment and its patch.
    Chain(Vec<(NodeKey, Segment, Option<Vec<u8>>)>),
}

/// Bytes and their hash.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(super) hash: Hash,
    pub(super) bytes: Bytes,
    /// As it will be stored, once somebody has compressed it.
    pub(super) packed: Option<Packed>,
}

/// A segment's bytes as they are stored.
#[derive(Clone, Debug)]
pub(super) enum Packed {
    /// Compressed.
    Smaller(Vec<u8>),
    /// As they are: compressing does not help.
    AsIs,
}

impl Segment {
    fn new(bytes: Bytes) -> Self {
        Self { hash: *blake3::hash(&bytes).as_bytes(), bytes, packed: None }
    }
}

impl Cut {
    pub(crate) fn new(body: &Body) -> Self {
        let bytes = &body.bytes;
        if !body.segmented {
            let whole = (!bytes.is_empty()).then(|| Piece::Segment(Segment::new(bytes.clone())));
            return Self { pieces: whole.into_iter().collect() };
        }
        let pieces = scan(bytes)
            .into_iter()
            .filter_map(|part| match part {
                BodyPart::Literal(range) if range.is_empty() => None,
                BodyPart::Literal(range) => Some(Piece::Segment(Segment::new(at(bytes, range)))),
                BodyPart::Array(elements) if elements.is_empty() => None,
                BodyPart::Array(elements) => {
                    let mut key = NodeKey::default();
                    let chain = elements.into_iter().map(|element| {
                        let (stripped, patches) = strip(bytes, element.range, &element.markers);
                        let segment = Segment::new(stripped);
                        let patch = encode_patches(&patches);
                        key = node_key(key, &segment.hash, patch.as_deref());
                        (key, segment, patch)
                    });
                    Some(Piece::Chain(chain.collect()))
                }
            })
            .collect();
        Self { pieces }
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.pieces.iter().flat_map(|piece| -> Box<dyn Iterator<Item = &Segment>> {
            match piece {
                Piece::Segment(segment) => Box::new(std::iter::once(segment)),
                Piece::Chain(chain) => Box::new(chain.iter().map(|(_, segment, _)| segment)),
            }
        })
    }

    pub(crate) fn segments_mut(&mut self) -> impl Iterator<Item = &mut Segment> {
        self.pieces.iter_mut().flat_map(|piece| -> Box<dyn Iterator<Item = &mut Segment>> {
            match piece {
                Piece::Segment(segment) => Box::new(std::iter::once(segment)),
                Piece::Chain(chain) => Box::new(chain.iter_mut().map(|(_, segment, _)| segment)),
            }
        })
    }

    pub(super) fn node_keys(&self) -> impl Iterator<Item = NodeKey> {
        self.pieces
            .iter()
            .flat_map(|piece| match piece {
                Piece::Segment(_) => &[][..],
                Piece::Chain(chain) => chain.as_slice(),
            })
            .map(|(key, _, _)| *key)
    }
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

fn node_key(parent: NodeKey, segment: &Hash, patch: Option<&[u8]>) -> NodeKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&parent).update(segment).update(patch.unwrap_or_default());
    let mut key = NodeKey::default();
    key.copy_from_slice(hasher.finalize().as_bytes().split_at(16).0);
    key
}
