//! A provider of the user's own: what settings say of it, and the row that makes.

use super::{KeyForm, KeyRule, PathRule, Provider, Providers, target_of};

/// First segments that mean something else, or that a client may write as the beginning of a path of OpenAI's.
const RESERVED: &[&str] = &[
    "v1",
    "v1beta",
    "v2",
    "api",
    "health",
    "providers",
    "passthrough",
    "model",
    "models",
    "openai",
    "chatgpt",
    "chat",
    "responses",
    "completions",
    "embeddings",
    "images",
    "audio",
    "files",
    "batches",
    "moderations",
    "rerank",
    "default",
];
const LONGEST_NAME: usize = 32;

/// The dialects a custom provider may speak.
pub const DIALECTS: &[&str] = &["openai", "anthropic", "gemini", "cohere", "mistral", "ollama"];

/// What settings say of a provider that is not in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Custom {
    /// Its name.
    pub name: String,
    /// Its name for people; empty for the name itself.
    pub display_name: String,
    /// Where it answers.
    pub base_url: String,
    /// What stands before a client's path, unless the client wrote it; empty for nothing.
    pub path_prefix: String,
    /// One of [`DIALECTS`]; empty for the first.
    pub dialect: String,
    /// The environment variable that holds its key; empty for none.
    pub key_env: String,
}

impl Custom {
    /// The row, or what is wrong with it.
    pub(super) fn provider(&self) -> Result<Provider, String> {
        let name = self.name.to_ascii_lowercase();
        check_name(&name)?;
        if self.base_url.trim().is_empty() {
            return Err(format!(
                "the provider {name:?} is not known, and providers.{name}.base_url does not say where it answers; known are {}",
                Providers::built_in().names(|_| true)
            ));
        }
        let speaks = match self.dialect.trim().to_ascii_lowercase() {
            empty if empty.is_empty() => "openai".to_owned(),
            known if DIALECTS.contains(&known.as_str()) => known,
            other => {
                return Err(format!(
                    "providers.{name}.dialect is {other:?}, which is not one of {}",
                    DIALECTS.join(", ")
                ));
            }
        };
        let prefix = self.path_prefix.trim().trim_matches('/');
        if prefix.contains(['?', '#']) || prefix.contains(char::is_whitespace) {
            return Err(format!("providers.{name}.path_prefix is {prefix:?}, which is not a path"));
        }
        let (form, check) = match speaks.as_str() {
            "anthropic" => (
                KeyForm::Header { name: "x-api-key", bearer_below: Some("/v1/chat/completions") },
                "/v1/models?limit=1000",
            ),
            "gemini" => (
                KeyForm::Header { name: "x-goog-api-key", bearer_below: Some("/v1beta/openai") },
                "/v1beta/models?pageSize=1000",
            ),
            "ollama" => (KeyForm::Bearer, "/api/tags"),
            _ => (KeyForm::Bearer, "/v1/models"),
        };
        let display_name = Some(self.display_name.trim()).filter(|name| !name.is_empty());
        Ok(Provider {
            display_name: display_name.unwrap_or(&name).to_owned(),
            translated: target_of(&speaks),
            speaks,
            base_url: self.base_url.trim().to_owned(),
            path: match prefix {
                "" => PathRule::Unchanged,
                prefix => PathRule::Below(format!("/{prefix}")),
            },
            passthrough: true,
            local: false,
            custom: true,
            key: KeyRule {
                form,
                variables: Some(self.key_env.trim())
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
                check: Some(check),
            },
            name,
        })
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let letters =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    if name.is_empty() || name.len() > LONGEST_NAME || !letters {
        return Err(format!(
            "a provider cannot be called {name:?}: use letters, digits, \"-\" and \"_\", at most {LONGEST_NAME} of them"
        ));
    }
    if RESERVED.contains(&name) || Providers::built_in().find(name).is_some() {
        return Err(format!("a provider cannot be called {name:?}: the word means something else in a path"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(name: &str) -> Custom {
        Custom { name: name.into(), base_url: "https://llm.example/x".into(), ..Custom::default() }
    }

    #[test]
    fn names_that_would_shadow_a_route_are_refused() {
        for name in [
            "v1",
            "health",
            "Providers",
            "passthrough",
            "model",
            "openai",
            "groq",
            "chatgpt",
            "",
            "a b",
            "a.b",
            "a/b",
            "ä",
            &"x".repeat(33),
        ] {
            assert!(Providers::with(&[custom(name)]).is_err(), "{name:?}");
        }
        assert!(Providers::with(&[custom("corp-gateway_2")]).unwrap().find("CORP-gateway_2").is_some());
    }

    #[test]
    fn a_row_is_made_of_what_the_settings_say() {
        let settings = Custom {
            dialect: "anthropic".into(),
            path_prefix: "llm/".into(),
            key_env: "CORP_KEY".into(),
            ..custom("Corp")
        };
        let row = settings.provider().unwrap();
        assert_eq!(
            (row.name.as_str(), row.display_name.as_str(), row.speaks.as_str()),
            ("corp", "corp", "anthropic")
        );
        assert_eq!(row.upstream_path("/v1/messages?a"), "/llm/v1/messages?a");
        assert_eq!(row.key.variables, ["CORP_KEY"]);
        assert!(matches!(row.key.form, KeyForm::Header { name: "x-api-key", .. }));
        for (wrong, said) in [
            (Custom { base_url: String::new(), ..custom("opena") }, "opena"),
            (Custom { dialect: "klingon".into(), ..custom("corp") }, "klingon"),
            (Custom { path_prefix: "/a?b".into(), ..custom("corp") }, "path_prefix"),
        ] {
            assert!(wrong.provider().unwrap_err().contains(said), "{said}");
        }
    }
}
