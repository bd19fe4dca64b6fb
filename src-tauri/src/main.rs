//! The binary `llmflow-desktop`: a window on the dashboard of this machine's LLMFlow.
//!
//! An LLMFlow that runs already is shown; else one is started, and ended with the window.
//! Left out: everything that is not a window. The page is served by `llmflow` and gets no IPC.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![expect(clippy::print_stderr, reason = "before there is a window, this is where to say what failed")]

mod instance;

use std::env;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tauri::{App, AppHandle, Manager, WebviewUrl, WebviewWindowBuilder, Window, WindowEvent};

use crate::instance::{Instance, dashboard_port};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("llmflow-desktop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let port = dashboard_port(&arguments, env::var("DASHBOARD_PORT").ok().as_deref())?;
    let app = tauri::Builder::default()
        .on_window_event(quit_with_the_window)
        .build(context())
        .context("no window system")?;
    watch_signals(app.handle().clone());
    let instance = Instance::find_or_start(port, &arguments)?;
    open_window(&app, port)?;
    let code = app.run_return(|_, _| {});
    instance.end();
    anyhow::ensure!(code == 0, "the window ended with code {code}");
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "written by Tauri's macro, for a thread of its own that panicked"
)]
fn context() -> tauri::Context {
    tauri::generate_context!()
}

fn open_window(app: &App, port: u16) -> Result<()> {
    let address = format!("http://localhost:{port}/").parse().context("not an address")?;
    WebviewWindowBuilder::new(app, "main", WebviewUrl::External(address))
        .title("LLMFlow")
        .inner_size(1280.0, 800.0)
        .min_inner_size(960.0, 600.0)
        .on_navigation(move |to| {
            to.host_str() == Some("localhost") && to.port_or_known_default() == Some(port)
        })
        .build()
        .context("cannot open a window")?;
    Ok(())
}

fn quit_with_the_window(window: &Window, event: &WindowEvent) {
    if matches!(event, WindowEvent::Destroyed) {
        window.app_handle().exit(0);
    }
}

/// SIGTERM and Ctrl-C close the window, so that what was started with it is ended in order.
#[cfg(unix)]
fn watch_signals(app: AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};

    tauri::async_runtime::spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        app.exit(0);
    });
}

#[cfg(not(unix))]
fn watch_signals(_: AppHandle) {}
