//! A tap between a client and a server: every byte goes on as it comes, and both directions are kept.
//!
//! Real clients do not show what they got. Put one in front of the server, and it is what arrived here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::{Ended, Response};
use crate::http1::{BodyEnd, Head, Unread};
use crate::mock::Received;
use crate::wait::wait_until;

const PIECE: usize = 64 * 1024;

/// A request as the client wrote it, and what the client got.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The request.
    pub asked: Received,
    /// The answer until the client had it all, or until the connection was gone.
    pub got: Response,
}

/// One connection: what went each way, and whether it is over.
#[derive(Debug, Default)]
struct Line {
    asked: Vec<u8>,
    got: Vec<u8>,
    closed: bool,
}

type Lines = Arc<Mutex<Vec<Arc<Mutex<Line>>>>>;

/// The running tap. Dropping it closes every connection.
pub struct Tap {
    address: SocketAddr,
    lines: Lines,
    stop: CancellationToken,
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Tap {
    /// A tap in front of `target`.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tap = Self {
            address: listener.local_addr().unwrap(),
            lines: Lines::default(),
            stop: CancellationToken::new(),
        };
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, target, tap.lines.clone(), tasks.clone(), tap.stop.clone()));
        tap
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything until now once each request has its answer or its connection is gone; then forgets it.
    pub async fn heard(&self) -> Vec<Heard> {
        let heard = wait_until("the answers at the tap", async || {
            let lines = self.lines.lock().unwrap().clone();
            let heard: Option<Vec<Vec<Heard>>> =
                lines.iter().map(|line| heard(&line.lock().unwrap())).collect();
            heard.map(|heard| heard.into_iter().flatten().collect())
        })
        .await;
        // A connection that a client keeps goes on, without what was heard on it.
        let mut lines = self.lines.lock().unwrap();
        lines.retain(|line| !line.lock().unwrap().closed);
        for line in lines.iter() {
            let mut line = line.lock().unwrap();
            (line.asked, line.got) = (Vec::new(), Vec::new());
        }
        heard
    }
}

/// The exchanges of one connection; `None` while one is under way.
fn heard(line: &Line) -> Option<Vec<Heard>> {
    let (mut asked, mut got) = (Unread(&line.asked), Unread(&line.got));
    let mut exchanges = Vec::new();
    while let Some(head) = asked.head() {
        let mut end = BodyEnd::of_request(&head);
        let chunked = end == BodyEnd::LastChunk;
        let (body, whole) = asked.body(&mut end);
        (whole || line.closed).then_some(())?;
        let received = Received { head, body, chunked };
        let got = answer(&mut got, received.method(), line.closed)?;
        exchanges.push(Heard { asked: received, got });
    }
    Some(exchanges)
}

fn answer(got: &mut Unread<'_>, method: &str, closed: bool) -> Option<Response> {
    let head = loop {
        match got.head() {
            Some(head) if head.start.contains(" 100 ") => {}
            other => break other,
        }
    };
    let Some(head) = head else {
        return closed.then(|| Response { head: Head::default(), body: Vec::new(), ended: Ended::Nothing });
    };
    let mut end = BodyEnd::of_response(&head, method);
    let (body, whole) = got.body(&mut end);
    let ended = match whole || end == BodyEnd::Close && closed {
        true => Ended::Whole,
        false => Ended::Broken,
    };
    (ended == Ended::Whole || closed).then_some(Response { head, body, ended })
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    lines: Lines,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let line = Arc::<Mutex<Line>>::default();
                lines.lock().unwrap().push(line.clone());
                let stop = stop.clone();
                tasks.spawn(async move {
                    stop.run_until_cancelled(carry(client, target, &line)).await;
                    line.lock().unwrap().closed = true;
                });
            }
            () = stop.cancelled() => return,
        }
    }
}

async fn carry(client: TcpStream, target: SocketAddr, line: &Mutex<Line>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let _best_effort = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let asked = copy(from_client, to_server, |bytes| line.lock().unwrap().asked.extend(bytes));
    let got = copy(from_server, to_client, |bytes| line.lock().unwrap().got.extend(bytes));
    let (mut asked, mut got) = (std::pin::pin!(asked), std::pin::pin!(got));
    tokio::select! {
        // A client that leaves is gone for the server at once; one that only says no more still hears the rest.
        broken = &mut asked => if !broken { got.await; },
        broken = &mut got => if !broken { asked.await; },
    }
}

/// Hands bytes on until the end, which it hands on too. Whether the connection broke instead.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, keep: impl Fn(&[u8])) -> bool {
    let mut piece = vec![0; PIECE];
    loop {
        let count = match from.read(&mut piece).await {
            Ok(0) => return to.shutdown().await.is_err(),
            Ok(count) => count,
            Err(_) => return true,
        };
        keep(&piece[..count]);
        if to.write_all(&piece[..count]).await.is_err() {
            return true;
        }
    }
}
