//! How long a connection may say nothing: short where a request has begun or none was ever sent, long between requests.
//! Which of these it is shows in the bytes that come and in the requests under way. Leaves out closing it (`listen`).

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
}

impl Default for Patience {
    /// Between requests longer than the intervals at which metrics are usually sent.
    fn default() -> Self {
        Self { head: Duration::from_secs(30), idle: Duration::from_secs(600) }
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
}

impl State {
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

    /// When patience is over; `None` while a request is under way.
    fn deadline(&self, patience: Patience) -> Option<Instant> {
        let waits = if self.is_idle() { patience.idle } else { patience.head };
        (self.under_way == 0).then(|| self.since + waits)
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
        let state = State { said: Said::Little(0), under_way: 0, begun: false, since: Instant::now() };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until patience is over; whether it ends between two requests.
    pub(crate) async fn over(&self, patience: Patience) -> bool {
        loop {
            let deadline = self.state().deadline(patience);
            match deadline {
                None => self.changed.notified().await,
                Some(at) if at <= Instant::now() => return self.state().is_idle(),
                Some(at) => tokio::select! {
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

/// A stream whose incoming bytes are noticed.
#[derive(Debug)]
pub(crate) struct Heard<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Heard<S> {
    pub(crate) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
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
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
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

    const PATIENCE: Patience = Patience { head: Duration::from_secs(30), idle: Duration::from_secs(600) };

    fn state(now: Instant) -> State {
        State { said: Said::Little(0), under_way: 0, begun: false, since: now }
    }

    #[test]
    fn who_says_nothing_or_not_enough_has_the_time_of_a_head() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut silent = state(start);
        assert_eq!(silent.deadline(PATIENCE), Some(at(30)));
        silent.hear(b"PRI * HT", at(20));
        assert_eq!(silent.deadline(PATIENCE), Some(at(30)), "half of HTTP/2's preface");
        silent.hear(b"TP/2.0\r\n\r\nSM\r\n\r\n\0\0", at(25));
        assert_eq!((silent.said, silent.deadline(PATIENCE)), (Said::Http2, Some(at(625))));
        silent.hear(b"a ping's answer", at(400));
        assert_eq!(silent.deadline(PATIENCE), Some(at(625)));
        let mut slow = state(start);
        slow.hear(b"P", at(10));
        slow.hear(b"OST /v1", at(29));
        assert_eq!((slow.said, slow.deadline(PATIENCE)), (Said::Http1, Some(at(30))));
    }

    #[test]
    fn between_requests_there_is_time_and_a_begun_head_has_its_own() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut state = state(start);
        state.hear(b"POST / HTTP/1.1\r\n\r\n", at(1));
        (state.under_way, state.begun) = (1, false);
        assert_eq!(state.deadline(PATIENCE), None, "an answer may take its time");
        assert!(!state.hear(b"a body", at(100)));
        (state.under_way, state.since) = (0, at(200));
        assert_eq!(state.deadline(PATIENCE), Some(at(800)));
        assert!(state.hear(b"PO", at(700)));
        assert!(!state.hear(b"S", at(720)));
        assert_eq!(state.deadline(PATIENCE), Some(at(730)));
    }
}
