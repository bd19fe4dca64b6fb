//! The tools that can be pointed at the proxy, and the words that do it. Pure; leaves out drawing them.

use crate::preferences::Shell;

/// How a tool is told where to send its calls; each makes its words from the proxy's address (`http://host:port`).
#[derive(Debug)]
enum Way {
    /// By a variable, before its command is run.
    Variable { name: &'static str, value: fn(&str) -> String },
    /// By the command itself.
    Command(fn(&str, Shell) -> String),
}

/// A tool and how it is told where to send its calls.
#[derive(Debug)]
pub struct Tool {
    pub key: &'static str,
    pub name: &'static str,
    pub letters: &'static str,
    pub class: &'static str,
    /// Which programs this covers.
    pub covers: &'static str,
    way: Way,
    /// Where it looks for its key.
    key_variable: &'static str,
    /// The command that then runs; empty when there is none.
    command: &'static str,
    pub note: &'static str,
}

fn openai(proxy: &str) -> String {
    format!("{proxy}/v1")
}

/// All tools, most used first.
pub const TOOLS: [Tool; 8] = [
    Tool {
        key: "claude-code",
        name: "Claude Code",
        letters: "CC",
        class: "tm cc",
        covers: "and anything with the Anthropic SDK",
        way: Way::Variable {
            name: "ANTHROPIC_BASE_URL",
            value: |proxy| format!("{proxy}/passthrough/anthropic"),
        },
        key_variable: "ANTHROPIC_API_KEY",
        command: "claude",
        note: "Works with an API key and with a Claude subscription.",
    },
    Tool {
        key: "codex",
        name: "Codex CLI",
        letters: "CX",
        class: "tm cx",
        covers: "with an OpenAI API key or a ChatGPT sign-in",
        way: Way::Command(|proxy, _| format!("codex -c openai_base_url={proxy}/v1")),
        key_variable: "OPENAI_API_KEY",
        command: "",
        note: "It reads no variable for this. For good: openai_base_url at the top of ~/.codex/config.toml.",
    },
    Tool {
        key: "gemini-cli",
        name: "Gemini CLI",
        letters: "GE",
        class: "tm ge",
        covers: "and the Google GenAI SDK",
        way: Way::Variable {
            name: "GOOGLE_GEMINI_BASE_URL",
            value: |proxy| format!("{proxy}/passthrough/gemini"),
        },
        key_variable: "GEMINI_API_KEY",
        command: "gemini",
        note: "A Google login ignores the variable. Choose “Use Gemini API key” in /auth.",
    },
    Tool {
        key: "aider",
        name: "Aider",
        letters: "AI",
        class: "tm ai",
        covers: "with OpenAI models",
        way: Way::Variable { name: "OPENAI_API_BASE", value: openai },
        key_variable: "OPENAI_API_KEY",
        command: "aider",
        note: "For Claude models set ANTHROPIC_BASE_URL as for Claude Code.",
    },
    Tool {
        key: "opencode",
        name: "opencode",
        letters: "OC",
        class: "tm oc",
        covers: "with OpenAI and Anthropic models",
        way: Way::Variable { name: "OPENCODE_CONFIG_CONTENT", value: opencode },
        key_variable: "OPENAI_API_KEY",
        command: "opencode",
        note: "It adds to opencode.json. Each provider there has a baseURL of its own under options.",
    },
    Tool {
        key: "qwen-code",
        name: "Qwen Code",
        letters: "QW",
        class: "tm sd",
        covers: "with an OpenAI-compatible key",
        way: Way::Variable { name: "OPENAI_BASE_URL", value: openai },
        key_variable: "OPENAI_API_KEY",
        command: "qwen",
        note: "Choose OpenAI in /auth. Name the model in OPENAI_MODEL.",
    },
    Tool {
        key: "cline",
        name: "Cline",
        letters: "CL",
        class: "tm sd",
        covers: "with OpenAI models",
        way: Way::Command(|proxy, shell| {
            let key = if shell == Shell::Pwsh { "$env:OPENAI_API_KEY" } else { "$OPENAI_API_KEY" };
            format!("cline auth --provider openai --modelid gpt-5 --baseurl {proxy}/v1 --apikey {key}")
        }),
        key_variable: "OPENAI_API_KEY",
        command: "",
        note: "It keeps this. In the editor: provider “OpenAI Compatible”, with the same address.",
    },
    Tool {
        key: "sdk",
        name: "Your own code",
        letters: "SDK",
        class: "tm sd",
        covers: "OpenAI SDK in Python, JavaScript, Go and others",
        way: Way::Variable { name: "OPENAI_BASE_URL", value: openai },
        key_variable: "OPENAI_API_KEY",
        command: "",
        note: "Or pass base_url where you make the client.",
    },
];

/// What opencode is to add to its configuration.
fn opencode(proxy: &str) -> String {
    let provider =
        |name: &str, path: &str| format!(r#""{name}":{{"options":{{"baseURL":"{proxy}{path}"}}}}"#);
    let providers = [
        provider("openai", "/v1"),
        provider("anthropic", "/passthrough/anthropic/v1"),
        provider("google", "/passthrough/gemini/v1beta"),
    ];
    format!(r#"{{"provider":{{{}}}}}"#, providers.join(","))
}

impl Tool {
    /// What is set, in a word or two.
    pub const fn told_by(&self) -> &'static str {
        match self.way {
            Way::Variable { name, .. } => name,
            Way::Command(_) => "on its command line",
        }
    }

    /// The line that tells it, for the proxy at `address` (`host:port`).
    pub fn setting(&self, address: &str, shell: Shell) -> String {
        let proxy = format!("http://{address}");
        match self.way {
            Way::Variable { name, value } => set(name, &value(&proxy), shell),
            Way::Command(line) => line(&proxy, shell),
        }
    }

    /// The same, with `key` in place of the tool's own if there is one, then the tool's own command.
    pub fn snippet(&self, address: &str, key: Option<&str>, shell: Shell) -> String {
        let mut lines = vec![self.setting(address, shell)];
        let key = key.map(|key| set(self.key_variable, key, shell));
        match self.way {
            Way::Variable { .. } => lines.extend(key),
            // A command that runs at once finds its key there already.
            Way::Command(_) => lines.splice(..0, key).for_each(drop),
        }
        if !self.command.is_empty() {
            lines.push(self.command.to_owned());
        }
        lines.join("\n")
    }
}

/// The line that sets a variable. Addresses and local keys have no letter that a shell would take for its own; JSON has.
fn set(name: &str, value: &str, shell: Shell) -> String {
    let quoted = match (value.contains('"'), shell) {
        (true, _) => format!("'{value}'"),
        (false, Shell::Pwsh) => format!("\"{value}\""),
        (false, Shell::Bash | Shell::Fish) => value.to_owned(),
    };
    match shell {
        Shell::Bash => format!("export {name}={quoted}"),
        Shell::Fish => format!("set -gx {name} {quoted}"),
        Shell::Pwsh => format!("$env:{name} = {quoted}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_has_its_own_syntax() {
        let [claude, ..] = &TOOLS;
        let url = "http://localhost:9000/passthrough/anthropic";
        let snippet = |shell| claude.snippet("localhost:9000", None, shell);
        assert_eq!(snippet(Shell::Bash), format!("export ANTHROPIC_BASE_URL={url}\nclaude"));
        assert_eq!(snippet(Shell::Fish), format!("set -gx ANTHROPIC_BASE_URL {url}\nclaude"));
        assert_eq!(snippet(Shell::Pwsh), format!("$env:ANTHROPIC_BASE_URL = \"{url}\"\nclaude"));
    }
    #[test]
    fn a_local_key_takes_the_place_of_the_real_one() {
        let [.., sdk] = &TOOLS;
        let snippet = sdk.snippet("localhost:9000", Some("lf-sdk-1"), Shell::Fish);
        assert_eq!(
            snippet,
            "set -gx OPENAI_BASE_URL http://localhost:9000/v1\nset -gx OPENAI_API_KEY lf-sdk-1"
        );
    }

    fn tool(key: &str) -> &'static Tool {
        TOOLS.iter().find(|tool| tool.key == key).unwrap()
    }

    #[test]
    fn a_tool_that_reads_no_variable_is_told_on_its_command_line() {
        assert_eq!(
            tool("codex").snippet("localhost:8080", Some("lf-codex-1"), Shell::Bash),
            "export OPENAI_API_KEY=lf-codex-1\ncodex -c openai_base_url=http://localhost:8080/v1"
        );
        assert!(
            tool("cline").setting("localhost:8080", Shell::Pwsh).ends_with(" --apikey $env:OPENAI_API_KEY")
        );
    }

    #[test]
    fn json_is_quoted() {
        for shell in Shell::ALL {
            let line = tool("opencode").setting("localhost:8080", shell);
            let json = line.split('\'').nth(1).unwrap();
            let config: serde_json::Value = serde_json::from_str(json).unwrap();
            let base = |name: &str| config["provider"][name]["options"]["baseURL"].clone();
            assert_eq!(base("openai"), "http://localhost:8080/v1");
            assert_eq!(base("anthropic"), "http://localhost:8080/passthrough/anthropic/v1");
        }
    }
}
