//! Names of providers as dialects write them, in ours. Leaves out what a provider is (`proxy`).

/// Other people's names and ours.
const NAMES: [(&str, &str); 56] = [
    ("azure.ai.openai", "azure"),
    ("az.ai.openai", "azure"),
    ("azure.ai.inference", "azure"),
    ("az.ai.inference", "azure"),
    ("azure_openai", "azure"),
    ("azure-openai", "azure"),
    ("azureopenai", "azure"),
    ("azure_ai", "azure"),
    ("aws.bedrock", "bedrock"),
    ("aws_bedrock", "bedrock"),
    ("amazon-bedrock", "bedrock"),
    ("amazon_bedrock", "bedrock"),
    ("bedrock_converse", "bedrock"),
    ("bedrock-runtime", "bedrock"),
    ("aws", "bedrock"),
    ("mantle", "bedrock"),
    ("gcp.gemini", "gemini"),
    ("gcp.gen_ai", "gemini"),
    ("google", "gemini"),
    ("google_genai", "gemini"),
    ("google-genai", "gemini"),
    ("google-gla", "gemini"),
    ("google_gla", "gemini"),
    ("google.generative-ai", "gemini"),
    ("google_generative_ai", "gemini"),
    ("google-generative-ai", "gemini"),
    ("google_ai_studio", "gemini"),
    ("googleai", "gemini"),
    ("gcp.vertex_ai", "vertex"),
    ("vertex_ai", "vertex"),
    ("vertexai", "vertex"),
    ("vertex-ai", "vertex"),
    ("google-vertex", "vertex"),
    ("google.vertex", "vertex"),
    ("google_vertexai", "vertex"),
    ("google_anthropic_vertex", "vertex"),
    ("x_ai", "xai"),
    ("x-ai", "xai"),
    ("mistral_ai", "mistral"),
    ("mistralai", "mistral"),
    ("moonshot_ai", "moonshot"),
    ("moonshotai", "moonshot"),
    ("ibm.watsonx.ai", "watsonx"),
    ("together_ai", "together"),
    ("togetherai", "together"),
    ("together.ai", "together"),
    ("fireworks_ai", "fireworks"),
    ("fireworks-ai", "fireworks"),
    ("lm_studio", "lmstudio"),
    ("lm-studio", "lmstudio"),
    ("perplexity_ai", "perplexity"),
    ("cohere_chat", "cohere"),
    ("ollama_chat", "ollama"),
    ("openai_compatible", "openai"),
    ("text-completion-openai", "openai"),
    ("claude", "anthropic"),
];

/// What Vercel's AI SDK puts behind a provider's name (`openai.chat`).
const KINDS: [&str; 12] = [
    "chat",
    "responses",
    "completion",
    "completions",
    "messages",
    "embedding",
    "embeddings",
    "image",
    "speech",
    "transcription",
    "text-embedding",
    "rerank",
];

/// Parts of a server's address and whose it is.
const SERVERS: [(&str, &str); 18] = [
    (".openai.azure.com", "azure"),
    ("api.openai.com", "openai"),
    ("chatgpt.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("generativelanguage.googleapis.com", "gemini"),
    ("cloudcode-pa.googleapis.com", "gemini"),
    ("aiplatform.googleapis.com", "vertex"),
    ("bedrock-runtime", "bedrock"),
    ("api.mistral.ai", "mistral"),
    ("api.cohere.", "cohere"),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "xai"),
    ("openrouter.ai", "openrouter"),
    ("api.together.", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.perplexity.ai", "perplexity"),
    ("api.cerebras.ai", "cerebras"),
];

/// A provider's name in our words, else as it was sent, in small letters.
pub(super) fn ours(sent: &str) -> String {
    let name = sent.trim().to_ascii_lowercase();
    let known =
        |name: &str| NAMES.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| (*ours).to_owned());
    if let Some(ours) = known(&name) {
        return ours;
    }
    match name.rsplit_once('.') {
        Some((vendor, kind)) if KINDS.contains(&kind) => known(vendor).unwrap_or_else(|| vendor.to_owned()),
        _ => name,
    }
}

/// Whose server has this address.
pub(super) fn of_server(address: &str) -> Option<String> {
    SERVERS.iter().find(|(part, _)| address.contains(part)).map(|(_, ours)| (*ours).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_one_provider() {
        for (sent, expected) in [
            ("openai", "openai"),
            ("OpenAI", "openai"),
            ("openai.chat", "openai"),
            ("openai.responses", "openai"),
            ("anthropic.messages", "anthropic"),
            ("google.generative-ai", "gemini"),
            ("google.vertex.chat", "vertex"),
            ("gcp.gemini", "gemini"),
            ("aws.bedrock", "bedrock"),
            ("az.ai.openai", "azure"),
            ("x_ai", "xai"),
            ("mistral_ai", "mistral"),
            ("mock.chat", "mock"),
            ("my.own", "my.own"),
        ] {
            assert_eq!(ours(sent), expected, "{sent}");
        }
        assert_eq!(of_server("https://api.openai.com/v1").as_deref(), Some("openai"));
        assert_eq!(of_server("127.0.0.1"), None);
    }
}
