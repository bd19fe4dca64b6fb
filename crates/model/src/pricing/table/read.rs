//! Reads the table's JSON straight into its compact form, without a tree in between. Owns LiteLLM's member names.
//! Leaves out the names of token prices (`rate`).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::decimal::{Factor, Rate};
use super::super::off_peak::OffPeak;
use super::super::rate::{RateName, Row};
use super::{Entry, Extra, PriceTable};

/// Reads every entry of `json` into `table`.
pub(super) fn read(json: &[u8], table: &mut PriceTable) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    reader.deserialize_map(Entries(table))?;
    reader.end()
}

struct Entries<'t>(&'t mut PriceTable);

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of models")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            // One entry describes the format instead of a model.
            if key == "sample_spec" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            map.next_value_seed(Model { table: self.0, key })?;
        }
        Ok(())
    }
}

struct Model<'t> {
    table: &'t mut PriceTable,
    key: String,
}

impl<'de> DeserializeSeed<'de> for Model<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Model<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of prices")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { table, key } = self;
        let first_row = position(table.rows.len());
        let mut facts = Facts::default();
        while let Some(name) = map.next_key_seed(NameSeed)? {
            match name {
                Name::Rate(name) => table.rows.extend(row(name, map.next_value()?)),
                Name::Tiers => table.rows.extend(tiers(map.next_value()?)),
                Name::Provider => facts.provider = word(map.next_value()?),
                Name::Factors => facts.factors = members(map.next_value()?),
                Name::Searches => facts.searches = members(map.next_value()?),
                Name::SearchUnit => facts.search_unit = word(map.next_value()?),
                Name::OffPeak => facts.off_peak = members(map.next_value()?),
                Name::Region(region) => {
                    let factor: &RawValue = map.next_value()?;
                    facts.regions.insert(region, factor);
                }
                Name::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let first_key = position(table.keys.len());
        table.keys.push_str(&key);
        let extra = facts.extra();
        let extra = (extra != Extra::default()).then(|| {
            table.extras.push(extra);
            position(table.extras.len() - 1)
        });
        table.entries.push(Entry {
            key: (first_key, position(table.keys.len())),
            rows: (first_row, position(table.rows.len())),
            extra,
            is_xai: facts.provider == "xai",
        });
        Ok(())
    }
}

/// An offset; `parse` has checked that all of them fit.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The members of an entry that bear on a price.
enum Name {
    Rate(RateName),
    Tiers,
    Provider,
    Factors,
    Searches,
    SearchUnit,
    OffPeak,
    Region(Place),
    Other,
}

/// Where a call may be bound to run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Us,
    Eu,
    Vertex,
}

/// Tells members apart without keeping their names.
struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Name, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        Ok(match name {
            "tiered_pricing" => Name::Tiers,
            "litellm_provider" => Name::Provider,
            "provider_specific_entry" => Name::Factors,
            "search_context_cost_per_query" => Name::Searches,
            "web_search_billing_unit" => Name::SearchUnit,
            "off_peak_pricing" => Name::OffPeak,
            "regional_processing_uplift_multiplier_us" => Name::Region(Place::Us),
            "regional_processing_uplift_multiplier_eu" => Name::Region(Place::Eu),
            "regional_endpoint_uplift_multiplier" => Name::Region(Place::Vertex),
            _ => RateName::parse(name).map_or(Name::Other, Name::Rate),
        })
    }
}

/// What is known of an entry beside its rates, while it is read.
#[derive(Default)]
struct Facts<'de> {
    provider: String,
    search_unit: String,
    factors: BTreeMap<String, &'de RawValue>,
    searches: BTreeMap<String, &'de RawValue>,
    off_peak: BTreeMap<String, &'de RawValue>,
    regions: BTreeMap<Place, &'de RawValue>,
}

impl Facts<'_> {
    fn extra(&self) -> Extra {
        let factor = |name: &str| Factor::parse(self.factors.get(name)?.get());
        let region = |place: Place| Factor::parse(self.regions.get(&place)?.get());
        let search = ["low", "medium", "high"]
            .map(|size| Rate::parse(self.searches.get(&format!("search_context_size_{size}"))?.get()));
        Extra {
            search_per_prompt: search.iter().any(Option::is_some) && self.search_per_prompt(),
            search,
            us: factor("us"),
            fast: factor("fast"),
            region_us: region(Place::Us),
            region_eu: region(Place::Eu),
            vertex: region(Place::Vertex),
            off_peak: OffPeak::read(&self.off_peak, rows_of(&self.off_peak)),
        }
    }

    fn search_per_prompt(&self) -> bool {
        let google = self.provider == "gemini" || self.provider.starts_with("vertex_ai");
        google && self.search_unit != "per_query"
    }
}

fn row(name: RateName, value: &RawValue) -> Option<Row> {
    Rate::parse(value.get()).map(|rate| Row { name, rate: rate.divided(name.kind.written_for()) })
}

fn rows_of(members: &BTreeMap<String, &RawValue>) -> Vec<Row> {
    members.iter().filter_map(|(key, value)| row(RateName::parse(key)?, value)).collect()
}

/// Prices by ranges of the prompt's size, lowest first: the same as thresholds.
fn tiers(value: &RawValue) -> Vec<Row> {
    let tiers: Vec<BTreeMap<String, &RawValue>> = serde_json::from_str(value.get()).unwrap_or_default();
    tiers.iter().flat_map(tier).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn tier(members: &BTreeMap<String, &RawValue>) -> Vec<Row> {
    let range: Vec<f64> =
        members.get("range").and_then(|range| serde_json::from_str(range.get()).ok()).unwrap_or_default();
    let Some(from) = range.first() else { return Vec::new() };
    let above = *from as u32;
    let named = |(key, value): (&String, &&RawValue)| row(RateName { above, ..RateName::parse(key)? }, value);
    members.iter().filter_map(named).collect()
}

fn word(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_default()
}

fn members(value: &RawValue) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(value.get()).unwrap_or_default()
}
