//! The providers: their names, their addresses, and how a client's path becomes the upstream's.
//! Leaves out matching a request to one of them (`route`).

/// How the path after a provider's prefix becomes the upstream's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathRule {
    /// As it is.
    Unchanged,
    /// Behind this prefix, unless the client wrote it already.
    Below(&'static str),
}

/// One provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name: the first segment of its route, the stem of its settings, the word recorded.
    pub name: &'static str,
    /// Its name for people.
    pub display_name: &'static str,
    /// Where it answers unless settings say otherwise: scheme and host, no path.
    pub base_url: &'static str,
    /// How paths map.
    pub path: PathRule,
    /// `/passthrough/{name}/*` exists too.
    pub passthrough: bool,
}

const fn provider(
    name: &'static str,
    display_name: &'static str,
    base_url: &'static str,
    path: PathRule,
    passthrough: bool,
) -> Provider {
    Provider { name, display_name, base_url, path, passthrough }
}

/// Every provider that needs no translation of bodies. The first one is the default.
pub static PROVIDERS: &[Provider] = &[
    provider("openai", "OpenAI", "https://api.openai.com", PathRule::Unchanged, true),
    provider("anthropic", "Anthropic", "https://api.anthropic.com", PathRule::Unchanged, true),
    provider(
        "gemini",
        "Google Gemini",
        "https://generativelanguage.googleapis.com",
        PathRule::Unchanged,
        true,
    ),
    provider("helicone", "Helicone", "https://oai.helicone.ai", PathRule::Unchanged, true),
    provider("cohere", "Cohere", "https://api.cohere.com", PathRule::Unchanged, false),
    provider("groq", "Groq", "https://api.groq.com", PathRule::Below("/openai"), false),
    provider("mistral", "Mistral", "https://api.mistral.ai", PathRule::Unchanged, false),
    provider("together", "Together", "https://api.together.xyz", PathRule::Unchanged, false),
    provider("perplexity", "Perplexity", "https://api.perplexity.ai", PathRule::Unchanged, false),
    provider("openrouter", "OpenRouter", "https://openrouter.ai", PathRule::Below("/api"), false),
    provider("ollama", "Ollama", "http://localhost:11434", PathRule::Unchanged, false),
];

/// The provider for paths that name none.
pub fn default() -> &'static Provider {
    &PROVIDERS[0]
}

/// The provider called `name`, in any case.
pub fn find(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name.eq_ignore_ascii_case(name))
}

impl Provider {
    /// The upstream's path and query for what follows this provider's prefix; always begins with `/`.
    pub(crate) fn upstream_path(&self, rest: &str) -> String {
        let slash = if rest.starts_with('/') { "" } else { "/" };
        match self.path {
            PathRule::Below(prefix) if !is_below(rest, prefix) => format!("{prefix}{slash}{rest}"),
            PathRule::Below(_) | PathRule::Unchanged => format!("{slash}{rest}"),
        }
    }
}

/// Whether `path` is `prefix` itself or lies below it.
pub(crate) fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}
