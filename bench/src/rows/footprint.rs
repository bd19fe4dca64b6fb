//! Row c: what it takes to have it running. Memory, start, and the sizes of what is shipped.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::load::{Requests, open_loop};
use crate::process::Process;
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::statistics::{Schedule, median};
use crate::upstream::Upstream;
use crate::{Options, say};

/// What a start does beside answering is over by then.
const SETTLED: Duration = Duration::from_secs(2);
const MEGABYTE: f64 = 1024.0 * 1024.0;

/// What was measured of one binary.
struct Footprint {
    name: &'static str,
    idle: f64,
    loaded: f64,
    peak: f64,
    first_start: f64,
    start: f64,
    size: f64,
}

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let upstream = Upstream::start()?;
    let mut all = Vec::new();
    let binaries = [("llmflow", Some(&options.binary)), ("against", options.against.as_ref())];
    for (name, binary) in binaries.into_iter().filter_map(|(name, binary)| Some((name, binary?))) {
        say(&format!("memory, start and size: {name}"));
        all.push(footprint(name, binary, &upstream, options)?);
    }
    if let Some(ours) = all.first() {
        report.at_most("memory, idle", ours.idle, 25.0, " MB");
        report.at_most("start to first answer", ours.start, 100.0, " ms");
    }
    let rows = all.iter().map(|one| {
        vec![
            one.name.to_owned(),
            format!("{} MB", short(one.idle)),
            format!("{} MB", short(one.loaded)),
            format!("{} MB", short(one.peak)),
            format!("{} ms", short(one.first_start)),
            format!("{} ms", short(one.start)),
            format!("{} MB", short(one.size)),
        ]
    });
    report.add(Section {
        title: "Footprint".to_owned(),
        columns: vec!["", "idle", "after load", "peak", "first start", "start", "binary"],
        rows: rows.collect(),
        notes: vec![
            "Resident memory two seconds after the start, after 1,000 requests a second, and at its highest. Start: \
             from creating the process to the first answer of the proxy's /health, median; the first one makes the \
             database."
                .to_owned(),
        ],
    });
    wasm(&options.wasm, report)
}

fn footprint(name: &'static str, binary: &Path, upstream: &Upstream, options: &Options) -> Result<Footprint> {
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..options.pick(11, 3) {
        let (proxy, took) = start(name, binary, upstream, tempfile::tempdir()?)?;
        first.push(took);
        let folder = proxy.stop()?.context("a folder was given")?;
        let (proxy, took) = start(name, binary, upstream, folder)?;
        later.push(took);
        proxy.stop()?;
    }
    let (proxy, _) = start(name, binary, upstream, tempfile::tempdir()?)?;
    thread::sleep(SETTLED);
    let read = |read: fn(&Process) -> Option<f64>| proxy.process.as_ref().and_then(read).unwrap_or(f64::NAN);
    let idle = read(Process::rss_mb);
    let schedule = Schedule { rate: 1_000, duration: Duration::from_secs(options.pick(8, 2)) };
    open_loop(proxy.to, &Requests::new(), schedule, 64)?;
    proxy.settle()?;
    proxy.settle_index()?;
    Ok(Footprint {
        name,
        idle,
        loaded: read(Process::rss_mb),
        peak: read(Process::peak_mb),
        first_start: median(&first),
        start: median(&later),
        size: megabytes(fs::metadata(binary)?.len()),
    })
}

/// Starts it; how many milliseconds until it answered.
fn start(
    name: &'static str,
    binary: &Path,
    upstream: &Upstream,
    folder: tempfile::TempDir,
) -> Result<(Proxy, f64)> {
    let began = Instant::now();
    let proxy = Proxy::llmflow_in(name, binary, upstream.address, folder)?;
    Ok((proxy, began.elapsed().as_secs_f64() * 1e3))
}

fn wasm(path: &Path, report: &mut Report) -> Result<()> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&bytes)?;
    let gzip = gzip.finish()?.len();
    let mut brotli = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut bytes.as_slice(), &mut brotli, &parameters)?;
    report.at_most("wasm, brotli", megabytes(brotli.len() as u64), 1.0, " MB");
    let sizes = [bytes.len(), gzip, brotli.len()].map(|size| format!("{} MB", short(megabytes(size as u64))));
    report.add(Section {
        title: "The dashboard's wasm".to_owned(),
        columns: vec!["raw", "gzip", "brotli"],
        rows: vec![sizes.to_vec()],
        notes: Vec::new(),
    });
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "files are far below 2^52 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}
