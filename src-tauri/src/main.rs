//! The binary `llmflow-desktop`: window, tray and IPC over the engine in this process, or over one that runs already.
//!
//! Left out: everything that is not a window or a tray. What can be tested without them is in `engine` and `server`.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod commands;
mod desk;
mod display;
mod login;
mod notices;
mod pages;
mod quit;
mod tray;
mod window;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use server::SettingsFlags;
use tauri::{App, Manager, RunEvent};
use tauri_plugin_window_state::StateFlags;

use crate::desk::Desk;
use crate::login::Login;

/// LLMFlow's window and tray.
#[derive(Clone, Debug, Parser)]
#[command(name = "llmflow-desktop", version)]
struct Arguments {
    #[command(flatten)]
    settings: SettingsFlags,
    /// Start in the tray, without a window
    #[arg(long)]
    hidden: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    server::start_log();
    if let Err(error) = display::check().and_then(|()| run(arguments)) {
        let _nobody_reads = writeln!(std::io::stderr(), "llmflow-desktop: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(arguments: Arguments) -> Result<(), String> {
    let hidden = arguments.hidden;
    let app = tauri::Builder::default()
        // First: a second start must not get further than this.
        .plugin(tauri_plugin_single_instance::init(|app, _arguments, _folder| window::show(app)))
        .plugin(
            tauri_plugin_window_state::Builder::default()
                // The tray decides whether the window is visible.
                .with_state_flags(StateFlags::all() - StateFlags::VISIBLE)
                .build(),
        )
        .manage(Desk::new(arguments.settings))
        .invoke_handler(commands::handler())
        .on_window_event(window::on_event)
        .setup(move |app| Ok(set_up(app, hidden)?))
        .build(context())
        .map_err(|error| format!("the window system cannot be used: {error}; `llmflow serve` needs none"))?;
    let code = app.run_return(|app, event| match event {
        RunEvent::ExitRequested { api, .. } if !quit::is_over(app) => {
            api.prevent_exit();
            quit::quit(app);
        }
        RunEvent::Exit => quit::at_the_very_end(app),
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => window::show(app),
        _ => {}
    });
    if code == 0 { Ok(()) } else { Err("not everything could be stored; the log says why".to_owned()) }
}

fn set_up(app: &mut App, hidden: bool) -> tauri::Result<()> {
    let handle = app.handle();
    handle.manage(Login::new(handle, desk::desk(handle).flags()));
    #[cfg(target_os = "macos")]
    window::set_menu(handle)?;
    quit::on_signals(handle);
    display::watch_tray(handle);
    tauri::async_runtime::block_on(desk::begin(handle));
    window::open(handle, !hidden)?;
    tray::set_up(handle);
    if hidden {
        window::show_unless_there_is_a_tray(handle);
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "written by Tauri's macro, for a thread of its own that panicked"
)]
fn context() -> tauri::Context {
    let mut context = tauri::generate_context!();
    context.set_assets(Box::new(pages::Pages));
    context
}
