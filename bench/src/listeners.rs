//! Dashboards that listen to our binary's events, many at once, and what each of them heard. Leaves out what happens
//! meanwhile (`rows::dashboards`).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;

use crate::http::PATIENCE;

const READ: usize = 16 * 1024;
/// Events are told within a tenth of a second.
const QUIET: Duration = Duration::from_millis(500);

/// What one listener heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// Events.
    pub(crate) events: u64,
    /// How often it was told to ask again, since it was too slow.
    pub(crate) resyncs: u64,
    /// Of all events, in their order.
    pub(crate) digest: u64,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
}

impl Heard {
    fn hear(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                continue;
            }
            // Between events stand the sizes of chunks, and comments.
            if let Some(event) = self.line.strip_prefix(b"data: ") {
                self.events += 1;
                self.resyncs += u64::from(event == br#"{"type":"resync"}"#);
                let mut digest = DefaultHasher::new();
                (self.digest, event).hash(&mut digest);
                self.digest = digest.finish();
            }
            self.line.clear();
        }
    }
}

/// All of them; they leave when this is dropped.
pub(crate) struct Listeners {
    heard: Vec<Arc<Mutex<Heard>>>,
    _runtime: Runtime,
}

impl Listeners {
    /// Lets `count` listen; when this is answered, all of them do, and have heard nothing yet.
    pub(crate) fn start(to: SocketAddr, count: usize) -> Result<Self> {
        // One thread: they share the machine with what is measured.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let heard: Vec<Arc<Mutex<Heard>>> = (0..count).map(|_| Arc::default()).collect();
        let tracker = TaskTracker::new();
        for heard in &heard {
            let stream = runtime.block_on(open(to)).context("a dashboard cannot listen")?;
            tracker.spawn_on(listen(stream, heard.clone()), runtime.handle());
        }
        let listeners = Self { heard, _runtime: runtime };
        // Whoever came first may have heard of what was before.
        listeners.heard();
        for heard in &listeners.heard {
            *lock(heard) = Heard::default();
        }
        Ok(listeners)
    }

    /// What they heard, as soon as nothing new comes.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        let read = || -> Vec<Heard> {
            let heard = self.heard.iter();
            heard.map(|heard| lock(heard).clone()).collect()
        };
        let count = |heard: &[Heard]| heard.iter().map(|one| one.events).sum::<u64>();
        let (began, mut now) = (Instant::now(), read());
        loop {
            thread::sleep(QUIET);
            let later = read();
            if count(&later) == count(&now) || began.elapsed() > PATIENCE {
                return later;
            }
            now = later;
        }
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stream whose head has come: from now on it is told everything.
async fn open(to: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(to).await?;
    let request = format!("GET /api/events HTTP/1.1\r\nhost: {to}\r\naccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    anyhow::ensure!(head.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&head));
    Ok(stream)
}

async fn listen(mut stream: TcpStream, heard: Arc<Mutex<Heard>>) {
    let mut bytes = vec![0; READ];
    while let Ok(read) = stream.read(&mut bytes).await {
        if read == 0 {
            return;
        }
        lock(&heard).hear(bytes.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_does_not_depend_on_how_it_is_cut() {
        let said =
            b"2a\r\nretry: 1000\n: hello\n\n\r\n14\r\ndata: {\"type\":\"resync\"}\n\n\r\ndata: {\"a\":1}\n\n";
        let mut whole = Heard::default();
        whole.hear(said);
        assert_eq!((whole.events, whole.resyncs), (2, 1));
        let mut cut = Heard::default();
        said.chunks(3).for_each(|piece| cut.hear(piece));
        assert_eq!((cut.events, cut.resyncs, cut.digest), (2, 1, whole.digest));
        let mut other = Heard::default();
        other.hear(b"data: {\"a\":1}\ndata: {\"type\":\"resync\"}\n");
        assert_ne!(other.digest, whole.digest, "the order counts");
    }
}
