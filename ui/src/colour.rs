//! Which colour a model and which mark a tool has: the same everywhere, for ever. Pure; the values are in `tokens.css`.

/// The colour of a model: hue by family, step by size; `local` models share one hue.
pub fn model(name: &str, local: bool) -> &'static str {
    let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let has = |part: &str| name.contains(part);
    if local {
        return ["var(--m-local-1)", "var(--m-local-2)", "var(--m-local-3)"][local_step(&name)];
    }
    if has("claude") {
        return ["var(--m-claude-1)", "var(--m-claude-2)", "var(--m-claude-3)"][if has("haiku") {
            2
        } else if has("sonnet") {
            1
        } else {
            0
        }];
    }
    if has("embedding") || has("embed") {
        return "var(--m-other)";
    }
    if has("gpt")
        || has("codex")
        || ["o1", "o3", "o4", "chatgpt", "davinci"].iter().any(|start| name.starts_with(start))
    {
        let step = if has("nano") { 2 } else { usize::from(has("mini")) };
        return ["var(--m-openai-1)", "var(--m-openai-2)", "var(--m-openai-3)"][step];
    }
    if has("gemini") {
        let step = if has("lite") { 2 } else { usize::from(has("flash")) };
        return ["var(--m-google-1)", "var(--m-google-2)", "var(--m-google-3)"][step];
    }
    other(&name)
}

/// Families beyond the known ones: hue by hash of the family's name, step by hash of the rest.
fn other(name: &str) -> &'static str {
    const HUES: [[&str; 2]; 4] = [
        ["var(--m-a-1)", "var(--m-a-2)"],
        ["var(--m-b-1)", "var(--m-b-2)"],
        ["var(--m-c-1)", "var(--m-c-2)"],
        ["var(--m-d-1)", "var(--m-d-2)"],
    ];
    let family = name.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or(name);
    if family.is_empty() {
        return "var(--m-other)";
    }
    let small =
        name.contains("mini") || name.contains("small") || name.contains("flash") || name.contains("lite");
    HUES[(hash(family) % 4) as usize][usize::from(small)]
}

fn local_step(name: &str) -> usize {
    match name.split(['-', ':', '_']).find_map(|part| part.strip_suffix('b')?.parse::<f64>().ok()) {
        Some(billions) if billions >= 60.0 => 0,
        Some(billions) if billions < 10.0 => 2,
        _ => 1,
    }
}

/// FNV-1a, so that a colour never changes between builds.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// A provider's letters, and the colour of the models it is known for.
pub fn provider(name: &str, display: &str) -> (String, &'static str) {
    let colour = match name {
        "anthropic" => "var(--m-claude-1)",
        "openai" => "var(--m-openai-1)",
        "gemini" => "var(--m-google-1)",
        name if is_local(name) => "var(--m-local-1)",
        name => other(name),
    };
    let capitals = display.chars().filter(char::is_ascii_uppercase).take(2);
    let letters: String = match capitals.clone().count() {
        2 => capitals.collect(),
        _ => display.chars().filter(char::is_ascii_alphanumeric).take(2).collect(),
    };
    (letters, colour)
}

/// Whether a provider runs on the user's own hardware.
pub fn is_local(provider: &str) -> bool {
    ["ollama", "llamacpp", "llama.cpp", "llama_cpp", "lmstudio", "lm_studio", "vllm", "local"]
        .contains(&provider)
}

/// How a tool or SDK is shown: two letters on its ground, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    pub letters: String,
    pub class: &'static str,
    pub name: String,
}

/// The mark of the client that made a call.
pub fn tool(client: Option<&str>) -> Tool {
    let known =
        |letters: &str, class, name: &str| Tool { letters: letters.to_owned(), class, name: name.to_owned() };
    let Some(client) = client else {
        return known("–", "tm sd", "Unknown client");
    };
    match client {
        "claude-code" => known("CC", "tm cc", "Claude Code"),
        "claude-code-bedrock" => known("CC", "tm cc", "Claude Code on Bedrock"),
        "boto3" => known("PY", "tm sd", "boto3"),
        "codex" | "codex-cli" => known("CX", "tm cx", "Codex CLI"),
        "gemini-cli" => known("GE", "tm ge", "Gemini CLI"),
        "aider" => known("AI", "tm ai", "Aider"),
        "opencode" => known("OC", "tm oc", "opencode"),
        "qwen-code" => known("QW", "tm sd", "Qwen Code"),
        "cline" => known("CL", "tm sd", "Cline"),
        "continue" => known("CO", "tm sd", "Continue"),
        "llama-cpp" | "llama.cpp" => known("LL", "tm ll", "llama.cpp"),
        "openai-python" => known("PY", "tm sd", "OpenAI Python"),
        "anthropic-python" => known("PY", "tm sd", "Anthropic Python"),
        "openai-node" | "openai-js" => known("JS", "tm sd", "OpenAI JavaScript"),
        "anthropic-typescript" | "anthropic-js" => known("JS", "tm sd", "Anthropic TypeScript"),
        "curl" => known("CU", "tm sd", "curl"),
        _ => {
            let letters: String = client.chars().filter(char::is_ascii_alphanumeric).take(2).collect();
            Tool { letters: letters.to_ascii_uppercase(), class: "tm sd", name: client.to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hue_is_the_family_and_step_the_size() {
        assert_eq!(model("claude-opus-4-5-20251101", false), "var(--m-claude-1)");
        assert_eq!(model("anthropic/claude-haiku-4.5", false), "var(--m-claude-3)");
        assert_eq!(model("gpt-5-mini", false), "var(--m-openai-2)");
        assert_eq!(model("gemini-2.5-flash-lite", false), "var(--m-google-3)");
        assert_eq!(model("qwen3-coder-30b", true), "var(--m-local-2)");
        assert_eq!(model("text-embedding-3-small", false), "var(--m-other)");
    }

    #[test]
    fn other_families_keep_their_colour() {
        assert_eq!(model("kimi-k2-thinking", false), model("kimi-k3", false));
        assert!(model("mistral-large", false).starts_with("var(--m-"));
        assert_eq!(model("4711", false), "var(--m-other)");
    }

    #[test]
    fn providers_have_their_models_colour() {
        assert_eq!(provider("anthropic", "Anthropic"), ("An".to_owned(), "var(--m-claude-1)"));
        assert_eq!(provider("openai", "OpenAI").0, "OA");
        assert_eq!(provider("ollama", "Ollama").1, "var(--m-local-1)");
    }

    #[test]
    fn unknown_tools_get_letters() {
        assert_eq!(tool(Some("my-script")).letters, "MY");
        assert_eq!(tool(None).letters, "–");
    }
}
