//! Row b: streams. How much later the first byte of an answer comes, how long a piece is under way, and a thousand
//! streams open at once.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::http::Connection;
use crate::load::{BODY_BYTES, Requests};
use crate::process::Process;
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::statistics::{Samples, median, micros};
use crate::upstream::{STAMP, STREAM_HEADER, Upstream, now_nanos};
use crate::{Options, database, say};

/// What a coding agent sends after some turns.
const LARGE_PROMPT: usize = 200_000;
/// Streams at once while the delay of their pieces is measured, and the time between two pieces.
const STREAMS: usize = 8;
const GAP: Duration = Duration::from_millis(10);
const MANY: usize = 1_000;
const MANY_GAP: Duration = Duration::from_millis(200);
const STACK: usize = 128 * 1024;

struct Measured {
    proxy: Proxy,
    first_byte: [Vec<f64>; 2],
    delay: [Vec<f64>; 2],
}

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let upstream = Upstream::start()?;
    let requests = Requests::new();
    let proxies = [
        Proxy::direct(upstream.address),
        Proxy::nginx(upstream.address)?,
        Proxy::llmflow(&options.binary, upstream.address)?,
    ];
    let mut all =
        proxies.map(|proxy| Measured { proxy, first_byte: Default::default(), delay: Default::default() });
    for round in 0..options.pick(5, 2) {
        for measured in &mut all {
            say(&format!("streams: {}, round {}", measured.proxy.name, round + 1));
            let first = first_bytes(&measured.proxy, &requests, options.pick(200, 50))?;
            push(&mut measured.first_byte, &first);
            let delays = delays(&measured.proxy, &requests, options.pick(200, 100))?;
            push(&mut measured.delay, &delays);
        }
    }
    table(&all, report);
    drop(all);
    many(Proxy::llmflow(&options.binary, upstream.address)?, &requests, options, report)
}

fn push([p50, p99]: &mut [Vec<f64>; 2], samples: &Samples) {
    p50.push(micros(samples.percentile(50.0)));
    p99.push(micros(samples.percentile(99.0)));
}

/// From sending a large prompt to the first byte of the answer's body, one after the other.
fn first_bytes(proxy: &Proxy, requests: &Requests, count: usize) -> Result<Samples> {
    let mut connection = Connection::open(proxy.to.address)?;
    let (mut request, mut samples) = (Vec::new(), Vec::new());
    for _ in 0..count {
        requests.write(&proxy.to, &header(1, Duration::ZERO), LARGE_PROMPT, &mut request);
        let (began, mut first) = (Instant::now(), None);
        connection.ask_watching(&request, |at, _| {
            first.get_or_insert(at);
        })?;
        samples.extend(first.map(|at| at.duration_since(began)));
    }
    Ok(Samples::new(samples))
}

/// From sending a piece to its arrival, over some streams at once.
fn delays(proxy: &Proxy, requests: &Requests, pieces: u32) -> Result<Samples> {
    let all = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let streams: Vec<_> = (0..STREAMS)
            .map(|_| {
                scope.spawn(|| {
                    let mut ages = Ages::default();
                    stream(proxy, requests, pieces, GAP, |now, data| ages.read(data, now))?;
                    if let Ok(mut all) = all.lock() {
                        all.append(&mut ages.seen);
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        streams.into_iter().try_for_each(|stream| match stream.join() {
            Ok(result) => result,
            Err(_) => anyhow::bail!("a stream's thread panicked"),
        })
    })?;
    let samples = Samples::new(all.into_inner().unwrap_or_default());
    anyhow::ensure!(samples.len() == STREAMS * pieces as usize, "{}: pieces are missing", proxy.name);
    Ok(samples)
}

fn header(pieces: u32, gap: Duration) -> String {
    format!("{STREAM_HEADER}: {pieces} {}\r\n", gap.as_micros())
}

fn stream(
    proxy: &Proxy,
    requests: &Requests,
    pieces: u32,
    gap: Duration,
    mut came: impl FnMut(u64, &[u8]),
) -> Result<()> {
    let mut request = Vec::new();
    requests.write(&proxy.to, &header(pieces, gap), BODY_BYTES, &mut request);
    let answer =
        Connection::open(proxy.to.address)?.ask_watching(&request, |_, data| came(now_nanos(), data))?;
    anyhow::ensure!(answer.status == 200 && answer.body.ends_with(b"[DONE]\n\n"), "a stream broke off");
    Ok(())
}

/// How old the pieces of a stream were when they came.
#[derive(Default)]
struct Ages {
    seen: Vec<Duration>,
    /// What follows the last whole stamp.
    pending: String,
}

impl Ages {
    fn read(&mut self, data: &[u8], now: u64) {
        self.pending.push_str(&String::from_utf8_lossy(data));
        while let Some((before, rest)) = self.pending.split_once(STAMP)
            && let Some((stamp, after)) = rest.split_once(STAMP)
        {
            let sent: Option<u64> = stamp.parse().ok();
            self.seen.extend(sent.map(|sent| Duration::from_nanos(now.saturating_sub(sent))));
            let read = before.len() + stamp.len() + 2 * STAMP.len_utf8();
            debug_assert_eq!(self.pending.len() - read, after.len());
            self.pending.drain(..read);
        }
    }
}

fn table(all: &[Measured], report: &mut Report) {
    let Some(direct) = all.first() else { return };
    let added = |own: &[f64], base: &[f64]| {
        let differences: Vec<f64> = own.iter().zip(base).map(|(own, base)| own - base).collect();
        format!("{:.3} ms", median(&differences) / 1e3)
    };
    let rows = all.iter().map(|one| {
        let figures =
            one.first_byte.iter().zip(&direct.first_byte).chain(one.delay.iter().zip(&direct.delay));
        let cell = |(own, base): (&Vec<f64>, &Vec<f64>)| {
            let whole = format!("{:.3} ms", median(own) / 1e3);
            if one.proxy.process.is_none() { whole } else { format!("{whole} (+{})", added(own, base)) }
        };
        std::iter::once(one.proxy.name.to_owned()).chain(figures.map(cell)).collect()
    });
    report.add(Section {
        title: "Streams".to_owned(),
        columns: vec!["", "first byte p50", "first byte p99", "delay of a piece p50", "delay of a piece p99"],
        rows: rows.collect(),
        notes: vec![format!(
            "First byte: after a prompt of 200 KB, one call after the other. Delay: from the upstream's sending a \
             piece to its arrival, {STREAMS} streams at once with a piece every {} ms. In brackets what is added.",
            GAP.as_millis()
        )],
    });
}

/// A thousand streams at once: memory while all are open, and whether all are stored.
fn many(proxy: Proxy, requests: &Requests, options: &Options, report: &mut Report) -> Result<()> {
    say(&format!("{MANY} streams at once"));
    let before = proxy.completeness()?;
    let read = |read: fn(&Process) -> Option<f64>| proxy.process.as_ref().and_then(read).unwrap_or(f64::NAN);
    let start = read(Process::rss_mb);
    let pieces = options.pick(60, 30);
    let length = MANY_GAP * pieces;
    let (mut open, mut whole) = (f64::NAN, 0_u64);
    thread::scope(|scope| {
        let streams: Vec<_> = (0..MANY)
            .filter_map(|_| {
                let run = || stream(&proxy, requests, pieces, MANY_GAP, |_, _| ());
                thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run).ok()
            })
            .collect();
        // All are open by the middle: the last began long before the first ends.
        thread::sleep(length / 2);
        open = read(Process::rss_mb);
        whole =
            streams.into_iter().filter_map(|stream| stream.join().ok()).filter(Result::is_ok).count() as u64;
    });
    proxy.settle()?;
    let after = proxy.completeness()?;
    let peak = read(Process::peak_mb);
    let path = proxy.database();
    let _folder = proxy.stop()?;
    let stored = path.as_deref().map(database::complete_calls).transpose()?.unwrap_or(0);
    report.at_most("memory, 1,000 open streams", open, 80.0, " MB");
    report.all_of("streams that came whole, of 1,000", whole, MANY as u64);
    report.all_of("streams recorded, of 1,000", after.recorded - before.recorded, MANY as u64);
    report.all_of("calls in the database of those recorded", stored, after.recorded);
    report.add(Section {
        title: format!("{MANY} open streams"),
        columns: vec!["before", "while open", "peak"],
        rows: vec![[start, open, peak].iter().map(|mb| format!("{} MB", short(*mb))).collect()],
        notes: vec![format!(
            "Each with a piece every {} ms, for {} s.",
            MANY_GAP.as_millis(),
            length.as_secs()
        )],
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stamp_counts_once_wherever_a_read_ends() {
        let mut ages = Ages::default();
        ages.read(
            b"data: {\"content\":\"a ~1000~\"}\n\ndata: {\"content\":\"b ~2500~\"}\n\ndata: {\"c ~28",
            3_000,
        );
        ages.read(b"00~\"}\n\n", 3_100);
        assert_eq!(ages.seen, [2_000, 500, 300].map(Duration::from_nanos));
    }
}
