//! The tool or SDK behind a user agent. Owns the list of known ones. Leaves out everything but names.

/// Product tokens and the names they stand for; the first that matches wins, so tools stand before the SDKs they use.
const KNOWN: &[(&str, &str)] = &[
    ("claude-cli", "claude-code"),
    ("claude-code", "claude-code"),
    ("codex", "codex"),
    ("geminicli", "gemini-cli"),
    ("gemini-cli", "gemini-cli"),
    ("qwencode", "qwen-code"),
    ("qwen-code", "qwen-code"),
    ("opencode", "opencode"),
    ("aider", "aider"),
    ("cline", "cline"),
    ("roo-code", "roo-code"),
    ("roocode", "roo-code"),
    ("continue", "continue"),
    ("githubcopilot", "github-copilot"),
    ("cursor", "cursor"),
    ("zed", "zed"),
    ("goose", "goose"),
    ("crush", "crush"),
    ("litellm", "litellm"),
    ("langchain", "langchain"),
    ("langgraph", "langgraph"),
    ("llama-index", "llama-index"),
    ("pydantic-ai", "pydantic-ai"),
    ("openai/python", "openai-python"),
    ("asyncopenai/python", "openai-python"),
    ("asyncazureopenai/python", "openai-python"),
    ("azureopenai/python", "openai-python"),
    ("openai/js", "openai-js"),
    ("azureopenai/js", "openai-js"),
    ("anthropic/python", "anthropic-python"),
    ("asyncanthropic/python", "anthropic-python"),
    ("anthropic/js", "anthropic-js"),
    ("openai-python", "openai-python"),
    ("ai-sdk", "vercel-ai-sdk"),
    ("ollama-python", "ollama-python"),
    ("ollama-js", "ollama-js"),
    ("python-requests", "python-requests"),
    ("python-httpx", "python-httpx"),
    ("aiohttp", "aiohttp"),
    ("curl", "curl"),
    ("node", "node"),
    ("undici", "node"),
];

/// The tool or SDK that made a call, from its user agent and, where that says little, from the headers that SDKs
/// add; `None` without a user agent.
pub fn client(user_agent: Option<&str>, header: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let agent = user_agent?.trim().to_ascii_lowercase();
    let first = agent.split([' ', ';']).next().filter(|first| !first.is_empty())?;
    let known = agent.split(' ').find_map(google).or_else(|| {
        let starts = |token: &str, name: &str| {
            let rest = token.strip_prefix(name);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        };
        KNOWN.iter().find(|(token, _)| agent.split([' ', '(', ')']).any(|word| starts(word, token)))
    
        .map(|(_, name)| (*name).to_owned())
    });
    let plain = || first.split('/').next().unwrap_or(first).chars().take(64).collect();
    Some(known.filter(|name| !is_transport(name)).or_else(|| stainless(header)).unwrap_or_else(plain))
}
