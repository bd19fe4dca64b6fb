//! Frames as AWS makes them, cut everywhere, broken everywhere. The vector is botocore's own example of the format.

use proptest::prelude::*;

use super::*;

/// One frame with text headers.
pub(crate) fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(u8::try_from(name.len()).unwrap());
        block.extend_from_slice(name.as_bytes());
        block.push(7);
        block.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        block.extend_from_slice(value.as_bytes());
    }
    framed(&block, payload)
}

fn framed(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
    let mut frame = [length(SMALLEST + headers.len() + payload.len()), length(headers.len())].concat();
    let sum = crc32fast::hash(&frame);
    frame.extend_from_slice(&sum.to_be_bytes());
    frame.extend_from_slice(headers);
    frame.extend_from_slice(payload);
    let sum = crc32fast::hash(&frame);
    frame.extend_from_slice(&sum.to_be_bytes());
    frame
}

fn event(kind: &str, payload: &str) -> Vec<u8> {
    frame(&[(":event-type", kind), (":message-type", "event")], payload.as_bytes())
}

#[test]
fn the_formats_own_example_is_read() {
    // A frame with the payload {'foo':'bar'} and the header content-type: application/json.
    let headers = b"\x0ccontent-type\x07\x00\x10application/json";
    let mut example = b"\x00\x00\x00=\x00\x00\x00 \x07\xfd\x83\x96".to_vec();
    example.extend_from_slice(headers);
    example.extend_from_slice(b"{'foo':'bar'}\x8d\x9c\x08\xb1");
    assert!(begins(&example));
    let found: Vec<_> = frames(&example).map(Result::unwrap).collect();
    let [only] = &found[..] else { panic!("one frame") };
    assert_eq!(
        (only.header("content-type"), only.payload),
        (Some("application/json"), &b"{'foo':'bar'}"[..])
    );
    assert_eq!((only.header("other"), only.end), (None, example.len()));
}

#[test]
fn headers_of_every_type_are_passed_over() {
    let mut headers = Vec::new();
    for (kind, value) in [
        (0_u8, &b""[..]),
        (1, b""),
        (2, b"1"),
        (3, b"12"),
        (4, b"1234"),
        (5, b"12345678"),
        (6, b"\x00\x03abc"),
        (8, b"12345678"),
        (9, b"1234567812345678"),
        (7, b"\x00\x02ok"),
    ] {
        headers.extend_from_slice(b"\x01n");
        headers.push(kind);
        headers.extend_from_slice(value);
    }
    let bytes = framed(&headers, b"x");
    assert_eq!(frames(&bytes).next().unwrap().unwrap().header("n"), Some("ok"));
    headers.extend_from_slice(b"\x01n\x0a");
    assert_eq!(frames(&framed(&headers, b"x")).next(), Some(Err(Broken::Headers)));
}

#[test]
fn what_is_broken_is_named_and_the_rest_read_where_it_can_be() {
    let (first, second) = (event("a", "{}"), event("b", "[1]"));
    let both = [first.clone(), second].concat();
    let said = |bytes: &[u8]| -> Vec<Result<String, Broken>> {
        frames(bytes)
            .map(|frame| frame.map(|frame| frame.header(":event-type").unwrap().to_owned()))
            .collect()
    };
    let (a, b) = (|| Ok("a".to_owned()), || Ok("b".to_owned()));
    assert_eq!(said(&both), [a(), b()]);
    for end in 1..both.len() {
        let expected = match end {
            end if end < first.len() => vec![Err(Broken::Cut)],
            end if end == first.len() => vec![a()],
            _ => vec![a(), Err(Broken::Cut)],
        };
        assert_eq!(said(&both[..end]), expected, "cut at {end}");
    }
    for at in 0..first.len() {
        let mut bytes = both.clone();
        bytes[at] ^= 0x10;
        let expected =
            if at < PRELUDE { vec![Err(Broken::Prelude)] } else { vec![Err(Broken::Checksum), b()] };
        assert_eq!(said(&bytes), expected, "broken at {at}");
    }
    // Lengths that pass their checksum and cannot be.
    for (total, headers) in [(15_u32, 0_u32), (u32::MAX, 0), (20, 5), (0x0200_0000, 0), (16, u32::MAX)] {
        let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        bytes.extend_from_slice(&[0; 64]);
        assert_eq!(frames(&bytes).collect::<Vec<_>>(), [Err(Broken::Length)], "{total} {headers}");
    }
}

proptest! {
    #[test]
    fn what_was_framed_comes_back(
        all in prop::collection::vec((prop::collection::vec(("[a-z:-]{1,20}", "\\PC{0,30}"), 0..4), prop::collection::vec(any::<u8>(), 0..200)), 0..6)
    ) {
        let bytes: Vec<u8> = all.iter().flat_map(|(headers, payload)| {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            frame(&headers, payload)
        }).collect();
        let found: Vec<_> = frames(&bytes).map(Result::unwrap).collect();
        prop_assert_eq!(found.len(), all.len());
        for (frame, (headers, payload)) in found.iter().zip(&all) {
            prop_assert_eq!(frame.payload, &payload[..]);
            let other = frame.with(b"other");
            let again = frames(&other).next().unwrap().unwrap();
            prop_assert_eq!((again.payload, again.headers), (&b"other"[..], frame.headers));
            prop_assert_eq!(frame.with(payload), &bytes[frame.end - frame.with(payload).len()..frame.end]);
            for (name, _) in headers {
                let last = headers.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
                prop_assert_eq!(frame.header(name), last);
            }
        }
    }

    #[test]
    fn rubbish_ends(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(frames(&bytes).count() <= bytes.len());
    }
}
