//! What a call cost. Owns the rules: who decides, which rate each bucket takes, how amounts are rounded.
//! Leaves out the table's format (`table`), finding a model in it (`find`) and decimal arithmetic (`decimal`).
//!
//! A rate is decimal text turned into a whole number of 10⁻²⁴ dollars; no floating point is involved. A bucket costs
//! tokens times rate, rounded once, half to even, to pico-dollars (10⁻¹² dollars); the total is the buckets' sum.

use api::{Cost, CostSource, Money, Operation, Usage};

mod bedrock;
mod bill;
pub(crate) mod decimal;
mod find;
mod rate;
mod table;

pub use bedrock::priced_name;
pub use find::PriceMatch;
pub use table::{PriceError, PriceTable};

/// The price table that comes with the program.
pub const VENDORED: &[u8] = include_bytes!("../data/model_prices.json");
/// The day on which [`VENDORED`] was taken.
pub const VENDORED_DATE: &str = "2026-11-21";

/// Providers that are the user's own machine.
const LOCAL: [&str; 8] = ["ollama", "lmstudio", "vllm", "llama", "llamacpp", "llama.cpp", "sglang", "local"];

/// Everything that decides what a call costs.
#[derive(Clone, Copy, Debug)]
pub struct Billable<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// The model that answered, else the one asked for.
    pub model: Option<&'a str>,
    /// What was asked for.
    pub operation: Operation,
    /// The answer's status.
    pub status: Option<u16>,
    /// Tokens by bucket.
    pub usage: &'a Usage,
    /// Those of them that are sound.
    pub sound: Sound,
    /// The provider finished reporting usage.
    pub usage_final: bool,
    /// A part of the usage is estimated.
    pub estimated: bool,
    /// The provider's service tier, in its word.
    pub service_tier: Option<&'a str>,
    /// What the provider says it charged.
    pub provider_cost: Option<Money>,
    /// Web searches the provider ran.
    pub web_searches: u64,
    /// Where Anthropic ran the model.
    pub inference_geo: Option<&'a str>,
    /// Anthropic's speed.
    pub speed: Option<&'a str>,
}

/// Tokens of sound, which are among those of the buckets and have prices of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sound {
    /// Among the uncached input.
    pub input: u64,
    /// Among what was read from the cache.
    pub cache_read: u64,
    /// Among the output.
    pub output: u64,
}

impl PriceTable {
    /// What `call` cost, and why. An unknown amount is `None`, never zero.
    pub fn cost(&self, call: &Billable<'_>) -> Cost {
        Cost { saved: self.saved(call), ..self.charged(call) }
    }

    fn charged(&self, call: &Billable<'_>) -> Cost {
        if let Some(charged) = call.provider_cost {
            let source = if call.usage_final { CostSource::Provider } else { CostSource::Partial };
            return Cost { total: Some(charged), source, ..Cost::default() };
        }
        if is_free(call) {
            return Cost { total: Some(Money::ZERO), source: CostSource::NotBilled, ..Cost::default() };
        }
        if LOCAL.contains(&call.provider) {
            return Cost { source: CostSource::Local, ..Cost::default() };
        }
        let unknown = || Cost { price_date: Some(self.date().to_owned()), ..Cost::default() };
        if call.usage.is_unknown() {
            return unknown();
        }
        let Some(found) = call.model.and_then(|model| self.find(call.provider, model)) else {
            return unknown();
        };
        let buckets = bill::buckets(&found, call);
        let total = buckets.as_ref().map(|buckets| buckets.iter().map(|bucket| bucket.cost).sum());
        let source = match (&total, call.usage_final) {
            (None, _) => CostSource::Unknown,
            (Some(_), _) if call.estimated => CostSource::Estimated,
            (Some(_), true) => CostSource::Computed,
            (Some(_), false) => CostSource::Partial,
        };
        Cost {
            total,
            source,
            buckets: buckets.unwrap_or_default(),
            price_key: Some(found.key.to_owned()),
            matched: Some(found.matched),
            ..unknown()
        }
    }
}

impl PriceTable {
    /// What the prompt cache saved, less the premium for writing to it. Nothing is saved where nothing is cached or
    /// billed; where something is, it takes a known price.
    fn saved(&self, call: &Billable<'_>) -> Option<Money> {
        let usage = call.usage;
        let cached = [usage.cache_read, usage.cache_write_5m, usage.cache_write_1h];
        let uses_cache = cached.iter().flatten().any(|tokens| *tokens > 0);
        if is_free(call) || LOCAL.contains(&call.provider) || !uses_cache && !usage.is_unknown() {
            return Some(Money::ZERO);
        }
        bill::saved(&self.find(call.provider, call.model.filter(|_| uses_cache)?)?, call)
    }
}

/// Errors, counts and lists are free; so is whatever bills no tokens that anyone knows of.
fn is_free(call: &Billable<'_>) -> bool {
    let failed = call.status.is_some_and(|status| status >= 400);
    failed
        || match call.operation {
            Operation::CountTokens | Operation::Models | Operation::SideCall => true,
            Operation::Other
            | Operation::Stored
            | Operation::Files
            | Operation::Batches
            | Operation::Moderation => call.usage.is_unknown(),
            Operation::Chat | Operation::TextCompletion | Operation::Embeddings => false,
            Operation::Images | Operation::Audio | Operation::Rerank | Operation::Ocr => false,
        }
}

#[cfg(test)]
mod tests;
