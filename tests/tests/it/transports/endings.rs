//! How connections end: dead ones that were idle, clients that leave while nothing moves, each failure with its sentence.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use api::CallState;
use tests::{App, Ended, Line, Raw, Setup, send, unhindered, wait_until};
use tokio::sync::Barrier;

use crate::requests::request;

/// An idle connection that turns out to be dead does so within this time; an error that takes longer is the client's.
const AT_ONCE: Duration = Duration::from_millis(300);

/// An upstream closes its idle connections, as they all do, and some only notice when the next request is on its way.
#[tokio::test]
async fn a_connection_that_died_idle_is_no_error() {
    let (app, answers) = wait_until("an attempt that nothing held up", async || {
        let upstream = Raw::start(dead_when_asked_again).await;
        let app = App::start(upstream.address).await;
        let (mut answers, mut slowest) = (Vec::new(), Duration::ZERO);
        for _ in 0..3 {
            let begun = Instant::now();
            answers.push(send(app.proxy, &request("POST", "/v1/chat/completions", "", BODY)).await);
            slowest = slowest.max(begun.elapsed());
            // It counts as idle from one second on.
            let quiet = Instant::now();
            let idle = || (quiet.elapsed() > Duration::from_millis(1_100)).then_some(());
            wait_until("the connection to be idle", async || idle()).await;
        }
        (slowest < AT_ONCE).then_some((app, answers))
    })
    .await;
    for (answer, expected) in answers.iter().zip(["00", "01", "02"]) {
        assert_eq!((answer.status(), answer.text().as_str()), (200, expected), "{}", answer.text());
    }
    let calls = app.recorded(3).await;
    assert!(calls.iter().all(|call| call.state == CallState::Complete));
    for call in calls {
        let sent = app.call(call.id).await.request_body.wire_bytes;
        assert_eq!(sent, BODY.len() as u64, "each is recorded once, whole");
    }
}

const BODY: &[u8] = b"{\"model\":\"m\"}";

/// The second request on a connection finds it dead: it is read from the socket by nobody. Only the third lives.
async fn dead_when_asked_again(number: usize, mut line: Line) {
    let head = line.head().await;
    line.bytes(header(&head, "content-length").parse().unwrap()).await;
    line.write(format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{number:02}")).await;
    if number < 2 {
        let _next_request = line.stream.peek(&mut [0]).await;
        // Closed with unread bytes, which resets the connection.
    } else {
        line.rest().await;
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or("0")
}

/// Several connections are idle, and their upstream reads what comes next on any of them and closes without an answer,
/// after `pause`. What became of one more call: its status, and how often it was read on an idle connection.
async fn one_more(pause: Duration) -> (u16, usize) {
    const IDLE: usize = 4;
    let (all, read) = (Arc::new(Barrier::new(IDLE)), Arc::new(AtomicUsize::new(0)));
    let counted = read.clone();
    let upstream = Raw::start(move |number, mut line| {
        let (all, read) = (all.clone(), read.clone());
        async move {
            let head = line.head().await;
            line.bytes(header(&head, "content-length").parse().unwrap()).await;
            if number < IDLE {
                // None of them is idle before all are open.
                all.wait().await;
            }
            line.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            let head = line.head().await;
            if !head.is_empty() {
                line.bytes(header(&head, "content-length").parse().unwrap()).await;
                read.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(pause).await;
            }
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let post = request("POST", "/v1/chat/completions", "", BODY);
    let first = futures_util::future::join_all((0..IDLE).map(|_| send(app.proxy, &post))).await;
    assert!(first.iter().all(|answer| answer.status() == 200));
    let quiet = Instant::now();
    let idle = || (quiet.elapsed() > Duration::from_millis(1_100)).then_some(());
    wait_until("the connections to be idle", async || idle()).await;
    let status = send(app.proxy, &post).await.status();
    (status, counted.load(Ordering::SeqCst))
}

/// Whether an upstream that closes at once has read the call cannot be told: it is made once more, and not on another
/// connection of the same kind.
#[tokio::test]
async fn a_call_is_made_once_more_at_most() {
    let status = wait_until("an attempt that nothing held up", async || {
        let (status, read) = one_more(Duration::ZERO).await;
        assert_eq!(read, 1, "only one idle connection is tried");
        (status == 200).then_some(status)
    });
    assert_eq!(status.await, 200, "and a new one answers");
}

/// An upstream that took its time before it closed was at work.
#[tokio::test]
async fn a_call_that_was_worked_on_is_not_made_again() {
    assert_eq!(one_more(AT_ONCE * 2).await, (502, 1));
}

/// A connection that is used at once and then closed without an answer was not idle: the upstream may have worked.
#[tokio::test]
async fn a_request_that_may_have_been_read_is_not_sent_twice() {
    let upstream = Raw::start(async |_, mut line| {
        let head = line.head().await;
        line.bytes(header(&head, "content-length").parse().unwrap()).await;
        line.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let head = line.head().await;
        line.bytes(header(&head, "content-length").parse().unwrap()).await;
    })
    .await;
    let app = App::start(upstream.address).await;
    let post = request("POST", "/v1/chat/completions", "", b"{}");
    // A connection that was quiet for a second may be dead, and what is sent on it may be sent again.
    let (before, second) = unhindered(Duration::from_secs(1), async || {
        // What an attempt that was held up leaves behind is used up first.
        while send(app.proxy, &post).await.status() != 200 {}
        (upstream.connections(), send(app.proxy, &post).await)
    })
    .await;
    assert_eq!(second.status(), 502);
    assert!(second.text().contains("closed the connection before it answered"), "{}", second.text());
    assert_eq!(upstream.connections(), before);
    let counted = wait_until("all calls to be recorded", async || {
        let counted = app.health().await.completeness;
        (counted.recorded == counted.seen).then_some(counted)
    });
    assert_eq!(counted.await.lost, 0);
    assert_eq!(app.calls().await[0].state, CallState::Unreachable);
}

/// Nothing of the upload moves, so only a look at the socket can tell that its client has gone.
#[tokio::test]
async fn a_client_that_leaves_a_stalled_upload_is_noticed() {
    const SIZE: usize = 64 << 20;
    let (stalled, mut told) = tokio::sync::mpsc::channel(1);
    let (left, mut gone) = tokio::sync::mpsc::channel(1);
    let upstream = Raw::start(move |_, mut line| {
        let (stalled, left) = (stalled.clone(), left.clone());
        async move {
            line.head().await;
            stalled.send(()).await.unwrap();
            // Reads nothing more until the connection is closed under it.
            line.abandoned().await;
            left.send(()).await.unwrap();
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = Line::connect(app.proxy).await;
    client
        .write(format!("POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: {SIZE}\r\n\r\n"))
        .await;
    told.recv().await.unwrap();
    // Until every buffer on the way is full.
    let piece = vec![b'x'; 1 << 20];
    let mut stuck = 0;
    wait_until("the upload to stall", async || {
        match client.stream.try_write(&piece) {
            Ok(_) => stuck = 0,
            Err(_) => stuck += 1,
        }
        (stuck > 20).then_some(())
    })
    .await;
    // It goes for good: what it has not sent yet would hold back the news of a polite end.
    client.stream.set_zero_linger().unwrap();
    drop(client);
    gone.recv().await.unwrap();
    assert_eq!(app.recorded(1).await[0].state, CallState::Cancelled);
}

/// A client that has sent all and closes its sending side has left, as far as anybody can tell.
#[tokio::test]
async fn a_half_closed_client_has_left() {
    use tokio::io::AsyncWriteExt;
    let (left, mut gone) = tokio::sync::mpsc::channel(1);
    let upstream = Raw::start(move |_, mut line| {
        let left = left.clone();
        async move {
            line.head().await;
            line.rest().await;
            left.send(()).await.unwrap();
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = Line::connect(app.proxy).await;
    client.write("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    wait_until("the call", async || (upstream.connections() == 1).then_some(())).await;
    client.stream.shutdown().await.unwrap();
    gone.recv().await.unwrap();
    assert_eq!(app.recorded(1).await[0].state, CallState::Cancelled);
}

/// An upstream that breaks off gives the client a break, never a clean end, however the body's end is told.
#[tokio::test]
async fn a_broken_answer_is_broken_for_the_client() {
    let upstream = Raw::start(async |_, mut line| {
        let head = line.head().await;
        let path = head.split(' ').nth(1).unwrap_or_default();
        let answer = match path.rsplit('/').next().unwrap_or_default() {
            "length" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
            "chunk" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n64\r\nmore",
            "between" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            "size" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
            _ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX: y",
        };
        line.write(answer).await;
        if path.starts_with("/v1/reset") {
            // Closed with unread bytes, which resets the connection.
            let mut byte = [0];
            let _unread = line.stream.peek(&mut byte).await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let ends = ["length", "chunk", "between", "size", "trailers"];
    for (made, path) in ends.into_iter().enumerate() {
        let get = format!("GET /v1/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = send(app.proxy, get.as_bytes()).await;
        assert_eq!((response.status(), response.ended), (200, Ended::Broken), "{path}");
        assert!(response.body.starts_with(b"half"), "what came is passed on: {path}");
        let call = app.recorded(made + 1).await.remove(0);
        assert_eq!(call.state, CallState::Truncated, "{path}");
        assert!(call.error.unwrap().contains("broke off"), "{path}");
    }
}

#[tokio::test]
async fn each_way_of_not_being_there_has_its_own_sentence() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let silent = Raw::start(async |_, mut line| {
        line.head().await;
    })
    .await;
    let rubbish = Raw::start(async |_, mut line| {
        line.head().await;
        line.write("SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
        line.rest().await;
    })
    .await;
    let no_tls = Raw::start(async |_, mut line| {
        line.write("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        line.rest().await;
    })
    .await;
    let answers = async |answer: &'static str| {
        Raw::start(move |_, mut line| async move {
            line.head().await;
            line.write(answer).await;
            line.rest().await;
        })
        .await
    };
    let lengths = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok").await;
    let switched =
        answers("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n").await;
    let app = Setup::new(closed)
        .variable("LLMFLOW_UPSTREAM_DEEPSEEK", &format!("http://{}", lengths.address))
        .variable("LLMFLOW_UPSTREAM_XAI", &format!("http://{}", switched.address))
        .variable("LLMFLOW_UPSTREAM_GROQ", "https://no-such-host.invalid")
        .variable("LLMFLOW_UPSTREAM_MISTRAL", &format!("http://{}", silent.address))
        .variable("LLMFLOW_UPSTREAM_TOGETHER", &format!("http://{}", rubbish.address))
        .variable("LLMFLOW_UPSTREAM_OLLAMA", &format!("https://{}", no_tls.address))
        .start()
        .await;
    for (path, said) in [
        ("/v1/models", "refused the connection: nothing listens there"),
        ("/groq/v1/models", "was not found"),
        ("/mistral/v1/models", "closed the connection before it answered"),
        ("/together/v1/models", "not HTTP"),
        ("/ollama/v1/models", "TLS"),
        ("/deepseek/v1/models", "twice with different values"),
        ("/xai/v1/models", "(101), which nobody had asked for"),
    ] {
        let get = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = send(app.proxy, get.as_bytes()).await;
        assert_eq!(response.status(), 502, "{path}");
        // Mistral says it at the top, Ollama in a single word, all others in an object.
        let body = response.json();
        let at = ["/error/message", "/message", "/error"]
            .map(|at| body.pointer(at).and_then(serde_json::Value::as_str));
        let message = at.into_iter().flatten().next().unwrap_or_else(|| panic!("{path}: {body}"));
        assert!(message.contains(said), "{path}: {message}");
        println!("{message}");
    }
    assert!(app.recorded(7).await.iter().all(|call| call.state == CallState::Unreachable));
}
