//! Of a large database, over REST: the first page and pages deep in the list, a large trace as a tree, and all calls as a
//! file, with the memory that takes. Part of `--scale`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::download::{Format, Rows, download};
use crate::process::Process;
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::say;
use crate::scale::{Dashboard, TRACE};
use crate::statistics::{Samples, micros};

const PAGE: usize = 50;
/// Calls of a file with bodies, which are many times as large.
const WITH_BODIES: u64 = 20_000;
/// How much more memory than before a file may take, whatever its size.
const ROOM_MB: f64 = 48.0;

/// What is asked, its goal in milliseconds, and what was measured.
struct Asked {
    name: &'static str,
    goal: f64,
    took: Vec<Duration>,
}

/// Pages and the tree, in turn.
pub(crate) fn lists(dashboard: &mut Dashboard, calls: u64, rounds: usize, report: &mut Report) -> Result<()> {
    say("pages and a tree over REST");
    let mut all = [
        ("REST: first page of calls", 20.0),
        ("REST: a page deep in the list, by cursor", 20.0),
        ("REST: a trace of 10,000 spans as a tree", 300.0),
    ]
    .map(|(name, goal)| Asked { name, goal, took: Vec::new() });
    let first = format!("/api/traces?limit={PAGE}");
    // Where half of all calls stand in front, and from there on page by page.
    let mut last = last_row(&dashboard.get(&format!("{first}&offset={}", calls / 2))?)?;
    for round in 0..=rounds {
        let paths = [first.clone(), format!("{first}&before={last}"), format!("/api/traces/{TRACE}/tree")];
        for (asked, path) in all.iter_mut().zip(&paths) {
            let began = Instant::now();
            let body = dashboard.get(path).with_context(|| asked.name)?;
            let took = began.elapsed();
            if path.contains("before=") {
                last = last_row(&body)?;
            }
            // The first round opens what stays open.
            if round > 0 {
                asked.took.push(took);
            }
        }
    }
    let rows = all.into_iter().map(|asked| {
        let took = Samples::new(asked.took);
        let [p50, p95, most] = [50.0, 95.0, 100.0].map(|percent| micros(took.percentile(percent)) / 1e3);
        report.at_most(asked.name, p95, asked.goal, " ms p95");
        let ms = |ms: f64| format!("{ms:.1} ms");
        vec![asked.name.to_owned(), ms(p50), ms(p95), ms(most), format!("{:.0} ms", asked.goal)]
    });
    let rows = rows.collect();
    report.add(Section {
        title: "Lists over REST".to_owned(),
        columns: vec!["", "p50", "p95", "worst", "goal (p95)"],
        rows,
        notes: vec![format!(
            "{rounds} of each, in turn; {PAGE} calls a page. Deep: from the middle of the list on, each page by the \
             cursor of the one before."
        )],
    });
    Ok(())
}

fn last_row(body: &[u8]) -> Result<String> {
    let rows: Vec<Value> = serde_json::from_slice(body).context("a list of calls")?;
    let id = rows.last().and_then(|row| row["id"].as_str());
    id.map(str::to_owned).context("the list ends too early")
}

/// A file that was written.
struct Written {
    name: String,
    rows: u64,
    bytes: u64,
    took: Duration,
    before_mb: f64,
    peak_mb: f64,
    after_mb: f64,
}

/// All calls in each format, and some with their bodies.
pub(crate) fn files(proxy: &Proxy, calls: u64, report: &mut Report) -> Result<()> {
    let mut all = Vec::new();
    for format in [Format::Json, Format::Lines, Format::Csv] {
        let path = format!("/api/traces/export?format={}&bodies=false&limit={calls}", format.name());
        all.push(file(proxy, format.name().to_owned(), format, &path)?);
    }
    let whole = all.iter().map(|file| file.rows).sum();
    let some = calls.min(WITH_BODIES);
    let path = format!("/api/traces/export?format=jsonl&limit={some}");
    all.push(file(proxy, format!("jsonl with bodies, {some} calls"), Format::Lines, &path)?);
    report.all_of("rows of three files of all calls", whole, 3 * calls);
    let most = all.iter().map(|file| file.peak_mb - file.before_mb).fold(f64::NAN, f64::max);
    report.at_most("memory that a file takes, whatever its size", most, ROOM_MB, " MB");
    let rows = all.iter().map(|file| {
        vec![
            file.name.clone(),
            file.rows.to_string(),
            format!("{} MB", file.bytes >> 20),
            format!("{:.1} s", file.took.as_secs_f64()),
            short(number(file.rows) / file.took.as_secs_f64()),
            short(file.before_mb),
            short(file.peak_mb),
            short(file.after_mb),
        ]
    });
    report.add(Section {
        title: "All calls as a file".to_owned(),
        columns: vec!["", "rows", "size", "took", "rows/s", "RSS MB before", "peak", "after"],
        rows: rows.collect(),
        notes: vec![
            "`GET /api/traces/export`, without bodies but in the last row, written to a file while it comes; rows are \
             counted in it."
                .to_owned(),
        ],
    });
    Ok(())
}

fn file(proxy: &Proxy, name: String, format: Format, path: &str) -> Result<Written> {
    say(&format!("all calls as a file: {name}"));
    let from = proxy.dashboard().context("our binary has a dashboard")?;
    let process = proxy.process.as_ref().context("our binary runs")?;
    let mut out = BufWriter::new(tempfile::tempfile()?);
    let (mut rows, mut bytes) = (Rows::of(format), 0);
    let mb = |of: fn(&Process) -> Option<f64>| of(process).unwrap_or(f64::NAN);
    process.forget_peak();
    let (before_mb, began) = (mb(Process::rss_mb), Instant::now());
    download(from, path, |piece| {
        rows.read(piece);
        bytes += piece.len() as u64;
        out.write_all(piece)
    })?;
    out.flush()?;
    let took = began.elapsed();
    let (peak_mb, after_mb) = (mb(Process::peak_mb), mb(Process::rss_mb));
    drop::<BufWriter<File>>(out);
    Ok(Written { name, rows: rows.count(), bytes, took, before_mb, peak_mb, after_mb })
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}
