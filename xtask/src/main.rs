//! `cargo xtask`: setup, build, start, test, fuzz and bench, in one command each.
//!
//! This file owns the command line and nothing else; each command has a file of its own. Nothing here is part of
//! the app: the binaries know nothing of xtask.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

mod bench;
mod binaries;
mod bundle;
mod fuzz;
mod icons;
mod setup;
mod start;
mod step;
mod tauri;
mod test;
mod ui;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Everything LLMFlow needs, from an empty machine with Rust to a running dashboard.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = ENVIRONMENT)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing: the wasm target, and by apt the libraries of the window and of the tests
    Setup {
        /// Only what the dashboard in a browser needs: no window, no test tools
        #[arg(long)]
        headless: bool,
    },
    /// Build the dashboard's WebAssembly into ui/dist
    Ui,
    /// Build the dashboard and the binaries that carry it
    Build {
        /// Optimise, as for shipping
        #[arg(long)]
        release: bool,
    },
    /// Install, build and run: a window where there is a display, else the headless server
    Start {
        /// Never open a window
        #[arg(long)]
        headless: bool,
        /// Optimise: slower to build, faster to run
        #[arg(long)]
        release: bool,
        /// Passed on to `llmflow serve` or `llmflow-desktop`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Make what people install: a .deb on Linux, a .dmg on macOS, an installer on Windows
    Bundle {
        /// The formats, as Tauri names them: deb, rpm, appimage, dmg, app, msi, nsis
        #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
        bundles: Vec<String>,
        /// Laid over Tauri's configuration, such as an updater's public key
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Then install, run and remove the .deb on a clean Debian, as root
        #[arg(long)]
        check: bool,
        /// Where to make and keep that Debian [default: a temporary folder, removed again]
        #[arg(long, value_name = "DIR", requires = "check")]
        root: Option<PathBuf>,
    },
    /// Make every size of the icons from the drawings in icons/
    Icons,
    /// The whole gate: format, lints, dashboard, binaries, tests
    Test {
        /// Also run the tests with real clients, installed in this folder
        #[arg(long, value_name = "DIR")]
        clients: Option<PathBuf>,
    },
    /// Throw rubbish at everything that reads what others send, one target after the other (needs a C++ compiler)
    Fuzz(fuzz::Options),
    /// Measure the release build: latency, throughput, memory, start, storage; with the goals beside the figures
    Bench(bench::Options),
}

const ENVIRONMENT: &str = "\
Environment:
  LLMFLOW_WASM=target    build the dashboard with rustup's wasm32 target, and fail where there is none
  LLMFLOW_WASM=debian    build it with Debian's own compiler (rustc-web), which needs no download host but apt's
                         Unset: the target if installed, else `rustup target add`, else Debian's compiler
  CARGO_TARGET_DIR       where everything is built, as for cargo itself
  DASHBOARD_PORT, …      settings of the app, handed on by `start`";

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match command {
        Command::Setup { headless: true } => setup::headless(&workspace),
        Command::Setup { headless: false } => setup::everything(&workspace),
        Command::Ui => ui::build(&workspace).map(|_| ()),
        Command::Build { release } => binaries::build(&workspace, binaries::Profile::of(release)),
        Command::Start { headless, release, arguments } => {
            let profile = binaries::Profile::of(release);
            start::start(&workspace, &start::Options { headless, profile, arguments })
        }
        Command::Bundle { bundles, config, check, root } => {
            let made = bundle::bundle(&workspace, &bundle::Options { formats: bundles, config })?;
            if check { bundle::check::check(&workspace, &made, root.as_deref()) } else { Ok(()) }
        }
        Command::Icons => icons::make(&workspace),
        Command::Test { clients } => test::test(&workspace, clients.as_deref()),
        Command::Fuzz(options) => fuzz::fuzz(&workspace, &options),
        Command::Bench(options) => bench::bench(&workspace, &options),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn arguments_after_the_dashes_belong_to_the_app() {
        let parsed =
            Arguments::try_parse_from(["xtask", "start", "--headless", "--", "--proxy-port", "0"]).unwrap();
        let Command::Start { headless, arguments, .. } = parsed.command else { panic!("not start") };
        assert!(headless);
        assert_eq!(arguments, ["--proxy-port", "0"]);
    }
}
