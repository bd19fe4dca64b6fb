//! Which calls a list shows. Leaves out how that becomes SQL (`store`).

use serde::{Deserialize, Serialize};

use crate::{Bucket, CallId, CallState, Operation};

/// How a call ended, coarsely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A status below 400 and a whole answer.
    Success,
    /// A status from 400, or an answer that did not end well.
    Error,
}

/// Which calls. Every field given must hold. An empty text stands for calls that have none: `client: Some("")` are
/// those that did not say who they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallFilter {
    /// This model, asked for or answering.
    pub model: Option<String>,
    /// This provider.
    pub provider: Option<String>,
    /// This tool or SDK.
    pub client: Option<String>,
    /// This coarse outcome.
    pub outcome: Option<Outcome>,
    /// This state.
    pub state: Option<CallState>,
    /// This operation.
    pub operation: Option<Operation>,
    /// Words that stand in the prompt or the answer.
    pub text: Option<String>,
    /// Where texts have to be read to know what has `text`: what was found so far, instead of waiting for the end. Lists
    /// say whether there may come to be more.
    pub so_far: bool,
    /// Begun at or after, in milliseconds since 1970 (UTC).
    pub from_ms: Option<i64>,
    /// Begun before, in milliseconds since 1970 (UTC).
    pub to_ms: Option<i64>,
    /// At least this many pico-dollars.
    pub cost_min_pico: Option<i64>,
    /// At most this many pico-dollars.
    pub cost_max_pico: Option<i64>,
    /// Carries this tag.
    pub tag: Option<String>,
    /// Of this session.
    pub session_id: Option<String>,
    /// Of this session, as `SessionSummary::key` names it.
    pub session: Option<u64>,
    /// Of this trace.
    pub trace_id: Option<String>,
    /// The cost is unknown.
    pub unpriced: Option<bool>,
    /// The cost is unknown, or the provider told only a part of the usage, or a part is estimated.
    pub not_fully_priced: Option<bool>,
    /// The provider told only a part of the usage.
    pub partial: Option<bool>,
    /// A part of the usage is estimated.
    pub estimated: Option<bool>,
    /// Side calls too: what tools do beside their calls of models. They are left out unless asked for here or by
    /// `operation`.
    pub side_calls: bool,
    /// Replays too: recorded calls that LLMFlow sent again. They are left out unless asked for here or by `replay_of`.
    pub replays: bool,
    /// Replays of this call, and nothing else.
    pub replay_of: Option<CallId>,
    /// The upstream's status.
    pub status: Option<u16>,
    /// The error's cause: the provider's word, or the beginning of its sentence.
    pub error_kind: Option<String>,
    /// Has tokens in this bucket.
    pub bucket: Option<Bucket>,
    /// The first token's time is known.
    pub first_token: Option<bool>,
    /// A body is kept only in part.
    pub cut: Option<bool>,
    /// Went through the proxy; of the others only reports tell.
    pub proxied: Option<bool>,
}

/// Which part of a list, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Page {
    /// At most this many; 1 to 1,000.
    pub limit: u32,
    /// Skip this many.
    pub offset: u32,
    /// Only calls before this one: the last id of the page before. Cheaper than `offset`.
    pub before: Option<CallId>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: 50, offset: 0, before: None }
    }
}
