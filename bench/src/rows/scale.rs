//! `--scale`: how fast a database with so many calls was written, what a call takes in it, and how fast answers come from
//! it. Lists and files over REST are `rest`'s, what looking after it costs is `upkeep`'s.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::{rest, upkeep};
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::scale::{Asker, Beyond, DAYS, Dashboard, Filled, QUESTIONS, fill, go_on};
use crate::statistics::{Samples, micros};
use crate::upstream::Upstream;
use crate::{Options, Part, database, say};

/// How often each question is asked, with other values each time: in a full run, and in a quick one.
const ASKED: [usize; 2] = [60, 10];
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Longer than a healthy build takes to make a million calls searchable.
const LONGEST_INDEX: Duration = Duration::from_secs(1_800);

pub(crate) fn measure(options: &Options, calls: u64, report: &mut Report) -> Result<()> {
    let upstream = Upstream::start()?;
    let start = |folder: TempDir| {
        let unlimited = [("LLMFLOW_KEEP_DAYS", "0"), ("LLMFLOW_KEEP_MB", "0")];
        Proxy::llmflow_with("llmflow", &options.binary, upstream.address, folder, unlimited.as_slice())
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("data/data.db");
    std::fs::create_dir(folder.path().join("data"))?;
    let kept = options.keep.as_deref().map(|folder| Kept::new(folder, calls));
    let (proxy, from_ms, to_ms) = match kept.as_ref().and_then(Kept::times) {
        Some((from_ms, to_ms)) => {
            say("the database that was kept is taken");
            kept.as_ref().map(|kept| kept.give(&path)).transpose()?;
            beyond(options, &path, calls, report)?;
            (start(folder)?, from_ms, to_ms)
        }
        None => {
            let filled = fill(&path, calls, |rate| {
                say(&format!("{} calls are there, {} a second", rate.calls, short(rate.per_second)));
            })?;
            beyond(options, &path, calls, report)?;
            let proxy = start(folder)?;
            let indexed = index(&proxy)?;
            say("everything is searchable");
            written(&path, calls, &filled, indexed, report)?;
            if let Some(kept) = &kept {
                kept.take(&proxy, &options.binary, &filled)?;
            }
            (proxy, filled.from_ms, filled.to_ms)
        }
    };
    let mut dashboard = Dashboard::of(&proxy)?;
    dashboard.send_trace()?;
    let asker = Asker { calls, from_ms, to_ms };
    let asked = options.pick(ASKED[0], ASKED[1]);
    if options.includes(Part::Questions) {
        answers(&mut dashboard, &asker, asked, report)?;
    }
    if options.includes(Part::Rest) {
        rest::lists(&mut dashboard, calls, asked, report)?;
        rest::files(&proxy, calls, report)?;
    }
    if options.includes(Part::Upkeep) {
        upkeep::measure(options, &proxy, &mut dashboard, calls, report)?;
    }
    drop(proxy.stop()?);
    Ok(())
}

/// A database of an earlier run, so that answers can be measured again without filling one.
struct Kept {
    database: PathBuf,
    times: PathBuf,
}

impl Kept {
    fn new(folder: &Path, calls: u64) -> Self {
        let file = |kind: &str| folder.join(format!("{calls}-calls.{kind}"));
        Self { database: file("db"), times: file("times") }
    }

    /// When its first and last call began, in milliseconds since 1970; `None` while there is none.
    fn times(&self) -> Option<(i64, i64)> {
        let text = std::fs::read_to_string(&self.times).ok()?;
        let (from, to) = text.trim().split_once(' ')?;
        Some((from.parse().ok()?, to.parse().ok()?))
    }

    fn give(&self, path: &Path) -> Result<()> {
        std::fs::copy(&self.database, path)?;
        Ok(())
    }

    /// Has the running LLMFlow make a copy.
    fn take(&self, proxy: &Proxy, binary: &Path, filled: &Filled) -> Result<()> {
        if let Some(folder) = self.database.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let data = proxy.database().context("our binary has a database")?;
        let data = data.parent().context("a database lies in a folder")?;
        let mut backup = Command::new(binary);
        backup.arg("backup").arg(&self.database).env("DATA_DIR", data);
        let port = proxy.dashboard.context("our binary has a dashboard")?.port();
        let done = backup.env("DASHBOARD_PORT", port.to_string()).status()?;
        anyhow::ensure!(done.success(), "the database cannot be kept: {done}");
        Ok(std::fs::write(&self.times, format!("{} {}", filled.from_ms, filled.to_ms))?)
    }
}

/// Waits until everything is searchable; how long that took.
fn index(proxy: &Proxy) -> Result<Duration> {
    let (began, path) = (Instant::now(), proxy.database().context("our binary has a database")?);
    while database::waiting_for_index(&path)? > 0 {
        anyhow::ensure!(began.elapsed() < LONGEST_INDEX, "the index is not made in {LONGEST_INDEX:?}");
        thread::sleep(LOOK_AGAIN);
    }
    Ok(began.elapsed())
}

fn written(path: &Path, calls: u64, filled: &Filled, indexed: Duration, report: &mut Report) -> Result<()> {
    let bytes = database::pages(path)?;
    let figure = |bytes: u64| short(number(bytes));
    let mut rows: Vec<Vec<String>> = filled
        .rates
        .iter()
        .map(|rate| {
            vec![format!("up to {} calls", rate.calls), format!("{} calls/s", short(rate.per_second))]
        })
        .collect();
    rows.push(vec![
        "made searchable".into(),
        format!("{} calls/s", short(number(calls) / indexed.as_secs_f64())),
    ]);
    rows.push(vec!["bodies as sent, a call".into(), format!("{} bytes", figure(filled.raw / calls.max(1)))]);
    rows.push(vec![
        "stored, a call, index and all".into(),
        format!("{} bytes", figure(bytes / calls.max(1))),
    ]);
    rows.push(vec!["the database".into(), format!("{} MB", figure(bytes >> 20))]);
    report.add(Section {
        title: format!("A database of {calls} calls"),
        columns: vec!["", ""],
        rows,
        notes: vec![format!(
            "Sessions of 12 calls over {DAYS} days, each resending what was said before, written by the store in batches \
             of 1,000, bodies cut and compressed, sums and sessions kept, in transactions as the app's."
        )],
    });
    Ok(())
}

/// How fast a copy of the database at `path` takes more than it may hold.
fn beyond(options: &Options, path: &Path, calls: u64, report: &mut Report) -> Result<()> {
    if !options.includes(Part::Beyond) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("data.db");
    std::fs::copy(path, &copy)?;
    say("as many calls as it may hold, and a tenth more");
    let Beyond { more, free, at_the_cap, left } = go_on(&copy, calls)?;
    let rate = |rate: f64| format!("{} calls/s", short(rate));
    report.add(Section {
        title: format!("Beyond {calls} calls"),
        columns: vec!["", "", "to before"],
        rows: vec![
            vec![format!("{more} more"), rate(free), "1 ×".into()],
            vec![
                format!("{more} more, the oldest going for them"),
                rate(at_the_cap),
                format!("{:.2} ×", at_the_cap / free),
            ],
            vec!["the last of them gone after".into(), format!("{:.1} s", left.as_secs_f64()), String::new()],
        ],
        notes: vec![
            "Written one batch after the other, as fast as it goes; removed meanwhile, and indices kept small."
                .into(),
        ],
    });
    Ok(())
}

/// Asks every question again and again, the kinds in turn, so that none has the caches to itself.
fn answers(dashboard: &mut Dashboard, asker: &Asker, asked: usize, report: &mut Report) -> Result<()> {
    let mut took: Vec<Vec<Duration>> = QUESTIONS.iter().map(|_| Vec::new()).collect();
    for round in 0..=asked {
        for (question, took) in QUESTIONS.iter().zip(&mut took) {
            let began = Instant::now();
            dashboard.ask(&(question.ask)(asker, round)).with_context(|| question.name.to_owned())?;
            // The first round opens what stays open.
            if round > 0 {
                took.push(began.elapsed());
            }
        }
    }
    let mut rows = Vec::new();
    for (question, took) in QUESTIONS.iter().zip(took) {
        let took = Samples::new(took);
        let [p50, p95, most] = [50.0, 95.0, 100.0].map(|percent| micros(took.percentile(percent)) / 1e3);
        if let Some(goal) = question.goal {
            report.at_most(question.name, p95, goal, " ms p95");
        }
        let goal = question.goal.map_or(String::new(), |goal| format!("{goal:.0} ms"));
        rows.push(vec![question.name.into(), ms(p50), ms(p95), ms(most), goal]);
    }
    report.add(Section {
        title: "Answers from it".to_owned(),
        columns: vec!["", "p50", "p95", "worst", "goal (p95)"],
        rows,
        notes: vec![format!(
            "{asked} of each over HTTP, as the dashboard asks, other values each time, the kinds in turn."
        )],
    });
    Ok(())
}

fn ms(ms: f64) -> String {
    format!("{ms:.1} ms")
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}
