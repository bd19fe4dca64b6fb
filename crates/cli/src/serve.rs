//! `llmflow serve`: engine and dashboard until a signal, then everything drains.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use engine::{Engine, Settings, listen};
use server::Assets;
use tokio::signal;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;

/// How long dashboard connections may take to end.
const LAST_PAGES: Duration = Duration::from_secs(3);

/// Runs until Ctrl-C or SIGTERM. A second signal cuts calls that are still under way.
pub(crate) async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    start_log();
    let signals = Signals::new()?;
    let (port, proxy_port) = (settings.dashboard_port, settings.proxy_port);
    let engine = Engine::start(settings).await?;

    let stop = CancellationToken::new();
    let hosts = TaskTracker::new();
    let dashboard = if port == 0 { Ok(Vec::new()) } else { listen(port, "DASHBOARD_PORT").await };
    let (listeners, failure) = match dashboard {
        Ok(listeners) => (listeners, None),
        Err(error) => (Vec::new(), Some(format!("The dashboard does not listen: {error}."))),
    };
    let useful = announce(&engine, proxy_port, if listeners.is_empty() { 0 } else { port }, failure).await;
    if !useful {
        let _nothing_ran = engine.shutdown(Duration::ZERO).await;
        anyhow::bail!("nothing could be started");
    }
    for listener in listeners {
        let (engine, stop) = (engine.clone(), stop.clone());
        hosts.spawn(async move {
            if let Err(error) = server::serve(engine, Assets::built_in(), listener, stop).await {
                tracing::error!(%error, "the dashboard ended");
            }
        });
    }

    signals.first().await;
    say("Stopping: calls under way may finish. Press Ctrl-C again to cut them.");
    stop.cancel();
    hosts.close();
    let lost = tokio::select! {
        lost = engine.shutdown(engine.shutdown_grace()) => lost,
        lost = async { signals.second().await; engine.shutdown(Duration::ZERO).await } => lost,
    };
    // A page that is slow to read must not keep the program from ending.
    if tokio::time::timeout(LAST_PAGES, hosts.wait()).await.is_err() {
        tracing::warn!("a dashboard connection was cut");
    }
    match &lost {
        Ok(0) => say("Stopped. Everything is stored."),
        Ok(lost) => {
            say(&format!("Stopped. {lost} calls went through but could not be stored; the log says why."));
        }
        Err(error) => say(&format!("Stopped, but {error}.")),
    }
    Ok(if lost.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints a line; a terminal that has gone away is no reason to stop.
fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}

/// As [`say`], for what is wrong.
fn complain(line: &str) {
    let _nobody_reads = writeln!(std::io::stderr(), "llmflow: {line}");
}

/// Tells where everything is, and what failed with its remedy. Whether anything listens at all.
async fn announce(engine: &Engine, proxy_port: u16, dashboard_port: u16, failure: Option<String>) -> bool {
    let health = engine.health_now().await;
    for problem in health.iter().flat_map(|health| &health.problems).chain(&failure) {
        complain(problem);
    }
    let running = |source: &api::SourceStatus| matches!(source.state, api::SourceState::Running { .. });
    let proxy = health.is_some_and(|health| health.sources.iter().any(running));
    if proxy {
        say(&format!("Proxy      http://localhost:{proxy_port}"));
    }
    if dashboard_port != 0 {
        say(&format!("Dashboard  http://localhost:{dashboard_port}"));
    }
    if proxy {
        say("Point your tools at the proxy: eval \"$(llmflow env)\", or llmflow run -- COMMAND");
    }
    proxy || dashboard_port != 0
}

fn start_log() {
    let verbose = std::env::var("VERBOSE").is_ok_and(|value| value == "1" || value == "true");
    let default = if verbose { "debug,hyper=info,hyper_util=info,sqlx=warn,rustls=info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Ctrl-C and, on Unix, SIGTERM and SIGHUP.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::sync::Mutex<signal::unix::Signal>,
    /// The terminal's window was closed.
    #[cfg(unix)]
    hang_up: tokio::sync::Mutex<signal::unix::Signal>,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        #[cfg(unix)]
        let listen = |kind| {
            signal::unix::signal(kind).map(tokio::sync::Mutex::new).context("cannot listen for signals")
        };
        Ok(Self {
            #[cfg(unix)]
            terminate: listen(signal::unix::SignalKind::terminate())?,
            #[cfg(unix)]
            hang_up: listen(signal::unix::SignalKind::hangup())?,
        })
    }

    async fn first(&self) {
        #[cfg(unix)]
        {
            let (mut terminate, mut hang_up) = (self.terminate.lock().await, self.hang_up.lock().await);
            tokio::select! {
                _ = signal::ctrl_c() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        }
        #[cfg(not(unix))]
        let _interrupted = signal::ctrl_c().await;
    }

    async fn second(&self) {
        self.first().await;
    }
}
