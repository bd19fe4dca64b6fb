//! `llmflow mock`: a server that answers from recordings until Ctrl-C. Leaves out answering (`server`, `engine`).

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Args;
use engine::Settings;
use engine::recordings::Recordings;
use server::{Chosen, Signals, Speed};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::print::say;

/// What is served, where, and how fast.
#[derive(Args)]
pub(crate) struct Answering {
    /// Which recorded calls, in the words of GET /api/traces: model=gpt-4o&tag=demo, session=ID, call=ID, all
    #[arg(long, value_name = "FILTER", value_parser = chosen)]
    from: Chosen,
    /// The port on 127.0.0.1; 0 for any that is free
    #[arg(long, default_value_t = 8090)]
    port: u16,
    /// So many times as fast as it was, or max
    #[arg(long, default_value = "1", value_name = "N|max")]
    speed: Speed,
}

fn chosen(text: &str) -> Result<Chosen, String> {
    server::chosen(text).map_err(|error| error.to_string())
}

/// Serves until Ctrl-C or SIGTERM. Reads only, so that LLMFlow may run meanwhile.
pub(crate) async fn serve(settings: &Settings, mock: &Answering) -> anyhow::Result<ExitCode> {
    server::start_log();
    let mut signals = Signals::new().context("cannot listen for signals")?;
    let recordings = Recordings::open(settings, &mock.from.filter, mock.from.call).await?;
    ensure!(!recordings.is_empty(), "no recorded call that ended with an answer matches");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, mock.port));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("port {} cannot be had; choose another with --port", mock.port))?;
    let count = match recordings.len() {
        1 => "1 recording".to_owned(),
        count => format!("{count} recordings"),
    };
    say(format_args!("Answering from {count} on http://{}", listener.local_addr()?));
    say("Use it as a base URL in the proxy's place; no key is needed. Ctrl-C ends it.");
    let stop = CancellationToken::new();
    let guard = settings.guard_of_recordings()?;
    let serving = server::serve_recordings(Arc::new(recordings), guard, mock.speed, listener, stop.clone());
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => {}
        () = signals.next() => {
            stop.cancel();
            serving.await;
        }
    }
    Ok(ExitCode::SUCCESS)
}
