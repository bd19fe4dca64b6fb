//! Bodies that go by untouched while a copy is taken: one wrapper for each direction.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::capture::Ending;
use crate::peek::Peeked;
use crate::watch::{RequestWatch, Watch};

/// The client's body on its way to the upstream.
pub(crate) struct RequestBody {
    inner: Peeked,
    watch: RequestWatch,
    sent: bool,
}

impl RequestBody {
    pub(crate) fn new(inner: Peeked, watch: RequestWatch) -> Self {
        let mut body = Self { inner, watch, sent: false };
        body.note_end();
        body
    }

    fn note_end(&mut self) {
        if !self.sent && self.inner.is_end_stream() {
            self.sent = true;
            self.watch.sent();
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.watch.push(data);
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
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// What the client gets: the upstream's body, or a sentence of ours.
pub(crate) enum ResponseBody {
    /// The upstream's.
    Upstream(Box<Tapped>),
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
}

impl ResponseBody {
    pub(crate) fn upstream(inner: Incoming, watch: Watch) -> Self {
        Self::Upstream(Box::new(Tapped { inner, watch, broken: None }))
    }
}

impl Tapped {
    fn note(&mut self, frame: Option<&Result<Frame<Bytes>, hyper::Error>>) {
        match frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.watch.chunk(data);
                } else if frame.is_trailers() {
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
            Self::Upstream(tapped) => {
                if let Some(error) = tapped.broken.take() {
                    return Poll::Ready(Some(Err(error)));
                }
                let frame = ready!(Pin::new(&mut tapped.inner).poll_frame(context));
                tapped.note(frame.as_ref());
                match frame {
                    Some(Err(error)) => {
                        tapped.broken = Some(error);
                        context.waker().wake_by_ref();
                        Poll::Pending
                    }
                    frame => Poll::Ready(frame),
                }
            }
            Self::Own(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Upstream(tapped) => tapped.broken.is_none() && tapped.inner.is_end_stream(),
            Self::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Upstream(tapped) => tapped.inner.size_hint(),
            Self::Own(body) => body.size_hint(),
        }
    }
}

fn broken_off(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
    format!("the upstream's answer broke off: {error}{cause}")
}
