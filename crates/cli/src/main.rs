//! The binary `llmflow`: reads the command line and calls the engine. Leaves out all logic.

mod ask;
mod data;
mod doctor;
mod entrance;
mod environment;
mod mock;
mod prices;
mod print;
mod proxy;
mod serve;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use server::SettingsFlags;

#[cfg(all(not(debug_assertions), not(feature = "embed")))]
compile_error!("a release carries the dashboard: build it with `cargo xtask build --release`");

/// A local proxy in front of every LLM provider, and the record of what went through it.
#[derive(Parser)]
#[command(name = "llmflow", version)]
struct Arguments {
    #[command(flatten)]
    settings: SettingsFlags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the proxy and the dashboard until Ctrl-C
    Serve,
    /// Say whether LLMFlow runs, on which ports, and how much it recorded
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Open the dashboard in a browser
    #[command(alias = "explore")]
    Open {
        /// Only print the link; where a token is asked for it works once, within ten minutes
        #[arg(long)]
        print: bool,
    },
    /// Print the token that lets in where one is asked for (require_token in the settings)
    Token {
        /// Make another one first; whoever came in by the old one has to come in again
        #[arg(long)]
        rotate: bool,
    },
    /// Switch the proxy of the running LLMFlow on or off, pause or resume recording
    Proxy {
        /// What it is to do
        #[command(subcommand)]
        switch: proxy::Switch,
    },
    /// Look at prices, set your own, take in a newer table, price recorded calls again
    Prices {
        /// What to do
        #[command(subcommand)]
        what: prices::Prices,
    },
    /// Look at ports, data folder, settings, keychain and AI tools, and say what to do about what is wrong
    Doctor {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Ask every provider too whether it can be reached; nothing leaves this machine otherwise
        #[arg(long)]
        online: bool,
        /// Read every stored body and check it, and everything that can be counted twice
        #[arg(long)]
        verify: bool,
        /// Make the index that searches read again, also while LLMFlow runs; nothing else is examined then
        #[arg(long, conflicts_with_all = ["json", "online", "verify"])]
        rebuild_search: bool,
    },
    /// Delete for good: a call, a session, a trace, a tool's everything, what is old, or all
    Delete {
        /// What is to be deleted
        #[command(flatten)]
        what: data::What,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Copy the database to a file, also while LLMFlow runs
    Backup {
        /// The file; it must not be there yet
        file: PathBuf,
    },
    /// Put a copy of the database back; what is there now is kept beside it. LLMFlow must not run
    Restore {
        /// The copy
        file: PathBuf,
    },
    /// Write every call with its bodies as a line of JSON
    Export {
        /// The file; standard output if none is named
        file: Option<PathBuf>,
    },
    /// Take calls in from lines of JSON, or from the former LLMFlow's database. LLMFlow must not run
    Import {
        /// The file
        file: PathBuf,
    },
    /// Add up all calls again, where `llmflow doctor --verify` says that sums are wrong; also while LLMFlow runs
    Rebuild,
    /// Answer from recorded calls as the providers did, with the timing of their streams; also while LLMFlow runs
    Mock {
        /// What, where and how fast
        #[command(flatten)]
        mock: mock::Answering,
    },
    /// Print the variables that point AI tools at the proxy, for `eval`; nothing when it does not run
    Env {
        /// The shell to print for
        #[arg(long, value_enum, default_value = "bash")]
        shell: Shell,
        /// Also those with which tools report about themselves (OTLP)
        #[arg(long)]
        telemetry: bool,
    },
    /// Run a command with its AI calls going through the proxy
    Run {
        /// It also reports about itself, if it can (OTLP)
        #[arg(long)]
        telemetry: bool,
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell", alias = "pwsh")]
    Power,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            print::complain(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let flags = arguments.settings;
    let settings = || flags.load();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.command {
        Command::Serve => runtime.block_on(serve::serve(settings()?)),
        Command::Status { json } => Ok(runtime.block_on(status::status(&settings()?, json))),
        Command::Open { print } => runtime.block_on(entrance::open(&settings()?, print)),
        Command::Token { rotate } => runtime.block_on(entrance::token(&settings()?, rotate)),
        Command::Doctor { rebuild_search: true, .. } => runtime.block_on(data::rebuild_search(&settings()?)),
        Command::Doctor { json, online, verify, rebuild_search: false } => {
            runtime.block_on(doctor::examine(&flags, json, online, verify))
        }
        Command::Proxy { switch } => runtime.block_on(proxy::switch(&settings()?, switch)),
        Command::Delete { what, yes } => runtime.block_on(data::delete(&settings()?, what, yes)),
        Command::Backup { file } => runtime.block_on(data::back_up(&settings()?, &file)),
        Command::Restore { file } => runtime.block_on(data::restore(&settings()?, &file)),
        Command::Export { file } => runtime.block_on(data::export(&settings()?, file)),
        Command::Mock { mock } => runtime.block_on(mock::serve(&settings()?, &mock)),
        Command::Rebuild => runtime.block_on(data::rebuild(&settings()?)),
        Command::Import { file } => runtime.block_on(data::import(&settings()?, &file)),
        Command::Prices { what } => runtime.block_on(prices::prices(&settings()?, what)),
        Command::Env { shell, telemetry } => {
            runtime.block_on(environment::print(settings(), shell, telemetry));
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { telemetry, command } => {
            runtime.block_on(environment::run(settings(), &command, telemetry))
        }
    }
}
