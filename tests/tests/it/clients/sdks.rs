//! SDKs in Python and in JavaScript, driven by our scripts.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tests::{Fault, Plan, Tokens, within};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::bench::{Bases, Bench, always};
use super::score::{Expected, scenarios};
use super::{installed, script};

/// An SDK, its APIs, and for each what stands before it here and its name in our record.
struct Sdk {
    name: &'static str,
    apis: &'static [(&'static str, &'static str, &'static str)],
    /// Whether the upstream counts cached tokens.
    caches: bool,
}

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

async fn go(language: &str, sdk: &Sdk, command: Command) {
    let mut bench = Bench::new().await;
    let home = tempfile::tempdir().unwrap();
    let mut driver = Driver::start(command, home.path());
    let label = format!("{} ({language})", sdk.name);
    for (api, prefix, client) in sdk.apis {
        for stream in [false, true] {
            for (name, plan) in scenarios(("get_weather", r#"{"city":"Köln"}"#)) {
                // These two befall streams only.
                if !stream && matches!(plan.fault, Fault::Truncate | Fault::ErrorEvent) {
                    continue;
                }
                let cache_read = if sdk.caches { plan.tokens.cache_read } else { 0 };
                let plan = Plan { tokens: Tokens { cache_read, ..plan.tokens }, ..plan };
                let what = format!("{label} {api}, stream {stream}, {name}");
                let followed = always(&plan);
                let expected =
                    Expected { client: Some(*client), session: |_| None, plan: &followed, by_chance: false };
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
    bench.score.finish(&label);
}

async fn python(sdk: &Sdk) {
    let mut command = Command::new(installed("py-sdk/bin/python"));
    command.arg(script("sdk.py")).arg(sdk.name);
    go("Python", sdk, command).await;
}

async fn javascript(sdk: &Sdk) {
    let mut command = Command::new("node");
    command.arg(script("sdk.mjs")).arg(installed("js-sdk/node_modules")).arg(sdk.name);
    go("JavaScript", sdk, command).await;
}

macro_rules! sdks {
    ($($test:ident: $language:ident $name:literal, caches $caches:literal, $apis:expr;)*) => {$(
        #[tokio::test]
        #[ignore = "needs real clients: cargo xtask test --clients DIR"]
        async fn $test() {
            $language(&Sdk { name: $name, caches: $caches, apis: &$apis }).await;
        }
    )*};
}

sdks! {
    python_openai: python "openai", caches true,
        [("chat", "", "openai-python"), ("responses", "", "openai-python")];
    python_anthropic: python "anthropic", caches true, [("messages", "/anthropic", "anthropic-python")];
    python_google: python "google-genai", caches true, [("gemini", "/gemini", "google-genai-python")];
    python_litellm: python "litellm", caches true,
        // Over OpenAI's own SDK.
        [("chat", "", "openai-python"), ("messages", "/anthropic", "litellm"), ("gemini", "/gemini", "litellm")];
    python_langchain: python "langchain", caches true,
        [
            // These two say nothing of LangChain.
            ("chat", "", "openai-python"), ("responses", "", "openai-python"),
            ("messages", "/anthropic", "langchain"), ("gemini", "/gemini", "langchain"),
        ];
    python_ollama: python "ollama", caches false, [("ollama", "/ollama", "ollama-python")];
    python_mistral: python "mistralai", caches true, [("chat", "/mistral", "mistral-python")];
    python_cohere: python "cohere", caches false, [("cohere", "/cohere", "cohere")];
    python_groq: python "groq", caches true, [("chat", "/groq", "groq-python")];
    javascript_openai: javascript "openai", caches true,
        [("chat", "", "openai-js"), ("responses", "", "openai-js")];
    javascript_anthropic: javascript "@anthropic-ai/sdk", caches true, [("messages", "/anthropic", "anthropic-js")];
    javascript_google: javascript "@google/genai", caches true, [("gemini", "/gemini", "google-genai-js")];
    javascript_ai: javascript "ai", caches true,
        [
            ("ai-chat", "", "vercel-ai-sdk"), ("ai-responses", "", "vercel-ai-sdk"),
            ("ai-messages", "/anthropic", "vercel-ai-sdk"), ("ai-gemini", "/gemini", "vercel-ai-sdk"),
        ];
}
