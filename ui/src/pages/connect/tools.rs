//! The tools that can be pointed at the proxy, and the words that do it. Pure; leaves out drawing them.

use crate::preferences::Shell;

/// A tool and how it is told where to send its calls.
#[derive(Debug)]
pub struct Tool {
    pub key: &'static str,
    pub name: &'static str,
    pub letters: &'static str,
    pub class: &'static str,
    /// Which programs this covers.
    pub covers: &'static str,
    pub variable: &'static str,
    /// Where it looks for its key.
    key_variable: &'static str,
    /// The address's path on the proxy.
    path: &'static str,
    /// The command that then runs; empty when there is none.
    command: &'static str,
    pub note: &'static str,
}

/// All tools, most used first.
pub const TOOLS: [Tool; 6] = [
    Tool {
        key: "claude-code",
        name: "Claude Code",
        letters: "CC",
        class: "tm cc",
        covers: "and anything with the Anthropic SDK",
        variable: "ANTHROPIC_BASE_URL",
        key_variable: "ANTHROPIC_API_KEY",
        path: "/passthrough/anthropic",
        command: "claude",
        note: "Works with an API key and with a Claude subscription.",
    },
    Tool {
        key: "codex",
        name: "Codex CLI",
        letters: "CX",
        class: "tm cx",
        covers: "with an OpenAI API key",
        variable: "OPENAI_BASE_URL",
        key_variable: "OPENAI_API_KEY",
        path: "/v1",
        command: "codex",
        note: "Newer versions read openai_base_url in ~/.codex/config.toml instead: the same address.",
    },
    Tool {
        key: "gemini-cli",
        name: "Gemini CLI",
        letters: "GE",
        class: "tm ge",
        covers: "and the Google GenAI SDK",
        variable: "GOOGLE_GEMINI_BASE_URL",
        key_variable: "GEMINI_API_KEY",
        path: "/passthrough/gemini",
        command: "gemini",
        note: "A Google login ignores the variable. Choose “Use Gemini API key” in /auth.",
    },
    Tool {
        key: "aider",
        name: "Aider",
        letters: "AI",
        class: "tm ai",
        covers: "with OpenAI models",
        variable: "OPENAI_BASE_URL",
        key_variable: "OPENAI_API_KEY",
        path: "/v1",
        command: "aider",
        note: "For Claude models set ANTHROPIC_BASE_URL as for Claude Code.",
    },
    Tool {
        key: "opencode",
        name: "opencode",
        letters: "OC",
        class: "tm oc",
        covers: "with OpenAI models",
        variable: "OPENAI_BASE_URL",
        key_variable: "OPENAI_API_KEY",
        path: "/v1",
        command: "opencode",
        note: "A baseURL in opencode.json comes before the variable.",
    },
    Tool {
        key: "sdk",
        name: "Your own code",
        letters: "SDK",
        class: "tm sd",
        covers: "OpenAI SDK in Python, JavaScript, Go and others",
        variable: "OPENAI_BASE_URL",
        key_variable: "OPENAI_API_KEY",
        path: "/v1",
        command: "",
        note: "Or pass base_url where you make the client.",
    },
];

impl Tool {
    /// The line that sets the variable in `shell`, for the proxy at `address` (`host:port`).
    pub fn setting(&self, address: &str, shell: Shell) -> String {
        set(self.variable, &format!("http://{address}{}", self.path), shell)
    }

    /// The same, with `key` in place of the tool's own if there is one, then the tool's own command.
    pub fn snippet(&self, address: &str, key: Option<&str>, shell: Shell) -> String {
        let mut lines = vec![self.setting(address, shell)];
        lines.extend(key.map(|key| set(self.key_variable, key, shell)));
        if !self.command.is_empty() {
            lines.push(self.command.to_owned());
        }
        lines.join("\n")
    }
}

/// The line that sets a variable. Addresses and local keys have no letter that a shell would take for its own.
fn set(name: &str, value: &str, shell: Shell) -> String {
    match shell {
        Shell::Bash => format!("export {name}={value}"),
        Shell::Fish => format!("set -gx {name} {value}"),
        Shell::Pwsh => format!("$env:{name} = \"{value}\""),
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
}
