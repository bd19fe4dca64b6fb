//! From a provider and a model's name to an entry of the table. Owns the spellings that are tried and their order.
//! A name is never matched by its beginning alone: a wrong price is worse than none.

use super::Billable;
use super::bedrock::spread_stripped;
use super::decimal::{Factor, Rate};
use super::rate::Row;
use super::table::{Entry, PriceTable};

/// An entry of the table and how it was found.
#[derive(Clone, Debug)]
pub struct PriceMatch<'a> {
    /// The table's key.
    pub key: &'a str,
    /// How the model's name led to the key: `provider`, `exact`, or what was changed in the name
    /// (`vendor_stripped`, `context_stripped`, `spread_stripped`, `version_spelling`, `at_stripped`, `dated`), joined with `+`.
    pub matched: String,
    pub(super) entry: &'a Entry,
    pub(super) rows: &'a [Row],
    pub(super) search: Option<Rate>,
}

impl PriceMatch<'_> {
    /// What multiplies every rate of this call: where it ran and how fast.
    pub(super) fn factors(&self, call: &Billable<'_>) -> Vec<Factor> {
        let region = call.inference_geo.filter(|geo| geo.eq_ignore_ascii_case("us")).and(self.entry.us);
        let speed = call.speed.filter(|speed| speed.eq_ignore_ascii_case("fast")).and(self.entry.fast);
        [region, speed].into_iter().flatten().collect()
    }
}

impl PriceTable {
    /// The entry for `model` at `provider`: its own spelling in the provider's part of the table, then bare; then the
    /// same for simpler spellings, the least changed first.
    pub fn find(&self, provider: &str, model: &str) -> Option<PriceMatch<'_>> {
        spellings(model).into_iter().find_map(|(name, how)| {
            if how.is_empty() {
                let prefixed =
                    prefix(provider).and_then(|prefix| self.get(&format!("{prefix}/{name}"), "provider"));
                return prefixed.or_else(|| self.get(&name, "exact"));
            }
            let prefixed = prefix(provider).and_then(|prefix| self.get(&format!("{prefix}/{name}"), &how));
            prefixed.or_else(|| self.get(&name, &how))
        })
    }
}

/// The prefix under which the table keeps a provider's models; `None` for those it keeps bare.
fn prefix(provider: &str) -> Option<&str> {
    match provider {
        "" | "openai" | "anthropic" | "cohere" | "helicone" | "codex" => None,
        "google" => Some("gemini"),
        "vertex" => Some("vertex_ai"),
        "together" => Some("together_ai"),
        "fireworks" => Some("fireworks_ai"),
        "x-ai" => Some("xai"),
        "mistralai" => Some("mistral"),
        other => Some(other),
    }
}

/// A way to make a name simpler, and its word.
type Simplification = (&'static str, fn(&str) -> Option<String>);

const SIMPLIFICATIONS: [Simplification; 7] = [
    ("context_stripped", context_stripped),
    ("spread_stripped", spread_stripped),
    ("vendor_named", vendor_named),
    ("vendor_stripped", vendor_stripped),
    ("version_spelling", version_spelling),
    ("at_stripped", at_stripped),
    ("dated", dated),
];

/// The name and every simpler spelling of it, each with what was changed, the least changed first.
fn spellings(model: &str) -> Vec<(String, String)> {
    let name = model.trim().to_ascii_lowercase();
    let name = name.strip_prefix("models/").map(str::to_owned).unwrap_or(name);
    let mut found = vec![(name, String::new())];
    // No model's name is that long, and each step below may double the list.
    if model.len() > 256 {
        return found;
    }
    for (word, simplify) in SIMPLIFICATIONS {
        let simpler: Vec<(String, String)> = found
            .iter()
            .filter_map(|(name, how)| {
                let gap = if how.is_empty() { "" } else { "+" };
                Some((simplify(name)?, format!("{how}{gap}{word}")))
            })
            .collect();
        found.extend(simpler);
    }
    found
}

/// Claude Code's mark for the long context window.
fn context_stripped(name: &str) -> Option<String> {
    name.strip_suffix("[1m]").map(str::to_owned)
}

/// `x-ai/grok-4` stands in the table under the vendor's own prefix.
fn vendor_named(name: &str) -> Option<String> {
    let (vendor, model) = name.split_once('/')?;
    let prefix = prefix(vendor).filter(|prefix| *prefix != vendor)?;
    Some(format!("{prefix}/{model}"))
}

fn vendor_stripped(name: &str) -> Option<String> {
    name.split_once('/').map(|(_, model)| model.to_owned())
}

/// Routers write `claude-sonnet-4.5` where Anthropic writes `claude-sonnet-4-5`.
fn version_spelling(name: &str) -> Option<String> {
    (name.starts_with("claude") && name.contains('.')).then(|| name.replace('.', "-"))
}

fn at_stripped(name: &str) -> Option<String> {
    name.split_once('@').map(|(model, _)| model.to_owned())
}

/// The name without `-latest`, `-YYYY-MM-DD` or `-YYYYMMDD`.
fn dated(name: &str) -> Option<String> {
    if let Some(model) = name.strip_suffix("-latest") {
        return Some(model.to_owned());
    }
    let digits =
        |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let (rest, last) = name.rsplit_once('-')?;
    if digits(last, 8) && last.starts_with("20") {
        return Some(rest.to_owned());
    }
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    let is_date = digits(last, 2) && digits(month, 2) && digits(year, 4) && year.starts_with("20");
    is_date.then(|| rest.to_owned())
}
