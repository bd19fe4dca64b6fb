//! What was told of calls lately, and putting together what is told of one. In memory; whoever stores calls fills it
//! again from what is stored. Leaves out the rules (`join`), where others are found (`keys`, `index`), and making room for
//! one that finds none (`room`).
//!
//! The order in which sources tell of calls does not matter: whoever comes is compared with all that may be the same,
//! takes the best, and goes on looking with what both know. What fits less well gives way to what fits better, and looks
//! again: in the end no two would both rather be with each other.

mod room;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::ControlFlow;

use api::ReportSource;

use super::index::{Entry, Held, Index};
use super::keys::{Class, Sought};
use super::{Facts, Fit, Rule};

/// Nothing gives way more often than this for one arrival. What comes after only takes what is free.
const MOST_STEPS: usize = 64;

/// Names what a source told: of a span its trace's key and itself, of a log record its time and its hash; of the proxy
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// The source.
    pub source: ReportSource,
    /// The first of its two numbers.
    pub a: i64,
    /// The second.
    pub b: i64,
}

impl Mark {
    /// The proxy's.
    pub const PROXY: Self = Self { source: ReportSource::Proxy, a: 0, b: 0 };
}

/// What one source told of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What told.
    pub mark: Mark,
    /// What it told.
    pub facts: Facts,
    /// By what it was found to be of this call; `None` of the first.
    pub by: Option<Rule>,
}

/// Calls that are no longer as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// New, or told of by others than before.
    pub calls: BTreeSet<i64>,
    /// Found to be others: each with the call that it is now.
    pub gone: Vec<(i64, i64)>,
}

/// The calls told of lately, each by its number.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    calls: HashMap<i64, Known>,
    index: Index,
    /// In the order in which they came or changed, each with the change.
    order: VecDeque<(i64, u64)>,
    changes: u64,
    most: usize,
    /// Calls that were put together to make room, the latest last.
    makeshift: VecDeque<i64>,
}

#[derive(Clone, Debug)]
struct Known {
    members: Vec<Member>,
    /// How well each is held by the others.
    held: Vec<Held>,
    changed: u64,
}

impl Known {
    fn new(members: Vec<Member>, changed: u64) -> Self {
        let held = if members.len() > 1 {
            members.iter().map(|one| held(one, &members)).collect()
        } else {
            Vec::new()
        };
        Self { members, held, changed }
    }

    /// Its keys, each with who has it.
    fn keys(&self, seq: i64) -> impl Iterator<Item = (i64, Entry)> + '_ {
        let held = self.held.iter().copied().chain(std::iter::repeat(Held::LOOSELY));
        self.members.iter().zip(held).flat_map(move |(Member { facts, .. }, held)| {
            facts.listed().map(move |key| (key, Entry { end_us: facts.end_us, seq, held }))
        })
    }
}

/// By what it would have to be beaten, whoever took the place of one of the others.
fn held(one: &Member, all: &[Member]) -> Held {
    let others = all.iter().filter(|other| other.mark != one.mark);
    let fits = others.map(|other| one.facts.fits(&other.facts).as_ref().map_or(Held::LOOSELY, Fit::held));
    fits.max().unwrap_or(Held::LOOSELY)
}

/// A call on its way in.
#[derive(Debug)]
struct Arriving {
    seq: i64,
    members: Vec<Member>,
}

/// A call that another fits.
#[derive(Debug)]
struct Partner {
    seq: i64,
    fit: Fit,
    /// What has to give way in it.
    misplaced: Vec<Mark>,
}

fn is_proxied(members: &[Member]) -> bool {
    members.iter().any(|member| member.mark == Mark::PROXY)
}

fn class(members: &[Member]) -> Class {
    Class::of(members.iter().map(|member| &member.facts))
}

impl Ledger {
    /// One that remembers about so many calls.
    pub fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// What is told of a call.
    pub fn members(&self, seq: i64) -> Option<&[Member]> {
        self.calls.get(&seq).map(|call| call.members.as_slice())
    }

    /// How many calls it knows.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Learns a call as it was stored, without looking for what is the same.
    pub fn learn(&mut self, seq: i64, members: Vec<Member>) {
        self.remove(seq);
        self.insert(seq, members);
    }

    /// Something tells of a call. `seq` is its number, should nobody have told of it yet; more numbers come from `next`.
    pub fn arrive(
        &mut self,
        seq: i64,
        mark: Mark,
        facts: Facts,
        next: &mut impl FnMut() -> i64,
        touched: &mut Touched,
    ) {
        let members = vec![Member { mark, facts, by: None }];
        self.settle(Arriving { seq, members }, next, touched);
    }

    /// What told of the call `seq` before tells of it again, differently perhaps.
    pub fn again(
        &mut self,
        seq: i64,
        mark: Mark,
        facts: Facts,
        next: &mut impl FnMut() -> i64,
        touched: &mut Touched,
    ) {
        let mut members = self.remove(seq).unwrap_or_default();
        match members.iter_mut().find(|member| member.mark == mark) {
            Some(member) => member.facts = facts,
            None => members.push(Member { mark, facts, by: None }),
        }
        self.settle(Arriving { seq, members }, next, touched);
    }

    /// Forgets a call that is deleted.
    pub fn forget(&mut self, seq: i64) {
        self.remove(seq);
    }

    fn settle(&mut self, first: Arriving, next: &mut impl FnMut() -> i64, touched: &mut Touched) {
        let mut waiting = self.makeshift(&first.members, next);
        waiting.push(first);
        let mut alone = self.find(waiting, next, touched);
        // Whoever came first: those that found nothing look for room in the order in which they ended.
        alone.sort_unstable();
        for (_, seq) in alone {
            if let Some([one]) = self.members(seq)
                && let Some(path) = self.room(one)
            {
                let (call, _) = self.without(seq, &[], next);
                let moved = self.move_along(path, call, next, touched);
                self.find(moved.into_iter().collect(), next, touched);
            }
        }
        touched.calls.retain(|seq| self.calls.contains_key(seq));
    }

    /// Puts calls where they fit best, and gives those that are still alone: when they ended, and their numbers.
    fn find(
        &mut self,
        mut waiting: Vec<Arriving>,
        next: &mut impl FnMut() -> i64,
        touched: &mut Touched,
    ) -> Vec<(i64, i64)> {
        let (mut steps, mut alone) = (0, Vec::new());
        let most = MOST_STEPS + waiting.len();
        while let Some(mut call) = waiting.pop() {
            while let Some(found) = self.partner(&call.members, steps >= most) {
                steps += usize::from(!found.misplaced.is_empty());
                let (other, misplaced) = self.without(found.seq, &found.misplaced, next);
                waiting.extend(misplaced);
                call = put_together(call, other, found.fit.rule, touched);
            }
            if let [one] = call.members.as_slice() {
                alone.push((one.facts.end_us, call.seq));
            }
            touched.calls.insert(call.seq);
            self.insert(call.seq, call.members);
        }
        alone
    }

    /// The call that fits best. `free`: only one in which nothing has to give way.
    fn partner(&self, members: &[Member], free: bool) -> Option<Partner> {
        let mut best: Option<Partner> = None;
        let mut seen = BTreeSet::new();
        let ours = class(members);
        // What is free first: what is not counts only where it is nearer.
        for taken in [false, true] {
            if taken && free {
                break;
            }
            let wanted = |theirs: Class| theirs.is_free_for(ours) != taken;
            self.look(members, wanted, |sought, entry, away| {
                let beaten = |best: &Partner| best.fit.is_best(sought.rule, away);
                if best.as_ref().is_some_and(beaten) {
                    return ControlFlow::Break(());
                }
                let seq = entry.seq;
                if !(taken && entry.held.holds(sought.rule, away))
                    && seen.insert(seq)
                    && let Some((fit, misplaced)) =
                        self.members(seq).and_then(|with| fit_together(members, with))
                    && (!free || misplaced.is_empty())
                    && best.as_ref().is_none_or(|best| (fit, seq) < (best.fit, best.seq))
                {
                    best = Some(Partner { seq, fit, misplaced });
                }
                ControlFlow::Continue(())
            });
        }
        best
    }

    /// Shows calls that may fit, of each key the nearest first, until `look` has seen enough of the key.
    fn look(
        &self,
        members: &[Member],
        wanted: impl Fn(Class) -> bool,
        mut look: impl FnMut(&Sought, Entry, u64) -> ControlFlow<()>,
    ) {
        let ours = class(members);
        let sought = members.iter().flat_map(|member| {
            let end_us = member.facts.end_us;
            member.facts.sought().map(move |sought| (sought, end_us))
        });
        let mut sought: Vec<(Sought, i64)> = sought.collect();
        sought.sort_by_key(|(sought, _)| sought.rule);
        for (sought, end_us) in sought {
            let alike = |theirs: Class| sought.rule.is_sure() || ours.may_look_like(theirs);
            let wanted = |theirs: Class| wanted(theirs) && alike(theirs);
            self.index.look(&sought, end_us, wanted, |entry, away| look(&sought, entry, away));
        }
    }

    /// Takes a call out, and what is misplaced out of it. A call of the proxy keeps its number.
    fn without(
        &mut self,
        seq: i64,
        misplaced: &[Mark],
        next: &mut impl FnMut() -> i64,
    ) -> (Arriving, Vec<Arriving>) {
        let members = self.remove(seq).unwrap_or_default();
        let (out, mut rest): (Vec<Member>, Vec<Member>) =
            members.into_iter().partition(|member| misplaced.contains(&member.mark));
        let leaves = is_proxied(&out);
        // By what they were found to be of one call with what is no longer there says nothing any more.
        if leaves || rest.len() == 1 {
            rest.iter_mut().for_each(|member| member.by = None);
        }
        let out = out.into_iter().map(|member| {
            let seq = if member.mark == Mark::PROXY { seq } else { next() };
            Arriving { seq, members: vec![Member { by: None, ..member }] }
        });
        let out = out.collect();
        (Arriving { seq: if leaves { next() } else { seq }, members: rest }, out)
    }

    fn insert(&mut self, seq: i64, members: Vec<Member>) {
        self.changes += 1;
        let (class, call) = (class(&members), Known::new(members, self.changes));
        call.keys(seq).for_each(|(key, entry)| self.index.insert(key, class, entry));
        self.calls.insert(seq, call);
        self.order.push_back((seq, self.changes));
        let live = |calls: &HashMap<i64, Known>, (seq, change): (i64, u64)| {
            calls.get(&seq).is_some_and(|call| call.changed == change)
        };
        while self.calls.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            if live(&self.calls, oldest) {
                self.remove(oldest.0);
            }
        }
        if self.order.len() > self.most.saturating_mul(4).max(64) {
            let calls = &self.calls;
            self.order.retain(|change| live(calls, *change));
        }
    }

    fn remove(&mut self, seq: i64) -> Option<Vec<Member>> {
        let call = self.calls.remove(&seq)?;
        let class = class(&call.members);
        call.keys(seq).for_each(|(key, entry)| self.index.remove(key, class, entry));
        Some(call.members)
    }
}

/// What of the second call cannot be of one call with the first.
fn in_the_way(ours: &[Member], theirs: &[Member]) -> Vec<Mark> {
    let in_the_way = |our: &Member, their: &Member| {
        let (our, their) = (&our.facts, &their.facts);
        if our.contradicts(their) {
            return true;
        }
        if our.source == their.source {
            return !our.repeats(their);
        }
        let sure = || our.fits(their).is_some_and(|fit| fit.rule.is_sure());
        super::differ(our.answer, their.answer) && !sure()
    };
    let misplaced = theirs.iter().filter(|their| ours.iter().any(|our| in_the_way(our, their)));
    misplaced.map(|their| their.mark).collect()
}

/// How well one fits any of the others, and which of them.
fn nearest<'m>(ours: &Member, theirs: impl Iterator<Item = &'m Member>) -> Option<Fit> {
    theirs.filter_map(|their| ours.facts.fits(&their.facts)).min()
}

/// How well two calls fit, and what of the second has to give way: only what fits the rest less well.
fn fit_together(ours: &[Member], theirs: &[Member]) -> Option<(Fit, Vec<Mark>)> {
    let misplaced = in_the_way(ours, theirs);
    let rest = || theirs.iter().filter(|member| !misplaced.contains(&member.mark));
    let (fit, mark) = ours.iter().filter_map(|our| nearest(our, rest()).map(|fit| (fit, our.mark))).min()?;
    let gives_way =
        |member: &&Member| nearest(member, rest()).is_none_or(|held| (fit, mark) < (held, member.mark));
    let all =
        theirs.iter().filter(|member| misplaced.contains(&member.mark)).all(|member| gives_way(&member));
    all.then_some((fit, misplaced))
}

/// Both are one: the proxy's call, else the one that was told of first, stays.
fn put_together(one: Arriving, two: Arriving, rule: Rule, touched: &mut Touched) -> Arriving {
    let rank = |call: &Arriving| (!is_proxied(&call.members), call.seq);
    let one_stays = rank(&one) < rank(&two);
    let (mut stays, goes) = if one_stays { (one, two) } else { (two, one) };
    touched.gone.push((goes.seq, stays.seq));
    stays
        .members
        .extend(goes.members.into_iter().map(|member| Member { by: member.by.or(Some(rule)), ..member }));
    stays
}
