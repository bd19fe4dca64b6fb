//! Nothing is changed on the way: every exchange is made once without us and once through us, and compared byte for
//! byte on both sides. Left out of the comparison: `Host`, the path's prefix, and headers that end with a connection.

mod comparison;

use api::CallState;
use tests::{Answer, App, Client, Dialect, Ended, Fault, Mock, Plan, gzip, send, sha256};

use crate::requests::{ask, body, direct, request};
use comparison::Comparison;

/// Route prefixes here, and what stands for them at the upstream.
const ROUTES: &[(&str, &str)] = &[
    ("/v1", "/v1"),
    ("/openai/v1", "/v1"),
    ("/anthropic/v1", "/v1"),
    ("/gemini/v1beta", "/v1beta"),
    ("/groq/v1", "/openai/v1"),
    ("/groq/openai/v1", "/openai/v1"),
    ("/mistral/v1", "/v1"),
    ("/together/v1", "/v1"),
    ("/perplexity", ""),
    ("/openrouter/v1", "/api/v1"),
    ("/openrouter/api/v1", "/api/v1"),
    ("/ollama/v1", "/v1"),
    ("/ollama/api", "/api"),
    ("/cohere/v2", "/v2"),
    ("/passthrough/anthropic/v1", "/v1"),
    ("/passthrough/gemini/v1beta", "/v1beta"),
    ("/passthrough/openai/v1", "/v1"),
    ("/passthrough/helicone/v1", "/v1"),
];
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Headers that a careless proxy would change.
const HEADERS: &str = "Connection: keep-alive\r\nContent-Type: application/json\r\nX-Odd-CASE: Kept\r\nx-repeated: one\r\nX-Repeated: two\r\n\
    x-repeated: three\r\nAccept-Encoding: gzip, br\r\nUser-Agent: Test/1.0 (any; thing)\r\nx-empty:\r\n\
    Authorization: Bearer test-key-000000\r\nCookie: a=b; c=d\r\nAnthropic-Beta: one-2025-01-01,two-2025-02-02\r\n\
    x-stainless-os: Linux\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\
    Accept: */*\r\nRange: bytes=0-\r\nIf-None-Match: \"x\"\r\nExpires: never\r\nForwarded: for=1.2.3.4\r\nVia: 1.1 other\r\n";

#[tokio::test]
async fn every_route_and_method_is_byte_identical() {
    let mut comparison = Comparison::new().await;
    comparison.mock.answer(|received| {
        Answer::whole(200, "application/json", format!("{{\"path\":{:?}}}", received.path()))
            .header("X-Odd-CASE", "Kept")
            .header("Set-Cookie", "a=b; Path=/")
            .header("Set-Cookie", "c=d")
            .header("x-eight-bit", &b"caf\xe9 \xff"[..])
            .header("Date", "Thu, 01 Jan 1970 00:00:00 GMT")
            .header("x-ratelimit-remaining-tokens", "149984")
    });
    for (route, upstream) in ROUTES {
        for method in METHODS {
            let rest = "/some/thing%2Fodd//x;v=1/?a=%41&&b==%zz&a=2&q=%E2%82%AC+%20";
            let body: &[u8] =
                if matches!(*method, "POST" | "PUT" | "PATCH") { b"{\"a\":\"\xc3\xa9\xff\"}" } else { b"" };
            let eight_bit = [HEADERS.as_bytes(), b"x-eight-bit: caf\xe9 \xff\r\n"].concat();
            let whole = |prefix: &str| {
                let head = request(method, &format!("{prefix}{rest}"), "@", body);
                let at = head.windows(1).position(|byte| byte == b"@").unwrap();
                [&head[..at], &eight_bit, &head[at + 1..]].concat()
            };
            let what = format!("{method} {route}");
            comparison.compare(&what, &whole(upstream), &whole(route)).await;
        }
    }
    comparison.finish();
}

#[tokio::test]
async fn every_fault_is_byte_identical_and_has_its_state() {
    let mut comparison = Comparison::new().await;
    let mut recorded = 0;
    for dialect in Dialect::COMMON {
        for stream in [false, true] {
            for (name, plan, state) in faults(stream) {
                comparison.mock.follow(plan);
                let what = format!("{dialect:?}, stream {stream}, {name}");
                let through = ask(dialect, stream, "Hello", "Accept-Encoding: gzip\r\n");
                let without = direct(&through);
                let seen = comparison.compare(&what, &without, &through).await;
                recorded += 1;
                let calls = comparison.app.recorded(recorded).await;
                let (found, error) = (calls[0].state, &calls[0].error);
                if found != state || error.is_some() != (state != CallState::Complete) {
                    comparison
                        .differences
                        .push(format!("{what}: recorded as {found:?}, {error:?} instead of {state:?}"));
                }
                let detail = comparison.app.call(calls[0].id).await;
                if state == CallState::Unreachable {
                    assert_eq!(seen.client.status(), 502, "{what}");
                    assert!(
                        seen.client.head.header("x-llmflow-error").is_some(),
                        "{what}: ours is told apart"
                    );
                } else {
                    let hash = (!seen.client.body.is_empty()).then(|| sha256(&seen.client.body));
                    if detail.response_body.wire_sha256 != hash {
                        comparison
                            .differences
                            .push(format!("{what}: what is recorded is not what the client got"));
                    }
                }
                let sent = seen.upstream.unwrap().received.body;
                assert_eq!(detail.request_body.wire_sha256, Some(sha256(&sent)), "{what}");
            }
        }
    }
    comparison.finish();
}

fn faults(stream: bool) -> Vec<(&'static str, Plan, CallState)> {
    let with = |fault| Plan { fault, ..Plan::default() };
    let plain = Plan::default;
    let mut faults = vec![
        ("429", with(Fault::Status(429)), CallState::UpstreamError),
        ("500", with(Fault::Status(500)), CallState::UpstreamError),
        ("529", with(Fault::Status(529)), CallState::UpstreamError),
        ("html", with(Fault::Html), CallState::UpstreamError),
        ("gzip", Plan { gzip: true, ..plain() }, CallState::Complete),
        ("gzip split in ones", Plan { gzip: true, split: Some(1), ..plain() }, CallState::Complete),
        ("gzip 500", Plan { gzip: true, ..with(Fault::Status(500)) }, CallState::UpstreamError),
        ("split in ones", Plan { split: Some(1), ..plain() }, CallState::Complete),
        ("split in sevens", Plan { split: Some(7), crlf: true, ..plain() }, CallState::Complete),
        (
            "crlf split in ones",
            Plan { split: Some(1), crlf: true, comments: true, ..plain() },
            CallState::Complete,
        ),
        ("disconnect before the head", with(Fault::BeforeHead), CallState::Unreachable),
        ("disconnect", with(Fault::Disconnect), CallState::Truncated),
        ("disconnect in gzip", Plan { gzip: true, ..with(Fault::Disconnect) }, CallState::Truncated),
    ];
    if stream {
        faults.push(("crlf", Plan { crlf: true, ..plain() }, CallState::Complete));
        faults.push(("comments", Plan { comments: true, ..plain() }, CallState::Complete));
        faults.push(("truncation", with(Fault::Truncate), CallState::Truncated));
        faults.push(("error event", with(Fault::ErrorEvent), CallState::UpstreamError));
        faults.push((
            "error event in crlf",
            Plan { crlf: true, ..with(Fault::ErrorEvent) },
            CallState::UpstreamError,
        ));
        faults.push(("one invalid event", with(Fault::InvalidJson), CallState::Complete));
    }
    faults
}

#[tokio::test]
async fn large_chunked_compressed_and_binary_requests_arrive_whole() {
    let mut comparison = Comparison::new().await;
    // Not JSON, not UTF-8, not compressible: five megabytes from a small generator.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    })
    .take(5 * 1024 * 1024 / 8)
    .flatten()
    .collect();
    let echo = noise.clone();
    comparison.mock.answer(move |_| Answer::whole(200, "application/octet-stream", echo.clone()));
    let binary = request("POST", "/v1/files", "Content-Type: application/octet-stream\r\n", &noise);
    comparison.compare("5 MB up and down", &binary, &binary).await;

    let echo = noise.clone();
    comparison.mock.answer(move |_| {
        let pieces = echo.chunks(777).map(<[u8]>::to_vec).collect();
        Answer::stream("application/octet-stream", pieces)
    });
    let mut chunked =
        b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in noise.chunks(65_537) {
        chunked.extend([format!("{:X};ext=1\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    chunked.extend(b"0\r\n\r\n");
    comparison.compare("5 MB in chunks both ways", &chunked, &chunked).await;

    comparison.mock.follow(Plan::default());
    let packed = gzip(body(Dialect::Chat, false, "packed").to_string().as_bytes());
    let compressed = request(
        "POST",
        "/v1/chat/completions",
        "Content-Encoding: gzip\r\nContent-Type: application/json\r\n",
        &packed,
    );
    comparison.compare("a compressed request", &compressed, &compressed).await;
    let calls = comparison.app.recorded(3).await;
    assert_eq!(calls[0].title.as_deref(), Some("packed"), "a compressed request is read");

    for status in [204, 304, 404, 302] {
        comparison
            .mock
            .answer(move |_| Answer::whole(status, "text/plain", "x").header("Location", "/elsewhere"));
        let plain = request("GET", "/v1/thing", "", b"");
        comparison.compare(&format!("status {status}"), &plain, &plain).await;
    }
    for length in [1, 0] {
        comparison.mock.answer(move |_| {
            let mut answer = Answer::whole(200, "text/plain", vec![b'x'; length]);
            answer.framing = tests::Framing::Close;
            answer
        });
        let plain = request("GET", "/v1/thing", "", b"");
        comparison.compare(&format!("{length} bytes until the connection's end"), &plain, &plain).await;
    }
    comparison.finish();
}

/// The upstream sends a piece only after the client has read the one before: whoever buffers, hangs.
#[tokio::test]
async fn a_stream_is_not_delayed() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for gzip in [false, true] {
        let plan = Plan { gzip, ..Plan::default() };
        let sizes = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let noted = sizes.clone();
        mock.answer(move |received| {
            let answer = plan.answer(received);
            *noted.lock().unwrap() = answer
                .steps
                .iter()
                .map(|step| match step {
                    tests::Step::Send(bytes) => bytes.len(),
                    _ => 0,
                })
                .collect();
            answer.gated()
        });
        let mut client =
            Client::open(app.proxy, &ask(Dialect::Chat, true, "Go", "Accept-Encoding: gzip\r\n")).await;
        assert!(client.head().await.is_some());
        let sizes = sizes.lock().unwrap().clone();
        assert!(sizes.len() > 5);
        for (index, size) in sizes.iter().enumerate() {
            client.bytes(*size).await;
            if index + 1 < sizes.len() {
                mock.open_gate(1);
            }
        }
        assert_eq!(client.rest().await.ended, Ended::Whole);
        println!("{} pieces, each seen before the next was sent", sizes.len());
    }
}

/// The upstream's head goes through before there is any body, and a request before it is complete.
#[tokio::test]
async fn heads_and_uploads_are_not_delayed() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|_| {
        let mut answer = Answer::stream("text/event-stream", vec![b"data: 1\n\n".to_vec()]);
        answer.steps.insert(0, tests::Step::Gate);
        answer
    });
    let mut client = Client::open(app.proxy, &ask(Dialect::Chat, true, "Go", "")).await;
    assert!(client.head().await.is_some(), "the head comes while the body waits");
    mock.open_gate(1);
    assert_eq!(client.rest().await.body, b"data: 1\n\n");
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|received| Plan::default().answer(received).gated());
    // In the middle of the stream.
    let mut client = Client::open(app.proxy, &ask(Dialect::Anthropic, true, "Go", "")).await;
    assert!(client.head().await.is_some());
    client.bytes(10).await;
    drop(client);
    let sent = mock.ended(1).await.pop().unwrap().sent.unwrap();
    assert!(sent.client_left && !sent.whole, "the upstream sees it");
    let call = app.recorded(1).await.remove(0);
    assert_eq!(call.state, CallState::Cancelled);
    let detail = app.call(call.id).await;
    assert_eq!(detail.response_body.wire_sha256, Some(sha256(&sent.body)), "what was sent is kept");

    // Before any answer: the upstream must learn of it too.
    mock.answer(|_| {
        let mut answer = Answer::whole(200, "application/json", "{}");
        answer.steps.insert(0, tests::Step::Gate);
        answer
    });
    let mut client = Client::open(app.proxy, &ask(Dialect::Anthropic, false, "Go", "")).await;
    mock.arrived(2).await;
    assert!(client.head().await.is_some());
    drop(client);
    assert!(mock.ended(2).await.pop().unwrap().sent.unwrap().client_left);
    assert_eq!(app.recorded(2).await[0].state, CallState::Cancelled);
}

/// A client that hangs up on a finished stream has not cancelled it.
#[tokio::test]
async fn leaving_after_the_last_event_is_complete() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|received| {
        let mut answer = Plan::default().answer(received);
        answer.steps.push(tests::Step::Gate);
        answer
    });
    let request = ask(Dialect::Chat, true, "Go", "");
    let mut client = Client::open(app.proxy, &request).await;
    client.head().await.unwrap();
    let mut text = Vec::new();
    while !tests::contains(&text, b"[DONE]\n\n") {
        text.extend(client.piece().await.unwrap().unwrap());
    }
    drop(client);
    assert_eq!(app.recorded(1).await[0].state, CallState::Complete);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_unreachable_and_says_how_to_go_on() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let app = App::start(gone).await;
    for (made, dialect) in Dialect::COMMON.into_iter().enumerate() {
        let response = send(app.proxy, &ask(dialect, true, "Hi", "")).await;
        assert_eq!(response.status(), 502);
        let message = response.json().pointer("/error/message").unwrap().as_str().unwrap().to_owned();
        assert!(message.contains("base_url") && message.contains(&gone.to_string()), "{message}");
        let call = app.recorded(made + 1).await.remove(0);
        assert_eq!((call.state, call.status), (CallState::Unreachable, None));
    }
}
