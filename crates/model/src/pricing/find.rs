//! From a provider and a model's name to a key of a table. Owns the spellings that are tried and their order.
//! A name is never matched by its beginning alone: a wrong price is worse than none.

use super::bedrock::spread_stripped;

/// One name to look for, and how the model's own was changed to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The key.
    pub(super) key: String,
    /// `provider`, `exact`, or what was changed, joined with `+`.
    pub(super) rule: String,
    /// How many spellings are likelier.
    pub(super) rank: usize,
}

/// The keys under which a table may keep `model` of `provider`, the likeliest first: its own spelling in the provider's
/// part of the table, then bare; then the same for simpler spellings, the least changed first.
pub(super) fn candidates(provider: &str, model: &str) -> impl Iterator<Item = Candidate> {
    let prefix = prefix(provider).map(str::to_owned);
    spellings(model).into_iter().enumerate().flat_map(move |(rank, (name, how))| {
        let rule = |plain: &str| if how.is_empty() { plain.to_owned() } else { how.clone() };
        let key = prefix.as_ref().map(|prefix| format!("{prefix}/{name}"));
        let own = key.map(|key| Candidate { key, rule: rule("provider"), rank });
        own.into_iter().chain([Candidate { rule: rule("exact"), key: name, rank }])
    })
}

/// The same for prices of one's own, which name a provider as it is called here, or none.
pub(super) fn own_candidates(provider: &str, model: &str) -> impl Iterator<Item = Candidate> {
    let provider = provider.to_ascii_lowercase();
    spellings(model).into_iter().enumerate().flat_map(move |(rank, (name, how))| {
        let rule = |plain: &str| if how.is_empty() { plain.to_owned() } else { how.clone() };
        let own = Candidate { key: format!("{provider}/{name}"), rule: rule("provider"), rank };
        [own, Candidate { rule: rule("exact"), key: name, rank }]
    })
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

const SIMPLIFICATIONS: [Simplification; 8] = [
    ("context_stripped", context_stripped),
    ("fine_tune_stripped", fine_tune_stripped),
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

/// `ft:gpt-4o-mini-2024-07-18:org:name:id` costs what every fine-tune of that model does.
fn fine_tune_stripped(name: &str) -> Option<String> {
    let (base, _) = name.strip_prefix("ft:")?.split_once(':')?;
    Some(format!("ft:{base}"))
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
