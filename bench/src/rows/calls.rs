//! Row a: what a call costs. Added latency at a steady rate, CPU time, throughput at saturation, and whether
//! everything that went through was stored.

use std::time::Duration;

use anyhow::Result;

use crate::load::{Requests, closed_loop, open_loop};
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::statistics::{Schedule, median, micros};
use crate::upstream::Upstream;
use crate::{Options, database, say};

const RATE: u32 = 1_000;
/// Enough that a request never waits for a free connection unless something stalls.
const OPEN_CONNECTIONS: usize = 64;
const CLOSED_CONNECTIONS: usize = 16;

/// One proxy and what was measured of it, a figure a round.
struct Measured {
    proxy: Proxy,
    answers: u64,
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
    cpu_with_index: Vec<f64>,
    saturation: Vec<f64>,
    cpu_saturated: Vec<f64>,
    drain: Vec<f64>,
    index: Vec<f64>,
}

impl Measured {
    fn new(proxy: Proxy) -> Self {
        Self {
            proxy,
            answers: 0,
            p50: Vec::new(),
            p99: Vec::new(),
            cpu: Vec::new(),
            cpu_with_index: Vec::new(),
            saturation: Vec::new(),
            cpu_saturated: Vec::new(),
            drain: Vec::new(),
            index: Vec::new(),
        }
    }

    fn at_rate(&mut self, requests: &Requests, duration: Duration) -> Result<()> {
        let before = self.proxy.cpu_seconds();
        let schedule = Schedule { rate: RATE, duration };
        let outcome = open_loop(self.proxy.to, requests, schedule, OPEN_CONNECTIONS)?;
        anyhow::ensure!(outcome.failures == 0, "{}: {} failures", self.proxy.name, outcome.failures);
        self.proxy.settle()?;
        let recorded = self.proxy.cpu_seconds();
        self.proxy.settle_index()?;
        let count = outcome.latencies.len();
        self.answers += count as u64;
        let each = 1e6 / f64::from(u32::try_from(count)?);
        self.cpu.push((recorded - before) * each);
        self.cpu_with_index.push((self.proxy.cpu_seconds() - before) * each);
        self.p50.push(micros(outcome.latencies.percentile(50.0)));
        self.p99.push(micros(outcome.latencies.percentile(99.0)));
        Ok(())
    }

    fn saturated(&mut self, requests: &Requests, duration: Duration) -> Result<()> {
        let before = self.proxy.cpu_seconds();
        let outcome = closed_loop(self.proxy.to, requests, duration, CLOSED_CONNECTIONS)?;
        anyhow::ensure!(outcome.failures == 0, "{}: {} failures", self.proxy.name, outcome.failures);
        self.answers += outcome.latencies.len() as u64;
        self.saturation.push(outcome.rate());
        self.drain.push(self.proxy.settle()?.as_secs_f64());
        self.index.push(self.proxy.settle_index()?.as_secs_f64());
        let count = f64::from(u32::try_from(outcome.latencies.len())?);
        self.cpu_saturated.push((self.proxy.cpu_seconds() - before) * 1e6 / count);
        Ok(())
    }

    fn row(&self, direct: &Measured) -> Vec<String> {
        let added =
            |own: &[f64], base: &[f64]| if self.is_direct() { String::new() } else { ms(added(own, base)) };
        let ours = |figures: &[f64], unit: &str| match self.proxy.is_ours() {
            true => format!("{}{unit}", short(median(figures))),
            false => String::new(),
        };
        let plain = |figure: f64| if figure.is_nan() { String::new() } else { short(figure) };
        vec![
            self.proxy.name.to_owned(),
            ms(median(&self.p50)),
            ms(median(&self.p99)),
            added(&self.p50, &direct.p50),
            added(&self.p99, &direct.p99),
            plain(median(&self.cpu)),
            ours(&self.cpu_with_index, ""),
            plain(median(&self.saturation)),
            plain(median(&self.cpu_saturated)),
            ours(&self.drain, " s"),
            ours(&self.index, " s"),
        ]
    }

    fn is_direct(&self) -> bool {
        self.proxy.process.is_none()
    }
}

/// The median over rounds of what a round took longer than the direct one beside it.
fn added(own: &[f64], base: &[f64]) -> f64 {
    let differences: Vec<f64> = own.iter().zip(base).map(|(own, base)| own - base).collect();
    median(&differences)
}

fn ms(micros: f64) -> String {
    if micros.is_nan() { String::new() } else { format!("{:.3} ms", micros / 1e3) }
}

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let upstream = Upstream::start()?;
    let address = upstream.address;
    let requests = Requests::new();
    let mut all = vec![
        Measured::new(Proxy::direct(address)),
        Measured::new(Proxy::nginx(address)?),
        Measured::new(Proxy::llmflow(&options.binary, address)?),
    ];
    if let Some(binary) = &options.against {
        all.push(Measured::new(Proxy::llmflow_in("against", binary, address, tempfile::tempdir()?)?));
    }
    for measured in &mut all {
        // Whatever is made on first use is made now.
        measured.saturated(&requests, Duration::from_millis(500))?;
        for figures in
            [&mut measured.saturation, &mut measured.cpu_saturated, &mut measured.drain, &mut measured.index]
        {
            figures.clear();
        }
    }
    for round in 0..options.pick(5, 2) {
        for measured in &mut all {
            say(&format!("{RATE} requests a second: {}, round {}", measured.proxy.name, round + 1));
            measured.at_rate(&requests, Duration::from_secs(options.pick(6, 2)))?;
        }
    }
    if let Some(home) = &options.peers {
        all.push(Measured::new(Proxy::original(home, address)?));
    }
    for round in 0..options.pick(5, 2) {
        for measured in &mut all {
            say(&format!("as fast as it can: {}, round {}", measured.proxy.name, round + 1));
            measured.saturated(&requests, Duration::from_secs(options.pick(5, 2)))?;
        }
    }
    judge(&all, report);
    stored(all, report)
}

fn judge(all: &[Measured], report: &mut Report) {
    let find = |name| all.iter().find(|measured| measured.proxy.name == name);
    let (Some(direct), Some(nginx), Some(ours)) = (find("direct"), find("nginx"), find("llmflow")) else {
        return;
    };
    report.at_most("added latency p50 at 1,000/s", added(&ours.p50, &direct.p50) / 1e3, 0.10, " ms");
    report.at_most("added latency p99 at 1,000/s", added(&ours.p99, &direct.p99) / 1e3, 1.0, " ms");
    report.at_most("CPU a recorded request", median(&ours.cpu), 100.0, " µs");
    let saturation = median(&ours.saturation);
    report.at_least("saturation", saturation / median(&nginx.saturation), 0.4, " × nginx");
    if let Some(original) = find("original") {
        report.at_least("saturation", saturation / median(&original.saturation), 15.0, " × the original");
    }
    report.add(Section {
        title: "Calls".to_owned(),
        columns: vec![
            "",
            "p50",
            "p99",
            "added p50",
            "added p99",
            "CPU µs",
            "CPU µs with index",
            "saturated, requests/s",
            "CPU µs saturated",
            "drained in",
            "indexed in",
        ],
        rows: all.iter().map(|measured| measured.row(direct)).collect(),
        notes: vec![format!(
            "Chats of 4 KB, each different, answers of 1.4 KB, each different. Latency and CPU at {RATE} requests a \
             second, open loop, from the moment each was due; saturation over {CLOSED_CONNECTIONS} connections, \
             closed loop, its CPU time until everything is stored and searchable. Rounds interleaved, medians shown. \
             nginx, with a worker a core, records nothing."
        )],
    });
}

/// Everything that was answered must be in the database.
fn stored(all: Vec<Measured>, report: &mut Report) -> Result<()> {
    for measured in all.into_iter().filter(|measured| measured.proxy.is_ours()) {
        let (name, answers) = (measured.proxy.name, measured.answers);
        let completeness = measured.proxy.completeness()?;
        let path = measured.proxy.database();
        let _folder = measured.proxy.stop()?;
        let stored = path.as_deref().map(database::complete_calls).transpose()?.unwrap_or(0);
        say(&format!("{name}: {answers} answered, {stored} stored, {completeness:?}"));
        if name == "llmflow" {
            report.all_of("stored of answered", stored, answers);
            report.all_of("recorded of seen", completeness.recorded, completeness.seen);
            report.all_of("bodies kept whole", stored * 2 - completeness.cut.min(stored * 2), stored * 2);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_reckoned_within_a_round() {
        // The machine is twice as slow in the second round; both sides feel it.
        let (direct, ours) = ([100.0, 200.0, 110.0], [150.0, 260.0, 158.0]);
        assert!((added(&ours, &direct) - 50.0).abs() < 1e-9);
    }
}
