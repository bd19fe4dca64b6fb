//! The gate: everything a change must pass, cheapest first, stopping at the first failure.
//!
//! All native steps use one selection of packages and features, so each dependency is built once for checking and
//! once for running. The test runner comes last: its summary is the last thing on the screen.
//! Left out: the tests. They are beside the code and in the `tests` crate.

use std::env;
use std::io::{stderr, stdout};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::binaries::{self, DESKTOP_FEATURES, HEADLESS_FEATURES, Profile};
use crate::setup;
use crate::step::{Step, shown};
use crate::ui;
use crate::workspace::Workspace;

const REPAIR: &str = "repair what the compiler names above";

/// `cargo xtask test`.
pub(crate) fn test(workspace: &Workspace, clients: Option<&Path>) -> Result<()> {
    let clients = clients.map(absolute).transpose()?;
    components(workspace)?;
    for (what, why) in left_out() {
        println!("left out on this system: {what}, {why}");
    }
    let mut times = Vec::new();
    timed(&mut times, "setup", || setup::everything(workspace))?;
    timed(&mut times, "format", || format(workspace))?;
    // Before the lints: binaries that carry the dashboard do not compile without it.
    timed(&mut times, "dashboard", || ui::build(workspace).map(|_| ()))?;
    timed(&mut times, "lints", || lints(workspace))?;
    timed(&mut times, "build", || build(workspace))?;
    timed(&mut times, "documentation", || documentation(workspace))?;
    println!("\nSteps so far:");
    for (name, time) in &times {
        println!("  {name:<14}{:>10}", shown(*time));
    }
    let run = Run::new(workspace, clients.as_deref());
    run.screen_tests()?;
    run.tests()?;
    if clients.is_some() { run.client_tests() } else { Ok(()) }
}

/// What cannot run here, and why. Packages are named as cargo names them.
fn left_out() -> Vec<(&'static str, &'static str)> {
    let mut left_out = Vec::new();
    if cfg!(windows) {
        left_out.push(("tests", "which end the app by Unix signals"));
        left_out.push(("xtask", "which runs, and Windows does not replace a program that runs"));
    } else if !has_browser() {
        left_out.push(("browser tests", "for want of Chromium and chromedriver"));
    }
    left_out
}

/// What needs a screen, as its modules are called: the window is looked at on Linux only.
fn screen_groups() -> Vec<&'static str> {
    let groups = [("window", cfg!(target_os = "linux")), ("browser", !cfg!(windows) && has_browser())];
    groups.into_iter().filter(|(_, there)| *there).map(|(group, _)| group).collect()
}

/// On Linux its absence is a mistake that the tests themselves report.
fn has_browser() -> bool {
    cfg!(target_os = "linux") || setup::browser().len() == 2
}

fn absolute(folder: &Path) -> Result<std::path::PathBuf> {
    folder.canonicalize().with_context(|| format!("--clients {}: no such folder", folder.display()))
}

fn timed(
    times: &mut Vec<(&'static str, Duration)>,
    name: &'static str,
    run: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let began = Instant::now();
    run()?;
    times.push((name, began.elapsed()));
    Ok(())
}

/// Asked first: a missing component would otherwise be noticed after minutes.
fn components(workspace: &Workspace) -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let output = workspace.cargo().args([subcommand, "--version"]).output();
        let there = output.is_ok_and(|output| output.status.success());
        anyhow::ensure!(there, "{component} is missing; run `rustup component add {component}`");
    }
    Ok(())
}

fn format(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["fmt", "--all", "--check"]);
    Step::new("cargo fmt --check", "run `cargo fmt --all`").run(&mut command).map(|_| ())
}

/// Once as shipped, once as a plain `cargo build` makes it, and the dashboard with its invented data: each has code that the
/// others leave out.
fn lints(workspace: &Workspace) -> Result<()> {
    let mut shipped = everything(workspace, "clippy");
    shipped.args(["--all-targets", "--", "-D", "warnings"]);
    Step::new("clippy", REPAIR).run(&mut shipped)?;
    let mut plain = workspace.cargo();
    plain.args(["clippy", "--locked", "--workspace"]).args(exclusions());
    plain.args(["--all-targets", "--", "-D", "warnings"]);
    Step::new("clippy without the embedded dashboard", REPAIR).run(&mut plain)?;
    let mut invented = workspace.cargo();
    invented.args(["clippy", "--locked", "--package", "ui", "--features", "demo", "--", "-D", "warnings"]);
    Step::new("clippy with invented data", REPAIR).run(&mut invented).map(|_| ())
}

/// Binaries and tests together: the tests then find everything compiled, with the same features.
fn build(workspace: &Workspace) -> Result<()> {
    let mut command = everything(workspace, "build");
    command.args(["--lib", "--bins", "--tests"]);
    Step::new("build binaries and tests", REPAIR).run(&mut command).map(|_| ())
}

fn documentation(workspace: &Workspace) -> Result<()> {
    let mut command = everything(workspace, "test");
    command.arg("--doc");
    Step::new("examples in the documentation", "repair the example named above").run(&mut command).map(|_| ())
}

/// A cargo command on all packages, with the features they are shipped with.
fn everything(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = workspace.cargo();
    command.args(subcommand.split(' ')).args(["--locked", "--workspace"]).args(exclusions());
    command.args(["--features", HEADLESS_FEATURES, "--features", DESKTOP_FEATURES]);
    command
}

fn exclusions() -> impl Iterator<Item = &'static str> {
    let packages = left_out().into_iter().filter(|_| cfg!(windows));
    packages.flat_map(|(package, _)| ["--exclude", package])
}

/// The test runner and what it tells the tests.
struct Run<'a> {
    workspace: &'a Workspace,
    clients: Option<&'a Path>,
    nextest: bool,
}

impl<'a> Run<'a> {
    fn new(workspace: &'a Workspace, clients: Option<&'a Path>) -> Self {
        let version = workspace.cargo().args(["nextest", "--version"]).output();
        Self { workspace, clients, nextest: version.is_ok_and(|output| output.status.success()) }
    }

    /// The tests of the window and of the page in a browser. A plain `cargo test` has neither and ignores them; here
    /// they have to run, and the runner says how many did.
    fn screen_tests(&self) -> Result<()> {
        let remedy = "run a single one with `cargo test --package tests NAME -- --ignored`, where LLMFLOW_BIN and \
            LLMFLOW_DESKTOP_BIN name the programs in target/debug";
        for group in screen_groups() {
            let mut command = self.runner();
            command.args(["--package", "tests", "--test", "it"]);
            if self.nextest {
                command.args(["--no-tests", "fail", "--run-ignored", "only"]);
                command.args(["--filterset", &format!("test(/^{group}::/)")]);
            } else {
                command.args(["--", "--ignored", &format!("{group}::")]);
            }
            let title = format!("{group} tests");
            Step::new(&title, remedy).run_last(&mut command)?;
        }
        Ok(())
    }

    fn tests(&self) -> Result<()> {
        let mut command = self.runner();
        if !self.nextest {
            command.args(["--lib", "--bins", "--tests"]);
        }
        let remedy = "run a single one with `cargo test --package PACKAGE NAME`";
        Step::new("tests", remedy).run_last(&mut command).map(|_| ())
    }

    fn client_tests(&self) -> Result<()> {
        let mut command = self.runner();
        command.args(["--package", "tests"]);
        let only_clients: &[&str] = if self.nextest {
            &["--run-ignored", "only", "clients"]
        } else {
            &["--", "--ignored", "clients"]
        };
        command.args(only_clients);
        let table = self.workspace.target.join("clients.md");
        let head =
            "| client | calls | compared | different | recorded | tokens off |\n|---|---|---|---|---|---|\n";
        std::fs::write(&table, head).with_context(|| format!("{} cannot be written", table.display()))?;
        command.env("LLMFLOW_CLIENTS_TABLE", &table);
        let step = Step::new("tests with real clients", "look at the client's own output above");
        let outcome = step.run_last(&mut command);
        println!("\n{}", std::fs::read_to_string(&table).unwrap_or_default());
        outcome.map(|_| ())
    }

    fn runner(&self) -> Command {
        let mut command = everything(self.workspace, if self.nextest { "nextest run" } else { "test" });
        command.arg("--no-fail-fast");
        command.env("LLMFLOW_BIN", binaries::path(self.workspace, Profile::Dev, "llmflow"));
        command.env("LLMFLOW_DESKTOP_BIN", binaries::path(self.workspace, Profile::Dev, "llmflow-desktop"));
        for (name, path) in setup::browser().into_iter().filter(|(name, _)| env::var_os(name).is_none()) {
            command.env(name, path);
        }
        if let Some(folder) = self.clients {
            command.env("LLMFLOW_CLIENTS", folder);
        }
        together(&mut command);
        command
    }
}

/// Progress and summary in one stream, so that the summary is last in a file of standard output too.
/// On a terminal they are one already, and the runner wants to see that it is one.
fn together(command: &mut Command) {
    use std::io::IsTerminal;

    if stderr().is_terminal() {
        return;
    }
    if let Some(output) = duplicate_of_stdout() {
        command.stderr(output);
    }
}

#[cfg(unix)]
fn duplicate_of_stdout() -> Option<Stdio> {
    use std::os::fd::AsFd;

    stdout().as_fd().try_clone_to_owned().ok().map(Stdio::from)
}

#[cfg(windows)]
fn duplicate_of_stdout() -> Option<Stdio> {
    use std::os::windows::io::AsHandle;

    stdout().as_handle().try_clone_to_owned().ok().map(Stdio::from)
}
