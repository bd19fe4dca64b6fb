//! What is known of each tool: its programs, where it says where its calls go, and what it loses behind a base URL.
//! Facts were seen in the tools themselves (Claude Code 2.1.197, Codex 0.169.0, Gemini CLI 0.61.0, opencode 1.18.33,
//! Aider 0.86.2, Qwen Code 0.15.10, Cline 3.0.65, Continue 1.5.47); newer ones may differ.

use api::connect::{self, proxy_at};

use super::super::machine::Machine;
use super::{Loss, Pointer, config};

/// One tool.
pub(super) struct Tool {
    pub(super) name: &'static str,
    /// What it is called on `PATH`.
    pub(super) programs: &'static [&'static str],
    /// Its package at npm or PyPI, which tells it from others of the same name and knows its version.
    pub(super) package: &'static str,
    /// Other programs of this name are common: it is only found with its package or one of `traces`.
    pub(super) ambiguous: bool,
    /// Folders it leaves below the home folder.
    pub(super) traces: &'static [&'static str],
    /// Its name among applications.
    pub(super) application: Option<&'static str>,
    /// Where it says where its calls go, what wins first.
    pub(super) pointers: fn(&Machine) -> Vec<Pointer>,
    /// Its providers have an address each; else the first that is said counts for all.
    pub(super) many: bool,
    /// What it puts behind its base URL.
    pub(super) asks: &'static str,
    /// The provider and path that must come out; `None` for a tool that speaks to many.
    pub(super) wants: Option<(&'static str, &'static str)>,
    /// How to point it at the proxy on a port.
    pub(super) how: fn(u16) -> String,
    /// What it loses.
    pub(super) losses: fn(&Machine) -> Vec<Loss>,
}

pub(super) static TOOLS: &[Tool] = &[
    Tool {
        name: "Claude Code",
        programs: &["claude"],
        package: "@anthropic-ai/claude-code",
        ambiguous: false,
        traces: &[],
        application: None,
        pointers: |machine| config::claude(machine, "ANTHROPIC_BASE_URL"),
        many: false,
        asks: "/v1/messages",
        wants: Some(("anthropic", "/v1/messages")),
        how: |port| in_shell_or_kept(port, connect::Tool::ClaudeCode),
        losses: claude,
    },
    Tool {
        name: "Codex",
        programs: &["codex"],
        package: "@openai/codex",
        ambiguous: false,
        traces: &[],
        application: None,
        pointers: config::codex,
        many: false,
        asks: "/responses",
        wants: Some(("openai", "/v1/responses")),
        how: |port| {
            format!(
                "{}, at its top; newer versions do not read OPENAI_BASE_URL",
                kept(port, connect::Tool::Codex)
            )
        },
        losses: |_| Vec::new(),
    },
    Tool {
        name: "Gemini CLI",
        programs: &["gemini"],
        package: "@google/gemini-cli",
        ambiguous: false,
        traces: &[],
        application: None,
        pointers: |machine| {
            let shell = config::variable(machine, "GOOGLE_GEMINI_BASE_URL");
            shell
                .into_iter()
                .chain(config::dotenv(machine, ".gemini/.env", "GOOGLE_GEMINI_BASE_URL"))
                .collect()
        },
        many: false,
        asks: "/v1beta/models",
        wants: Some(("gemini", "/v1beta/models")),
        how: |port| in_shell_or_kept(port, connect::Tool::GeminiCli),
        losses: gemini,
    },
    Tool {
        name: "opencode",
        programs: &["opencode"],
        package: "opencode-ai",
        ambiguous: false,
        traces: &[],
        application: None,
        pointers: config::opencode,
        many: true,
        asks: "/chat/completions",
        wants: None,
        how: |port| format!("{}, and so for each provider", kept(port, connect::Tool::OpenCode)),
        losses: |_| {
            vec![Loss {
                says: "Only the providers whose baseURL is set go through LLMFlow.",
                remedy: "Set it for each provider you use.",
                here: false,
            }]
        },
    },
    Tool {
        name: "Aider",
        programs: &["aider"],
        package: "aider_chat",
        ambiguous: false,
        traces: &[],
        application: None,
        pointers: |machine| {
            let shell = config::variable(machine, "OPENAI_API_BASE");
            shell.into_iter().chain(config::line(machine, ".aider.conf.yml", "openai-api-base")).collect()
        },
        many: false,
        asks: "/chat/completions",
        wants: None,
        how: |port| in_shell_or_kept(port, connect::Tool::Aider),
        losses: |_| {
            vec![Loss {
                says: "OPENAI_API_BASE moves OpenAI's models only.",
                remedy: "For others set LiteLLM's variable too, e.g. ANTHROPIC_API_BASE.",
                here: false,
            }]
        },
    },
    Tool {
        name: "Qwen Code",
        programs: &["qwen"],
        package: "@qwen-code/qwen-code",
        ambiguous: false,
        traces: &[],
        application: None,
        pointers: |machine| {
            let shell = config::variable(machine, "OPENAI_BASE_URL");
            shell.into_iter().chain(config::dotenv(machine, ".qwen/.env", "OPENAI_BASE_URL")).collect()
        },
        many: false,
        asks: "/chat/completions",
        wants: None,
        how: |port| in_shell_or_kept(port, connect::Tool::QwenCode),
        losses: |_| Vec::new(),
    },
    Tool {
        name: "Cline",
        programs: &["cline"],
        package: "cline",
        ambiguous: true,
        traces: &[".cline"],
        application: None,
        pointers: |_| Vec::new(),
        many: false,
        asks: "/chat/completions",
        wants: None,
        how: |port| {
            let told = connect::Tool::Cline.setup(connect::Shell::Posix, &proxy_at(port));
            format!(
                "{}, or the base URL in its provider settings in the editor; the doctor does not read those",
                told.trim_end()
            )
        },
        losses: |_| Vec::new(),
    },
    Tool {
        name: "Continue",
        programs: &["cn"],
        package: "@continuedev/cli",
        ambiguous: true,
        traces: &[".continue"],
        application: None,
        pointers: |machine| config::line(machine, ".continue/config.yaml", "apiBase").into_iter().collect(),
        many: true,
        asks: "/chat/completions",
        wants: None,
        how: |port| format!("{}, for each model", kept(port, connect::Tool::Continue)),
        losses: |_| {
            vec![Loss {
                says: "Only the models whose apiBase is set go through LLMFlow.",
                remedy: "Set it for each model you use.",
                here: false,
            }]
        },
    },
    Tool {
        name: "Cursor",
        programs: &["cursor"],
        package: "",
        ambiguous: false,
        traces: &[".config/Cursor", "Library/Application Support/Cursor", "AppData/Roaming/Cursor"],
        application: Some("Cursor"),
        pointers: |_| Vec::new(),
        many: false,
        asks: "/chat/completions",
        wants: None,
        how: |_| {
            "It cannot be: its calls are made by its makers' servers, which do not reach this machine."
                .to_owned()
        },
        losses: |_| Vec::new(),
    },
];

/// What stands in which file.
fn kept(port: u16, tool: connect::Tool) -> String {
    let kept = tool.kept(&proxy_at(port));
    kept.map_or_else(String::new, |(file, line)| format!("{line} in {file}"))
}

fn in_shell_or_kept(port: u16, tool: connect::Tool) -> String {
    format!("eval \"$(llmflow env)\" in the shell, or {}", kept(port, tool))
}

fn claude(machine: &Machine) -> Vec<Loss> {
    let value = |name: &str| config::claude(machine, name).into_iter().next().map(|pointer| pointer.url);
    let is_set = |name: &str| value(name).is_some();
    let is_off = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off");
    let mut losses = Vec::new();
    for name in ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"] {
        if value(name).is_some_and(|value| !is_off(&value)) {
            losses.push(Loss {
                says: "It is set to use a cloud's own service, which ANTHROPIC_BASE_URL does not move: those calls are not recorded.",
                remedy: "Unset CLAUDE_CODE_USE_BEDROCK, _VERTEX or _FOUNDRY where calls are to be recorded.",
                here: true,
            });
            break;
        }
    }
    if !is_set("ENABLE_TOOL_SEARCH") {
        losses.push(Loss {
            says: "Behind an address that is not Anthropic's it switches tool search off, so every MCP tool is sent with every call.",
            remedy: "Set ENABLE_TOOL_SEARCH=true: LLMFlow forwards it all untouched, so it works.",
            here: true,
        });
    }
    if !is_set("_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL") {
        losses.push(Loss {
            says: "Behind an address that is not Anthropic's it may count a context of 200k tokens where the model has a million.",
            remedy: "_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL=1 is true while the anthropic provider here has its own address; its makers do not document it.",
            here: false,
        });
    }
    losses
}

fn gemini(machine: &Machine) -> Vec<Loss> {
    let here = config::gemini_login(machine);
    vec![Loss {
        says: match here {
            true => {
                "It is signed in with Google: then it ignores the base URL and sends its calls to cloudcode-pa.googleapis.com."
            }
            false => "Signed in with Google it would ignore the base URL; with an API key it does not.",
        },
        remedy: "Choose the API key (GEMINI_API_KEY) with /auth in Gemini CLI.",
        here,
    }]
}
