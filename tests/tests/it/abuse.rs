//! What a hostile or careless client, or upstream, can cost: bounded memory, bounded connections, clear refusals.

use api::CallState;
use futures_util::future::join_all;
use http::Request;
use tests::{App, Client, Ended, Http2, Line, Mock, Plan, Raw, Setup, memory, send, wait_until, whole};
use tokio::net::TcpStream;

use crate::requests::{ask, request};

const GET: &str = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n";

#[tokio::test]
async fn heads_beyond_measure_are_refused() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let long = "x".repeat(200_000);
    let many: String = (0..600).map(|number| format!("x-{number}: y\r\n")).collect();
    for (what, head, status) in [
        ("one long header", format!("{GET}x-long: {long}\r\n\r\n"), "431"),
        ("too many headers", format!("{GET}{many}\r\n"), "431"),
        ("a long path", format!("GET /v1/{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"), "414"),
    ] {
        let mut client = Line::connect(app.proxy).await;
        client.write(&head).await;
        let answer = client.head().await;
        // A path may be found too long with its head.
        let refused = answer.starts_with(&format!("HTTP/1.1 {status}")) || answer.starts_with("HTTP/1.1 431");
        assert!(refused, "{what}: {answer}");
    }
    let many: String = (0..400).map(|number| format!("x-{number}: y\r\n")).collect();
    let response = send(app.proxy, format!("{GET}{many}\r\n").as_bytes()).await;
    assert_eq!(response.status(), 200, "as many as some gateways send are taken");
    let client = Http2::connect(app.proxy).await;
    let bomb = Request::get("http://localhost/v1/models").header("x-long", long).body(whole("")).unwrap();
    let refused = client.send(bomb).await;
    assert!(refused.is_err() || refused.unwrap().status() == 431);
    assert_eq!(mock.exchanges().len(), 1, "none of them reached an upstream");
}

#[tokio::test]
async fn a_client_that_never_finishes_its_head_is_let_go_and_a_slow_body_is_not() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings(SHORT_HEADS).start().await;
    // A body may take longer than a head: its first half comes before all the others begin, its second after their end.
    let mut slow = Line::connect(app.proxy).await;
    slow.write("POST /v1/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab").await;
    wait_until("the call", async || (app.health().await.completeness.open == 1).then_some(())).await;
    // Says nothing, says half a preface, half a head; and has sent a request and then half of another.
    let another = format!("{GET}\r\nGET /v1/m");
    let starts = ["", "P", "PRI", "PRI * HTTP/2.0\r\n", "POST /v1/x HTTP/1.1\r\nHost: loc", &another];
    join_all(starts.into_iter().map(|start| too_slow(&app, start))).await;
    slow.write("cd").await;
    assert!(slow.head().await.starts_with("HTTP/1.1 200"));
    let received = mock.ended(2).await;
    let slow = received.iter().find(|exchange| exchange.received.path() == "/v1/slow");
    assert_eq!(slow.unwrap().received.body, b"abcd");
}

/// Time enough for a client that is held up on a busy machine, and short enough to wait for its end.
const SHORT_HEADS: &str = "head_timeout_s = 5";

/// Says only the start of something, and waits until that took too long.
async fn too_slow(app: &App, start: &str) {
    let mut client = Line::connect(app.proxy).await;
    client.write(start).await;
    client.rest().await;
}

/// Minutes of silence are an answer that is thought about: silence alone ends nothing, whatever a head may take.
#[tokio::test]
async fn a_silent_stream_is_not_cut() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings(SHORT_HEADS).start().await;
    mock.answer(|received| Plan::default().answer(received).gated());
    let mut client = Client::open(app.proxy, &ask(tests::Dialect::Anthropic, true, "Think", "")).await;
    assert!(client.head().await.is_some());
    too_slow(&app, "").await;
    mock.open_gate(1_000);
    assert_eq!(client.rest().await.ended, Ended::Whole);
    assert_eq!(app.recorded(1).await[0].state, CallState::Complete);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so_and_counted() {
    const LIMIT: usize = 8;
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings(&format!("max_connections = {LIMIT}")).start().await;
    let mut held = Vec::new();
    wait_until("all places to be taken", async || {
        // The ones that asked whether it is up may still be closing.
        let mut client = Line::connect(app.proxy).await;
        client.write(format!("{GET}\r\n")).await;
        let head = client.head().await;
        if head.starts_with("HTTP/1.1 200") {
            client.until(b"}").await;
            held.push(client);
        }
        (held.len() == LIMIT).then_some(())
    })
    .await;
    let refused = send(app.proxy, format!("{GET}\r\n").as_bytes()).await;
    assert_eq!((refused.status(), refused.ended), (503, Ended::Whole));
    assert_eq!(refused.head.header("retry-after").as_deref(), Some("1"));
    assert!(refused.text().contains("max_connections"), "{}", refused.text());
    let health = app.health().await;
    assert!(health.problems.iter().any(|problem| problem.contains("turned away")), "{health:?}");
    // A large upload is refused with the same words.
    let large = request("POST", "/v1/files", "", &vec![b'x'; 4 << 20]);
    assert_eq!(send(app.proxy, &large).await.status(), 503);
    // Room again.
    held.pop();
    wait_until("a free place", async || {
        (send(app.proxy, format!("{GET}\r\n").as_bytes()).await.status() == 200).then_some(())
    })
    .await;
}

/// One HTTP/2 connection can carry as many calls as many connections: the limit is the same.
#[tokio::test]
async fn calls_on_one_connection_are_limited_too() {
    const LIMIT: usize = 8;
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings(&format!("max_connections = {LIMIT}")).start().await;
    mock.answer(|received| Plan::default().answer(received).gated());
    let client = Http2::connect(app.proxy).await;
    let mut open = Vec::new();
    for _ in 0..LIMIT {
        let body = crate::requests::body(tests::Dialect::Chat, true, "Held").to_string();
        let request = Request::post("http://localhost/v1/chat/completions").body(whole(body)).unwrap();
        open.push(client.send(request).await.unwrap());
    }
    assert!(open.iter().all(|answer| answer.status() == 200));
    let request = Request::get("http://localhost/v1/models").body(whole("")).unwrap();
    let refused = client.send(request).await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    mock.open_gate(1_000);
}

/// Streams opened and reset by the thousand (CVE-2023-44487): the connection is closed, others do not notice.
#[tokio::test]
async fn rapid_resets_end_the_connection_that_makes_them() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let stream = TcpStream::connect(app.proxy).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let driving = tokio_util::task::TaskTracker::new().spawn(connection);
    let mut made = 0;
    let ended = async {
        let mut sender = sender;
        loop {
            let Ok(ready) = sender.ready().await else { return };
            sender = ready;
            let request = Request::get("http://localhost/v1/models").body(()).unwrap();
            let Ok((_answer, mut body)) = sender.send_request(request, false) else { return };
            body.send_reset(h2::Reason::CANCEL);
            made += 1;
            tokio::task::yield_now().await;
        }
    };
    tests::within("the end of the connection", ended).await;
    let error = driving.await.unwrap().unwrap_err();
    println!("ended after {made} streams: {error}");
    assert!(error.is_go_away() || error.is_io(), "{error}");
    assert_eq!(send(app.proxy, format!("{GET}\r\n").as_bytes()).await.status(), 200);
}

/// Messages that two readers can take for different ones, or that end nowhere, go no further.
#[tokio::test]
async fn ambiguous_messages_are_refused() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let chunked = "Transfer-Encoding: chunked\r\n";
    for (what, head, body) in [
        ("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n".to_owned(), "hello"),
        ("a list of lengths", "Content-Length: 5, 6\r\n".to_owned(), "hello"),
        ("a signed length", "Content-Length: +5\r\n".to_owned(), "hello"),
        ("an unknown coding last", "Transfer-Encoding: chunked, gzip\r\n".to_owned(), "0\r\n\r\n"),
        ("chunked as part of a word", "Transfer-Encoding: xchunked\r\n".to_owned(), "0\r\n\r\n"),
        ("a blank before the colon", "Content-Length : 5\r\n".to_owned(), "hello"),
        ("a folded header", "X-Folded: a\r\n b\r\nContent-Length: 5\r\n".to_owned(), "hello"),
        ("a bare CR", "X-Odd: a\rb\r\nContent-Length: 5\r\n".to_owned(), "hello"),
        ("a NUL", "X-Odd: a\0b\r\nContent-Length: 5\r\n".to_owned(), "hello"),
        ("a chunk's size in rubbish", chunked.to_owned(), "zz\r\nhello\r\n0\r\n\r\n"),
        ("a chunk's size beyond numbers", chunked.to_owned(), "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        ("a chunk longer than its size", chunked.to_owned(), "3\r\nhello\r\n0\r\n\r\n"),
        ("a chunk's size with a sign", chunked.to_owned(), "-5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let mut client = Line::connect(app.proxy).await;
        client.write(format!("POST /v1/x HTTP/1.1\r\nHost: localhost\r\n{head}\r\n{body}{GET}\r\n")).await;
        let answer = String::from_utf8_lossy(&client.rest().await).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{what}: {answer}");
        assert_eq!(
            answer.matches("HTTP/1.1 ").count().min(2),
            usize::from(!answer.is_empty()),
            "{what}: {answer}"
        );
    }
    assert_eq!(mock.exchanges().iter().filter(|exchange| exchange.sent.is_some()).count(), 0);
    // Both a length and chunks: the chunks count, the length goes no further, and the connection is not reused.
    let mut client = Line::connect(app.proxy).await;
    client
        .write(format!(
            "POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n{chunked}\r\n5\r\nhello\r\n0\r\n\r\n"
        ))
        .await;
    let answer = client.head().await;
    if answer.starts_with("HTTP/1.1 200") {
        let received = mock.ended(1).await.pop().unwrap().received;
        assert_eq!(received.body, b"hello");
        assert!(received.head.header("content-length").is_none(), "one of the two only: {:?}", received.head);
    } else {
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
}

/// An upstream that answers like that is not believed either.
#[tokio::test]
async fn ambiguous_answers_are_not_passed_on() {
    let upstream = Raw::start(async |_, mut line| {
        let head = line.head().await;
        let more = match head.split(' ').nth(1).unwrap_or_default() {
            "/v1/two" => "Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello",
            "/v1/folded" => "X-Folded: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
            _ => "Transfer-Encoding: chunked\r\nContent-Length: 50\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        };
        line.write(format!("HTTP/1.1 200 OK\r\n{more}")).await;
        line.rest().await;
    })
    .await;
    let app = App::start(upstream.address).await;
    for path in ["two", "folded"] {
        let response =
            send(app.proxy, format!("GET /v1/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await;
        assert_eq!(response.status(), 502, "{path}: {}", response.text());
    }
    let both = send(app.proxy, b"GET /v1/both HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((both.text().as_str(), both.ended), ("hello", Ended::Whole));
    assert!(both.head.header("content-length").is_none(), "{:?}", both.head);
}

/// A fast side and a slow one: what lies between them is bounded, in both directions, by buffers and not by bodies.
#[tokio::test]
async fn a_slow_side_holds_a_fast_one_back() {
    const PIECE: usize = 1 << 20;
    const BOUND: u64 = 24 << 20;
    let (sent, seen) = tokio::sync::watch::channel(0_usize);
    let upstream = Raw::start(move |_, mut line| {
        let sent = sent.clone();
        async move {
            let head = line.head().await;
            if head.starts_with("POST") {
                // Reads nothing until the other side closes.
                let _closed = line.stream.ready(tokio::io::Interest::ERROR).await;
                return;
            }
            line.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
                .await;
            let piece = [format!("{PIECE:x}\r\n").as_bytes(), &vec![b'x'; PIECE], b"\r\n"].concat();
            loop {
                line.stream.writable().await.unwrap();
                use tokio::io::AsyncWriteExt;
                if line.stream.write_all(&piece).await.is_err() {
                    return;
                }
                sent.send_modify(|sent| *sent += 1);
            }
        }
    })
    .await;
    let app = Setup::new(upstream.address).settings("max_body_mb = 1").start().await;
    send(app.proxy, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let before = memory(app.process_id());

    // An upstream without end for a client that reads only the head.
    let mut slow = Line::connect(app.proxy).await;
    slow.write(format!("{GET}\r\n")).await;
    slow.head().await;
    stalls("the upstream", async || *seen.borrow()).await;
    let pieces = *seen.borrow();
    // A client without end for an upstream that reads only the head.
    let mut fast = Line::connect(app.proxy).await;
    fast.write("POST /v1/files HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let chunk = [format!("{PIECE:x}\r\n").as_bytes(), &vec![b'x'; PIECE], b"\r\n"].concat();
    let mut written = 0;
    stalls("the upload", async || {
        // Always from the same place of a chunk: it is never read as one.
        written += fast.stream.try_write(&chunk).unwrap_or(0);
        written
    })
    .await;
    let grown = memory(app.process_id()).saturating_sub(before);
    println!(
        "{pieces} MB down and {} MB up are on their way, resident memory grew by {} KB",
        written >> 20,
        grown >> 10
    );
    assert!(grown < BOUND, "{grown} bytes for two stalled bodies");
    assert!(pieces < 64 && written < 64 << 20, "the fast side is held back: {pieces} MB, {written} bytes");
}

/// Waits until `progress` makes none.
async fn stalls(what: &str, mut progress: impl AsyncFnMut() -> usize) {
    let (mut last, mut same) = (0, 0);
    wait_until(&format!("{what} to stall"), async || {
        let now = progress().await;
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (now > 0 && same > 30).then_some(())
    })
    .await;
}
