//! What a call cost. Owns the rules: who decides, which rate each bucket takes, how amounts are rounded.
//! Leaves out the table's format (`table`), finding a model in it (`find`) and decimal arithmetic (`decimal`).
//!
//! A rate is decimal text turned into a whole number of 10⁻²⁴ dollars; no floating point is involved. A bucket costs
//! tokens times rate, rounded once, half to even, to pico-dollars (10⁻¹² dollars); the total is the buckets' sum.

use api::{CallSummary, Cost, CostSource, Money, Operation, Usage};

mod bedrock;
mod bill;
mod book;
mod day;
pub(crate) mod decimal;
mod facts;
mod find;
mod off_peak;
mod own;
mod plan;
mod rate;
mod table;
mod units;

pub use bedrock::priced_name;
pub use book::{Differences, PriceMatch, Prices, only};
pub use day::{day_begins, day_of};
pub use facts::Facts;
pub use own::{OwnPrice, parse_own, per_unit, write_own};
pub use plan::is_subscription;
pub use table::{PriceError, PriceTable};
pub use units::{Region, SearchSize, Sound, Units};

/// The price tables that come with the program, oldest first, each with the day on which it was taken. A newer one is
/// added and none is taken away: calls are priced by their own time.
pub const BUILT_IN: &[(&str, &[u8])] = &[("2026-11-21", include_bytes!("../data/model_prices.json"))];

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
    /// When it began, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
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
    /// What is billed by the piece.
    pub units: Units,
    /// Where Anthropic ran the model.
    pub inference_geo: Option<&'a str>,
    /// Anthropic's speed.
    pub speed: Option<&'a str>,
    /// The part of the world that it was bound to.
    pub region: Option<Region>,
    /// A subscription pays for it.
    pub subscription: bool,
}

impl Prices {
    /// What a call of this row and these facts cost: the first time, and each time it is priced again.
    pub fn price(&self, call: &CallSummary, facts: &Facts) -> Cost {
        let cost = self.cost(&facts.billable(call));
        match facts.reported {
            // One table for all, so that sums compare; a tool's own figure only where that has none.
            Some(reported) if cost.source == CostSource::Unknown => {
                Cost { total: Some(reported), source: CostSource::Reported, ..Cost::default() }
            }
            _ => cost,
        }
    }

    /// What `call` cost, and why. An unknown amount is `None`, never zero.
    pub fn cost(&self, call: &Billable<'_>) -> Cost {
        let cost = self.charged(call);
        if !call.subscription || cost.source == CostSource::NotBilled {
            return Cost { saved: self.saved(call), ..cost };
        }
        // Nothing is spent, and so nothing is saved either.
        Cost {
            total: Some(Money::ZERO),
            source: CostSource::Subscription,
            saved: Some(Money::ZERO),
            equivalent: cost.total,
            ..cost
        }
    }

    fn charged(&self, call: &Billable<'_>) -> Cost {
        if let Some(charged) = call.provider_cost {
            let source = if call.usage_final { CostSource::Provider } else { CostSource::Partial };
            return Cost { total: Some(charged), source, ..Cost::default() };
        }
        if is_free(call) {
            return Cost { total: Some(Money::ZERO), source: CostSource::NotBilled, ..Cost::default() };
        }
        if self.is_local(call) {
            return Cost { source: CostSource::Local, ..Cost::default() };
        }
        let unknown = || Cost { price_date: Some(self.date().to_owned()), ..Cost::default() };
        if call.usage.is_unknown() && !call.units.stand_alone() {
            return unknown();
        }
        let Some(found) = call.model.and_then(|model| self.find(call.provider, model, call.at_ms)) else {
            return unknown();
        };
        let bill = bill::bill(&found, call);
        let total = bill.as_ref().map(|bill| bill.buckets.iter().map(|bucket| bucket.cost).sum());
        let bill = bill.unwrap_or_default();
        let is_whole = (call.usage_final || call.usage.is_unknown()) && bill.missing.is_empty();
        let source = match &total {
            None => CostSource::Unknown,
            Some(_) if call.estimated => CostSource::Estimated,
            Some(_) if is_whole => CostSource::Computed,
            Some(_) => CostSource::Partial,
        };
        Cost {
            total,
            source,
            buckets: bill.buckets,
            missing: bill.missing,
            price_key: Some(found.key),
            matched: Some(found.matched),
            price_date: Some(found.date),
            origin: Some(found.origin),
            valid_from: found.valid_from,
            ..Cost::default()
        }
    }

    /// What the prompt cache saved, less the premium for writing to it. Nothing is saved where nothing is cached or
    /// billed; where something is, it takes a known price.
    fn saved(&self, call: &Billable<'_>) -> Option<Money> {
        let usage = call.usage;
        let cached = [usage.cache_read, usage.cache_write_5m, usage.cache_write_1h];
        let uses_cache = cached.iter().flatten().any(|tokens| *tokens > 0);
        if is_free(call) || self.is_local(call) || !uses_cache && !usage.is_unknown() {
            return Some(Money::ZERO);
        }
        bill::saved(&self.find(call.provider, call.model.filter(|_| uses_cache)?, call.at_ms)?, call)
    }

    /// A model on the user's own machine has no price, unless the user set one.
    fn is_local(&self, call: &Billable<'_>) -> bool {
        LOCAL.contains(&call.provider)
            && !call.model.is_some_and(|model| self.has_own(call.provider, model, call.at_ms))
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
            | Operation::Moderation => call.usage.is_unknown() && !call.units.stand_alone(),
            Operation::Chat | Operation::TextCompletion | Operation::Embeddings => false,
            Operation::Images | Operation::Audio | Operation::Rerank | Operation::Ocr => false,
        }
}

#[cfg(test)]
mod tests;
