//! What HTTP/1.1 messages may hold beside a body: trailers, expectations, interim answers, answers without a body.

use api::CallState;
use tests::{App, Ended, Line, Mock, Raw, Setup, send, unhindered};

#[tokio::test]
async fn trailers_go_through_both_ways_and_are_recorded() {
    let upstream = Raw::start(async |_, mut line| {
        while !line.head().await.is_empty() {
            let body = line.until(b"\r\n\r\n").await;
            line.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Key\r\n\r\n")
                .await;
            line.write(format!("{:x}\r\n", body.len())).await;
            line.write(body).await;
            line.write("\r\n0\r\nX-Sum: 42\r\nX-Key: Bearer canary-secret-1\r\n\r\n").await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = Line::connect(app.proxy).await;
    client
        .write(
            "POST /v1/things HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\
             Trailer: X-Up\r\n\r\n3\r\nabc\r\n0\r\nX-Up: there\r\n\r\n",
        )
        .await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200") && head.to_lowercase().contains("trailer: x-sum"), "{head}");
    let answer = String::from_utf8(client.until(b"canary-secret-1\r\n\r\n").await).unwrap();
    assert!(answer.to_lowercase().contains("x-up: there"), "the upstream got it: {answer}");
    assert!(answer.to_lowercase().contains("x-sum: 42\r\n"), "the client got it: {answer}");
    let call = app.recorded(1).await.remove(0);
    assert_eq!(call.state, CallState::Complete);
    let detail = app.call(call.id).await;
    let trailer = |headers: &[api::Header], name: &str| {
        headers.iter().find(|header| header.name == name).map(|header| header.value.clone())
    };
    assert_eq!(trailer(&detail.request_headers, "trailer:x-up").as_deref(), Some("there"));
    assert_eq!(trailer(&detail.response_headers, "trailer:x-sum").as_deref(), Some("42"));
}

const EXPECTS: &str =
    "POST /v1/files HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";

#[tokio::test]
async fn a_body_is_asked_for_when_the_upstream_asks_for_it() {
    let (ready, mut told) = tokio::sync::mpsc::channel(1);
    let (go, gone) = tokio::sync::watch::channel(false);
    let upstream = Raw::start(move |_, mut line| {
        let (ready, mut gone) = (ready.clone(), gone.clone());
        async move {
            let head = line.head().await;
            assert!(head.to_lowercase().contains("expect: 100-continue"), "{head}");
            ready.send(()).await.unwrap();
            gone.wait_for(|go| *go).await.unwrap();
            line.write("HTTP/1.1 100 Continue\r\n\r\n").await;
            let body = line.bytes(5).await;
            line.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await;
            line.write(body).await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut attempts = 0;
    let (mut client, promised) = unhindered(UNASKED, async || {
        attempts += 1;
        let mut client = Line::connect(app.proxy).await;
        client.write(EXPECTS).await;
        told.recv().await.unwrap();
        let promised = client.stream.try_read(&mut [0]).is_ok();
        (client, promised)
    })
    .await;
    assert!(!promised, "nothing is promised before the upstream is ready");
    go.send(true).unwrap();
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write("hello").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(client.bytes(5).await, b"hello");
    assert_eq!(app.recorded(attempts).await[0].state, CallState::Complete);
}

/// After this time the body is sent unasked.
const UNASKED: std::time::Duration = std::time::Duration::from_secs(1);

#[tokio::test]
async fn a_refusal_before_the_body_comes_at_once_and_the_body_is_never_asked_for() {
    let upstream = Raw::start(async |_, mut line| {
        line.head().await;
        line.write(
            "HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large",
        )
        .await;
        line.rest().await;
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut attempts = 0;
    let (mut client, head) = unhindered(UNASKED, async || {
        attempts += 1;
        let mut client = Line::connect(app.proxy).await;
        client.write(EXPECTS).await;
        let head = client.head().await;
        (client, head)
    })
    .await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    assert_eq!(client.bytes(9).await, b"too large");
    let call = app.recorded(attempts).await.remove(0);
    assert_eq!((call.state, call.status), (CallState::UpstreamError, Some(413)));
    assert_eq!(app.call(call.id).await.request_body.wire_bytes, 0);
}

/// Old servers know nothing of `Expect` and wait for the body, so at last it is sent unasked.
#[tokio::test]
async fn an_upstream_that_ignores_the_expectation_gets_the_body() {
    let upstream = Raw::start(async |_, mut line| {
        line.head().await;
        let body = line.bytes(5).await;
        line.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await;
        line.write(body).await;
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = Line::connect(app.proxy).await;
    client.write(EXPECTS).await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write("hello").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(client.bytes(5).await, b"hello");
}

/// Early hints are advice that nobody must pass on; the answer after them is the answer.
#[tokio::test]
async fn interim_answers_do_not_stand_in_the_way() {
    let upstream = Raw::start(async |_, mut line| {
        while !line.head().await.is_empty() {
            line.write(
                "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
            )
            .await;
            line.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let response = send(app.proxy, b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((response.status(), response.text().as_str()), (200, "ok"));
}

#[tokio::test]
async fn answers_without_a_body_keep_what_they_say_of_it() {
    let upstream = Raw::start(async |_, mut line| {
        loop {
            let head = line.head().await;
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            line.write(match path.as_str() {
                "/v1/head" => "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: \"x\"\r\n\r\n",
                "/v1/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "/v1/same" => "HTTP/1.1 304 Not Modified\r\nContent-Length: 12345\r\nETag: \"x\"\r\n\r\n",
                "/v1/none" => "HTTP/1.1 204 No Content\r\nETag: \"x\"\r\n\r\n",
                "/v1/reset" => "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
                _ => return,
            })
            .await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    // One connection: a length that is taken for a body would swallow the next answer.
    let mut client = Line::connect(app.proxy).await;
    for (method, path, status, length) in [
        ("HEAD", "/v1/head", "200", Some("12345")),
        ("HEAD", "/v1/chunked", "200", None),
        // The server under us leaves the length out of a 304, where it is optional and means nothing.
        ("GET", "/v1/same", "304", None),
        ("GET", "/v1/none", "204", None),
        ("GET", "/v1/reset", "205", Some("0")),
        ("HEAD", "/v1/head", "200", Some("12345")),
    ] {
        client.write(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        let head = client.head().await.to_lowercase();
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{path}: {head}");
        let found = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        assert_eq!(found, length, "{path}: {head}");
    }
    let calls = app.recorded(6).await;
    assert!(calls.iter().all(|call| call.state == CallState::Complete), "{calls:?}");
}

/// Requests that are sent before the answers to those before them are answered in order, one at a time.
#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    const REQUESTS: usize = 20;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|received| tests::Answer::whole(200, "text/plain", received.path().to_owned()));
    let mut client = Line::connect(app.proxy).await;
    let all: String = (0..REQUESTS)
        .map(|number| {
            format!("POST /v1/{number:02} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
        })
        .collect();
    client.write(all).await;
    for number in 0..REQUESTS {
        assert!(client.head().await.starts_with("HTTP/1.1 200"));
        assert_eq!(client.bytes(6).await, format!("/v1/{number:02}").as_bytes());
    }
    assert_eq!(app.recorded(REQUESTS).await.len(), REQUESTS);
}

#[tokio::test]
async fn localhost_is_this_machine_on_both_families() {
    let Ok(six) = tokio::net::TcpListener::bind("[::1]:0").await else {
        println!("this machine has no IPv6");
        return;
    };
    let serve = async |_: usize, mut line: Line| {
        while !line.head().await.is_empty() {
            line.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        }
    };
    let only_six = Raw::on(six, serve);
    let only_four = Raw::start(serve).await;
    let app = Setup::new(only_four.address)
        .variable("LLMFLOW_UPSTREAM_OPENAI", &format!("http://localhost:{}", only_six.address.port()))
        .variable("LLMFLOW_UPSTREAM_OLLAMA", &format!("http://localhost:{}", only_four.address.port()))
        .start()
        .await;
    for path in ["/v1/models", "/ollama/v1/models"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(send(app.proxy, request.as_bytes()).await.text(), "ok", "{path}");
        // And we are there on both, too.
        let six = std::net::SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, app.proxy.port()));
        let request = format!("GET {path} HTTP/1.1\r\nHost: [::1]:{}\r\n\r\n", app.proxy.port());
        let response = send(six, request.as_bytes()).await;
        assert_eq!((response.text().as_str(), response.ended), ("ok", Ended::Whole));
    }
}

/// The coding would end here while the body went on in it.
#[tokio::test]
async fn a_transfer_coding_beside_chunked_is_refused() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let coded = "POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let refused = send(app.proxy, coded.as_bytes()).await;
    assert_eq!(refused.status(), 501, "{}", refused.text());
    assert!(refused.text().contains("Content-Encoding"), "{}", refused.text());
    assert!(mock.exchanges().is_empty());
    let plain = coded.replace("gzip, chunked", "Chunked");
    assert_eq!(send(app.proxy, plain.as_bytes()).await.status(), 200);
}
