//! How AI tools are pointed at the proxy: the one list, for the dashboard, the tray, `llmflow run` and the doctor. Pure;
//! leaves out what a tool looks like. Each way is tried with the tool itself by the tests with real clients.

mod shell;
pub mod telemetry;
mod way;

pub use shell::Shell;
pub use way::Way;

/// The proxy on `port` of this machine.
pub fn proxy_at(port: u16) -> String {
    format!("http://localhost:{port}")
}

/// Providers' base URLs here, by what stands before their own paths.
const ANTHROPIC: &str = "/passthrough/anthropic";
const OPENAI: &str = "/v1";
const GEMINI: &str = "/passthrough/gemini";
const BEDROCK: &str = "/bedrock";

/// Adds to opencode's configuration.
const OPENCODE: &str = "OPENCODE_CONFIG_CONTENT";

/// The variables that tools and SDKs read, with the addresses of `proxy` (`http://host:port`).
pub fn variables(proxy: &str) -> Vec<(&'static str, String)> {
    [
        // Claude Code and the Anthropic SDKs.
        ("ANTHROPIC_BASE_URL", ANTHROPIC),
        // The OpenAI SDKs, Qwen Code and most others; opencode's openai provider, unless its configuration has an address.
        ("OPENAI_BASE_URL", OPENAI),
        // Aider.
        ("OPENAI_API_BASE", OPENAI),
        // Gemini CLI and the Google SDKs.
        ("GOOGLE_GEMINI_BASE_URL", GEMINI),
    ]
    .map(|(name, path)| (name, format!("{proxy}{path}")))
    .into()
}

/// A tool that can be pointed at the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Claude Code.
    ClaudeCode,
    /// Claude Code with models on Amazon Bedrock.
    ClaudeCodeOnBedrock,
    /// Codex CLI.
    Codex,
    /// Gemini CLI.
    GeminiCli,
    /// Aider.
    Aider,
    /// opencode.
    OpenCode,
    /// Qwen Code.
    QwenCode,
    /// Cline.
    Cline,
    /// Continue.
    Continue,
    /// Code that uses an OpenAI SDK.
    OpenAiSdk,
    /// Code that uses an AWS SDK, such as boto3.
    AwsSdk,
}

impl Tool {
    /// All of them, most used first.
    pub const ALL: [Self; 11] = [
        Self::ClaudeCode,
        Self::Codex,
        Self::GeminiCli,
        Self::Aider,
        Self::OpenCode,
        Self::QwenCode,
        Self::Cline,
        Self::Continue,
        Self::OpenAiSdk,
        Self::ClaudeCodeOnBedrock,
        Self::AwsSdk,
    ];

    /// Its name in programs: what its calls are recorded under, and its local key is kept under.
    pub const fn key(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeCodeOnBedrock => "claude-code-bedrock",
            Self::Codex => "codex",
            Self::GeminiCli => "gemini-cli",
            Self::Aider => "aider",
            Self::OpenCode => "opencode",
            Self::QwenCode => "qwen-code",
            Self::Cline => "cline",
            Self::Continue => "continue",
            Self::OpenAiSdk => "sdk",
            Self::AwsSdk => "boto3",
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeCodeOnBedrock => "Claude Code on Bedrock",
            Self::Codex => "Codex CLI",
            Self::GeminiCli => "Gemini CLI",
            Self::Aider => "Aider",
            Self::OpenCode => "opencode",
            Self::QwenCode => "Qwen Code",
            Self::Cline => "Cline",
            Self::Continue => "Continue",
            Self::OpenAiSdk => "OpenAI SDK",
            Self::AwsSdk => "boto3",
        }
    }

    /// Its program; `None` for what is no program of ours to name.
    pub const fn program(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode | Self::ClaudeCodeOnBedrock => Some("claude"),
            Self::Codex => Some("codex"),
            Self::GeminiCli => Some("gemini"),
            Self::Aider => Some("aider"),
            Self::OpenCode => Some("opencode"),
            Self::QwenCode => Some("qwen"),
            Self::Cline => Some("cline"),
            Self::Continue => Some("cn"),
            Self::OpenAiSdk | Self::AwsSdk => None,
        }
    }

    /// The variable in which it looks for its key.
    pub const fn key_variable(self) -> &'static str {
        match self {
            Self::ClaudeCode => "ANTHROPIC_API_KEY",
            Self::GeminiCli => "GEMINI_API_KEY",
            // A local key goes where a Bedrock API key would.
            Self::ClaudeCodeOnBedrock | Self::AwsSdk => "AWS_BEARER_TOKEN_BEDROCK",
            Self::Codex
            | Self::Aider
            | Self::OpenCode
            | Self::QwenCode
            | Self::Cline
            | Self::Continue
            | Self::OpenAiSdk => "OPENAI_API_KEY",
        }
    }

    /// How it is told to call `proxy` (`http://host:port`).
    pub fn way(self, proxy: &str) -> Way {
        let at = |path: &str| format!("{proxy}{path}");
        match self {
            Self::ClaudeCode => Way::Variables(vec![("ANTHROPIC_BASE_URL", at(ANTHROPIC))]),
            // It need not sign what LLMFlow signs anew.
            Self::ClaudeCodeOnBedrock => Way::Variables(vec![
                ("ANTHROPIC_BEDROCK_BASE_URL", at(BEDROCK)),
                ("CLAUDE_CODE_USE_BEDROCK", "1".to_owned()),
                ("CLAUDE_CODE_SKIP_BEDROCK_AUTH", "1".to_owned()),
            ]),
            Self::AwsSdk => Way::Variables(vec![("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", at(BEDROCK))]),
            Self::Codex => Way::Arguments { program: "codex", arguments: vec!["-c".into(), codex(proxy)] },
            Self::GeminiCli => Way::Variables(vec![("GOOGLE_GEMINI_BASE_URL", at(GEMINI))]),
            Self::Aider => {
                Way::Variables(vec![("OPENAI_API_BASE", at(OPENAI)), ("ANTHROPIC_API_BASE", at(ANTHROPIC))])
            }
            // Each provider has an address of its own in its configuration, which wins over OPENAI_BASE_URL; this
            // variable adds to it.
            Self::OpenCode => Way::Variables(vec![(OPENCODE, open_code(proxy))]),
            Self::QwenCode | Self::OpenAiSdk => Way::Variables(vec![("OPENAI_BASE_URL", at(OPENAI))]),
            Self::Cline => Way::Once {
                command: format!("cline auth --provider openai --modelid gpt-5 --baseurl {}", at(OPENAI)),
                key_argument: "--apikey",
            },
            Self::Continue => Way::File {
                path: "~/.continue/config.yaml",
                lines: format!(
                    "name: Mine\nversion: 1.0.0\nschema: v1\nmodels:\n  - name: GPT-5\n    provider: openai\n    \
                     model: gpt-5\n    apiBase: {}\n    apiKey: ",
                    at(OPENAI)
                ),
            },
        }
    }

    /// The file that tells it for good, and what stands there.
    pub fn kept(self, proxy: &str) -> Option<(&'static str, String)> {
        let at = |path: &str| format!("{proxy}{path}");
        let kept = match self {
            Self::ClaudeCode => (
                "~/.claude/settings.json",
                format!(r#""env": {{"ANTHROPIC_BASE_URL": "{}"}}"#, at(ANTHROPIC)),
            ),
            Self::ClaudeCodeOnBedrock => (
                "~/.claude/settings.json",
                format!(
                    r#""env": {{"ANTHROPIC_BEDROCK_BASE_URL": "{}", "CLAUDE_CODE_USE_BEDROCK": "1", "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1"}}"#,
                    at(BEDROCK)
                ),
            ),
            Self::Codex => ("~/.codex/config.toml", format!("openai_base_url = \"{}\"", at(OPENAI))),
            Self::GeminiCli => ("~/.gemini/.env", format!("GOOGLE_GEMINI_BASE_URL={}", at(GEMINI))),
            Self::Aider => ("~/.aider.conf.yml", format!("openai-api-base: {}", at(OPENAI))),
            Self::OpenCode => (
                "~/.config/opencode/opencode.json",
                format!(r#""provider": {{"openai": {{"options": {{"baseURL": "{}"}}}}}}"#, at(OPENAI)),
            ),
            Self::QwenCode => ("~/.qwen/.env", format!("OPENAI_BASE_URL={}", at(OPENAI))),
            Self::Continue => ("~/.continue/config.yaml", format!("apiBase: {}", at(OPENAI))),
            Self::Cline | Self::OpenAiSdk | Self::AwsSdk => return None,
        };
        Some(kept)
    }

    /// Whether a shell can be set up so that it calls the proxy whenever it is started there.
    pub const fn is_set_in_shells(self) -> bool {
        !matches!(self, Self::Cline | Self::Continue)
    }

    /// What sets `shell` up so that it calls `proxy` whenever it is started there; where that cannot be, what tells it
    /// for good. Ends with a newline.
    pub fn setup(self, shell: Shell, proxy: &str) -> String {
        self.way(proxy).setup(shell, self.key_variable())
    }

    /// What to type to start it in `shell` now, with `key` in place of its own if there is one.
    pub fn snippet(self, shell: Shell, proxy: &str, key: Option<&str>) -> String {
        self.way(proxy).snippet(shell, self.program(), self.key_variable(), key)
    }
}

/// What a program needs beside [`variables`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Arguments before its own.
    pub arguments: Vec<String>,
    /// Variables that are no use to any other program. One that is set already is its owner's.
    pub variables: Vec<(&'static str, String)>,
}

/// What the program at `path` needs to call `proxy` beside the variables.
pub fn needs(path: &str, proxy: &str) -> Needs {
    let stem = stem(path);
    match Tool::ALL.into_iter().find(|tool| tool.program() == Some(stem)).map(|tool| tool.way(proxy)) {
        Some(Way::Arguments { arguments, .. }) => Needs { arguments, ..Needs::default() },
        Some(Way::Variables(all)) => {
            let known = variables(proxy);
            let variables = all.into_iter().filter(|(name, _)| known.iter().all(|(known, _)| known != name));
            Needs { variables: variables.collect(), ..Needs::default() }
        }
        Some(Way::Once { .. } | Way::File { .. }) | None => Needs::default(),
    }
}

/// A program's name without its folder and what is behind a dot.
fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

/// Codex reads no variable for this any more. A value that is not TOML is taken as text, so it needs no quotes, which
/// PowerShell would lose.
fn codex(proxy: &str) -> String {
    format!("openai_base_url={proxy}{OPENAI}")
}

/// Each provider has an address of its own there. It comes before `ANTHROPIC_BASE_URL`, which opencode reads too, but
/// with `/v1` in it.
fn open_code(proxy: &str) -> String {
    let provider =
        |name: &str, path: &str| format!(r#""{name}":{{"options":{{"baseURL":"{proxy}{path}"}}}}"#);
    let providers = [
        provider("openai", OPENAI),
        provider("anthropic", "/passthrough/anthropic/v1"),
        provider("google", "/passthrough/gemini/v1beta"),
    ];
    format!(r#"{{"provider":{{{}}}}}"#, providers.join(","))
}

#[cfg(test)]
mod tests;
