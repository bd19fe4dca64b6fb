//! Bodies as stretches and chains: storing what is new, and putting a body together again.
//!
//! A chain is an array's elements: those of the longest chain met before that this one begins with, then its own. So
//! a conversation that is sent again with two messages more costs those two.

use bytes::Bytes;

use crate::StoreError;
use crate::cut::{Element, Piece, cut};
use crate::known::{Key, Met};
use crate::layout::{
    Chain, Part, Place, append_patched, decode_chain, decode_parts, encode_chain, encode_parts,
};
use crate::pack::{Packer, Reader};
use crate::write::Body;

/// What is shorter is stored again rather than looked for.
const SHORTEST_SHARED: usize = 64;
/// An answer is as good as never repeated; only those above this size are worth looking for.
const LARGEST_UNIQUE: usize = 64 << 10;
/// Chains that stand behind each other at most, so that reading one does not lead through a hundred packs for its
/// list alone; then the whole list is written once more.
const DEEPEST: u32 = 32;

/// Stores what is new in `body`: its layout, and what nobody had said before.
pub(crate) fn store(
    body: &Body,
    packer: &mut Packer<'_>,
    fresh: &mut Vec<Bytes>,
) -> Result<Vec<u8>, StoreError> {
    let mut parts = Vec::new();
    for piece in cut(body) {
        parts.push(match piece {
            Piece::Stretch(bytes) => {
                let shared = body.segmented || body.bytes.len() > LARGEST_UNIQUE;
                let key = (shared && bytes.len() >= SHORTEST_SHARED).then(|| hash(&bytes));
                Part::Stretch(stretch(bytes, key, packer, fresh)?)
            }
            Piece::Array(elements) => chain(elements, packer, fresh)?,
        });
    }
    for part in &parts {
        let (Part::Stretch(place) | Part::Chain(place, _)) = part;
        packer.name(*place);
    }
    Ok(encode_parts(packer.id(), &parts))
}

/// `bytes`, where they stand already if `key` says so.
fn stretch(
    bytes: Bytes,
    key: Option<Key>,
    packer: &mut Packer<'_>,
    fresh: &mut Vec<Bytes>,
) -> Result<Place, StoreError> {
    if let Some(met) = key.and_then(|key| packer.known.get(&key)) {
        return Ok(met.place);
    }
    let place = packer.add(&bytes)?;
    if let Some(key) = key {
        packer.remember(key, Met { place, depth: 0 });
    }
    fresh.push(bytes);
    Ok(place)
}

fn chain(
    elements: Vec<Element>,
    packer: &mut Packer<'_>,
    fresh: &mut Vec<Bytes>,
) -> Result<Part, StoreError> {
    let mut beginning = Key::default();
    let keys: Vec<(Key, Key)> = elements
        .iter()
        .map(|element| {
            let key = hash(&element.bytes);
            beginning = hash(&[beginning, key].concat());
            (key, beginning)
        })
        .collect();
    let count = elements.len();
    let longest = keys.iter().rposition(|(_, beginning)| packer.known.get(beginning).is_some());
    let longest = longest.and_then(|last| Some((last + 1, packer.known.get(&keys.get(last)?.1)?)));
    let base = longest.filter(|(met, base)| *met == count || base.depth < DEEPEST);
    let met = base.map_or(0, |(met, _)| met);
    let (mut own, mut patches) = (Vec::new(), Vec::new());
    for (number, (element, (key, _))) in elements.into_iter().zip(&keys).enumerate() {
        if number >= met {
            let key = (element.bytes.len() >= SHORTEST_SHARED).then_some(*key);
            own.push(stretch(element.bytes, key, packer, fresh)?);
        }
        patches.extend(element.patch.map(|patch| (number, patch)));
    }
    if let Some((_, base)) = base.filter(|_| met == count) {
        return Ok(Part::Chain(base.place, patches));
    }
    let base = base.map(|(_, base)| base);
    for place in base.iter().map(|base| &base.place).chain(&own) {
        packer.name(*place);
    }
    let chain = encode_chain(packer.id(), &Chain { base: base.map(|base| base.place), own });
    let place = packer.add(&chain)?;
    packer.remember(beginning, Met { place, depth: base.map_or(0, |base| base.depth) + 1 });
    Ok(Part::Chain(place, patches))
}

fn hash(bytes: &[u8]) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(blake3::hash(bytes).as_bytes().split_at(16).0);
    key
}

/// The bytes of the body with this layout, which stands in pack `own`.
pub(crate) async fn put_together(
    reader: &mut Reader<'_>,
    own: i64,
    layout: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let mut body = Vec::new();
    for part in decode_parts(own, layout)? {
        match part {
            Part::Stretch(place) => body.extend_from_slice(&reader.stretch(place).await?),
            Part::Chain(place, patches) => {
                let mut patches = patches.iter().peekable();
                for (number, element) in elements(reader, place).await?.into_iter().enumerate() {
                    let patch = patches.next_if(|(at, _)| *at == number).map(|(_, patch)| patch.as_slice());
                    append_patched(&mut body, &reader.stretch(element).await?, patch.unwrap_or_default())?;
                }
            }
        }
    }
    Ok(body)
}

/// What of the body with this layout was new: it stands in the body's own pack, from `begins` on.
pub(crate) async fn new_stretches(
    reader: &mut Reader<'_>,
    own: i64,
    begins: u32,
    layout: &[u8],
) -> Result<Vec<Place>, StoreError> {
    let is_new = |place: &Place| place.pack == own && place.at >= begins;
    let mut new = Vec::new();
    for part in decode_parts(own, layout)? {
        match part {
            Part::Stretch(place) => new.push(place),
            Part::Chain(place, _) if is_new(&place) => {
                new.extend(decode_chain(own, &reader.stretch(place).await?)?.own);
            }
            Part::Chain(..) => {}
        }
    }
    new.retain(is_new);
    Ok(new)
}

/// Where the elements of the chain at `place` stand.
pub(crate) async fn elements(reader: &mut Reader<'_>, place: Place) -> Result<Vec<Place>, StoreError> {
    let (mut links, mut next) = (Vec::new(), Some(place));
    while let Some(place) = next {
        let chain = decode_chain(place.pack, &reader.stretch(place).await?)?;
        // A chain stands behind what it goes on from: a damaged one must not lead in circles.
        if chain.base.is_some_and(|base| base >= place) {
            return Err(StoreError::Damaged("a chain goes on from a later one"));
        }
        next = chain.base;
        links.push(chain.own);
    }
    Ok(links.into_iter().rev().flatten().collect())
}
