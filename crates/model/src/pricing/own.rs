//! Prices of the user's own, as they stand in a file: by model, each from a day on. Owns the file's format and what may
//! stand in it. Leaves out where the file lies, and which price holds for a call (`book`).
//!
//! The file is an object of models; a model has one entry or a list of them. An entry names prices as LiteLLM's table
//! does, in dollars of one token, and may say from which day on it holds and why:
//! `{"openai/gpt-4o": {"input_cost_per_token": 2e-06, "valid_from": "2026-01-01", "note": "our contract"}}`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::day::day_begins;
use super::decimal::Rate;
use super::rate::{RateName, Row};

/// Models in the file.
const MOST: usize = 10_000;
/// Bytes of a model's name, or of a note.
const LONGEST: usize = 256;

/// One price of the user's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnPrice {
    /// The model as calls name it, or `provider/model`.
    pub model: String,
    /// The day from which it holds; `None` for ever.
    pub valid_from: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// Decimal text in dollars of one unit, by the table's name.
    pub rates: BTreeMap<String, String>,
}

impl OwnPrice {
    /// Why it cannot be used.
    pub fn check(&self) -> Result<(), String> {
        let Self { model, valid_from, note, rates } = self;
        if model.trim().is_empty() || model.trim() != model || model.len() > LONGEST {
            return Err(format!(
                "{model:?} is no model's name: it is empty, has blanks around it, or is too long"
            ));
        }
        if model.chars().any(char::is_control) {
            return Err(format!("{model:?} is no model's name"));
        }
        if let Some(day) = valid_from.as_deref().filter(|day| day_begins(day).is_none()) {
            return Err(format!("{model}: {day:?} is no day, such as 2026-01-31"));
        }
        if note.as_ref().is_some_and(|note| note.len() > LONGEST) {
            return Err(format!("{model}: its note is longer than {LONGEST} bytes"));
        }
        if rates.is_empty() {
            return Err(format!("{model} has no price; name one, such as input_cost_per_token"));
        }
        for (name, text) in rates {
            if RateName::parse(name).is_none() {
                return Err(format!("{model}: there is no price called {name:?}"));
            }
            if Rate::parse(text).is_none() {
                return Err(format!(
                    "{model}: {name} is {text:?}, and must be dollars of one, from 0 to 1000, such as 0.000003"
                ));
            }
        }
        Ok(())
    }

    /// When it begins to hold.
    pub(super) fn valid_from_ms(&self) -> i64 {
        self.valid_from.as_deref().and_then(day_begins).unwrap_or(i64::MIN)
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |(name, text): (&String, &String)| {
            let name = RateName::parse(name)?;
            Some(Row { name, rate: Rate::parse(text)?.divided(name.kind.written_for()) })
        };
        self.rates.iter().filter_map(row).collect()
    }
}

/// Reads the file. An error says what is wrong with it, in one sentence.
pub fn parse_own(text: &str) -> Result<Vec<OwnPrice>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let models: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON object of models: {error}"))?;
    if models.len() > MOST {
        return Err(format!("it has more than {MOST} models"));
    }
    let mut prices = Vec::with_capacity(models.len());
    for (model, value) in models {
        let malformed = |_| format!("{model}: its entry is no object of prices");
        let entries: Vec<BTreeMap<String, &RawValue>> = match value.get().starts_with('[') {
            true => serde_json::from_str(value.get()).map_err(malformed)?,
            false => vec![serde_json::from_str(value.get()).map_err(malformed)?],
        };
        for entry in entries {
            let price = entry_of(&model, &entry)?;
            price.check()?;
            let is_there =
                |one: &OwnPrice| one.model.eq_ignore_ascii_case(&model) && one.valid_from == price.valid_from;
            if prices.iter().any(is_there) {
                return Err(format!("{model} has two prices from the same day on"));
            }
            prices.push(price);
        }
    }
    Ok(prices)
}

fn entry_of(model: &str, entry: &BTreeMap<String, &RawValue>) -> Result<OwnPrice, String> {
    let mut price = OwnPrice { model: model.to_owned(), ..OwnPrice::default() };
    for (name, value) in entry {
        let text = || {
            let text = serde_json::from_str::<Option<String>>(value.get());
            text.map_err(|_| format!("{model}: {name} must be a text"))
        };
        match name.as_str() {
            "valid_from" => price.valid_from = text()?,
            "note" => price.note = text()?,
            _ => {
                price.rates.insert(name.clone(), value.get().to_owned());
            }
        }
    }
    Ok(price)
}

/// The file for these prices.
pub fn write_own(prices: &[OwnPrice]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut by_model: BTreeMap<&str, Vec<&OwnPrice>> = BTreeMap::new();
    for price in prices {
        by_model.entry(&price.model).or_default().push(price);
    }
    let mut text = String::from("{");
    for (number, (model, prices)) in by_model.iter().enumerate() {
        let gap = if number == 0 { "" } else { "," };
        let entries: Vec<String> = prices
            .iter()
            .map(|price| {
                let mut members: Vec<String> =
                    price.rates.iter().map(|(name, rate)| format!("{}: {rate}", quoted(name))).collect();
                let words = [("valid_from", &price.valid_from), ("note", &price.note)];
                let words = words.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
                members.extend(words.map(|(name, text)| format!("{}: {}", quoted(name), quoted(text))));
                format!("{{{}}}", members.join(", "))
            })
            .collect();
        // Writing to a string cannot fail.
        let _written = write!(text, "{gap}\n  {}: [{}]", quoted(model), entries.join(", "));
    }
    text.push_str("\n}\n");
    text
}

/// A price of a million as the table writes the price of one: the same digits, exactly.
pub fn per_unit(per_million: &str) -> Option<String> {
    Rate::parse_per_million(per_million.trim()).map(Rate::text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_written_alike() {
        let text = r#"{"gpt-4o": {"input_cost_per_token": 2e-06, "valid_from": "2026-01-01", "note": "ours"},
            "corp/m": [{"output_cost_per_token": 0.000001},
                       {"output_cost_per_token": 0.000002, "valid_from": "2026-03-01"}]}"#;
        let prices = parse_own(text).unwrap();
        assert_eq!(prices.len(), 3);
        assert_eq!(parse_own(&write_own(&prices)).unwrap(), prices);
        assert_eq!(parse_own("").unwrap(), []);
        assert_eq!(parse_own(&write_own(&[])).unwrap(), []);
        assert_eq!(prices.iter().map(OwnPrice::valid_from_ms).filter(|from| *from == i64::MIN).count(), 1);
    }

    #[test]
    fn what_is_wrong_with_it_is_said() {
        for (text, part) in [
            ("[]", "no JSON object"),
            ("{", "no JSON object"),
            (r#"{"m": 3}"#, "no object of prices"),
            (r#"{"m": {}}"#, "has no price"),
            (r#"{"": {"input_cost_per_token": 1e-6}}"#, "no model's name"),
            (r#"{"m": {"input": 1e-6}}"#, "no price called"),
            (r#"{"m": {"input_cost_per_token": -1}}"#, "must be dollars"),
            (r#"{"m": {"input_cost_per_token": 1e9}}"#, "must be dollars"),
            (r#"{"m": {"input_cost_per_token": "1e-6"}}"#, "must be dollars"),
            (r#"{"m": {"input_cost_per_token": 1e-6, "valid_from": "soon"}}"#, "is no day"),
            (r#"{"m": {"input_cost_per_token": 1e-6, "note": 5}}"#, "must be a text"),
            (r#"{"m": [{"input_cost_per_token": 1e-6}, {"input_cost_per_token": 2e-6}]}"#, "two prices"),
        ] {
            let error = parse_own(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn millions_become_ones_exactly() {
        assert_eq!(per_unit("3.75").as_deref(), Some("0.00000375"));
        assert_eq!(per_unit(" 0 ").as_deref(), Some("0"));
        assert_eq!(per_unit("cheap"), None);
    }
}
