//! Which tool a program is, by the name it gives itself as a service: the words the proxy uses for the same tools.
//! Leaves out user agents (`identity`).

/// How services begin that are tools we know, and the tool.
const TOOLS: [(&str, &str); 22] = [
    ("claude-code", "claude-code"),
    ("codex", "codex"),
    ("gemini-cli", "gemini-cli"),
    ("qwen-code", "qwen-code"),
    ("opencode", "opencode"),
    ("github-copilot", "github-copilot"),
    ("copilot-chat", "github-copilot"),
    ("copilot-cli", "github-copilot"),
    ("continue-cli", "continue"),
    ("continue", "continue"),
    ("cline", "cline"),
    ("roo-code", "roo-code"),
    ("roo-cline", "roo-code"),
    ("goose", "goose"),
    ("aider", "aider"),
    ("crush", "crush"),
    ("cursor", "cursor"),
    ("zed", "zed"),
    ("litellm", "litellm"),
    ("langgraph", "langgraph"),
    ("langchain", "langchain"),
    ("pydantic-ai", "pydantic-ai"),
];

/// The tool that calls itself `service`.
pub(super) fn tool(service: &str) -> Option<&'static str> {
    let begins = |name: &str| {
        let head = service.get(..name.len()).filter(|head| head.eq_ignore_ascii_case(name));
        // `codex_cli_rs` is Codex, `clinear` is not Cline.
        head.is_some() && !service.as_bytes().get(name.len()).is_some_and(u8::is_ascii_alphanumeric)
    };
    TOOLS.iter().find(|(name, _)| begins(name)).map(|(_, tool)| *tool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_known_by_their_service() {
        for (service, expected) in [
            ("claude-code", Some("claude-code")),
            ("codex_cli_rs", Some("codex")),
            ("codex-tui", Some("codex")),
            ("codex_exec", Some("codex")),
            ("Codex", Some("codex")),
            ("continue-cli", Some("continue")),
            ("copilot-chat", Some("github-copilot")),
            ("clinear", None),
            ("checkout-service", None),
            ("", None),
        ] {
            assert_eq!(tool(service), expected, "{service}");
        }
    }
}
