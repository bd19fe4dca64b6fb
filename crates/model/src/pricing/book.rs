//! Which price holds for a call: tables of several days, one upon the other, and the user's own prices above them.
//! Leaves out reading them (`table`, `own`) and the spellings of names (`find`).
//!
//! A call is priced by its own time. Of the tables that were taken until then the latest one that has the model decides;
//! a model that none of them has is priced by the first later one that has it. A price of one's own holds from its day
//! on, and changes those prices of the table's row that it names.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{PriceOrigin, PriceRate};
use serde_json::value::RawValue;

use super::Billable;
use super::day::{day_begins, day_of};
use super::decimal::{Factor, Rate};
use super::find::{candidates, own_candidates};
use super::own::OwnPrice;
use super::rate::{Kind, Row};
use super::table::{Extra, Found, PriceError, PriceTable};
use super::units::{Region, SearchSize};

/// An entry that prices a call, and how it was found.
#[derive(Clone, Debug)]
pub struct PriceMatch {
    /// The key: the table's, or that of the user's own price.
    pub key: String,
    /// How the model's name led to the key: `provider`, `exact`, or what was changed in the name (`vendor_stripped`,
    /// `context_stripped`, `spread_stripped`, `version_spelling`, `at_stripped`, `dated`, …), joined with `+`.
    pub matched: String,
    /// Where the price comes from.
    pub origin: PriceOrigin,
    /// The day on which its table was taken, or from which on the own price holds.
    pub date: String,
    /// The day from which on it holds; `None` for ever.
    pub valid_from: Option<String>,
    /// The table's key whose other prices hold beside those of the user's own.
    pub base_key: Option<String>,
    /// Those of the user's own are the last.
    pub(super) rows: Vec<Row>,
    own_rows: usize,
    pub(super) extra: Extra,
    pub(super) is_xai: bool,
}

impl PriceMatch {
    fn of_table(layer: &Layer, found: Found, matched: String) -> Self {
        Self {
            key: found.key,
            matched,
            origin: layer.origin,
            date: layer.table.date().to_owned(),
            valid_from: (layer.from_ms > i64::MIN).then(|| day_of(layer.from_ms)),
            base_key: None,
            rows: found.rows,
            own_rows: 0,
            extra: found.extra,
            is_xai: found.is_xai,
        }
    }

    /// What multiplies every rate of this call: where it ran and how fast.
    pub(super) fn factors(&self, call: &Billable<'_>) -> Vec<Factor> {
        let extra = &self.extra;
        let geo = call.inference_geo.filter(|geo| geo.eq_ignore_ascii_case("us")).and(extra.us);
        let speed = call.speed.filter(|speed| speed.eq_ignore_ascii_case("fast")).and(extra.fast);
        let region = call.region.and_then(|region| match region {
            Region::Us => extra.region_us,
            Region::Eu => extra.region_eu,
            Region::Vertex => extra.vertex,
        });
        [geo, speed, region].into_iter().flatten().collect()
    }

    /// The rows that hold at the call's time.
    pub(super) fn rows_at(&self, at_ms: i64) -> Vec<Row> {
        let cheaper = self.extra.off_peak.as_ref().filter(|off_peak| off_peak.holds(at_ms));
        let cheaper = cheaper.map(|off_peak| off_peak.rows.as_slice()).unwrap_or_default();
        // Of equal names the later counts, and the user's own is the last word.
        let own_from = self.rows.len().saturating_sub(self.own_rows);
        let (table, own) = self.rows.split_at_checked(own_from).unwrap_or((&self.rows, &[]));
        [table, cheaper, own].concat()
    }

    /// What a search costs that brings so much context.
    pub(super) fn search(&self, size: SearchSize) -> Option<Rate> {
        let own = self.rows.iter().rev().find(|row| row.name.kind == Kind::WebSearch).map(|row| row.rate);
        let [low, medium, high] = self.extra.search;
        let of_size = match size {
            SearchSize::Low => low,
            SearchSize::Medium => medium,
            SearchSize::High => high,
        };
        own.or(of_size).or(medium)
    }

    /// Every price of the row, for people.
    pub fn rates(&self) -> Vec<PriceRate> {
        let mut shown: BTreeMap<String, PriceRate> = BTreeMap::new();
        for row in &self.rows {
            let (name, of_tokens) = (row.name.key(), row.name.kind.is_of_tokens());
            let each = if of_tokens { row.rate.per_million() } else { row.rate.text() };
            shown.insert(name.clone(), PriceRate { name, each, of_tokens });
        }
        let sizes = ["low", "medium", "high"].into_iter().zip(self.extra.search);
        for (size, rate) in sizes.filter_map(|(size, rate)| Some((size, rate?))) {
            let name = format!("search_context_cost_per_query.{size}");
            shown.insert(name.clone(), PriceRate { name, each: rate.text(), of_tokens: false });
        }
        shown.into_values().collect()
    }
}

/// One table and from when on it holds.
#[derive(Clone, Debug)]
struct Layer {
    table: Arc<PriceTable>,
    from_ms: i64,
    origin: PriceOrigin,
}

/// Every price that is known.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    /// Oldest first.
    layers: Vec<Layer>,
    /// By key in lower case, oldest first.
    own: BTreeMap<String, Vec<OwnPrice>>,
}

/// How a new table differs from what is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Models that were not known.
    pub new: Vec<String>,
    /// Models whose prices changed.
    pub changed: Vec<String>,
    /// Models whose prices are the same.
    pub same: usize,
}

impl Prices {
    /// Only these tables' prices: each with the day on which it was taken. The first holds for all time before it too.
    pub fn new(built_in: &[(&str, &[u8])]) -> Result<Self, PriceError> {
        let mut prices = Self::default();
        for (date, json) in built_in {
            let from_ms = day_begins(date).unwrap_or(0);
            prices.add(PriceTable::parse(json, date)?, from_ms, PriceOrigin::BuiltIn);
        }
        Ok(prices)
    }

    /// With another table, that holds from `from_ms` on.
    pub fn add(&mut self, table: PriceTable, from_ms: i64, origin: PriceOrigin) {
        let from_ms = if self.layers.is_empty() { i64::MIN } else { from_ms };
        let at = self.layers.partition_point(|layer| layer.from_ms <= from_ms);
        self.layers.insert(at, Layer { table: Arc::new(table), from_ms, origin });
    }

    /// With the user's own prices in the place of those before.
    pub fn set_own(&mut self, own: Vec<OwnPrice>) {
        self.own.clear();
        for price in own {
            self.own.entry(price.model.to_ascii_lowercase()).or_default().push(price);
        }
        self.own.values_mut().for_each(|prices| prices.sort_by_key(OwnPrice::valid_from_ms));
    }

    /// The user's own prices.
    pub fn own(&self) -> impl Iterator<Item = &OwnPrice> {
        self.own.values().flatten()
    }

    /// The day on which the latest table was taken.
    pub fn date(&self) -> &str {
        self.layers.last().map_or("", |layer| layer.table.date())
    }

    /// Where the latest table comes from.
    pub fn origin(&self) -> PriceOrigin {
        self.layers.last().map_or(PriceOrigin::BuiltIn, |layer| layer.origin)
    }

    /// How many models have an entry.
    pub fn len(&self) -> usize {
        self.keys().len()
    }

    /// Whether no price is known.
    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(|layer| layer.table.is_empty())
    }

    /// Every key of the tables, in order.
    pub fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.layers.iter().flat_map(|layer| layer.table.keys()).collect();
        keys.sort_unstable_by_key(|key| key.to_ascii_lowercase());
        keys.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
        keys
    }

    /// In words: which tables these are.
    pub fn version(&self) -> String {
        let refreshed = self.layers.iter().filter(|layer| layer.origin == PriceOrigin::Refreshed).count();
        let own = self.own().count();
        let mut text = format!("table of {}", self.date());
        for (count, one, many) in [(refreshed, "refresh", "refreshes"), (own, "own price", "own prices")] {
            if count > 0 {
                let word = if count == 1 { one } else { many };
                text.push_str(&format!(", {count} {word}"));
            }
        }
        text
    }

    /// The entry for `model` at `provider` that holds at a moment.
    pub fn find(&self, provider: &str, model: &str, at_ms: i64) -> Option<PriceMatch> {
        let base = candidates(provider, model).find_map(|candidate| {
            let (layer, found) = self.entry(&candidate.key, at_ms)?;
            Some((candidate, layer, found))
        });
        let own = match self.own.is_empty() {
            true => None,
            false => own_candidates(provider, model).find_map(|candidate| {
                let price = self.own_price(&candidate.key, at_ms)?;
                Some((candidate, price))
            }),
        };
        // An own price for a model does not hold for a spelling of it that has an entry of its own.
        let own = own.filter(|(own, _)| base.as_ref().is_none_or(|(base, ..)| own.rank <= base.rank));
        let Some((candidate, price)) = own else {
            let (candidate, layer, found) = base?;
            return Some(PriceMatch::of_table(layer, found, candidate.rule));
        };
        let (base_key, base) =
            base.map_or_else(Default::default, |(_, _, found)| (Some(found.key.clone()), found));
        let Found { mut rows, extra, is_xai, .. } = base;
        let own = price.rows();
        let own_rows = own.len();
        rows.extend(own);
        Some(PriceMatch {
            key: price.model.clone(),
            matched: candidate.rule,
            origin: PriceOrigin::Own,
            date: price.valid_from.clone().unwrap_or_else(|| self.date().to_owned()),
            valid_from: price.valid_from.clone(),
            base_key,
            rows,
            own_rows,
            extra,
            is_xai,
        })
    }

    /// Whether the user set a price for it.
    pub(super) fn has_own(&self, provider: &str, model: &str, at_ms: i64) -> bool {
        !self.own.is_empty()
            && own_candidates(provider, model)
                .any(|candidate| self.own_price(&candidate.key, at_ms).is_some())
    }

    /// The entries with this key, each with the day from which on it holds, the latest first.
    pub fn history(&self, key: &str) -> Vec<PriceMatch> {
        let layers = self.layers.iter().rev().filter(|layer| layer.table.has(key));
        let mut at: Vec<i64> = layers.map(|layer| layer.from_ms).collect();
        at.dedup();
        let of = |from_ms: i64| {
            let (layer, found) = self.entry(key, from_ms)?;
            Some(PriceMatch::of_table(layer, found, "exact".to_owned()))
        };
        at.into_iter().filter_map(of).collect()
    }

    /// How `table` differs from the latest prices known.
    pub fn differences(&self, table: &PriceTable) -> Differences {
        let mut differences = Differences::default();
        for key in table.keys() {
            let known = self.entry(key, i64::MAX).map(|(_, found)| Found { key: String::new(), ..found });
            let comes = table.get(key).map(|found| Found { key: String::new(), ..found });
            match known {
                None => differences.new.push(key.to_owned()),
                Some(_) if known == comes => differences.same += 1,
                Some(_) => differences.changed.push(key.to_owned()),
            }
        }
        differences
    }

    fn own_price(&self, key: &str, at_ms: i64) -> Option<&OwnPrice> {
        self.own.get(key)?.iter().rev().find(|price| price.valid_from_ms() <= at_ms)
    }

    fn entry(&self, key: &str, at_ms: i64) -> Option<(&Layer, Found)> {
        let has = |layer: &&Layer| layer.table.has(key);
        let then = self.layers.partition_point(|layer| layer.from_ms <= at_ms);
        let (until, later) = self.layers.split_at_checked(then)?;
        let layer = until.iter().rev().find(has).or_else(|| later.iter().find(has))?;
        Some((layer, layer.table.get(key)?))
    }
}

/// A table's JSON with these keys alone.
pub fn only(json: &[u8], keys: &[String]) -> Result<String, PriceError> {
    let all: BTreeMap<String, &RawValue> = serde_json::from_slice(json)?;
    let some: BTreeMap<&String, &&RawValue> =
        keys.iter().filter_map(|key| Some((key, all.get(key)?))).collect();
    Ok(serde_json::to_string(&some)?)
}

#[cfg(test)]
mod tests;
