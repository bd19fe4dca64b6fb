//! Whether a subscription pays for a call: then no token of it costs anything more. Leaves out what it would cost.

/// Known by what the call itself shows: ChatGPT's own address, Google's login of the Gemini CLI, and the mark that
/// Anthropic's clients put on calls with the token of a Pro or Max account. `header` gives a request header's value.
pub fn is_subscription<'a>(upstream: &str, path: &str, header: impl Fn(&str) -> Option<&'a str>) -> bool {
    let host = upstream.split(':').next().unwrap_or_default();
    let chatgpt = host == "chatgpt.com" || path.starts_with("/backend-api/");
    let code_assist = host == "cloudcode-pa.googleapis.com" || path.starts_with("/v1internal:");
    let copilot = host.ends_with(".githubcopilot.com");
    let claude = || {
        let betas = header("anthropic-beta").unwrap_or_default();
        betas.split(',').any(|beta| beta.trim().starts_with("oauth-"))
    };
    chatgpt || code_assist || copilot || claude()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_are_known_by_what_calls_show() {
        for (host, path, beta, expected) in [
            ("chatgpt.com", "/backend-api/codex/responses", None, true),
            ("127.0.0.1:9", "/backend-api/codex/responses", None, true),
            ("cloudcode-pa.googleapis.com", "/v1internal:streamGenerateContent", None, true),
            ("api.individual.githubcopilot.com", "/chat/completions", None, true),
            ("api.anthropic.com", "/v1/messages", Some("claude-code-20250219,oauth-2025-04-20"), true),
            ("api.anthropic.com", "/v1/messages", Some("claude-code-20250219"), false),
            ("api.anthropic.com", "/v1/messages", None, false),
            ("api.openai.com", "/v1/responses", None, false),
            ("generativelanguage.googleapis.com", "/v1beta/models/m:generateContent", None, false),
        ] {
            let header = |name: &str| beta.filter(|_| name == "anthropic-beta");
            assert_eq!(is_subscription(host, path, header), expected, "{host} {path} {beta:?}");
        }
    }
}
