//! Looking after the store beside everything else: what is too old or too much goes, what is deleted is overwritten, and
//! its space is given back. In small steps, each of which lets calls and reports be stored in between.
//! Leaves out what goes (the settings say) and how (`store`).

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use api::{Erased, Event, LastErased, Limits, Retention};
use store::{Store, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::engine::Inner;
use crate::pipeline::millis;

/// How often it is looked whether something is to go.
const EVERY: Duration = Duration::from_secs(60);
/// Between two steps whoever waits for the writer has its turn.
const PAUSE: Duration = Duration::from_millis(2);
/// The log is emptied once nobody reads from it: it is tried so often.
const CHECKPOINTS: usize = 20;
/// Between two tries.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(250);

/// What it does at the moment, for whoever asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upkeep {
    state: Arc<Mutex<Retention>>,
    /// Told when something was deleted, or a limit was changed.
    wake: Arc<Notify>,
}

impl Upkeep {
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// What was done last and comes next, under these limits.
    pub(crate) fn retention(&self, limits: Limits) -> Retention {
        Retention { limits, ..*self.lock() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Retention> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs until `stop`; what is left then goes on after the next start. It holds the engine only for a moment at a time.
    pub(crate) async fn run(self, engine: Weak<Inner>, store: Store, stop: CancellationToken) {
        let mut troubled = false;
        while !stop.is_cancelled() {
            let Some(inner) = engine.upgrade() else { return };
            let mut limits = inner.limits();
            if !inner.clock.tells_age() {
                limits.days = None;
            }
            drop(inner);
            match self.round(&engine, &store, &limits, &stop).await {
                Ok(()) => troubled = false,
                Err(error) => {
                    if !troubled && !error.is_closed() {
                        tracing::warn!(%error, "what is too old cannot be deleted for now; it is tried again every minute");
                    }
                    troubled = true;
                }
            }
            let next = millis(SystemTime::now() + EVERY);
            {
                let mut state = self.lock();
                (state.tidying, state.next_ms) = (false, Some(next));
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Deletes what is to go, and tidies up, until there is nothing left of either.
    async fn round(
        &self,
        engine: &Weak<Inner>,
        store: &Store,
        limits: &Limits,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let mut all = Erased::default();
        loop {
            let gone = store.retain(limits, millis(SystemTime::now())).await?;
            all.add(gone);
            let mut tidied = false;
            while !stop.is_cancelled() && store.tidy_some().await? {
                tidied = true;
                self.lock().tidying = true;
                tokio::time::sleep(PAUSE).await;
            }
            if stop.is_cancelled() {
                return Ok(());
            }
            if tidied {
                store.forget_reporters().await?;
                self.empty_log(store, stop).await?;
            }
            if gone.is_nothing() {
                break;
            }
        }
        if !all.is_nothing() {
            tracing::info!(
                calls = all.calls,
                traces = all.traces,
                logs = all.logs,
                points = all.points,
                "what was too old or too much is deleted"
            );
            self.lock().last = Some(LastErased { at_ms: millis(SystemTime::now()), erased: all });
            if let Some(inner) = engine.upgrade() {
                inner.events.send(Event::Resync);
            }
        }
        Ok(())
    }

    /// Deleted bytes stand in the log too, until it is taken in and emptied.
    async fn empty_log(&self, store: &Store, stop: &CancellationToken) -> Result<(), StoreError> {
        for _ in 0..CHECKPOINTS {
            if store.checkpoint().await? || stop.is_cancelled() {
                break;
            }
            tokio::time::sleep(CHECKPOINT_PAUSE).await;
        }
        Ok(())
    }
}
