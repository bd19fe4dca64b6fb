//! Connections that say nothing, or not enough, or take nothing, do not stay; those between two requests do.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use collector::{Ending, Patience, listen};
use guard::{Guard, Rules, Tokens};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";

/// More than the systems of both sides keep.
const LARGE: usize = 16 << 20;
const UNTAKEN: Duration = Duration::from_millis(400);

struct Listening {
    address: std::net::SocketAddr,
    ending: Ending,
}

impl Listening {
    async fn start(head: Duration, idle: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ending = Ending {
            connections: TaskTracker::new(),
            stop: CancellationToken::new(),
            force: CancellationToken::new(),
        };
        let answer = async |asked: Request<Incoming>| match asked.uri().path() {
            "/large" => Response::new(Body::from(vec![b'x'; LARGE])),
            "/slow" => {
                tokio::time::sleep(5 * UNTAKEN).await;
                Response::new(Body::from("at last"))
            }
            _ => Response::new(Body::from("here I am")),
        };
        let answer = move |request| Box::pin(answer(request));
        let guard = Guard::new(Rules::default(), Tokens::new("none"));
        let patience = Patience { head, idle, untaken: UNTAKEN };
        ending.connections.spawn(listen(listener, guard, patience, answer, || {}, ending.clone()));
        Self { address, ending }
    }

    async fn connect(&self, first: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(first).await.unwrap();
        stream
    }

    async fn end(self) {
        self.ending.stop.cancel();
        self.ending.connections.close();
        self.ending.connections.wait().await;
    }
}

/// Sends a request on an open connection and reads its answer.
async fn ask(stream: &mut TcpStream) {
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"here I am") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "closed");
    }
}

/// Waits until the other side closes.
async fn closed(mut stream: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // Whether it is closed or reset depends on what was left unread.
    let _end = stream.read_to_end(&mut rest).await;
    rest
}

#[tokio::test]
async fn whoever_says_nothing_or_half_a_head_is_closed_and_an_idle_connection_is_not() {
    let listening = Listening::start(Duration::from_millis(700), Duration::from_secs(3600)).await;
    let mut idle = listening.connect(b"").await;
    ask(&mut idle).await;
    for beginning in [&b""[..], b"POST /v1/tra", b"PRI * HTTP/2.0\r\n\r\nSM"] {
        let silent = listening.connect(beginning).await;
        assert_eq!(closed(silent).await, b"", "{beginning:?}");
    }
    ask(&mut idle).await;
    // A head that began after a request has the time of a head, too.
    idle.write_all(b"POST").await.unwrap();
    assert_eq!(closed(idle).await, b"");
    listening.end().await;
}

#[tokio::test]
async fn idle_connections_are_closed_in_the_end() {
    let listening = Listening::start(Duration::from_secs(3600), Duration::from_millis(300)).await;
    let mut idle = listening.connect(b"").await;
    ask(&mut idle).await;
    assert_eq!(closed(idle).await, b"");
    listening.end().await;
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_let_go_and_who_waits_for_one_is_not() {
    let (head, idle) = (Duration::from_secs(3600), Duration::from_secs(3600));
    let listening = Listening::start(head, idle).await;
    let get =
        |path: &str| format!("GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").into_bytes();
    let stuck = listening.connect(&get("/large")).await;
    let waiting = listening.connect(&get("/slow")).await;
    let (answer, large) = (closed(waiting).await, closed(listening.connect(&get("/large")).await).await);
    assert!(answer.ends_with(b"at last"), "{}", String::from_utf8_lossy(&answer));
    assert!(large.len() > LARGE, "who reads gets all of it");
    assert!(closed(stuck).await.len() < LARGE, "what the systems kept, and no more");
    listening.end().await;
}
