//! `cargo xtask fuzz`: builds the `fuzz` crate with coverage counters and runs its targets, one after the other.
//!
//! Works on the stable compiler: LLVM's counters are switched on as a pass, and libFuzzer comes with a crate.
//! Left out: the targets and their seeds, which are in the `fuzz` crate.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::step::Step;
use crate::workspace::Workspace;

const TARGETS: [&str; 10] = [
    "framing",
    "frames",
    "scanning",
    "segments",
    "dialects",
    "decoding",
    "translation",
    "websocket",
    "otlp_protobuf",
    "otlp_json",
];
/// Counters on edges, a table of their places, and what is compared: what libFuzzer learns from.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// What to fuzz, and for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these: framing, frames, scanning, segments, dialects, decoding, translation, websocket, otlp_protobuf,
    /// otlp_json
    #[arg(value_parser = TARGETS)]
    target: Vec<String>,
    /// For how long, each
    #[arg(long, value_name = "N", default_value_t = 600)]
    seconds: u32,
}

/// Builds, runs, and prints what each target did. An input that breaks something is left in the folder it names.
pub(crate) fn fuzz(workspace: &Workspace, options: &Options) -> Result<()> {
    let host = host()?;
    let mut build = workspace.cargo();
    build.args(["build", "--package", "fuzz", "--features", "libfuzzer", "--profile", "fuzz"]);
    // Naming the target keeps the counters out of build scripts and macros.
    build.args(["--target", &host]).env("RUSTFLAGS", COVERAGE);
    Step::new("build what is fuzzed", "repair what the compiler names above").run(&mut build)?;
    let binary = workspace.target.join(&host).join("fuzz/fuzz");
    let chosen: Vec<&str> = TARGETS
        .into_iter()
        .filter(|target| options.target.is_empty() || options.target.iter().any(|wanted| wanted == target))
        .collect();
    let mut rows = Vec::new();
    for target in chosen {
        println!("\n==> {target} for {} s", options.seconds);
        rows.push((target, run(workspace, &binary, target, options.seconds)?));
    }
    println!("\n{:<14}{:>14}{:>10}{:>10}{:>10}", "target", "executions", "a second", "edges", "inputs");
    for (target, done) in &rows {
        println!(
            "{target:<14}{:>14}{:>10}{:>10}{:>10}",
            done.executions, done.per_second, done.edges, done.inputs
        );
    }
    Ok(())
}

/// What libFuzzer says at its end.
#[derive(Debug, Default, PartialEq)]
struct Done {
    executions: u64,
    per_second: u64,
    edges: u64,
    inputs: u64,
}

impl Done {
    /// Takes one line of libFuzzer's output.
    fn take(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = rest.trim().parse().unwrap_or(0);
        } else if let Some(rest) = line.strip_prefix("stat::average_exec_per_sec:") {
            self.per_second = rest.trim().parse().unwrap_or(0);
        } else if line.starts_with('#') {
            let mut words = line.split_whitespace();
            while let Some(word) = words.next() {
                let number = |text: Option<&str>| {
                    text.and_then(|text| text.split('/').next()?.parse().ok()).unwrap_or(0)
                };
                match word {
                    "cov:" => self.edges = number(words.next()),
                    "corp:" => self.inputs = number(words.next()),
                    _ => {}
                }
            }
        }
    }
}

fn run(workspace: &Workspace, binary: &Path, target: &str, seconds: u32) -> Result<Done> {
    let folder = |name: &str| -> Result<PathBuf> {
        let folder = workspace.target.join("fuzzing").join(target).join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    };
    let (corpus, seeds, broken) = (folder("corpus")?, folder("seeds")?, folder("broken")?);
    let mut command = Command::new(binary);
    command.env("LLMFLOW_FUZZ_TARGET", target).env("LLMFLOW_FUZZ_SEEDS", &seeds);
    command.arg(&corpus).arg(&seeds);
    let known = workspace.root.join("fuzz/found").join(target);
    if known.is_dir() {
        command.arg(known);
    }
    command.args([
        format!("-max_total_time={seconds}"),
        format!("-artifact_prefix={}/", broken.display()),
        "-print_final_stats=1".to_owned(),
        "-max_len=65536".to_owned(),
        "-timeout=20".to_owned(),
        "-rss_limit_mb=2048".to_owned(),
    ]);
    let mut child = command.stderr(Stdio::piped()).stdin(Stdio::null()).spawn().context("cannot run it")?;
    let mut done = Done::default();
    // An input that breaks something is named by the lines that are no progress.
    for line in child.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).lines()) {
        let line = line?;
        done.take(&line);
        if !line.starts_with('#') && !line.starts_with("NEW_FUNC") {
            eprintln!("    {line}");
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!(
            "{target} broke; the input is in {}: repair what it found and put it into fuzz/found/{target}",
            broken.display()
        );
    }
    Ok(done)
}

/// The compiler's own target.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run rustc: is it in PATH?")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say which target it builds for")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuzzers_words_are_understood() {
        let mut done = Done::default();
        for line in [
            "INFO: Running with entropic power schedule (0xFF, 100).",
            "#8192\tpulse  cov: 812 ft: 3000 corp: 301/40Kb lim: 4096 exec/s: 4096 rss: 70Mb",
            "#16384\tDONE   cov: 900 ft: 3100 corp: 310/41Kb lim: 4096 exec/s: 4096 rss: 70Mb",
            "stat::number_of_executed_units: 16384",
            "stat::average_exec_per_sec:     4096",
        ] {
            done.take(line);
        }
        assert_eq!(done, Done { executions: 16_384, per_second: 4_096, edges: 900, inputs: 310 });
    }
}
