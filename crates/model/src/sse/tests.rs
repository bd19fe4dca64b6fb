//! The framer against the ways servers and networks write a stream. Leaves out what events mean.

use proptest::prelude::*;

use super::*;

type Seen = Vec<(Option<String>, Vec<u8>, usize)>;

fn frame<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut seen = Seen::new();
    let mut take = |event: SseEvent<'_>| {
        seen.push((event.name.map(str::to_owned), event.data.to_vec(), event.end));
    };
    let mut framer = Framer::new();
    for piece in pieces {
        framer.push(piece, &mut take);
    }
    framer.finish(&mut take);
    seen
}

fn data(stream: &[u8]) -> Vec<String> {
    frame([stream]).into_iter().map(|(_, data, _)| String::from_utf8(data).unwrap()).collect()
}

#[test]
fn every_line_end_is_one() {
    for stream in ["data: a\n\ndata: b\n\n", "data: a\r\n\r\ndata: b\r\n\r\n", "data: a\r\rdata: b\r\r"] {
        assert_eq!(data(stream.as_bytes()), ["a", "b"], "{stream:?}");
    }
}

#[test]
fn comments_and_unknown_fields_are_skipped_and_data_lines_join() {
    assert_eq!(data(b": hi\n\nid: 1\nretry: 5\ndata: a\ndata:b\ndata\n\n"), ["a\nb\n"]);
}

#[test]
fn names_and_ends_are_told() {
    let seen = frame([&b"\xEF\xBB\xBFevent: x\ndata: 1\n\ndata: 2\n\n"[..]]);
    assert_eq!(seen, [(Some("x".to_owned()), b"1".to_vec(), 21), (None, b"2".to_vec(), 30)]);
}

#[test]
fn an_event_without_its_blank_line_is_given_at_the_end() {
    assert_eq!(data(b"data: a\n\ndata: [DONE]"), ["a", "[DONE]"]);
    assert_eq!(data(b"event: x\n"), [""; 0], "an event without data is none");
}

#[test]
fn an_oversized_event_is_cut_and_says_so() {
    let mut framer = Framer::new();
    let mut seen = Vec::new();
    framer.push(b"data: ", &mut |_| {});
    for _ in 0..40 {
        framer.push(&vec![b'x'; 1024 * 1024], &mut |_| {});
    }
    framer.push(b"\n\ndata: y\n\n", &mut |event| seen.push((event.data.len(), event.cut)));
    assert!(matches!(seen[..], [(length, true), (1, false)] if length <= MAX_EVENT_BYTES), "{seen:?}");
}

proptest! {
    #[test]
    fn chunking_does_not_matter(
        lines in prop::collection::vec("(data: ?|event:|:|)[a-zé🦀 ]{0,6}(\r\n|\n|\r)", 0..20),
        cuts in prop::collection::vec(1usize..7, 1..50),
    ) {
        let stream = lines.concat().into_bytes();
        let mut pieces = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            pieces.push(head);
            rest = tail;
        }
        prop_assert_eq!(frame(pieces), frame([&stream[..]]));
    }
}
