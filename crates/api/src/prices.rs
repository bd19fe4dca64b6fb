//! Prices: where they come from, which models use them, and what was priced again. Leaves out what a call cost (`usage`).

use serde::{Deserialize, Serialize};

use crate::{Money, Usage};

/// Where a price comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceOrigin {
    /// The table that comes with the program.
    #[default]
    BuiltIn,
    /// A table that was fetched or read from a file.
    Refreshed,
    /// The user's own.
    Own,
}

/// One price of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PriceRate {
    /// The table's name of it (`input_cost_per_token`).
    pub name: String,
    /// Decimal text in dollars: of a million where it is the price of tokens, else of one.
    pub each: String,
    /// It is the price of tokens.
    pub of_tokens: bool,
}

/// A row of the price table, or of the user's own prices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PriceRow {
    /// Its key.
    pub key: String,
    /// How a model's name led to it: `exact`, `provider`, or what was changed in the name.
    pub matched: String,
    /// Where it comes from.
    pub origin: PriceOrigin,
    /// The day on which its table was taken.
    pub date: String,
    /// The day from which on it holds; `None` for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// Of an own price: the table's key whose other prices hold beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_key: Option<String>,
    /// Its prices, by name.
    pub rates: Vec<PriceRate>,
}

/// A model that calls used, at one provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUse {
    /// The model; `None` where no call said one.
    pub model: Option<String>,
    /// The provider.
    pub provider: String,
    /// Calls.
    pub calls: u64,
    /// Tokens by bucket.
    pub usage: Usage,
    /// Cost over the calls whose cost is known.
    pub cost: Money,
    /// What calls that a subscription pays for would have cost by the API.
    pub equivalent: Money,
    /// Ended calls whose cost is unknown.
    pub unpriced: u64,
    /// Ended calls of which only a part of the usage or the price is known, or estimated.
    pub partial: u64,
    /// Calls whose cost is the provider's own word.
    pub provider_priced: u64,
    /// Calls whose cost is a tool's word.
    pub reported: u64,
    /// Calls that a subscription pays for.
    pub subscription: u64,
    /// Calls that have no price by nature.
    pub local: u64,
    /// Calls that are not billed.
    pub not_billed: u64,
    /// Sum of durations in microseconds, and over how many calls.
    pub duration_us: u64,
    /// How many calls that is.
    pub timed: u64,
    /// When the latest call began, in milliseconds since 1970 (UTC).
    pub last_ms: i64,
    /// The name by which its latest call was priced, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priced_as: Option<String>,
    /// The row that prices a call of now; `None` where none does.
    pub price: Option<PriceRow>,
}

/// Which prices there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PriceTables {
    /// The day on which the latest table was taken.
    pub date: String,
    /// Where that comes from.
    pub origin: PriceOrigin,
    /// The same in words, as audits name it.
    pub version: String,
    /// Models in the tables.
    pub models: u64,
    /// Where a refresh asks unless it is told otherwise.
    pub url: String,
    /// An unknown model may set off a refresh.
    pub refresh_unknown: bool,
    /// A refresh is under way.
    pub refreshing: bool,
    /// Tables that were taken in, the latest first.
    pub refreshes: Vec<PriceRefresh>,
    /// The user's own prices.
    pub own: Vec<OwnPrice>,
    /// The file of the user's own prices.
    pub own_file: String,
    /// Why that file cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// A price of the user's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnPrice {
    /// The model as calls name it, or `provider/model`.
    pub model: String,
    /// The day from which on it holds (`2026-01-31`); `None` for ever.
    pub valid_from: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// Its prices; those of tokens by the million.
    pub rates: Vec<PriceRate>,
}

/// A table that was taken in, or what taking it in would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PriceRefresh {
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// Where it came from: an address or a file.
    pub source: String,
    /// The day from which on its prices hold.
    pub valid_from: String,
    /// SHA-256 of the whole table, in hex.
    pub sha256: String,
    /// Models in it.
    pub models: u64,
    /// Of them, those that were not known.
    pub new: u64,
    /// Of them, those whose prices changed.
    pub changed: u64,
    /// Some of those that are new or changed, by name.
    pub some: Vec<String>,
    /// Nothing was kept: it was only looked at.
    pub dry_run: bool,
}

/// The models that calls used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Models {
    /// Those without a known price first, then by cost.
    pub models: Vec<ModelUse>,
    /// Which prices there are.
    pub tables: PriceTables,
    /// What was priced again, the latest first; the first may be under way.
    pub repricings: Vec<Repricing>,
}

/// A page of the price table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PricesPage {
    /// The rows, by key.
    pub rows: Vec<PriceRow>,
    /// How many match.
    pub total: u64,
}

/// Which calls are priced again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RepriceScope {
    /// Those that began since then, in milliseconds since 1970 (UTC).
    pub since_ms: Option<i64>,
    /// Those of this model.
    pub model: Option<String>,
    /// Only those whose cost is unknown or known in part.
    pub unknown_only: bool,
}

/// One time that calls were priced again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repricing {
    /// Its number; 0 of one that only looks.
    pub id: u64,
    /// When it began, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// Who asked for it.
    pub by: String,
    /// By which prices.
    pub version: String,
    /// Which calls.
    pub scope: RepriceScope,
    /// Nothing was changed: it was only looked at what would.
    pub dry_run: bool,
    /// How far it is.
    pub state: RepricingState,
    /// Calls looked at.
    pub looked: u64,
    /// Of them, those whose cost changed.
    pub changed: u64,
    /// Of those, calls whose cost was unknown and is known now.
    pub newly_priced: u64,
    /// Calls left as they are, since what they were priced by is not kept any more.
    pub left: u64,
    /// The known cost of the calls looked at, before.
    pub before: Money,
    /// The same after.
    pub after: Money,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How far a repricing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepricingState {
    /// Under way.
    #[default]
    Running,
    /// All calls were looked at.
    Done,
    /// It ended early: LLMFlow stopped, or the store failed. What was changed until then is counted.
    Broken,
}
