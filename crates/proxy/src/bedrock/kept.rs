//! Something that takes long to find, kept while it is good: one search at a time, begun anew before its end, and nobody
//! waits for it beyond a deadline. Leaves out what is searched.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// A call waits so long for a search. The search goes on, for the next call.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// A search that takes longer is given up: a program that gives credentials may ask its user.
const LONGEST_SEARCH: Duration = Duration::from_secs(120);
/// After a search that found nothing this time passes before the next.
const PAUSE: Duration = Duration::from_secs(5);
/// What ends sooner is as good as over: the call must arrive before.
pub(super) const MARGIN: Duration = Duration::from_secs(15);

/// What a search found, and for how long.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    pub(super) what: T,
    /// From then on a new search is made while this goes on being used.
    pub(super) fresh: Duration,
    /// After this it must not be used.
    pub(super) ends: Option<SystemTime>,
}

/// A thing that is searched for. Clones share it.
pub(super) struct Kept<T, E> {
    state: Arc<Mutex<State<T, E>>>,
    patience: Duration,
}

struct State<T, E> {
    found: Option<(Found<T>, Instant)>,
    failed: Option<(E, Instant)>,
    /// Closed when the search is over.
    search: Option<watch::Receiver<()>>,
}

impl<T, E> Clone for Kept<T, E> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), patience: self.patience }
    }
}

impl<T, E> Default for Kept<T, E> {
    fn default() -> Self {
        let state = State { found: None, failed: None, search: None };
        Self { state: Arc::new(Mutex::new(state)), patience: PATIENCE }
    }
}

impl<T: Clone + Send + 'static, E: Clone + Send + 'static> Kept<T, E> {
    /// What is kept, or what `search` finds in time. `slow` makes the error of who waited in vain.
    pub(super) async fn get<F>(&self, search: impl FnOnce() -> F, slow: impl Fn() -> E) -> Result<T, E>
    where
        F: Future<Output = Result<Found<T>, E>> + Send + 'static,
    {
        let mut over = {
            let mut state = self.state();
            let usable = state.usable();
            if let Some((what, true)) = usable {
                return Ok(what);
            }
            let paused =
                state.failed.as_ref().filter(|(_, at)| at.elapsed() < PAUSE).map(|(error, _)| error.clone());
            let over = match (&state.search, &paused) {
                (Some(search), _) if search.has_changed().is_ok() => Some(search.clone()),
                (_, Some(_)) => None,
                (_, None) => Some(self.begin(&mut state, search(), slow())),
            };
            match (usable, over, paused) {
                (Some((what, _)), ..) => return Ok(what),
                (None, Some(over), _) => over,
                (None, None, Some(error)) => return Err(error),
                (None, None, None) => return Err(slow()),
            }
        };
        // An error says that the search is over.
        let _over_or_late = tokio::time::timeout(self.patience, over.changed()).await;
        let state = self.state();
        match (state.usable(), &state.failed) {
            (Some((what, _)), _) => Ok(what),
            (None, Some((error, _))) => Err(error.clone()),
            (None, None) => Err(slow()),
        }
    }

    /// What is known without a search.
    pub(super) fn known(&self) -> Option<Result<T, E>> {
        let state = self.state();
        let found = state.usable().map(|(what, _)| Ok(what));
        found.or_else(|| state.failed.as_ref().map(|(error, _)| Err(error.clone())))
    }

    /// What is kept is of no use, if `is` says that it is what was meant.
    pub(super) fn forget(&self, is: impl FnOnce(&T) -> bool) {
        let mut state = self.state();
        if state.found.as_ref().is_some_and(|(found, _)| is(&found.what)) {
            state.found = None;
        }
    }

    fn begin<F>(&self, state: &mut State<T, E>, search: F, slow: E) -> watch::Receiver<()>
    where
        F: Future<Output = Result<Found<T>, E>> + Send + 'static,
    {
        let (ends, over) = watch::channel(());
        state.search = Some(over.clone());
        let kept = self.clone();
        // It ends by its own deadline; nobody needs to wait for it when LLMFlow stops.
        TaskTracker::new().spawn(async move {
            let result = tokio::time::timeout(LONGEST_SEARCH, search).await.unwrap_or(Err(slow));
            let now = Instant::now();
            let mut state = kept.state();
            match result {
                Ok(found) => (state.found, state.failed) = (Some((found, now)), None),
                Err(error) => state.failed = Some((error, now)),
            }
            drop(ends);
        });
        over
    }

    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone, E> State<T, E> {
    /// What may be used, and whether it is fresh.
    fn usable(&self) -> Option<(T, bool)> {
        let (found, at) = self.found.as_ref()?;
        let good = found.ends.is_none_or(|ends| ends > SystemTime::now() + MARGIN);
        good.then(|| (found.what.clone(), at.elapsed() < found.fresh))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn found(what: u32, fresh: Duration, ends: Option<SystemTime>) -> Result<Found<u32>, &'static str> {
        Ok(Found { what, fresh, ends })
    }

    #[tokio::test]
    async fn one_search_serves_all_and_what_is_good_is_kept() {
        let (kept, searches) = (Kept::<u32, &str>::default(), Arc::new(AtomicU32::new(0)));
        let search = || {
            let searches = searches.clone();
            async move {
                tokio::task::yield_now().await;
                found(searches.fetch_add(1, Ordering::Relaxed), LONG, None)
            }
        };
        let all = futures_util::future::join_all((0..9).map(|_| kept.get(search, || "slow"))).await;
        assert!(all.iter().all(|got| *got == Ok(0)), "{all:?}");
        assert_eq!(kept.get(search, || "slow").await, Ok(0));
        kept.forget(|what| *what == 7);
        assert_eq!(kept.known(), Some(Ok(0)), "another was meant");
        kept.forget(|what| *what == 0);
        assert_eq!((kept.known(), kept.get(search, || "slow").await), (None, Ok(1)));
    }

    #[tokio::test]
    async fn what_ages_is_used_while_a_new_one_is_searched_and_what_is_over_is_not() {
        let kept = Kept::<u32, &str>::default();
        let soon = SystemTime::now() + LONG;
        assert_eq!(kept.get(|| ready(found(1, Duration::ZERO, Some(soon))), || "slow").await, Ok(1));
        assert_eq!(kept.get(pending, || "slow").await, Ok(1), "nobody waits for the next");
        let kept = Kept::<u32, &str>::default();
        let over = SystemTime::now();
        assert_eq!(kept.get(|| ready(found(1, LONG, Some(over))), || "slow").await, Err("slow"), "of no use");
        assert_eq!(kept.get(|| ready(found(2, LONG, None)), || "slow").await, Ok(2));
    }

    #[tokio::test]
    async fn nobody_waits_beyond_the_deadline_and_failures_are_not_repeated_at_once() {
        let kept = Kept::<u32, &str> { patience: Duration::ZERO, ..Kept::default() };
        assert_eq!(kept.get(pending, || "slow").await, Err("slow"));
        assert_eq!(
            kept.get(|| ready(found(1, LONG, None)), || "slow").await,
            Err("slow"),
            "one search at a time"
        );
        let kept = Kept::<u32, &str>::default();
        assert_eq!(kept.get(|| ready(Err("none")), || "slow").await, Err("none"));
        assert_eq!(kept.get(|| ready(found(1, LONG, None)), || "slow").await, Err("none"), "not so soon");
    }
}
