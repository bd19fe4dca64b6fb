//! `llmflow status`: what runs, from the lock of the data folder and the health it answers.

use std::process::ExitCode;

use api::{SourceState, SourceStatus};
use engine::{Instance, Settings, running_instance};
use serde_json::{Value, json};
use server::Remote;

use crate::print::say;

/// What to say when nothing runs on the data folder.
pub(crate) fn not_running(settings: &Settings) -> String {
    format!("LLMFlow does not run on {}. Start it with: llmflow serve", settings.data_dir.display())
}

/// What to say while it stops, when it answers no questions any more.
pub(crate) fn is_stopping(instance: &Instance) -> String {
    format!(
        "LLMFlow (process {}) is stopping: calls under way may finish, then everything is stored",
        instance.pid
    )
}

/// Prints the status. Exits with 0 when LLMFlow runs, with 3 when it does not.
pub(crate) async fn status(settings: &Settings, json: bool) -> ExitCode {
    let Some(instance) = running_instance(&settings.data_dir) else {
        if json {
            say(format_args!("{}", json!({"running": false, "data_dir": settings.data_dir})));
        } else {
            say(format_args!("{}", not_running(settings)));
        }
        return ExitCode::from(3);
    };
    // Who does not prove to be the one that holds the folder is not shown.
    let health = match Remote::of(&settings.data_dir, &instance).await {
        Some(remote) => remote.health().await.unwrap_or_default(),
        None => Value::Null,
    };
    if !json && instance.stopping {
        say(format_args!("{}.", is_stopping(&instance)));
        return ExitCode::SUCCESS;
    }
    if json {
        say(format_args!("{}", json!({"running": true, "instance": instance, "health": health})));
        return ExitCode::SUCCESS;
    }
    say(format_args!("LLMFlow runs as process {} on {}", instance.pid, settings.data_dir.display()));
    say(format_args!("Proxy      {}", proxy(instance.proxy_port, &health)));
    match instance.dashboard_port {
        0 => say("Dashboard  off"),
        port => say(format_args!("Dashboard  http://localhost:{port}")),
    }
    say(format_args!("OTLP       {}", otlp(&instance, &health)));
    if health.is_null() {
        say("It does not answer on its dashboard port.");
        return ExitCode::SUCCESS;
    }
    print_calls(&health);
    for problem in health.get("problems").and_then(Value::as_array).into_iter().flatten() {
        say(format_args!("Problem    {}", problem.as_str().unwrap_or_default()));
    }
    ExitCode::SUCCESS
}

/// How OTLP's listeners are.
fn otlp(instance: &Instance, health: &Value) -> String {
    let ports =
        [("HTTP", "otlp_http", instance.otlp_http_port), ("gRPC", "otlp_grpc", instance.otlp_grpc_port)];
    let lines = ports.map(|(over, name, port)| match (port, state(name, health)) {
        (0, _) | (_, Some(SourceState::Stopped)) => format!("over {over} off"),
        (port, Some(SourceState::Failed { .. })) => format!("over {over} does not listen on port {port}"),
        (port, Some(SourceState::Paused { .. })) => format!("http://localhost:{port} over {over} (paused)"),
        (port, Some(SourceState::Running { .. }) | None) => format!("http://localhost:{port} over {over}"),
    });
    lines.join(", ")
}

fn state(name: &str, health: &Value) -> Option<SourceState> {
    let sources = health.get("sources").cloned().unwrap_or_default();
    let sources: Vec<SourceStatus> = serde_json::from_value(sources).unwrap_or_default();
    sources.into_iter().find(|source| source.name == name).map(|source| source.state)
}

/// How the proxy is, as far as somebody answers.
fn proxy(port: u16, health: &Value) -> String {
    match (port, state("proxy", health)) {
        (0, _) | (_, Some(SourceState::Stopped)) => "off".to_owned(),
        (port, Some(SourceState::Failed { .. })) => format!("does not listen on port {port}"),
        (port, Some(SourceState::Paused { .. })) => format!("http://localhost:{port} (recording is paused)"),
        (port, Some(SourceState::Running { .. }) | None) => format!("http://localhost:{port}"),
    }
}

fn print_calls(health: &Value) {
    let count =
        |name: &str| health.pointer(&format!("/completeness/{name}")).and_then(Value::as_u64).unwrap_or(0);
    let paused = match count("paused") {
        0 => String::new(),
        calls => format!("; {calls} forwarded while paused"),
    };
    say(format_args!(
        "Calls      {} stored; since start {} seen, {} recorded, {} open, {} waiting to be stored, {} lost{paused}",
        health.get("calls").and_then(Value::as_u64).unwrap_or(0),
        count("seen"),
        count("recorded"),
        count("open"),
        count("waiting"),
        count("lost")
    ));
}
