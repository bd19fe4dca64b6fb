//! What could be meant by what is typed into the filter of calls. Pure; leaves out drawing it
//! (`components::filter_field`).

use api::Facets;

use crate::filter::suggestion::{self, Suggestion, Vocabulary};
use crate::filter::typed::{FIELDS, fixed_values};

/// Suggestions for the input, best first.
pub fn suggest(input: &str, facets: &Facets) -> Vec<Suggestion> {
    let values = |field: &str| values(field, facets);
    let loose = &["model", "tool", "provider", "tag"];
    suggestion::suggest(input, &Vocabulary { fields: &FIELDS, loose, values: &values })
}

fn values(field: &str, facets: &Facets) -> Vec<String> {
    let listed: &[String] = match field {
        "model" => &facets.models,
        "tool" => &facets.clients,
        "provider" => &facets.providers,
        "tag" => &facets.tags,
        _ => &[],
    };
    let fixed = fixed_values(field).iter().map(|value| (*value).to_owned());
    listed.iter().cloned().chain(fixed).collect()
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
