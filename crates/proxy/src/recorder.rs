//! One call's record while the call runs: it reports exactly one ending, also when it is simply dropped.
//! Leaves out forwarding; nothing here can wait.

mod budget;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::{CallId, ChunkTiming, Header};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::buffer::Buffer;
use crate::capture::{Capture, Captured, ClientSide, Closed, Ending, Head, Progress, ResponseHead, Stamps};
use crate::redact::Fingerprinter;

pub use budget::Budget;
pub(crate) use budget::Lease;

/// A stream's first pieces are timed one by one; after this many only counted.
const TIMED_CHUNKS: usize = 16_384;
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// How much of a body is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one body.
    pub body: usize,
}

/// What the proxy counts, for everyone to read.
#[derive(Debug, Default)]
pub struct Counters {
    /// Calls that were forwarded while recording was on.
    pub seen: AtomicU64,
    /// Of them, those that are over.
    pub ended: AtomicU64,
    /// Calls whose ending could not be queued.
    pub lost: AtomicU64,
    /// Bodies of which only the beginning was kept.
    pub cut: AtomicU64,
    /// Calls that were forwarded while recording was paused.
    pub paused: AtomicU64,
    /// Connections and calls that were turned away since there was no room.
    pub refused: AtomicU64,
    /// Frames of Bedrock's streams that could not be decoded.
    pub decode_errors: AtomicU64,
    /// Calls under way, recorded or not.
    pub open: AtomicU64,
    /// The calls behind `lost` that nobody has taken note of yet.
    lost_ids: Mutex<Vec<CallId>>,
}

impl Counters {
    /// Takes the calls whose ending was lost since the last time.
    pub fn take_lost(&self) -> Vec<CallId> {
        std::mem::take(&mut *self.lost_ids.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn lose(&self, id: CallId) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.lost_ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }
}

/// A call that is counted as under way until this is dropped.
#[derive(Debug)]
pub(crate) struct Open(Arc<Counters>);

impl Open {
    pub(crate) fn new(counters: &Arc<Counters>) -> Self {
        counters.open.fetch_add(1, Ordering::Relaxed);
        Self(counters.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where captures go and under which limits.
#[derive(Clone, Debug)]
pub struct Tap {
    /// The channel. It is bounded; when it is full the record is lost and counted, never the call.
    pub sender: mpsc::Sender<Capture>,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// The memory all copies share.
    pub budget: Budget,
    /// The memory of bodies that are held before they go on, to be read, signed or translated. Apart from the copies,
    /// which wait for storage: calls never do.
    pub held: Budget,
    /// The limits of one copy.
    pub limits: Limits,
    /// Replaces credentials.
    pub fingerprinter: Fingerprinter,
    /// Recording is paused: calls that begin now go through without a record.
    pub paused: Arc<AtomicBool>,
    /// The listeners are stopping: calls that are cut now are cut by us.
    pub stopping: Arc<AtomicBool>,
}

impl Tap {
    fn buffer(&self) -> Buffer {
        Buffer::new(self.limits.body, self.budget.lease())
    }

    fn offer(&self, capture: Capture) {
        offer(&self.sender, capture);
    }
}

/// Sends what may be lost without harm: the call's `Closed` says everything again. Half of the queue is kept for those.
fn offer(sender: &mpsc::Sender<Capture>, capture: Capture) {
    if sender.capacity() * 2 >= sender.max_capacity() {
        let _dropped_when_full = sender.try_send(capture);
    }
}

/// The request's side, filled by the connection to the upstream.
#[derive(Debug)]
pub(crate) struct RequestCopy {
    /// Weak: a connection that is stuck on its upstream must not keep the pipeline waiting for more.
    sender: mpsc::WeakSender<Capture>,
    counters: Arc<Counters>,
    head: Arc<Head>,
    fingerprinter: Fingerprinter,
    broken: AtomicBool,
    origin: Instant,
    state: Mutex<RequestState>,
}

#[derive(Debug)]
struct RequestState {
    buffer: Buffer,
    trailers: Vec<Header>,
    finished: Option<(Arc<Captured>, Option<u64>)>,
}

impl RequestCopy {
    pub(crate) fn push(&self, frame: &Bytes) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.finished.is_none() {
            state.buffer.push(frame);
        }
    }

    /// The request ends with these headers.
    pub(crate) fn trailers(&self, trailers: &http::HeaderMap) {
        let trailers = redacted(&self.fingerprinter, &self.head, trailers);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).trailers = trailers;
    }

    /// Everything that was sent until now; `None` when not all of it was kept.
    pub(crate) fn pieces(&self) -> Option<Vec<Bytes>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.finished {
            Some((captured, _)) => (!captured.cut).then(|| captured.pieces.clone()),
            None => state.buffer.pieces(),
        }
    }

    /// The request went out whole.
    pub(crate) fn sent(&self) {
        self.sent_at(Instant::now());
    }

    /// The request went out whole, at this moment.
    pub(crate) fn sent_at(&self, at: Instant) {
        let request = self.finish(Some(micros(self.origin, at))).0;
        if let Some(sender) = self.sender.upgrade() {
            offer(&sender, Capture::Sent { id: self.head.id, request });
        }
    }

    /// The client's body broke off: it is the client that ended the call.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Whether the client's body broke off.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// What was sent until now, and when it was complete.
    fn finish(&self, at: Option<u64>) -> (Arc<Captured>, Option<u64>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(finished) = &state.finished {
            return finished.clone();
        }
        let captured = Captured { trailers: std::mem::take(&mut state.trailers), ..state.buffer.take() };
        if captured.cut {
            self.counters.cut.fetch_add(1, Ordering::Relaxed);
        }
        let finished = (Arc::new(captured), at);
        state.finished = Some(finished.clone());
        finished
    }
}

/// One call's record. Dropping it reports the call as cancelled unless it was told of another ending.
#[derive(Debug)]
pub(crate) struct Recorder {
    tap: Tap,
    head: Arc<Head>,
    origin: Instant,
    request: Arc<RequestCopy>,
    response: Option<ResponseHead>,
    body: Buffer,
    trailers: Vec<Header>,
    chunks: Vec<ChunkTiming>,
    chunk_count: u64,
    stamps: Stamps,
    last_progress: Option<Instant>,
    ending: Option<Ending>,
    /// The client's side of a translated call.
    client: Option<Box<ClientCopy>>,
    ended: Option<Instant>,
    open: Option<Open>,
}

/// What a client whose call is translated sends and gets.
#[derive(Debug)]
struct ClientCopy {
    request: Captured,
    answered: Option<ResponseHead>,
    answer: Buffer,
}

impl Recorder {
    /// Opens the record of a call that is about to be forwarded. `open` is none for a part of what is counted as under
    /// way already.
    pub(crate) fn open(tap: &Tap, head: Head, origin: Instant, open: impl Into<Option<Open>>) -> Self {
        let head = Arc::new(head);
        tap.counters.seen.fetch_add(1, Ordering::Relaxed);
        tap.offer(Capture::Opened(head.clone()));
        let state = Mutex::new(RequestState { buffer: tap.buffer(), trailers: Vec::new(), finished: None });
        let request = RequestCopy {
            sender: tap.sender.downgrade(),
            counters: tap.counters.clone(),
            head: head.clone(),
            fingerprinter: tap.fingerprinter.clone(),
            broken: AtomicBool::new(false),
            origin,
            state,
        };
        Self {
            tap: tap.clone(),
            head,
            origin,
            request: Arc::new(request),
            response: None,
            body: tap.buffer(),
            trailers: Vec::new(),
            chunks: Vec::new(),
            chunk_count: 0,
            stamps: Stamps::default(),
            last_progress: None,
            ending: None,
            client: None,
            ended: None,
            open: open.into(),
        }
    }

    /// The request's side.
    pub(crate) fn request(&self) -> Arc<RequestCopy> {
        self.request.clone()
    }

    /// The answer's head arrived.
    pub(crate) fn answered(&mut self, status: u16, headers: &http::HeaderMap) {
        self.answered_at(status, headers, Some(Instant::now()));
    }

    /// The answer's head arrived then; it was there before when it is that of a connection.
    pub(crate) fn answered_at(&mut self, status: u16, headers: &http::HeaderMap, at: Option<Instant>) {
        self.stamps.headers_us = at.map(|at| micros(self.origin, at));
        let headers = redacted(&self.tap.fingerprinter, &self.head, headers);
        self.response = Some(ResponseHead { status, headers });
    }

    /// A piece of the answer's body goes by.
    pub(crate) fn chunk(&mut self, frame: &Bytes) {
        let now = Instant::now();
        self.stamps.first_byte_us.get_or_insert(micros(self.origin, now));
        self.piece(frame, now);
    }

    /// A piece of the answer's record, which came then and need not be the upstream's.
    pub(crate) fn piece(&mut self, frame: &Bytes, at: Instant) {
        let at_us = micros(self.origin, at);
        self.body.push(frame);
        self.chunk_count += 1;
        if self.chunks.len() < TIMED_CHUNKS {
            let bytes = u32::try_from(frame.len()).unwrap_or(u32::MAX);
            self.chunks.push(ChunkTiming { at_us, bytes });
        }
        if let Some(first_byte_us) = self.stamps.first_byte_us
            && self.last_progress.is_none_or(|last| at.duration_since(last) >= PROGRESS_EVERY)
        {
            self.last_progress = Some(at);
            self.tap.offer(Capture::Progress(Progress {
                id: self.head.id,
                first_byte_us,
                bytes: self.body.wire_bytes(),
                chunks: self.chunk_count,
            }));
        }
    }

    /// The answer's first piece came then.
    pub(crate) fn began_at(&mut self, at: Instant) {
        self.stamps.first_byte_us.get_or_insert(micros(self.origin, at));
    }

    /// The answer ends with these headers.
    pub(crate) fn trailers(&mut self, trailers: &http::HeaderMap) {
        self.trailers = redacted(&self.tap.fingerprinter, &self.head, trailers);
    }

    /// The call is translated: this is what its client sent.
    pub(crate) fn translated(&mut self, request: &Bytes) {
        let mut copy = self.tap.buffer();
        copy.push(request);
        let client = ClientCopy { request: copy.take(), answered: None, answer: self.tap.buffer() };
        self.client = Some(Box::new(client));
    }

    /// This is the head of what the client of a translated call gets.
    pub(crate) fn told(&mut self, status: u16, headers: &http::HeaderMap) {
        let headers = redacted(&self.tap.fingerprinter, &self.head, headers);
        if let Some(client) = &mut self.client {
            client.answered = Some(ResponseHead { status, headers });
        }
    }

    /// This is what the client of a translated call gets.
    pub(crate) fn wrote(&mut self, piece: &Bytes) {
        if let Some(client) = &mut self.client {
            client.answer.push(piece);
        }
    }

    /// The call ended so. The first word counts.
    pub(crate) fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    /// It ended then, and is only reported now.
    pub(crate) fn ended_at(&mut self, at: Instant) {
        self.ended = Some(at);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let stopping = self.tap.stopping.load(Ordering::Relaxed);
        let ending = self.ending.take().unwrap_or_else(|| match stopping {
            true => Ending::Truncated("LLMFlow was stopped while the call was under way".into()),
            false => Ending::Cancelled,
        });
        let (request, request_sent_us) = self.request.finish(None);
        let body = Captured { trailers: std::mem::take(&mut self.trailers), ..self.body.take() };
        if body.cut {
            self.tap.counters.cut.fetch_add(1, Ordering::Relaxed);
        }
        let timed = self.chunks.len() as u64;
        let ended = self.ended.unwrap_or_else(Instant::now);
        let closed = Closed {
            head: self.head.clone(),
            request,
            response: self.response.take(),
            body,
            chunks: std::mem::take(&mut self.chunks),
            chunks_untimed: self.chunk_count - timed,
            stamps: Stamps { request_sent_us, end_us: micros(self.origin, ended), ..self.stamps },
            ending,
            client: self.client.take().map(|mut client| {
                let answer = client.answer.take();
                Box::new(ClientSide { request: client.request, answered: client.answered, answer })
            }),
        };
        self.open = None;
        self.tap.counters.ended.fetch_add(1, Ordering::Relaxed);
        if self.tap.sender.try_send(Capture::Closed(Box::new(closed))).is_err() {
            self.tap.counters.lose(self.head.id);
        }
    }
}

/// Headers without the call's credentials.
fn redacted(fingerprinter: &Fingerprinter, head: &Head, headers: &http::HeaderMap) -> Vec<Header> {
    let mut secrets = head.secrets.clone();
    let headers = fingerprinter.headers(headers, &mut secrets, &mut None);
    headers.into_iter().map(|header| Header { value: secrets.scrub_text(header.value), ..header }).collect()
}

fn micros(origin: Instant, at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(origin).as_micros()).unwrap_or(u64::MAX)
}
