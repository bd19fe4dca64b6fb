//! `llmflow serve`: engine and dashboard until a signal, then everything drains.

use std::process::ExitCode;

use anyhow::Context;
use api::{Reply, Request};
use engine::Settings;
use server::{Running, Signals};

use crate::print::{complain, say};

/// Runs until Ctrl-C or SIGTERM. A second signal cuts calls that are still under way.
pub(crate) async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    server::start_log();
    let mut signals = Signals::new().context("cannot listen for signals")?;
    let proxy_port = settings.proxy_port;
    let running = Running::start(settings).await?;
    if !announce(&running, proxy_port).await {
        let _nothing_ran = running.stop(async {}).await;
        anyhow::bail!("neither the proxy nor the dashboard could be started");
    }
    signals.next().await;
    say("Stopping: calls under way may finish. Press Ctrl-C again to cut them.");
    let lost = running.stop(signals.next()).await;
    match &lost {
        Ok(0) => say("Stopped. Everything is stored."),
        Ok(lost) => {
            let calls = if *lost == 1 { "1 call".to_owned() } else { format!("{lost} calls") };
            say(format_args!("Stopped. {calls} went through but could not be stored; the log says why."));
        }
        Err(error) => say(format_args!("Stopped, but {error}.")),
    }
    Ok(if matches!(lost, Ok(0)) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What lets a browser in by the dashboard's address; empty where no token is asked for.
async fn login_path(running: &Running) -> String {
    match running.engine.dispatch(Request::GetLoginPath).await {
        Ok(Reply::LoginPath(path)) if path.reveal() != "/" => path.reveal().to_owned(),
        _ => String::new(),
    }
}

/// Tells where everything is, and what failed with its remedy. Whether there is anything to run for.
async fn announce(running: &Running, proxy_port: u16) -> bool {
    let health = running.engine.health_now().await;
    let dashboard_port = running.dashboard_port;
    for problem in health.iter().flat_map(|health| &health.problems) {
        complain(problem);
    }
    let settings = running.engine.settings();
    let runs = |name: &str| {
        let sources = health.iter().flat_map(|health| &health.sources);
        sources
            .into_iter()
            .any(|source| source.name == name && matches!(source.state, api::SourceState::Running { .. }))
    };
    let proxy = runs("proxy");
    let otlp: Vec<String> =
        [("otlp_http", "HTTP", settings.otlp_http_port), ("otlp_grpc", "gRPC", settings.otlp_grpc_port)]
            .into_iter()
            .filter(|(name, ..)| runs(name))
            .map(|(_, over, port)| format!("http://localhost:{port} over {over}"))
            .collect();
    if proxy {
        say(format_args!("Proxy      http://localhost:{proxy_port}"));
    }
    if dashboard_port != 0 {
        let path = login_path(running).await;
        say(format_args!("Dashboard  http://localhost:{dashboard_port}{path}"));
        if !path.is_empty() {
            say("           This link works once, within ten minutes. Another: llmflow open --print");
        }
    }
    if !otlp.is_empty() {
        say(format_args!("OTLP       {}", otlp.join(", ")));
    }
    if proxy {
        say("Point your tools at the proxy: eval \"$(llmflow env)\", or llmflow run -- COMMAND");
    }
    // Telemetry that comes to a dashboard which was wanted and is not there would be seen by nobody.
    proxy || dashboard_port != 0 || settings.dashboard_port == 0 && !otlp.is_empty()
}
