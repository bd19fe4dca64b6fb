//! The official SDKs of OpenAI, Anthropic and Google, in Python and in JavaScript, driven by our scripts.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tests::{Fault, within};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::bench::{Bases, Bench, always};
use super::score::{Expected, scenarios};
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
    let mut bench = Bench::new().await;
    let home = tempfile::tempdir().unwrap();
    let mut driver = Driver::start(command, home.path());
    for (api, prefix) in APIS {
        for stream in [false, true] {
            for (name, plan) in scenarios(("get_weather", r#"{"city":"Köln"}"#)) {
                // These two befall streams only.
                if !stream && matches!(plan.fault, Fault::Truncate | Fault::ErrorEvent) {
                    continue;
                }
                let what = format!("{client} {api}, stream {stream}, {name}");
                let followed = always(&plan);
                let expected = Expected { client: None, session: |_| None, plan: &followed };
                let mut call = async |bases: &Bases| driver.call(api, &bases.below(prefix), stream).await;
                let outcome =
                    bench.both(&what, prefix, |mock| mock.follow(plan.clone()), &mut call, &expected).await;
                let content = outcome["text"] == plan.text;
                assert!(
                    content || !matches!(name, "plain" | "tool"),
                    "{what}: the mock satisfies the SDK: {outcome}"
                );
            }
        }
    }
    bench.score.finish(client);
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
