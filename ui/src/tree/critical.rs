//! The critical path: at each moment the work that what follows had to wait for. Pure.
//! Found from the end: of a span's children the one that ended last held it up until then, before that the one that
//! ended last before it began, and so on. What goes on below a span after its own end counts as its end: a root that only
//! starts things is over long before its trace.

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
    let ends = ends(tree);
    // Who is looked at, and which stretch of its time counts.
    let mut stack: Vec<(Option<Place>, i64, i64)> = vec![(None, 0, tree.length_ns())];
    while let Some((place, from, to)) = stack.pop() {
        let children = place.map_or(tree.roots(), |place| tree.children(place));
        // After its own end a span does no work.
        let to_own = place.map_or(to, |place| to.min(tree.times(place).1));
        let mut waited = 0;
        for (child, begun, ended) in held_up(tree, &ends, children, from, to) {
            if let Some(on) = path.on.get_mut(child as usize) {
                *on = true;
            }
            waited += (ended.min(to_own) - begun).max(0);
            stack.push((Some(child), begun, ended));
        }
        let works = place.and_then(|place| tree.span(place)).is_some_and(|span| {
            let holds_together =
                matches!(span.span_type, SpanType::Trace | SpanType::Agent | SpanType::Chain);
            !holds_together || children.is_empty()
        });
        if works {
            path.work_ns += (to_own - from - waited).max(0);
        }
    }
    path
}

/// When each place was over, with all that is below it.
fn ends(tree: &Tree) -> Vec<i64> {
    let mut ends = vec![0; tree.order().len()];
    for place in tree.order().iter().rev() {
        let below = tree.children(*place).iter().filter_map(|child| ends.get(*child as usize).copied()).max();
        let end = tree.times(*place).1.max(below.unwrap_or(0));
        if let Some(known) = ends.get_mut(*place as usize) {
            *known = end;
        }
    }
    ends
}

/// Which of these held up what went on from `from` to `to`, the latest first, and when each did.
fn held_up(tree: &Tree, ends: &[i64], children: &[Place], from: i64, to: i64) -> Vec<(Place, i64, i64)> {
    let mut latest: Vec<(Place, i64, i64)> = children
        .iter()
        .map(|child| {
            let (begun, ended) = tree.times(*child);
            (*child, begun, ends.get(*child as usize).map_or(ended, |end| *end))
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
