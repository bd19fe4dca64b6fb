//! The coding agents themselves, headless, each with an empty home: they make requests of their own accord, and retry.
//!
//! A fault befalls the first request that offers tools, and no other: how often an agent asks again, and when it gives
//! up, is decided by its own clock.

mod connect;
mod known;
mod sockets;
mod telemetry;

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tests::{Exchange, Fault, Mock, Plan, Received, within};
use tokio::process::Command;

use super::bench::{Bases, Bench};
use super::score::{Expected, scenarios};
use known::Agent;

/// Runs the agent once; what its user sees.
async fn run(agent: &Agent, bases: &Bases, home: &Path) -> Value {
    // The same path each time, since it stands in the prompt, and nothing in it.
    let _not_there_yet = std::fs::remove_dir_all(home);
    let project = home.join("project");
    std::fs::create_dir_all(&project).unwrap();
    std::fs::write(project.join("README.md"), "# A demo\n").unwrap();
    let mut command = (agent.command)(bases, home);
    command.current_dir(&project).stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
    let child = command.kill_on_drop(true).process_group(0).spawn().unwrap();
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).unwrap()));
    let output = within(agent.name, child.wait_with_output()).await.unwrap();
    // Some leave helpers behind.
    let _gone_already = group.map(|group| kill_process_group(group, Signal::KILL));
    let said = String::from_utf8_lossy(&output.stdout);
    if std::env::var_os("LLMFLOW_CLIENTS_VERBOSE").is_some() {
        println!("{}: {:?}\n{said}\n{}", agent.name, output.status, String::from_utf8_lossy(&output.stderr));
    }
    json!({"code": output.status.code(), "said": (agent.said)(&said)})
}

/// A command with nothing of the caller's environment but the path.
pub(super) fn bare(mut command: Command, home: &Path) -> Command {
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in [
        ("LANG", "C.UTF-8"),
        ("TERM", "dumb"),
        ("CI", "1"),
        ("NO_COLOR", "1"),
        ("TZ", "UTC"),
        ("SHELL", "/bin/bash"),
    ] {
        command.env(name, value);
    }
    command
}

/// The agent's own turn, and not a title or a summary beside it.
fn is_turn(agent: &Agent, received: &Received) -> bool {
    received.method() == "POST" && tests::contains(&received.body, agent.turn.as_bytes())
}

/// The mock follows `plan`; its fault befalls the first turn only.
fn begin(mock: &Mock, agent: &'static Agent, plan: &Plan) {
    let good = Plan { fault: Fault::None, ..plan.clone() };
    let (plan, befell) = (plan.clone(), AtomicBool::new(plan.fault == Fault::None));
    mock.answer(move |received| {
        let first = is_turn(agent, received) && !befell.swap(true, Ordering::Relaxed);
        if first { plan.answer(received) } else { good.answer(received) }
    });
}

async fn go(agent: &'static Agent) {
    let only = std::env::var("LLMFLOW_CLIENTS_ONLY").ok();
    let mut bench = Bench::new().await;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    for (name, plan) in scenarios(agent.tool) {
        if only.as_deref().is_some_and(|only| only != name) || agent.spared.contains(&name) {
            continue;
        }
        let what = format!("{}, {name}", agent.name);
        let plan = Plan { then: plan.tool.is_some().then(|| agent.last.map(owned)).flatten(), ..plan };
        let plan = match agent.last {
            Some(last) if plan.tool.is_none() => Plan { tool: Some(owned(last)), ..plan },
            _ => plan,
        };
        let good = Plan { fault: Fault::None, ..plan.clone() };
        let befell = AtomicBool::new(plan.fault == Fault::None);
        let followed = |exchange: &Exchange| match is_turn(agent, &exchange.received) {
            true if !befell.swap(true, Ordering::Relaxed) => plan.clone(),
            _ => good.clone(),
        };
        let by_chance = plan.fault == Fault::Disconnect;
        let expected =
            Expected { client: Some(agent.key), session: agent.session, plan: &followed, by_chance };
        let begin = |mock: &Mock| begin(mock, agent, &plan);
        let mut client = async |bases: &Bases| run(agent, bases, &home).await;
        let outcome = bench.both(&what, agent.prefix, begin, &mut client, &expected).await;
        let content = outcome["said"].to_string().contains("forty-two");
        // Gemini's SDK, for one, stumbles over comments by itself.
        assert!(content || !matches!(name, "plain" | "tool"), "{what}: the mock satisfies it: {outcome}");
    }
    bench.score.finish(agent.name);
}

fn owned((name, arguments): (&str, &str)) -> (String, String) {
    (name.to_owned(), arguments.to_owned())
}

macro_rules! agents {
    ($($test:ident: $agent:ident;)*) => {$(
        #[tokio::test]
        #[ignore = "needs real clients: cargo xtask test --clients DIR"]
        async fn $test() {
            go(&known::$agent).await;
        }
    )*};
}

agents! {
    claude_code: CLAUDE_CODE;
    codex: CODEX;
    gemini_cli: GEMINI_CLI;
    opencode: OPENCODE;
    aider: AIDER;
    cline: CLINE;
    continue_cli: CONTINUE;
    qwen_code: QWEN_CODE;
}
