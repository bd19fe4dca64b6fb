//! The pipeline's last stage: batches that are ready are committed one after the other, and told of.
//! Leaves out making them (`pipeline`).

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use api::{CallId, Event};
use proxy::Capture;
use store::{Batch, Store};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::Tally;
use crate::budgets;
use crate::events::Events;
use crate::loops::{Loops, Noted};
use crate::settings::Settings;

/// A batch that cannot be written is tried again after these pauses, and then after the last one for as long as the
/// queue has room.
const RETRIES: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(400), Duration::from_secs(1)];
const LAST_RETRY: Duration = Duration::from_secs(2);

/// A batch, and which calls are in it.
pub(super) struct Ready {
    pub(super) batch: Batch,
    /// How many calls end in it.
    pub(super) ended: u64,
    /// Those that only begin in it.
    pub(super) opened: Vec<CallId>,
    /// Those that end or are lost in it.
    pub(super) over: Vec<CallId>,
    /// What its calls asked and did.
    pub(super) noted: Vec<Noted>,
    /// While it is there, no other batch is in work.
    pub(super) turn: Option<OwnedSemaphorePermit>,
}

/// Calls whose batch was given up: their rows, if they have any, must say so. The next batch does.
#[derive(Clone, Default)]
pub(super) struct GivenUp {
    ids: Arc<Mutex<Vec<CallId>>>,
}

impl GivenUp {
    pub(super) fn extend(&self, ids: Vec<CallId>) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
    }

    pub(super) fn take(&self) -> Vec<CallId> {
        std::mem::take(&mut *self.ids.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Commits batches.
pub(super) struct Commits {
    pub(super) store: Store,
    pub(super) events: Events,
    pub(super) tally: Arc<Tally>,
    pub(super) given_up: GivenUp,
    /// Where calls wait meanwhile. Weak: the proxy's senders decide how long everything runs.
    pub(super) queue: mpsc::WeakSender<Capture>,
    pub(super) loops: Loops,
    pub(super) budgets: budgets::Kept,
    pub(super) settings: Arc<RwLock<Arc<Settings>>>,
}

impl Commits {
    /// Runs until no more batches come.
    pub(super) async fn run(&self, mut batches: mpsc::Receiver<Ready>) {
        while let Some(ready) = batches.recv().await {
            self.commit(ready).await;
        }
    }

    /// Commits a batch. While it cannot, calls wait in the queue; only when that fills, or everything stops, is the
    /// batch given up.
    pub(super) async fn commit(&self, ready: Ready) {
        let Ready { batch, ended, opened, over, noted, turn: _turn } = ready;
        let mut pauses = RETRIES.into_iter();
        while let Err(error) = self.store.commit(&batch).await {
            self.set_trouble(Some(error.reason()));
            let Some(pause) = pauses.next().or(self.has_room().then_some(LAST_RETRY)) else {
                tracing::error!(%error, calls = ended, "calls could not be written and are lost");
                self.tally.lost.fetch_add(ended, Ordering::Relaxed);
                // A call that has only begun is not lost yet: its end will be a record of its own.
                self.given_up.extend(over);
                return;
            };
            tracing::warn!(%error, calls = ended, "calls could not be written, trying again");
            tokio::time::sleep(pause).await;
        }
        self.tally.recorded.fetch_add(ended, Ordering::Relaxed);
        self.set_trouble(None);
        self.events.calls_changed(opened.into_iter().chain(over).collect());
        self.look_for_loops(noted);
    }

    fn look_for_loops(&self, noted: Vec<Noted>) {
        if noted.is_empty() {
            return;
        }
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (changed, news) = self.loops.take(noted, &settings);
        for (title, message) in news {
            tracing::warn!("{title}: {message}");
            self.events.send(Event::Alert { title, message, notify: true });
        }
        if changed {
            self.budgets.wake();
            self.events.send(Event::BudgetsChanged);
        }
    }

    /// Keeps in mind whether the store can be written, and tells it when that changes.
    fn set_trouble(&self, trouble: Option<String>) {
        let mut known = self.tally.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != trouble {
            *known = trouble;
            self.events.send(Event::HealthChanged);
        }
    }

    /// Whether calls can go on waiting: somebody sends, and the queue is less than half full.
    fn has_room(&self) -> bool {
        self.queue.upgrade().is_some_and(|queue| queue.capacity() * 2 > queue.max_capacity())
    }
}
