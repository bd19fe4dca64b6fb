//! A command that asks a provider for its models through the proxy: costs nothing, shows that all is set up. Pure.

use api::connect::Shell;
use api::{KeyOrigin, ProviderStatus};

/// What the command has to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Nothing: LLMFlow adds the key, or none is needed.
    None,
    /// The caller's own key, from the provider's usual variable.
    Own,
    /// This local key.
    Local(String),
}

impl Credential {
    /// `local` is there when only local keys get the stored key: the one to use, if any is made.
    pub fn of(key: &KeyOrigin, local: Option<Option<String>>) -> Self {
        match (key, local) {
            (KeyOrigin::NotNeeded, _) => Self::None,
            // Who sends none is signed for.
            (KeyOrigin::Aws(_), None) => Self::None,
            (KeyOrigin::Aws(_), Some(None)) => Self::Own,
            (KeyOrigin::None, _) | (_, Some(None)) => Self::Own,
            (_, Some(Some(key))) => Self::Local(key),
            (_, None) => Self::None,
        }
    }
}

/// The command for `provider`, by its route on the proxy at `address` (`host:port`).
pub fn curl_line(provider: &ProviderStatus, address: &str, credential: &Credential, shell: Shell) -> String {
    let speaks = provider.speaks.as_str();
    let mut lines = vec![format!("{} http://{address}{}{}", program(shell), provider.route, path(speaks))];
    if speaks == "anthropic" {
        lines.push("-H \"anthropic-version: 2023-06-01\"".to_owned());
    }
    let key = match credential {
        Credential::None => None,
        Credential::Own => Some(variable(provider, shell)),
        Credential::Local(key) => Some(key.clone()),
    };
    lines.extend(key.map(|key| format!("-H \"{}{key}\"", header(speaks))));
    lines.join(if shell == Shell::PowerShell { " `\n  " } else { " \\\n  " })
}

/// PowerShell's own `curl` is something else.
const fn program(shell: Shell) -> &'static str {
    match shell {
        Shell::Posix | Shell::Fish => "curl",
        Shell::PowerShell => "curl.exe",
    }
}

/// Where a provider lists its models.
fn path(speaks: &str) -> &'static str {
    match speaks {
        "gemini" => "/v1beta/models",
        "perplexity" => "/models",
        "bedrock" => "/inference-profiles",
        _ => "/v1/models",
    }
}

fn header(speaks: &str) -> &'static str {
    match speaks {
        "anthropic" => "x-api-key: ",
        "gemini" => "x-goog-api-key: ",
        "azure" => "api-key: ",
        "helicone" => "Helicone-Auth: Bearer ",
        _ => "Authorization: Bearer ",
    }
}

fn variable(provider: &ProviderStatus, shell: Shell) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    let usual = || format!("{}_API_KEY", provider.name.chars().map(letter).collect::<String>());
    let name = provider.variable.clone().unwrap_or_else(usual);
    shell.value(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "localhost:8080";

    fn provider(name: &str, route: &str) -> ProviderStatus {
        ProviderStatus {
            name: name.into(),
            display_name: name.into(),
            speaks: name.into(),
            variable: None,
            base_url: String::new(),
            custom: false,
            route: route.into(),
            key: KeyOrigin::None,
            calls: 0,
            errors: 0,
            last_ms: None,
        }
    }

    #[test]
    fn a_stored_key_needs_no_header() {
        let line = curl_line(&provider("openai", "/openai"), AT, &Credential::None, Shell::Posix);
        assert_eq!(line, "curl http://localhost:8080/openai/v1/models");
    }

    #[test]
    fn each_provider_has_its_own_header_and_each_shell_its_own_syntax() {
        let line =
            curl_line(&provider("anthropic", "/passthrough/anthropic"), AT, &Credential::Own, Shell::Posix);
        assert_eq!(
            line,
            "curl http://localhost:8080/passthrough/anthropic/v1/models \\\n  -H \"anthropic-version: 2023-06-01\" \\\n  \
             -H \"x-api-key: $ANTHROPIC_API_KEY\""
        );
        let line =
            curl_line(&provider("gemini", "/passthrough/gemini"), AT, &Credential::Own, Shell::PowerShell);
        assert!(
            line.starts_with("curl.exe ") && line.contains("`\n  -H \"x-goog-api-key: $env:GEMINI_API_KEY\""),
            "{line}"
        );
    }

    #[test]
    fn a_provider_of_ones_own_is_asked_in_its_dialect() {
        let own = ProviderStatus {
            speaks: "anthropic".into(),
            variable: Some("CORP_KEY".into()),
            ..provider("corp", "/corp")
        };
        let line = curl_line(&own, AT, &Credential::Own, Shell::Fish);
        assert!(line.starts_with("curl http://localhost:8080/corp/v1/models "), "{line}");
        assert!(line.ends_with("-H \"x-api-key: $CORP_KEY\""), "{line}");
    }

    #[test]
    fn where_local_keys_are_required_one_stands_in() {
        let stored = KeyOrigin::Keychain { hint: "abcd".into(), mark: String::new() };
        assert_eq!(Credential::of(&stored, None), Credential::None);
        assert_eq!(Credential::of(&stored, Some(None)), Credential::Own);
        let local = Credential::of(&stored, Some(Some("llmflow-1".into())));
        let line = curl_line(&provider("groq", "/groq"), AT, &local, Shell::Fish);
        assert!(line.ends_with("-H \"Authorization: Bearer llmflow-1\""), "{line}");
        assert_eq!(Credential::of(&KeyOrigin::NotNeeded, Some(None)), Credential::None);
    }
}
