//! How much of a trace's time each type of span took. Pure.

use api::SpanType;

use super::Tree;

/// A type's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub span_type: SpanType,
    pub spans: u32,
    /// How long at least one of this type ran; of what holds others together, how long nothing inside it did.
    pub time_ns: i64,
}

/// The types that are there, in their order. Infrastructure is left out.
pub fn shares(tree: &Tree) -> Vec<Share> {
    SpanType::ALL.into_iter().filter_map(|span_type| share(tree, span_type)).collect()
}

fn share(tree: &Tree, span_type: SpanType) -> Option<Share> {
    let holds_together = matches!(span_type, SpanType::Trace | SpanType::Agent | SpanType::Chain);
    let mut spans = 0;
    let mut times = Vec::new();
    for place in tree.order().iter().copied() {
        let is_one = tree.span(place).is_some_and(|span| span.span_type == span_type);
        if !is_one || tree.node(place).is_some_and(|node| node.foldable) {
            continue;
        }
        spans += 1;
        let (from, to) = tree.times(place);
        if !holds_together {
            times.push((from, to));
            continue;
        }
        let mut at = from;
        for child in tree.children(place) {
            let (begun, ended) = tree.times(*child);
            if begun > at {
                times.push((at, begun.min(to)));
            }
            at = at.max(ended);
        }
        if at < to {
            times.push((at, to));
        }
    }
    (spans > 0).then(|| Share { span_type, spans, time_ns: together(times) })
}

/// The length of all these stretches, each moment once.
fn together(mut times: Vec<(i64, i64)>) -> i64 {
    times.sort_unstable();
    let (mut sum, mut at) = (0, i64::MIN);
    for (from, to) in times {
        let from = from.max(at);
        if to > from {
            sum += to - from;
            at = to;
        }
    }
    sum
}
