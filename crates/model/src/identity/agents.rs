//! The tool or SDK behind a call: from its user agent, else from how its system prompt begins. Owns the lists of known
//! ones. Leaves out everything but names.

use memchr::memmem;

use crate::scanner::members;

/// The first of the SDKs and HTTP libraries: what stands before it in `KNOWN` is a tool.
const FIRST_SDK: &str = "litellm";

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
    ("langchainjs", "langchain"),
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
    ("ai-sdk", "vercel-ai-sdk"),
    ("groq/python", "groq-python"),
    ("asyncgroq/python", "groq-python"),
    ("groq/js", "groq-js"),
    ("mistral-client-python", "mistral-python"),
    ("mistral-client-typescript", "mistral-js"),
    ("ollama-python", "ollama-python"),
    ("ollama-js", "ollama-js"),
    ("python-requests", "python-requests"),
    ("python-httpx", "python-httpx"),
    ("aiohttp", "aiohttp"),
    ("curl", "curl"),
    ("node", "node"),
    ("undici", "node"),
];

/// Headers in which tools name themselves when an SDK writes their user agent.
const SELF_NAMING: [&str; 2] = ["originator", "x-title"];

/// How the system prompts of tools begin whose user agent is that of an SDK (or, minified, of nobody: Continue's is
/// `ls/JS`).
const OPENINGS: &[(&str, &str)] = &[
    ("You are Cline,", "cline"),
    ("You are an agent in the Continue CLI", "continue"),
    ("Act as an expert software developer", "aider"),
    ("Act as an expert code analyst.", "aider"),
    ("Act as an expert architect engineer", "aider"),
    ("You are an expert on the AI coding tool called Aider", "aider"),
];

/// Where a system prompt stands, by dialect; in the first place when it is among the messages.
const PROMPTS: [&str; 5] = ["messages", "input", "system", "instructions", "systemInstruction"];

/// A system prompt begins within so many bytes of its member.
const OPENING_WITHIN: usize = 256;

/// The tool that the system prompt in `request` is of, for calls whose headers do not tell.
pub fn tool_in_prompt(request: &[u8]) -> Option<&'static str> {
    let prompts = members(request)
        .filter(|member| PROMPTS.iter().any(|name| member.key == name.as_bytes()))
        .map(|member| member.onwards.get(..OPENING_WITHIN).unwrap_or(member.onwards));
    prompts.into_iter().find_map(|prompt| {
        OPENINGS.iter().find(|(opening, _)| begins_a_text(prompt, opening)).map(|(_, name)| *name)
    })
}

/// Whether `opening` stands at the beginning of a string, and not behind a quotation mark in one.
fn begins_a_text(json: &[u8], opening: &str) -> bool {
    memmem::find_iter(json, opening).any(|at| {
        let before = json.get(..at).unwrap_or_default();
        before.ends_with(b"\"") && !before.ends_with(b"\\\"")
    })
}

/// The tool or SDK that made a call; the user agent's first product when it is none of the known. `None` without a
/// user agent.
pub fn client(user_agent: Option<&str>, header: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let agent = user_agent?.trim().to_ascii_lowercase();
    let first = agent.split([' ', '/', ';']).next().filter(|first| !first.is_empty())?;
    let named = SELF_NAMING.iter().filter_map(|name| header(name)).map(|value| value.to_ascii_lowercase());
    let mut words: Vec<String> = agent.split([' ', '(', ')', ';', ',']).map(str::to_owned).collect();
    words.extend(named);
    let known = KNOWN.iter().find(|(token, _)| words.iter().any(|word| begins_with(word, token)));
    if let Some(sdk) = google_sdk(&agent).filter(|_| known.is_none()) {
        return Some(sdk.to_owned());
    }
    Some(known.map_or_else(|| first.chars().take(64).collect(), |(_, name)| (*name).to_owned()))
}

/// Whether `client` is a tool, and not merely what some tool is made with.
pub fn is_tool(client: &str) -> bool {
    KNOWN.iter().take_while(|(_, name)| *name != FIRST_SDK).any(|(_, name)| *name == client)
}

/// `word` is the product `token`, whatever version or variant follows.
fn begins_with(word: &str, token: &str) -> bool {
    word.strip_prefix(token).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Google's SDK says its language in a second product.
fn google_sdk(agent: &str) -> Option<&'static str> {
    if !agent.starts_with("google-genai-sdk") {
        return None;
    }
    let python = agent.contains("gl-python");
    Some(if python { "google-genai-python" } else { "google-genai-js" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(agent: &str) -> Option<String> {
        client(Some(agent), &|_| None)
    }

    #[test]
    fn known_agents_have_one_name_each() {
        for (agent, name) in [
            ("claude-cli/2.0.1 (external, cli)", "claude-code"),
            ("codex_cli_rs/0.46.0 (Linux 6.1; x86_64) xterm", "codex"),
            ("GeminiCLI/0.9.0/gemini-2.5-pro (linux; x64) google-api-nodejs-client/9.15.1", "gemini-cli"),
            ("opencode/1.0 ai-sdk/provider-utils/3.0 runtime/bun/1.3", "opencode"),
            ("QwenCode/0.1 (linux; x64)", "qwen-code"),
            ("OpenAI/Python 2.3.0", "openai-python"),
            ("AsyncOpenAI/Python 2.3.0", "openai-python"),
            ("OpenAI/JS 6.1.0", "openai-js"),
            ("Anthropic/Python 0.70", "anthropic-python"),
            ("Anthropic/JS 0.60", "anthropic-js"),
            ("google-genai-sdk/1.40.0 gl-python/3.12.1", "google-genai-python"),
            ("google-genai-sdk/1.20.0 gl-node/v22", "google-genai-js"),
            (
                "google-genai-sdk/2.34.0 gl-python/3.11.7 langchain-google-genai/4.4.2-ChatGoogleGenerativeAI",
                "langchain",
            ),
            ("langchain-anthropic/1.7.7", "langchain"),
            ("Groq/Python 1.7.0", "groq-python"),
            ("mistral-client-python/3.7.0", "mistral-python"),
            ("cohere/7.3.1", "cohere"),
            ("python-requests/2.32", "python-requests"),
            ("curl/8.5.0", "curl"),
            ("node", "node"),
            ("MyTool/1.0 extra", "mytool"),
            ("nodexyz/1", "nodexyz"),
        ] {
            assert_eq!(of(agent).as_deref(), Some(name), "{agent}");
        }
        assert_eq!(of("  "), None);
        assert_eq!(client(None, &|_| None), None);
    }

    #[test]
    fn a_tool_is_more_than_its_sdk() {
        assert!(["claude-code", "codex", "crush"].iter().all(|name| is_tool(name)));
        assert!(!["openai-python", "litellm", "curl", "node", "mytool"].iter().any(|name| is_tool(name)));
    }

    #[test]
    fn a_tool_that_names_itself_beats_its_sdk() {
        let header = |name: &str| (name == "x-title").then(|| "Cline".to_owned());
        assert_eq!(client(Some("OpenAI/JS 6.1.0"), &header).as_deref(), Some("cline"));
    }

    #[test]
    fn tools_behind_an_sdk_are_known_by_their_prompt() {
        let chat = |content: &str| {
            format!(r#"{{"model":"m","messages":[{{"role":"system","content":{content}}}]}}"#)
        };
        for (content, tool) in [
            (r#""You are Cline, a careful agent.""#, Some("cline")),
            (r#"[{"type":"text","text":"You are an agent in the Continue CLI. Given"}]"#, Some("continue")),
            (r#""Act as an expert software developer.\nTake requests""#, Some("aider")),
            (r#""Who said \"You are Cline, a\"?""#, None),
            (r#""You are helpful.""#, None),
        ] {
            assert_eq!(tool_in_prompt(chat(content).as_bytes()), tool, "{content}");
        }
        let anthropic =
            r#"{"messages":[{"role":"user","content":"hi"}],"system":"You are Cline, a careful agent."}"#;
        assert_eq!(tool_in_prompt(anthropic.as_bytes()), Some("cline"));
        let responses = r#"{"input":[{"role":"developer","content":[{"text":"You are an agent in the Continue CLI. Given"}]}]}"#;
        assert_eq!(tool_in_prompt(responses.as_bytes()), Some("continue"));
        assert_eq!(tool_in_prompt(b"not json"), None);
    }
}
