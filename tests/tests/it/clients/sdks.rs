//! The official SDKs of OpenAI, Anthropic and Google, in Python and in JavaScript, driven by our scripts.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tests::{App, Fault, Mock, within};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::score::{Score, scenarios};
use super::{installed, script};

/// The APIs, with what stands before them here.
const APIS: &[(&str, &str)] =
    &[("chat", ""), ("responses", ""), ("messages", "/anthropic"), ("gemini", "/gemini")];

/// A script under way.
struct Driver {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    fn start(mut command: Command, home: &Path) -> Self {
        command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { input: process.stdin.take().unwrap(), output, _process: process }
    }

    /// Makes one call; what the SDK's user sees of it.
    async fn call(&mut self, api: &str, root: &str, stream: bool) -> Value {
        let line = format!("{}\n", json!({"api": api, "root": root, "stream": stream}));
        self.input.write_all(line.as_bytes()).await.unwrap();
        let outcome = within("the SDK's call", self.output.next_line()).await.unwrap();
        serde_json::from_str(&outcome.expect("the script goes on")).unwrap()
    }
}

async fn go(client: &str, command: Command) {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let home = tempfile::tempdir().unwrap();
    let mut driver = Driver::start(command, home.path());
    let mut score = Score::default();
    let mut recorded = 0;
    for (api, prefix) in APIS {
        for stream in [false, true] {
            for (name, plan) in scenarios(("get_weather", r#"{"city":"Köln"}"#)) {
                // These two befall streams only.
                if !stream && matches!(plan.fault, Fault::Truncate | Fault::ErrorEvent) {
                    continue;
                }
                let what = format!("{client} {api}, stream {stream}, {name}");
                mock.follow(plan.clone());
                mock.take();
                let straight = driver.call(api, &format!("http://{}", mock.address()), stream).await;
                mock.ended(1).await;
                let direct = mock.take();
                let outcome = driver.call(api, &format!("http://{}{prefix}", app.proxy), stream).await;
                mock.ended(1).await;
                let through = mock.take();
                score.calls += 1;
                score.same(&format!("{what}: outcome"), &straight, &outcome);
                let content = straight["text"] == plan.text;
                assert!(
                    content || !matches!(name, "plain" | "tool"),
                    "{what}: the mock satisfies the SDK: {straight}"
                );
                score.exchanges(&what, &direct, &through);
                score
                    .record(&what, &app, recorded, &through, &plan, content && plan.fault == Fault::None)
                    .await;
                recorded += through.len();
            }
        }
    }
    score.finish(client);
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn python_sdks() {
    let mut command = Command::new(installed("py-sdk/bin/python"));
    command.arg(script("sdk.py"));
    go("Python SDKs", command).await;
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn javascript_sdks() {
    let mut command = Command::new("node");
    command.arg(script("sdk.mjs")).arg(installed("js-sdk/node_modules"));
    go("JavaScript SDKs", command).await;
}
