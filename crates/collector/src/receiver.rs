//! From a body to the answer of whoever stores it: unpacked and decoded off the threads that serve, with room taken at
//! every step, delivered, and answered when it is committed. HTTP and gRPC are two ways to get here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::answer::Outcome;
use crate::decode::{Decoded, Encoding, Signal, decode, guess};
use crate::inbox::{Inbox, Waiting};
use crate::own;
use crate::problem::Problem;
use crate::unpack::{Coding, is_gzip};

/// Bodies up to this size are decoded where they are: handing them to another thread takes longer.
const SMALL: usize = 8 * 1024;
/// What comes of a body may take this many times the largest body.
const UNFOLDED: usize = 4;

/// Takes requests in. Clones share it.
#[derive(Clone, Debug)]
pub struct Receiver {
    pub(crate) inbox: Inbox,
    paused: Arc<AtomicBool>,
    /// Decoders at one time: as many as there are cores, since more only take turns.
    decoders: Arc<Semaphore>,
}

/// What is known of a body before it is read.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// By its path; `None` when that does not say.
    pub(crate) signal: Option<Signal>,
    /// By its content type; `None` when that does not say.
    pub(crate) encoding: Option<Encoding>,
    /// In the order in which they are taken off.
    pub(crate) codings: Vec<Coding>,
}

/// What a request turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) signal: Signal,
    pub(crate) encoding: Encoding,
}

impl Receiver {
    /// Takes in what is delivered to `inbox`.
    pub fn new(inbox: Inbox) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { inbox, paused: Arc::default(), decoders: Arc::new(Semaphore::new(cores)) }
    }

    /// The same for another listener, which is paused apart.
    #[must_use]
    pub fn again(&self) -> Self {
        Self { paused: Arc::default(), ..self.clone() }
    }

    /// While it is paused requests are answered, and nothing is kept: the answer says so in OTLP's own words, a partial
    /// success that rejects everything. Senders would repeat what is refused, and after the pause all of it would come.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    /// Takes a body in; the answer comes once it is committed.
    pub(crate) async fn take(
        &self,
        said: Said,
        body: Bytes,
        room: Waiting,
    ) -> Result<(Kind, Outcome), Problem> {
        let Said { signal, encoding, codings } = said;
        let as_said = move |body: &[u8], inbox: &Inbox| read(signal, encoding, body, inbox);
        let ((kind, decoded), room) = self.unfold(codings, body, room, as_said).await?;
        let outcome = self.keep(decoded, room).await?;
        Ok((kind, outcome))
    }

    /// Takes LLMFlow's own spans in: what their sender is told once they are committed.
    pub(crate) async fn take_own(
        &self,
        codings: Vec<Coding>,
        body: Bytes,
        room: Waiting,
        now_ns: u64,
    ) -> Result<String, Problem> {
        let as_own = move |body: &[u8], inbox: &Inbox| {
            let mut fresh = || uuid::Uuid::new_v4().simple().to_string();
            let own = own::read(body, unfolded(inbox), now_ns, &mut fresh)?;
            let size = own.size;
            Ok((own, size))
        };
        let (own, room) = self.unfold(codings, body, room, as_own).await?;
        let decoded = Decoded { export: own.export, rejected: 0, reasons: Vec::new(), size: own.size };
        let outcome = self.keep(decoded, room).await?;
        match outcome.rejected {
            0 => Ok(own.answer),
            _ => Err(Problem::Malformed(outcome.message)),
        }
    }

    async fn keep(&self, decoded: Decoded, room: Waiting) -> Result<Outcome, Problem> {
        let Decoded { export, rejected, reasons, .. } = decoded;
        let counts = self.inbox.counts();
        let records = export.len() as u64;
        if self.paused.load(Ordering::Relaxed) && records > 0 {
            counts.paused.fetch_add(records, Ordering::Relaxed);
            let message = "LLMFlow is paused and keeps nothing; resume it on its dashboard".to_owned();
            return Ok(Outcome { rejected: records + rejected, message });
        }
        counts.rejected.fetch_add(rejected, Ordering::Relaxed);
        let mut outcome = Outcome { rejected, message: reasons.join("; ") };
        if records > 0 {
            let taken = self.inbox.deliver(export, room).await?;
            counts.rejected.fetch_add(taken.rejected, Ordering::Relaxed);
            outcome.rejected += taken.rejected;
            if !taken.reason.is_empty() {
                let join = if outcome.message.is_empty() { "" } else { "; " };
                outcome.message += join;
                outcome.message += &taken.reason;
            }
        }
        Ok(outcome)
    }

    /// Unpacks and reads a body; what `read` makes of it, whose size it says, has its room.
    async fn unfold<T: Send + 'static>(
        &self,
        codings: Vec<Coding>,
        body: Bytes,
        mut room: Waiting,
        read: impl FnOnce(&[u8], &Inbox) -> Result<(T, usize), Problem> + Send + 'static,
    ) -> Result<(T, Waiting), Problem> {
        let inbox = self.inbox.clone();
        let in_place = codings.is_empty() && body.len() <= SMALL && !is_gzip(&body);
        let unfold = move || {
            let body = unpack(codings, body, &inbox, &mut room)?;
            let (read, size) = read(&body, &inbox)?;
            inbox.extend(&mut room, size)?;
            Ok((read, room))
        };
        let unfolded = if in_place {
            unfold()
        } else {
            // Never closed, so there is always one to come.
            let place = self.decoders.clone().acquire_owned().await;
            let work = tokio::task::spawn_blocking(move || {
                let _place = place;
                unfold()
            });
            work.await.unwrap_or_else(|error| Err(undecodable(&error)))
        };
        if unfolded.as_ref().is_err_and(|problem| !matches!(problem, Problem::Refused(_))) {
            self.inbox.counts().unreadable.fetch_add(1, Ordering::Relaxed);
        }
        unfolded
    }
}

/// What may come of a body.
fn unfolded(inbox: &Inbox) -> usize {
    inbox.limits().body.saturating_mul(UNFOLDED)
}

fn undecodable(error: &tokio::task::JoinError) -> Problem {
    tracing::error!(%error, "a request could not be decoded");
    Problem::Malformed("the request could not be decoded; LLMFlow's log says more".to_owned())
}

fn unpack(
    mut codings: Vec<Coding>,
    mut body: Bytes,
    inbox: &Inbox,
    room: &mut Waiting,
) -> Result<Bytes, Problem> {
    if codings.is_empty() && is_gzip(&body) {
        codings.push(Coding::Gzip);
    }
    for coding in codings {
        let mut pay = |bytes| Ok(inbox.extend(room, bytes)?);
        body = coding.unpack(&body, inbox.limits().body, &mut pay)?.into();
    }
    Ok(body)
}

/// Decodes what is unpacked. A body on another signal's path is taken for what it is.
fn read(
    signal: Option<Signal>,
    encoding: Option<Encoding>,
    body: &[u8],
    inbox: &Inbox,
) -> Result<((Kind, Decoded), usize), Problem> {
    let encoding = encoding.unwrap_or_else(|| looks_like(body));
    let as_signal = |signal| {
        let decoded = if body.is_empty() { b"{}".as_slice() } else { body };
        let encoding = if body.is_empty() { Encoding::Json } else { encoding };
        decode(signal, encoding, decoded, unfolded(inbox))
    };
    let mut signal = signal.or_else(|| guess(encoding, body)).unwrap_or(Signal::Traces);
    let mut decoded = as_signal(signal);
    let nothing = decoded.as_ref().is_ok_and(|decoded| decoded.export.is_empty());
    if (nothing || decoded.is_err())
        && let Some(other) = guess(encoding, body).filter(|other| *other != signal)
        && let Ok(found) = as_signal(other)
        && !found.export.is_empty()
    {
        (signal, decoded) = (other, Ok(found));
    }
    let decoded = decoded?;
    let size = decoded.size;
    Ok(((Kind { signal, encoding }, decoded), size))
}

/// JSON begins with a brace, which begins no message of OTLP.
fn looks_like(body: &[u8]) -> Encoding {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match body.trim_ascii_start().first() {
        Some(b'{') => Encoding::Json,
        _ => Encoding::Protobuf,
    }
}
