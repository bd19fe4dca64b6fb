//! Row e, first part: bodies that nobody should hold in memory. A file of 100 MB goes up, one of 50 MB comes down.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::http::Connection;
use crate::process::Process;
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::statistics::median;
use crate::text::Writer;
use crate::upstream::serve;
use crate::{Options, say};

const MEGABYTE: usize = 1 << 20;
const UPLOAD: usize = 100 * MEGABYTE;
const ANSWER: usize = 50 * MEGABYTE;
/// Four times what is kept of a body (`max_body_mb` is 32): its copy, in one piece, read, and packed.
const GROWTH: f64 = 128.0;
const LINE: usize = 2_000;
const BOUNDARY: &str = "bench-0f9c2b7e5a50";
/// What a start does beside answering is over by then.
const SETTLED: Duration = Duration::from_secs(2);

/// Which way the file goes.
#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

/// One proxy and one way. Memory in megabytes, where there is any to look at.
struct Measured {
    name: String,
    rates: Vec<f64>,
    before: f64,
    peak: f64,
    after: f64,
}

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let upstream = upstream()?;
    let (mut rows, mut recorded, mut seen) = (Vec::new(), 0, 0);
    for way in [Way::Up, Way::Down] {
        let proxies = [
            Proxy::direct(upstream),
            Proxy::nginx(upstream)?,
            // A process of its own for each way: memory that the other one left would hide what this one takes.
            Proxy::llmflow(&options.binary, upstream)?,
        ];
        for proxy in proxies {
            say(&format!("{}: {}", way.title(), proxy.name));
            let measured = way.measure(&proxy, options.pick(5, 2))?;
            if proxy.is_ours() {
                report.at_most(way.goal(), measured.peak - measured.before, GROWTH, " MB");
                let counted = proxy.completeness()?;
                recorded += counted.recorded;
                seen += counted.seen;
            }
            rows.push(measured.row());
        }
    }
    report.all_of("large bodies, recorded of seen", recorded, seen);
    report.add(Section {
        title: "Large bodies".to_owned(),
        columns: vec!["", "MB/s", "before", "peak", "after"],
        rows,
        notes: vec![
            "One after the other, each stored before the next, no two alike. Resident memory before the first, at its \
             highest, and two seconds after the last; of each body the first 32 MB are kept (`max_body_mb`), which is \
             what grows."
                .to_owned(),
        ],
    });
    Ok(())
}

impl Way {
    fn title(self) -> &'static str {
        match self {
            Self::Up => "upload of 100 MB",
            Self::Down => "answer of 50 MB",
        }
    }

    fn goal(self) -> &'static str {
        match self {
            Self::Up => "memory grows by, uploads of 100 MB",
            Self::Down => "memory grows by, answers of 50 MB",
        }
    }

    fn measure(self, proxy: &Proxy, count: usize) -> Result<Measured> {
        let read =
            |read: fn(&Process) -> Option<f64>| proxy.process.as_ref().and_then(read).unwrap_or(f64::NAN);
        thread::sleep(SETTLED);
        let before = read(Process::rss_mb);
        if let Some(process) = &proxy.process {
            process.forget_peak();
        }
        let mut rates = Vec::new();
        for number in 0..count {
            rates.push(self.once(proxy, number)?);
            // Otherwise the copies of those before it wait beside it, as many as `memory_mb` allows.
            proxy.settle()?;
        }
        let peak = read(Process::peak_mb);
        thread::sleep(SETTLED);
        let name = format!("{}, {}", self.title(), proxy.name);
        Ok(Measured { name, rates, before, peak, after: read(Process::rss_mb) })
    }

    /// One file; how many megabytes a second.
    fn once(self, proxy: &Proxy, number: usize) -> Result<f64> {
        let (request, bytes) = match self {
            Self::Up => (upload(proxy.to.address, number), UPLOAD),
            Self::Down => (download(proxy.to.address, number), ANSWER),
        };
        let mut connection = Connection::open(proxy.to.address)?;
        let began = Instant::now();
        let answer = connection.ask(&request)?;
        let took = began.elapsed();
        let whole = answer.status == 200 && (matches!(self, Self::Up) || answer.body.len() == ANSWER);
        anyhow::ensure!(whole, "{}: {}, {} bytes", proxy.name, answer.status, answer.body.len());
        Ok(f64::from(u32::try_from(bytes / MEGABYTE)?) / took.as_secs_f64())
    }
}

impl Measured {
    fn row(self) -> Vec<String> {
        // nginx works in processes beside this one.
        let memory = |megabytes: f64| match self.name.ends_with("llmflow") {
            true => format!("{} MB", short(megabytes)),
            false => String::new(),
        };
        let [before, peak, after] = [self.before, self.peak, self.after].map(memory);
        vec![self.name, short(median(&self.rates)), before, peak, after]
    }
}

/// A file of requests for a batch, as a form.
fn upload(address: SocketAddr, number: usize) -> Vec<u8> {
    let before = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--{BOUNDARY}\r\n\
         content-disposition: form-data; name=\"file\"; filename=\"{number}.jsonl\"\r\n\
         content-type: application/jsonl\r\n\r\n"
    );
    let after = format!("\r\n--{BOUNDARY}--\r\n");
    let mut request = format!(
        "POST /v1/files HTTP/1.1\r\nhost: {address}\r\nuser-agent: OpenAI/Python 2.54.0\r\n\
         authorization: Bearer sk-bench-0123456789abcdef\r\n\
         content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {UPLOAD}\r\n\r\n{before}"
    )
    .into_bytes();
    request.extend(lines(number, UPLOAD - before.len() - after.len()));
    request.extend_from_slice(after.as_bytes());
    request
}

fn download(address: SocketAddr, number: usize) -> Vec<u8> {
    format!(
        "GET /v1/files/file-{number}/content HTTP/1.1\r\nhost: {address}\r\nuser-agent: OpenAI/Python 2.54.0\r\n\
         authorization: Bearer sk-bench-0123456789abcdef\r\n\r\n"
    )
    .into_bytes()
}

/// Exactly so many bytes of JSON lines; the last may be cut.
fn lines(number: usize, bytes: usize) -> Vec<u8> {
    let pool = Writer::new(13).prose(MEGABYTE);
    let mut text = Vec::with_capacity(bytes + 2 * LINE);
    for index in 0.. {
        let from = (index * 7_919 + number * 104_729) % (pool.len() - LINE);
        let words = pool.get(from..from + LINE).unwrap_or_default();
        let line = format!("{{\"custom_id\":\"{number}-{index}\",\"body\":{{\"input\":\"{words}\"}}}}\n");
        text.extend_from_slice(line.as_bytes());
        if text.len() >= bytes {
            break;
        }
    }
    text.truncate(bytes);
    text
}

/// Takes files, and gives them.
fn upstream() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let file = lines(1_000, ANSWER);
    let answer = move |head: &str, stream: &mut TcpStream| {
        let taken = br#"{"id":"file-1","object":"file","bytes":104857600,"purpose":"batch"}"#.as_slice();
        let (kind, body) = match head.starts_with("GET /v1/files/") {
            true => ("application/octet-stream", file.as_slice()),
            false => ("application/json", taken),
        };
        let length = body.len();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n")?;
        stream.write_all(body)
    };
    serve(listener, Arc::new(answer))?;
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_as_large_as_promised_and_no_two_are_alike() {
        let (one, other) = (lines(1, 10_000), lines(2, 10_000));
        assert_eq!((one.len(), other.len()), (10_000, 10_000));
        assert_ne!(one, other);
        let first = one.split(|byte| *byte == b'\n').next().unwrap();
        serde_json::from_slice::<serde_json::Value>(first).unwrap();
        let upload = upload(SocketAddr::from(([127, 0, 0, 1], 1)), 7);
        let body = upload.len() - memchr::memmem::find(&upload, b"\r\n\r\n").unwrap() - 4;
        assert_eq!(body, UPLOAD);
    }
}
