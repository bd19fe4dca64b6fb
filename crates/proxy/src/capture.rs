//! What the proxy says about a call: the messages on the channel to whoever records. Plain values.
//! Leaves out making them (`recorder`) and reading them (the engine).

use std::sync::Arc;
use std::time::SystemTime;

use api::{CallId, ChunkTiming, Header};
use bytes::Bytes;

use crate::provider::Provider;
use crate::recorder::Lease;
use crate::redact::Secrets;

/// One fact about a call. A call is `Opened` once and `Closed` once; the others may be missing.
#[derive(Debug)]
pub enum Capture {
    /// A request arrived and is being forwarded.
    Opened(Arc<Head>),
    /// The request was sent whole.
    Sent {
        /// The call.
        id: CallId,
        /// What was sent.
        request: Arc<Captured>,
    },
    /// The answer is coming.
    Progress(Progress),
    /// The call ended. Says everything again, so that it stands alone.
    Closed(Box<Closed>),
}

/// How a request began. Credentials are replaced by fingerprints already.
#[derive(Clone, Debug)]
pub struct Head {
    /// The call.
    pub id: CallId,
    /// When the request's head had arrived.
    pub started: SystemTime,
    /// The provider.
    pub provider: Arc<Provider>,
    /// The upstream's host, with its port when it is not the scheme's own.
    pub upstream: String,
    /// The upstream's path, without query.
    pub upstream_path: String,
    /// The method.
    pub method: String,
    /// The path as the client asked for it, without query.
    pub path: String,
    /// The query, without `?`.
    pub query: Option<String>,
    /// `HTTP/1.1`, `HTTP/2.0`.
    pub http_version: &'static str,
    /// The headers in order.
    pub headers: Vec<Header>,
    /// The fingerprint of the credential the upstream got. It is in none of the headers when LLMFlow put it there.
    pub credential: Option<String>,
    /// Whose local key the call carried.
    pub local_key: Option<String>,
    /// LLMFlow sends a recorded call again by this one.
    pub replay: Option<ReplayOf>,
    /// The call's credentials, to cut out of its bodies before they are stored. Never shown.
    pub secrets: Secrets,
}

/// The recorded call that is sent again, as far as its replay is told by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayOf {
    /// The recorded call.
    pub id: CallId,
    /// Its session.
    pub session: Option<String>,
    /// The tool that made it.
    pub client: Option<String>,
}

/// How far an answer is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The call.
    pub id: CallId,
    /// When the first byte of the body came, in microseconds since the request.
    pub first_byte_us: u64,
    /// Bytes of the body so far, on the wire.
    pub bytes: u64,
    /// Pieces of the body so far.
    pub chunks: u64,
}

/// A copy of one body, as far as limits allowed.
#[derive(Debug, Default)]
pub struct Captured {
    /// The bytes kept, in order.
    pub pieces: Vec<Bytes>,
    /// Bytes that went by.
    pub wire_bytes: u64,
    /// SHA-256 of everything that went by, when that is more than was kept.
    pub wire_sha256: Option<[u8; 32]>,
    /// More went by than was kept.
    pub cut: bool,
    /// Headers that came after the body, credentials replaced.
    pub trailers: Vec<Header>,
    /// Gives the memory back to the budget when the copy is dropped.
    pub(crate) _lease: Lease,
}

impl Captured {
    /// The kept bytes in one piece.
    pub fn to_bytes(&self) -> Bytes {
        match self.pieces.as_slice() {
            [] => Bytes::new(),
            [only] => only.clone(),
            pieces => pieces.concat().into(),
        }
    }
}

/// The head of an answer.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// The status, as the client got it.
    pub status: u16,
    /// The headers in order, credentials replaced.
    pub headers: Vec<Header>,
}

/// Moments of a call in microseconds since the request's head.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamps {
    /// The request had been sent whole.
    pub request_sent_us: Option<u64>,
    /// The answer's head arrived.
    pub headers_us: Option<u64>,
    /// The first byte of the answer's body.
    pub first_byte_us: Option<u64>,
    /// The end.
    pub end_us: u64,
}

/// How a call ended on the wire. Whether the answer says it is an error is for its reader to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The upstream finished its answer and the client took it.
    Complete,
    /// The upstream's answer broke off, for this reason.
    Truncated(String),
    /// The client left first.
    Cancelled,
    /// There was no answer at all, for this reason; the client got ours.
    Unreachable(String),
}

/// A call that ended.
#[derive(Debug)]
pub struct Closed {
    /// How it began.
    pub head: Arc<Head>,
    /// What was sent.
    pub request: Arc<Captured>,
    /// The answer's head.
    pub response: Option<ResponseHead>,
    /// The answer's body.
    pub body: Captured,
    /// When its pieces came.
    pub chunks: Vec<ChunkTiming>,
    /// Pieces after those in `chunks`.
    pub chunks_untimed: u64,
    /// When things happened.
    pub stamps: Stamps,
    /// How it ended.
    pub ending: Ending,
    /// What the client said and got, where that was translated: `request` and `body` are the upstream's then.
    pub client: Option<Box<ClientSide>>,
}

/// A translated call as its client knows it. The client's headers and path are in the [`Head`].
#[derive(Debug, Default)]
pub struct ClientSide {
    /// What it sent.
    pub request: Captured,
    /// The head of what it got.
    pub answered: Option<ResponseHead>,
    /// What it got.
    pub answer: Captured,
}
