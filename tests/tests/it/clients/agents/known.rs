//! Each coding agent: how it is started and pointed at an address, and what it sends of itself.

use std::path::Path;

use serde_json::{Value, json};
use tests::Exchange;
use tokio::process::Command;

use super::super::bench::Bases;
use super::super::installed;
use super::bare;

const PROMPT: &str = "Say hello.";
const KEY: &str = "sk-test-0123456789abcdef";

/// One agent.
pub(super) struct Agent {
    pub(super) name: &'static str,
    /// What we must call it.
    pub(super) key: &'static str,
    /// What stands before the upstream's paths here.
    pub(super) prefix: &'static str,
    /// Stands in each turn's body, and in no other request.
    pub(super) turn: &'static str,
    /// A tool of its own that changes nothing, with arguments.
    pub(super) tool: (&'static str, &'static str),
    /// The tool with which it ends, when words do not end it.
    pub(super) last: Option<(&'static str, &'static str)>,
    /// The session that a request names.
    pub(super) session: fn(&Exchange) -> Option<String>,
    pub(super) command: fn(&Bases, &Path) -> Command,
    /// What its user sees, of what it prints.
    pub(super) said: fn(&str) -> Value,
}

fn npm(folder: &str, program: &str, home: &Path) -> Command {
    bare(Command::new(installed(&format!("{folder}/node_modules/.bin/{program}"))), home)
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn text(said: &str) -> Value {
    said.into()
}

/// Lines of JSON without how long things took, and without the pieces that a text came in.
fn events(said: &str) -> Value {
    let events = said.lines().filter_map(|line| serde_json::from_str(line).ok());
    events.filter(|event: &Value| event["event"]["type"] != "content_start").map(without_durations).collect()
}

fn without_durations(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| name != "durationMs");
            kept.map(|(name, value)| (name, without_durations(value))).collect()
        }
        Value::Array(elements) => elements.into_iter().map(without_durations).collect(),
        other => other,
    }
}

fn no_session(_: &Exchange) -> Option<String> {
    None
}

fn header(exchange: &Exchange, name: &str) -> Option<String> {
    exchange.received.head.header(name)
}

pub(super) static CLAUDE_CODE: Agent = Agent {
    name: "Claude Code",
    key: "claude-code",
    prefix: "/passthrough/anthropic",
    turn: "\"name\":\"Bash\"",
    tool: ("Bash", r#"{"command":"echo hi","description":"Says hi"}"#),
    last: None,
    session: |exchange| header(exchange, "x-claude-code-session-id"),
    command: |bases, home| {
        let mut command = npm("js-claude", "claude", home);
        command.args(["-p", PROMPT, "--output-format", "json", "--allowedTools", "Bash"]);
        command.args(["--model", "claude-sonnet-4-5-20250929"]);
        command.env("ANTHROPIC_BASE_URL", bases.below("/passthrough/anthropic"));
        command.env("ANTHROPIC_API_KEY", "sk-ant-test-0123456789abcdef").env("DISABLE_AUTOUPDATER", "1");
        command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1").env("CLAUDE_CODE_MAX_RETRIES", "2");
        command
    },
    said: |said| {
        let said: Value = serde_json::from_str(said).unwrap_or_default();
        let names = ["is_error", "num_turns", "result", "total_cost_usd", "api_error_status"];
        names
            .iter()
            .map(|name| (*name, said[*name].clone()))
            .map(|(name, value)| json!([name, value]))
            .collect()
    },
};

pub(super) static CODEX: Agent = Agent {
    name: "Codex CLI",
    key: "codex",
    prefix: "",
    turn: "\"name\":\"exec_command\"",
    tool: ("exec_command", r#"{"cmd":"echo hi"}"#),
    last: None,
    session: |exchange| header(exchange, "session-id"),
    command: |bases, home| {
        // As Connect says it: no provider of one's own.
        let mut command = npm("js-codex", "codex", home);
        command.args(["exec", "--skip-git-repo-check", "--json", "-s", "danger-full-access", "-m", "gpt-5"]);
        command.args(["-c", &format!("openai_base_url={}", bases.openai()), PROMPT]);
        command.env("CODEX_HOME", home.join(".codex")).env("CODEX_API_KEY", KEY).env("OPENAI_API_KEY", KEY);
        std::fs::create_dir_all(home.join(".codex")).unwrap();
        command
    },
    said: text,
};

pub(super) static GEMINI_CLI: Agent = Agent {
    name: "Gemini CLI",
    key: "gemini-cli",
    prefix: "/passthrough/gemini",
    turn: "\"name\":\"list_directory\"",
    tool: ("list_directory", r#"{"dir_path":".","path":"."}"#),
    last: None,
    session: no_session,
    command: |bases, home| {
        let settings = json!({
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "privacy": {"usageStatisticsEnabled": false},
            "general": {"disableAutoUpdate": true, "enableAutoUpdate": false, "maxAttempts": 3},
        });
        write(&home.join(".gemini/settings.json"), &settings.to_string());
        let mut command = npm("js-gemini", "gemini", home);
        command.args(["-p", PROMPT, "-m", "gemini-2.5-flash", "--skip-trust"]);
        command.env("GEMINI_API_KEY", "AIzaTest0123456789").env("GEMINI_CLI_TRUST_WORKSPACE", "true");
        command.env("GOOGLE_GEMINI_BASE_URL", bases.below("/passthrough/gemini")).env("NO_BROWSER", "1");
        command
    },
    said: text,
};

pub(super) static OPENCODE: Agent = Agent {
    name: "opencode",
    key: "opencode",
    prefix: "",
    turn: "\"name\":\"bash\"",
    tool: ("bash", r#"{"command":"echo hi","description":"Says hi"}"#),
    last: None,
    session: |exchange| header(exchange, "x-session-id"),
    command: |bases, home| {
        let settings = json!({
            "autoupdate": false, "share": "disabled", "model": "mock/gpt-4o-mini", "small_model": "mock/gpt-4o-mini",
            "enabled_providers": ["mock"],
            "provider": {"mock": {
                "npm": "@ai-sdk/openai-compatible", "name": "mock",
                "options": {"baseURL": bases.openai(), "apiKey": KEY},
                "models": {"gpt-4o-mini": {"name": "gpt-4o-mini"}},
            }},
        });
        write(&home.join(".config/opencode/opencode.json"), &settings.to_string());
        let mut command = npm("js-opencode", "opencode", home);
        command.args(["run", "--model", "mock/gpt-4o-mini", PROMPT]);
        for name in ["AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS"] {
            command.env(format!("OPENCODE_DISABLE_{name}"), "1");
        }
        command
    },
    said: text,
};

pub(super) static AIDER: Agent = Agent {
    name: "Aider",
    key: "aider",
    prefix: "",
    turn: "\"messages\"",
    // It offers none: what it changes it says in words.
    tool: ("none", "{}"),
    last: None,
    session: no_session,
    command: |bases, home| {
        let mut command = bare(Command::new(installed("py-aider/bin/aider")), home);
        command.args(["--model", "openai/gpt-4o-mini", "--openai-api-key", KEY, "--message", PROMPT]);
        command.args(["--openai-api-base", &bases.openai(), "--no-git", "--yes-always", "--no-check-update"]);
        command.args(["--analytics-disable", "--no-show-model-warnings", "--no-show-release-notes"]);
        command.args(["--no-pretty", "--no-fancy-input"]);
        command.env("AIDER_ANALYTICS", "false").env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        command
    },
    said: text,
};

pub(super) static CLINE: Agent = Agent {
    name: "Cline CLI",
    key: "cline",
    prefix: "",
    turn: "\"name\":\"read_files\"",
    tool: ("read_files", r#"{"files":[{"path":"README.md"}]}"#),
    last: Some(("submit_and_exit", r#"{"summary":"All is done: forty-two.","verified":true}"#)),
    session: no_session,
    command: |bases, home| {
        let script = r#""$CLINE" auth --provider openai --apikey "$KEY" --modelid gpt-4o-mini --baseurl "$BASE" >/dev/null && exec "$CLINE" --json -y "$PROMPT""#;
        let mut command = bare(Command::new("bash"), home);
        command.args(["-c", script]).env("CLINE", installed("js-cline/node_modules/.bin/cline"));
        command.env("KEY", KEY).env("BASE", bases.openai()).env("PROMPT", PROMPT);
        command.env("CLINE_TELEMETRY_DISABLED", "1").env("OTEL_TELEMETRY_ENABLED", "0");
        command
    },
    said: events,
};

pub(super) static CONTINUE: Agent = Agent {
    name: "Continue CLI",
    key: "continue",
    prefix: "",
    turn: "\"name\":\"Read\"",
    tool: ("List", r#"{"dirpath":"."}"#),
    last: None,
    session: no_session,
    command: |bases, home| {
        let settings = home.join(".continue/config.yaml");
        let model = format!(
            "name: mock\nversion: 1.0.0\nschema: v1\nmodels:\n  - name: mock\n    provider: openai\n    \
             model: gpt-4o-mini\n    apiBase: {}\n    apiKey: {KEY}\n    roles: [chat]\n",
            bases.openai()
        );
        write(&settings, &model);
        let mut command = npm("js-continue", "cn", home);
        command.arg("--config").arg(&settings).args(["-p", PROMPT]);
        command.env("CONTINUE_CLI_ENABLE_TELEMETRY", "0").env("CONTINUE_TELEMETRY_ENABLED", "0");
        command
    },
    said: text,
};

pub(super) static QWEN_CODE: Agent = Agent {
    name: "Qwen Code",
    key: "qwen-code",
    prefix: "",
    turn: "You are Qwen Code",
    tool: ("list_directory", r#"{"path":"/tmp"}"#),
    last: None,
    session: no_session,
    command: |bases, home| {
        let settings = json!({
            "security": {"auth": {"selectedType": "openai"}}, "privacy": {"usageStatisticsEnabled": false},
            "general": {"disableAutoUpdate": true, "enableAutoUpdate": false},
        });
        write(&home.join(".qwen/settings.json"), &settings.to_string());
        let mut command = npm("js-qwen", "qwen", home);
        command.args(["-p", PROMPT]).env("OPENAI_API_KEY", KEY).env("OPENAI_BASE_URL", bases.openai());
        command.env("OPENAI_MODEL", "gpt-4o-mini");
        command
    },
    said: text,
};
