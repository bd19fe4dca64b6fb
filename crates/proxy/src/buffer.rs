//! The copy of one body while it goes by: bounded by its own limit and by the budget of all copies together.

use std::ops::RangeInclusive;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::capture::Captured;
use crate::recorder::Lease;

/// Smaller frames are copied together; larger ones are kept by reference. A reference pins the whole read buffer
/// it came from, so keeping many small ones would hold far more memory than they show.
const COPIED_BELOW: usize = 16 * 1024;
/// They are copied into pieces of a quarter of what is kept already, and no less and no more than this: a thousand
/// streams at once then hold little that is not filled.
const PIECE: RangeInclusive<usize> = 1_024..=65_536;

/// A body's copy so far.
#[derive(Debug)]
pub(crate) struct Buffer {
    pieces: Vec<Bytes>,
    tail: Vec<u8>,
    kept: usize,
    limit: usize,
    wire_bytes: u64,
    /// Runs only once the copy is cut; until then the copy itself can be hashed by its reader.
    digest: Option<Sha256>,
    lease: Lease,
}

impl Buffer {
    /// An empty copy that keeps at most `limit` bytes, taken from `lease`'s budget.
    pub(crate) fn new(limit: usize, lease: Lease) -> Self {
        Self { pieces: Vec::new(), tail: Vec::new(), kept: 0, limit, wire_bytes: 0, digest: None, lease }
    }

    /// Keeps this memory as long as the copy.
    pub(crate) fn hold(&mut self, lease: Lease) {
        self.lease.join(lease);
    }

    /// Bytes that went by.
    pub(crate) fn wire_bytes(&self) -> u64 {
        self.wire_bytes
    }

    /// Takes note of a frame.
    pub(crate) fn push(&mut self, frame: &Bytes) {
        self.wire_bytes += frame.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(frame);
            return;
        }
        let fits = frame.len().min(self.limit - self.kept);
        if !self.lease.take(fits) {
            self.cut(frame, 0);
            return;
        }
        self.keep(&frame.slice(..fits));
        if fits < frame.len() {
            self.cut(frame, fits);
        }
    }

    fn keep(&mut self, frame: &Bytes) {
        self.kept += frame.len();
        if frame.len() >= COPIED_BELOW {
            self.close_tail();
            self.pieces.push(frame.clone());
            return;
        }
        let room = self.tail.capacity() - self.tail.len();
        let (fits, rest) = frame.split_at(frame.len().min(room));
        self.tail.extend_from_slice(fits);
        if !rest.is_empty() {
            self.close_tail();
            let piece = (self.kept / 4).clamp(*PIECE.start(), *PIECE.end());
            self.tail.reserve_exact(piece.max(rest.len()));
            self.tail.extend_from_slice(rest);
        }
    }

    /// From here on nothing is kept, only counted and hashed. Of `frame`, `kept` bytes are kept already.
    fn cut(&mut self, frame: &Bytes, kept: usize) {
        self.close_tail();
        let mut digest = Sha256::new();
        for piece in &self.pieces {
            digest.update(piece);
        }
        digest.update(frame.slice(kept..));
        self.digest = Some(digest);
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push(std::mem::take(&mut self.tail).into());
        }
    }

    /// Everything until now; `None` when not all of it was kept.
    pub(crate) fn pieces(&mut self) -> Option<Vec<Bytes>> {
        self.close_tail();
        self.digest.is_none().then(|| self.pieces.clone())
    }

    /// The copy, leaving nothing behind.
    pub(crate) fn take(&mut self) -> Captured {
        self.close_tail();
        Captured {
            pieces: std::mem::take(&mut self.pieces),
            wire_bytes: self.wire_bytes,
            cut: self.digest.is_some(),
            wire_sha256: self.digest.take().map(|digest| digest.finalize().into()),
            trailers: Vec::new(),
            _lease: std::mem::take(&mut self.lease),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Budget;

    fn frames(sizes: &[usize]) -> Vec<Bytes> {
        sizes
            .iter()
            .enumerate()
            .map(|(i, size)| Bytes::from(vec![b'a' + u8::try_from(i).unwrap(); *size]))
            .collect()
    }

    #[test]
    fn small_and_large_frames_come_back_in_order() {
        let budget = Budget::new(1 << 20);
        let mut buffer = Buffer::new(1 << 20, budget.lease());
        let frames = frames(&[3, 20_000, 5, 6, 40_000]);
        frames.iter().for_each(|frame| buffer.push(frame));
        let captured = buffer.take();
        assert_eq!(captured.to_bytes(), frames.concat());
        assert_eq!((captured.cut, captured.wire_bytes), (false, 60_014));
        assert_eq!(budget.free(), (1 << 20) - 60_014);
        drop(captured);
        assert_eq!(budget.free(), 1 << 20, "the copy's memory goes back to the budget");
    }

    #[test]
    fn a_stream_of_small_frames_is_kept_in_few_pieces_that_are_filled() {
        let budget = Budget::new(1 << 20);
        let mut buffer = Buffer::new(1 << 20, budget.lease());
        let frame = Bytes::from_static(&[b'x'; 200]);
        (0..1_000).for_each(|_| buffer.push(&frame));
        assert!(buffer.tail.capacity() <= buffer.kept / 4, "{} of {}", buffer.tail.capacity(), buffer.kept);
        let captured = buffer.take();
        assert_eq!(captured.to_bytes().len(), 200_000);
        assert!(captured.pieces.len() < 40, "{}", captured.pieces.len());
    }

    #[test]
    fn past_the_limit_only_size_and_hash_go_on() {
        let budget = Budget::new(1 << 20);
        let mut buffer = Buffer::new(10, budget.lease());
        let frames = frames(&[6, 6, 2]);
        frames.iter().for_each(|frame| buffer.push(frame));
        let captured = buffer.take();
        assert_eq!(captured.to_bytes(), frames.concat()[..10]);
        assert_eq!((captured.cut, captured.wire_bytes), (true, 14));
        let whole: [u8; 32] = Sha256::digest(frames.concat()).into();
        assert_eq!(captured.wire_sha256, Some(whole));
    }

    #[test]
    fn an_exhausted_budget_cuts_too() {
        let budget = Budget::new(8);
        let (mut one, mut two) = (Buffer::new(100, budget.lease()), Buffer::new(100, budget.lease()));
        frames(&[6]).iter().for_each(|frame| one.push(frame));
        frames(&[6]).iter().for_each(|frame| two.push(frame));
        assert!(!one.take().cut);
        assert!(two.take().cut);
    }
}
