//! From a client's path to a provider and the upstream's path. Pure.
//! Leaves out addresses (`upstream`), bodies, and translating them (`translation`).

use std::sync::Arc;

use translate::{Front, Target};

use crate::bedrock;
use crate::provider::{self, Provider, Providers};

/// Where a request goes.
#[derive(Debug, PartialEq)]
pub enum Route {
    /// To a provider.
    Upstream(Destination),
    /// `GET /health`: answered here.
    Health,
    /// `GET /health/bedrock`: answered here.
    BedrockHealth,
    /// `GET /providers`: answered here.
    Providers,
    /// Refused with this sentence: nothing is there, or not yet.
    Refused(String),
}

/// What of a provider is asked.
#[derive(Debug, PartialEq)]
pub struct Destination {
    /// The provider.
    pub provider: Arc<Provider>,
    /// The host that the client named in llm-proxy's way, with a port where it named one.
    pub host: Option<String>,
    /// The path and query if `host` is none that is known: a path's first segment may look like one.
    pub path_without_host: Option<String>,
    /// The path and query to ask for, byte for byte as the client wrote them.
    pub path_and_query: String,
    /// The client came by `/passthrough/`: nothing of its own is put elsewhere.
    pub passthrough: bool,
    /// The call has OpenAI's shape and the provider another: from the one to the other.
    pub translated: Option<(Front, Target)>,
}

/// Routes a request. `path_and_query` begins with `/`; `override_name` is the header `X-LLMFlow-Provider`.
///
/// A provider's name as the first segment selects it and is stripped; `/passthrough/{name}` likewise, and so does
/// llm-proxy's `/{provider}/{host}/…`. Everything else is OpenAI's.
pub fn route(
    providers: &Providers,
    method: &str,
    path_and_query: &str,
    override_name: Option<&str>,
) -> Route {
    let path = path_and_query.split('?').next().unwrap_or(path_and_query);
    if method == "GET" || method == "HEAD" {
        match path {
            "/health" => return Route::Health,
            "/health/bedrock" => return Route::BedrockHealth,
            "/providers" => return Route::Providers,
            _ => {}
        }
    }
    if let Some(name) = override_name.map(str::trim).filter(|name| !name.is_empty()) {
        return match providers.find(name) {
            Some(provider) => own(provider, method, path_and_query),
            None => Route::Refused(format!(
                "X-LLMFlow-Provider names {name:?}, which is not a provider here. Known: {}.",
                providers.names(|_| true)
            )),
        };
    }
    if let Some(rest) = below(path_and_query, "/passthrough") {
        return passthrough(providers, rest);
    }
    if let Some(provider) = bedrock::is_bedrock(path).then(|| providers.find("bedrock")).flatten() {
        return to(provider, path_and_query);
    }
    match split_segment(path_and_query).and_then(|(name, rest)| Some((providers.find(name)?, rest))) {
        Some((provider, rest)) => prefixed(provider, method, rest),
        None => to(providers.default_one(), path_and_query),
    }
}

fn passthrough(providers: &Providers, rest: &str) -> Route {
    let found = split_segment(rest)
        .and_then(|(name, rest)| Some((providers.find(name).filter(|provider| provider.passthrough)?, rest)));
    match found {
        Some((provider, rest)) => Route::Upstream(Destination {
            path_and_query: match provider.custom {
                // Its path is a matter of its settings, on every route.
                true => provider.upstream_path(rest),
                false => rooted(rest),
            },
            passthrough: true,
            ..destination(provider)
        }),
        None => Route::Refused(format!(
            "No such passthrough route. There are: {}.",
            providers.names(|provider| provider.passthrough)
        )),
    }
}

fn prefixed(provider: &Arc<Provider>, method: &str, rest: &str) -> Route {
    match split_segment(rest).filter(|(segment, _)| is_host(segment)) {
        Some((host, below_host)) => Route::Upstream(Destination {
            host: Some(host.to_owned()),
            // llm-proxy had the first two, and nothing of Bedrock's begins like a host; there one that is not known is a
            // mistake worth a word.
            path_without_host: (!matches!(provider.name.as_str(), "anthropic" | "openai" | "bedrock"))
                .then(|| provider.upstream_path(rest)),
            path_and_query: rooted(below_host),
            ..destination(provider)
        }),
        None => own(provider, method, rest),
    }
}

/// What a provider is asked on its own prefix: in its own dialect, or in OpenAI's, which is translated.
fn own(provider: &Arc<Provider>, method: &str, rest: &str) -> Route {
    let path = rest.split('?').next().unwrap_or(rest);
    let front = match path {
        "/v1/chat/completions" | "/chat/completions" if method == "POST" => Some(Front::Chat),
        "/v1/responses" | "/responses" if method == "POST" => Some(Front::Responses),
        _ => None,
    };
    match front.zip(provider.translated) {
        // Where it goes is known when it is translated.
        Some(translated) => Route::Upstream(Destination {
            path_and_query: rest.to_owned(),
            translated: Some(translated),
            ..destination(provider)
        }),
        None => to(provider, rest),
    }
}

fn to(provider: &Arc<Provider>, rest: &str) -> Route {
    Route::Upstream(Destination { path_and_query: provider.upstream_path(rest), ..destination(provider) })
}

fn destination(provider: &Arc<Provider>) -> Destination {
    Destination {
        provider: provider.clone(),
        host: None,
        path_without_host: None,
        path_and_query: String::new(),
        passthrough: false,
        translated: None,
    }
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

/// llm-proxy's rule: a segment with a dot or a port, or `localhost`, is a host. A version (`v1.5`, `v1:method`) is none.
fn is_host(segment: &str) -> bool {
    if segment.starts_with('[') {
        return true;
    }
    let version =
        segment.strip_prefix(['v', 'V']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let (name, port) = segment.split_once(':').map_or((segment, None), |(name, port)| (name, Some(port)));
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    !version
        && port.is_none_or(is_port)
        && (port.is_some() || name.contains('.') || name.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Custom;

    fn providers() -> Providers {
        let corp = Custom {
            name: "corp".into(),
            base_url: "https://llm.example".into(),
            path_prefix: "/openai".into(),
            ..Custom::default()
        };
        Providers::with(&[corp]).unwrap()
    }

    fn upstream(path: &str, header: Option<&str>) -> (String, Option<String>, String) {
        match route(&providers(), "POST", path, header) {
            Route::Upstream(to) => (to.provider.name.clone(), to.host, to.path_and_query),
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
            (
                "/gemini/v1beta/models/m:generateContent?key=k",
                "gemini",
                "/v1beta/models/m:generateContent?key=k",
            ),
            ("/azure/v1/chat/completions", "azure", "/v1/chat/completions"),
            ("/groq/v1/chat/completions", "groq", "/openai/v1/chat/completions"),
            ("/groq/openai/v1/chat/completions", "groq", "/openai/v1/chat/completions"),
            ("/groq/openai-models/x", "groq", "/openai/openai-models/x"),
            ("/openrouter/v1/chat/completions", "openrouter", "/api/v1/chat/completions"),
            ("/openrouter/api/v1/key", "openrouter", "/api/v1/key"),
            ("/fireworks/v1/chat/completions", "fireworks", "/inference/v1/chat/completions"),
            ("/fireworks/inference/v1/models", "fireworks", "/inference/v1/models"),
            ("/deepseek/anthropic/v1/messages", "deepseek", "/anthropic/v1/messages"),
            ("/xai/v1/responses", "xai", "/v1/responses"),
            ("/cerebras/v1/models", "cerebras", "/v1/models"),
            ("/perplexity/chat/completions", "perplexity", "/chat/completions"),
            ("/perplexity/v1/chat/completions?a", "perplexity", "/chat/completions?a"),
            ("/perplexity/v1/responses", "perplexity", "/v1/responses"),
            ("/ollama/v1/chat/completions", "ollama", "/v1/chat/completions"),
            ("/lmstudio/api/v0/models", "lmstudio", "/api/v0/models"),
            ("/vllm/v1/completions", "vllm", "/v1/completions"),
            ("/cohere/v2/chat", "cohere", "/v2/chat"),
            ("/corp/v1/models", "corp", "/openai/v1/models"),
            ("/passthrough/corp/v1/models", "corp", "/openai/v1/models"),
            ("/passthrough/anthropic/v1/messages", "anthropic", "/v1/messages"),
            ("/passthrough/anthropic", "anthropic", "/"),
            ("/passthrough/helicone/v1/chat/completions", "helicone", "/v1/chat/completions"),
            ("/passthrough/gemini/v1beta/models?pageSize=2", "gemini", "/v1beta/models?pageSize=2"),
            ("/model/us.anthropic.c-v1:0/invoke", "bedrock", "/model/us.anthropic.c-v1:0/invoke"),
            (
                "/model/us.anthropic.c-v1%3A0/converse-stream",
                "bedrock",
                "/model/us.anthropic.c-v1%3A0/converse-stream",
            ),
            ("/inference-profiles?type=SYSTEM_DEFINED", "bedrock", "/inference-profiles?type=SYSTEM_DEFINED"),
            ("/bedrock/model/m/invoke", "bedrock", "/model/m/invoke"),
            ("/passthrough/bedrock/model/m:0/converse", "bedrock", "/model/m:0/converse"),
            ("/models", "openai", "/models"),
            ("/v1/../x//y", "openai", "/v1/../x//y"),
        ] {
            assert_eq!(upstream(asked, None), (provider.to_owned(), None, path.to_owned()), "{asked}");
        }
    }

    #[test]
    fn the_header_overrides_the_path_and_leaves_it_alone() {
        for provider in providers().iter() {
            let (name, host, path) = upstream("/v1/messages", Some(&provider.name.to_uppercase()));
            assert_eq!((name, host), (provider.name.clone(), None));
            assert!(path.ends_with("/v1/messages"), "{path}");
        }
        for empty in ["", "  "] {
            assert_eq!(upstream("/groq/v1/models", Some(empty)).0, "groq");
        }
        let translated = |name| route(&providers(), "POST", "/v1/chat/completions", Some(name));
        assert!(matches!(translated("nobody"), Route::Refused(_)));
        let to = |route| match route {
            Route::Upstream(to) => to.translated.map(|(_, target)| target),
            other => panic!("{other:?}"),
        };
        assert_eq!(to(translated("anthropic")), Some(Target::Anthropic));
    }

    #[test]
    fn a_segment_that_looks_like_a_host_is_one() {
        for (asked, host, path) in [
            ("/anthropic/api.anthropic.com/v1/messages?a", "api.anthropic.com", "/v1/messages?a"),
            ("/openai/localhost:1234/v1/x", "localhost:1234", "/v1/x"),
            ("/openai/LOCALHOST", "LOCALHOST", "/"),
            ("/openai/[::1]:80/x", "[::1]:80", "/x"),
        ] {
            let (_, found, rest) = upstream(asked, None);
            assert_eq!((found.as_deref(), rest.as_str()), (Some(host), path), "{asked}");
        }
        for path in
            ["/v1internal:streamGenerateContent", "/v1.5/x", "/v1:x", "/models:list/x", "/x:", "/::1/x"]
        {
            for provider in ["openai", "gemini", "vllm"] {
                let (_, host, rest) = upstream(&format!("/{provider}{path}"), None);
                assert_eq!((host, rest.as_str()), (None, path), "{provider}");
            }
        }
        let refused = |path| matches!(route(&providers(), "POST", path, None), Route::Refused(_));
        assert!(refused("/passthrough/groq/x"));
    }

    #[test]
    fn only_openai_shaped_calls_on_a_providers_own_prefix_are_translated() {
        let translated = |method, path| match route(&providers(), method, path, None) {
            Route::Upstream(to) => to.translated,
            other => panic!("{path} went to {other:?}"),
        };
        for (path, target) in [
            ("/anthropic/v1/chat/completions", Target::Anthropic),
            ("/anthropic/chat/completions?a=b", Target::Anthropic),
            ("/gemini/v1/chat/completions", Target::Gemini),
            ("/cohere/v1/chat/completions", Target::Cohere),
        ] {
            assert_eq!(translated("POST", path), Some((Front::Chat, target)), "{path}");
        }
        let responses = translated("POST", "/cohere/v1/responses");
        assert_eq!(responses, Some((Front::Responses, Target::Cohere)));
        assert_eq!(translated("GET", "/gemini/v1/responses/resp_1"), None);
        assert_eq!(translated("GET", "/anthropic/v1/chat/completions"), None);
        for path in [
            "/anthropic/v1/messages",
            "/anthropic/v1/chat/completions/x",
            "/anthropic/api.anthropic.com/v1/chat/completions",
            "/passthrough/anthropic/v1/chat/completions",
            "/groq/v1/chat/completions",
            "/v1/chat/completions",
        ] {
            assert_eq!(translated("POST", path), None, "{path}");
        }
    }
}
