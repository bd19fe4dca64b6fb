//! From the collector's inbox to committed reports: gather, read, make ready, commit, answer. The only reader of the
//! inbox's channel. Leaves out decoding (`collector`), what a report means (`model::telemetry`), how it is stored
//! (`store`), and joining calls afterwards (`digest`).
//!
//! Nothing waits without a bound: what is on its way has its share of the inbox's room until it is answered, and who
//! finds no room there is asked to come again.

mod commit;
mod read;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use collector::{Delivery, Refused, Taken, Waiting};
use store::{Store, TelemetryBatch};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::events::Events;

use commit::Commits;
pub(crate) use read::guarded;

/// Deliveries that may stand in the channel; the bytes they hold are bounded on their own.
pub(crate) const DELIVERIES: usize = 4_096;
/// Records that are made ready together: what small requests carry shares packs and a transaction.
const GROUP: usize = 8_192;
/// Groups that are made ready at once.
const GROUPS: usize = 2;
/// Groups that are ready and wait to be committed.
const READY: usize = 2;

/// What happened to reports since start.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Spans committed that were not there.
    pub(crate) spans: AtomicU64,
    /// Log records committed that were not there.
    pub(crate) logs: AtomicU64,
    /// Points committed that were not there.
    pub(crate) points: AtomicU64,
    /// Groups of requests that are being made ready or committed.
    pub(crate) in_work: AtomicU64,
    /// Why the last commit failed; `None` when it did not.
    pub(crate) trouble: Mutex<Option<String>>,
}

impl Tally {
    /// Keeps in mind whether reports can be stored, and says whether that is new.
    fn set_trouble(&self, trouble: Option<String>) -> bool {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *known != trouble;
        *known = trouble;
        changed
    }

    fn has_trouble(&self) -> bool {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn count(&self, spans: u64, logs: u64, points: u64) {
        self.spans.fetch_add(spans, Ordering::Relaxed);
        self.logs.fetch_add(logs, Ordering::Relaxed);
        self.points.fetch_add(points, Ordering::Relaxed);
    }
}

/// The connections of the way in.
pub(crate) struct Ingest {
    pub(crate) store: Store,
    pub(crate) events: Events,
    pub(crate) tally: Arc<Tally>,
    /// Told when there is something to join.
    pub(crate) digest: Arc<Notify>,
}

/// A request whose answer depends on a commit.
struct Asked {
    done: oneshot::Sender<Result<Taken, Refused>>,
    /// Free again when it is answered.
    _room: Waiting,
}

/// Reports that are ready to be committed, in pieces that are a transaction each.
struct Ready {
    batches: Vec<TelemetryBatch>,
    asked: Vec<Asked>,
    /// Why they could not be made ready.
    failed: Option<String>,
    /// While it is there, so many groups are in work.
    _turn: OwnedSemaphorePermit,
    _in_work: InWork,
}

/// Counts as in work as long as it is there.
struct InWork(Arc<Tally>);

impl InWork {
    fn new(tally: &Arc<Tally>) -> Self {
        tally.in_work.fetch_add(1, Ordering::Relaxed);
        Self(tally.clone())
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        self.0.in_work.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Ingest {
    /// Runs until the inbox is gone, or until `stop`: then nothing more is taken, and what was taken is committed and
    /// answered.
    pub(crate) async fn run(self, mut deliveries: mpsc::Receiver<Delivery>, stop: CancellationToken) {
        let turns = Arc::new(Semaphore::new(GROUPS));
        let (ready, groups) = mpsc::channel(READY);
        let commits = Commits {
            store: self.store.clone(),
            events: self.events.clone(),
            tally: self.tally.clone(),
            digest: self.digest.clone(),
        };
        tokio::join!(self.gather_all(&mut deliveries, &turns, ready, &stop), commits.run(groups));
    }

    async fn gather_all(
        &self,
        deliveries: &mut mpsc::Receiver<Delivery>,
        turns: &Arc<Semaphore>,
        ready: mpsc::Sender<oneshot::Receiver<Ready>>,
        stop: &CancellationToken,
    ) {
        loop {
            // The turn first: what comes while all are in work gathers meanwhile.
            let Ok(turn) = turns.clone().acquire_owned().await else { return };
            let first = tokio::select! {
                biased;
                () = stop.cancelled(), if !deliveries.is_closed() => {
                    deliveries.close();
                    continue;
                }
                first = deliveries.recv() => first,
            };
            let Some(first) = first else { return };
            let group = gather(first, deliveries);
            let (made, waiting) = oneshot::channel();
            // In the order in which they came, though several are made ready at once.
            if ready.send(waiting).await.is_err() {
                return;
            }
            let (store, in_work) = (self.store.clone(), InWork::new(&self.tally));
            // Its end is heard by whoever commits.
            drop(tokio::task::spawn_blocking(move || {
                let _nobody_commits = made.send(read::make_ready(&store, group, turn, in_work));
            }));
        }
    }
}

/// What waits, as far as it fits into one group.
fn gather(first: Delivery, deliveries: &mut mpsc::Receiver<Delivery>) -> Vec<Delivery> {
    let mut records = first.export.len();
    let mut group = vec![first];
    while records < GROUP
        && let Ok(delivery) = deliveries.try_recv()
    {
        records += delivery.export.len();
        group.push(delivery);
    }
    group
}

#[cfg(test)]
mod tests;
