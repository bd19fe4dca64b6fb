//! `cargo xtask bench`: builds what is shipped and the `bench` program, and lets it measure.
//!
//! Left out: measuring. It is a program of its own, so that the gate builds nothing optimised for it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::binaries::{self, HEADLESS_FEATURES, Profile};
use crate::setup::apt::{self, Need};
use crate::step::Step;
use crate::ui;
use crate::workspace::Workspace;

/// Recording nothing, and built to be fast: what a proxy can be at best.
const NGINX: &[Need] = &[Need::program("nginx-light", "nginx")];

/// What to measure, and how.
#[derive(Args)]
pub(crate) struct Options {
    /// Seconds instead of minutes; the figures are rougher
    #[arg(long)]
    quick: bool,
    /// Only this row (a: calls, b: streams, c: footprint, d: storage, e: transports, f: OTLP, g: dashboards); may be given again
    #[arg(long, value_name = "a|b|c|d|e|f|g")]
    row: Vec<String>,
    /// Only a database with so many calls (a million takes half an hour): how fast it is written and answers
    #[arg(long, value_name = "CALLS", conflicts_with = "row")]
    scale: Option<u64>,
    /// Of that only this part; may be given again
    #[arg(long, value_name = "questions|rest|upkeep|beyond", requires = "scale")]
    part: Vec<String>,
    /// Keep that database in this folder, and begin with it the next time
    #[arg(long, value_name = "DIR", requires = "scale")]
    keep: Option<PathBuf>,
    /// A folder in which the original LLMFlow (npm) and Phoenix (PyPI) are installed, to compare with
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
    /// Another build of `llmflow`, to compare with
    #[arg(long, value_name = "BIN")]
    against: Option<PathBuf>,
    /// Measure what was built last
    #[arg(long)]
    no_build: bool,
}

/// Installs, builds, measures. The table is printed, and written below the target folder.
pub(crate) fn bench(workspace: &Workspace, options: &Options) -> Result<()> {
    if cfg!(target_os = "linux") {
        apt::ensure("bench", NGINX, "install nginx, the proxy to compare with")?;
    }
    if !options.no_build {
        ui::build(workspace)?;
        let mut build = workspace.cargo();
        // In one call: one set of features, so that shared dependencies are built once.
        build.args(["build", "--release", "--package", "cli", "--features", HEADLESS_FEATURES]);
        build.args(["--package", "bench"]);
        Step::new("build llmflow and bench, optimised", "repair what the compiler names above")
            .run(&mut build)?;
    }
    Step::new("measure", "look at what is said above").run_last(&mut command(workspace, options)).map(|_| ())
}

fn command(workspace: &Workspace, options: &Options) -> Command {
    let mut command = Command::new(binaries::path(workspace, Profile::Release, "bench"));
    command.current_dir(&workspace.root).arg("run");
    command.arg("--binary").arg(binaries::path(workspace, Profile::Release, "llmflow"));
    command.arg("--wasm").arg(workspace.root.join("ui/dist/ui_bg.wasm"));
    command.arg("--out").arg(workspace.target.join("bench/table.md"));
    if options.quick {
        command.arg("--quick");
    }
    for row in &options.row {
        command.arg("--row").arg(row);
    }
    if let Some(calls) = options.scale {
        command.arg("--scale").arg(calls.to_string());
    }
    for part in &options.part {
        command.arg("--part").arg(part);
    }
    let paths = [("--keep", &options.keep), ("--peers", &options.peers), ("--against", &options.against)];
    for (name, value) in paths {
        if let Some(value) = value {
            // It runs in another folder than the one this path is relative to.
            command.arg(name).arg(std::path::absolute(value).unwrap_or_else(|_| value.clone()));
        }
    }
    command
}
