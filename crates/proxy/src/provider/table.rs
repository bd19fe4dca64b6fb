//! The table of providers that LLMFlow knows by itself: one row each.

use super::{KeyForm, KeyRule, PathRule, Provider, target_of};

/// The provider for paths that name none.
pub(super) fn default() -> Provider {
    provider("openai", "OpenAI", "https://api.openai.com")
        .passthrough()
        .key(&["OPENAI_API_KEY"], Some("/v1/models"))
}

/// All others.
pub(super) fn others() -> Vec<Provider> {
    let own = |name, bearer_below| KeyForm::Header { name, bearer_below };
    vec![
        provider("anthropic", "Anthropic", "https://api.anthropic.com")
            .passthrough()
            .form(own("x-api-key", Some("/v1/chat/completions")))
            .key(&["ANTHROPIC_API_KEY"], Some("/v1/models?limit=1000")),
        provider("gemini", "Google Gemini", "https://generativelanguage.googleapis.com")
            .passthrough()
            .form(own("x-goog-api-key", Some("/v1beta/openai")))
            .key(&["GEMINI_API_KEY", "GOOGLE_API_KEY"], Some("/v1beta/models?pageSize=1000")),
        provider("azure", "Azure OpenAI", "https://{resource}.openai.azure.com")
            .path(PathRule::Azure)
            .form(own("api-key", None))
            .key(&["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"], Some("/openai/v1/models")),
        provider("bedrock", "Amazon Bedrock", "https://bedrock-runtime.{region}.amazonaws.com")
            .passthrough()
            .path(PathRule::Bedrock)
            .form(KeyForm::Aws)
            .key(&["AWS_BEARER_TOKEN_BEDROCK"], None),
        // The client's other credentials are for the provider behind it. It tells nobody for free whether its key is good.
        provider("helicone", "Helicone", "https://oai.helicone.ai")
            .passthrough()
            .form(KeyForm::Beside { name: "helicone-auth" })
            .key(&["HELICONE_API_KEY"], None),
        provider("cohere", "Cohere", "https://api.cohere.com")
            .key(&["COHERE_API_KEY", "CO_API_KEY"], Some("/v1/models?page_size=1000")),
        provider("groq", "Groq", "https://api.groq.com")
            .path(PathRule::Below("/openai".to_owned()))
            .key(&["GROQ_API_KEY"], Some("/openai/v1/models")),
        provider("mistral", "Mistral", "https://api.mistral.ai")
            .key(&["MISTRAL_API_KEY"], Some("/v1/models")),
        provider("deepseek", "DeepSeek", "https://api.deepseek.com")
            .key(&["DEEPSEEK_API_KEY"], Some("/models")),
        provider("xai", "xAI", "https://api.x.ai").key(&["XAI_API_KEY"], Some("/v1/models")),
        provider("together", "Together", "https://api.together.xyz")
            .key(&["TOGETHER_API_KEY"], Some("/v1/models")),
        provider("fireworks", "Fireworks", "https://api.fireworks.ai")
            .path(PathRule::Below("/inference".to_owned()))
            .key(&["FIREWORKS_API_KEY"], Some("/inference/v1/models")),
        provider("cerebras", "Cerebras", "https://api.cerebras.ai")
            .key(&["CEREBRAS_API_KEY"], Some("/v1/models")),
        // It speaks chat completions outside `/v1`, and the rest in it. It lists its models to nobody, and every other
        // call costs money.
        provider("perplexity", "Perplexity", "https://api.perplexity.ai")
            .path(PathRule::Instead {
                asked: "/v1/chat/completions".to_owned(),
                path: "/chat/completions".to_owned(),
            })
            .key(&["PERPLEXITY_API_KEY", "PPLX_API_KEY"], None),
        // Its list of models is open to everybody: only the key's own page judges the key.
        provider("openrouter", "OpenRouter", "https://openrouter.ai")
            .path(PathRule::Below("/api".to_owned()))
            .key(&["OPENROUTER_API_KEY"], Some("/api/v1/key")),
        provider("ollama", "Ollama", "http://localhost:11434").local(Some("/api/tags")),
        provider("lmstudio", "LM Studio", "http://localhost:1234").local(Some("/v1/models")),
        provider("vllm", "vLLM", "http://localhost:8000").local(Some("/v1/models")),
    ]
}

fn provider(name: &str, display_name: &str, base_url: &str) -> Provider {
    Provider {
        name: name.to_owned(),
        display_name: display_name.to_owned(),
        speaks: name.to_owned(),
        base_url: base_url.to_owned(),
        path: PathRule::Unchanged,
        translated: target_of(name),
        passthrough: false,
        local: false,
        custom: false,
        key: KeyRule { form: KeyForm::Bearer, variables: Vec::new(), check: None },
    }
}

impl Provider {
    fn path(self, path: PathRule) -> Self {
        Self { path, ..self }
    }

    fn passthrough(self) -> Self {
        Self { passthrough: true, ..self }
    }

    /// A server of the user's own: it takes no key that LLMFlow would keep.
    fn local(self, check: Option<&'static str>) -> Self {
        Self { local: true, ..self.form(KeyForm::NotNeeded).key(&[], check) }
    }

    /// Where LLMFlow finds the key, and the path that tells whether it is good.
    fn key(mut self, variables: &[&str], check: Option<&'static str>) -> Self {
        self.key.variables = variables.iter().map(|&name| name.to_owned()).collect();
        self.key.check = check;
        self
    }

    fn form(mut self, form: KeyForm) -> Self {
        self.key.form = form;
        self
    }
}
