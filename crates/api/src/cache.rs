//! What became of a call's prompt cache, and what its context is made of. Leaves out the rule (`model::cache`).

use serde::{Deserialize, Serialize};

use crate::{CallId, Money};

/// Why a prompt was read from the provider's cache, or was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheCause {
    /// All that the previous call left in the cache was read.
    Hit,
    /// No call before it in its conversation.
    First,
    /// The previous prompt was shorter than what the provider caches.
    TooShort,
    /// The previous call left nothing in the cache: it asked for none.
    NotAsked,
    /// Another model, whose cache is another one.
    Model,
    /// A tool was added, taken away, moved or changed.
    Tools,
    /// Something else before the newest messages was changed: the system prompt or an earlier message.
    Prefix,
    /// Effort, thinking or the choice of tools changed.
    Effort,
    /// The cache markers were taken away or stand where they find nothing; or another cache key.
    Markers,
    /// More time went by than the cache is kept.
    Expired,
    /// Same prompt, in time: the provider did not keep it.
    NotKept,
    /// The prompt or its tokens are not known well enough to say.
    #[default]
    Unknown,
}

impl CacheCause {
    /// Whether a cache that could have been read was not.
    pub const fn is_break(self) -> bool {
        use CacheCause::{Effort, Expired, Markers, Model, NotKept, Prefix, Tools};
        matches!(self, Model | Tools | Prefix | Effort | Markers | Expired | NotKept)
    }
}

/// What a part of a prompt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextPart {
    /// Definitions of tools.
    Tools,
    /// System prompt and developer's messages.
    System,
    /// What was said before the newest message of the user, and after it by the model.
    History,
    /// What tools answered.
    ToolResults,
    /// The newest message of the user.
    Newest,
    /// Pictures and documents.
    Images,
}

/// How much of a prompt one part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextShare {
    /// The part.
    pub part: ContextPart,
    /// Its bytes in the request, exactly, cache markers left out.
    pub bytes: u64,
    /// The reported total shared out by length: an estimate. `None` when no total is known.
    pub tokens: Option<u64>,
}

/// The first segment that is not as it was in the previous call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstChange {
    /// Where it stands: `tools[14]`, `system[0]`, `messages[3]`.
    pub path: String,
    /// A tool's name or a message's role.
    pub label: Option<String>,
    /// The segment was there before and is gone now, with all behind it.
    pub gone: bool,
}

/// One call and the provider's prompt cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallCache {
    /// The call.
    pub id: CallId,
    /// When it began, in milliseconds since 1970 (UTC).
    pub started_ms: i64,
    /// The call it is compared with: the one before it in its conversation.
    pub previous: Option<CallId>,
    /// What happened.
    pub cause: CacheCause,
    /// The first segment that differs from the previous call's, whether or not that broke the cache. New messages at the
    /// end are no difference.
    pub first_change: Option<FirstChange>,
    /// From the previous call's beginning to this one's, in milliseconds.
    pub gap_ms: Option<i64>,
    /// How long the cache is kept after its last use, by the markers used or by the provider's rule, in milliseconds.
    pub ttl_ms: Option<i64>,
    /// Tokens of the prompt, as reported.
    pub prompt_tokens: Option<u64>,
    /// Tokens that the previous call left in the cache.
    pub expected: Option<u64>,
    /// Tokens that were read from it, as reported.
    pub read: Option<u64>,
    /// Tokens that were billed as input or written again although the previous call had them in the cache.
    pub lost_tokens: u64,
    /// What these cost more than reading them would have, at the call's own price; by the API's price where a
    /// subscription pays. `None` when there is no known price.
    pub lost: Option<Money>,
    /// What the cache saved in this call, less what writing cost.
    pub saved: Option<Money>,
    /// A subscription pays: `lost` is not spent.
    pub subscription: bool,
    /// What the prompt is made of; empty when it is not known.
    pub context: Vec<ContextShare>,
}

/// A session's calls and the provider's prompt cache.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionCache {
    /// Its calls of models, in the order in which they began; at most the latest 5,000.
    pub calls: Vec<CallCache>,
    /// Of them, those whose cache broke.
    pub breaks: u64,
    /// Tokens lost by them.
    pub lost_tokens: u64,
    /// Money lost by those with a known price.
    pub lost: Money,
    /// Breaks without a known price.
    pub unpriced: u64,
    /// What the cache saved over all calls with a known price.
    pub saved: Money,
}
