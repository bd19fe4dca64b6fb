//! What could be meant by what is typed into the filter. Pure; leaves out drawing it (`filter_bar`).

use api::Facets;

use crate::filter::typed::{FIELDS, fixed_values};

/// Suggestions shown at once.
const MOST: usize = 9;

/// One line under the filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Suggestion {
    /// Begin a condition: `model:`.
    Field { field: &'static str, hint: &'static str },
    /// A whole condition.
    Value { field: &'static str, value: String },
    /// Search for these words.
    Text(String),
}

/// Suggestions for the input, best first. Only its last word is looked at; all of it can be searched for.
pub fn suggest(input: &str, facets: &Facets) -> Vec<Suggestion> {
    let word =
        if input.ends_with(' ') { "" } else { input.split_whitespace().next_back().unwrap_or_default() };
    let mut found = Vec::new();
    match word.split_once(':').and_then(|(field, part)| Some((known_field(field)?, part))) {
        Some((field, part)) => found.extend(values(field, part, facets)),
        None if word.is_empty() => {
            found.extend(FIELDS.map(|(field, hint)| Suggestion::Field { field, hint }));
        }
        None => {
            let fields = FIELDS.into_iter().filter(|(field, _)| field.starts_with(&word.to_lowercase()));
            found.extend(fields.map(|(field, hint)| Suggestion::Field { field, hint }));
            for field in ["model", "tool", "provider", "tag"] {
                found.extend(values(field, word, facets));
            }
        }
    }
    found.truncate(MOST);
    if !input.trim().is_empty() && !word.contains(':') {
        found.insert(0, Suggestion::Text(input.trim().to_owned()));
    }
    found
}

fn known_field(name: &str) -> Option<&'static str> {
    FIELDS.iter().map(|(field, _)| *field).find(|field| *field == name)
}

fn values(field: &'static str, part: &str, facets: &Facets) -> Vec<Suggestion> {
    let part = part.to_lowercase();
    let listed: &[String] = match field {
        "model" => &facets.models,
        "tool" => &facets.clients,
        "provider" => &facets.providers,
        "tag" => &facets.tags,
        _ => &[],
    };
    let fixed = fixed_values(field).iter().map(|value| (*value).to_owned());
    listed
        .iter()
        .cloned()
        .chain(fixed)
        .filter(|value| value.to_lowercase().contains(&part))
        .map(|value| Suggestion::Value { field, value })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facets() -> Facets {
        Facets {
            models: vec!["claude-opus-4-5".into(), "gpt-5.1-codex".into()],
            clients: vec!["codex".into()],
            ..Facets::default()
        }
    }

    #[test]
    fn a_field_offers_its_values() {
        let value = |field, value: &str| Suggestion::Value { field, value: value.into() };
        assert_eq!(suggest("model:opus", &facets()), [value("model", "claude-opus-4-5")]);
        assert_eq!(
            suggest("x outcome:", &facets()),
            [value("outcome", "success"), value("outcome", "error")]
        );
    }

    #[test]
    fn a_word_can_be_a_value_or_be_searched_for() {
        let found = suggest("flaky codex", &facets());
        assert_eq!(found[0], Suggestion::Text("flaky codex".into()));
        assert!(found.contains(&Suggestion::Value { field: "tool", value: "codex".into() }));
        assert!(matches!(suggest("", &facets())[0], Suggestion::Field { field: "model", .. }));
    }
}
