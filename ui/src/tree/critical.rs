//! The critical path: at each moment the work that what follows had to wait for. Pure.
//! Found from the end: of a span's children the one that ended last held it up until then, before that the one that
//! ended last before it began, and so on.

use api::SpanType;

use super::{Place, Tree};

/// The path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Critical {
    /// For each place, whether it is on it.
    on: Vec<bool>,
    /// How long something on it did work of its own, other than holding others together.
    pub work_ns: i64,
}

impl Critical {
    pub fn contains(&self, place: Place) -> bool {
        self.on.get(place as usize).copied().unwrap_or(false)
    }
}

/// Spans that overlap by less than this share of the later one follow each other.
const OVERLAP: i64 = 20;

/// The path through a tree.
pub fn critical(tree: &Tree) -> Critical {
    let mut path = Critical { on: vec![false; tree.order().len()], work_ns: 0 };
    // Who is looked at, and which stretch of its time counts.
    let mut stack: Vec<(Option<Place>, i64, i64)> = vec![(None, 0, tree.length_ns())];
    while let Some((place, from, to)) = stack.pop() {
        let children = place.map_or(tree.roots(), |place| tree.children(place));
        let mut waited = 0;
        for (child, begun, ended) in held_up(tree, children, from, to) {
            if let Some(on) = path.on.get_mut(child as usize) {
                *on = true;
            }
            waited += ended - begun;
            stack.push((Some(child), begun, ended));
        }
        let works = place.and_then(|place| tree.span(place)).is_some_and(|span| {
            let holds_together =
                matches!(span.span_type, SpanType::Trace | SpanType::Agent | SpanType::Chain);
            !holds_together || children.is_empty()
        });
        if works {
            path.work_ns += (to - from - waited).max(0);
        }
    }
    path
}

/// Which of these held up what went on from `from` to `to`, the latest first, and when each did.
fn held_up(tree: &Tree, children: &[Place], from: i64, to: i64) -> Vec<(Place, i64, i64)> {
    let mut latest: Vec<(Place, i64, i64)> = children
        .iter()
        .map(|child| {
            let (begun, ended) = tree.times(*child);
            (*child, begun, ended)
        })
        .collect();
    latest.sort_by_key(|(place, begun, ended)| (std::cmp::Reverse(*ended), *begun, *place));
    let mut until = to;
    let mut path = Vec::new();
    for (child, begun, ended) in latest {
        // A little over the end of the whole is the whole's end; the same between two that follow each other.
        let over = ended - until;
        // What took no time held nothing up.
        if begun >= until || begun >= ended || (over > 0 && until < to && over > (ended - begun) / OVERLAP) {
            continue;
        }
        let begun = begun.max(from);
        path.push((child, begun, ended.min(until).max(begun)));
        until = begun;
        if until <= from {
            break;
        }
    }
    path
}
