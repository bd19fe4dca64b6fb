//! How tools are told to report about themselves to the collector, beside their calls through the proxy: the one list, for
//! the dashboard, `llmflow env` and `llmflow run`. Pure. Leaves out what they report.

use super::Shell;

/// The collector on `port` of this machine; OTLP over HTTP.
pub fn collector_at(port: u16) -> String {
    format!("http://localhost:{port}")
}

/// A tool that reports about itself over OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Claude Code.
    ClaudeCode,
    /// Codex CLI.
    Codex,
    /// Gemini CLI.
    GeminiCli,
    /// opencode.
    OpenCode,
    /// Qwen Code.
    QwenCode,
    /// GitHub Copilot CLI.
    CopilotCli,
    /// Code with an OpenTelemetry SDK.
    Sdk,
}

/// What a tool reads from its environment, and what stands in which file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Variables, the telling one first.
    pub variables: Vec<(&'static str, String)>,
    /// A file, and what stands in it: whole JSON or TOML.
    pub file: Option<(&'static str, String)>,
}

impl Sender {
    /// All of them, most used first.
    pub const ALL: [Self; 7] = [
        Self::ClaudeCode,
        Self::Codex,
        Self::GeminiCli,
        Self::OpenCode,
        Self::QwenCode,
        Self::CopilotCli,
        Self::Sdk,
    ];

    /// Its name in programs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::GeminiCli => "gemini-cli",
            Self::OpenCode => "opencode",
            Self::QwenCode => "qwen-code",
            Self::CopilotCli => "copilot-cli",
            Self::Sdk => "otel-sdk",
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::Codex => "Codex CLI",
            Self::GeminiCli => "Gemini CLI",
            Self::OpenCode => "opencode",
            Self::QwenCode => "Qwen Code",
            Self::CopilotCli => "Copilot CLI",
            Self::Sdk => "OpenTelemetry SDK",
        }
    }

    /// Its program; `None` for what is no program of ours to name.
    pub const fn program(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode => Some("claude"),
            Self::Codex => Some("codex"),
            Self::GeminiCli => Some("gemini"),
            Self::OpenCode => Some("opencode"),
            Self::QwenCode => Some("qwen"),
            Self::CopilotCli => Some("copilot"),
            Self::Sdk => None,
        }
    }

    /// What one should know.
    pub const fn note(self) -> &'static str {
        match self {
            Self::ClaudeCode => {
                "Logs, metrics and spans. Without the last two variables it keeps prompts and tool arguments to itself."
            }
            Self::Codex => {
                "It reads no variable for this. Each address is taken as it stands, so each needs its path."
            }
            Self::GeminiCli | Self::QwenCode => {
                "Logs, metrics and spans, over HTTP; its default is gRPC on 4317."
            }
            Self::OpenCode => {
                "Logs with the variable alone; spans of model calls with the setting in its file, too."
            }
            Self::CopilotCli => "Spans and metrics. Without the last variable it keeps messages to itself.",
            Self::Sdk => {
                "Python, JavaScript, Java, Go and others; also OpenLLMetry, OpenInference, Logfire, LiteLLM and MLflow. gRPC works on 4317."
            }
        }
    }

    /// How it is told to send to `collector` (`http://host:port`).
    pub fn settings(self, collector: &str) -> Settings {
        let at = || collector.to_owned();
        let on = || "1".to_owned();
        match self {
            Self::ClaudeCode => {
                let variables = vec![
                    ("CLAUDE_CODE_ENABLE_TELEMETRY", on()),
                    ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", on()),
                    ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
                    ("OTEL_LOGS_EXPORTER", "otlp".to_owned()),
                    ("OTEL_TRACES_EXPORTER", "otlp".to_owned()),
                    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", at()),
                    ("OTEL_LOG_USER_PROMPTS", on()),
                    ("OTEL_LOG_TOOL_DETAILS", on()),
                ];
                let members: Vec<String> =
                    variables.iter().map(|(name, value)| format!(r#"    "{name}": "{value}""#)).collect();
                let text = format!("{{\n  \"env\": {{\n{}\n  }}\n}}", members.join(",\n"));
                Settings { variables, file: Some(("~/.claude/settings.json", text)) }
            }
            Self::Codex => {
                // The form with `exporter = "otlp-http"` beside a table of that name, as guides have it, is no TOML.
                let lines: Vec<String> =
                    codex(collector).map(|(name, value)| format!("{name} = {value}")).into();
                let text = format!("[otel]\n{}", lines.join("\n"));
                Settings { variables: Vec::new(), file: Some(("~/.codex/config.toml", text)) }
            }
            Self::GeminiCli => Settings {
                variables: gemini("GEMINI", collector),
                file: Some(("~/.gemini/settings.json", gemini_file(collector))),
            },
            Self::QwenCode => {
                let mut variables = gemini("QWEN", collector);
                variables.retain(|(name, _)| !name.ends_with("_TRACES_ENABLED"));
                Settings { variables, file: Some(("~/.qwen/settings.json", gemini_file(collector))) }
            }
            Self::OpenCode => Settings {
                variables: vec![("OTEL_EXPORTER_OTLP_ENDPOINT", at())],
                file: Some((
                    "~/.config/opencode/opencode.json",
                    "{\n  \"experimental\": { \"openTelemetry\": true }\n}".to_owned(),
                )),
            },
            Self::CopilotCli => Settings {
                variables: vec![
                    ("COPILOT_OTEL_ENABLED", "true".to_owned()),
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", at()),
                    ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true".to_owned()),
                ],
                file: None,
            },
            Self::Sdk => Settings {
                variables: vec![
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", at()),
                    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
                    ("OTEL_TRACES_EXPORTER", "otlp".to_owned()),
                    ("OTEL_LOGS_EXPORTER", "otlp".to_owned()),
                    ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
                ],
                file: None,
            },
        }
    }

    /// Arguments before its own that tell it the same for once.
    pub fn arguments(self, collector: &str) -> Vec<String> {
        match self {
            Self::Codex => codex(collector)
                .into_iter()
                .flat_map(|(name, value)| ["-c".to_owned(), format!("otel.{name}={value}")])
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What to type, or to write where.
    pub fn snippet(self, shell: Shell, collector: &str) -> String {
        let Settings { variables, file } = self.settings(collector);
        let mut lines: Vec<String> = variables.iter().map(|(name, value)| shell.set(name, value)).collect();
        // A file that says no more than the variables is another way, and not shown.
        if let Some((path, text)) = file.filter(|_| matches!(self, Self::Codex | Self::OpenCode)) {
            lines.push(format!("# {path}"));
            lines.push(text);
        }
        lines.join("\n")
    }
}

/// What the program at `path` needs to report to `collector`: arguments before its own, and variables. One that is no
/// tool of ours may have an OpenTelemetry SDK.
pub fn needs(path: &str, collector: &str) -> super::Needs {
    let stem = super::stem(path);
    let sender = Sender::ALL.into_iter().find(|sender| sender.program() == Some(stem)).unwrap_or(Sender::Sdk);
    super::Needs { arguments: sender.arguments(collector), variables: sender.settings(collector).variables }
}

/// The variables of every tool that reads some, each once.
pub fn variables(collector: &str) -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = Vec::new();
    for (name, value) in Sender::ALL.into_iter().flat_map(|sender| sender.settings(collector).variables) {
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name, value));
        }
    }
    all
}

/// The keys of Codex's table `[otel]`. It takes an address as it stands.
fn codex(collector: &str) -> [(&'static str, String); 4] {
    let exporter = |signal: &str| {
        format!(r#"{{ otlp-http = {{ endpoint = "{collector}/v1/{signal}", protocol = "binary" }} }}"#)
    };
    [
        ("log_user_prompt", "true".to_owned()),
        ("exporter", exporter("logs")),
        ("trace_exporter", exporter("traces")),
        ("metrics_exporter", exporter("metrics")),
    ]
}

fn gemini(prefix: &'static str, collector: &str) -> Vec<(&'static str, String)> {
    let names = match prefix {
        "QWEN" => [
            "QWEN_TELEMETRY_ENABLED",
            "QWEN_TELEMETRY_TARGET",
            "QWEN_TELEMETRY_OTLP_ENDPOINT",
            "QWEN_TELEMETRY_OTLP_PROTOCOL",
            "QWEN_TELEMETRY_TRACES_ENABLED",
        ],
        _ => [
            "GEMINI_TELEMETRY_ENABLED",
            "GEMINI_TELEMETRY_TARGET",
            "GEMINI_TELEMETRY_OTLP_ENDPOINT",
            "GEMINI_TELEMETRY_OTLP_PROTOCOL",
            "GEMINI_TELEMETRY_TRACES_ENABLED",
        ],
    };
    let values = ["true", "local", collector, "http", "true"].map(str::to_owned);
    names.into_iter().zip(values).collect()
}

fn gemini_file(collector: &str) -> String {
    format!(
        "{{\n  \"telemetry\": {{\n    \"enabled\": true,\n    \"target\": \"local\",\n    \"otlpEndpoint\": \"{collector}\",\n    \"otlpProtocol\": \"http\"\n  }}\n}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLLECTOR: &str = "http://localhost:4318";

    #[test]
    fn every_file_is_what_its_tool_reads() {
        for sender in Sender::ALL {
            let Some((path, text)) = sender.settings(COLLECTOR).file else { continue };
            if path.ends_with(".toml") {
                let table: toml::Table = text.parse().unwrap();
                let endpoint =
                    |name: &str| table["otel"][name]["otlp-http"]["endpoint"].as_str().unwrap().to_owned();
                assert_eq!(endpoint("exporter"), "http://localhost:4318/v1/logs");
                assert_eq!(endpoint("trace_exporter"), "http://localhost:4318/v1/traces");
                assert_eq!(endpoint("metrics_exporter"), "http://localhost:4318/v1/metrics");
                assert_eq!(table["otel"]["trace_exporter"]["otlp-http"]["protocol"].as_str(), Some("binary"));
            } else {
                let file: serde_json::Value = serde_json::from_str(&text).unwrap();
                let told = match sender {
                    Sender::ClaudeCode => &file["env"]["OTEL_EXPORTER_OTLP_ENDPOINT"],
                    Sender::OpenCode => {
                        assert_eq!(file["experimental"]["openTelemetry"], true);
                        continue;
                    }
                    _ => &file["telemetry"]["otlpEndpoint"],
                };
                assert_eq!(told, COLLECTOR, "{path}");
            }
        }
    }

    #[test]
    fn codex_is_told_the_same_on_its_command_line() {
        let arguments = needs("/usr/bin/codex", COLLECTOR).arguments;
        let mut table = String::from("[otel]\n");
        for pair in arguments.chunks(2) {
            assert_eq!(pair[0], "-c");
            table += &format!("{}\n", pair[1].strip_prefix("otel.").unwrap());
        }
        let said: toml::Table = table.parse().unwrap();
        let file: toml::Table = Sender::Codex.settings(COLLECTOR).file.unwrap().1.parse().unwrap();
        assert_eq!(said, file);
    }

    #[test]
    fn variables_are_there_once_and_lead_here() {
        let all = variables(COLLECTOR);
        let mut names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        for (name, value) in &all {
            assert!(!name.ends_with("_ENDPOINT") || value == COLLECTOR, "{name}={value}");
        }
        let claude = needs("claude", COLLECTOR).variables;
        assert_eq!(claude[0].0, "CLAUDE_CODE_ENABLE_TELEMETRY");
        assert_eq!(needs("python3", COLLECTOR).variables, Sender::Sdk.settings(COLLECTOR).variables);
    }

    #[test]
    fn every_snippet_says_where_in_every_shell() {
        for sender in Sender::ALL {
            for shell in Shell::ALL {
                let text = sender.snippet(shell, COLLECTOR);
                assert!(text.contains(COLLECTOR), "{text}");
                assert!(text.matches('\'').count().is_multiple_of(2), "{text}");
            }
        }
    }
}
