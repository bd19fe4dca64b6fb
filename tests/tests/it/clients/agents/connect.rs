//! Each agent pointed at us in the very words of `api::connect`: its calls arrive and bear its name.

use std::path::Path;
use std::process::Stdio;

use api::connect::{Shell, Tool, Way, proxy_at};
use tests::{App, Mock, Plan, within};
use tokio::process::Command;

use super::super::installed;
use super::bare;

const KEY: &str = "sk-test-0123456789abcdef";

/// How an agent is started once it is pointed at us.
struct Start {
    tool: Tool,
    /// The folder with its program.
    folder: &'static str,
    arguments: &'static str,
    /// Files that it needs: below the home folder, with their text.
    files: &'static [(&'static str, &'static str)],
    /// Variables that it needs.
    variables: &'static [(&'static str, &'static str)],
}

const STARTS: &[Start] = &[
    Start {
        tool: Tool::ClaudeCode,
        folder: "js-claude/node_modules/.bin",
        arguments: "-p hello --model claude-sonnet-4-5-20250929",
        files: &[],
        variables: &[("DISABLE_AUTOUPDATER", "1"), ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")],
    },
    Start {
        tool: Tool::ClaudeCodeOnBedrock,
        folder: "js-claude/node_modules/.bin",
        arguments: "-p hello",
        files: &[],
        variables: &[("DISABLE_AUTOUPDATER", "1"), ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")],
    },
    Start {
        tool: Tool::Codex,
        folder: "js-codex/node_modules/.bin",
        arguments: "exec --skip-git-repo-check -m gpt-5 hello",
        files: &[],
        variables: &[("CODEX_API_KEY", KEY)],
    },
    Start {
        tool: Tool::GeminiCli,
        folder: "js-gemini/node_modules/.bin",
        arguments: "-p hello -m gemini-2.5-flash --skip-trust",
        files: &[(
            ".gemini/settings.json",
            r#"{"security":{"auth":{"selectedType":"gemini-api-key"}},"privacy":{"usageStatisticsEnabled":false}}"#,
        )],
        variables: &[("NO_BROWSER", "1")],
    },
    Start {
        tool: Tool::Aider,
        folder: "py-aider/bin",
        arguments: "--model gpt-4o-mini --message hello --no-git --yes-always --no-check-update --analytics-disable --no-pretty",
        files: &[],
        variables: &[("LITELLM_LOCAL_MODEL_COST_MAP", "True")],
    },
    Start {
        tool: Tool::OpenCode,
        folder: "js-opencode/node_modules/.bin",
        arguments: "run --model openai/gpt-5 hello",
        files: &[],
        variables: &[
            ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
            ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
            ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
            ("OPENCODE_DISABLE_DEFAULT_PLUGINS", "1"),
        ],
    },
    Start {
        tool: Tool::QwenCode,
        folder: "js-qwen/node_modules/.bin",
        arguments: "-p hello",
        files: &[(
            ".qwen/settings.json",
            r#"{"security":{"auth":{"selectedType":"openai"}},"privacy":{"usageStatisticsEnabled":false}}"#,
        )],
        variables: &[("OPENAI_MODEL", "gpt-4o-mini")],
    },
    Start {
        tool: Tool::Cline,
        folder: "js-cline/node_modules/.bin",
        arguments: "--json -y 'hello there'",
        files: &[],
        variables: &[("CLINE_TELEMETRY_DISABLED", "1")],
    },
    Start {
        tool: Tool::Continue,
        folder: "js-continue/node_modules/.bin",
        arguments: "--config $HOME/.continue/config.yaml -p hello",
        files: &[],
        variables: &[("CONTINUE_TELEMETRY_ENABLED", "0")],
    },
];

impl Start {
    /// The agent runs `script` in bash; its exit code and everything it printed.
    async fn run(&self, script: &str, home: &Path) -> (Option<i32>, String) {
        let project = home.join("project");
        std::fs::create_dir_all(&project).unwrap();
        for (path, text) in self.files {
            let path = home.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let programs = installed(self.folder);
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = bare(Command::new("bash"), home);
        command
            .args(["-c", script])
            .current_dir(&project)
            .env("PATH", format!("{}:{path}", programs.display()));
        command.env(self.tool.key_variable(), KEY).envs(self.variables.iter().copied());
        let process = command.stdin(Stdio::null()).kill_on_drop(true).output();
        let output = within(self.tool.name(), process).await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// The words for bash, then the agent's own command.
    fn script(&self, proxy: &str, home: &Path) -> String {
        let program = self.tool.program().unwrap();
        if let Way::File { path, .. } = self.tool.way(proxy) {
            let file = home.join(path.trim_start_matches("~/"));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, self.tool.snippet(Shell::Posix, proxy, Some(KEY))).unwrap();
            return format!("{program} {}", self.arguments);
        }
        let setup = self.tool.setup(Shell::Posix, proxy);
        format!("shopt -s expand_aliases\n{setup}{program} {}", self.arguments)
    }
}

/// The agent was content, and everything it asked for came through us under its name.
async fn check(what: &str, tool: Tool, (code, said): (Option<i32>, String), mock: &Mock, app: &App) {
    assert_eq!(code, Some(0), "{what}: {said}");
    assert!(said.contains("forty-two"), "{what}: {said}");
    let asked = mock.take().len();
    let calls = app.recorded(asked).await;
    // On Bedrock it is the same program.
    let name = if tool == Tool::ClaudeCodeOnBedrock { Tool::ClaudeCode.key() } else { tool.key() };
    let named = calls.iter().filter(|call| call.client.as_deref() == Some(name)).count();
    assert!(named > 0, "{what}: none of its {asked} calls bears its name");
    println!("{what}: {asked} calls");
}

async fn go(tool: Tool) {
    let start = STARTS.iter().find(|start| start.tool == tool).unwrap();
    let mock = Mock::start().await;
    // Words end it like any other, but for Cline.
    let last = ("submit_and_exit".to_owned(), r#"{"summary":"Done: forty-two.","verified":true}"#.to_owned());
    mock.follow(Plan { tool: (tool == Tool::Cline).then_some(last), ..Plan::default() });
    let app = App::start(mock.address()).await;
    let proxy = proxy_at(app.proxy.port());
    let home = tempfile::tempdir().unwrap();
    let script = start.script(&proxy, home.path());
    let outcome = start.run(&script, home.path()).await;
    check(&format!("{}, as Connect says", tool.name()), tool, outcome, &mock, &app).await;
}

macro_rules! connects {
    ($($test:ident: $tool:ident;)*) => {$(
        #[tokio::test]
        #[ignore = "needs real clients: cargo xtask test --clients DIR"]
        async fn $test() {
            go(Tool::$tool).await;
        }
    )*};
}

connects! {
    claude_code: ClaudeCode;
    claude_code_on_bedrock: ClaudeCodeOnBedrock;
    codex: Codex;
    gemini_cli: GeminiCli;
    aider: Aider;
    opencode: OpenCode;
    qwen_code: QwenCode;
    cline: Cline;
    continue_cli: Continue;
}
