//! Calls by what they share with others, and by when they ended: for each key those apart that lack a source, so that calls
//! which were joined do not stand before those that were not. Leaves out what fits (`ledger`, `join`).

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;

use super::Rule;
use super::keys::{Class, Sought};

/// Calls of one key and class that are looked at on each side, beyond those that fit.
const MOST_LOOKED_AT: usize = 256;

/// A call as one of its sources tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// When it ended.
    pub(super) end_us: i64,
    /// Its number.
    pub(super) seq: i64,
    /// How well the others who tell of it fit this one.
    pub(super) held: Held,
}

/// How near something has to be to take another's place: by which rule that one is there, and how far away it is. Kept
/// beside each entry, since most calls are told of by who is nearest, and need not be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    pub(super) rule: Rule,
    pub(super) apart_us: u32,
}

impl Held {
    /// Anything might take its place.
    pub(super) const LOOSELY: Self = Self { rule: Rule::Time, apart_us: u32::MAX };

    /// Whether what is so far away cannot take its place by this rule.
    pub(super) fn holds(self, rule: Rule, away_us: u64) -> bool {
        self != Self::LOOSELY && self.rule <= rule && away_us > u64::from(self.apart_us)
    }
}

/// Keys, each with the calls that have it.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    keys: HashMap<i64, Sharing>,
}

/// Calls that share a key. Most keys are of one call.
#[derive(Clone, Debug)]
enum Sharing {
    One(Class, Entry),
    /// By class, each in the order in which they ended.
    Many(Vec<(Class, VecDeque<Entry>)>),
}

impl Index {
    pub(super) fn insert(&mut self, key: i64, class: Class, entry: Entry) {
        let sharing = self.keys.entry(key).or_insert(Sharing::One(class, entry));
        match sharing {
            Sharing::One(one, first) if (*one, *first) == (class, entry) => {}
            Sharing::One(one, first) => {
                let mut lists = Vec::with_capacity(1);
                put(&mut lists, *one, *first);
                put(&mut lists, class, entry);
                *sharing = Sharing::Many(lists);
            }
            Sharing::Many(lists) => put(lists, class, entry),
        }
    }

    pub(super) fn remove(&mut self, key: i64, class: Class, entry: Entry) {
        let Some(sharing) = self.keys.get_mut(&key) else { return };
        let empty = match sharing {
            Sharing::One(one, first) => (*one, *first) == (class, entry),
            Sharing::Many(lists) => {
                if let Some(at) = lists.iter().position(|(theirs, _)| *theirs == class)
                    && let Some((_, list)) = lists.get_mut(at)
                {
                    if let Ok(found) = list.binary_search(&entry) {
                        list.remove(found);
                    }
                    if list.is_empty() {
                        lists.swap_remove(at);
                    }
                }
                lists.is_empty()
            }
        };
        if empty {
            self.keys.remove(&key);
        }
    }

    /// Whether a key has any of which `wanted` holds.
    pub(super) fn has(&self, key: i64, wanted: impl Fn(Class) -> bool) -> bool {
        match self.keys.get(&key) {
            Some(Sharing::One(class, _)) => wanted(*class),
            Some(Sharing::Many(lists)) => lists.iter().any(|(class, _)| wanted(*class)),
            None => false,
        }
    }

    /// Shows those of a key that ended within its time, and of which `wanted` holds: in each class the nearest to
    /// `end_us` first, until `look` breaks off, which is told how far away the next is.
    pub(super) fn look(
        &self,
        sought: &Sought,
        end_us: i64,
        wanted: impl Fn(Class) -> bool,
        mut look: impl FnMut(Entry, u64) -> ControlFlow<()>,
    ) {
        let within = |end: i64| (sought.from_us..=sought.until_us).contains(&end);
        match self.keys.get(&sought.key) {
            Some(Sharing::One(class, entry)) if wanted(*class) && within(entry.end_us) => {
                let _only_one = look(*entry, entry.end_us.abs_diff(end_us));
            }
            Some(Sharing::Many(lists)) => {
                for (_, list) in lists.iter().filter(|(class, _)| wanted(*class)) {
                    let middle = list.partition_point(|entry| entry.end_us < end_us);
                    let before = list.range(..middle).rev().take_while(|entry| within(entry.end_us));
                    let after = list.range(middle..).take_while(|entry| within(entry.end_us));
                    nearest(before.take(MOST_LOOKED_AT), after.take(MOST_LOOKED_AT), end_us, &mut look);
                }
            }
            _ => {}
        }
    }
}

/// Both sides together, the nearest first.
fn nearest<'e>(
    before: impl Iterator<Item = &'e Entry>,
    after: impl Iterator<Item = &'e Entry>,
    end_us: i64,
    look: &mut impl FnMut(Entry, u64) -> ControlFlow<()>,
) {
    let away = |entry: &Entry| entry.end_us.abs_diff(end_us);
    let (mut before, mut after) = (before.peekable(), after.peekable());
    loop {
        let next = match (before.peek(), after.peek()) {
            (Some(one), Some(two)) if away(one) < away(two) => before.next(),
            (_, Some(_)) => after.next(),
            (_, None) => before.next(),
        };
        let Some(entry) = next else { return };
        if look(*entry, away(entry)).is_break() {
            return;
        }
    }
}

fn put(lists: &mut Vec<(Class, VecDeque<Entry>)>, class: Class, entry: Entry) {
    let Some((_, list)) = lists.iter_mut().find(|(theirs, _)| *theirs == class) else {
        lists.push((class, VecDeque::from([entry])));
        return;
    };
    // Most end later than those before them.
    if list.back().is_none_or(|last| *last < entry) {
        list.push_back(entry);
    } else if let Err(at) = list.binary_search(&entry) {
        list.insert(at, entry);
    }
}
