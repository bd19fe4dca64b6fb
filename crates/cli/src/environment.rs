//! `llmflow env` and `llmflow run`: pointing tools at the proxy and at the collector, for a shell or for one process.

use std::process::{Command, ExitCode};

use anyhow::Context;
use engine::settings::SettingsError;
use engine::{Settings, connect, running_instance};
use server::Remote;

use crate::print::{complain, say};
use crate::{Shell, ask};

/// Prints the variables for a shell; nothing when the proxy does not answer, or nobody knows where it is. It stands in
/// files that shells read at their start, so it never fails.
pub(crate) async fn print(settings: Result<Settings, SettingsError>, shell: Shell, telemetry: bool) {
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return complain(error),
    };
    let proxy = proxy_port(&settings).await.map(connect::proxy_at);
    let collector = match telemetry {
        true => collector_port(&settings).await.map(connect::telemetry::collector_at),
        false => None,
    };
    let token = token(&settings).await.filter(|_| collector.is_some());
    let calls = proxy.iter().flat_map(|proxy| connect::variables(proxy));
    let reports = collector.iter().flat_map(|collector| connect::telemetry::variables(collector));
    for (name, value) in calls.chain(reports).chain(token) {
        match shell {
            Shell::Bash | Shell::Zsh => say(format_args!("export {name}=\"{value}\"")),
            Shell::Fish => say(format_args!("set -gx {name} \"{value}\";")),
            Shell::Power => say(format_args!("$env:{name} = \"{value}\"")),
        }
    }
}

/// Runs a command with the variables set, and with what it needs beside them. Without the proxy, or with settings that
/// are not understood, it runs all the same, and says that nothing is recorded.
pub(crate) async fn run(
    settings: Result<Settings, SettingsError>,
    command: &[String],
    telemetry: bool,
) -> anyhow::Result<ExitCode> {
    let (program, arguments) = command.split_first().context("no command was given")?;
    let mut child = Command::new(program);
    let port = match &settings {
        Ok(settings) => proxy_port(settings).await.ok_or_else(|| {
            "the proxy does not run, so nothing is recorded. Start it with: llmflow serve".to_owned()
        }),
        Err(error) => Err(format!("nothing is recorded, since {error}")),
    };
    match port {
        Ok(port) => {
            let proxy = connect::proxy_at(port);
            let needs = connect::needs(program, &proxy);
            child.args(needs.arguments).envs(connect::variables(&proxy));
            child.envs(needs.variables.into_iter().filter(|(name, _)| std::env::var_os(name).is_none()));
        }
        Err(why) => complain(why),
    }
    if telemetry && let Ok(settings) = &settings {
        match collector_port(settings).await {
            Some(port) => {
                let needs = connect::telemetry::needs(program, &connect::telemetry::collector_at(port));
                child.args(needs.arguments);
                child.envs(needs.variables.into_iter().filter(|(name, _)| std::env::var_os(name).is_none()));
                child.envs(token(settings).await);
            }
            None => complain("the collector does not run, so the command reports nothing about itself"),
        }
    }
    child.args(arguments);
    execute(child, program)
}

/// The port of a proxy that answers now.
async fn proxy_port(settings: &Settings) -> Option<u16> {
    let instance = running_instance(&settings.data_dir);
    let port = instance.map_or(settings.proxy_port, |instance| instance.proxy_port);
    if port == 0 {
        return None;
    }
    let health = ask::get(port, "/health").await.ok()?;
    (health.get("service").and_then(serde_json::Value::as_str) == Some("proxy")).then_some(port)
}

/// The variable that shows the token to the collector, where it asks for one; beside what the variable holds already. Only
/// for an LLMFlow that has proved to be ours.
async fn token(settings: &Settings) -> Option<(&'static str, String)> {
    const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
    let instance = running_instance(&settings.data_dir)?;
    let remote = Remote::of(&settings.data_dir, &instance).await.filter(Remote::wants_token);
    let token = engine::token(&settings.data_dir).filter(|_| remote.is_some())?;
    let own = format!("x-llmflow-token={}", token.reveal());
    let others = std::env::var(HEADERS).ok().filter(|others| !others.trim().is_empty());
    Some((HEADERS, others.map_or(own.clone(), |others| format!("{others},{own}"))))
}

/// A port that takes OTLP over HTTP now: its own, else the dashboard's.
async fn collector_port(settings: &Settings) -> Option<u16> {
    let instance = running_instance(&settings.data_dir);
    let (own, dashboard) = instance.map_or((settings.otlp_http_port, settings.dashboard_port), |instance| {
        (instance.otlp_http_port, instance.dashboard_port)
    });
    for (port, path, service) in [(own, "/health", "otlp"), (dashboard, "/api/health", "dashboard")] {
        if port == 0 {
            continue;
        }
        let health = ask::get(port, path).await.ok();
        let answers = health.as_ref().and_then(|health| health.get("service")?.as_str());
        if answers == Some(service) {
            return Some(port);
        }
    }
    None
}

/// Becomes the command where the system can, so that signals and terminals are its own.
#[cfg(unix)]
fn execute(mut child: Command, program: &str) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(child.exec()).with_context(|| format!("{program} cannot be run"))
}

#[cfg(not(unix))]
fn execute(mut child: Command, program: &str) -> anyhow::Result<ExitCode> {
    let status = child.status().with_context(|| format!("{program} cannot be run"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
