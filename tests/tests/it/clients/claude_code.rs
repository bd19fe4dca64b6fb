//! Claude Code itself, headless, with an empty home: it makes several requests of its own accord, and retries.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tests::{App, Fault, Mock, within};
use tokio::process::Command;

use super::installed;
use super::normal::normal;
use super::score::{Score, scenarios};

/// Runs Claude Code once against `root`; what its user sees, without times and ids.
async fn run(root: &str, home: &Path) -> Value {
    // The same path each time, since it stands in the prompt, and nothing in it.
    let _not_there_yet = std::fs::remove_dir_all(home);
    std::fs::create_dir(home).unwrap();
    let mut command = Command::new(installed("js-claude/node_modules/.bin/claude"));
    command.args(["-p", "Say hello.", "--output-format", "json", "--model", "claude-sonnet-4-5-20250929"]);
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("ANTHROPIC_BASE_URL", root).env("ANTHROPIC_API_KEY", "sk-ant-test-0123456789abcdef");
    command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1").env("CLAUDE_CODE_MAX_RETRIES", "1");
    command.current_dir(home).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = within("Claude Code", command.output()).await.unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let mut seen = serde_json::json!({"code": output.status.code()});
    for name in ["is_error", "num_turns", "result", "total_cost_usd", "api_error_status"] {
        seen[name] = said[name].clone();
    }
    seen
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn claude_code() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let mut score = Score::default();
    let mut recorded = 0;
    for (name, plan) in scenarios(("Bash", r#"{"command":"echo hi","description":"Says hi"}"#)) {
        let what = format!("Claude Code, {name}");
        mock.follow(plan.clone());
        mock.take();
        let straight = run(&format!("http://{}", mock.address()), &home).await;
        let direct = mock.take();
        let outcome = run(&format!("http://{}/passthrough/anthropic", app.proxy), &home).await;
        let through = mock.take();
        score.calls += 1;
        let content = straight["result"] == plan.text;
        assert!(content || plan.fault != Fault::None, "{what}: the mock satisfies it: {straight}");
        let shown = |outcome: &Value| normal(outcome.to_string().as_bytes());
        score.same(&format!("{what}: outcome"), &shown(&straight), &shown(&outcome));
        score.exchanges(&what, &direct, &through);
        score.record(&what, &app, recorded, &through, &plan, content && plan.fault == Fault::None).await;
        recorded += through.len();
    }
    score.finish("Claude Code");
}
