//! What goes along with a call: its record, or no more than a count while recording is paused.
//! A call that began with a record keeps it to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::capture::Ending;
use crate::recorder::{Counters, Open, Recorder, RequestCopy};

/// The companion of one call.
#[expect(clippy::large_enum_variant, reason = "nearly every call is recorded")]
pub(crate) enum Watch {
    /// It records.
    Recording(Recorder),
    /// It only counts.
    Passing(Passing),
}

/// A call that is forwarded and not recorded.
pub(crate) struct Passing {
    _open: Open,
    broken: Arc<AtomicBool>,
}

impl Passing {
    pub(crate) fn open(counters: &Counters, open: Open) -> Self {
        counters.paused.fetch_add(1, Ordering::Relaxed);
        Self { _open: open, broken: Arc::default() }
    }
}

impl Watch {
    /// The request's side.
    pub(crate) fn request(&self) -> RequestWatch {
        match self {
            Self::Recording(recorder) => RequestWatch::Recording(recorder.request()),
            Self::Passing(passing) => RequestWatch::Passing(passing.broken.clone()),
        }
    }

    /// The answer's head arrived.
    pub(crate) fn answered(&mut self, status: u16, headers: &http::HeaderMap) {
        if let Self::Recording(recorder) = self {
            recorder.answered(status, headers);
        }
    }

    /// A piece of the answer's body goes by.
    pub(crate) fn chunk(&mut self, frame: &Bytes) {
        if let Self::Recording(recorder) = self {
            recorder.chunk(frame);
        }
    }

    /// The answer ends with these headers.
    pub(crate) fn trailers(&mut self, trailers: &http::HeaderMap) {
        if let Self::Recording(recorder) = self {
            recorder.trailers(trailers);
        }
    }

    /// The call is translated: this is what its client sent.
    pub(crate) fn translated(&mut self, request: &Bytes) {
        if let Self::Recording(recorder) = self {
            recorder.translated(request);
        }
    }

    /// This is the head of what the client of a translated call gets.
    pub(crate) fn told(&mut self, status: u16, headers: &http::HeaderMap) {
        if let Self::Recording(recorder) = self {
            recorder.told(status, headers);
        }
    }

    /// This is what the client of a translated call gets.
    pub(crate) fn wrote(&mut self, piece: &Bytes) {
        if let Self::Recording(recorder) = self {
            recorder.wrote(piece);
        }
    }

    /// The call ended so. The first word counts.
    pub(crate) fn end(&mut self, ending: Ending) {
        if let Self::Recording(recorder) = self {
            recorder.end(ending);
        }
    }
}

/// The request's side of a [`Watch`].
#[derive(Clone)]
pub(crate) enum RequestWatch {
    /// It keeps a copy.
    Recording(Arc<RequestCopy>),
    /// It only notes whether the client's body broke off.
    Passing(Arc<AtomicBool>),
}

impl RequestWatch {
    pub(crate) fn push(&self, frame: &Bytes) {
        if let Self::Recording(copy) = self {
            copy.push(frame);
        }
    }

    /// The request ends with these headers.
    pub(crate) fn trailers(&self, trailers: &http::HeaderMap) {
        if let Self::Recording(copy) = self {
            copy.trailers(trailers);
        }
    }

    /// Whether what goes by is kept.
    pub(crate) fn keeps(&self) -> bool {
        matches!(self, Self::Recording(_))
    }

    /// Everything that went by until now; `None` when not all of it was kept.
    pub(crate) fn copy(&self) -> Option<Vec<Bytes>> {
        match self {
            Self::Recording(copy) => copy.pieces(),
            Self::Passing(_) => Some(Vec::new()),
        }
    }

    /// The request went out whole.
    pub(crate) fn sent(&self) {
        if let Self::Recording(copy) = self {
            copy.sent();
        }
    }

    /// The client's body broke off: it is the client that ended the call.
    pub(crate) fn break_off(&self) {
        match self {
            Self::Recording(copy) => copy.break_off(),
            Self::Passing(broken) => broken.store(true, Ordering::Relaxed),
        }
    }

    /// Whether the client's body broke off.
    pub(crate) fn is_broken(&self) -> bool {
        match self {
            Self::Recording(copy) => copy.is_broken(),
            Self::Passing(broken) => broken.load(Ordering::Relaxed),
        }
    }
}
