//! Row g: what a hundred dashboards cost that are open while calls are recorded. Each round measures without and with them,
//! one after the other, so that a machine that is busy is so for both.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::listeners::{Heard, Listeners};
use crate::load::{Requests, closed_loop, open_loop};
use crate::process::Process;
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::statistics::{Schedule, median, micros};
use crate::upstream::Upstream;
use crate::{Options, database, say};

const DASHBOARDS: usize = 100;
const RATE: u32 = 1_000;
const CONNECTIONS: usize = 64;

/// The same load in each round, one figure a round.
#[derive(Default)]
struct Measured {
    answers: u64,
    p50: Vec<f64>,
    p99: Vec<f64>,
    /// CPU seconds for a thousand calls, recorded.
    cpu: Vec<f64>,
    rss_mb: Vec<f64>,
    drained: Vec<f64>,
}

impl Measured {
    fn round(&mut self, proxy: &Proxy, requests: &Requests, duration: Duration) -> Result<()> {
        let before = proxy.cpu_seconds();
        let outcome = open_loop(proxy.to, requests, Schedule { rate: RATE, duration }, CONNECTIONS)?;
        anyhow::ensure!(outcome.failures == 0, "{}: {} failures", proxy.name, outcome.failures);
        self.drained.push(proxy.settle()?.as_secs_f64());
        let count = outcome.latencies.len();
        self.answers += count as u64;
        self.cpu.push((proxy.cpu_seconds() - before) * 1e3 / f64::from(u32::try_from(count)?));
        self.rss_mb.push(proxy.process.as_ref().and_then(Process::rss_mb).unwrap_or(f64::NAN));
        self.p50.push(micros(outcome.latencies.percentile(50.0)) / 1e3);
        self.p99.push(micros(outcome.latencies.percentile(99.0)) / 1e3);
        Ok(())
    }

    fn row(&self, name: &str, direct: &Self) -> Vec<String> {
        let ms = |figure: f64| format!("{figure:.3} ms");
        vec![
            name.to_owned(),
            ms(median(&self.p50)),
            ms(median(&self.p99)),
            ms(median(&added(&self.p50, &direct.p50))),
            ms(median(&added(&self.p99, &direct.p99))),
            if self.cpu.iter().all(|cpu| cpu.is_nan()) {
                String::new()
            } else {
                format!("{:.3}", median(&self.cpu))
            },
            if median(&self.rss_mb).is_nan() { String::new() } else { short(median(&self.rss_mb)) },
            format!("{} s", short(median(&self.drained))),
        ]
    }
}

/// What each round took longer than the one beside it.
fn added(own: &[f64], base: &[f64]) -> Vec<f64> {
    own.iter().zip(base).map(|(own, base)| own - base).collect()
}

/// How many times as much each round took as the one beside it.
fn times(own: &[f64], base: &[f64]) -> f64 {
    median(&own.iter().zip(base).map(|(own, base)| own / base).collect::<Vec<_>>())
}

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let (upstream, requests) = (Upstream::start()?, Requests::new());
    let without = Proxy::direct(upstream.address);
    let proxy = Proxy::llmflow(&options.binary, upstream.address)?;
    let dashboard = proxy.dashboard().context("our binary has a dashboard")?;
    // Whatever is made on first use is made now.
    let warm = closed_loop(proxy.to, &requests, Duration::from_millis(500), CONNECTIONS)?;
    proxy.settle()?;
    let (mut direct, mut alone, mut watched) = <(Measured, Measured, Measured)>::default();
    let mut heard: Vec<Heard> = Vec::new();
    let (rounds, duration) = (options.pick(7, 2), Duration::from_secs(options.pick(6, 2)));
    for round in 1..=rounds {
        say(&format!("{RATE} calls a second without and with {DASHBOARDS} dashboards, round {round}"));
        direct.round(&without, &requests, duration)?;
        alone.round(&proxy, &requests, duration)?;
        let listeners = Listeners::start(dashboard, DASHBOARDS)?;
        watched.round(&proxy, &requests, duration)?;
        heard.extend(listeners.heard());
    }
    let answers = warm.latencies.len() as u64 + alone.answers + watched.answers;
    judge([&direct, &alone, &watched], &heard, report);
    report.add(section([&direct, &alone, &watched], &heard, duration));
    let completeness = proxy.completeness()?;
    let path = proxy.database().context("our binary has a database")?;
    let _folder = proxy.stop()?;
    report.all_of("with 100 dashboards: stored of answered", database::complete_calls(&path)?, answers);
    report.all_of("with 100 dashboards: recorded of seen", completeness.recorded, completeness.seen);
    Ok(())
}

fn judge([direct, alone, watched]: [&Measured; 3], heard: &[Heard], report: &mut Report) {
    let ratio =
        |of: fn(&Measured) -> &[f64]| times(&added(of(watched), of(direct)), &added(of(alone), of(direct)));
    report.at_most("added latency p50 with 100 dashboards", ratio(|one| &one.p50), 1.25, " × without");
    report.at_most("added latency p99 with 100 dashboards", ratio(|one| &one.p99), 1.5, " × without");
    report.at_most("CPU with 100 dashboards", times(&watched.cpu, &alone.cpu), 1.25, " × without");
    let resyncs: u64 = heard.iter().map(|one| one.resyncs).sum();
    report.at_most("a dashboard missed some and was told so", number(resyncs), 0.0, "");
    let same = heard.chunks(DASHBOARDS).flat_map(|round| {
        let first = round.first().map(|one| (one.events, one.digest));
        round.iter().filter(move |one| Some((one.events, one.digest)) == first && one.events > 0)
    });
    report.all_of(
        "dashboards that heard the same in the same order",
        same.count() as u64,
        heard.len() as u64,
    );
}

fn section([direct, alone, watched]: [&Measured; 3], heard: &[Heard], duration: Duration) -> Section {
    let events = heard.iter().map(|one| one.events);
    let (least, most) = (events.clone().min().unwrap_or(0), events.max().unwrap_or(0));
    Section {
        title: format!("{DASHBOARDS} dashboards at once"),
        columns: vec![
            "",
            "p50",
            "p99",
            "added p50",
            "added p99",
            "CPU s, 1,000 calls",
            "RSS MB",
            "drained in",
        ],
        rows: vec![
            direct.row("direct", direct),
            alone.row("llmflow, no dashboard", direct),
            watched.row("llmflow, 100 dashboards", direct),
        ],
        notes: vec![format!(
            "{RATE} calls of 4 KB a second, open loop, {} s a round, rounds interleaved, medians shown, ratios within a \
             round. Each dashboard listens to `/api/events` and was told between {least} and {most} events in its round. The \
             listeners, which read {DASHBOARDS} streams, run on the same cores.",
            duration.as_secs()
        )],
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}
