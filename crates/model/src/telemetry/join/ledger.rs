//! What was told of calls lately, and putting together what is told of one. In memory; whoever stores calls fills it
//! again from what is stored. Leaves out the rules (`join`).
//!
//! The order in which sources tell of calls does not matter: whoever comes is compared with all that may be the same,
//! takes the best, and goes on looking with what both know. Something that only looked alike gives way to what is surely
//! the same, and looks again.

use std::collections::{BTreeSet, HashMap, VecDeque};

use api::ReportSource;

use super::{Facts, Fit, Rule};

/// Calls with one key that are looked at, the latest.
const EACH: usize = 48;
/// Nothing gives way more often than this for one arrival.
const MOST_STEPS: usize = 32;

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
    keys: HashMap<i64, Sharing>,
    /// In the order in which they came or changed, each with the change.
    order: VecDeque<(i64, u64)>,
    changes: u64,
    most: usize,
}

#[derive(Clone, Debug)]
struct Known {
    members: Vec<Member>,
    changed: u64,
}

/// Calls that share a key, the latest last. Calls of the proxy are never one with each other, and most calls are theirs:
/// they need not look at each other.
#[derive(Clone, Debug, Default)]
struct Sharing {
    proxied: VecDeque<i64>,
    told: VecDeque<i64>,
}

impl Sharing {
    fn of(&mut self, proxied: bool) -> &mut VecDeque<i64> {
        if proxied { &mut self.proxied } else { &mut self.told }
    }

    /// Those that a call may be one with.
    fn with(&self, proxied: bool) -> impl Iterator<Item = &i64> {
        let theirs = self.proxied.iter().rev().take(if proxied { 0 } else { EACH });
        self.told.iter().rev().take(EACH).chain(theirs)
    }
}

fn is_proxied(members: &[Member]) -> bool {
    members.iter().any(|member| member.mark == Mark::PROXY)
}

/// A call on its way in.
struct Arriving {
    seq: i64,
    members: Vec<Member>,
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
        let mut waiting = vec![first];
        let mut steps = 0;
        while let Some(mut call) = waiting.pop() {
            while steps < MOST_STEPS
                && let Some((seq, fit, misplaced)) = self.partner(&call.members)
            {
                steps += 1;
                let mut other = self.remove(seq).unwrap_or_default();
                for mark in misplaced {
                    if let Some(index) = other.iter().position(|member| member.mark == mark) {
                        let member = Member { by: None, ..other.swap_remove(index) };
                        waiting.push(Arriving { seq: next(), members: vec![member] });
                    }
                }
                call = put_together(call, Arriving { seq, members: other }, fit.rule, touched);
            }
            touched.calls.insert(call.seq);
            self.insert(call.seq, call.members);
        }
        touched.calls.retain(|seq| self.calls.contains_key(seq));
    }

    /// The call that fits best, and what has to give way in it.
    fn partner(&self, members: &[Member]) -> Option<(i64, Fit, Vec<Mark>)> {
        let keys = members.iter().flat_map(|member| member.facts.sought());
        let mut seen = BTreeSet::new();
        let proxied = is_proxied(members);
        let found = keys.filter_map(|key| self.keys.get(&key)).flat_map(|sharing| sharing.with(proxied));
        seen.extend(found.copied());
        let fitting = seen.into_iter().filter_map(|seq| {
            let (fit, misplaced) = fit_together(members, self.members(seq)?)?;
            Some((fit, seq, misplaced))
        });
        fitting.min_by_key(|(fit, seq, _)| (*fit, *seq)).map(|(fit, seq, misplaced)| (seq, fit, misplaced))
    }

    fn insert(&mut self, seq: i64, members: Vec<Member>) {
        let proxied = is_proxied(&members);
        for key in members.iter().flat_map(|member| member.facts.listed()) {
            let seqs = self.keys.entry(key).or_default().of(proxied);
            if seqs.back() != Some(&seq) {
                seqs.push_back(seq);
            }
        }
        self.changes += 1;
        self.calls.insert(seq, Known { members, changed: self.changes });
        self.order.push_back((seq, self.changes));
        // What is gone or has changed since counts as well: it is little.
        while self.order.len() > self.most
            && let Some((oldest, changed)) = self.order.pop_front()
        {
            if self.calls.get(&oldest).is_some_and(|call| call.changed == changed) {
                self.remove(oldest);
            }
        }
    }

    fn remove(&mut self, seq: i64) -> Option<Vec<Member>> {
        let members = self.calls.remove(&seq)?.members;
        let proxied = is_proxied(&members);
        for key in members.iter().flat_map(|member| member.facts.listed()) {
            let Some(sharing) = self.keys.get_mut(&key) else { continue };
            let seqs = sharing.of(proxied);
            // The oldest are forgotten, and the latest found again.
            if seqs.front() == Some(&seq) {
                seqs.pop_front();
            } else if seqs.back() == Some(&seq) {
                seqs.pop_back();
            } else {
                seqs.retain(|other| *other != seq);
            }
            if sharing.proxied.is_empty() && sharing.told.is_empty() {
                self.keys.remove(&key);
            }
        }
        Some(members)
    }
}

/// How well two calls fit, and what of the second would have to give way.
fn fit_together(ours: &[Member], theirs: &[Member]) -> Option<(Fit, Vec<Mark>)> {
    let pairs = || ours.iter().flat_map(|our| theirs.iter().map(move |their| (our, their)));
    let fit = pairs().filter_map(|(our, their)| our.facts.fits(&their.facts)).min()?;
    let in_the_way = |our: &Member, their: &Member| {
        let (our, their) = (&our.facts, &their.facts);
        if our.contradicts(their) {
            return true;
        }
        if our.source == their.source {
            return !our.repeats(their);
        }
        let sure = our.fits(their).is_some_and(|fit| fit.rule.is_sure());
        super::differ(our.answer, their.answer) && !sure
    };
    let mut misplaced: Vec<Mark> =
        pairs().filter(|(our, their)| in_the_way(our, their)).map(|(_, their)| their.mark).collect();
    misplaced.sort_unstable();
    misplaced.dedup();
    if misplaced.is_empty() {
        return Some((fit, misplaced));
    }
    // Only what looked alike gives way, and only to what is sure; and somebody has to stay.
    let loose = |mark: &Mark| {
        let (one, rest): (Vec<_>, Vec<_>) = theirs.iter().partition(|member| member.mark == *mark);
        let held = one.iter().flat_map(|one| rest.iter().filter_map(|other| one.facts.fits(&other.facts)));
        !held.map(|fit| fit.rule).any(Rule::is_sure)
    };
    let gives_way = fit.rule.is_sure() && misplaced.len() < theirs.len() && misplaced.iter().all(loose);
    // What remains has to fit for sure.
    let remaining = || theirs.iter().filter(|member| !misplaced.contains(&member.mark));
    let still =
        ours.iter().flat_map(|our| remaining().filter_map(|their| our.facts.fits(&their.facts))).min();
    let still = still.filter(|fit| gives_way && fit.rule.is_sure())?;
    Some((still, misplaced))
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
