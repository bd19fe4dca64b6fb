//! What the calls of a stretch of time add up to, whole, by group and over time: the Overview page and every chart.
//! Leaves out adding them up (`store`).

use serde::{Deserialize, Serialize};

use crate::{CallState, Money, ReplayTotals, Usage};

/// What calls are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// The model that answered.
    Model,
    /// The tool or SDK that called.
    Client,
    /// The provider.
    Provider,
    /// The client's session.
    Session,
    /// A tag; a call counts in each of its tags.
    Tag,
}

/// A bucket that tokens are billed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Input that was not cached.
    Input,
    /// Input served from the cache.
    CacheRead,
    /// Input written to the cache for its default time.
    #[serde(rename = "cache_write_5m")]
    CacheWrite5m,
    /// Input written to the cache for its long time.
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    /// What the model wrote.
    Output,
    /// Of the output: reasoning.
    Reasoning,
}

impl Bucket {
    /// The word stored and used in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
        }
    }
}

impl std::str::FromStr for Bucket {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Input, Self::CacheRead, Self::CacheWrite5m, Self::CacheWrite1h, Self::Output, Self::Reasoning]
            .into_iter()
            .find(|bucket| bucket.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a bucket"))
    }
}

/// What each bucket cost, over the calls whose cost is known by bucket. What lies between their sum and the whole
/// cost are web searches and what providers charged without saying for which tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BucketCosts {
    /// Of [`Bucket::Input`].
    pub input: Money,
    /// Of [`Bucket::CacheRead`].
    pub cache_read: Money,
    /// Of [`Bucket::CacheWrite5m`].
    pub cache_write_5m: Money,
    /// Of [`Bucket::CacheWrite1h`].
    pub cache_write_1h: Money,
    /// Of [`Bucket::Output`], reasoning included.
    pub output: Money,
}

impl BucketCosts {
    /// All of them together.
    pub fn total(&self) -> Money {
        [self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h, self.output].into_iter().sum()
    }
}

/// What some calls add up to. A sum leaves out the calls that it is unknown for, and another field counts those.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Calls, those under way too.
    pub calls: u64,
    /// Of them, under way.
    #[serde(skip_serializing_if = "is_zero")]
    pub open: u64,
    /// Of them, begun, but their end is not known.
    #[serde(skip_serializing_if = "is_zero")]
    pub lost: u64,
    /// Of them, with an error.
    #[serde(skip_serializing_if = "is_zero")]
    pub errors: u64,
    /// Of them, chat turns.
    #[serde(skip_serializing_if = "is_zero")]
    pub turns: u64,
    /// Tokens by bucket, over the calls whose usage is known.
    #[serde(skip_serializing_if = "is_default")]
    pub usage: Usage,
    /// Cost over the calls whose cost is known.
    pub cost: Money,
    /// The same by bucket.
    #[serde(skip_serializing_if = "is_default")]
    pub costs: BucketCosts,
    /// Calls recorded with their ending whose cost is known, or that cost nothing by nature.
    #[serde(skip_serializing_if = "is_zero")]
    pub priced: u64,
    /// Ended calls whose cost is unknown.
    #[serde(skip_serializing_if = "is_zero")]
    pub unpriced: u64,
    /// Ended calls of whose usage the provider told only a part.
    #[serde(skip_serializing_if = "is_zero")]
    pub partial: u64,
    /// Ended calls of whose usage a part is estimated.
    #[serde(skip_serializing_if = "is_zero")]
    pub estimated: u64,
    /// Ended calls for which one of these holds.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_fully_priced: u64,
    /// Calls whose cost is the provider's own word.
    #[serde(skip_serializing_if = "is_zero")]
    pub provider_priced: u64,
    /// Calls that have no price by nature.
    #[serde(skip_serializing_if = "is_zero")]
    pub local: u64,
    /// Calls that a subscription pays for.
    #[serde(skip_serializing_if = "is_zero")]
    pub subscription: u64,
    /// What those would have cost by the API, as far as that is known. Never a part of `cost`.
    #[serde(skip_serializing_if = "is_default")]
    pub equivalent: Money,
    /// What prompt caches saved: cached input at the uncached price, less what it cost, less what writing it cost
    /// over that price. Negative while writes have not paid off.
    #[serde(skip_serializing_if = "is_default")]
    pub saved: Money,
    /// Ended calls for which `saved` is unknown.
    #[serde(skip_serializing_if = "is_zero")]
    pub saved_unknown: u64,
    /// Calls of which a body is kept only in part.
    #[serde(skip_serializing_if = "is_zero")]
    pub cut: u64,
    /// Calls of which nothing is missing: ended, priced, with whole usage and whole bodies.
    #[serde(skip_serializing_if = "is_zero")]
    pub whole: u64,
    /// Calls that went through the proxy; of the others only reports tell.
    #[serde(skip_serializing_if = "is_zero")]
    pub proxied: u64,
    /// Of those, calls that a tool's own report tells of, too.
    #[serde(skip_serializing_if = "is_zero")]
    pub matched: u64,
    /// How long the `timed` calls took together, in microseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub duration_us: u64,
    /// Calls that took a known time.
    #[serde(skip_serializing_if = "is_zero")]
    pub timed: u64,
    /// How long the first token took, of all `first_tokens` together, in microseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub first_token_us: u64,
    /// Calls whose first token came at a known time.
    #[serde(skip_serializing_if = "is_zero")]
    pub first_tokens: u64,
}

impl Totals {
    /// Adds what other calls add up to.
    pub fn add(&mut self, other: &Self) {
        let add = |sum: &mut u64, part: u64| *sum = sum.saturating_add(part);
        for (sum, part) in [
            (&mut self.calls, other.calls),
            (&mut self.open, other.open),
            (&mut self.lost, other.lost),
            (&mut self.errors, other.errors),
            (&mut self.turns, other.turns),
            (&mut self.priced, other.priced),
            (&mut self.unpriced, other.unpriced),
            (&mut self.partial, other.partial),
            (&mut self.estimated, other.estimated),
            (&mut self.not_fully_priced, other.not_fully_priced),
            (&mut self.provider_priced, other.provider_priced),
            (&mut self.local, other.local),
            (&mut self.subscription, other.subscription),
            (&mut self.saved_unknown, other.saved_unknown),
            (&mut self.cut, other.cut),
            (&mut self.whole, other.whole),
            (&mut self.proxied, other.proxied),
            (&mut self.matched, other.matched),
            (&mut self.duration_us, other.duration_us),
            (&mut self.timed, other.timed),
            (&mut self.first_token_us, other.first_token_us),
            (&mut self.first_tokens, other.first_tokens),
        ] {
            add(sum, part);
        }
        self.usage.add(&other.usage);
        for (sum, part) in [
            (&mut self.cost, other.cost),
            (&mut self.saved, other.saved),
            (&mut self.equivalent, other.equivalent),
            (&mut self.costs.input, other.costs.input),
            (&mut self.costs.cache_read, other.costs.cache_read),
            (&mut self.costs.cache_write_5m, other.costs.cache_write_5m),
            (&mut self.costs.cache_write_1h, other.costs.cache_write_1h),
            (&mut self.costs.output, other.costs.output),
        ] {
            *sum = sum.saturating_add(part);
        }
    }

    /// The sum of many.
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        parts.into_iter().fold(Self::default(), |mut sum, part| {
            sum.add(part);
            sum
        })
    }

    /// How long a call takes on average, in microseconds.
    pub const fn mean_duration_us(&self) -> Option<u64> {
        self.duration_us.checked_div(self.timed)
    }

    /// How long the first token takes on average, in microseconds.
    pub const fn mean_first_token_us(&self) -> Option<u64> {
        self.first_token_us.checked_div(self.first_tokens)
    }

    /// Calls recorded with their ending.
    pub const fn recorded(&self) -> u64 {
        self.calls.saturating_sub(self.open).saturating_sub(self.lost)
    }
}

/// Groups of calls over time, dearest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Series {
    /// At most two hundred.
    pub groups: Vec<SeriesGroup>,
    /// How many more there are.
    pub more_groups: u64,
    /// What those add up to, by interval.
    pub rest: Vec<SeriesPoint>,
    /// Every call once, by interval. A call with two tags stands in two groups: groups by tag add up to more.
    pub all: Vec<SeriesPoint>,
}

/// One group over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SeriesGroup {
    /// The model, tool, session, …; `None` for calls without one.
    pub key: Option<String>,
    /// What to call a session: the first thing that was said in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its intervals that have calls, in order.
    pub points: Vec<SeriesPoint>,
}

/// One group in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SeriesPoint {
    /// Which interval: the one that begins at this bound.
    pub interval: u32,
    /// What its calls add up to.
    pub totals: Totals,
}

/// How long the first token took, over the calls that have one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    /// How many calls that is.
    pub calls: u64,
    /// Half of them took no longer, in microseconds.
    pub p50_us: Option<u64>,
    /// Nineteen of twenty took no longer, in microseconds.
    pub p95_us: Option<u64>,
}

/// One model's time to the first token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelLatency {
    /// The model.
    pub model: Option<String>,
    /// It runs on the user's own hardware.
    pub local: bool,
    /// How long it took.
    pub first_token: Latency,
}

/// A piece of the window, for small charts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowPart {
    /// Calls begun in it.
    pub calls: u64,
    /// Of them, with an error.
    pub errors: u64,
    /// How long the first token took.
    pub first_token: Latency,
}

/// Errors with one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCause {
    /// The upstream's status.
    pub status: Option<u16>,
    /// How the calls ended.
    pub state: CallState,
    /// The provider's word for it, or the beginning of its sentence.
    pub kind: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// How often.
    pub calls: u64,
    /// When the latest of them began, in milliseconds since 1970 (UTC).
    pub last_ms: i64,
}

/// One tool's part of the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolTotal {
    /// The tool or SDK; `None` for calls that did not say who they are.
    pub client: Option<String>,
    /// What its calls add up to.
    pub totals: Totals,
}

/// One session's part of the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionTotal {
    /// The session.
    pub id: String,
    /// The first thing that was said in it.
    pub title: Option<String>,
    /// The tool it belongs to.
    pub client: Option<String>,
    /// What its calls add up to.
    pub totals: Totals,
}

/// A stretch of time at a glance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overview {
    /// What its calls add up to.
    pub totals: Totals,
    /// Calls of which nothing is recorded but that they were.
    pub unrecorded: u64,
    /// Recorded calls that LLMFlow sent again, which are in nothing else here.
    #[serde(default)]
    pub replays: ReplayTotals,
    /// How long the first token took.
    pub first_token: Latency,
    /// The same by model, quickest first; at most fifty.
    pub models: Vec<ModelLatency>,
    /// How many models there are that have one.
    pub model_count: u64,
    /// The window's pieces.
    pub parts: Vec<WindowPart>,
    /// Errors by cause, most frequent first; at most fifty.
    pub errors: Vec<ErrorCause>,
    /// How many causes there are.
    pub error_cause_count: u64,
    /// By tool, dearest first; at most fifty.
    pub tools: Vec<ToolTotal>,
    /// How many tools there are.
    pub tool_count: u64,
    /// Sessions, dearest first; at most fifty.
    pub sessions: Vec<SessionTotal>,
    /// How many sessions there are.
    pub session_count: u64,
    /// The date of the price table in use.
    pub price_date: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
