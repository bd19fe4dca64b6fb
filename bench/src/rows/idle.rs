//! Row e, third part: what connections cost that are kept alive and say nothing.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::http::Connection;
use crate::process::Process;
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::upstream::Upstream;
use crate::{Options, say};

const MANY: usize = 5_000;
/// What follows a start, or many answers, is over by then.
const SETTLED: Duration = Duration::from_secs(2);

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    say(&format!("{MANY} idle connections"));
    let upstream = Upstream::start()?;
    let proxy = Proxy::llmflow(&options.binary, upstream.address)?;
    let read = || proxy.process.as_ref().and_then(Process::rss_mb).unwrap_or(f64::NAN);
    thread::sleep(SETTLED);
    let before = read();
    let mut connections = Vec::new();
    for number in 0..MANY {
        let connection = Connection::open(proxy.to.address).with_context(|| {
            format!("after {number} connections; `ulimit -Hn` has to allow {MANY} and more")
        });
        connections.push(connection?);
    }
    // Each has had an answer: that is how connections come to be idle.
    let first = answers(&mut connections, &proxy);
    thread::sleep(SETTLED);
    let open = read();
    let second = answers(&mut connections, &proxy);
    drop(connections);
    thread::sleep(SETTLED);
    let after = read();
    let each = (open - before) * 1024.0 / f64::from(u32::try_from(MANY)?);
    report.at_most("memory, an idle connection", each, 16.0, " KB");
    report.all_of("idle connections answered, of 5,000, before and after", first + second, 2 * MANY as u64);
    report.add(Section {
        title: format!("{MANY} idle connections"),
        columns: vec!["before", "while open", "each", "after"],
        rows: vec![vec![
            format!("{} MB", short(before)),
            format!("{} MB", short(open)),
            format!("{} KB", short(each)),
            format!("{} MB", short(after)),
        ]],
        notes: vec![
            "HTTP/1.1, kept alive after an answer of the proxy's own; what is resident, the kernel's buffers aside."
                .to_owned(),
        ],
    });
    Ok(())
}

/// How many of them are answered.
fn answers(connections: &mut [Connection], proxy: &Proxy) -> u64 {
    let request = format!("GET /health HTTP/1.1\r\nhost: {}\r\n\r\n", proxy.to.address);
    let answered = connections.iter_mut().filter_map(|connection| connection.ask(request.as_bytes()).ok());
    answered.filter(|answer| answer.status == 200).count() as u64
}
