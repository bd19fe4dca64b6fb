//! Moving about in a tree: to the next error, to a sibling, to the parent, to what a reader looks for. Pure.

use std::collections::HashSet;

use super::{Place, Tree};

impl Tree {
    /// The next span with an error, as an open tree shows them; after the last the first.
    pub fn error_after(&self, from: Option<Place>, forward: bool) -> Option<Place> {
        let count = self.order.len();
        let step = if forward { 1 } else { count.saturating_sub(1) };
        let mut at = match from.and_then(|from| self.position.get(from as usize)) {
            Some(at) => *at as usize,
            None if forward => count.saturating_sub(1),
            None => 0,
        };
        for _ in 0..count {
            at = (at + step) % count;
            let place = *self.order.get(at)?;
            if self.span(place).is_some_and(|span| span.failed) {
                return Some(place);
            }
        }
        None
    }

    /// The place that follows a place below the same parent, or comes before it.
    pub fn sibling(&self, of: Place, by: isize) -> Option<Place> {
        let siblings = match self.node(of)?.parent {
            Some(parent) => self.children(parent),
            None => &self.roots,
        };
        let at = siblings.iter().position(|sibling| *sibling == of)?;
        siblings.get(at.checked_add_signed(by)?).copied()
    }

    /// The places above a place, the nearest first.
    pub fn ancestors(&self, of: Place) -> impl Iterator<Item = Place> + '_ {
        let parent = |place: &Place| self.node(*place).and_then(|node| node.parent);
        std::iter::successors(parent(&of), parent)
    }

    /// Spans whose name, label or id has all these words.
    pub fn with_words(&self, words: &str) -> HashSet<Place> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() {
            return HashSet::new();
        }
        let fits = |place: &Place| {
            self.span(*place).is_some_and(|span| {
                words.iter().all(|word| {
                    has(&span.name, word)
                        || span.label.as_deref().is_some_and(|label| has(label, word))
                        || span.service.as_deref().is_some_and(|service| has(service, word))
                        || span.id.starts_with(word.as_str())
                })
            })
        };
        (0..self.spans.len() as Place).filter(fits).collect()
    }

    /// Where a place stands when all is open.
    pub fn position(&self, of: Place) -> u32 {
        self.position.get(of as usize).copied().unwrap_or(0)
    }
}

/// Whether a text has a word, which is in lower case. It is asked for each span at each letter typed, so plain letters
/// are compared where they stand.
fn has(text: &str, word: &str) -> bool {
    match word.is_ascii() {
        true => {
            text.as_bytes().windows(word.len().max(1)).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
        }
        false => text.to_lowercase().contains(word),
    }
}
