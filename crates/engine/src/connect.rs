//! How AI tools are pointed at the proxy. Pure.

/// The variables that tools and SDKs read, with the addresses of the proxy on `port`.
pub fn variables(port: u16) -> Vec<(&'static str, String)> {
    let at = |path: &str| format!("http://localhost:{port}{path}");
    vec![
        // Claude Code and the Anthropic SDKs.
        ("ANTHROPIC_BASE_URL", at("/passthrough/anthropic")),
        // The OpenAI SDKs, Codex, opencode and most others.
        ("OPENAI_BASE_URL", at("/v1")),
        // Aider.
        ("OPENAI_API_BASE", at("/v1")),
        // Gemini CLI and the Google SDKs.
        ("GOOGLE_GEMINI_BASE_URL", at("/passthrough/gemini")),
    ]
}
