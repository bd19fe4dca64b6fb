//! How a body's bytes are put together: the coding of `body.layout`, `node.patch` and lists of ids. Pure.
//!
//! A layout is a sequence of parts; concatenated they are the body. Numbers are LEB128 varints.

use crate::StoreError;

const DAMAGED: StoreError = StoreError::Damaged("a body's layout ends in the middle");

/// One part of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// This segment.
    Segment(i64),
    /// The path from a root to this node.
    Chain(i64),
}

/// Bytes cut out of a segment, and where they go back in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    /// Offset in the segment as it is stored.
    pub(crate) at: usize,
    /// What goes there.
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn encode_parts(parts: &[Part]) -> Vec<u8> {
    let mut coded = Vec::with_capacity(parts.len() * 4);
    for part in parts {
        let (tag, id) = match part {
            Part::Segment(id) => (0, *id),
            Part::Chain(id) => (1, *id),
        };
        coded.push(tag);
        put(&mut coded, id.unsigned_abs());
    }
    coded
}

pub(crate) fn decode_parts(mut coded: &[u8]) -> Result<Vec<Part>, StoreError> {
    let mut parts = Vec::new();
    while let Some((tag, rest)) = coded.split_first() {
        coded = rest;
        let id = i64::try_from(get(&mut coded)?).map_err(|_| DAMAGED)?;
        parts.push(match tag {
            0 => Part::Segment(id),
            1 => Part::Chain(id),
            _ => return Err(StoreError::Damaged("a body's layout has an unknown part")),
        });
    }
    Ok(parts)
}

pub(crate) fn encode_ids(ids: &[i64]) -> Vec<u8> {
    let mut coded = Vec::with_capacity(ids.len() * 3);
    for id in ids {
        put(&mut coded, id.unsigned_abs());
    }
    coded
}

pub(crate) fn decode_ids(mut coded: &[u8]) -> Result<Vec<i64>, StoreError> {
    let mut ids = Vec::new();
    while !coded.is_empty() {
        ids.push(i64::try_from(get(&mut coded)?).map_err(|_| DAMAGED)?);
    }
    Ok(ids)
}

pub(crate) fn encode_patches(patches: &[Patch]) -> Option<Vec<u8>> {
    if patches.is_empty() {
        return None;
    }
    let mut coded = Vec::new();
    for patch in patches {
        put(&mut coded, patch.at as u64);
        put(&mut coded, patch.bytes.len() as u64);
        coded.extend_from_slice(&patch.bytes);
    }
    Some(coded)
}

/// Appends `segment` to `body` with the cut bytes back in their places.
pub(crate) fn append_patched(body: &mut Vec<u8>, segment: &[u8], mut coded: &[u8]) -> Result<(), StoreError> {
    let mut from = 0;
    while !coded.is_empty() {
        let at = usize::try_from(get(&mut coded)?).map_err(|_| DAMAGED)?;
        let len = usize::try_from(get(&mut coded)?).map_err(|_| DAMAGED)?;
        body.extend_from_slice(segment.get(from..at).ok_or(DAMAGED)?);
        body.extend_from_slice(coded.get(..len).ok_or(DAMAGED)?);
        coded = coded.get(len..).ok_or(DAMAGED)?;
        from = at;
    }
    body.extend_from_slice(segment.get(from..).ok_or(DAMAGED)?);
    Ok(())
}

fn put(coded: &mut Vec<u8>, mut value: u64) {
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

fn get(coded: &mut &[u8]) -> Result<u64, StoreError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_ids_come_back() {
        let parts = [Part::Segment(1), Part::Chain(300), Part::Segment(i64::MAX)];
        assert_eq!(decode_parts(&encode_parts(&parts)).unwrap(), parts);
        assert_eq!(decode_ids(&encode_ids(&[0, 127, 128, 1 << 40])).unwrap(), [0, 127, 128, 1 << 40]);
        assert!(
            decode_parts(&[0, 0x80]).is_err()
                && decode_parts(&[9, 1]).is_err()
                && decode_ids(&[0xff; 11]).is_err()
        );
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
