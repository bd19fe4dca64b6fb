//! The latest frames, held once for all listeners and within a number of bytes: the ring that tells of them has only weak
//! references, so that who lags holds nothing that others do not need. Leaves out what frames say (`feed`).

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::resync;

/// Bytes of frames that listeners may lag behind, together with the number that the ring holds.
pub(super) const BYTES: usize = 1 << 20;
/// A frame that is larger is not told; who listens is to ask again. What is told is cut where it is made.
const LARGEST: usize = 32 << 10;

/// A frame, as long as it is among the latest.
pub(crate) type Frame = Weak<Utf8Bytes>;

/// What the maker holds.
pub(super) struct Recent {
    sender: broadcast::Sender<Frame>,
    frames: VecDeque<Arc<Utf8Bytes>>,
    bytes: usize,
}

impl Recent {
    pub(super) fn new(sender: broadcast::Sender<Frame>) -> Self {
        Self { sender, frames: VecDeque::new(), bytes: 0 }
    }

    /// Tells everybody who listens.
    pub(super) fn tell(&mut self, frame: String) {
        let frame = if frame.len() > LARGEST { resync(1) } else { frame.into() };
        self.bytes += frame.len();
        let frame = Arc::new(frame);
        let weak = Arc::downgrade(&frame);
        self.frames.push_back(frame);
        while self.bytes > BYTES || self.frames.len() > super::BACKLOG {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.len();
        }
        // An error only says that nobody listens.
        let _nobody = self.sender.send(weak);
    }
}

/// What one listener hears; in the place of what it missed stands how much that was.
pub(super) struct Hearing {
    frames: broadcast::Receiver<Frame>,
    /// What comes after the frames that were missed.
    ahead: Option<Utf8Bytes>,
}

impl Hearing {
    pub(super) fn new(frames: broadcast::Receiver<Frame>) -> Self {
        Self { frames, ahead: None }
    }

    /// The next frame; `None` when there will be no more.
    pub(super) async fn next(&mut self) -> Option<Utf8Bytes> {
        if let Some(frame) = self.ahead.take() {
            return Some(frame);
        }
        match self.frames.recv().await {
            Ok(frame) => Some(self.held(&frame)),
            Err(RecvError::Lagged(missed)) => Some(self.missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }

    /// The next frame, if it is there already.
    pub(super) fn waiting(&mut self) -> Option<Utf8Bytes> {
        if let Some(frame) = self.ahead.take() {
            return Some(frame);
        }
        match self.frames.try_recv() {
            Ok(frame) => Some(self.held(&frame)),
            Err(TryRecvError::Lagged(missed)) => Some(self.missed(missed)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }

    fn held(&mut self, frame: &Frame) -> Utf8Bytes {
        match frame.upgrade() {
            Some(frame) => (*frame).clone(),
            None => self.missed(1),
        }
    }

    /// Says once what was missed in a row.
    fn missed(&mut self, mut missed: u64) -> Utf8Bytes {
        loop {
            match self.frames.try_recv().map(|frame| frame.upgrade()) {
                Ok(Some(frame)) => {
                    self.ahead = Some((*frame).clone());
                    break;
                }
                Ok(None) => missed += 1,
                Err(TryRecvError::Lagged(more)) => missed += more,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        resync(missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::BACKLOG;

    fn ring() -> (Recent, Hearing) {
        let (sender, receiver) = broadcast::channel(BACKLOG);
        (Recent::new(sender), Hearing::new(receiver))
    }

    #[tokio::test]
    async fn who_does_not_read_holds_no_more_than_the_latest_bytes() {
        let (mut recent, mut hearing) = ring();
        for number in 0..200 {
            recent.tell(format!("{number:>20000}"));
        }
        let held = BYTES / 20_000;
        assert!(recent.bytes <= BYTES && recent.frames.len() == held);
        assert_eq!(hearing.next().await, Some(resync(200 - held as u64)));
        for number in 200 - held..200 {
            assert_eq!(hearing.next().await, Some(format!("{number:>20000}").into()));
        }
        assert_eq!(hearing.waiting(), None);
    }

    #[tokio::test]
    async fn who_missed_some_by_number_and_some_by_size_is_told_once() {
        let (mut recent, mut hearing) = ring();
        for _ in 0..2 * BACKLOG {
            recent.tell("x".repeat(2_000));
        }
        let held = BYTES / 2_000;
        assert_eq!(hearing.waiting(), Some(resync((2 * BACKLOG - held) as u64)));
        let rest = std::iter::from_fn(|| hearing.waiting()).count();
        assert_eq!(rest, held);
    }

    #[tokio::test]
    async fn a_frame_beyond_all_bounds_is_asked_for_again() {
        let (mut recent, mut hearing) = ring();
        recent.tell("x".repeat(LARGEST + 1));
        recent.tell("y".to_owned());
        assert_eq!((hearing.next().await, hearing.next().await), (Some(resync(1)), Some("y".into())));
    }
}
