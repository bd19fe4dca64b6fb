//! The blocks of an answer, told one after the other in the order they began, however their pieces come: what a later
//! one says waits until those before it are over. Leaves out how pieces are read (`answer`).

use std::collections::VecDeque;

use crate::delta::{Delta, Failure, Proof};

/// The most of what waits that is held, in bytes.
const LARGEST: usize = 16 << 20;
/// The most blocks that are told or wait at once.
const MOST: usize = 1000;
/// What a piece takes beside its text.
const PIECE: usize = size_of::<Delta>();

/// The blocks that began and were not told to their end.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// Only the first is told.
    open: VecDeque<Block>,
    /// Bytes of all that waits.
    held: usize,
}

#[derive(Debug)]
struct Block {
    /// The provider's number of it, which deltas name; `None` where it numbers nothing.
    index: Option<u64>,
    kind: Kind,
    waiting: Vec<Delta>,
    /// Bytes of what waits.
    held: usize,
    over: bool,
}

/// What a block is to its pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text or a thought.
    Said,
    /// A tool's call: its place among the calls, and whether any of its arguments are known.
    Tool { place: usize, told: bool },
    /// The call that holds the answer.
    Answer,
    /// What the client does not get to see.
    Unseen,
}

impl Blocks {
    /// A block begins, with what it says at once.
    pub(super) fn begin(&mut self, index: Option<u64>, kind: Kind, pieces: Vec<Delta>, out: &mut Vec<Delta>) {
        // What begins under the number of an open one follows upon it.
        self.end(index, out);
        let Some(place) = self.push(index, kind, out) else { return };
        pieces.into_iter().for_each(|piece| self.put(place, piece, out));
    }

    /// Text or a thought of a block.
    pub(super) fn say(&mut self, index: Option<u64>, piece: Delta, out: &mut Vec<Delta>) {
        match self.find(index) {
            Some((place, Kind::Said | Kind::Unseen)) => self.put(place, piece, out),
            // Nothing to belong to is no reason to lose it, nor to break into a call.
            Some((_, Kind::Tool { .. } | Kind::Answer)) | None => {
                let fits = |last: &Block| last.over && last.kind == Kind::Said;
                let place = match self.open.back().is_some_and(fits) {
                    true => Some(self.open.len() - 1),
                    false => self.push(index, Kind::Said, out),
                };
                let Some(place) = place else { return };
                self.put(place, piece, out);
                self.close(place);
                self.settle(out);
            }
        }
    }

    /// More of the arguments of a block that is a call.
    pub(super) fn argue(&mut self, index: Option<u64>, text: &str, out: &mut Vec<Delta>) {
        if text.is_empty() {
            return;
        }
        let text = text.to_owned();
        match self.find(index) {
            Some((at, Kind::Tool { place, .. })) => {
                if let Some(block) = self.open.get_mut(at) {
                    block.kind = Kind::Tool { place, told: true };
                }
                self.put(at, Delta::ToolArguments { index: place, text }, out);
            }
            Some((at, Kind::Answer)) => self.put(at, Delta::Text(text), out),
            Some((_, Kind::Unseen)) => {}
            // A call that lacks some of its arguments must not look whole.
            Some((_, Kind::Said)) | None => out.push(broken("holds arguments of a call that is not open")),
        }
    }

    /// A block is over.
    pub(super) fn end(&mut self, index: Option<u64>, out: &mut Vec<Delta>) {
        if let Some((place, _)) = self.find(index) {
            self.close(place);
            self.settle(out);
        }
    }

    /// All blocks are over.
    pub(super) fn end_all(&mut self, out: &mut Vec<Delta>) {
        self.open.iter_mut().for_each(|block| block.over = true);
        self.settle(out);
    }

    /// The open block of this number; without one, the last that began.
    fn find(&self, index: Option<u64>) -> Option<(usize, Kind)> {
        let fits = |block: &Block| !block.over && (index.is_none() || block.index == index);
        let (place, block) = self.open.iter().enumerate().rev().find(|(_, block)| fits(block))?;
        Some((place, block.kind))
    }

    fn push(&mut self, index: Option<u64>, kind: Kind, out: &mut Vec<Delta>) -> Option<usize> {
        if self.open.len() >= MOST {
            out.push(broken("has too many blocks at once"));
            return None;
        }
        self.open.push_back(Block { index, kind, waiting: Vec::new(), held: 0, over: false });
        Some(self.open.len() - 1)
    }

    fn close(&mut self, place: usize) {
        if let Some(block) = self.open.get_mut(place) {
            block.over = true;
        }
    }

    fn put(&mut self, place: usize, piece: Delta, out: &mut Vec<Delta>) {
        if place == 0 {
            return out.push(piece);
        }
        let Some(block) = self.open.get_mut(place) else { return };
        let size = join(&mut block.waiting, piece);
        block.held += size;
        self.held += size;
        if self.held > LARGEST {
            out.push(broken("tells too much of some blocks before others are over"));
        }
    }

    /// Lets go of the first blocks that are over, and tells what waited behind them.
    fn settle(&mut self, out: &mut Vec<Delta>) {
        while let Some(block) = self.open.pop_front_if(|block| block.over) {
            // A tool without arguments is called with none.
            if let Kind::Tool { place, told: false } = block.kind {
                out.push(Delta::ToolArguments { index: place, text: "{}".to_owned() });
            }
            if let Some(next) = self.open.front_mut() {
                self.held = self.held.saturating_sub(next.held);
                out.append(&mut next.waiting);
            }
        }
    }
}

/// Adds a piece to those that wait; returns the bytes it takes.
fn join(waiting: &mut Vec<Delta>, piece: Delta) -> usize {
    let size = match &piece {
        Delta::Text(text) | Delta::Reasoning(text) | Delta::ToolArguments { text, .. } => text.len(),
        Delta::ReasoningProof(Proof::Signature(text) | Proof::Sealed(text)) => text.len(),
        Delta::ToolStart { id, name, .. } => id.len() + name.len(),
        _ => 0,
    };
    match (waiting.last_mut(), &piece) {
        (Some(Delta::Text(last)), Delta::Text(more))
        | (Some(Delta::Reasoning(last)), Delta::Reasoning(more))
        | (Some(Delta::ToolArguments { text: last, .. }), Delta::ToolArguments { text: more, .. }) => {
            last.push_str(more);
            size
        }
        _ => {
            waiting.push(piece);
            size + PIECE
        }
    }
}

fn broken(how: &str) -> Delta {
    Delta::Error(Failure::of_upstream(format!("Anthropic's stream {how}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(out: &[Delta]) -> Option<&str> {
        out.iter().find_map(|delta| match delta {
            Delta::Error(failure) => Some(failure.message.as_str()),
            _ => None,
        })
    }

    #[test]
    fn open_blocks_are_bounded() {
        let (mut blocks, mut out) = (Blocks::default(), Vec::new());
        for index in (0..).take(MOST) {
            blocks.begin(Some(index), Kind::Said, Vec::new(), &mut out);
        }
        assert_eq!(failed(&out), None);
        blocks.begin(Some(5000), Kind::Said, Vec::new(), &mut out);
        assert!(failed(&out).unwrap().contains("too many blocks"));
    }

    #[test]
    fn what_waits_is_bounded() {
        let (mut blocks, mut out) = (Blocks::default(), Vec::new());
        let half = || Delta::Text("x".repeat(LARGEST / 2 - PIECE));
        // What was told waits no longer, so the second round has as much room.
        for _ in 0..2 {
            blocks.begin(Some(0), Kind::Tool { place: 0, told: false }, vec![half(), half()], &mut out);
            blocks.begin(Some(1), Kind::Said, vec![half()], &mut out);
            blocks.say(Some(1), half(), &mut out);
            assert!(blocks.held > LARGEST / 2);
            blocks.end(Some(0), &mut out);
            blocks.end(Some(1), &mut out);
            assert_eq!((failed(&out), blocks.held, blocks.open.len()), (None, 0, 0));
        }
        blocks.begin(Some(0), Kind::Said, Vec::new(), &mut out);
        blocks.begin(Some(1), Kind::Said, vec![half(), half()], &mut out);
        assert_eq!(failed(&out), None);
        blocks.say(Some(1), Delta::Text("x".repeat(2 * PIECE)), &mut out);
        assert!(failed(&out).unwrap().contains("too much of some blocks"));
    }
}
