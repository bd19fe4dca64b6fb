//! Row e, second part: a client that speaks HTTP/2, beside the same client by HTTP/1.1.

use std::time::Duration;

use anyhow::Result;

use crate::load::{Requests, closed_loop_over, open_loop_over};
use crate::modern::{Clients, Version};
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::statistics::{Schedule, median, micros};
use crate::upstream::Upstream;
use crate::{Options, say};

const RATE: u32 = 1_000;
/// Enough that a request never waits for a free place unless something stalls.
const OPEN_AT_ONCE: usize = 64;
const CLOSED_AT_ONCE: usize = 16;

/// One way to the upstream and what was measured of it, a figure a round.
struct Way<'a> {
    name: &'static str,
    proxy: &'a Proxy,
    version: Version,
    answers: u64,
    p50: Vec<f64>,
    p99: Vec<f64>,
    saturation: Vec<f64>,
}

impl<'a> Way<'a> {
    fn new(name: &'static str, proxy: &'a Proxy, version: Version) -> Self {
        let (p50, p99, saturation) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, proxy, version, answers: 0, p50, p99, saturation }
    }

    fn at_rate(&mut self, clients: &Clients, requests: &Requests, duration: Duration) -> Result<()> {
        let lanes = clients.open(self.proxy.to, self.version, OPEN_AT_ONCE)?;
        let outcome = open_loop_over(lanes, requests, Schedule { rate: RATE, duration })?;
        anyhow::ensure!(outcome.failures == 0, "{}: {} failures", self.name, outcome.failures);
        self.answers += outcome.latencies.len() as u64;
        self.p50.push(micros(outcome.latencies.percentile(50.0)));
        self.p99.push(micros(outcome.latencies.percentile(99.0)));
        self.proxy.settle().map(|_| ())
    }

    fn saturated(&mut self, clients: &Clients, requests: &Requests, duration: Duration) -> Result<()> {
        let lanes = clients.open(self.proxy.to, self.version, CLOSED_AT_ONCE)?;
        let outcome = closed_loop_over(lanes, requests, duration)?;
        anyhow::ensure!(outcome.failures == 0, "{}: {} failures", self.name, outcome.failures);
        self.answers += outcome.latencies.len() as u64;
        self.saturation.push(outcome.rate());
        self.proxy.settle().map(|_| ())
    }

    fn row(&self, direct: &Way<'_>) -> Vec<String> {
        let added = |own: &[f64], base: &[f64]| {
            let differences: Vec<f64> = own.iter().zip(base).map(|(own, base)| own - base).collect();
            if self.proxy.is_ours() { ms(median(&differences)) } else { String::new() }
        };
        vec![
            self.name.to_owned(),
            ms(median(&self.p50)),
            ms(median(&self.p99)),
            added(&self.p50, &direct.p50),
            added(&self.p99, &direct.p99),
            short(median(&self.saturation)),
        ]
    }
}

fn ms(micros: f64) -> String {
    format!("{:.3} ms", micros / 1e3)
}

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let (upstream, clients, requests) = (Upstream::start()?, Clients::new()?, Requests::new());
    let direct = Proxy::direct(upstream.address);
    let proxy = Proxy::llmflow(&options.binary, upstream.address)?;
    let before = proxy.completeness()?;
    let mut ways = [
        Way::new("direct, HTTP/1.1", &direct, Version::One),
        Way::new("llmflow, HTTP/1.1", &proxy, Version::One),
        Way::new("llmflow, HTTP/2", &proxy, Version::Two),
    ];
    for way in &mut ways {
        // Whatever is made on first use is made now.
        way.saturated(&clients, &requests, Duration::from_millis(500))?;
        way.saturation.clear();
    }
    for round in 0..options.pick(5, 2) {
        for way in &mut ways {
            say(&format!("{RATE} requests a second: {}, round {}", way.name, round + 1));
            way.at_rate(&clients, &requests, Duration::from_secs(options.pick(4, 2)))?;
        }
    }
    for round in 0..options.pick(5, 2) {
        for way in &mut ways {
            say(&format!("as fast as it can: {}, round {}", way.name, round + 1));
            way.saturated(&clients, &requests, Duration::from_secs(options.pick(4, 2)))?;
        }
    }
    let [base, one, two] = &ways;
    report.all_of(
        "recorded of answered, HTTP/1.1 and HTTP/2",
        proxy.completeness()?.recorded - before.recorded,
        one.answers + two.answers,
    );
    report.add(Section {
        title: "A client by HTTP/1.1 and by HTTP/2".to_owned(),
        columns: vec!["", "p50", "p99", "added p50", "added p99", "saturated, requests/s"],
        rows: ways.iter().map(|way| way.row(base)).collect(),
        notes: vec![format!(
            "The same client (hyper) by both; the upstream speaks HTTP/1.1. At {RATE} requests a second up to \
             {OPEN_AT_ONCE} under way, saturated {CLOSED_AT_ONCE}: on as many connections by HTTP/1.1, on a single one \
             by HTTP/2. Compare within this table: the client costs more than the one of the other rows."
        )],
    });
    Ok(())
}
