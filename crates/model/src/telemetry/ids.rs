//! Ids of traces and spans from any text: what is hex of the right length is taken as it is, anything else by its
//! digest, so that who looks for it under the client's own words finds it.

use super::wire::{SpanId, TraceId};

/// The trace of this name.
pub fn trace_id(text: &str) -> TraceId {
    id(text, "trace")
}

/// The span of this name.
pub fn span_id(text: &str) -> SpanId {
    id(text, "span")
}

/// Whether a text says an id itself.
pub fn is_id<const N: usize>(text: &str) -> bool {
    hex::<N>(text).is_some()
}

fn id<const N: usize>(text: &str, of: &str) -> [u8; N] {
    hex(text).unwrap_or_else(|| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(of.as_bytes()).update(b"\0").update(text.as_bytes());
        let mut id = [0; N];
        hasher.finalize_xof().fill(&mut id);
        id
    })
}

/// Hex of the right length in any case, with the dashes of a UUID or without; zeros are no id.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut id = [0; N];
    let mut digits = text.bytes().filter(|byte| *byte != b'-');
    for byte in &mut id {
        let mut digit = || char::from(digits.next()?).to_digit(16);
        *byte = u8::try_from(digit()? << 4 | digit()?).ok()?;
    }
    (digits.next().is_none() && id != [0; N]).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_as_they_are_and_anything_else_by_its_digest() {
        let id =
            [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c];
        assert_eq!(trace_id("0AF7651916CD43DD8448EB211C80319C"), id);
        assert_eq!(trace_id("0af76519-16cd-43dd-8448-eb211c80319c"), id);
        assert_eq!(trace_id("my run"), trace_id("my run"));
        for (one, other) in [("my run", "my ruN"), ("", "0"), ("0000000000000000", "00"), ("é", "e")] {
            assert_ne!(span_id(one), span_id(other));
            assert_ne!(span_id(one), [0; 8]);
        }
        assert!(is_id::<8>("b7ad6b7169203331") && !is_id::<8>("b7ad") && !is_id::<8>("0000000000000000"));
    }
}
