//! What the dashboard says of a tool beside how it is pointed at the proxy, which is `api::connect`'s.

use api::connect::Tool;

/// Its name on a card.
pub const fn title(tool: Tool) -> &'static str {
    match tool {
        Tool::OpenAiSdk => "Your own code",
        _ => tool.name(),
    }
}

/// Which programs this covers.
pub const fn covers(tool: Tool) -> &'static str {
    match tool {
        Tool::ClaudeCode => "and anything with the Anthropic SDK",
        Tool::ClaudeCodeOnBedrock => "with models on Amazon Bedrock",
        Tool::AwsSdk => "and the other AWS SDKs, for Amazon Bedrock",
        Tool::Codex => "with an OpenAI API key or a ChatGPT sign-in",
        Tool::GeminiCli => "and the Google GenAI SDK",
        Tool::Aider => "with OpenAI and Anthropic models",
        Tool::OpenCode => "with OpenAI, Anthropic and Google models",
        Tool::QwenCode => "with an OpenAI-compatible key",
        Tool::Cline | Tool::Continue => "with OpenAI models",
        Tool::OpenAiSdk => "OpenAI SDK in Python, JavaScript, Go and others",
    }
}

/// What one should know.
pub const fn note(tool: Tool) -> &'static str {
    match tool {
        Tool::ClaudeCode => "Works with an API key and with a Claude subscription.",
        Tool::ClaudeCodeOnBedrock | Tool::AwsSdk => {
            "Calls are signed with LLMFlow’s AWS credentials, whatever the tool’s own are."
        }
        Tool::Codex => {
            "It reads no variable for this. For good: openai_base_url at the top of ~/.codex/config.toml."
        }
        Tool::GeminiCli => "A Google login ignores the variable. Choose “Use Gemini API key” in /auth.",
        Tool::Aider => "For other models set the variable of LiteLLM’s that moves their provider.",
        Tool::OpenCode => {
            "It adds to opencode.json. Each provider there has a baseURL of its own under options."
        }
        Tool::QwenCode => "Choose OpenAI in /auth. Name the model in OPENAI_MODEL.",
        Tool::Cline => "It keeps this. In the editor: provider “OpenAI Compatible”, with the same address.",
        Tool::Continue => "In a file that you have already, add apiBase to each model.",
        Tool::OpenAiSdk => "Or pass base_url where you make the client.",
    }
}

/// Its mark: letters and their ground.
pub fn mark(tool: Tool) -> (String, &'static str) {
    match tool {
        Tool::OpenAiSdk => ("SDK".to_owned(), "tm sd"),
        _ => {
            let known = crate::colour::tool(Some(tool.key()));
            (known.letters, known.class)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_has_one_name_and_one_mark_everywhere() {
        for tool in Tool::ALL.into_iter().filter(|tool| *tool != Tool::OpenAiSdk) {
            let known = crate::colour::tool(Some(tool.key()));
            assert_eq!(known.name, title(tool));
            assert_eq!(mark(tool), (known.letters, known.class));
        }
    }
}
