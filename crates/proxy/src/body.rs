//! Bodies that go by untouched while a copy is taken: one wrapper for each direction.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::capture::Ending;
use crate::dial::LineHandle;
use crate::peek::Peeked;
use crate::send::Expectation;
use crate::translation::Translated;
use crate::watch::{RequestWatch, Watch};

/// The client's body on its way to the upstream.
pub(crate) struct RequestBody {
    source: Arc<Mutex<Peeked>>,
    watch: RequestWatch,
    /// What went out on a connection that turned out to be dead, and has to go out again.
    repeated: VecDeque<Bytes>,
    /// The upstream has to ask for the body first.
    waiting: Option<Pin<Box<dyn Future<Output = bool> + Send>>>,
    sent: bool,
}

/// Why a body does not reach the upstream.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The client broke it off.
    #[error(transparent)]
    Client(#[from] hyper::Error),
    /// The upstream answered without it.
    #[error("the upstream answered without waiting for the body")]
    Unwanted,
}

impl RequestBody {
    pub(crate) fn new(inner: Peeked, watch: RequestWatch, expectation: Option<Expectation>) -> Self {
        let waiting = expectation.filter(|_| !inner.is_end_stream()).map(|it| Box::pin(it.wanted()) as _);
        let source = Arc::new(Mutex::new(inner));
        let mut body = Self { source, watch, repeated: VecDeque::new(), waiting, sent: false };
        body.note_end();
        body
    }

    /// What is needed to send the same body once more; `None` when there is one that nobody keeps.
    pub(crate) fn again(&self) -> Option<Again> {
        let again = Again { source: self.source.clone(), watch: self.watch.clone() };
        (self.watch.keeps() || self.is_end_stream()).then_some(again)
    }

    fn source(&self) -> MutexGuard<'_, Peeked> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_end(&mut self) {
        if !self.sent && self.is_end_stream() {
            self.sent = true;
            self.watch.sent();
        }
    }
}

/// A body that may have to be sent once more.
pub(crate) struct Again {
    source: Arc<Mutex<Peeked>>,
    watch: RequestWatch,
}

impl Again {
    /// The body from its beginning; `None` when too much of it went by to be kept.
    pub(crate) fn body(self) -> Option<RequestBody> {
        let repeated = self.watch.copy()?.into();
        // The upstream has asked for the body, or never will: what was sent before the connection broke is sent again.
        Some(RequestBody { source: self.source, watch: self.watch, repeated, waiting: None, sent: false })
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(waiting) = &mut self.waiting {
            if !ready!(waiting.as_mut().poll(context)) {
                return Poll::Ready(Some(Err(BodyError::Unwanted)));
            }
            self.waiting = None;
        }
        if let Some(piece) = self.repeated.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let frame = ready!(Pin::new(&mut *self.source()).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.watch.push(data);
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.watch.trailers(trailers);
                }
                self.note_end();
            }
            None if !self.sent => {
                self.sent = true;
                self.watch.sent();
            }
            Some(Err(_)) => self.watch.break_off(),
            None => {}
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.repeated.is_empty() && self.source().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.source().size_hint();
        let repeated: u64 = self.repeated.iter().map(|piece| piece.len() as u64).sum();
        rest.exact().map_or_else(SizeHint::default, |rest| SizeHint::with_exact(rest + repeated))
    }
}

/// What the client gets: the upstream's body, or a sentence of ours.
pub(crate) enum ResponseBody {
    /// The upstream's.
    Upstream(Box<Tapped>),
    /// The upstream's, translated on its way.
    Translated(Box<Translated>),
    /// Ours.
    Own(Full<Bytes>),
}

/// The upstream's body with what listens to it.
pub(crate) struct Tapped {
    inner: Incoming,
    watch: Watch,
    /// The upstream broke off. The server throws away what it has not written yet when a body fails, so it is given
    /// one turn to write before it hears of it.
    broken: Option<hyper::Error>,
    /// Told when this answer is over.
    expectation: Option<Expectation>,
    /// The connection it comes on, where nothing else does.
    line: Option<LineHandle>,
}

impl Tapped {
    pub(crate) fn new(
        inner: Incoming,
        watch: Watch,
        expectation: Option<Expectation>,
        line: Option<LineHandle>,
    ) -> Self {
        Self { inner, watch, broken: None, expectation, line }
    }

    /// What follows from here on is known to whoever records.
    pub(crate) fn watch(&mut self) -> &mut Watch {
        &mut self.watch
    }

    /// The next frame as it came.
    pub(crate) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        self.note(frame.as_ref());
        match frame {
            Some(Err(error)) => {
                self.broken = Some(error);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame),
        }
    }

    fn note(&mut self, frame: Option<&Result<Frame<Bytes>, hyper::Error>>) {
        match frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.watch.chunk(data);
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.watch.trailers(trailers);
                    // Nothing follows trailers, and the server does not ask whether something does.
                    self.watch.end(Ending::Complete);
                }
            }
            Some(Err(error)) => self.watch.end(Ending::Truncated(broken_off(error))),
            None => self.watch.end(Ending::Complete),
        }
    }
}

impl Drop for Tapped {
    /// The server stops asking once it has all bytes it was promised, so an ended body may never say `None`.
    fn drop(&mut self) {
        if self.inner.is_end_stream() {
            self.watch.end(Ending::Complete);
        } else if let Some(line) = &self.line {
            // The client left in the middle, perhaps while its own body was stuck.
            line.give_up();
        }
        if let Some(expectation) = &self.expectation {
            expectation.over();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Upstream(tapped) => tapped.poll_next(context),
            Self::Translated(translated) => translated.poll_next(context).map(|piece| piece.map(Ok)),
            Self::Own(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Upstream(tapped) => tapped.broken.is_none() && tapped.inner.is_end_stream(),
            Self::Translated(translated) => translated.is_over(),
            Self::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Upstream(tapped) => tapped.inner.size_hint(),
            Self::Translated(_) => SizeHint::default(),
            Self::Own(body) => body.size_hint(),
        }
    }
}

fn broken_off(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
    format!("the upstream's answer broke off: {error}{cause}")
}
