//! From a client's path to a provider and the upstream's path. Pure.
//! Leaves out addresses (`upstream`), bodies, and routes that need translation.

use crate::provider::{self, PROVIDERS, Provider};

/// Where a request goes.
#[derive(Debug, PartialEq)]
pub enum Route {
    /// To a provider, at this path and query.
    Upstream {
        /// The provider.
        provider: &'static Provider,
        /// The path and query to ask it for, byte for byte as the client wrote them.
        path_and_query: String,
    },
    /// `GET /health`: answered here.
    Health,
    /// `GET /providers`: answered here.
    Providers,
    /// Refused with this sentence: nothing is there, or not yet.
    Refused(String),
}

/// Routes a request. `path_and_query` begins with `/`; `override_name` is the header `X-LLMFlow-Provider`.
///
/// A provider's name as the first segment selects it and is stripped; `/passthrough/{name}` likewise; llm-proxy's
/// `/{provider}/{host}/…` is understood for the provider's own host. Everything else is OpenAI's.
pub fn route(method: &str, path_and_query: &str, override_name: Option<&str>) -> Route {
    let path = path_and_query.split('?').next().unwrap_or(path_and_query);
    if method == "GET" || method == "HEAD" {
        match path {
            "/health" => return Route::Health,
            "/providers" => return Route::Providers,
            _ => {}
        }
    }
    if let Some(name) = override_name {
        return match provider::find(name.trim()) {
            Some(provider) => to(provider, path_and_query),
            None => Route::Refused(format!(
                "X-LLMFlow-Provider names {name:?}, which is not a provider here. Known: {}.",
                names(|_| true)
            )),
        };
    }
    if let Some(rest) = below(path_and_query, "/passthrough") {
        return passthrough(rest);
    }
    match split_segment(path_and_query).and_then(|(name, rest)| Some((provider::find(name)?, rest))) {
        Some((provider, rest)) => prefixed(provider, rest),
        None => to(provider::default(), path_and_query),
    }
}

fn passthrough(rest: &str) -> Route {
    let found = split_segment(rest)
        .and_then(|(name, rest)| Some((provider::find(name).filter(|provider| provider.passthrough)?, rest)));
    match found {
        Some((provider, rest)) => Route::Upstream { provider, path_and_query: rooted(rest) },
        None => Route::Refused(format!(
            "No such passthrough route. There are: {}.",
            names(|provider| provider.passthrough)
        )),
    }
}

fn prefixed(provider: &'static Provider, rest: &str) -> Route {
    if let Some((host, below_host)) = split_segment(rest)
        && is_host(host)
    {
        let own = provider.base_url.split("://").nth(1).unwrap_or_default();
        return if host.eq_ignore_ascii_case(own) {
            to(provider, below_host)
        } else {
            Route::Refused(format!(
                "The host {host} is not {}'s. A client cannot choose a host; set providers.{}.base_url instead.",
                provider.display_name, provider.name
            ))
        };
    }
    if needs_translation(provider, rest) {
        return Route::Refused(format!(
            "OpenAI-shaped calls to {} are not translated yet. Use its native API on this prefix{}.",
            provider.display_name,
            if provider.name == "gemini" { ", or /gemini/v1beta/openai/chat/completions" } else { "" }
        ));
    }
    to(provider, rest)
}

/// Gemini and Cohere have nothing at `/v1/chat/completions`; Anthropic itself answers there.
fn needs_translation(provider: &Provider, rest: &str) -> bool {
    let path = rest.split('?').next().unwrap_or(rest);
    matches!(provider.name, "gemini" | "cohere")
        && matches!(path, "/v1/chat/completions" | "/chat/completions")
}

fn to(provider: &'static Provider, rest: &str) -> Route {
    Route::Upstream { provider, path_and_query: provider.upstream_path(rest) }
}

fn rooted(rest: &str) -> String {
    if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
}

/// What follows `prefix` when the path lies below it.
fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    provider::is_below(path, prefix).then(|| path.get(prefix.len()..)).flatten()
}

/// The first segment and what follows it, query included: `/a/b?c` is `a` and `/b?c`.
fn split_segment(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix('/')?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    Some(rest.split_at(end)).filter(|(segment, _)| !segment.is_empty())
}

/// llm-proxy's rule: a segment with a dot or a colon, or `localhost`, is a host.
fn is_host(segment: &str) -> bool {
    segment.contains(['.', ':']) || segment == "localhost"
}

fn names(keep: impl Fn(&Provider) -> bool) -> String {
    let names: Vec<_> =
        PROVIDERS.iter().filter(|provider| keep(provider)).map(|provider| provider.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(path: &str) -> (String, String) {
        match route("POST", path, None) {
            Route::Upstream { provider, path_and_query } => (provider.name.to_owned(), path_and_query),
            other => panic!("{path} went to {other:?}"),
        }
    }

    #[test]
    fn paths_reach_the_right_provider_unchanged() {
        for (asked, provider, path) in [
            ("/v1/chat/completions", "openai", "/v1/chat/completions"),
            ("/v1/responses?a=b%2Fc&d", "openai", "/v1/responses?a=b%2Fc&d"),
            ("/responses", "openai", "/responses"),
            ("/", "openai", "/"),
            ("/openai/v1/models", "openai", "/v1/models"),
            ("/anthropic/v1/messages?beta=true", "anthropic", "/v1/messages?beta=true"),
            ("/anthropic", "anthropic", "/"),
            ("/anthropic/api.anthropic.com/v1/messages", "anthropic", "/v1/messages"),
            (
                "/gemini/v1beta/models/m:generateContent?key=k",
                "gemini",
                "/v1beta/models/m:generateContent?key=k",
            ),
            ("/groq/v1/chat/completions", "groq", "/openai/v1/chat/completions"),
            ("/groq/openai/v1/chat/completions", "groq", "/openai/v1/chat/completions"),
            ("/groq/openai-models/x", "groq", "/openai/openai-models/x"),
            ("/openrouter/v1/chat/completions", "openrouter", "/api/v1/chat/completions"),
            ("/ollama/v1/chat/completions", "ollama", "/v1/chat/completions"),
            ("/cohere/v2/chat", "cohere", "/v2/chat"),
            ("/passthrough/anthropic/v1/messages", "anthropic", "/v1/messages"),
            ("/passthrough/anthropic", "anthropic", "/"),
            ("/passthrough/helicone/v1/chat/completions", "helicone", "/v1/chat/completions"),
            ("/passthrough/gemini/v1beta/models?pageSize=2", "gemini", "/v1beta/models?pageSize=2"),
            ("/v1/../x//y", "openai", "/v1/../x//y"),
        ] {
            assert_eq!(upstream(asked), (provider.to_owned(), path.to_owned()), "{asked}");
        }
    }

    #[test]
    fn the_header_overrides_the_path_and_leaves_it_alone() {
        let Route::Upstream { provider, path_and_query } = route("POST", "/v1/messages", Some("Anthropic"))
        else {
            panic!("not routed");
        };
        assert_eq!((provider.name, path_and_query.as_str()), ("anthropic", "/v1/messages"));
        assert!(matches!(route("POST", "/v1/messages", Some("nobody")), Route::Refused(_)));
    }

    #[test]
    fn a_client_cannot_choose_a_host() {
        for path in
            ["/openai/evil.example/v1/x", "/anthropic/127.0.0.1:3000/api/traces", "/openai/localhost/x"]
        {
            assert!(matches!(route("GET", path, None), Route::Refused(_)), "{path}");
        }
        assert!(matches!(route("GET", "/passthrough/groq/x", None), Route::Refused(_)));
        assert!(matches!(route("POST", "/gemini/v1/chat/completions", None), Route::Refused(_)));
    }
}
