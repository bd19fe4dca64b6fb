//! Which rows of a tree are shown, in which order, with which lines before them.
//! Pure. Leaves out what stands in a row.

use std::collections::HashSet;

use super::{Place, Tree};

/// What the reader has opened and closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Infrastructure is shown like anything else.
    pub infrastructure: bool,
    /// Ids of places whose folded infrastructure is shown all the same.
    pub unfolded: HashSet<String>,
    /// Everything below the top is closed but for what `turned` names; else open but for that.
    pub closed: bool,
    /// Ids of the exceptions.
    pub turned: HashSet<String>,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    pub place: Place,
    pub depth: u32,
    /// Whether something stands below it, shown or closed away.
    pub parent: bool,
    pub open: bool,
    /// Infrastructure folded away here.
    pub folded: u32,
    pub lines: Lines,
}

/// The lines that lead from parents to their children, a bit for each column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lines {
    /// Columns through which a line runs to a later row.
    pub through: u32,
    /// Of them, those that lead to an error.
    pub red: u32,
    /// A sibling follows.
    pub next: bool,
    /// A sibling that follows, or what is below it, failed.
    pub red_next: bool,
    /// This row or what is below it failed.
    pub failing: bool,
}

/// The rows of a tree as the reader has it.
pub fn rows(tree: &Tree, shown: &Shown) -> Vec<Row> {
    let places =
        |ids: &HashSet<String>| ids.iter().filter_map(|id| tree.find(id)).collect::<HashSet<Place>>();
    let look = Look { tree, shown, unfolded: places(&shown.unfolded), turned: places(&shown.turned) };
    let mut rows = Vec::new();
    let mut stack = Vec::new();
    look.push(&mut stack, tree.roots(), 0, Lines::default());
    while let Some((place, depth, lines)) = stack.pop() {
        let (children, folded) = look.children(place);
        let open = look.is_open(place, depth);
        rows.push(Row { place, depth, parent: !children.is_empty(), open, folded, lines });
        if open {
            look.push(&mut stack, &children, depth + 1, lines);
        }
    }
    rows
}

struct Look<'a> {
    tree: &'a Tree,
    shown: &'a Shown,
    unfolded: HashSet<Place>,
    turned: HashSet<Place>,
}

impl Look<'_> {
    fn is_open(&self, place: Place, depth: u32) -> bool {
        (self.shown.closed && depth > 0) == self.turned.contains(&place)
    }

    /// What is shown directly below a place, and how many spans are folded away there.
    fn children(&self, place: Place) -> (Vec<Place>, u32) {
        let fold = !self.shown.infrastructure && !self.unfolded.contains(&place);
        let foldable = |place: Place| self.tree.node(place).is_some_and(|node| node.foldable);
        // What was unfolded stays with the place that it was folded into.
        let fold = fold && !self.inside_unfolded(place);
        if !fold {
            return (self.tree.children(place).to_vec(), 0);
        }
        let (mut shown, mut folded) = (Vec::new(), 0);
        let mut look: Vec<Place> = self.tree.children(place).iter().rev().copied().collect();
        while let Some(child) = look.pop() {
            if foldable(child) {
                folded += 1;
                look.extend(self.tree.children(child).iter().rev());
            } else {
                shown.push(child);
            }
        }
        if folded > 0 {
            shown.sort_unstable();
        }
        (shown, folded)
    }

    /// Whether this is infrastructure that is shown since its owner is unfolded.
    fn inside_unfolded(&self, place: Place) -> bool {
        let mut at = Some(place);
        while let Some(place) = at {
            let Some(node) = self.tree.node(place) else { return false };
            if !node.foldable {
                return self.unfolded.contains(&place);
            }
            at = node.parent;
        }
        false
    }

    /// Puts siblings on the stack, the first on top.
    fn push(&self, stack: &mut Vec<(Place, u32, Lines)>, siblings: &[Place], depth: u32, parent: Lines) {
        let (mut next, mut red_next) = (false, false);
        let column = |depth: u32| 1_u32.checked_shl(depth).unwrap_or(0);
        // The parent's own column goes on below it while it has a sibling.
        let own = if depth >= 2 { column(depth - 2) } else { 0 };
        let through = parent.through | if parent.next { own } else { 0 };
        let red = parent.red | if parent.red_next { own } else { 0 };
        for place in siblings.iter().rev().copied() {
            let failing = self.tree.node(place).is_some_and(|node| node.failing);
            stack.push((place, depth, Lines { through, red, next, red_next, failing }));
            next = true;
            red_next |= failing;
        }
    }
}
