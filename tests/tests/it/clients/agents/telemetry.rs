//! The agents with telemetry switched on: what they report is found back, and joined with their calls where those go
//! through us. Leaves out the judging (`clients::telemetry`).

use std::path::Path;
use std::process::Stdio;

use api::ReportSource::{self, Event, Span};
use serde_json::{Value, json};
use tests::{Plan, within};
use tokio::process::Command;

use super::super::bench::Bases;
use super::super::telemetry::{Expected, Session, Stand};
use super::known::{self, Agent};

/// An agent and how it is told to report.
struct Reporting {
    agent: &'static Agent,
    /// What tells its transports apart.
    as_what: &'static str,
    /// Switches its reports on: they go to this base URL.
    switch_on: fn(&mut Command, &Path, &str),
    /// Where it tells of its calls.
    sources: &'static [ReportSource],
    /// It ends before it has told of all of its calls.
    in_part: bool,
}

fn claude(command: &mut Command, collector: &str, protocol: &str) {
    for name in ["METRICS", "LOGS", "TRACES"] {
        command.env(format!("OTEL_{name}_EXPORTER"), "otlp");
    }
    command.env("CLAUDE_CODE_ENABLE_TELEMETRY", "1").env("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector);
    command.env("OTEL_LOG_USER_PROMPTS", "1").env("OTEL_LOG_TOOL_DETAILS", "1");
}

fn codex(home: &Path, collector: &str, protocol: &str) {
    let exporter = |name: &str, signal: &str| {
        format!(
            "[otel.{name}.\"otlp-http\"]\nendpoint = \"{collector}/v1/{signal}\"\nprotocol = \"{protocol}\"\n"
        )
    };
    let settings = format!(
        "[analytics]\nenabled = false\n[otel]\nenvironment = \"test\"\nlog_user_prompt = true\n{}{}{}",
        exporter("exporter", "logs"),
        exporter("trace_exporter", "traces"),
        exporter("metrics_exporter", "metrics"),
    );
    std::fs::write(home.join(".codex/config.toml"), settings).unwrap();
}

/// Adds to a file of settings.
fn add(file: &Path, name: &str, value: Value) {
    let mut settings: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    settings[name] = value;
    std::fs::write(file, settings.to_string()).unwrap();
}

fn local(collector: &str) -> Value {
    json!({
        "enabled": true, "target": "local", "otlpEndpoint": collector, "otlpProtocol": "http", "logPrompts": true,
    })
}

static CLAUDE_CODE: Reporting = Reporting {
    agent: &known::CLAUDE_CODE,
    as_what: "JSON",
    switch_on: |command, _, collector| claude(command, collector, "http/json"),
    sources: &[Span, Event],
    in_part: false,
};
static CLAUDE_CODE_PROTOBUF: Reporting = Reporting {
    as_what: "protobuf",
    switch_on: |command, _, collector| claude(command, collector, "http/protobuf"),
    ..CLAUDE_CODE
};
static CODEX: Reporting = Reporting {
    agent: &known::CODEX,
    as_what: "JSON",
    switch_on: |_, home, collector| codex(home, collector, "json"),
    sources: &[Event],
    in_part: false,
};
static CODEX_PROTOBUF: Reporting = Reporting {
    as_what: "protobuf",
    switch_on: |_, home, collector| codex(home, collector, "binary"),
    ..CODEX
};
static GEMINI_CLI: Reporting = Reporting {
    agent: &known::GEMINI_CLI,
    as_what: "JSON",
    switch_on: |_, home, collector| add(&home.join(".gemini/settings.json"), "telemetry", local(collector)),
    sources: &[Event],
    in_part: false,
};
static QWEN_CODE: Reporting = Reporting {
    agent: &known::QWEN_CODE,
    as_what: "JSON",
    switch_on: |_, home, collector| add(&home.join(".qwen/settings.json"), "telemetry", local(collector)),
    sources: &[Event],
    in_part: false,
};
static OPENCODE: Reporting = Reporting {
    agent: &known::OPENCODE,
    as_what: "JSON",
    switch_on: |command, home, collector| {
        let settings = home.join(".config/opencode/opencode.json");
        add(&settings, "experimental", json!({"openTelemetry": true}));
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector).env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    },
    sources: &[Span],
    in_part: true,
};

impl Reporting {
    async fn go(&self) {
        let tool = Some(super::owned(self.agent.tool));
        let plan = Plan { tool, ..Plan::default() };
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        for through in [false, true] {
            let stand = Stand::new(&plan).await;
            let address = if through { stand.app.proxy } else { stand.mock.address() };
            self.run(&Bases::at(address, through), &home, &stand.collector()).await;
            let calls = stand.answered(&plan).await;
            let name = self.agent.name;
            assert!(!calls.is_empty(), "{name}: it asked a model");
            let what = format!("{name}, {}{}", self.as_what, if through { ", proxied" } else { "" });
            let (client, sources) = (Some(self.agent.key), self.sources);
            let (session, types, in_part) = (Session::Some, &[][..], self.in_part);
            stand
                .judge(Expected { what: &what, through, client, session, types, calls, in_part, sources })
                .await;
        }
    }

    async fn run(&self, bases: &Bases, home: &Path, collector: &str) {
        let _not_there_yet = std::fs::remove_dir_all(home);
        let project = home.join("project");
        std::fs::create_dir_all(&project).unwrap();
        let mut command = (self.agent.command)(bases, home);
        (self.switch_on)(&mut command, home, collector);
        command.current_dir(&project).stdin(Stdio::null()).kill_on_drop(true);
        let output = within(self.agent.name, command.output()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.contains("forty-two"),
            "{}: {said}{}",
            self.agent.name,
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

macro_rules! reporting {
    ($($test:ident: $agent:ident;)*) => {$(
        #[tokio::test]
        #[ignore = "needs real clients: cargo xtask test --clients DIR"]
        async fn $test() {
            $agent.go().await;
        }
    )*};
}

reporting! {
    claude_code_reports: CLAUDE_CODE;
    claude_code_reports_in_protobuf: CLAUDE_CODE_PROTOBUF;
    codex_reports: CODEX;
    codex_reports_in_protobuf: CODEX_PROTOBUF;
    gemini_cli_reports: GEMINI_CLI;
    qwen_code_reports: QWEN_CODE;
    opencode_reports: OPENCODE;
}
