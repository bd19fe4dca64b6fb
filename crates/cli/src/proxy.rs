//! `llmflow proxy on|off|pause|resume`: switching the proxy of the running instance, after saying whom that strands.

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use api::{Reply, Request, SourceState, SourceTarget, Stranded};
use clap::Subcommand;
use engine::{Settings, running_instance};
use server::Remote;

use crate::print::{self, complain, say};
use crate::status::{is_stopping, not_running};

const NAME: &str = "proxy";

/// What the proxy is to do.
#[derive(Clone, Copy, Subcommand)]
pub(crate) enum Switch {
    /// Listen and record
    On,
    /// Close the port; tools that point at it fail until it is on again
    Off {
        /// Do not ask, whoever is stranded
        #[arg(long, short)]
        yes: bool,
    },
    /// Let calls through without recording them
    Pause,
    /// Record again
    Resume,
}

/// Switches, and says how it is then. Exits with 0 when it is as asked, with 3 when LLMFlow does not run.
pub(crate) async fn switch(settings: &Settings, switch: Switch) -> anyhow::Result<ExitCode> {
    let Some(instance) = running_instance(&settings.data_dir) else {
        say(format_args!("{}", not_running(settings)));
        return Ok(ExitCode::from(3));
    };
    ensure!(!instance.stopping, "{}", is_stopping(&instance));
    ensure!(
        instance.dashboard_port != 0,
        "LLMFlow runs without a dashboard port, so it cannot be asked to switch its proxy"
    );
    let remote = Remote::of(&settings.data_dir, &instance).await.with_context(|| {
        format!(
            "LLMFlow (process {}) does not answer on its dashboard port {}; llmflow doctor says more",
            instance.pid, instance.dashboard_port
        )
    })?;
    let to = match switch {
        Switch::On => SourceTarget::Running,
        Switch::Resume => SourceTarget::Resumed,
        Switch::Pause => SourceTarget::Paused,
        Switch::Off { yes } if !may_strand(&remote, yes).await? => return Ok(ExitCode::FAILURE),
        Switch::Off { .. } => SourceTarget::Stopped,
    };
    let question = Request::SetSource { name: NAME.to_owned(), to };
    let Reply::Source(source) = remote.ask(&question).await.context("the proxy was not switched")? else {
        bail!("LLMFlow answered another question; is it another version?")
    };
    Ok(report(&source.state))
}

fn report(state: &SourceState) -> ExitCode {
    match state {
        SourceState::Running { addresses } => {
            say(format_args!("The proxy is on at {}.", addresses.join(" and ")));
        }
        SourceState::Paused { addresses } => say(format_args!(
            "The proxy forwards at {} and records nothing. Record again with: llmflow proxy resume",
            addresses.join(" and ")
        )),
        SourceState::Stopped => say("The proxy is off. Switch it on again with: llmflow proxy on"),
        SourceState::Failed { message } => {
            complain(format_args!("the proxy does not listen: {message}"));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Says which tools would fail, and asks unless that was answered already.
async fn may_strand(remote: &Remote, yes: bool) -> anyhow::Result<bool> {
    let Reply::Stranded(tools) = remote.ask(&Request::GetStranded { name: NAME.to_owned() }).await? else {
        bail!("LLMFlow answered another question; is it another version?")
    };
    if tools.is_empty() {
        return Ok(true);
    }
    say("These used the proxy within the last day, and fail while it is off if they still point at it:");
    for tool in &tools {
        say(format_args!("  {}", line(tool)));
    }
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        complain("the proxy stays on; say --yes to switch it off all the same");
        return Ok(false);
    }
    print::ask("Switch it off? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn line(tool: &Stranded) -> String {
    let name = tool.client.as_deref().unwrap_or("a client that did not say its name");
    let calls = if tool.calls == 1 { "1 call".to_owned() } else { format!("{} calls", tool.calls) };
    match tool.open {
        0 => format!("{name}: {calls}"),
        open => format!("{name}: {calls}, {open} under way"),
    }
}
