//! From captures to committed calls: gather, read, price, store, tell. The only reader of the proxy's channel.
//! Leaves out what a body means (`model`) and how it is stored (`store`).

mod bodies;
mod commits;
mod decode;
mod earlier;
pub(crate) mod facts;
#[cfg(debug_assertions)]
mod fault;
mod frames;
mod labels;
mod record;

pub(crate) use decode::decode;
pub(crate) use earlier::Earlier;
pub(crate) use record::{broke_off, find, millis};

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use api::{CallId, InFlight};
use proxy::{Capture, Captured, Closed, Counters, Head};
use store::{Store, Write};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::budgets;
use crate::events::Events;
use crate::in_flight::OpenCalls;
use crate::loops::Loops;
use crate::prices::Shelf;
use crate::settings::Settings;

use commits::{Commits, GivenUp, Ready};

/// Captures of one batch at most; a call makes three or four.
const BATCH: usize = 4_096;
/// The same at leisure: two tenths of a second's work for one core, after which it shows whether recording is late.
const BATCH_AT_LEISURE: usize = 2_048;
/// Recording is late when as many wait, a quarter of the queue: bursts are worked off after calls have gone through.
const LATE: usize = 16_384;
/// How often is looked whether recording has become late while it waits for its turn.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of bodies after which a batch takes no more calls.
const BATCH_BYTES: u64 = 8 << 20;
/// After the first capture a batch gathers for this long: a call that opens and closes within it is written once.
const GATHER: Duration = Duration::from_millis(30);
/// When the last batch was larger than this, the next one gathers longer: most of what a transaction writes are pages
/// of indices, and the more calls share it, the fewer of them fall to each.
const BUSY: usize = 64;
const GATHER_BUSY: Duration = Duration::from_millis(300);

/// What happened to records after they were taken from the queue.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Calls committed with their ending.
    pub(crate) recorded: AtomicU64,
    /// Calls that could not be written.
    pub(crate) lost: AtomicU64,
    /// Why the last attempt to commit failed; `None` when it did not.
    pub(crate) trouble: Mutex<Option<String>>,
}

/// The pipeline's connections.
pub(crate) struct Pipeline {
    pub(crate) store: Store,
    pub(crate) prices: Shelf,
    pub(crate) events: Events,
    pub(crate) open: OpenCalls,
    /// How the calls under way began.
    pub(crate) heads: HashMap<CallId, Arc<Head>>,
    /// Calls whose ending was lost while their beginning was still queued.
    pub(crate) ended_unseen: HashSet<CallId>,
    /// What ended calls left for later ones. One batch is read at a time, so nobody waits for it.
    pub(crate) earlier: Arc<Mutex<Earlier>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tally: Arc<Tally>,
    /// Sessions that go in circles.
    pub(crate) loops: Loops,
    pub(crate) budgets: budgets::Kept,
    pub(crate) settings: Arc<RwLock<Arc<Settings>>>,
}

/// A batch of captures by what they ask for.
#[derive(Default)]
struct Sorted {
    opened: Vec<Arc<Head>>,
    closed: Vec<Closed>,
    /// What was sent for calls under way.
    sent: HashMap<CallId, (Arc<Head>, Arc<Captured>)>,
}

impl Pipeline {
    /// Runs until every sender is gone and everything they sent is committed. Two stages at once: while a batch is
    /// committed, the next one is read.
    pub(crate) async fn run(mut self, queue: mpsc::WeakSender<Capture>, captures: mpsc::Receiver<Capture>) {
        if let Err(error) = self.store.recall().await {
            tracing::warn!(%error, "what is stored already is not known: some of it will be stored again");
        }
        // One batch may be ready while another is committed; then reading waits, and calls wait in the queue.
        let (ready, batches) = mpsc::channel(1);
        let turns = Arc::new(Semaphore::new(1));
        let given_up = GivenUp::default();
        let writer = Commits {
            store: self.store.clone(),
            events: self.events.clone(),
            tally: self.tally.clone(),
            given_up: given_up.clone(),
            queue,
            loops: self.loops.clone(),
            budgets: self.budgets.clone(),
            settings: self.settings.clone(),
        };
        tokio::join!(self.read_all(captures, &turns, ready, &given_up), writer.run(batches));
        // What the last batches gave up.
        let lost = self.take_lost(true, &given_up);
        if let Some(batch) = self.read(Sorted::default(), lost, &given_up).await {
            writer.commit(batch).await;
        }
    }

    async fn read_all(
        &mut self,
        mut captures: mpsc::Receiver<Capture>,
        turns: &Arc<Semaphore>,
        ready: mpsc::Sender<Ready>,
        given_up: &GivenUp,
    ) {
        let mut last = 0;
        while let Some(first) = captures.recv().await {
            if captures.len() < BATCH_AT_LEISURE && !captures.is_closed() {
                tokio::time::sleep(if last > BUSY { GATHER_BUSY } else { GATHER }).await;
            }
            let turn = self.turn(turns, &captures).await;
            let limit = if turn.is_some() { BATCH_AT_LEISURE } else { BATCH };
            let batch = gather(first, limit, &mut captures);
            last = batch.len();
            let sorted = self.sort(batch);
            let lost = self.take_lost(captures.is_empty(), given_up);
            if let Some(batch) = self.read(sorted, lost, given_up).await
                && ready.send(Ready { turn, ..batch }).await.is_err()
            {
                // The writer ends only after this stage has.
                return;
            }
        }
    }

    /// While there is time, one batch is read and committed before the next, so that recording takes one core and leaves
    /// the others to calls. `None`: it is late, and two are in work at once.
    async fn turn(
        &self,
        turns: &Arc<Semaphore>,
        captures: &mpsc::Receiver<Capture>,
    ) -> Option<OwnedSemaphorePermit> {
        loop {
            let late = captures.len() >= LATE || captures.is_closed();
            self.store.pace().set_late(late);
            if late {
                return None;
            }
            if let Ok(turn) = tokio::time::timeout(LOOK, turns.clone().acquire_owned()).await {
                return turn.ok();
            }
        }
    }

    /// Reads, prices and makes ready what the batch holds; `None` when that is nothing.
    async fn read(&self, sorted: Sorted, lost: Vec<CallId>, given_up: &GivenUp) -> Option<Ready> {
        let Sorted { mut opened, closed, mut sent } = sorted;
        // What opened and ended in one batch is written once.
        opened.retain(|head| self.heads.contains_key(&head.id));
        sent.retain(|id, _| self.heads.contains_key(id));
        let nothing_to_write = opened.is_empty() && closed.is_empty() && lost.is_empty();
        if nothing_to_write && sent.is_empty() {
            return None;
        }
        let ended = closed.len() as u64;
        let over: Vec<CallId> = closed.iter().map(|call| call.head.id).chain(lost.iter().copied()).collect();
        let opened_ids: Vec<CallId> = opened.iter().map(|head| head.id).collect();
        let (prices, store, open) = (self.prices.clone(), self.store.clone(), self.open.clone());
        let (earlier, counters) = (self.earlier.clone(), self.counters.clone());
        // Reading a large answer takes milliseconds: not on the threads that forward calls.
        let reading = tokio::task::spawn_blocking(move || {
            let mut models = HashMap::new();
            for (id, (head, request)) in sent {
                let read = || record::requested_model(&head, &request);
                let model = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_default();
                open.asks_for(id, model.clone());
                models.extend(model.map(|model| (id, model)));
            }
            let opens = opened.iter().map(|head| {
                let model = models.remove(&head.id);
                Write::Open(Box::new(api::CallSummary { model, ..record::opened(head) }))
            });
            let now = prices.now();
            let mut earlier = earlier.lock().unwrap_or_else(PoisonError::into_inner);
            let mut noted = Vec::new();
            let closes = closed.iter().map(|call| {
                store.pace().give_way();
                let (call, step) = record::closed(call, &now, &mut earlier, &counters);
                noted.extend(step);
                prices.recorded(&call.detail.summary, &call.billed);
                Write::Close(Box::new(call))
            });
            let writes = opens.chain(closes).chain(lost.into_iter().map(Write::Lose)).collect();
            store.prepare(writes).map(|batch| (batch, noted))
        });
        let prepared = reading.await.map_err(|error| error.to_string());
        match prepared.and_then(|batch| batch.map_err(|error| error.to_string())) {
            Ok(_) if nothing_to_write => None,
            Ok((batch, noted)) => Some(Ready { batch, ended, opened: opened_ids, over, noted, turn: None }),
            Err(error) => {
                tracing::error!(error, calls = ended, "calls could not be read and are lost");
                self.tally.lost.fetch_add(ended, Ordering::Relaxed);
                given_up.extend(over);
                None
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
                    if let Some(head) = self.heads.get(&id) {
                        sorted.sent.insert(id, (head.clone(), request));
                    }
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
    fn take_lost(&mut self, all_read: bool, given_up: &GivenUp) -> Vec<CallId> {
        let mut lost = self.counters.take_lost();
        self.ended_unseen.extend(lost.iter().filter(|id| !self.heads.contains_key(id)));
        if all_read {
            self.ended_unseen.clear();
        }
        lost.append(&mut given_up.take());
        lost.iter().for_each(|id| self.forget(*id));
        lost
    }

    fn forget(&mut self, id: CallId) {
        self.open.close(id);
        self.heads.remove(&id);
    }
}

/// What waits, as far as it fits into one batch of at most `limit`.
fn gather(first: Capture, limit: usize, captures: &mut mpsc::Receiver<Capture>) -> Vec<Capture> {
    let mut bytes = 0;
    let mut batch = vec![first];
    while batch.len() < limit
        && bytes < BATCH_BYTES
        && let Ok(capture) = captures.try_recv()
    {
        if let Capture::Closed(call) = &capture {
            bytes += call.request.wire_bytes + call.body.wire_bytes;
        }
        batch.push(capture);
    }
    batch
}

fn in_flight(head: &Head) -> InFlight {
    InFlight {
        id: head.id,
        started_ms: record::millis(head.started),
        provider: head.provider.name.clone(),
        client: record::client(head, &[]),
        model: None,
        path: head.path.clone(),
        first_byte_us: None,
        response_bytes: 0,
        chunks: 0,
    }
}
