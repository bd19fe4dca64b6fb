//! How long a connection may say nothing: short where a request has begun or none was ever sent, long between requests.
//! Which of these it is shows in the bytes that come and in the requests under way. And how long it may take nothing of what
//! is there to be sent; an answer that is not there yet may take its time. Leaves out closing it (`listen`).

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// What HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a client may say nothing.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until its first request's head is there, and for every head that it has begun.
    pub head: Duration,
    /// Between requests.
    pub idle: Duration,
    /// Until it takes something of an answer that is there, once the system's buffers are full.
    pub untaken: Duration,
}

/// Why patience is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// No request came for long.
    Idle,
    /// A head did not come to its end.
    Head,
    /// The client takes nothing of its answer.
    Untaken,
}

impl Default for Patience {
    /// Between requests longer than the intervals at which metrics are usually sent.
    fn default() -> Self {
        let short = Duration::from_secs(30);
        Self { head: short, idle: Duration::from_secs(600), untaken: short }
    }
}

/// What a client has said so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// So many bytes, which could be the beginning of HTTP/2's preface.
    Little(usize),
    Http1,
    Http2,
}

/// What a connection is doing.
#[derive(Debug)]
struct State {
    said: Said,
    /// Requests under way.
    under_way: usize,
    /// A head of HTTP/1 has begun.
    begun: bool,
    /// When what lasts began.
    since: Instant,
    /// Since when bytes wait that the system does not take, since the client does not.
    untaken: Option<Instant>,
}

impl State {
    fn new(now: Instant) -> Self {
        Self { said: Said::Little(0), under_way: 0, begun: false, since: now, untaken: None }
    }

    /// `bytes` came; whether that changes how long to wait.
    fn hear(&mut self, bytes: &[u8], now: Instant) -> bool {
        if let Said::Little(before) = self.said {
            let expected = PREFACE.get(before..).unwrap_or_default();
            let length = expected.len().min(bytes.len());
            self.said = match expected.get(..length) == bytes.get(..length) {
                false => Said::Http1,
                true if length == expected.len() => Said::Http2,
                true => Said::Little(before + length),
            };
            match self.said {
                // The first head's time runs since the connection was made.
                Said::Http1 => self.begun = true,
                Said::Http2 => self.since = now,
                Said::Little(_) => {}
            }
            return true;
        }
        let begins = self.said == Said::Http1 && self.under_way == 0 && !self.begun;
        if begins {
            (self.begun, self.since) = (true, now);
        }
        begins
    }

    /// Bytes were to be sent, of which some were taken or none could be; whether that changes how long to wait.
    fn send(&mut self, taken: bool, now: Instant) -> bool {
        let before = self.untaken;
        self.untaken = if taken { None } else { before.or(Some(now)) };
        self.untaken != before
    }

    /// When patience is over, and why; `None` while an answer is on its way that the client takes as it comes.
    fn deadline(&self, patience: Patience) -> Option<(Instant, Over)> {
        let untaken = self.untaken.map(|since| (since + patience.untaken, Over::Untaken));
        let (waits, over) =
            if self.is_idle() { (patience.idle, Over::Idle) } else { (patience.head, Over::Head) };
        let silent = (self.under_way == 0).then(|| (self.since + waits, over));
        untaken.into_iter().chain(silent).min_by_key(|(at, _)| *at)
    }

    /// Between two requests.
    fn is_idle(&self) -> bool {
        !self.begun && !matches!(self.said, Said::Little(_))
    }
}

/// Follows one connection.
#[derive(Debug)]
pub(crate) struct Pulse {
    state: Mutex<State>,
    changed: Notify,
}

impl Pulse {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State::new(Instant::now())), changed: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until patience is over.
    pub(crate) async fn over(&self, patience: Patience) -> Over {
        loop {
            let deadline = self.state().deadline(patience);
            match deadline {
                None => self.changed.notified().await,
                Some((at, over)) if at <= Instant::now() => return over,
                Some((at, _)) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = self.changed.notified() => {}
                },
            }
        }
    }

    /// A request is under way as long as the answer is there.
    pub(crate) fn request(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state();
        state.under_way += 1;
        state.begun = false;
        drop(state);
        self.changed.notify_one();
        UnderWay(self.clone())
    }
}

/// A request that is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Pulse>);

impl UnderWay {
    /// `response`, with its body under way until it was sent.
    pub(crate) fn until_sent(self, response: Response) -> Response {
        response.map(|body| Body::new(Sending { body, _under_way: self }))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way = state.under_way.saturating_sub(1);
        (state.since, state.begun) = (Instant::now(), false);
        drop(state);
        self.0.changed.notify_one();
    }
}

struct Sending {
    body: Body,
    _under_way: UnderWay,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream of which is noticed what comes, and what is not taken.
#[derive(Debug)]
pub(crate) struct Heard<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Heard<S> {
    pub(crate) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }

    /// Notes whether bytes that were to be sent are.
    fn sent(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if self.pulse.state().send(written.is_ready(), Instant::now()) {
            self.pulse.changed.notify_one();
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        if !bytes.is_empty() && self.pulse.state().hear(bytes, Instant::now()) {
            self.pulse.changed.notify_one();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.sent(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.sent(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        head: Duration::from_secs(30),
        idle: Duration::from_secs(600),
        untaken: Duration::from_secs(20),
    };

    fn deadline(state: &State) -> Option<Instant> {
        state.deadline(PATIENCE).map(|(at, _)| at)
    }

    #[test]
    fn who_says_nothing_or_not_enough_has_the_time_of_a_head() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut silent = State::new(start);
        assert_eq!(deadline(&silent), Some(at(30)));
        silent.hear(b"PRI * HT", at(20));
        assert_eq!(deadline(&silent), Some(at(30)), "half of HTTP/2's preface");
        silent.hear(b"TP/2.0\r\n\r\nSM\r\n\r\n\0\0", at(25));
        assert_eq!((silent.said, deadline(&silent)), (Said::Http2, Some(at(625))));
        silent.hear(b"a ping's answer", at(400));
        assert_eq!(deadline(&silent), Some(at(625)));
        let mut slow = State::new(start);
        slow.hear(b"P", at(10));
        slow.hear(b"OST /v1", at(29));
        assert_eq!((slow.said, deadline(&slow)), (Said::Http1, Some(at(30))));
    }

    #[test]
    fn between_requests_there_is_time_and_a_begun_head_has_its_own() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut state = State::new(start);
        state.hear(b"POST / HTTP/1.1\r\n\r\n", at(1));
        (state.under_way, state.begun) = (1, false);
        assert_eq!(deadline(&state), None, "an answer may take its time");
        assert!(!state.hear(b"a body", at(100)));
        (state.under_way, state.since) = (0, at(200));
        assert_eq!(deadline(&state), Some(at(800)));
        assert!(state.hear(b"PO", at(700)));
        assert!(!state.hear(b"S", at(720)));
        assert_eq!(deadline(&state), Some(at(730)));
    }

    #[test]
    fn who_takes_nothing_of_an_answer_has_less_time_than_who_waits_for_one() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut state = State::new(start);
        state.hear(b"GET / HTTP/1.1\r\n\r\n", at(1));
        (state.under_way, state.begun) = (1, false);
        assert!(!state.send(true, at(100)), "what is taken as it comes changes nothing");
        assert_eq!(state.deadline(PATIENCE), None);
        assert!(state.send(false, at(101)) && !state.send(false, at(110)));
        assert_eq!(state.deadline(PATIENCE), Some((at(121), Over::Untaken)));
        assert!(state.send(true, at(120)));
        assert_eq!(state.deadline(PATIENCE), None, "it took some");
        // The body is with the connection, which still has to send it.
        state.send(false, at(130));
        (state.under_way, state.since) = (0, at(130));
        assert_eq!(state.deadline(PATIENCE), Some((at(150), Over::Untaken)));
        state.send(true, at(140));
        assert_eq!(state.deadline(PATIENCE), Some((at(730), Over::Idle)));
    }
}
