//! `llmflow delete`, `backup`, `restore`, `export` and `import`: what is stored, looked after by hand. Deleting asks the
//! running LLMFlow, or works on the data folder where none runs; the others say what to do where it must not run.

use std::fs::OpenOptions;
use std::io::{BufRead, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use api::{CallFilter, Erase, Erased, Reply, Request, SessionRef};
use clap::Args;
use engine::offline::{self, Offline};
use engine::{Settings, running_instance};
use server::Remote;

use crate::print::say;

/// What is to be deleted: exactly one of these.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct What {
    /// The call with this id
    #[arg(long, value_name = "ID")]
    call: Option<api::CallId>,
    /// The session with this id: its calls, traces and logs
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// The trace with this id: its spans, logs and calls
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
    /// Everything of this tool, e.g. claude-code
    #[arg(long, value_name = "TOOL")]
    client: Option<String>,
    /// The calls that carry this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Everything older than so many days
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,
    /// Everything
    #[arg(long)]
    everything: bool,
}

impl What {
    fn erase(self) -> Erase {
        let by_tag =
            |tag| CallFilter { tag: Some(tag), side_calls: true, replays: true, ..CallFilter::default() };
        match self {
            Self { call: Some(call), .. } => Erase::Call(call),
            Self { session: Some(session), .. } => Erase::Session(SessionRef::Id(session)),
            Self { trace: Some(trace), .. } => Erase::Trace(trace),
            Self { client: Some(client), .. } => Erase::Client(client),
            Self { tag: Some(tag), .. } => Erase::Calls(Box::new(by_tag(tag))),
            Self { older_than: Some(days), .. } => Erase::Before(engine::days_ago(days)),
            _ => Erase::Everything,
        }
    }
}

/// Deletes, after saying what goes and asking. Exits with 0 also when there was nothing to delete.
pub(crate) async fn delete(settings: &Settings, what: What, yes: bool) -> anyhow::Result<ExitCode> {
    let what = what.erase();
    let asked = Asked::of(settings).await?;
    let would = asked.count(&what).await?;
    if would.is_nothing() {
        say("There is nothing of that.");
        return Ok(ExitCode::SUCCESS);
    }
    if !yes && !confirmed(&would)? {
        say("Nothing was deleted.");
        return Ok(ExitCode::FAILURE);
    }
    let erased = asked.erase(&what).await?;
    say(format_args!("Deleted {}.", spelled(&erased)));
    Ok(ExitCode::SUCCESS)
}

/// Who deletes.
enum Asked {
    Running(Remote),
    Offline(Offline),
}

impl Asked {
    async fn of(settings: &Settings) -> anyhow::Result<Self> {
        let Some(instance) = running_instance(&settings.data_dir) else {
            return Ok(Self::Offline(Offline::hold(settings)?));
        };
        let remote = Remote::of(&settings.data_dir, &instance).await.with_context(|| {
            format!(
                "LLMFlow (process {}) runs and does not answer on its dashboard port {}; stop it, or see llmflow doctor",
                instance.pid, instance.dashboard_port
            )
        })?;
        Ok(Self::Running(remote))
    }

    async fn count(&self, what: &Erase) -> anyhow::Result<Erased> {
        match self {
            Self::Offline(offline) => Ok(offline.count(what).await?),
            Self::Running(remote) => erased(&remote.ask(&Request::CountErase { what: what.clone() }).await?),
        }
    }

    async fn erase(&self, what: &Erase) -> anyhow::Result<Erased> {
        match self {
            Self::Offline(offline) => Ok(offline.erase(what).await?),
            Self::Running(remote) => {
                erased(&remote.ask_patiently(&Request::Erase { what: what.clone() }).await?)
            }
        }
    }
}

fn erased(reply: &Reply) -> anyhow::Result<Erased> {
    match reply {
        Reply::Erased(erased) => Ok(*erased),
        _ => bail!("LLMFlow answered another question; is it another version?"),
    }
}

fn confirmed(would: &Erased) -> anyhow::Result<bool> {
    ensure!(
        std::io::stdin().is_terminal(),
        "this would delete {} for good; say --yes if that is meant",
        spelled(would)
    );
    let mut out = std::io::stdout().lock();
    write!(out, "Delete {} for good? [y/N] ", spelled(would))?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// `12 calls, 1 trace and 40 spans`.
fn spelled(erased: &Erased) -> String {
    let counts = [
        (erased.calls, "call", "calls"),
        (erased.traces, "trace", "traces"),
        (erased.spans, "span", "spans"),
        (erased.logs, "log record", "log records"),
        (erased.points, "metric point", "metric points"),
    ];
    let counted = counts.into_iter().filter(|(count, ..)| *count > 0);
    let words: Vec<String> = counted
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// Copies the database.
pub(crate) async fn back_up(settings: &Settings, file: &Path) -> anyhow::Result<ExitCode> {
    let found = offline::back_up(settings, &std::path::absolute(file)?).await?;
    say(format_args!("Copied {} calls to {}.", found.calls, file.display()));
    Ok(ExitCode::SUCCESS)
}

/// Puts a copy back.
pub(crate) async fn restore(settings: &Settings, file: &Path) -> anyhow::Result<ExitCode> {
    let offline = Offline::hold(settings)?;
    let (found, aside) = offline.restore(&std::path::absolute(file)?).await?;
    say(format_args!("Restored {} calls from {}.", found.calls, file.display()));
    if let Some(aside) = aside {
        say(format_args!("What was there before is kept at {}.", aside.display()));
    }
    foretell(&offline).await?;
    Ok(ExitCode::SUCCESS)
}

/// Writes every call as a line of JSON.
pub(crate) async fn export(settings: &Settings, file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let out: Box<dyn Write> = match &file {
        Some(path) => {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            Box::new(options.open(path).with_context(|| format!("{} cannot be written", path.display()))?)
        }
        None => Box::new(std::io::stdout().lock()),
    };
    let mut out = BufWriter::new(out);
    let calls = match Asked::of(settings).await? {
        Asked::Offline(offline) => offline.export(&mut out).await?,
        Asked::Running(remote) => remote.export(&mut out).await?,
    };
    out.flush()?;
    if let Some(path) = file {
        say(format_args!("Wrote {calls} calls to {}.", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Adds up all calls again.
pub(crate) async fn rebuild(settings: &Settings) -> anyhow::Result<ExitCode> {
    let (sums, wrong) = match Asked::of(settings).await? {
        Asked::Offline(offline) => {
            let check = offline.rebuild().await?;
            (check.sums, check.wrong)
        }
        Asked::Running(remote) => match remote.ask_patiently(&Request::Rebuild).await? {
            Reply::Rebuilt { sums, wrong } => (sums, wrong),
            _ => bail!("LLMFlow answered another question; is it another version?"),
        },
    };
    match wrong {
        0 => say(format_args!("Each of {sums} sums was what the calls add up to.")),
        wrong => say(format_args!("{wrong} of {sums} sums were wrong and are right now.")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the index of words again. An LLMFlow that runs does so beside everything else.
pub(crate) async fn rebuild_search(settings: &Settings) -> anyhow::Result<ExitCode> {
    match Asked::of(settings).await? {
        Asked::Offline(offline) => {
            offline.rebuild_search().await?;
            say("The index is made again.");
        }
        Asked::Running(remote) => match remote.ask_patiently(&Request::RebuildSearch).await? {
            Reply::SearchLag(lag) => say(format_args!(
                "The index is being made again: {} calls and {} log records to go. Searches find less until then, and say so.",
                lag.calls, lag.logs
            )),
            _ => bail!("LLMFlow answered another question; is it another version?"),
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes in lines of JSON, or the former LLMFlow's database.
pub(crate) async fn import(settings: &Settings, file: &Path) -> anyhow::Result<ExitCode> {
    ensure!(file.exists(), "there is no file {}", file.display());
    let offline = Offline::hold(settings)?;
    let imported = offline.import(file).await?;
    say(format_args!("Took in {} calls; {} were there already.", imported.calls, imported.known));
    foretell(&offline).await?;
    if imported.unreadable > 0 {
        let more = if imported.unreadable > imported.named.len() as u64 { ", and others" } else { "" };
        let count = imported.unreadable;
        bail!("{count} could not be taken in: {}{more}", imported.named.join("; "));
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what the next start deletes of what is there now, before it does, and which setting keeps it.
async fn foretell(offline: &Offline) -> anyhow::Result<()> {
    let (excess, limits) = offline.excess().await?;
    let keep = |setting: &str, variable: &str| {
        format!("To keep them, raise {setting} in the settings ({variable}) before that; 0 keeps everything.")
    };
    if let (1.., Some(days)) = (excess.old, limits.days) {
        let (old, keep) = (excess.old, keep("keep_days", "LLMFLOW_KEEP_DAYS"));
        say(format_args!(
            "{old} of the calls are older than {days} days: the next start deletes them. {keep}"
        ));
    }
    if let (1.., Some(most)) = (excess.many, limits.traces) {
        let (many, keep) = (excess.many, keep("max_traces", "MAX_TRACES"));
        say(format_args!(
            "There are more than {most} traces: the next start deletes the oldest {many}. {keep}"
        ));
    }
    if let (1.., Some(most)) = (excess.bytes, limits.bytes) {
        let (over, keep) = (excess.bytes.div_ceil(1_000_000), keep("keep_mb", "LLMFLOW_KEEP_MB"));
        let most = most / 1_000_000;
        say(format_args!(
            "The database is {over} MB larger than {most} MB: the next start deletes the oldest calls. {keep}"
        ));
    }
    Ok(())
}
