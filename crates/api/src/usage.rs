//! Token usage in exclusive buckets, and what it cost. Leaves out reading either from a provider's answer.

use serde::{Deserialize, Serialize};

use crate::{Money, PriceOrigin};

/// Tokens of one call in exclusive buckets: no token is counted in two of the first five fields.
/// `None` means that nobody said; zero means that somebody said zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Input read by the model and not served from a cache.
    pub input: Option<u64>,
    /// Input served from the provider's prompt cache.
    pub cache_read: Option<u64>,
    /// Input written to the provider's cache for its default time (Anthropic: 5 minutes).
    pub cache_write_5m: Option<u64>,
    /// Input written to the provider's cache for its long time (Anthropic: 1 hour).
    pub cache_write_1h: Option<u64>,
    /// Everything the model wrote, reasoning included.
    pub output: Option<u64>,
    /// Of `output`: reasoning (thinking) tokens.
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Everything the model was given: uncached, cached and newly cached input.
    pub fn prompt_total(&self) -> Option<u64> {
        let parts = [self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h];
        let sum = || parts.iter().flatten().fold(0_u64, |sum, part| sum.saturating_add(*part));
        parts.iter().any(Option::is_some).then(sum)
    }

    /// Prompt and output together.
    pub fn total(&self) -> Option<u64> {
        match (self.prompt_total(), self.output) {
            (None, None) => None,
            (prompt, output) => Some(prompt.unwrap_or(0).saturating_add(output.unwrap_or(0))),
        }
    }

    /// Adds the tokens of other calls; what one side does not know, the other's word stands for.
    pub fn add(&mut self, other: &Self) {
        for (sum, part) in [
            (&mut self.input, other.input),
            (&mut self.cache_read, other.cache_read),
            (&mut self.cache_write_5m, other.cache_write_5m),
            (&mut self.cache_write_1h, other.cache_write_1h),
            (&mut self.output, other.output),
            (&mut self.reasoning, other.reasoning),
        ] {
            *sum = match (*sum, part) {
                (None, part) => part,
                (sum, None) => sum,
                (Some(sum), Some(part)) => Some(sum.saturating_add(part)),
            };
        }
    }

    /// Whether nobody said anything about tokens.
    pub fn is_unknown(&self) -> bool {
        self.total().is_none()
    }
}

/// Who said how many tokens a call took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The provider, in its final word on the call.
    Provider,
    /// The provider, but the answer was cut: what it had said until then.
    Partial,
    /// Nobody said everything, but what was written is known: at least one bucket is estimated from the text.
    Estimated,
    /// Nobody.
    #[default]
    Unknown,
}

/// Where an amount of money comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostSource {
    /// The provider said what it charged.
    Provider,
    /// Tokens times the price table.
    Computed,
    /// As `Computed`, from usage that the provider did not finish reporting, or without something that has no known
    /// price.
    Partial,
    /// As `Computed`, from usage of which a part is estimated.
    Estimated,
    /// The tool that made the call said so; nobody knows better.
    Reported,
    /// The call runs on the user's own hardware and has no price by nature.
    Local,
    /// The call is not billed (an error, a model list, a token count).
    NotBilled,
    /// A subscription pays for the call (ChatGPT, Claude Pro or Max, Google's login): nothing is spent on it. What it would
    /// cost by the API is `equivalent`.
    Subscription,
    /// No price or no usage is known.
    #[default]
    Unknown,
}

/// One bucket's share of a call's cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketCost {
    /// `input`, `cache_read`, `cache_write_5m`, `cache_write_1h`, `output`, `reasoning` where it has a price of its own,
    /// `audio_input`, `audio_cache_read`, `audio_output` and `image_input`, `image_cache_read`, `image_output` for tokens
    /// of sound and pictures. Or what is billed by the piece, which `tokens` counts then: `web_search`, `map_search`,
    /// `file_search`, `code_session`, `request`, `image`, `audio_ms` (milliseconds), `character`, `page`, `annotated_page`,
    /// `query`.
    pub bucket: String,
    /// Tokens billed in this bucket.
    pub tokens: u64,
    /// The price of a million of them in dollars, as the table's own decimal text scaled exactly.
    pub per_million: String,
    /// Tokens times price.
    pub cost: Money,
}

/// What a call cost and why that is believed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// The amount; `None` when it is unknown.
    pub total: Option<Money>,
    /// Where the amount comes from.
    pub source: CostSource,
    /// What prompt caching saved, less what it cost to write; `None` when that is unknown.
    pub saved: Option<Money>,
    /// The buckets that add up to `total` when it was computed.
    pub buckets: Vec<BucketCost>,
    /// The price table's key that was used.
    pub price_key: Option<String>,
    /// How the model's name led to `price_key`: `exact`, `provider`, `vendor_stripped`, `dated`, …
    pub matched: Option<String>,
    /// The date of the price table.
    pub price_date: Option<String>,
    /// Where the price comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<PriceOrigin>,
    /// The day from which on the price holds; `None` for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// What the call would cost by the API, when a subscription pays for it; `None` when that is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equivalent: Option<Money>,
    /// Buckets that are billed and have no known price: `total` is without them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}
