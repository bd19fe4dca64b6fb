//! One proxied call: its identity, its row in a list, and everything about it. Leaves out its conversation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CallReport, Cost, CostSource, Lineage, Money, ReportSource, Usage, UsageSource};

/// A call's identity: a UUIDv7, so ids sort by the time a call began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(Uuid);

impl CallId {
    /// Wraps an id that was made elsewhere.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// When the call began, in milliseconds since 1970 (UTC), as a UUIDv7 tells.
    pub fn began_ms(&self) -> i64 {
        self.as_bytes().iter().take(6).fold(0, |ms, byte| ms << 8 | i64::from(*byte))
    }

    /// The id's sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id in `bytes`; `None` unless there are sixteen.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CallId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// How far a call came, and how it ended. Each call ends in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Under way.
    Open,
    /// The upstream finished its answer, whatever its status.
    Complete,
    /// The upstream answered with an error, or sent one inside a stream that began well.
    UpstreamError,
    /// The upstream's answer stopped in the middle.
    Truncated,
    /// The client left before the end.
    Cancelled,
    /// No upstream could be reached, or it closed before it answered.
    Unreachable,
    /// The app ended while the call was under way: its end is not known.
    Lost,
}

impl CallState {
    /// The word stored, filtered by and shown in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::UpstreamError => "upstream_error",
            Self::Truncated => "truncated",
            Self::Cancelled => "cancelled",
            Self::Unreachable => "unreachable",
            Self::Lost => "lost",
        }
    }
}

impl FromStr for CallState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [
            Self::Open,
            Self::Complete,
            Self::UpstreamError,
            Self::Truncated,
            Self::Cancelled,
            Self::Unreachable,
            Self::Lost,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| format!("{text:?} is not a call state"))
    }
}

/// What a call asks for, in the words of the GenAI semantic conventions where they have one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A chat turn (Chat Completions, Responses, Messages, generateContent).
    Chat,
    /// Legacy text completion.
    TextCompletion,
    /// Embeddings.
    Embeddings,
    /// Making or changing images.
    Images,
    /// Speech, transcription, translation of speech.
    Audio,
    /// Ordering documents by how well they answer a query.
    Rerank,
    /// Judging whether a text is harmful.
    Moderation,
    /// Reading text off documents (OCR).
    Ocr,
    /// Counting tokens; never billed.
    CountTokens,
    /// Listing or describing models; never billed.
    Models,
    /// Handing in, watching or fetching a batch. The tokens of its results are not counted.
    Batches,
    /// Uploading, listing or fetching files.
    Files,
    /// Reading again or cancelling what the provider keeps: a response, a conversation, what a generation cost.
    Stored,
    /// What a tool does beside its calls of models: telemetry, analytics, looking whether somebody is there. Lists and
    /// totals leave it out unless asked for.
    SideCall,
    /// Anything else: recorded raw.
    #[default]
    Other,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 15] = [
        Self::Chat,
        Self::TextCompletion,
        Self::Embeddings,
        Self::Images,
        Self::Audio,
        Self::Rerank,
        Self::Moderation,
        Self::Ocr,
        Self::CountTokens,
        Self::Models,
        Self::Batches,
        Self::Files,
        Self::Stored,
        Self::SideCall,
        Self::Other,
    ];

    /// The word stored, filtered by and shown in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::TextCompletion => "text_completion",
            Self::Embeddings => "embeddings",
            Self::Images => "images",
            Self::Audio => "audio",
            Self::Rerank => "rerank",
            Self::Moderation => "moderation",
            Self::Ocr => "ocr",
            Self::CountTokens => "count_tokens",
            Self::Models => "models",
            Self::Batches => "batches",
            Self::Files => "files",
            Self::Stored => "stored",
            Self::SideCall => "side_call",
            Self::Other => "other",
        }
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not an operation"))
    }
}

/// A call as a list shows it: no bodies, no headers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallSummary {
    /// The call.
    pub id: CallId,
    /// When the request arrived, in milliseconds since 1970 (UTC).
    pub started_ms: i64,
    /// From the request's arrival to the end of the answer, in microseconds; `None` while open or lost.
    pub duration_us: Option<u64>,
    /// From the request's arrival to the first byte of the answer's body, in microseconds.
    pub first_byte_us: Option<u64>,
    /// From the request's arrival to the first token the model wrote, in microseconds (streams only).
    pub first_token_us: Option<u64>,
    /// How far it came.
    pub state: CallState,
    /// The provider's name (`openai`, `anthropic`, …).
    pub provider: String,
    /// What it asks for.
    pub operation: Operation,
    /// The tool or SDK that made the call, from its user agent (`claude-code`, `openai-python`, …).
    pub client: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// The path as the client asked for it, without the query string.
    pub path: String,
    /// The upstream's status; `None` when there was none.
    pub status: Option<u16>,
    /// The model that answered, else the model asked for.
    pub model: Option<String>,
    /// A line that tells the call apart from others: the last thing the user said.
    pub title: Option<String>,
    /// Whether the answer was a stream.
    pub streamed: bool,
    /// Tokens in exclusive buckets.
    pub usage: Usage,
    /// Who said so.
    pub usage_source: UsageSource,
    /// What it cost; `None` when unknown.
    pub cost: Option<Money>,
    /// Where the cost comes from.
    pub cost_source: CostSource,
    /// What it would cost by the API, when a subscription pays for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equivalent: Option<Money>,
    /// Why the model stopped, in the provider's word.
    pub finish_reason: Option<String>,
    /// What went wrong, in one line.
    pub error: Option<String>,
    /// The session: the client's id, or `inferred-…`.
    pub session_id: Option<String>,
    /// Where the call stands in it.
    #[serde(default)]
    pub lineage: Lineage,
    /// The client's trace.
    pub trace_id: Option<String>,
    /// The client's parent span.
    pub parent_id: Option<String>,
    /// The call that failed or broke off shortly before, and that the client makes again by this one: the same request,
    /// streamed or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<CallId>,
    /// The recorded call that LLMFlow sent again by this one, because somebody asked it to. Lists and totals leave it out
    /// unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<CallId>,
    /// Tags given with the call.
    pub tags: Vec<String>,
    /// Who told of it. One that did not go through the proxy has the method `OTLP`, and its span's or event's name for a
    /// path.
    #[serde(default = "by_proxy")]
    pub sources: Vec<ReportSource>,
    /// The trace whose tree it stands in, in hex; `trace_id` is what the client's headers say, which may be anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_trace: Option<String>,
}

fn by_proxy() -> Vec<ReportSource> {
    vec![ReportSource::Proxy]
}

/// One header, its value replaced by a fingerprint when it was a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The name, in lower case.
    pub name: String,
    /// The value; bytes that are not UTF-8 are replaced.
    pub value: String,
}

/// What is known of one body beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BodyInfo {
    /// Bytes on the wire, as sent (compressed if it was).
    pub wire_bytes: u64,
    /// SHA-256 of the bytes on the wire, in hex; `None` when there was no body.
    pub wire_sha256: Option<String>,
    /// Bytes kept, after decoding; what [`crate::Request::GetBody`] returns.
    pub stored_bytes: u64,
    /// The content type as sent.
    pub content_type: Option<String>,
    /// The content encoding as sent (`gzip`, `br`, …).
    pub encoding: Option<String>,
    /// The body was larger than the capture limit: only its beginning is kept.
    pub cut: bool,
    /// A credential of the call stood in the body and was cut out: what is kept is not exact.
    pub inexact: bool,
}

/// One piece of a streamed answer as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkTiming {
    /// Since the request's arrival, in microseconds.
    pub at_us: u64,
    /// Bytes on the wire.
    pub bytes: u32,
}

/// When things happened in one call, all in microseconds since the request's arrival.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// The request had been sent whole to the upstream.
    pub request_sent_us: Option<u64>,
    /// The upstream's status and headers arrived.
    pub headers_us: Option<u64>,
    /// The first byte of the answer's body.
    pub first_byte_us: Option<u64>,
    /// The first token the model wrote.
    pub first_token_us: Option<u64>,
    /// The end.
    pub end_us: Option<u64>,
    /// Every piece of the answer's body, in order.
    pub chunks: Vec<ChunkTiming>,
    /// Pieces beyond those in `chunks` (a stream of very many pieces keeps the timing of the first ones).
    pub chunks_untimed: u64,
    /// What the server says of its own work, where it does (llama.cpp, Ollama, Groq, Cerebras).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerTiming>,
}

/// A server's own account of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerTiming {
    /// Waiting for its turn, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_us: Option<u64>,
    /// Loading the model, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_us: Option<u64>,
    /// Reading the prompt, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_us: Option<u64>,
    /// Tokens it read in that time: those that were in no cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Writing the answer, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_us: Option<u64>,
    /// Tokens it wrote in that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Everything together, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_us: Option<u64>,
    /// Tokens guessed by a smaller model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drafted: Option<u64>,
    /// Of them, those that were right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drafts_accepted: Option<u64>,
}

impl ServerTiming {
    /// Tokens written a second.
    #[expect(clippy::cast_precision_loss, reason = "neither comes near 2^52")]
    pub fn output_per_second(&self) -> Option<f64> {
        let (tokens, micros) = (self.output_tokens?, self.output_us.filter(|micros| *micros > 0)?);
        Some(tokens as f64 * 1e6 / micros as f64)
    }
}

/// Everything about a call but its bodies and its conversation, which load on their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallDetail {
    /// The row.
    pub summary: CallSummary,
    /// The host that was asked, with its port when it is not the scheme's own.
    pub upstream: String,
    /// The path that it was asked, without query, where that is not the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_path: Option<String>,
    /// The query string as sent, credentials replaced; without the `?`.
    pub query: Option<String>,
    /// The HTTP version the client spoke.
    pub http_version: String,
    /// The model asked for.
    pub requested_model: Option<String>,
    /// The provider's id of the answer (`chatcmpl-…`, `msg_…`).
    pub response_id: Option<String>,
    /// The provider's id of the request (`x-request-id`, `request-id`).
    pub request_id: Option<String>,
    /// The credential's keyed fingerprint; calls with the same one used the same key.
    pub credential: Option<String>,
    /// The request's headers in order.
    pub request_headers: Vec<Header>,
    /// The answer's headers in order.
    pub response_headers: Vec<Header>,
    /// The request's body.
    pub request_body: BodyInfo,
    /// The answer's body.
    pub response_body: BodyInfo,
    /// The cost with its buckets.
    pub cost: Cost,
    /// When things happened.
    pub timing: Timing,
    /// The client's side, where LLMFlow translated between it and the provider. The bodies, the answer's headers and the
    /// tokens above are the provider's then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translated: Option<Box<Translated>>,
    /// What others than the proxy told of it, in the order in which they did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<CallReport>,
}

/// A translated call as its client knows it; path and request headers are the client's in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Translated {
    /// The path that the provider was asked, without query.
    pub upstream_path: String,
    /// What the client sent.
    pub request_body: BodyInfo,
    /// The status the client got.
    pub status: Option<u16>,
    /// The headers the client got.
    pub response_headers: Vec<Header>,
    /// What the client got.
    pub response_body: BodyInfo,
}

/// A call under way, for the live strip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InFlight {
    /// The call.
    pub id: CallId,
    /// When the request arrived, in milliseconds since 1970 (UTC).
    pub started_ms: i64,
    /// The provider's name.
    pub provider: String,
    /// The tool or SDK that made the call.
    pub client: Option<String>,
    /// The model asked for, once the request is read.
    pub model: Option<String>,
    /// The path as the client asked for it.
    pub path: String,
    /// When the first byte of the answer came, in microseconds since the request's arrival.
    pub first_byte_us: Option<u64>,
    /// Bytes of the answer so far.
    pub response_bytes: u64,
    /// Pieces of the answer so far.
    pub chunks: u64,
}
