//! Row f: spans over OTLP. How many a second are stored durably, by transport and by the size of batches, what each costs,
//! and how long it takes until they are joined with calls and sessions.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::collectors::Collector;
use crate::export::{Load, Sent, Transport, send};
use crate::otlp::{Shape, TEXT, TRACE};
use crate::report::{Report, Section, short};
use crate::statistics::micros;
use crate::{Options, say};

const TRANSPORTS: [Transport; 3] = [Transport::Protobuf, Transport::Json, Transport::Grpc];
/// Spans in a batch, and connections that send such batches.
const BATCHES: [(usize, u64); 3] = [(1, 32), (100, 8), (1_000, 4)];
/// Seldom: health counts all calls, which is work too.
const POLL: Duration = Duration::from_millis(250);
/// Longer than any backlog that a healthy build has.
const LONGEST_DRAIN: Duration = Duration::from_secs(300);
/// Others are sent this many, since some take minutes to store them, and are waited for as long as this.
const PEERS_MOST: u64 = 4_000;
const PEERS_DRAIN: Duration = Duration::from_secs(60);

/// One load on one collector.
struct Measured {
    name: &'static str,
    load: Load,
    sent: Sent,
    /// Spans in the database at the end.
    stored: u64,
    /// From the first batch until all of them were in the database.
    durable: Duration,
    cpu: f64,
    /// With joining.
    cpu_joined: f64,
    peak_mb: f64,
    joined: Duration,
    lag_ms: u64,
}

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let duration = Duration::from_secs(options.pick(6, 2));
    let load =
        |shape, transport, (batch, lanes)| Load { shape, transport, batch, lanes, duration, most: u64::MAX };
    for (shape, title, goal) in [
        (Shape::Mixed, "Spans without text", Some(50_000.0)),
        (Shape::MixedText, "Spans with a text of 2 KB", Some(8_000.0)),
        (Shape::Llm, "Calls of a model only, without text", None),
        (Shape::LlmText, "Calls of a model only, with a text of 2 KB", None),
    ] {
        let mut all = Vec::new();
        // Calls alone are the dearest spans there are; one transport shows what they cost.
        let transports = if goal.is_some() { TRANSPORTS.as_slice() } else { &[Transport::Protobuf] };
        for transport in transports {
            for size in BATCHES {
                let ours = Collector::llmflow("llmflow", &options.binary)?;
                all.push(one(&ours, load(shape, *transport, size))?);
                if let Some(other) = &options.against {
                    let other = Collector::llmflow("the other build", other)?;
                    all.push(one(&other, load(shape, *transport, size))?);
                }
            }
        }
        if let (Some(home), Some(_)) = (&options.peers, goal) {
            let few = |transport, size| Load { most: PEERS_MOST, ..load(shape, transport, size) };
            for transport in [Transport::Protobuf, Transport::Grpc] {
                all.push(one(&Collector::phoenix(home)?, few(transport, (100, 4)))?);
            }
            all.push(one(&Collector::original(home)?, few(Transport::Json, (100, 4)))?);
        }
        judge(&all, goal, report);
        report.add(section(title, shape, &all));
    }
    Ok(())
}

/// Sends, and waits until all of it is stored and joined.
fn one(to: &Collector, load: Load) -> Result<Measured> {
    say(&format!("spans ({:?}): {}, {}, {} a batch", load.shape, to.name, load.transport.name(), load.batch));
    let before = to.cpu_seconds();
    to.process.forget_peak();
    let (over, most_lag) = (AtomicBool::new(false), AtomicU64::new(0));
    let began = Instant::now();
    let sent = thread::scope(|scope| {
        scope.spawn(|| {
            while to.is_ours() && !over.load(Ordering::Relaxed) {
                if let Ok(collected) = to.collected() {
                    most_lag.fetch_max(collected.lag_ms, Ordering::Relaxed);
                }
                thread::sleep(POLL);
            }
        });
        let sent = send(to, load);
        over.store(true, Ordering::Relaxed);
        sent
    })
    .with_context(|| format!("while it wrote: {}", to.log()))?;
    // Ours answers once it is stored; others store in their own time.
    let (mut stored, mut durable) = (to.stored()?, if to.is_ours() { sent.elapsed } else { began.elapsed() });
    while !to.is_ours() && stored < sent.spans && began.elapsed() < PEERS_DRAIN {
        thread::sleep(POLL);
        let now = to.stored()?;
        if now > stored {
            (stored, durable) = (now, began.elapsed());
        }
    }
    let cpu = to.cpu_seconds() - before;
    let draining = Instant::now();
    while to.is_ours() && draining.elapsed() < LONGEST_DRAIN {
        let collected = to.collected()?;
        most_lag.fetch_max(collected.lag_ms, Ordering::Relaxed);
        if collected.waiting == 0 {
            break;
        }
        thread::sleep(POLL);
    }
    Ok(Measured {
        name: to.name,
        load,
        stored,
        durable,
        cpu,
        cpu_joined: to.cpu_seconds() - before,
        peak_mb: to.process.peak_mb().unwrap_or(f64::NAN),
        joined: draining.elapsed(),
        lag_ms: most_lag.into_inner(),
        sent,
    })
}

impl Measured {
    fn is_ours(&self) -> bool {
        !matches!(self.name, "phoenix" | "original")
    }

    /// Spans a second that were there for good.
    fn rate(&self) -> f64 {
        number(self.stored.min(self.sent.spans)) / self.durable.as_secs_f64()
    }

    fn row(&self) -> Vec<String> {
        let a_span = |seconds: f64| short(seconds * 1e6 / number(self.sent.spans));
        let ours = |text: String| if self.is_ours() { text } else { String::new() };
        let refused = match self.sent.refused {
            0 => String::new(),
            count => count.to_string(),
        };
        vec![
            self.name.to_owned(),
            self.load.transport.name().to_owned(),
            self.load.batch.to_string(),
            short(self.rate()),
            short(number(self.sent.bytes) / self.sent.elapsed.as_secs_f64() / 1e6),
            format!("{} ms", short(micros(self.sent.latencies.percentile(50.0)) / 1e3)),
            format!("{} ms", short(micros(self.sent.latencies.percentile(99.0)) / 1e3)),
            a_span(self.cpu),
            ours(a_span(self.cpu_joined)),
            short(self.peak_mb),
            ours(format!("{} s", short(number(self.lag_ms) / 1e3))),
            ours(format!("{} s", short(self.joined.as_secs_f64()))),
            refused,
            format!("{} of {}", self.stored, self.sent.spans),
        ]
    }
}

fn judge(all: &[Measured], goal: Option<f64>, report: &mut Report) {
    let ours = || all.iter().filter(|measured| measured.name == "llmflow");
    let (stored, sent) =
        ours().fold((0, 0), |(stored, sent), one| (stored + one.stored, sent + one.sent.spans));
    let with_text = all.iter().any(|one| matches!(one.load.shape, Shape::MixedText | Shape::LlmText));
    let Some(goal) = goal else {
        let what = match with_text {
            true => "calls of models with text: stored of acknowledged",
            false => "calls of models: stored of acknowledged",
        };
        return report.all_of(what, stored, sent);
    };
    let large = ours().find(|one| one.load.batch == 1_000 && one.load.transport == Transport::Protobuf);
    let rate = large.map_or(f64::NAN, Measured::rate);
    if with_text {
        report.at_least("spans with 2 KB of text, 1,000 a batch", rate, goal, " /s");
        report.all_of("spans with text: stored of acknowledged", stored, sent);
    } else {
        report.at_least("spans without text, 1,000 a batch", rate, goal, " /s");
        report.all_of("spans: stored of acknowledged", stored, sent);
    }
}

fn section(title: &str, shape: Shape, all: &[Measured]) -> Section {
    let what = match shape {
        Shape::Mixed | Shape::MixedText => format!(
            "Traces of {TRACE} spans: an agent, 3 calls of a model, 2 runs of tools, 4 of HTTP beneath them, which are \
             infrastructure; 20 attributes each{}.",
            if shape == Shape::MixedText {
                format!(", all but HTTP's with {TEXT} bytes of text besides")
            } else {
                String::new()
            }
        ),
        Shape::Llm | Shape::LlmText => format!(
            "Every span a call of a model and a trace of its own, 20 attributes{}.",
            if shape == Shape::LlmText { format!(" and {TEXT} bytes of text") } else { String::new() }
        ),
    };
    Section {
        title: title.to_owned(),
        columns: vec![
            "",
            "over",
            "a batch",
            "durable, spans/s",
            "MB/s",
            "ack p50",
            "ack p99",
            "CPU µs a span",
            "… joined",
            "RSS peak MB",
            "lag at most",
            "joined in",
            "come again",
            "stored",
        ],
        rows: all.iter().map(Measured::row).collect(),
        notes: vec![format!(
            "{what} No two spans, ids or texts alike. 32, 8 and 4 connections for batches of 1, 100 and 1,000, each waiting for \
             its answer; a new database each. Durable: acknowledged by us only once committed; of others, found in their \
             database, at most {PEERS_MOST} spans and {} s. Joined: calls of models entered into the ledger, priced, placed in \
             sessions and made searchable after the acknowledgement; the lag is the oldest one's wait, the last column but \
             two how long that went on after the load.",
            PEERS_DRAIN.as_secs()
        )],
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}
