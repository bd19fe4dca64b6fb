//! The frames of Bedrock's event streams: as they come, and with their checksums put right, so that what lies behind them is
//! reached too.

use model::eventstream::{Broken, frames};

const PRELUDE: usize = 12;
const SUM: usize = 4;

pub(crate) fn run(input: &[u8]) {
    check(input);
    check(&mended(input));
}

fn check(stream: &[u8]) {
    let (mut at, mut over) = (0, false);
    let length =
        |at: usize| usize::try_from(u32::from_be_bytes(stream[at..at + 4].try_into().unwrap())).unwrap();
    for frame in frames(stream) {
        assert!(!over, "nothing follows a frame whose end is unknown");
        match frame {
            Ok(frame) => {
                assert_eq!(frame.end, at + length(at), "as long as it says");
                assert!(frame.end > at && frame.end <= stream.len(), "ends ascend and are inside");
                assert!(
                    stream[..frame.end - SUM].ends_with(frame.payload),
                    "the payload stands before the checksum"
                );
                let _text = frame.header(":event-type");
                at = frame.end;
            }
            Err(Broken::Checksum | Broken::Headers) => {
                // Its length was good; where the next one begins is told by that one's end.
                at += length(at);
                assert!(at <= stream.len(), "it was all there");
            }
            Err(Broken::Cut | Broken::Prelude | Broken::Length) => over = true,
        }
    }
    assert!(over || at == stream.len(), "everything was read");
}

/// The same with every checksum right, as far as lengths allow. Each length is made possible by its lowest bits.
fn mended(input: &[u8]) -> Vec<u8> {
    let mut stream = input.to_vec();
    let mut at = 0;
    while let Some(rest) = stream.get_mut(at..).filter(|rest| rest.len() >= PRELUDE + SUM) {
        let total = PRELUDE + SUM + usize::from(rest[3]) % (rest.len() - PRELUDE - SUM + 1);
        let headers = usize::from(rest[7]) % (total - PRELUDE - SUM + 1);
        let lengths = [u32::try_from(total).unwrap(), u32::try_from(headers).unwrap()];
        rest[..4].copy_from_slice(&lengths[0].to_be_bytes());
        rest[4..8].copy_from_slice(&lengths[1].to_be_bytes());
        let sum = crc32fast::hash(&rest[..8]);
        rest[8..PRELUDE].copy_from_slice(&sum.to_be_bytes());
        let sum = crc32fast::hash(&rest[..total - SUM]);
        rest[total - SUM..total].copy_from_slice(&sum.to_be_bytes());
        at += total;
    }
    stream
}
