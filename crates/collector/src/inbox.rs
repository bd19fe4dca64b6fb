//! The way from a decoded request to whoever stores it, bounded by bytes, and the answer back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::telemetry::wire::Export;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// How much may be on its way at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one request after decompression; OTLP recommends 64 MiB.
    pub body: usize,
    /// Bytes of all requests that are being decoded or wait to be stored. A larger single one may pass alone.
    pub waiting: usize,
}

/// What happened to requests since start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Spans, records and points that were of no use.
    pub rejected: AtomicU64,
    /// Spans, records and points whose sender was asked to come again.
    pub refused: AtomicU64,
    /// Requests that could not be read.
    pub unreadable: AtomicU64,
    /// Spans, records and points that came while the collector was paused.
    pub paused: AtomicU64,
    /// Connections that were closed at once, since there was no room for more.
    pub turned_away: AtomicU64,
}

/// One request's reports, and where its answer goes.
#[derive(Debug)]
pub struct Delivery {
    /// What was sent, the useless left out.
    pub export: Export,
    /// Answered once everything is committed, or will not be.
    pub done: oneshot::Sender<Result<Taken, Refused>>,
    /// Its share of what may wait; free again when this is dropped.
    pub room: Waiting,
}

/// Everything was committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Of them, so many were of no use after all.
    pub rejected: u64,
    /// Why.
    pub reason: String,
}

/// Nothing was committed; the sender may try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why, for the sender's log.
    pub reason: String,
    /// When to try again.
    pub retry_after: Duration,
}

/// A share of the bytes that may wait.
#[derive(Debug)]
pub struct Waiting {
    permit: OwnedSemaphorePermit,
}

/// Where decoded requests go. Clones share it.
#[derive(Clone, Debug)]
pub struct Inbox {
    sender: mpsc::Sender<Delivery>,
    room: Arc<Semaphore>,
    /// Half of the room: what all bodies that are still being read may hold.
    reading: Arc<Semaphore>,
    /// The one body that may hold more while it is read.
    largest: Arc<Semaphore>,
    limits: Limits,
    counts: Arc<Counts>,
}

/// What a body that is still being read holds.
#[derive(Debug)]
pub(crate) struct Reading {
    waiting: Waiting,
    /// Its share of what bodies may hold while they are read; none for small ones, which are soon there.
    share: Option<OwnedSemaphorePermit>,
    /// It holds more than that share.
    largest: Option<OwnedSemaphorePermit>,
}

impl Reading {
    /// Whether it may hold the room of others, and so has little time.
    pub(crate) fn is_largest(&self) -> bool {
        self.largest.is_some()
    }

    /// All of it is there.
    pub(crate) fn whole(self) -> Waiting {
        self.waiting
    }
}

/// Semaphores count to less than a 64-bit number of bytes: in kilobytes.
const UNIT: usize = 1024;
/// A body of no more than this is no burden while it is read.
pub(crate) const SMALL: usize = 64 * UNIT;

impl Inbox {
    /// The sending side; deliveries come out of `sender`'s other end. How many may stand in the channel does not matter:
    /// they are bounded by their bytes.
    pub fn new(sender: mpsc::Sender<Delivery>, limits: Limits, counts: Arc<Counts>) -> Self {
        let room = Arc::new(Semaphore::new(limits.waiting / UNIT));
        let reading = Arc::new(Semaphore::new(limits.waiting / UNIT / 2));
        let largest = Arc::new(Semaphore::new(1));
        Self { sender, room, reading, largest, limits, counts }
    }

    /// The bounds.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What happened to requests since start.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn shared_counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }

    /// Whether no request is being read, decoded or stored.
    pub fn is_idle(&self) -> bool {
        self.room.available_permits() >= self.limits.waiting / UNIT
    }

    /// Takes room for a request of so many decompressed bytes, before it is decoded; an error when there is none: then
    /// the sender is asked to come again.
    pub fn reserve(&self, bytes: usize) -> Result<Waiting, Refused> {
        self.take(self.units(bytes)).map(|permit| Waiting { permit })
    }

    /// Takes more room for a request that turns out to be larger: so many bytes in all.
    pub fn extend(&self, waiting: &mut Waiting, bytes: usize) -> Result<(), Refused> {
        let more = self.units(bytes).saturating_sub(waiting.permit.num_permits());
        if more > 0 {
            waiting.permit.merge(self.take(more)?);
        }
        Ok(())
    }

    /// Takes room for a body of which nothing is there yet.
    pub(crate) fn begin(&self) -> Result<Reading, Refused> {
        Ok(Reading { waiting: self.reserve(0)?, share: None, largest: None })
    }

    /// Takes more room for a body of which so many bytes are there.
    pub(crate) fn grow(&self, reading: &mut Reading, bytes: usize) -> Result<(), Refused> {
        self.extend(&mut reading.waiting, bytes)?;
        if bytes <= SMALL || reading.is_largest() {
            return Ok(());
        }
        let held = reading.share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(self.units(bytes).saturating_sub(held)).unwrap_or(u32::MAX);
        match (self.reading.clone().try_acquire_many_owned(more), &mut reading.share) {
            (Ok(more), Some(share)) => share.merge(more),
            (Ok(more), none) => *none = Some(more),
            (Err(_), _) => {
                let refused = |_| Self::refused("LLMFlow is still reading what others send");
                reading.largest = Some(self.largest.clone().try_acquire_owned().map_err(refused)?);
            }
        }
        Ok(())
    }

    fn refused(reason: &str) -> Refused {
        Refused { reason: reason.to_owned(), retry_after: Duration::from_secs(1) }
    }

    fn units(&self, bytes: usize) -> usize {
        (bytes / UNIT + 1).min(self.limits.waiting / UNIT)
    }

    fn take(&self, units: usize) -> Result<OwnedSemaphorePermit, Refused> {
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        self.room
            .clone()
            .try_acquire_many_owned(units)
            .map_err(|_| Self::refused("LLMFlow is still storing what came before"))
    }

    /// Hands a request over and waits until it is committed.
    pub async fn deliver(&self, export: Export, room: Waiting) -> Result<Taken, Refused> {
        let records = export.len() as u64;
        let (done, answer) = oneshot::channel();
        let gone =
            |_| Refused { reason: "LLMFlow is stopping".to_owned(), retry_after: Duration::from_secs(5) };
        let sent = self.sender.send(Delivery { export, done, room }).await.map_err(|_| gone(()));
        let answer = match sent {
            Ok(()) => answer.await.map_err(|_| gone(())).and_then(|answer| answer),
            Err(refused) => Err(refused),
        };
        if answer.is_err() {
            self.counts.refused.fetch_add(records, Ordering::Relaxed);
        }
        answer
    }
}
