//! OpenAI's SDKs and what builds on them, pointed at providers with another dialect: one script, and what its user gets has to agree with what
//! OpenAI itself would have given.

use std::process::Stdio;

use api::CallState;
use serde_json::Value;
use tests::{App, Fault, Mock, Plan, Received, Step, Tokens, contains, wait_until, within};
use tokio::process::Command;

use super::{installed, script, table};

/// The prefixes of providers whose calls are translated.
const PREFIXES: [&str; 3] = ["/anthropic/v1", "/gemini/v1", "/cohere/v1"];

fn owned(name: &str, arguments: &str) -> Option<(String, String)> {
    Some((name.to_owned(), arguments.to_owned()))
}

/// What the mock says to the case that the prompt names.
fn plan(received: &Received) -> Plan {
    let is = |case: &str| contains(&received.body, format!("case:{case}").as_bytes());
    let cohere = received.path().ends_with("/v2/chat");
    let tokens = Plan::default().tokens;
    // Cohere does not say how many of its tokens are thoughts.
    let reasoning = if cohere { 0 } else { 40 };
    match () {
        () if is("tools") => Plan {
            tool: owned("get_weather", r#"{"city":"Köln"}"#),
            then: owned("get_time", r#"{"zone":"CET"}"#),
            ..Plan::default()
        },
        () if is("parallel") => Plan {
            tool: owned("get_weather", r#"{"city":"Köln"}"#),
            also: owned("get_time", r#"{"zone":"CET"}"#),
            ..Plan::default()
        },
        () if is("schema") => Plan { text: r#"{"city":"Köln","degrees":21}"#.to_owned(), ..Plan::default() },
        () if is("reasoning") => Plan {
            thinking: "First I look at the sky.".to_owned(),
            tokens: Tokens { reasoning, ..tokens },
            ..Plan::default()
        },
        () if is("error") => Plan { fault: Fault::Status(429), ..Plan::default() },
        () if is("midway") => Plan { fault: Fault::ErrorEvent, ..Plan::default() },
        () => Plan::default(),
    }
}

async fn go(client: &str, mut command: Command, prefixes: &[&str]) {
    let mock = Mock::start().await;
    mock.answer(|received| {
        let mut answer = plan(received).answer(received);
        if contains(&received.body, b"case:cancel") {
            // Some pieces come, and then nothing until the client leaves.
            answer.steps.insert(4, Step::Gate);
        }
        answer
    });
    let app = App::start(mock.address()).await;
    let home = tempfile::tempdir().unwrap();
    command
        .env_clear()
        .env("HOME", home.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.arg(format!("http://{}", app.proxy)).args(prefixes);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let output = within("the script", child.wait_with_output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("the script said {said:?}"));
    assert_eq!(report["differences"], serde_json::json!([]), "{client}");
    let cases = report["cases"].as_u64().unwrap();
    assert_eq!(report["compared"].as_u64().unwrap(), cases * prefixes.len() as u64);
    // Whoever left in the middle reached every upstream.
    wait_until("every cancelled stream", async || {
        let exchanges = mock.exchanges();
        let mut cancelled =
            exchanges.iter().filter(|exchange| contains(&exchange.received.body, b"case:cancel"));
        cancelled.all(|exchange| exchange.sent.as_ref().is_some_and(|sent| sent.client_left)).then_some(())
    })
    .await;
    let asked = mock.exchanges().len();
    let recorded = app.recorded(asked).await;
    assert!(recorded.iter().all(|call| call.state != CallState::Unreachable));
    table(&format!(
        "| {client}, translated | {asked} | {} | 0 | {} | 0 |\n",
        report["compared"],
        recorded.len()
    ));
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn python_translated() {
    let mut command = Command::new(installed("py-sdk/bin/python"));
    command.arg(script("translation.py")).arg("openai");
    go("OpenAI SDK (Python)", command, &PREFIXES).await;
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn langchain_translated() {
    let mut command = Command::new(installed("py-sdk/bin/python"));
    command.arg(script("translation.py")).arg("langchain");
    go("LangChain", command, &PREFIXES).await;
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn javascript_translated() {
    let mut command = Command::new("node");
    command.arg(script("translation.mjs")).arg(installed("js-sdk/node_modules"));
    go("OpenAI SDK and Vercel AI (JavaScript)", command, &PREFIXES).await;
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn aider_translated() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let models = ["gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-flash", "command-a-03-2025"];
    for (prefix, model) in ["/v1"].into_iter().chain(PREFIXES).zip(models) {
        for flag in ["--stream", "--no-stream"] {
            let home = tempfile::tempdir().unwrap();
            let mut command = Command::new(installed("py-aider/bin/aider"));
            command.env_clear().env("HOME", home.path()).current_dir(home.path());
            command
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .env("LANG", "C.UTF-8")
                .env("TERM", "dumb");
            command.env("AIDER_ANALYTICS", "false").env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
            command.args([
                "--model",
                &format!("openai/{model}"),
                "--openai-api-key",
                "sk-test-0123456789abcdef",
                flag,
            ]);
            command.args([
                "--openai-api-base",
                &format!("http://{}{prefix}", app.proxy),
                "--message",
                "What is the answer?",
            ]);
            command.args([
                "--no-git",
                "--yes-always",
                "--no-check-update",
                "--analytics-disable",
                "--no-pretty",
            ]);
            command.args(["--no-show-model-warnings", "--no-show-release-notes", "--no-fancy-input"]);
            let child =
                command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
            let output = within("aider", child.wait_with_output()).await.unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success() && said.contains("the answer is forty-two"),
                "{prefix} {flag}: {said}"
            );
        }
    }
    let asked = mock.exchanges().len();
    let recorded = app.recorded(asked).await;
    assert!(recorded.iter().all(|call| call.state == CallState::Complete));
    table(&format!("| Aider, translated | {asked} | {asked} | 0 | {} | 0 |\n", recorded.len()));
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn python_responses() {
    let mut command = Command::new(installed("py-sdk/bin/python"));
    command.arg(script("responses.py")).arg("openai");
    go("OpenAI SDK, Responses (Python)", command, &PREFIXES).await;
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn langchain_responses() {
    let mut command = Command::new(installed("py-sdk/bin/python"));
    command.arg(script("responses.py")).arg("langchain");
    go("LangChain, Responses", command, &PREFIXES).await;
}

/// A turn of Codex that runs a command, for each provider. Its web search runs at OpenAI, so that it is switched off.
#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn codex_translated() {
    let mock = Mock::start().await;
    mock.follow(Plan { tool: owned("exec_command", r#"{"cmd":"echo mocked"}"#), ..Plan::default() });
    let app = App::start(mock.address()).await;
    let models = ["claude-sonnet-4-5", "gemini-3-pro-preview", "command-a-03-2025"];
    for (prefix, model) in PREFIXES.into_iter().zip(models) {
        let home = tempfile::tempdir().unwrap();
        let settings = format!(
            "model = \"{model}\"\nmodel_provider = \"local\"\nweb_search = \"disabled\"\n[model_providers.local]\n\
             name = \"local\"\nbase_url = \"http://{}{prefix}\"\nenv_key = \"LOCAL_KEY\"\nwire_api = \"responses\"\n\
             request_max_retries = 0\nstream_max_retries = 0\n[analytics]\nenabled = false\n",
            app.proxy
        );
        let folder = home.path().join(".codex");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.toml"), settings).unwrap();
        let mut command = Command::new(installed("js-codex/node_modules/.bin/codex"));
        command.env_clear().env("HOME", home.path()).env("CODEX_HOME", &folder).current_dir(home.path());
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LOCAL_KEY", "sk-test-0123456789abcdef");
        command.args(["exec", "--skip-git-repo-check", "--json", "-s", "danger-full-access", "Run it."]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let output = within("codex", child.wait_with_output()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("\"aggregated_output\":\"mocked\\n\""), "{prefix}: the command ran: {said}");
        assert!(
            said.contains("the answer is forty-two") && said.contains("turn.completed"),
            "{prefix}: {said}"
        );
    }
    let asked = mock.exchanges().len();
    let recorded = app.recorded(asked).await;
    assert!(recorded.iter().all(|call| call.state == CallState::Complete));
    table(&format!("| Codex, translated | {asked} | {asked} | 0 | {} | 0 |\n", recorded.len()));
}
