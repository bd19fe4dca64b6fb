//! What intervals add up to, kept in memory until a call in them changes: most of what a dashboard shows lies in the
//! past, and adding it up again for every call that ends would cost more than recording the call.
//! Leaves out adding up (`window`).

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{GroupBy, Totals};
use tokio::sync::Notify;

use crate::rollup::measures::{Measures, QUARTER_MS};

/// Bytes that are kept in all: what the days of three months add up to, with a million calls in them.
const LARGEST: usize = 24 << 20;
/// Commits that are remembered for readers that began before them.
const REMEMBERED: usize = 64;

/// What an interval's calls add up to, by group; `None` are the calls without one.
pub(crate) type Groups = Vec<(Option<String>, Measures)>;
/// First-token times by model, in microseconds, the shortest first.
pub(crate) type Times = Vec<(Option<String>, Vec<u64>)>;

/// What a session spent, which is all that tells whether it is among the dearest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    /// The session's id; empty for the calls without one.
    pub(crate) session: Box<str>,
    /// In pico-dollars.
    pub(crate) cost: i64,
    pub(crate) calls: i64,
}

/// What the calls of some tool add up to, and whether they stand beside those of models.
pub(crate) type ToolSum = (Option<String>, Totals, bool);

/// Why calls failed, how often, and when it happened last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) why: Why,
    pub(crate) calls: i64,
    pub(crate) last_ms: i64,
}

/// The answer's status, the call's state, what kind of error was told, and by which model.
pub(crate) type Why = (Option<u16>, String, Option<String>, Option<String>);

/// How many calls have words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WordCount {
    /// The expression for the index; empty for all calls.
    words: Box<str>,
    /// Rows from here on are not counted.
    end: i64,
    calls: u64,
}

/// Which sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    By(Option<GroupBy>),
    FirstTokens,
    Sessions,
    Tools,
    Errors,
    /// The expression for an index of words, hashed.
    Words(u64),
}

/// A stretch of time from its first millisecond to the one after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Interval {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl Interval {
    /// The whole quarters of an hour in it; `None` when there is none.
    pub(crate) fn quarters(self) -> Option<std::ops::Range<i64>> {
        let first = self.from_ms.div_euclid(QUARTER_MS) + i64::from(self.from_ms.rem_euclid(QUARTER_MS) > 0);
        let end = self.to_ms.div_euclid(QUARTER_MS);
        (first < end).then_some(first..end)
    }

    /// What of it lies in no whole quarter. All there was before or comes after some moment has no edge there.
    pub(crate) fn edges(self) -> impl Iterator<Item = Self> {
        let whole = self.quarters();
        let before = whole.as_ref().map(|quarters| quarters.start.saturating_mul(QUARTER_MS));
        let after = whole.as_ref().map(|quarters| quarters.end.saturating_mul(QUARTER_MS));
        let first = Self { to_ms: before.unwrap_or(self.to_ms), ..self };
        let last = Self { from_ms: after.unwrap_or(self.to_ms), ..self };
        let given = [(first, self.from_ms > i64::MIN), (last, self.to_ms < i64::MAX)];
        given.into_iter().filter(|(edge, given)| *given && edge.from_ms < edge.to_ms).map(|(edge, _)| edge)
    }

    const fn overlaps(self, from_ms: i64, last_ms: i64) -> bool {
        self.from_ms <= last_ms && from_ms < self.to_ms
    }
}

/// One kept answer.
#[derive(Clone, Debug)]
pub(crate) enum Sum {
    Groups(Arc<Groups>),
    Times(Arc<Times>),
    Sessions(Arc<Vec<Spent>>),
    Tools(Arc<Vec<ToolSum>>),
    Errors(Arc<Vec<Failed>>),
    Words(Arc<WordCount>),
}

impl Sum {
    /// About how many bytes it takes.
    fn weight(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let kept = match self {
            Self::Groups(groups) => {
                groups.iter().map(|group| size_of_val(group) + text(&group.0)).sum::<usize>()
            }
            Self::Times(times) => times
                .iter()
                .map(|of| size_of_val(of) + text(&of.0) + size_of_val(of.1.as_slice()))
                .sum::<usize>(),
            Self::Sessions(sessions) => {
                sessions.iter().map(|spent| size_of_val(spent) + spent.session.len()).sum::<usize>()
            }
            Self::Tools(tools) => tools.iter().map(|tool| size_of_val(tool) + text(&tool.0)).sum::<usize>(),
            Self::Errors(errors) => errors
                .iter()
                .map(|failed| {
                    let (_, state, kind, model) = &failed.why;
                    size_of_val(failed) + state.len() + text(kind) + text(model)
                })
                .sum::<usize>(),
            Self::Words(count) => size_of_val(count.as_ref()) + count.words.len(),
        };
        size_of::<((Interval, Of), (u64, Self))>() + kept
    }
}

/// How many commits there had been when a reader began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Began(u64);

/// The answers.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    shelf: Mutex<Shelf>,
    /// Told of each commit.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Shelf {
    /// When calls began that changed since somebody asked: the first and the last moment.
    touched: Option<(i64, i64)>,
    sums: HashMap<(Interval, Of), (u64, Sum)>,
    weight: usize,
    /// Counts up with each use.
    clock: u64,
    commits: u64,
    /// The latest commits: the first and the last moment at which a call in them began.
    latest: VecDeque<(i64, i64)>,
}

impl Kept {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before a reader looks at the database.
    pub(crate) fn begin(&self) -> Began {
        Began(self.shelf().commits)
    }

    pub(crate) fn get(&self, interval: Interval, of: Of) -> Option<Sum> {
        let mut shelf = self.shelf();
        shelf.clock += 1;
        let clock = shelf.clock;
        let (used, sum) = shelf.sums.get_mut(&(interval, of))?;
        *used = clock;
        Some(sum.clone())
    }

    /// Keeps what a reader found, unless a commit since it began may have changed it.
    pub(crate) fn put(&self, began: Began, interval: Interval, of: Of, sum: Sum) {
        let mut shelf = self.shelf();
        let missed = usize::try_from(shelf.commits - began.0).unwrap_or(usize::MAX);
        let is_stale = missed > shelf.latest.len()
            || shelf.latest.iter().rev().take(missed).any(|(from, last)| interval.overlaps(*from, *last));
        let weight = sum.weight();
        if is_stale || weight > LARGEST / 4 {
            return;
        }
        while shelf.weight + weight > LARGEST {
            let oldest = shelf.sums.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key);
            let Some(oldest) = oldest else { break };
            shelf.drop_sum(oldest);
        }
        shelf.clock += 1;
        let clock = shelf.clock;
        shelf.drop_sum((interval, of));
        shelf.sums.insert((interval, of), (clock, sum));
        shelf.weight += weight;
    }

    /// How many calls below the row `end` have `words`, which began in this interval.
    pub(crate) fn count(&self, interval: Interval, words: &str, end: i64) -> Option<u64> {
        match self.get(interval, Of::Words(hashed(words))) {
            Some(Sum::Words(kept)) if *kept.words == *words && kept.end == end => Some(kept.calls),
            _ => None,
        }
    }

    /// Keeps that.
    pub(crate) fn put_count(&self, began: Began, interval: Interval, words: &str, end: i64, calls: u64) {
        let kept = Arc::new(WordCount { words: words.into(), end, calls });
        self.put(began, interval, Of::Words(hashed(words)), Sum::Words(kept));
    }

    /// After a commit that wrote calls begun from `from_ms` to `last_ms`.
    pub(crate) fn committed(&self, from_ms: i64, last_ms: i64) {
        let mut shelf = self.shelf();
        let (first, last) = shelf.touched.unwrap_or((from_ms, last_ms));
        shelf.touched = Some((first.min(from_ms), last.max(last_ms)));
        shelf.commits += 1;
        shelf.latest.push_back((from_ms, last_ms));
        if shelf.latest.len() > REMEMBERED {
            shelf.latest.pop_front();
        }
        let changed: Vec<_> =
            shelf.sums.keys().filter(|(interval, _)| interval.overlaps(from_ms, last_ms)).copied().collect();
        for key in changed {
            shelf.drop_sum(key);
        }
        drop(shelf);
        self.changed.notify_one();
    }

    /// Waits for a commit that changes a call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// When the calls began that changed since this was asked the last time: the first and the last moment.
    pub(crate) fn take_touched(&self) -> Option<(i64, i64)> {
        self.shelf().touched.take()
    }
}

fn hashed(words: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}

impl Shelf {
    fn drop_sum(&mut self, key: (Interval, Of)) {
        if let Some((_, sum)) = self.sums.remove(&key) {
            self.weight -= sum.weight();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Interval = Interval { from_ms: 100, to_ms: 200 };
    const OF: Of = Of::By(None);

    fn sum(times: usize) -> Sum {
        Sum::Times(Arc::new(vec![(None, vec![0; times])]))
    }

    #[test]
    fn a_sum_lasts_until_a_call_in_its_interval_changes() {
        let kept = Kept::default();
        kept.put(kept.begin(), HOUR, OF, sum(1));
        kept.committed(0, 99);
        kept.committed(200, 300);
        assert!(kept.get(HOUR, OF).is_some());
        kept.committed(199, 500);
        assert!(kept.get(HOUR, OF).is_none());
    }

    #[test]
    fn what_was_read_before_a_commit_is_not_kept_after_it() {
        let kept = Kept::default();
        let began = kept.begin();
        kept.committed(150, 150);
        kept.put(began, HOUR, OF, sum(1));
        assert!(kept.get(HOUR, OF).is_none());
        let began = kept.begin();
        kept.committed(250, 250);
        kept.put(began, HOUR, OF, sum(1));
        assert!(kept.get(HOUR, OF).is_some(), "a commit elsewhere does not matter");
        let began = kept.begin();
        (0..=REMEMBERED).for_each(|_| kept.committed(0, 0));
        let other = Interval { from_ms: 300, to_ms: 400 };
        kept.put(began, other, OF, sum(1));
        assert!(kept.get(other, OF).is_none(), "too many commits to know");
    }

    #[test]
    fn the_least_used_make_room() {
        let kept = Kept::default();
        let interval = |n: i64| Interval { from_ms: n, to_ms: n + 1 };
        for n in 0..10 {
            kept.put(kept.begin(), interval(n), OF, sum(LARGEST / 64));
            kept.get(interval(0), OF);
        }
        assert!(kept.get(interval(0), OF).is_some());
        assert!(kept.get(interval(1), OF).is_none());
        assert!(kept.shelf().weight <= LARGEST);
        kept.put(kept.begin(), HOUR, OF, sum(LARGEST));
        assert!(kept.get(HOUR, OF).is_none(), "what is too large is not kept");
    }
}
