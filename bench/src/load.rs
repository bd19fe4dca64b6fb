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
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let opening = format!(
            r#"{{"model":"gpt-4o-mini","messages":[{{"role":"system","content":"You are a careful assistant. Answer in one paragraph."}},{{"role":"user","content":"{index:09} "#
        );
        let closing = r#""}],"temperature":0.2,"max_tokens":512}"#;
        let text_bytes = body_bytes.saturating_sub(opening.len() + closing.len());
        let from = usize::try_from(index.wrapping_mul(104_729)).unwrap_or(0) % (self.pool.len() - text_bytes);
        let text = self.pool.get(from..from + text_bytes).unwrap_or_default();
        request.clear();
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\nuser-agent: OpenAI/Python 2.54.0\r\naccept: application/json\r\n\
             content-type: application/json\r\nauthorization: Bearer sk-bench-0123456789abcdef\r\n\
             x-stainless-lang: python\r\nx-stainless-retry-count: 0\r\n{headers}content-length: {}\r\n\r\n",
            to.path,
            to.address,
            opening.len() + text.len() + closing.len()
        );
        for part in [&head, &opening, text, closing] {
            request.extend_from_slice(part.as_bytes());
        }
    }
}

/// Where requests go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
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
    let next = AtomicU64::new(0);
    drive(to, requests, connections, |start| {
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
    drive(to, requests, connections, |start| {
        let now = Instant::now();
        (now < start + duration).then_some(now)
    })
}

/// `turn` waits until a request is due and says when that was; `None` ends the load.
fn drive(
    to: Destination,
    requests: &Requests,
    connections: usize,
    turn: impl Fn(Instant) -> Option<Instant> + Sync,
) -> Result<Outcome> {
    let all = Mutex::new(Vec::new());
    let failures = AtomicU64::new(0);
    let opened = (0..connections).map(|_| Connection::open(to.address)).collect::<Result<Vec<_>>>()?;
    let start = Instant::now();
    thread::scope(|scope| {
        for mut connection in opened {
            let (all, failures, turn) = (&all, &failures, &turn);
            let run = move || {
                let (mut request, mut latencies) = (Vec::with_capacity(8 * 1024), Vec::new());
                while let Some(due) = turn(start) {
                    requests.write(&to, "", BODY_BYTES, &mut request);
                    match connection.ask(&request) {
                        Ok(answer) if answer.status == 200 => latencies.push(due.elapsed()),
                        _ if failures.fetch_add(1, Ordering::Relaxed) > FAILURES => break,
                        _ => match Connection::open(to.address) {
                            Ok(fresh) => connection = fresh,
                            Err(_) => break,
                        },
                    }
                }
                if let Ok(mut all) = all.lock() {
                    all.append(&mut latencies);
                }
            };
            // Without a thread there is one connection less, which the figures show.
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
        let answer = move |_: &str, _: &[u8], stream: &mut std::net::TcpStream| {
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
            let body = text.split_once("\r\n\r\n").unwrap().1.to_owned();
            assert_eq!(body.len(), BODY_BYTES);
            serde_json::from_str::<serde_json::Value>(&body).unwrap();
            assert!(bodies.insert(body));
        }
    }
}
