//! What a tunnel shows of itself to whoever records: a bounded queue of copies, and the task behind it. When there is no
//! room the record goes blind, never the tunnel slow. Leaves out what the bytes mean (`records`).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::header::HeaderMap;
use model::websocket::Side;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::records::{Over, Records};
use crate::capture::Head;
use crate::recorder::{Budget, Lease, Tap};

/// Copies that wait to be read. When there is no room for one more, the record says so.
const QUEUE: usize = 512;

/// What goes to the task.
enum Seen {
    Bytes { side: Side, bytes: Bytes, at: Instant, _lease: Lease },
    Over { over: Over, at: Instant },
}

/// A tunnel's side of it.
pub(super) struct Observer {
    queue: mpsc::Sender<Seen>,
    budget: Budget,
    task: JoinHandle<()>,
    blind: AtomicBool,
    moved: AtomicU64,
    /// Whether a turn is under way; `None` where that cannot be told.
    busy: Option<watch::Receiver<bool>>,
}

impl Observer {
    /// Begins to watch a tunnel that the upstream agreed to with `answer`.
    pub(super) fn start(tap: &Tap, head: Head, origin: Instant, answer: &HeaderMap) -> Self {
        let (queue, seen) = mpsc::channel(QUEUE);
        let (tell, busy) = watch::channel(false);
        let records = Records::new(tap, head, origin, answer);
        let busy = records.knows_when_idle().then_some(busy);
        // The tunnel waits for it.
        let task = TaskTracker::new().spawn(read(records, seen, tell));
        let (blind, moved) = (AtomicBool::new(false), AtomicU64::new(0));
        Self { queue, budget: tap.budget.clone(), task, blind, moved, busy }
    }

    /// Bytes that `side` sent go by.
    pub(super) fn see(&self, side: Side, bytes: &[u8]) {
        self.moved.fetch_add(1, Ordering::Relaxed);
        if self.blind.load(Ordering::Relaxed) {
            return;
        }
        let mut lease = self.budget.lease();
        let seen = lease.take(bytes.len()).then(|| {
            let bytes = Bytes::copy_from_slice(bytes);
            self.queue.try_send(Seen::Bytes { side, bytes, at: Instant::now(), _lease: lease })
        });
        // What follows a gap cannot be read.
        self.blind.store(!matches!(seen, Some(Ok(()))), Ordering::Relaxed);
    }

    /// How often bytes went by.
    pub(super) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Waits until no turn is under way; for ever where nobody can tell.
    pub(super) async fn idle(&self) {
        if let Some(mut busy) = self.busy.clone()
            && busy.wait_for(|busy| !busy).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// The tunnel ended; waits until everything is recorded.
    pub(super) async fn finish(self, over: Over) {
        let over = if self.blind.load(Ordering::Relaxed) { Over::Unseen } else { over };
        let _gone = self.queue.send(Seen::Over { over, at: Instant::now() }).await;
        drop(self.queue);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a WebSocket could not be read to its end");
        }
    }
}

async fn read(mut records: Records, mut seen: mpsc::Receiver<Seen>, busy: watch::Sender<bool>) {
    while let Some(seen) = seen.recv().await {
        match seen {
            Seen::Bytes { side, bytes, at, _lease } => records.take(side, &bytes, at),
            Seen::Over { over, at } => return records.over(&over, at),
        }
        busy.send_if_modified(|busy| std::mem::replace(busy, records.has_turns()) != records.has_turns());
    }
    records.over(&Over::Stopped, Instant::now());
}
