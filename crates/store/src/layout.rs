//! How bytes are put together from stretches: the coding of layouts, chains and cache markers. Pure.
//!
//! Numbers are LEB128 varints. A place is coded against the pack it is written in, so that most are small.

use crate::StoreError;

const DAMAGED: StoreError = StoreError::Damaged("a body's layout ends in the middle");

/// Where a stretch of bytes stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) pack: i64,
    /// Of the pack's bytes, uncompressed.
    pub(crate) at: u32,
    pub(crate) len: u32,
}

/// One part of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// These bytes.
    Stretch(Place),
    /// The elements of this chain; into some of them, by number, these patches go.
    Chain(Place, Vec<(usize, Vec<u8>)>),
}

/// Elements of an array: those of an earlier chain, then some of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) base: Option<Place>,
    pub(crate) own: Vec<Place>,
}

/// Bytes cut out of an element, and where they go back in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    /// Offset in the element as it is stored.
    pub(crate) at: usize,
    /// What goes there.
    pub(crate) bytes: Vec<u8>,
}

/// `parts`, to be written in pack `own`.
pub(crate) fn encode_parts(own: i64, parts: &[Part]) -> Vec<u8> {
    let mut coded = Vec::with_capacity(parts.len() * 8);
    for part in parts {
        match part {
            Part::Stretch(place) => {
                coded.push(0);
                put_place(&mut coded, own, *place);
            }
            Part::Chain(place, patches) => {
                coded.push(1);
                put_place(&mut coded, own, *place);
                put(&mut coded, patches.len() as u64);
                for (element, patch) in patches {
                    put(&mut coded, *element as u64);
                    put_bytes(&mut coded, patch);
                }
            }
        }
    }
    coded
}

pub(crate) fn decode_parts(own: i64, mut coded: &[u8]) -> Result<Vec<Part>, StoreError> {
    let mut parts = Vec::new();
    while let Some((tag, rest)) = coded.split_first() {
        coded = rest;
        let place = get_place(&mut coded, own)?;
        parts.push(match tag {
            0 => Part::Stretch(place),
            1 => {
                let mut patches = Vec::new();
                for _ in 0..get(&mut coded)? {
                    patches.push((get_len(&mut coded)?, get_bytes(&mut coded)?.to_vec()));
                }
                Part::Chain(place, patches)
            }
            _ => return Err(StoreError::Damaged("a body's layout has an unknown part")),
        });
    }
    Ok(parts)
}

/// `chain`, to be written in pack `own`.
pub(crate) fn encode_chain(own: i64, chain: &Chain) -> Vec<u8> {
    let mut coded = vec![u8::from(chain.base.is_some())];
    for place in chain.base.iter().chain(&chain.own) {
        put_place(&mut coded, own, *place);
    }
    coded
}

pub(crate) fn decode_chain(own: i64, coded: &[u8]) -> Result<Chain, StoreError> {
    let (has_base, mut coded) = coded.split_first().ok_or(DAMAGED)?;
    let base = (*has_base == 1).then(|| get_place(&mut coded, own)).transpose()?;
    let mut chain = Chain { base, own: Vec::new() };
    while !coded.is_empty() {
        chain.own.push(get_place(&mut coded, own)?);
    }
    Ok(chain)
}

pub(crate) fn encode_patches(patches: &[Patch]) -> Option<Vec<u8>> {
    if patches.is_empty() {
        return None;
    }
    let mut coded = Vec::new();
    for patch in patches {
        put(&mut coded, patch.at as u64);
        put_bytes(&mut coded, &patch.bytes);
    }
    Some(coded)
}

/// Appends `element` to `body` with the cut bytes back in their places.
pub(crate) fn append_patched(body: &mut Vec<u8>, element: &[u8], mut coded: &[u8]) -> Result<(), StoreError> {
    let mut from = 0;
    while !coded.is_empty() {
        let at = get_len(&mut coded)?;
        let patch = get_bytes(&mut coded)?;
        body.extend_from_slice(element.get(from..at).ok_or(DAMAGED)?);
        body.extend_from_slice(patch);
        from = at;
    }
    body.extend_from_slice(element.get(from..).ok_or(DAMAGED)?);
    Ok(())
}

/// A place in the pack `own` or in one before it.
fn put_place(coded: &mut Vec<u8>, own: i64, place: Place) {
    put(coded, own.abs_diff(place.pack));
    put(coded, u64::from(place.at));
    put(coded, u64::from(place.len));
}

fn get_place(coded: &mut &[u8], own: i64) -> Result<Place, StoreError> {
    let back = i64::try_from(get(coded)?).map_err(|_| DAMAGED)?;
    let pack = own.checked_sub(back).ok_or(DAMAGED)?;
    Ok(Place { pack, at: get_u32(coded)?, len: get_u32(coded)? })
}

pub(crate) fn put_bytes(coded: &mut Vec<u8>, bytes: &[u8]) {
    put(coded, bytes.len() as u64);
    coded.extend_from_slice(bytes);
}

pub(crate) fn get_bytes<'a>(coded: &mut &'a [u8]) -> Result<&'a [u8], StoreError> {
    let len = get_len(coded)?;
    let (bytes, rest) = coded.split_at_checked(len).ok_or(DAMAGED)?;
    *coded = rest;
    Ok(bytes)
}

pub(crate) fn put(coded: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            coded.push(low);
            return;
        }
        coded.push(low | 0x80);
    }
}

pub(crate) fn get(coded: &mut &[u8]) -> Result<u64, StoreError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = coded.split_first().ok_or(DAMAGED)?;
        *coded = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(DAMAGED)
}

pub(crate) fn get_u32(coded: &mut &[u8]) -> Result<u32, StoreError> {
    u32::try_from(get(coded)?).map_err(|_| DAMAGED)
}

fn get_len(coded: &mut &[u8]) -> Result<usize, StoreError> {
    usize::try_from(get(coded)?).map_err(|_| DAMAGED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = Place { pack: 300, at: 7, len: 1 << 30 };
    const BEFORE: Place = Place { pack: 1, at: 0, len: 0 };

    #[test]
    fn parts_and_chains_come_back() {
        let parts =
            [Part::Stretch(HERE), Part::Chain(BEFORE, vec![(3, b"ab".to_vec())]), Part::Chain(HERE, vec![])];
        assert_eq!(decode_parts(300, &encode_parts(300, &parts)).unwrap(), parts);
        for base in [None, Some(BEFORE)] {
            let chain = Chain { base, own: vec![HERE, BEFORE] };
            assert_eq!(decode_chain(300, &encode_chain(300, &chain)).unwrap(), chain);
        }
    }

    #[test]
    fn damage_is_an_error() {
        for coded in [&[0, 0x80][..], &[9, 1, 1, 1], &[1, 0, 0, 0, 5], &[0, 0, 0xff, 0xff, 0xff, 0xff, 0xff]]
        {
            assert!(decode_parts(1, coded).is_err(), "{coded:?}");
        }
        assert!(decode_chain(1, &[]).is_err() && decode_chain(1, &[1, 0]).is_err());
    }

    #[test]
    fn patches_go_back_to_their_places() {
        let patches = [Patch { at: 0, bytes: b"<".to_vec() }, Patch { at: 2, bytes: b"||".to_vec() }];
        let mut body = Vec::new();
        append_patched(&mut body, b"abc", &encode_patches(&patches).unwrap()).unwrap();
        assert_eq!(body, b"<ab||c");
        assert!(append_patched(&mut Vec::new(), b"abc", &[9, 1, 0]).is_err());
    }
}
