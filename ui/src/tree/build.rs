//! Putting spans together to a tree, whatever they say of each other: parents that are missing, that come later, that
//! are their own children; the same span twice.

use std::collections::{HashMap, HashSet};

use api::{CallId, CostSource, SpanRow};

use super::{NO_END_NS, Node, Odd, Place, Sum, Tree, key};

impl Tree {
    /// The tree of these spans; of two with one id the later counts.
    pub fn build(spans: Vec<SpanRow>) -> Self {
        let spans = each_once(spans);
        let index: HashMap<u128, Place> =
            spans.iter().zip(0..).map(|(span, place)| (key(&span.id), place)).collect();
        let mut tree = Self { nodes: vec![Node::default(); spans.len()], spans, index, ..Self::default() };
        tree.find_parents();
        tree.cut_loops();
        tree.link();
        tree.put_in_order();
        tree.measure();
        tree.add_up();
        tree
    }

    /// Parents as reported; a missing one gets a marker.
    fn find_parents(&mut self) {
        for place in 0..self.spans.len() {
            let Some(parent) = self.spans[place].parent.clone().filter(|parent| !parent.is_empty()) else {
                continue;
            };
            let known = self.index.get(&key(&parent)).copied();
            let found = known.unwrap_or_else(|| {
                let marker = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
                self.index.insert(key(&parent), marker);
                self.nodes.push(Node::default());
                self.missing.push(parent);
                marker
            });
            self.nodes[place].parent = Some(found);
        }
    }

    /// A span that is its own ancestor becomes a root.
    fn cut_loops(&mut self) {
        const UNSEEN: u32 = u32::MAX;
        let mut seen_by = vec![UNSEEN; self.nodes.len()];
        for first in 0..self.spans.len() {
            let mut at = first;
            let walker = first as u32;
            while seen_by[at] == UNSEEN {
                seen_by[at] = walker;
                match self.nodes[at].parent {
                    Some(parent) if seen_by[parent as usize] == walker => {
                        self.nodes[at].parent = None;
                        self.nodes[at].odd.looped = true;
                        break;
                    }
                    Some(parent) => at = parent as usize,
                    None => break,
                }
            }
        }
    }

    /// Children and roots, each by their beginning: places already are.
    fn link(&mut self) {
        for place in 0..self.nodes.len() as Place {
            match self.nodes[place as usize].parent {
                Some(parent) => self.nodes[parent as usize].children.push(place),
                None => self.roots.push(place),
            }
        }
    }

    fn put_in_order(&mut self) {
        self.position = vec![0; self.nodes.len()];
        self.order = Vec::with_capacity(self.nodes.len());
        let mut stack: Vec<Place> = self.roots.iter().rev().copied().collect();
        while let Some(place) = stack.pop() {
            let depth =
                self.nodes[place as usize].parent.map_or(0, |parent| self.nodes[parent as usize].depth + 1);
            self.nodes[place as usize].depth = depth;
            self.position[place as usize] = self.order.len() as u32;
            self.order.push(place);
            stack.extend(self.nodes[place as usize].children.iter().rev());
        }
    }

    /// The trace's time, and spans whose times make no sense.
    fn measure(&mut self) {
        let timed = || self.spans.iter().filter(|span| span.start_ns > 0);
        self.start_ns = timed().map(|span| span.start_ns).min().unwrap_or(0);
        let end = |span: &SpanRow| span.start_ns.saturating_add(span.duration_ns.max(0));
        self.end_ns = timed().map(end).max().unwrap_or(0);
        for place in 0..self.spans.len() {
            let span = &self.spans[place];
            let parent = self.nodes[place].parent.and_then(|parent| self.spans.get(parent as usize));
            let odd = &mut self.nodes[place].odd;
            odd.endless = span.duration_ns == NO_END_NS;
            odd.backwards = span.duration_ns < 0 && !odd.endless;
            odd.timeless = span.start_ns <= 0;
            if let Some(parent) = parent.filter(|parent| !odd.timeless && parent.start_ns > 0) {
                *odd = Odd {
                    before: (parent.start_ns - span.start_ns).max(0),
                    after: (end(span) - end(parent)).max(0),
                    ..*odd
                };
            }
        }
    }

    /// Sums, errors and what can be folded, from the leaves up.
    fn add_up(&mut self) {
        let mut counted: HashSet<CallId> = HashSet::new();
        for at in (0..self.order.len()).rev() {
            let place = self.order[at] as usize;
            let parent = self.nodes[place].parent;
            let span = self.spans.get(place);
            let failed = span.is_some_and(|span| span.failed);
            let foldable = !failed && parent.is_some() && span.is_some_and(|span| span.infrastructure);
            // Two spans may tell of one call: the inner one counts it.
            let own = span.and_then(|span| span.call.as_ref()).filter(|call| counted.insert(call.id));
            if let Some(call) = own {
                let is_due = call.cost_source == CostSource::Unknown;
                let sum = &mut self.nodes[place].sum;
                sum.calls += 1;
                sum.cost = sum.cost.saturating_add(call.cost.unwrap_or_default());
                sum.priced += u32::from(call.cost.is_some());
                sum.unpriced += u32::from(call.cost.is_none() && is_due);
            }
            let node = &mut self.nodes[place];
            node.failing |= failed;
            node.foldable = foldable;
            let (failing, sum) = (node.failing, node.sum);
            let below = node.below + u32::from(!foldable);
            if let Some(parent) = parent {
                let parent = &mut self.nodes[parent as usize];
                parent.failing |= failing;
                parent.below += below;
                parent.sum = parent.sum.and(sum);
            }
        }
    }
}

impl Sum {
    fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            cost: self.cost.saturating_add(other.cost),
            priced: self.priced + other.priced,
            unpriced: self.unpriced + other.unpriced,
        }
    }
}

/// Spans by their beginning; of two with one id the later.
fn each_once(spans: Vec<SpanRow>) -> Vec<SpanRow> {
    let mut places: HashMap<u128, usize> = HashMap::with_capacity(spans.len());
    let mut kept: Vec<SpanRow> = Vec::with_capacity(spans.len());
    for span in spans {
        match places.get(&key(&span.id)) {
            Some(place) => kept[*place] = span,
            None => {
                places.insert(key(&span.id), kept.len());
                kept.push(span);
            }
        }
    }
    kept.sort_by(|a, b| (a.start_ns, &a.id).cmp(&(b.start_ns, &b.id)));
    kept
}
