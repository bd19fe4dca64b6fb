//! Traces: trees of spans that tools report, with the calls of models in them. Leaves out what a call is (`call`), and
//! logs and metrics.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{BucketCosts, CallId, CallSummary, Conversation, CostSource, LogRow, Money, Reading, Usage};

/// What a span is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanType {
    /// A call of a model.
    Llm,
    /// The whole of something: a turn, a request.
    Trace,
    /// An agent's work.
    Agent,
    /// Steps that belong together.
    Chain,
    /// A tool's run.
    Tool,
    /// Looking something up.
    Retrieval,
    /// Embeddings.
    Embedding,
    /// Anything else.
    #[default]
    Custom,
}

impl SpanType {
    /// Every type, in the order of their stored numbers.
    pub const ALL: [Self; 8] = [
        Self::Llm,
        Self::Trace,
        Self::Agent,
        Self::Chain,
        Self::Tool,
        Self::Retrieval,
        Self::Embedding,
        Self::Custom,
    ];

    /// The word shown in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::Trace => "trace",
            Self::Agent => "agent",
            Self::Chain => "chain",
            Self::Tool => "tool",
            Self::Retrieval => "retrieval",
            Self::Embedding => "embedding",
            Self::Custom => "custom",
        }
    }
}

impl FromStr for SpanType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a span type"))
    }
}

/// Who told of a call of a model. One call may be told of by several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportSource {
    /// It went through the proxy.
    Proxy,
    /// A span.
    Span,
    /// A log event.
    Event,
}

/// What one source other than the proxy told of a call, each field as it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallReport {
    /// Which source.
    pub source: ReportSource,
    /// The span's or the event's name.
    pub name: String,
    /// Who reported (`service.name`).
    pub service: Option<String>,
    /// The trace, in hex.
    pub trace_id: Option<String>,
    /// The span, in hex.
    pub span_id: Option<String>,
    /// The log record, as [`LogRow::id`] names it.
    pub log_id: Option<String>,
    /// By what it was found to be the same call: `request_id`, `client_request_id`, `response_id`, `trace_context`,
    /// `session_tokens_time`, `tokens_time`, `time`; `None` when it was the first to tell of it.
    pub matched_by: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Tokens in exclusive buckets.
    pub usage: Usage,
    /// What the reporter says it cost.
    pub cost: Option<Money>,
    /// When it began, in milliseconds since 1970 (UTC).
    pub started_ms: i64,
    /// How long it took, in microseconds.
    pub duration_us: Option<u64>,
    /// Where it says something else than what is shown of the call: the field, what it says, and what is shown.
    pub differs: Vec<Difference>,
}

/// One field on which two sources disagree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// `model`, `input`, `cache_read`, `cache_write`, `output`, `reasoning`, `cost`, `status`, `finish_reason`.
    pub field: String,
    /// What this source says.
    pub says: String,
    /// What is shown.
    pub shown: String,
}

/// A trace as a list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceSummary {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
    /// When its first span began, in milliseconds since 1970 (UTC).
    pub started_ms: i64,
    /// From its first span's beginning to its last one's end, in microseconds.
    pub duration_us: u64,
    /// The root span's name; of several the first, and of none the earliest span's.
    pub name: String,
    /// The root's label, where it says more than its name.
    pub label: Option<String>,
    /// The root's type.
    pub span_type: SpanType,
    /// Who reported it (`service.name`).
    pub service: Option<String>,
    /// The tool or SDK.
    pub client: Option<String>,
    /// The session's id as the client names it.
    pub session_id: Option<String>,
    /// Its spans, infrastructure too.
    pub spans: u64,
    /// Of them, infrastructure, which is folded away.
    pub infrastructure: u64,
    /// Of its spans, with an error.
    pub errors: u64,
    /// Spans that name a parent which was not reported (yet).
    pub orphans: u64,
    /// Calls of models in it, each once.
    pub calls: u64,
    /// The models, most calls first.
    pub models: Vec<String>,
    /// Tokens of those calls.
    pub usage: Usage,
    /// Cost of those calls whose cost is known.
    pub cost: Money,
    /// The same by bucket, where it is known by bucket.
    #[serde(default)]
    pub costs: BucketCosts,
    /// Ended calls whose cost is unknown.
    pub unpriced: u64,
}

/// A row of the Traces page: a trace, or a call that belongs to none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "most entries are traces: a box for each would only add to them"
)]
pub enum TraceEntry {
    /// Spans that belong together.
    Trace(TraceSummary),
    /// A call on its own.
    Call(Box<CallSummary>),
}

impl TraceEntry {
    /// When it began, in milliseconds since 1970 (UTC).
    pub fn started_ms(&self) -> i64 {
        match self {
            Self::Trace(trace) => trace.started_ms,
            Self::Call(call) => call.started_ms,
        }
    }
}

/// A page of the Traces list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TracesPage {
    /// Newest first.
    pub entries: Vec<TraceEntry>,
    /// How many entries match in all.
    pub total: u64,
    /// Where the next page begins; `None` after the last.
    pub next: Option<TracesCursor>,
    /// A search is still reading texts: there may come to be more.
    #[serde(default)]
    pub reading: Option<Reading>,
}

/// A place in the Traces list, which later arrivals do not move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracesCursor {
    /// The last entry's beginning, in milliseconds since 1970 (UTC).
    pub started_ms: i64,
    /// The last entry: a trace's id or a call's.
    pub id: String,
}

/// A span as a tree shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpanRow {
    /// Its id: 16 hexadecimal digits; a call's id where the proxy saw a call that nobody reported a span of.
    pub id: String,
    /// The span it belongs to, which may be missing.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// A line that says more: the model, the tool with what it was asked, the agent.
    pub label: Option<String>,
    /// What it is.
    pub span_type: SpanType,
    /// Plumbing that is folded away by default.
    pub infrastructure: bool,
    /// Its beginning, in nanoseconds since 1970 (UTC).
    pub start_ns: i64,
    /// How long it took, in nanoseconds.
    pub duration_ns: i64,
    /// Whether it ended with an error.
    pub failed: bool,
    /// Who reported it.
    pub service: Option<String>,
    /// The call of a model that it is.
    pub call: Option<SpanCall>,
}

/// What a tree shows of the call that a span is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpanCall {
    /// The call.
    pub id: CallId,
    /// Its model.
    pub model: Option<String>,
    /// Its tokens.
    pub usage: Usage,
    /// What it cost; `None` when unknown.
    pub cost: Option<Money>,
    /// Where that comes from.
    pub cost_source: CostSource,
    /// From its beginning to the first token, in microseconds.
    pub first_token_us: Option<u64>,
    /// Who told of it.
    pub sources: Vec<ReportSource>,
}

/// A trace and a part of its spans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceDetail {
    /// The trace.
    pub trace: TraceSummary,
    /// Its spans from the one asked for on, by their beginning; parents and children may be in different parts.
    pub spans: Vec<SpanRow>,
    /// Where the next part begins; `None` after the last.
    pub next: Option<u64>,
}

/// A value as it was reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum AttributeValue {
    /// Nothing was said.
    Empty,
    /// A text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A finite number.
    Double(f64),
    /// `NaN`, `Infinity` or `-Infinity`.
    NotFinite(String),
    /// Bytes, in base64.
    Bytes(String),
    /// Several values.
    List(Vec<AttributeValue>),
    /// Named values.
    Map(Vec<Attribute>),
}

/// A named value; names keep their order and may stand twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: AttributeValue,
}

/// Who reported a span, a log record or a point: the resource and the instrumentation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reporter {
    /// The resource's attributes.
    pub resource: Vec<Attribute>,
    /// Attributes of the resource that the sender left out.
    pub resource_dropped: u32,
    /// Entities that the resource's attributes describe: OTLP's `EntityRef`s as named values.
    pub entities: Vec<Vec<Attribute>>,
    /// The resource's schema.
    pub resource_schema_url: String,
    /// The instrumentation's name.
    pub scope_name: String,
    /// Its version.
    pub scope_version: String,
    /// More about it.
    pub scope: Vec<Attribute>,
    /// Attributes of the scope that the sender left out.
    pub scope_dropped: u32,
    /// The scope's schema.
    pub scope_schema_url: String,
}

/// Something that happened during a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpanEvent {
    /// When, in nanoseconds since 1970 (UTC).
    pub time_ns: i64,
    /// What.
    pub name: String,
    /// More about it.
    pub attributes: Vec<Attribute>,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
}

/// Another span that a span has to do with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpanLink {
    /// Its trace, in hex.
    pub trace_id: String,
    /// The span, in hex.
    pub span_id: String,
    /// W3C's `tracestate`.
    pub trace_state: String,
    /// W3C's flags.
    pub flags: u32,
    /// More about it.
    pub attributes: Vec<Attribute>,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
}

/// Everything about one span, as it was reported and as it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpanDetail {
    /// The row.
    pub row: SpanRow,
    /// The trace, in hex.
    pub trace_id: String,
    /// `internal`, `server`, `client`, `producer`, `consumer`, or `unspecified`.
    pub kind: String,
    /// 0 unset, 1 ok, 2 error.
    pub status_code: i32,
    /// What went wrong, in the sender's words.
    pub status_message: String,
    /// W3C's `tracestate`.
    pub trace_state: String,
    /// W3C's flags, and OTLP's two about remote parents.
    pub flags: u32,
    /// What is said of it.
    pub attributes: Vec<Attribute>,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
    /// What happened during it.
    pub events: Vec<SpanEvent>,
    /// Events the sender left out.
    pub dropped_events: u32,
    /// Other spans it has to do with.
    pub links: Vec<SpanLink>,
    /// Links the sender left out.
    pub dropped_links: u32,
    /// Who reported it.
    pub reporter: Reporter,
    /// What was said in it, where it tells.
    pub conversation: Option<Conversation>,
    /// What went into it, where that is no conversation: JSON or plain text.
    pub input: Option<String>,
    /// What came out of it.
    pub output: Option<String>,
    /// Log records of it, the earliest 200.
    pub logs: Vec<LogRow>,
}
