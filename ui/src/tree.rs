//! The spans of one trace as a tree: who belongs to whom, what each part costs, where errors are. Pure.
//! Leaves out which rows are shown (`rows`), time (`scale`, `critical`, `shares`), moving about (`walk`), and drawing.

mod build;
pub mod critical;
pub mod rows;
pub mod scale;
pub mod shares;
pub mod walk;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use api::{Money, SpanRow};

/// A span's place in its tree, or that of a marker for spans whose parent was not reported.
pub type Place = u32;

/// All spans known of a trace.
#[derive(Debug, Default)]
pub struct Tree {
    /// By their beginning.
    spans: Vec<SpanRow>,
    /// One for each span, then one for each parent that is missing.
    nodes: Vec<Node>,
    /// Ids of the missing parents, in the order of their markers.
    missing: Vec<String>,
    /// What belongs to nothing: spans without a parent, then the markers.
    roots: Vec<Place>,
    /// Every place, parents before their children, as a tree with all open shows them.
    order: Vec<Place>,
    /// Where each place stands in `order`.
    position: Vec<u32>,
    index: HashMap<u128, Place>,
    start_ns: i64,
    end_ns: i64,
}

/// What is known of a place beside its span.
#[derive(Clone, Debug, Default)]
pub struct Node {
    pub parent: Option<Place>,
    /// In the order of their beginning.
    children: Vec<Place>,
    pub depth: u32,
    /// It or something below it failed.
    pub failing: bool,
    /// Infrastructure that may be folded away: nothing that failed, nothing at the top.
    pub foldable: bool,
    /// Spans below it that are not foldable.
    pub below: u32,
    /// The calls in it and below it, each once.
    pub sum: Sum,
    pub odd: Odd,
}

/// What calls of models come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub calls: u32,
    /// Of the calls whose cost is known.
    pub cost: Money,
    /// How many those are.
    pub priced: u32,
    /// Calls whose cost should be known and is not.
    pub unpriced: u32,
}

/// What is wrong with a span's times or place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Odd {
    /// Nanoseconds by which it begins before its parent.
    pub before: i64,
    /// Nanoseconds by which it ends after its parent.
    pub after: i64,
    /// It says that it ended before it began.
    pub backwards: bool,
    /// It says no end.
    pub endless: bool,
    /// It belongs to itself, by way of its ancestors.
    pub looped: bool,
    /// It says no time.
    pub timeless: bool,
}

/// The length of a span that says no end.
pub const NO_END_NS: i64 = -1;

impl Odd {
    /// Clocks are read in milliseconds by some: less is no difference.
    const TOLERATED_NS: i64 = 1_000_000;

    /// Whether any of it is worth a mark.
    pub fn is_odd(self) -> bool {
        self.outside() || self.backwards || self.endless || self.looped || self.timeless
    }

    /// Whether it lies outside its parent's time.
    pub fn outside(self) -> bool {
        self.before > Self::TOLERATED_NS || self.after > Self::TOLERATED_NS
    }
}

impl Tree {
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The span at a place; `None` for a marker.
    pub fn span(&self, place: Place) -> Option<&SpanRow> {
        self.spans.get(place as usize)
    }

    /// The id of the missing parent that a marker stands for.
    pub fn missing(&self, place: Place) -> Option<&str> {
        self.missing.get((place as usize).checked_sub(self.spans.len())?).map(String::as_str)
    }

    pub fn node(&self, place: Place) -> Option<&Node> {
        self.nodes.get(place as usize)
    }

    pub fn children(&self, place: Place) -> &[Place] {
        self.node(place).map_or(&[], |node| &node.children)
    }

    pub fn roots(&self) -> &[Place] {
        &self.roots
    }

    /// Every place, parents before children.
    pub fn order(&self) -> &[Place] {
        &self.order
    }

    /// The place with this id; a marker by the id of the parent that is missing.
    pub fn find(&self, id: &str) -> Option<Place> {
        self.index.get(&key(id)).copied()
    }

    /// The id of a place: a span's, or that of the missing parent.
    pub fn id(&self, place: Place) -> Option<&str> {
        self.span(place).map(|span| span.id.as_str()).or_else(|| self.missing(place))
    }

    /// When the first span began.
    pub const fn start_ns(&self) -> i64 {
        self.start_ns
    }

    /// How long all of it took.
    pub fn length_ns(&self) -> i64 {
        (self.end_ns - self.start_ns).max(1)
    }

    /// When a place began and ended, in nanoseconds since the trace did; a marker spans its spans.
    pub fn times(&self, place: Place) -> (i64, i64) {
        match self.span(place) {
            Some(span) => {
                let from = if span.start_ns > 0 { span.start_ns - self.start_ns } else { 0 };
                (from, from + span.duration_ns.max(0))
            }
            None => {
                let times = || self.children(place).iter().map(|child| self.times(*child));
                (
                    times().map(|(from, _)| from).min().unwrap_or(0),
                    times().map(|(_, to)| to).max().unwrap_or(0),
                )
            }
        }
    }

    /// Spans with an error.
    pub fn errors(&self) -> usize {
        self.spans.iter().filter(|span| span.failed).count()
    }

    /// Spans that can be folded away.
    pub fn foldable(&self) -> usize {
        self.nodes.iter().filter(|node| node.foldable).count()
    }

    /// Spans whose parent is missing.
    pub fn orphans(&self) -> usize {
        let markers = self.nodes.iter().skip(self.spans.len());
        markers.map(|marker| marker.children.len()).sum()
    }
}

/// An id as a number: hexadecimal with or without dashes; anything else by its bytes.
pub fn key(id: &str) -> u128 {
    let digits = || id.chars().filter(|c| *c != '-');
    let hex = digits().try_fold(0_u128, |sum, c| Some(sum << 4 | u128::from(c.to_digit(16)?)));
    match hex {
        Some(number) if digits().count() <= 32 => number,
        _ => id.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        }),
    }
}
