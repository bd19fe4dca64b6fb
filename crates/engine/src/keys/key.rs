//! The text of a provider's key: what can be one, where the environment holds one, what may be shown of it.

use std::collections::BTreeMap;

use api::Secret;
use proxy::keys::LOCAL_PREFIX;
use proxy::{Provider, Providers};

use crate::settings::EnvironmentKey;

/// The last characters of a shorter key would give too much of it away.
const SHORTEST_HINTED: usize = 16;
const LONGEST_KEY: usize = 4_096;

/// Each provider's key in the environment. A local key there is meant for tools and not for providers.
pub(crate) fn from_environment(
    providers: &Providers,
    get: &dyn Fn(&str) -> Option<String>,
) -> BTreeMap<String, EnvironmentKey> {
    let find = |provider: &Provider| {
        provider.key.variables.iter().find_map(|variable| {
            let key = clean(&get(variable)?).ok()?.to_owned();
            Some(EnvironmentKey { variable: variable.clone(), key: Secret::new(key) })
        })
    };
    providers.iter().filter_map(|provider| Some((provider.name.clone(), find(provider)?))).collect()
}

/// A provider's key without the blanks around it, or what is wrong with it.
pub(crate) fn clean(key: &str) -> Result<&str, &'static str> {
    let key = key.trim();
    if key.is_empty() {
        return Err("The key is empty.");
    }
    if key.len() > LONGEST_KEY {
        return Err("The key is too long: no provider's has more than 4096 characters.");
    }
    if key.starts_with(LOCAL_PREFIX) {
        return Err("This is one of LLMFlow's local keys. Enter the provider's own key.");
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "The key holds blanks, line breaks or characters outside ASCII. Copy it again, without what stands around it.",
        );
    }
    Ok(key)
}

/// A key's last four characters.
pub(super) fn hint(key: &str) -> String {
    let long_enough = key.len() >= SHORTEST_HINTED;
    let last = key.get(key.len().saturating_sub(4)..).filter(|_| long_enough);
    last.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_cleaned_or_refused_with_a_reason() {
        assert_eq!(clean("  sk-abc\n"), Ok("sk-abc"));
        for wrong in ["", " \n", "sk a", "sk\nb", "sk-ü", "Bearer sk", "lf-aider-x", "\u{200b}sk"] {
            assert!(clean(wrong).is_err(), "{wrong:?}");
        }
        assert!(clean(&"x".repeat(5_000)).is_err());
    }

    #[test]
    fn the_environment_is_read_by_each_providers_own_names() {
        let set = [("GOOGLE_API_KEY", "g"), ("OPENAI_API_KEY", "lf-aider-1"), ("CO_API_KEY", " c ")];
        let get =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let found = from_environment(&Providers::built_in(), &get);
        let found: Vec<_> = found
            .iter()
            .map(|(name, key)| (name.as_str(), key.variable.as_str(), key.key.reveal()))
            .collect();
        assert_eq!(found, [("cohere", "CO_API_KEY", "c"), ("gemini", "GOOGLE_API_KEY", "g")]);
    }

    #[test]
    fn a_hint_never_is_most_of_a_key() {
        assert_eq!((hint("sk-0123456789abcd").as_str(), hint("0123456789").as_str()), ("abcd", ""));
    }
}
