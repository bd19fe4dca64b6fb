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

/// How a provider takes its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// `Authorization: Bearer …`.
    Bearer,
    /// In a header of its own.
    Header {
        /// The header.
        name: &'static str,
        /// Below this path it speaks OpenAI's dialect and takes `Authorization: Bearer …`.
        bearer_below: &'static str,
    },
    /// It takes none.
    NotNeeded,
}

/// A provider's key: its form, where one may be found, how one is tested.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyRule {
    /// How it is sent.
    pub form: KeyForm,
    /// The environment variables that may hold it; the first that does wins.
    pub variables: &'static [&'static str],
    /// The upstream's path that answers only a good key and costs nothing.
    pub check: Option<&'static str>,
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
    /// Its key.
    pub key: KeyRule,
}

const fn provider(name: &'static str, display_name: &'static str, base_url: &'static str) -> Provider {
    let key = KeyRule { form: KeyForm::Bearer, variables: &[], check: None };
    Provider { name, display_name, base_url, path: PathRule::Unchanged, passthrough: false, key }
}

impl Provider {
    const fn below(mut self, prefix: &'static str) -> Self {
        self.path = PathRule::Below(prefix);
        self
    }

    const fn passthrough(mut self) -> Self {
        self.passthrough = true;
        self
    }

    /// Where LLMFlow finds the key, and the path that tells whether it is good.
    const fn key(mut self, variables: &'static [&'static str], check: Option<&'static str>) -> Self {
        self.key.variables = variables;
        self.key.check = check;
        self
    }

    const fn form(mut self, form: KeyForm) -> Self {
        self.key.form = form;
        self
    }
}

/// Every provider that needs no translation of bodies. The first one is the default.
pub static PROVIDERS: &[Provider] = &[
    provider("openai", "OpenAI", "https://api.openai.com")
        .passthrough()
        .key(&["OPENAI_API_KEY"], Some("/v1/models")),
    provider("anthropic", "Anthropic", "https://api.anthropic.com")
        .passthrough()
        .form(KeyForm::Header { name: "x-api-key", bearer_below: "/v1/chat/completions" })
        .key(&["ANTHROPIC_API_KEY"], Some("/v1/models?limit=1000")),
    provider("gemini", "Google Gemini", "https://generativelanguage.googleapis.com")
        .passthrough()
        .form(KeyForm::Header { name: "x-goog-api-key", bearer_below: "/v1beta/openai" })
        .key(&["GEMINI_API_KEY", "GOOGLE_API_KEY"], Some("/v1beta/models?pageSize=1000")),
    // The key is that of the provider behind it; Helicone's own travels in a header of its own, from the client.
    provider("helicone", "Helicone", "https://oai.helicone.ai").passthrough(),
    provider("cohere", "Cohere", "https://api.cohere.com")
        .key(&["COHERE_API_KEY", "CO_API_KEY"], Some("/v1/models?page_size=1000")),
    provider("groq", "Groq", "https://api.groq.com")
        .below("/openai")
        .key(&["GROQ_API_KEY"], Some("/openai/v1/models")),
    provider("mistral", "Mistral", "https://api.mistral.ai").key(&["MISTRAL_API_KEY"], Some("/v1/models")),
    provider("together", "Together", "https://api.together.xyz")
        .key(&["TOGETHER_API_KEY"], Some("/v1/models")),
    // It lists its models to nobody, and every other call costs money.
    provider("perplexity", "Perplexity", "https://api.perplexity.ai")
        .key(&["PERPLEXITY_API_KEY", "PPLX_API_KEY"], None),
    // Its list of models is open to everybody: only the key's own page judges the key.
    provider("openrouter", "OpenRouter", "https://openrouter.ai")
        .below("/api")
        .key(&["OPENROUTER_API_KEY"], Some("/api/v1/key")),
    provider("ollama", "Ollama", "http://localhost:11434")
        .form(KeyForm::NotNeeded)
        .key(&[], Some("/api/tags")),
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
