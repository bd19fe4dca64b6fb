//! From a fresh clone to a running app: installs, builds, and becomes it.
//!
//! Left out: everything the app does. Signals need no care here: on Unix the app takes this process over.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};

use crate::binaries::{self, Profile};
use crate::setup;
use crate::workspace::Workspace;

/// What `cargo xtask start` was asked for.
pub(crate) struct Options {
    /// Never a window.
    pub(crate) headless: bool,
    /// How to build.
    pub(crate) profile: Profile,
    /// For the app.
    pub(crate) arguments: Vec<String>,
}

/// Returns only if the app could not be started, or (not on Unix) when it has ended well.
pub(crate) fn start(workspace: &Workspace, options: &Options) -> Result<()> {
    let desktop = !options.headless && window_is_possible();
    binaries::compile(workspace, options.profile, desktop)?;
    let name = if desktop { "llmflow-desktop" } else { "llmflow" };
    let mut command = Command::new(binaries::path(workspace, options.profile, name));
    if !desktop {
        command.arg("serve");
    }
    command.args(&options.arguments);
    let port = dashboard_port(&options.arguments, env::var("DASHBOARD_PORT").ok());
    println!("\nstarting {name}; its dashboard is at http://localhost:{port} (Ctrl-C ends it)");
    become_it(command).with_context(|| format!("cannot run {name}; `cargo xtask build` makes it"))
}

/// A display, and libraries to build the window with. Without the latter the browser does, so it is no failure.
fn window_is_possible() -> bool {
    if !setup::has_display() {
        println!("no display: starting headless");
        return false;
    }
    if let Err(error) = setup::desktop() {
        println!("{error:#}\nno window without these: starting headless, the dashboard opens in a browser");
        return false;
    }
    true
}

/// The flag wins over the environment, the environment over the default.
fn dashboard_port(arguments: &[String], variable: Option<String>) -> String {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--dashboard-port" {
            return words.next().cloned().unwrap_or_default();
        }
        if let Some(port) = word.strip_prefix("--dashboard-port=") {
            return port.to_owned();
        }
    }
    variable.filter(|port| !port.is_empty()).unwrap_or_else(|| "3000".to_owned())
}

#[cfg(unix)]
fn become_it(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;

    Err(command.exec().into())
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<()> {
    let status = command.status()?;
    anyhow::ensure!(status.success(), "it ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_wins_over_the_environment() {
        let flag =
            ["--proxy-port".to_owned(), "0".to_owned(), "--dashboard-port".to_owned(), "3100".to_owned()];
        assert_eq!(dashboard_port(&flag, Some("3200".to_owned())), "3100");
        assert_eq!(dashboard_port(&["--dashboard-port=3101".to_owned()], None), "3101");
        assert_eq!(dashboard_port(&[], Some("3200".to_owned())), "3200");
        assert_eq!(dashboard_port(&[], Some(String::new())), "3000");
        assert_eq!(dashboard_port(&[], None), "3000");
    }
}
