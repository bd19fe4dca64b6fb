//! Measures the built binary. `cargo xtask bench` builds everything and runs this; here is the command line.
//!
//! Everything runs on 127.0.0.1, is bounded in time or number, and ends with the bench. Ratios within one run are what
//! counts: a busy machine slows all of them alike.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

mod collectors;
mod database;
mod download;
mod export;
mod http;
mod listeners;
mod load;
mod machine;
mod modern;
mod otlp;
mod process;
mod proxies;
mod report;
mod rows;
mod scale;
mod session;
mod statistics;
mod text;
mod upstream;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::Report;

#[derive(Parser)]
#[command(name = "bench", about = "Measures the built binary; `cargo xtask bench` calls it")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, and write the table
    Run(Box<Options>),
    /// Be the provider that is measured against, until standard input ends
    #[command(hide = true)]
    Upstream,
}

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// The binary `llmflow`
    #[arg(long)]
    binary: PathBuf,
    /// The dashboard's wasm
    #[arg(long)]
    wasm: PathBuf,
    /// Where the table is written
    #[arg(long)]
    out: PathBuf,
    /// Seconds instead of minutes; the figures are rougher
    #[arg(long)]
    quick: bool,
    /// Only these rows; all when none is named
    #[arg(long, value_enum)]
    row: Vec<Row>,
    /// Only this: a database with so many calls, how fast it is written and how fast it answers
    #[arg(long, value_name = "CALLS", conflicts_with = "row", value_parser = clap::value_parser!(u64).range(1_000..))]
    scale: Option<u64>,
    /// Of that only these parts; all when none is named
    #[arg(long, value_enum, requires = "scale")]
    part: Vec<Part>,
    /// Keep that database here, and begin with it the next time
    #[arg(long, value_name = "DIR", requires = "scale")]
    keep: Option<PathBuf>,
    /// A folder in which the original LLMFlow and Phoenix are installed, to compare with
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
    /// Another build of `llmflow`, to compare with
    #[arg(long, value_name = "BIN")]
    against: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Row {
    /// Calls: added latency, CPU, saturation
    A,
    /// Streams: first byte, delay of pieces, a thousand at once
    B,
    /// Footprint: memory, start, sizes
    C,
    /// Storage: a long coding session
    D,
    /// Transports: large bodies, HTTP/2, idle connections
    E,
    /// Spans over OTLP: durable ones a second, by transport and batch
    F,
    /// Dashboards: a hundred at once while calls are recorded
    G,
}

/// What is measured of a large database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What the dashboard's pages ask
    Questions,
    /// Lists and files over REST
    Rest,
    /// Looking after it while calls are recorded
    Upkeep,
    /// Writing more than it may hold
    Beyond,
}

impl Options {
    /// The first in a full run, the second in a quick one.
    fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    fn includes(&self, part: Part) -> bool {
        self.part.is_empty() || self.part.contains(&part)
    }

    fn wants(&self, row: Row) -> bool {
        self.scale.is_none() && (self.row.is_empty() || self.row.contains(&row))
    }
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(options) => run(&options),
        Command::Upstream => upstream::run().map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("\nerror: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(options: &Options) -> Result<ExitCode> {
    anyhow::ensure!(options.binary.is_file(), "{} is not built", options.binary.display());
    process::allow_many_files();
    let mut report = Report::default();
    report.facts = machine::describe();
    report.facts.push(("load before", machine::load()));
    if options.wants(Row::C) {
        rows::footprint::measure(options, &mut report)?;
    }
    if options.wants(Row::A) {
        rows::calls::measure(options, &mut report)?;
    }
    if options.wants(Row::B) {
        rows::streams::measure(options, &mut report)?;
    }
    if options.wants(Row::D) {
        rows::storage::measure(options, &mut report)?;
    }
    if options.wants(Row::E) {
        rows::bodies::measure(options, &mut report)?;
        rows::versions::measure(options, &mut report)?;
        rows::idle::measure(options, &mut report)?;
    }
    if options.wants(Row::F) {
        rows::spans::measure(options, &mut report)?;
    }
    if options.wants(Row::G) {
        rows::dashboards::measure(options, &mut report)?;
    }
    if let Some(calls) = options.scale {
        rows::scale::measure(options, calls, &mut report)?;
    }
    report.facts.push(("load after", machine::load()));
    let text = report.markdown();
    println!("\n{text}");
    if let Some(folder) = options.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&options.out, &text).with_context(|| format!("cannot write {}", options.out.display()))?;
    println!("written to {}", options.out.display());
    let broken = report.broken();
    if broken.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("\nerror: not reached, and without it nothing else counts: {}", broken.join(", "));
    Ok(ExitCode::FAILURE)
}

/// Says what is being done now: a full run takes minutes.
fn say(line: &str) {
    eprintln!("  {line}");
}
