//! From a destination to the address that is called: the provider's own, another that the settings allow, Azure's
//! resource, ChatGPT for its users. Leaves out the connection (`connector`), which has the last word.

use http::StatusCode;
use http::header::{self, HeaderMap};
use http::uri::{Authority, Scheme};

use crate::address::{is_forbidden, is_loopback};
use crate::azure::{Azure, Surface};
use crate::keys::LOCAL_PREFIX;
use crate::provider::{PathRule, Provider, is_below};
use crate::redact::split_scheme;
use crate::route::Destination;
use crate::upstream::{Base, Upstreams};

/// Where a call goes.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) base: Base,
    /// The path and query to ask for; below Azure's deployment while `needs_model`.
    pub(crate) path_and_query: String,
    /// The deployment is not known before the body's model is.
    pub(crate) needs_model: bool,
    /// The client had a say in where it goes, so no key of the user's goes along.
    pub(crate) chosen_by_client: bool,
    /// AWS's region, for which the call is signed.
    pub(crate) region: Option<String>,
}

/// Why a call is not forwarded, for the caller.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn bad_request(message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "invalid_request_error", message }
    }

    fn forbidden(message: String) -> Self {
        Self { status: StatusCode::FORBIDDEN, kind: "upstream_not_allowed", message }
    }
}

impl Upstreams {
    /// The address behind a destination.
    pub(crate) fn aim(&self, to: &Destination, headers: &HeaderMap) -> Result<Target, Refusal> {
        let provider = &*to.provider;
        let own = self.own_base(provider, headers);
        let is_own = |host: &String| is_own_host(provider, host, own.as_ref().ok().map(|(base, _)| base));
        let asked = match (&to.host, &to.path_without_host) {
            (None, _) => to.path_and_query.clone(),
            // Behind a host of its own the path may still be written in its short form.
            (Some(host), _) if is_own(host) => provider.upstream_path(&to.path_and_query),
            (Some(host), Some(path)) if !self.is_allowed(host) => path.clone(),
            (Some(host), _) => return self.named(provider, host, &to.path_and_query),
        };
        if let Some(path) = self.chatgpt_path(provider, &asked, headers) {
            return Ok(target(self.chatgpt().clone(), path));
        }
        let (base, chosen_by_client) = own.map_err(Refusal::bad_request)?;
        let path_and_query = asked;
        let (path_and_query, needs_model) = match provider.path {
            PathRule::Azure => match Azure::surface(&path_and_query) {
                Surface::Path(path) => (path, false),
                Surface::Deployment(rest) => (rest, true),
            },
            PathRule::Below(_) | PathRule::Instead { .. } | PathRule::Unchanged | PathRule::Bedrock => {
                (path_and_query, false)
            }
        };
        Ok(Target { base, path_and_query, needs_model, chosen_by_client, region: None })
    }

    /// The provider's address, and whether the client chose a part of it.
    fn own_base(&self, provider: &Provider, headers: &HeaderMap) -> Result<(Base, bool), String> {
        if let Some(base) = self.base(provider) {
            return Ok((base.clone(), false));
        }
        let (resource, ours) = self.azure().resource(headers)?;
        let base = self.base_of_resource(provider, &resource).map_err(|error| error.to_string())?;
        Ok((base, !ours))
    }

    /// A host that the client named.
    fn named(&self, provider: &Provider, host: &str, path_and_query: &str) -> Result<Target, Refusal> {
        let base = base_of(host).ok_or_else(|| Refusal::bad_request(format!("{host:?} is no host.")))?;
        let local = is_loopback(base.authority.host());
        if is_forbidden(base.authority.host()) {
            return Err(Refusal::forbidden(format!(
                "LLMFlow never calls {host}: cloud machines get their credentials there."
            )));
        }
        if local && self.own_ports().contains(&base.port()) {
            return Err(looped(&base));
        }
        if !self.allows(&base) {
            return Err(Refusal::forbidden(format!(
                "The host {host} is not {}'s. If clients may call it through LLMFlow, add {:?} to allowed_upstreams in \
                 the settings.",
                provider.display_name,
                host.to_ascii_lowercase()
            )));
        }
        Ok(Target { chosen_by_client: true, ..target(base, path_and_query.to_owned()) })
    }

    fn is_allowed(&self, host: &str) -> bool {
        base_of(host).is_some_and(|base| self.allows(&base))
    }

    /// Whether a client may name it: with the scheme's own port written in the settings, or left out there.
    fn allows(&self, base: &Base) -> bool {
        let (host, port) = (base.authority.host(), base.authority.port_u16());
        let allows = |port| self.allowed().iter().any(|allowed| allowed.allows(host, port));
        allows(port) || allows(Some(base.port()))
    }

    /// Codex signed in to ChatGPT: its token is good there and nowhere else.
    fn chatgpt_path(&self, provider: &Provider, path_and_query: &str, headers: &HeaderMap) -> Option<String> {
        // Behind another address for OpenAI such a token is that gateway's, and must not go elsewhere.
        let redirects = provider.name == "openai" && self.redirects_chatgpt();
        if !redirects || !headers.get_all(header::AUTHORIZATION).iter().any(is_chatgpt_token) {
            return None;
        }
        let rest = match is_below(path_and_query, "/v1") {
            true => path_and_query.get(3..).unwrap_or_default(),
            false => path_and_query,
        };
        let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        Some(match is_below(&rest, CODEX) {
            true => rest,
            false => format!("{CODEX}{rest}"),
        })
    }
}

/// Whether `host` is where the provider answers: by the settings, or by itself.
fn is_own_host(provider: &Provider, host: &str, base: Option<&Base>) -> bool {
    let original = provider.base_url.split("://").nth(1).and_then(|rest| rest.split('/').next());
    original.is_some_and(|own| normal(own, HTTPS_PORT) == normal(host, HTTPS_PORT))
        || base.is_some_and(|base| {
            let standard = base.standard_port();
            normal(base.authority.as_str(), standard) == normal(host, standard)
        })
}

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// The address of a host that a client named; `None` when it is no host.
fn base_of(host: &str) -> Option<Base> {
    let named: Authority = host.parse().ok().filter(|_| !host.contains('@'))?;
    let (scheme, standard) = match is_loopback(named.host()) {
        true => (Scheme::HTTP, HTTP_PORT),
        false => (Scheme::HTTPS, HTTPS_PORT),
    };
    Some(Base::new(scheme, normal(host, standard).parse().ok()?, String::new()))
}

/// A host in small letters, without the dot at the end of a full name and without the scheme's own port.
fn normal(host: &str, standard: u16) -> String {
    let host = host.to_ascii_lowercase();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host.as_str(), None),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    match port.filter(|port| port.parse() != Ok(standard)) {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

/// Where ChatGPT answers Codex.
const CODEX: &str = "/backend-api/codex";

/// A JSON web token: three parts, and none of the forms that API keys and our own keys have.
fn is_chatgpt_token(value: &http::HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let (scheme, token) = split_scheme(text.trim());
    let parts: Vec<&str> = token.split('.').collect();
    scheme.trim().eq_ignore_ascii_case("bearer")
        && !token.starts_with("sk-")
        && !token.starts_with(LOCAL_PREFIX)
        && parts.len() == 3
        && parts.iter().all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
}

fn target(base: Base, path_and_query: String) -> Target {
    Target { base, path_and_query, needs_model: false, chosen_by_client: false, region: None }
}

/// The call would come back to us.
fn looped(base: &Base) -> Refusal {
    Refusal {
        status: StatusCode::LOOP_DETECTED,
        kind: "loop_detected",
        message: format!("{} is LLMFlow itself: the call would go in circles.", base.authority),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::provider::Providers;
    use crate::route::{Route, route};
    use crate::upstream::Choices;

    const TOKEN: &str = "Bearer eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl";

    fn choices() -> Choices {
        Choices {
            allowed: vec![
                "gateway.example".into(),
                "*.openai.azure.com".into(),
                "localhost:1234".into(),
                "plain.example:443".into(),
            ],
            own_ports: vec![8080, 3000],
            ..Choices::default()
        }
    }

    fn aim(choices: Choices, path: &str, headers: &[(&'static str, &str)]) -> Result<String, Refusal> {
        let upstreams = Upstreams::new(choices).unwrap();
        let Route::Upstream(to) = route(&Providers::built_in(), "POST", path, None) else { panic!("{path}") };
        let pairs = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap())
        });
        let target = upstreams.aim(&to, &pairs.collect())?;
        let uri = target.base.uri(&target.path_and_query).unwrap().to_string();
        let mark = if target.needs_model { " needs model" } else { "" };
        Ok(format!("{uri}{mark}{}", if target.chosen_by_client { " chosen" } else { "" }))
    }

    #[test]
    fn a_host_is_its_providers_or_allowed() {
        for (path, uri) in [
            ("/anthropic/api.anthropic.com/v1/messages", "https://api.anthropic.com/v1/messages"),
            ("/groq/API.groq.com/v1/models?a", "https://api.groq.com/openai/v1/models?a"),
            ("/openai/gateway.example/x/v1/y", "https://gateway.example/x/v1/y chosen"),
            (
                "/openai/r.openai.azure.com/openai/v1/responses",
                "https://r.openai.azure.com/openai/v1/responses chosen",
            ),
            ("/openai/localhost:1234/v1/models", "http://localhost:1234/v1/models chosen"),
            ("/openai/Gateway.example.:443/v1/y", "https://gateway.example/v1/y chosen"),
            ("/anthropic/api.anthropic.com.:443/v1/messages", "https://api.anthropic.com/v1/messages"),
            ("/openai/plain.example/v1/y", "https://plain.example/v1/y chosen"),
            ("/groq/gateway.example/v1/y", "https://gateway.example/v1/y chosen"),
            ("/vllm/openapi.json", "http://localhost:8000/openapi.json"),
            ("/gemini/openapi.json?a", "https://generativelanguage.googleapis.com/openapi.json?a"),
            ("/groq/evil.example/x", "https://api.groq.com/openai/evil.example/x"),
        ] {
            assert_eq!(aim(choices(), path, &[]).unwrap(), uri, "{path}");
        }
        for (host, status, word) in [
            ("evil.example", 403, "allowed_upstreams"),
            ("api.openai.com:444", 403, "allowed_upstreams"),
            ("gateway.example:8443", 403, "allowed_upstreams"),
            ("localhost.evil.example", 403, "allowed_upstreams"),
            ("localhost", 403, "allowed_upstreams"),
            ("127.0.0.1:9999", 403, "allowed_upstreams"),
            ("2130706433.:8080", 403, "allowed_upstreams"),
            ("localhost:8080", 508, "circles"),
            ("LOCALHOST:3000", 508, "circles"),
            ("127.0.0.2:8080", 508, "circles"),
            ("0.0.0.0:3000", 508, "circles"),
            ("[::1]:8080", 508, "circles"),
            ("[::ffff:127.0.0.1]:3000", 508, "circles"),
            ("169.254.169.254", 403, "never"),
            ("[fd00:ec2::254]", 403, "never"),
            ("metadata.google.internal", 403, "never"),
            ("100.100.100.200:80", 403, "never"),
            ("a@b.example", 400, "no host"),
        ] {
            let refusal = aim(choices(), &format!("/openai/{host}/v1/x"), &[]).unwrap_err();
            assert_eq!(refusal.status.as_u16(), status, "{host}: {}", refusal.message);
            assert!(refusal.message.contains(word), "{host}: {}", refusal.message);
        }
    }

    #[test]
    fn chatgpt_tokens_go_to_chatgpt() {
        let uri = |path, token| aim(choices(), path, &[("authorization", token)]).unwrap();
        for path in [
            "/v1/responses",
            "/responses",
            "/openai/v1/responses",
            "/openai/api.openai.com/responses",
            "/backend-api/codex/responses",
        ] {
            assert_eq!(uri(path, TOKEN), "https://chatgpt.com/backend-api/codex/responses", "{path}");
        }
        assert_eq!(
            uri("/v1/models?client_version=1", TOKEN),
            "https://chatgpt.com/backend-api/codex/models?client_version=1"
        );
        for other in [
            "Bearer sk-a.b.c",
            "Bearer a.b",
            "Bearer a..c",
            "Bearer a.b.c.d",
            "Bearer lf-a.b.c",
            "Basic a.b.c",
            "a.b.c",
        ] {
            assert_eq!(uri("/v1/responses", other), "https://api.openai.com/v1/responses", "{other}");
        }
        assert_eq!(uri("/anthropic/v1/messages", TOKEN), "https://api.anthropic.com/v1/messages");
        let base_urls = BTreeMap::from([("openai".to_owned(), "https://gateway.example".to_owned())]);
        let behind = Choices { base_urls, ..choices() };
        assert_eq!(
            aim(behind, "/v1/responses", &[("authorization", TOKEN)]).unwrap(),
            "https://gateway.example/v1/responses"
        );
    }

    #[test]
    fn azure_is_asked_at_its_resource() {
        let ours =
            || Choices { azure: Azure { resource: Some("ours".into()), ..Azure::default() }, ..choices() };
        let path = "/azure/v1/chat/completions";
        assert_eq!(
            aim(ours(), path, &[]).unwrap(),
            "https://ours.openai.azure.com/chat/completions needs model"
        );
        assert_eq!(
            aim(ours(), "/azure/openai/v1/responses", &[("x-azure-resource", "theirs")]).unwrap(),
            "https://theirs.openai.azure.com/openai/v1/responses chosen"
        );
        assert!(aim(choices(), path, &[]).unwrap_err().message.contains("AZURE_OPENAI_RESOURCE"));
    }
}
