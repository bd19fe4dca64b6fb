//! Frames and messages in any pieces.

use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

use super::*;

/// One message as it is sent: in how many frames, masked or not, compressed or not, and whether a ping comes between.
#[derive(Clone, Debug)]
struct Sent {
    text: bool,
    data: Vec<u8>,
    frames: usize,
    mask: Option<[u8; 4]>,
    packed: bool,
    ping: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let data = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::collection::vec(any::<u8>(), 65_000..66_000),
        (0_usize..3_000).prop_map(|count| b"again and ".repeat(count)),
    ];
    (any::<bool>(), data, 1_usize..5, any::<Option<[u8; 4]>>(), any::<bool>(), any::<bool>())
        .prop_map(|(text, data, frames, mask, packed, ping)| Sent { text, data, frames, mask, packed, ping })
}

/// The bytes of what is sent, and what must be read from them.
fn written(all: &[Sent], forgets: bool) -> (Vec<u8>, Vec<Message>) {
    let mut packer = Compress::new(Compression::fast(), false);
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for sent in all {
        let payload = if sent.packed {
            if forgets {
                packer.reset();
            }
            let mut packed = Vec::with_capacity(sent.data.len() * 2 + 100);
            packer.compress_vec(&sent.data, &mut packed, FlushCompress::Sync).unwrap();
            // What is empty is not flushed twice; RFC 7692 writes one empty block then.
            if packed.ends_with(&[0, 0, 0xff, 0xff]) {
                packed.truncate(packed.len() - 4);
            }
            if packed.is_empty() { vec![0] } else { packed }
        } else {
            sent.data.clone()
        };
        let size = payload.len().div_ceil(sent.frames).max(1);
        let mut pieces: Vec<&[u8]> = payload.chunks(size).collect();
        if pieces.is_empty() {
            pieces.push(&[]);
        }
        let count = pieces.len();
        for (number, piece) in pieces.into_iter().enumerate() {
            let opcode = match (number, sent.text) {
                (0, true) => 1,
                (0, false) => 2,
                _ => 0,
            };
            let packed = if sent.packed && number == 0 { 0x40 } else { 0 };
            let last = if number + 1 == count { 0x80 } else { 0 };
            bytes.extend(frame(opcode | packed | last, sent.mask, piece));
            if sent.ping && number == 0 {
                bytes.extend(frame(0x89, sent.mask, b"there?"));
                if count > 1 {
                    expected.push(message(Kind::Ping, b"there?"));
                }
            }
        }
        expected.push(message(if sent.text { Kind::Text } else { Kind::Binary }, &sent.data));
        if sent.ping && count == 1 {
            expected.push(message(Kind::Ping, b"there?"));
        }
    }
    (bytes, expected)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces_give_the_same_messages(
        all in proptest::collection::vec(sent(), 0..6),
        forgets in any::<bool>(),
        sizes in proptest::collection::vec(1_usize..5_000, 1..8),
    ) {
        let (bytes, expected) = written(&all, forgets);
        let agreed = if forgets { "permessage-deflate; client_no_context_takeover" } else { "permessage-deflate" };
        let fresh = || Messages::new(Side::Client, Extensions::agreed([agreed]), 1 << 20);
        prop_assert_eq!(&read(fresh(), &[&bytes]).unwrap(), &expected);
        let (mut pieces, mut rest, mut sizes) = (Vec::new(), &bytes[..], sizes.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(&read(fresh(), &pieces).unwrap(), &expected);
        // Between two frames, and nowhere else, a frame of one's own fits.
        let mut frames = Frames::default();
        let mut heads = 0;
        for byte in &bytes {
            let mut over = false;
            frames.push(std::slice::from_ref(byte), &mut |piece| {
                heads += usize::from(matches!(piece, Piece::Head(_)));
                over |= piece == Piece::End;
                Ok(())
            }).unwrap();
            prop_assert_eq!(frames.between(), over);
        }
        prop_assert!(heads >= expected.len());
    }

    #[test]
    fn rubbish_is_borne(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..400) {
        let (one, two) = bytes.split_at(at.min(bytes.len()));
        let packed = || Messages::new(Side::Server, Extensions::agreed(["permessage-deflate"]), 100);
        let whole = read(packed(), &[&bytes]);
        prop_assert_eq!(&read(packed(), &[one, two]), &whole);
        prop_assert!(whole.iter().flatten().all(|message| message.data.len() <= 100));
    }
}

#[test]
fn what_does_not_fit_is_broken() {
    for (bytes, broken) in [
        (vec![0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0], Broken::Length),
        (frame(0x80, None, b"goes on with nothing"), Broken::Order),
        ([frame(0x01, None, b"a"), frame(0x81, None, b"b")].concat(), Broken::Order),
        (frame(0x83, None, b"unheard of"), Broken::Order),
        (frame(0xc1, None, b"packed, though nobody agreed"), Broken::Compression),
    ] {
        assert_eq!(read(plain(100), &[&bytes]), Err(broken), "{bytes:?}");
    }
    let packed = Messages::new(Side::Client, Extensions::agreed(["permessage-deflate"]), 100);
    assert_eq!(read(packed, &[&frame(0xc1, None, &[0xff; 20])]), Err(Broken::Compression));
}

#[test]
fn a_long_message_is_cut_and_the_next_one_is_read() {
    let mut packer = Compress::new(Compression::best(), false);
    let mut pack = |data: &[u8]| {
        let mut packed = Vec::with_capacity(data.len() + 100);
        packer.compress_vec(data, &mut packed, FlushCompress::Sync).unwrap();
        packed.truncate(packed.len() - 4);
        frame(0xc1, None, &packed)
    };
    let bytes = [pack(&b"long ".repeat(10_000)), pack(b"long again")].concat();
    let packed = Messages::new(Side::Server, Extensions::agreed(["permessage-deflate"]), 64);
    let found = read(packed, &[&bytes]).unwrap();
    assert_eq!((found[0].data.len(), found[0].cut), (64, true));
    assert_eq!(found[1], message(Kind::Text, b"long again"), "what it was packed with is remembered");
}

#[test]
fn a_bomb_is_not_unpacked() {
    let mut packer = Compress::new(Compression::best(), false);
    let mut packed = Vec::with_capacity(4 << 20);
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        packer.compress_vec(&zeros, &mut packed, FlushCompress::None).unwrap();
    }
    packer.compress_vec(&[], &mut packed, FlushCompress::Sync).unwrap();
    let messages = Messages::new(Side::Server, Extensions::agreed(["permessage-deflate"]), 64);
    assert_eq!(read(messages, &[&frame(0xc2, None, &packed)]), Err(Broken::Bomb));
}

#[test]
fn extensions_are_read_as_they_were_agreed() {
    let agreed = |value| Extensions::agreed([value]);
    assert!(agreed("").are_known() && agreed("permessage-deflate; server_max_window_bits=12").are_known());
    assert!(!agreed("permessage-deflate, x-webkit-unheard-of").are_known());
    assert!(agreed("").inflater(Side::Client).is_none());
    assert!(agreed("PerMessage-Deflate ; server_no_context_takeover").inflater(Side::Client).is_some());
}

#[test]
fn a_close_is_a_frame_that_can_be_read() {
    for mask in [None, Some([1, 2, 3, 4])] {
        let reason = "ü".repeat(100);
        let bytes = close_frame(1001, &reason, mask);
        assert_eq!(bytes[1] & 0x80 != 0, mask.is_some());
        let found = read(plain(1_000), &[&bytes]).unwrap();
        let (code, said) = found[0].close().unwrap();
        assert_eq!(code, 1001);
        assert!(reason.starts_with(&said) && said.len() == 122);
    }
    assert_eq!(message(Kind::Close, b"").close(), None);
}

/// What a message takes is what it holds, room to grow included, and no more than the limit.
#[test]
fn a_message_under_way_is_counted_with_its_room() {
    let mut messages = plain(100_000);
    let (mut most, mut capacity) = (0, 0);
    for piece in frame(0x81, None, &[b'x'; 90_000]).chunks(700) {
        messages.push(piece, &mut |message| capacity = message.data.capacity()).unwrap();
        most = most.max(messages.held());
    }
    assert!(most == capacity && (90_000..=100_000).contains(&most), "{most} of {capacity}");
}

/// A control frame is short; one that is not is kept no further.
#[test]
fn a_control_frame_holds_little() {
    let found = read(plain(100_000), &[&frame(0x89, None, &[b'p'; 50_000])]).unwrap();
    assert_eq!((found[0].data.len(), found[0].cut), (125, true));
}
