//! How AI tools are pointed at the proxy. Pure.

/// The variables that tools and SDKs read, with the addresses of the proxy on `port`.
pub fn variables(port: u16) -> Vec<(&'static str, String)> {
    vec![
        // Claude Code and the Anthropic SDKs.
        ("ANTHROPIC_BASE_URL", at(port, ANTHROPIC)),
        // The OpenAI SDKs, Qwen Code and most others; opencode's openai provider, unless its configuration has an address.
        ("OPENAI_BASE_URL", at(port, OPENAI)),
        // Aider.
        ("OPENAI_API_BASE", at(port, OPENAI)),
        // Gemini CLI and the Google SDKs.
        ("GOOGLE_GEMINI_BASE_URL", at(port, GEMINI)),
    ]
}

/// What a program needs beside the variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Arguments before its own.
    pub arguments: Vec<String>,
    /// Variables that are no use to any other program. One that is set already is its owner's.
    pub variables: Vec<(&'static str, String)>,
}

/// What the program at `path` needs to call the proxy on `port` beside the variables.
pub fn needs(path: &str, port: u16) -> Needs {
    let stem = std::path::Path::new(path).file_stem().and_then(|stem| stem.to_str());
    match stem {
        Some("codex") => Needs { arguments: vec!["-c".to_owned(), codex(port)], ..Needs::default() },
        Some("opencode") => Needs { variables: vec![(OPENCODE, open_code(port))], ..Needs::default() },
        _ => Needs::default(),
    }
}

/// Adds to opencode's configuration.
const OPENCODE: &str = "OPENCODE_CONFIG_CONTENT";

/// Codex reads no variable for this any more. A value that is not TOML is taken as text, so it needs no quotes, which
/// PowerShell would lose.
fn codex(port: u16) -> String {
    format!("openai_base_url={}", at(port, OPENAI))
}

const ANTHROPIC: &str = "/passthrough/anthropic";
const OPENAI: &str = "/v1";
const GEMINI: &str = "/passthrough/gemini";

fn at(port: u16, path: &str) -> String {
    format!("http://localhost:{port}{path}")
}

/// A tool that can be pointed at the proxy from a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Claude Code.
    ClaudeCode,
    /// Codex CLI.
    Codex,
    /// Gemini CLI.
    GeminiCli,
    /// opencode.
    OpenCode,
    /// Aider.
    Aider,
    /// Qwen Code.
    QwenCode,
    /// Code that uses an OpenAI SDK.
    OpenAiSdk,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ClaudeCode,
        Self::Codex,
        Self::GeminiCli,
        Self::OpenCode,
        Self::Aider,
        Self::QwenCode,
        Self::OpenAiSdk,
    ];

    /// Its name in programs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::GeminiCli => "gemini-cli",
            Self::OpenCode => "opencode",
            Self::Aider => "aider",
            Self::QwenCode => "qwen-code",
            Self::OpenAiSdk => "openai-sdk",
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::Codex => "Codex CLI",
            Self::GeminiCli => "Gemini CLI",
            Self::OpenCode => "opencode",
            Self::Aider => "Aider",
            Self::QwenCode => "Qwen Code",
            Self::OpenAiSdk => "OpenAI SDK",
        }
    }

    /// What to type into `shell` so that this tool, started there, calls the proxy on `port`. Ends with a newline.
    pub fn snippet(self, shell: Shell, port: u16) -> String {
        match self {
            Self::ClaudeCode => shell.set("ANTHROPIC_BASE_URL", &at(port, ANTHROPIC)),
            Self::Codex => shell.wrap("codex", &format!("-c {}", codex(port))),
            Self::GeminiCli => shell.set("GOOGLE_GEMINI_BASE_URL", &at(port, GEMINI)),
            // OPENAI_BASE_URL reaches one of its providers only. This adds to its configuration, which wins.
            Self::OpenCode => shell.set(OPENCODE, &open_code(port)),
            Self::Aider => {
                shell.set("OPENAI_API_BASE", &at(port, OPENAI))
                    + &shell.set("ANTHROPIC_API_BASE", &at(port, ANTHROPIC))
            }
            Self::QwenCode | Self::OpenAiSdk => shell.set("OPENAI_BASE_URL", &at(port, OPENAI)),
        }
    }
}

/// An address for each provider. It comes before `OPENAI_BASE_URL` and `ANTHROPIC_BASE_URL`; the latter opencode reads
/// too, but with `/v1` in it.
fn open_code(port: u16) -> String {
    let provider =
        |name: &str, path: &str| format!(r#""{name}":{{"options":{{"baseURL":"{}"}}}}"#, at(port, path));
    let providers = [
        provider("openai", OPENAI),
        provider("anthropic", "/passthrough/anthropic/v1"),
        provider("google", "/passthrough/gemini/v1beta"),
    ];
    format!(r#"{{"provider":{{{}}}}}"#, providers.join(","))
}

/// What a snippet is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// bash, zsh and other POSIX shells.
    Posix,
    /// fish.
    Fish,
    /// PowerShell.
    PowerShell,
}

impl Shell {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Posix, Self::Fish, Self::PowerShell];

    /// Its name in programs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Posix => "posix",
            Self::Fish => "fish",
            Self::PowerShell => "powershell",
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Posix => "bash · zsh",
            Self::Fish => "fish",
            Self::PowerShell => "PowerShell",
        }
    }

    /// The line that sets a variable. No value of ours has a single quote.
    pub fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Posix => format!("export {name}='{value}'\n"),
            Self::Fish => format!("set -gx {name} '{value}'\n"),
            Self::PowerShell => format!("$env:{name} = '{value}'\n"),
        }
    }

    /// The line that gives a program arguments each time it is called.
    fn wrap(self, program: &str, arguments: &str) -> String {
        match self {
            Self::Posix => format!("alias {program}='{program} {arguments}'\n"),
            Self::Fish => format!("alias {program} '{program} {arguments}'\n"),
            Self::PowerShell => format!(
                "function {program} {{ & (Get-Command {program} -CommandType Application | Select-Object -First 1) {arguments} @args }}\n"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_has_its_own_syntax() {
        let claude = |shell| Tool::ClaudeCode.snippet(shell, 9000);
        let url = "http://localhost:9000/passthrough/anthropic";
        assert_eq!(claude(Shell::Posix), format!("export ANTHROPIC_BASE_URL='{url}'\n"));
        assert_eq!(claude(Shell::Fish), format!("set -gx ANTHROPIC_BASE_URL '{url}'\n"));
        assert_eq!(claude(Shell::PowerShell), format!("$env:ANTHROPIC_BASE_URL = '{url}'\n"));
    }

    #[test]
    fn codex_is_told_on_its_command_line() {
        assert_eq!(
            Tool::Codex.snippet(Shell::Posix, 8080),
            "alias codex='codex -c openai_base_url=http://localhost:8080/v1'\n"
        );
        assert!(Tool::Codex.snippet(Shell::PowerShell, 8080).contains("-CommandType Application"));
    }

    #[test]
    fn some_programs_need_more_than_variables() {
        let needs_of = |path| needs(path, 8080);
        assert_eq!(needs_of("/usr/bin/codex").arguments, ["-c", "openai_base_url=http://localhost:8080/v1"]);
        assert_eq!(needs_of("codex.exe"), needs_of("codex"));
        let [(name, value)] = &needs_of("opencode").variables[..] else { panic!("one variable") };
        assert_eq!((*name, value.contains("/passthrough/anthropic/v1")), (OPENCODE, true));
        assert_eq!(needs_of("claude"), Needs::default());
    }

    #[test]
    fn opencode_is_given_a_configuration() {
        let line = Tool::OpenCode.snippet(Shell::Posix, 8080);
        let json =
            line.strip_prefix("export OPENCODE_CONFIG_CONTENT='").unwrap().strip_suffix("'\n").unwrap();
        let config: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(
            config["provider"]["anthropic"]["options"]["baseURL"],
            at(8080, "/passthrough/anthropic/v1")
        );
        assert_eq!(config["provider"]["openai"]["options"]["baseURL"], at(8080, "/v1"));
    }

    #[test]
    fn every_snippet_names_the_proxy_and_quotes_whole() {
        for tool in Tool::ALL {
            for shell in Shell::ALL {
                let snippet = tool.snippet(shell, 8081);
                assert!(snippet.contains("http://localhost:8081/") && snippet.ends_with('\n'), "{snippet}");
                assert!(snippet.matches('\'').count().is_multiple_of(2), "{snippet}");
            }
        }
    }
}
