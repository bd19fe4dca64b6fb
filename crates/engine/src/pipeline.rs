//! From captures to committed calls: gather, read, price, store, tell. The only reader of the proxy's channel.
//! Leaves out what a body means (`model`) and how it is stored (`store`).

mod decode;
mod record;

pub(crate) use record::millis;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::{CallId, InFlight};
use model::pricing::PriceTable;
use proxy::{Capture, Closed, Counters, Head};
use store::{Store, Write};
use tokio::sync::{Notify, mpsc};

use crate::events::Events;
use crate::in_flight::OpenCalls;

/// Captures taken at once.
const BATCH: usize = 512;
/// After a batch the next one gathers for this long, so that a busy moment makes few large transactions, and a call
/// that opens and closes within it is written once.
const GATHER: Duration = Duration::from_millis(12);
/// A batch that cannot be written is tried again after these pauses, and then after the last one for as long as the
/// queue has room.
const RETRIES: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(400), Duration::from_secs(1)];
const LAST_RETRY: Duration = Duration::from_secs(2);

/// What happened to records after they were taken from the queue.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Calls committed with their ending.
    pub(crate) recorded: AtomicU64,
    /// Calls that could not be written.
    pub(crate) lost: AtomicU64,
}

/// The pipeline's connections.
pub(crate) struct Pipeline {
    pub(crate) store: Store,
    pub(crate) prices: Arc<PriceTable>,
    pub(crate) events: Events,
    pub(crate) open: OpenCalls,
    /// How the calls under way began.
    pub(crate) heads: HashMap<CallId, Arc<Head>>,
    /// Calls whose ending was lost while their beginning was still queued.
    pub(crate) ended_unseen: HashSet<CallId>,
    /// Calls whose batch was given up: their rows, if they have any, must say so.
    pub(crate) given_up: Vec<CallId>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tally: Arc<Tally>,
    /// Told after each commit, so that the indexer wakes up.
    pub(crate) committed: Arc<Notify>,
}

/// A batch of captures by what they ask for.
#[derive(Default)]
struct Sorted {
    opened: Vec<Arc<Head>>,
    closed: Vec<Closed>,
    /// The models that requests of this batch ask for.
    models: HashMap<CallId, String>,
}

impl Pipeline {
    /// Runs until every sender is gone and everything they sent is committed.
    pub(crate) async fn run(mut self, mut captures: mpsc::Receiver<Capture>) {
        let mut batch = Vec::with_capacity(BATCH);
        while captures.recv_many(&mut batch, BATCH).await > 0 {
            if batch.len() < BATCH && !captures.is_closed() {
                tokio::time::sleep(GATHER).await;
                while batch.len() < BATCH
                    && let Ok(capture) = captures.try_recv()
                {
                    batch.push(capture);
                }
            }
            self.take(std::mem::take(&mut batch), &captures).await;
        }
        self.take(Vec::new(), &captures).await;
    }

    async fn take(&mut self, batch: Vec<Capture>, waiting: &mpsc::Receiver<Capture>) {
        let Sorted { mut opened, closed, mut models } = self.sort(batch);
        let lost = self.take_lost(waiting.is_empty());
        // What opened and ended in one batch is written once.
        opened.retain(|head| self.heads.contains_key(&head.id));
        if opened.is_empty() && closed.is_empty() && lost.is_empty() {
            return;
        }
        let ended = closed.len() as u64;
        let ended_ids: Vec<CallId> = closed.iter().map(|call| call.head.id).collect();
        let prices = self.prices.clone();
        // Reading a large answer takes milliseconds: not on the threads that forward calls.
        let reading = tokio::task::spawn_blocking(move || {
            let opens = opened.iter().map(|head| {
                let model = models.remove(&head.id);
                Write::Open(Box::new(api::CallSummary { model, ..record::opened(head) }))
            });
            let closes = closed.iter().map(|call| Write::Close(Box::new(record::closed(call, &prices))));
            opens.chain(closes).collect::<Vec<_>>()
        });
        match reading.await {
            Ok(mut writes) => {
                writes.extend(lost.into_iter().map(Write::Lose));
                self.commit(writes, ended, waiting).await;
            }
            Err(error) => {
                tracing::error!(%error, calls = ended, "calls could not be read and are lost");
                self.give_up(ended, ended_ids.into_iter().chain(lost));
            }
        }
    }

    /// Sorts captures by what they ask for, and keeps the live strip up to date.
    fn sort(&mut self, batch: Vec<Capture>) -> Sorted {
        let mut sorted = Sorted::default();
        for capture in batch {
            match capture {
                // Its ending was lost before its beginning was read.
                Capture::Opened(head) if self.ended_unseen.remove(&head.id) => {}
                Capture::Opened(head) => {
                    self.open.open(in_flight(&head));
                    self.heads.insert(head.id, head.clone());
                    sorted.opened.push(head);
                }
                Capture::Sent { id, request } => {
                    let model = self.heads.get(&id).and_then(|head| record::requested_model(head, &request));
                    sorted.models.extend(model.clone().map(|model| (id, model)));
                    self.open.asks_for(id, model);
                }
                Capture::Progress(progress) => self.open.progress(progress),
                Capture::Closed(call) => {
                    self.forget(call.head.id);
                    sorted.closed.push(*call);
                }
            }
        }
        sorted
    }

    /// Calls whose records are lost since the last time. `all_read`: nothing waits in the queue.
    fn take_lost(&mut self, all_read: bool) -> Vec<CallId> {
        let mut lost = self.counters.take_lost();
        self.ended_unseen.extend(lost.iter().filter(|id| !self.heads.contains_key(id)));
        if all_read {
            self.ended_unseen.clear();
        }
        lost.append(&mut self.given_up);
        lost.iter().for_each(|id| self.forget(*id));
        lost
    }

    /// The records of calls that ended are lost; the next commit says so on the rows they have.
    fn give_up(&mut self, ended: u64, ids: impl Iterator<Item = CallId>) {
        self.tally.lost.fetch_add(ended, Ordering::Relaxed);
        self.given_up.extend(ids);
    }

    fn forget(&mut self, id: CallId) {
        self.open.close(id);
        self.heads.remove(&id);
    }

    /// Commits a batch. While it cannot, calls wait in the queue; only when that fills, or everything stops, is the
    /// batch given up.
    async fn commit(&mut self, writes: Vec<Write>, ended: u64, waiting: &mpsc::Receiver<Capture>) {
        let mut pauses = RETRIES.into_iter();
        loop {
            let Err(error) = self.store.write(&writes).await else { break };
            let patient = waiting.len() * 2 < waiting.max_capacity() && !waiting.is_closed();
            let Some(pause) = pauses.next().or(patient.then_some(LAST_RETRY)) else {
                tracing::error!(%error, calls = ended, "calls could not be written and are lost");
                // A call that has only begun is not lost yet: its end will be a record of its own.
                let over = writes.iter().filter(|write| !matches!(write, Write::Open(_)));
                self.give_up(ended, over.map(changed));
                return;
            };
            tracing::warn!(%error, calls = ended, "calls could not be written, trying again");
            tokio::time::sleep(pause).await;
        }
        self.tally.recorded.fetch_add(ended, Ordering::Relaxed);
        self.committed.notify_one();
        self.events.calls_changed(writes.iter().map(changed).collect());
    }
}

fn changed(write: &Write) -> CallId {
    match write {
        Write::Open(summary) => summary.id,
        Write::Close(record) => record.detail.summary.id,
        Write::Lose(id) => *id,
    }
}

fn in_flight(head: &Head) -> InFlight {
    InFlight {
        id: head.id,
        started_ms: record::millis(head.started),
        provider: head.provider.to_owned(),
        client: record::client(head),
        model: None,
        path: head.path.clone(),
        first_byte_us: None,
        response_bytes: 0,
        chunks: 0,
    }
}
