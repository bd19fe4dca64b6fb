//! WebSocket frames and turns on any bytes. Input: what was agreed on and how it is cut, then what one side sends.

use model::websocket::{Extensions, Frames, Message, Messages, Piece, Protocol, Side, Step, Turns};

const AGREED: [&str; 4] =
    ["", "permessage-deflate", "permessage-deflate; client_no_context_takeover", "x-unheard-of"];
const PROTOCOLS: [Option<Protocol>; 4] =
    [None, Some(Protocol::Responses), Some(Protocol::Realtime), Some(Protocol::Live)];
const LIMIT: usize = 4_096;

pub(crate) fn run(input: &[u8]) {
    let [labels, sizes, bytes @ ..] = input else { return };
    let extensions = Extensions::agreed([AGREED[usize::from(labels & 3)]]);
    let whole = read(extensions, [bytes]);
    assert_eq!(read(extensions, pieces(bytes, *sizes)), whole, "in pieces");
    frames(bytes);
    turns(PROTOCOLS[usize::from(labels >> 2 & 3)], &whole.0);
}

/// `bytes` in pieces whose sizes follow from `sizes`.
fn pieces(bytes: &[u8], sizes: u8) -> Vec<&[u8]> {
    let mut size = usize::from(sizes & 15) + 1;
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(size.min(rest.len()));
        pieces.push(head);
        rest = tail;
        size = (size + usize::from(sizes >> 4)) % 23 + 1;
    }
    pieces
}

fn read<'a>(extensions: Extensions, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Message>, bool) {
    let mut messages = Messages::new(Side::Client, extensions, LIMIT);
    let mut found = Vec::new();
    let mut broken = false;
    for piece in pieces {
        broken = broken || messages.push(piece, &mut |message| found.push(message)).is_err();
        assert!(messages.held() <= LIMIT);
    }
    assert!(found.iter().all(|message: &Message| message.data.len() <= LIMIT));
    (found, broken)
}

/// Every byte belongs to a head or a payload, and what is said of the payload adds up.
fn frames(bytes: &[u8]) {
    let mut frames = Frames::default();
    let (mut open, mut seen, mut heads) = (None, 0, 0);
    let result = frames.push(bytes, &mut |piece| {
        match piece {
            Piece::Head(head) => {
                assert!(open.is_none(), "frames do not overlap");
                (open, seen, heads) = (Some(head.length), 0, heads + 1);
            }
            Piece::Payload { at, bytes } => {
                assert!(at == seen && !bytes.is_empty());
                seen += bytes.len() as u64;
                assert!(Some(seen) <= open, "no longer than it said");
            }
            Piece::End => assert_eq!(open.take(), Some(seen)),
        }
        Ok(())
    });
    assert!(result.is_err() || !frames.between() || open.is_none());
    assert!(heads <= bytes.len() / 2);
}

/// A turn begins once, ends at most once, and is asked and answered only between.
fn turns(protocol: Option<Protocol>, messages: &[Message]) {
    let mut turns = Turns::new(protocol);
    let (mut open, mut begun) = (Vec::new(), 0);
    for (number, message) in messages.iter().enumerate() {
        let side = if number % 2 == 0 { Side::Client } else { Side::Server };
        turns.take(side, &message.data, &mut |step| match step {
            Step::Begin(turn) => {
                assert_eq!(turn, begun);
                begun += 1;
                open.push(turn);
                assert!(open.len() <= 64, "no connection is followed without end");
            }
            Step::Ended(turn) => {
                let place = open.iter().position(|open| *open == turn);
                open.remove(place.expect("only what is open ends"));
            }
            Step::Asked(turn, _) | Step::Sent(turn) | Step::Said { turn, .. } => {
                assert!(open.contains(&turn))
            }
        });
    }
    assert_eq!(turns.begun(), begun);
    let _rest = turns.rest();
}
