//! Making room for a call that finds nothing free: what it fits is taken by others that are nearer, but those fit something
//! else as well. So as many calls have all that is told of them as can have it. Leaves out who is nearer (`ledger`).

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::{Arriving, Ledger, Mark, Member, Touched, class, in_the_way, nearest, put_together};
use crate::telemetry::join::Rule;

/// Looks at calls to make room for one: of a hundred that all fit each other every one looks at every other.
const MOST_LOOKED_AT: usize = 16_384;

/// Calls put together to make room that are taken apart when others come.
const MOST_MAKESHIFT: usize = 32;
/// How far away those others end.
const NEAR_US: u64 = 60_000_000;

/// What moves so that there is room: each out of its call into the next one's place, the last into what is free.
#[derive(Debug)]
pub(super) struct Path {
    moves: Vec<Move>,
    free: (i64, Rule),
}

/// `mark` leaves the call `seq` to the one before it, which is of it by `rule`.
#[derive(Clone, Copy, Debug)]
struct Move {
    seq: i64,
    mark: Mark,
    rule: Rule,
    /// The one before it, by its place.
    before: Option<usize>,
}

impl Ledger {
    /// What would have to move for this; `None` if nothing helps.
    pub(super) fn room(&self, alone: &Member) -> Option<Path> {
        if !self.may_have_room(alone) {
            return None;
        }
        let (mut moves, mut seen, mut looked_at) = (Vec::new(), HashSet::new(), 0);
        self.others(alone, None, &mut moves, &mut seen, &mut looked_at);
        let mut at = 0;
        while let Some(one) = moves.get(at).copied() {
            let member = self.members(one.seq)?.iter().find(|member| member.mark == one.mark)?;
            if let Some(free) = self.partner(std::slice::from_ref(member), true) {
                return Some(Path { moves: along(&moves, one), free: (free.seq, free.fit.rule) });
            }
            if looked_at < MOST_LOOKED_AT {
                self.others(member, Some(at), &mut moves, &mut seen, &mut looked_at);
            }
            at += 1;
        }
        None
    }

    /// Whether anything free shares a key with it: those that are alike share all of them.
    fn may_have_room(&self, alone: &Member) -> bool {
        let ours = class(std::slice::from_ref(alone));
        alone.facts.sought().any(|sought| {
            let free =
                |theirs| ours.is_free_for(theirs) && (sought.rule.is_sure() || ours.may_look_like(theirs));
            self.index.has(sought.key, free)
        })
    }

    /// Adds those whose place it could take.
    fn others(
        &self,
        member: &Member,
        before: Option<usize>,
        moves: &mut Vec<Move>,
        seen: &mut HashSet<i64>,
        looked_at: &mut usize,
    ) {
        let one = std::slice::from_ref(member);
        let ours = class(one);
        self.look(
            one,
            |theirs| !theirs.is_free_for(ours),
            |_, entry, _| {
                let seq = entry.seq;
                *looked_at += 1;
                if !seen.contains(&seq)
                    && let Some(theirs) = self.members(seq)
                    && let [mark] = *in_the_way(one, theirs)
                    && mark.source == member.mark.source
                    && let Some(fit) = nearest(member, theirs.iter().filter(|their| their.mark != mark))
                {
                    seen.insert(seq);
                    moves.push(Move { seq, mark, rule: fit.rule, before });
                }
                match *looked_at < MOST_LOOKED_AT {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            },
        );
    }

    /// Moves all of them, and gives the call that took what was free.
    pub(super) fn move_along(
        &mut self,
        path: Path,
        call: Arriving,
        next: &mut impl FnMut() -> i64,
        touched: &mut Touched,
    ) -> Option<Arriving> {
        let mut moving = call;
        for one in path.moves {
            let (rest, out) = self.without(one.seq, &[one.mark], next);
            let call = put_together(moving, rest, one.rule, touched);
            touched.calls.insert(call.seq);
            self.makeshift.push_back(call.seq);
            self.insert(call.seq, call.members);
            moving = out.into_iter().next()?;
        }
        let (seq, rule) = path.free;
        let (free, _) = self.without(seq, &[], next);
        let call = put_together(moving, free, rule, touched);
        self.makeshift.push_back(call.seq);
        self.makeshift.drain(..self.makeshift.len().saturating_sub(MOST_MAKESHIFT));
        Some(call)
    }

    /// Takes apart what was put together to make room, where something comes that may change it: they look for the nearest
    /// once more, as though they came after it.
    pub(super) fn makeshift(&mut self, members: &[Member], next: &mut impl FnMut() -> i64) -> Vec<Arriving> {
        let Some(first) = members.first().filter(|_| !self.makeshift.is_empty()) else { return Vec::new() };
        let is_near = |calls: &Self, seq: &i64| {
            let near = |one: &Member| one.facts.end_us.abs_diff(first.facts.end_us) < NEAR_US;
            calls.members(*seq).is_some_and(|members| members.iter().any(near))
        };
        let mut near = std::mem::take(&mut self.makeshift);
        near.retain(|seq| self.calls.contains_key(seq));
        self.makeshift = near.iter().copied().filter(|seq| !is_near(self, seq)).collect();
        near.retain(|seq| is_near(self, seq));
        let mut apart = Vec::new();
        for seq in near {
            // One keeps the number: the proxy's, whose row it is.
            let members = self.members(seq).unwrap_or_default();
            let stays = members.iter().map(|member| member.mark).min();
            let marks: Vec<Mark> =
                members.iter().map(|member| member.mark).filter(|mark| Some(*mark) != stays).collect();
            let (one, others) = self.without(seq, &marks, next);
            apart.extend(Some(one).filter(|one| !one.members.is_empty()));
            apart.extend(others);
        }
        apart
    }
}

/// The moves up to this one, the first first.
fn along(moves: &[Move], last: Move) -> Vec<Move> {
    let mut path = vec![last];
    let mut before = last.before;
    while let Some(one) = before.and_then(|at| moves.get(at)) {
        path.push(*one);
        before = one.before;
    }
    path.reverse();
    path
}
