//! The two loads. Open loop: requests go out when they are due, whether or not the answers keep up. Closed loop: each
//! connection asks again as soon as it has its answer. Every request is a chat of 4 KB that was never sent before.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::http::Connection;
use crate::statistics::{Samples, Schedule};
use crate::text::Writer;

/// A request's body is this large.
pub(crate) const BODY_BYTES: usize = 4_096;
const POOL_BYTES: usize = 4 << 20;
const STACK: usize = 256 * 1024;
/// A load with more failures than this is broken, and ends.
const FAILURES: u64 = 100;

/// What every request says beside its length, as an SDK does.
pub(crate) const HEADERS: &str = "user-agent: OpenAI/Python 2.54.0\r\naccept: application/json\r\n\
     content-type: application/json\r\nauthorization: Bearer sk-bench-0123456789abcdef\r\n\
     x-stainless-lang: python\r\nx-stainless-retry-count: 0\r\n";
const CLOSING: &str = r#""}],"temperature":0.2,"max_tokens":512}"#;

/// Chat requests, no two alike.
pub(crate) struct Requests {
    pool: String,
    next: AtomicU64,
}

impl Requests {
    pub(crate) fn new() -> Self {
        Self { pool: Writer::new(5).prose(POOL_BYTES), next: AtomicU64::new(0) }
    }

    /// Enough for a request or two, made at once.
    pub(crate) fn small() -> Self {
        Self { pool: Writer::new(5).prose(4 * BODY_BYTES), next: AtomicU64::new(0) }
    }

    /// Writes the next request into `request`. `headers` are whole lines.
    pub(crate) fn write(&self, to: &Destination, headers: &str, body_bytes: usize, request: &mut Vec<u8>) {
        let (opening, text) = self.next(body_bytes);
        let length = opening.len() + text.len() + CLOSING.len();
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\n{HEADERS}{headers}content-length: {length}\r\n\r\n",
            to.path, to.address,
        );
        request.clear();
        for part in [&head, &opening, text, CLOSING] {
            request.extend_from_slice(part.as_bytes());
        }
    }

    /// The next request's body.
    pub(crate) fn body(&self) -> String {
        let (opening, text) = self.next(BODY_BYTES);
        [&opening, text, CLOSING].concat()
    }

    /// How the next request begins, and its text.
    fn next(&self, body_bytes: usize) -> (String, &str) {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let opening = format!(
            r#"{{"model":"gpt-4o-mini","messages":[{{"role":"system","content":"You are a careful assistant. Answer in one paragraph."}},{{"role":"user","content":"{index:09} "#
        );
        let text_bytes = body_bytes.saturating_sub(opening.len() + CLOSING.len());
        let from = usize::try_from(index.wrapping_mul(104_729)).unwrap_or(0) % (self.pool.len() - text_bytes);
        (opening, self.pool.get(from..from + text_bytes).unwrap_or_default())
    }
}

/// Where requests go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
}

/// What carries one request of a load at a time.
pub(crate) trait Lane: Send {
    /// Sends the next request and reads its whole answer; the status.
    fn ask(&mut self, requests: &Requests) -> Result<u16>;

    /// Starts again after a failure.
    fn renew(&mut self) -> Result<()>;
}

/// A connection by this program's own HTTP/1.1.
struct Plain {
    to: Destination,
    connection: Connection,
    request: Vec<u8>,
}

impl Plain {
    fn open(to: Destination, count: usize) -> Result<Vec<Self>> {
        let open = || Ok(Self { to, connection: Connection::open(to.address)?, request: Vec::new() });
        (0..count).map(|_| open()).collect()
    }
}

impl Lane for Plain {
    fn ask(&mut self, requests: &Requests) -> Result<u16> {
        requests.write(&self.to, "", BODY_BYTES, &mut self.request);
        Ok(self.connection.ask(&self.request)?.status)
    }

    fn renew(&mut self) -> Result<()> {
        self.connection = Connection::open(self.to.address)?;
        Ok(())
    }
}

/// What a load gave.
pub(crate) struct Outcome {
    /// From the moment a request was due (open loop) or sent (closed loop) to the end of its answer.
    pub(crate) latencies: Samples,
    /// Answers other than 200, and broken connections.
    pub(crate) failures: u64,
    pub(crate) elapsed: Duration,
}

impl Outcome {
    /// Good answers in a second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap_or(u32::MAX)) / self.elapsed.as_secs_f64()
    }
}

/// Sends by `schedule` over at most `connections`. Latencies count from the scheduled moment.
pub(crate) fn open_loop(
    to: Destination,
    requests: &Requests,
    schedule: Schedule,
    connections: usize,
) -> Result<Outcome> {
    open_loop_over(Plain::open(to, connections)?, requests, schedule)
}

/// The same over any lanes.
pub(crate) fn open_loop_over(
    lanes: Vec<impl Lane>,
    requests: &Requests,
    schedule: Schedule,
) -> Result<Outcome> {
    let next = AtomicU64::new(0);
    drive(lanes, requests, |start| {
        let due = start + schedule.due(next.fetch_add(1, Ordering::Relaxed))?;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        Some(due)
    })
}

/// Sends over `connections` as fast as answers come, for `duration`.
pub(crate) fn closed_loop(
    to: Destination,
    requests: &Requests,
    duration: Duration,
    connections: usize,
) -> Result<Outcome> {
    closed_loop_over(Plain::open(to, connections)?, requests, duration)
}

/// The same over any lanes.
pub(crate) fn closed_loop_over(
    lanes: Vec<impl Lane>,
    requests: &Requests,
    duration: Duration,
) -> Result<Outcome> {
    drive(lanes, requests, |start| {
        let now = Instant::now();
        (now < start + duration).then_some(now)
    })
}

/// `turn` waits until a request is due and says when that was; `None` ends the load.
fn drive(
    lanes: Vec<impl Lane>,
    requests: &Requests,
    turn: impl Fn(Instant) -> Option<Instant> + Sync,
) -> Result<Outcome> {
    let all = Mutex::new(Vec::new());
    let failures = AtomicU64::new(0);
    let start = Instant::now();
    thread::scope(|scope| {
        for mut lane in lanes {
            let (all, failures, turn) = (&all, &failures, &turn);
            let run = move || {
                let mut latencies = Vec::new();
                while let Some(due) = turn(start) {
                    match lane.ask(requests) {
                        Ok(200) => latencies.push(due.elapsed()),
                        _ if failures.fetch_add(1, Ordering::Relaxed) > FAILURES => break,
                        _ if lane.renew().is_err() => break,
                        _ => {}
                    }
                }
                if let Ok(mut all) = all.lock() {
                    all.append(&mut latencies);
                }
            };
            // Without a thread there is one lane less, which the figures show.
            drop(thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run));
        }
    });
    let elapsed = start.elapsed();
    let latencies = Samples::new(all.into_inner().unwrap_or_default());
    Ok(Outcome { latencies, failures: failures.into_inner(), elapsed })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::sync::Arc;

    use super::*;
    use crate::upstream::serve;

    /// Answers at once, but for the first request, which takes long.
    fn stalling(stall: Duration) -> Destination {
        use std::io::Write as _;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let count = AtomicU64::new(0);
        let answer = move |_: &str, stream: &mut std::net::TcpStream| {
            if count.fetch_add(1, Ordering::Relaxed) == 0 {
                thread::sleep(stall);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        };
        serve(listener, Arc::new(answer)).unwrap();
        Destination { address, path: "/" }
    }

    #[test]
    fn a_stall_is_charged_to_every_request_it_held_up() {
        let to = stalling(Duration::from_millis(200));
        let schedule = Schedule { rate: 100, duration: Duration::from_millis(400) };
        let outcome = open_loop(to, &Requests::new(), schedule, 1).unwrap();
        assert_eq!((outcome.latencies.len(), outcome.failures), (40, 0), "late is not left out");
        // Twenty requests were due during the stall; a load that waits for answers would see one slow one.
        assert!(outcome.latencies.percentile(75.0) >= Duration::from_millis(50));
    }

    #[test]
    fn requests_are_valid_as_large_as_asked_for_and_all_different() {
        let requests = Requests::new();
        let to = Destination { address: ([127, 0, 0, 1], 1).into(), path: "/v1/chat/completions" };
        let mut bodies = std::collections::HashSet::new();
        for _ in 0..100 {
            let mut request = Vec::new();
            requests.write(&to, "", BODY_BYTES, &mut request);
            let text = String::from_utf8(request).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.ends_with("\r\ncontent-length: 4096"), "{head}");
            let body = body.to_owned();
            assert_eq!(body.len(), BODY_BYTES);
            serde_json::from_str::<serde_json::Value>(&body).unwrap();
            assert!(bodies.insert(body));
        }
    }
}
