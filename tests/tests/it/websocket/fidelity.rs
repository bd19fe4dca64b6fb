//! What goes by is what was sent: the handshake's headers, every frame, however it is cut.

use tests::websocket::{Frame, Packer, agreement, handshake};
use tests::{App, Line, Raw, Setup, sha256};

#[tokio::test]
async fn the_handshake_goes_through_with_its_headers() {
    let (heads, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let upstream = Raw::start(move |_, mut line| {
        let heads = heads.clone();
        async move {
            heads.send(line.head().await).unwrap();
            line.write(agreement(
                "Sec-WebSocket-Protocol: realtime\r\nSec-WebSocket-Extensions: permessage-deflate\r\nX-Codex-Turn: 7\r\n",
            ))
            .await;
            line.rest().await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = Line::connect(app.proxy).await;
    let more = "OpenAI-Beta: responses_websockets=2026-02-06\r\nAuthorization: Bearer sk-canary-0123456789\r\n\
        Sec-WebSocket-Protocol: realtime, other\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nX-LLMFlow-Tag: a\r\n";
    client.write(handshake("/v1/responses?x=1", more)).await;
    let answer = client.head().await;
    for line in [
        "HTTP/1.1 101 ",
        "\r\nUpgrade: websocket\r\n",
        "\r\nConnection: Upgrade\r\n",
        "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
        "\r\nSec-WebSocket-Protocol: realtime\r\n",
        "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
        "\r\nX-Codex-Turn: 7\r\n",
    ] {
        assert!(answer.contains(line), "{line:?} in {answer}");
    }
    let head = asked.recv().await.unwrap();
    assert!(head.starts_with("GET /v1/responses?x=1 HTTP/1.1\r\n"), "{head}");
    for line in [
        "Connection: Upgrade\r\n",
        "Upgrade: websocket\r\n",
        "Sec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Sec-WebSocket-Protocol: realtime, other\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
        "Authorization: Bearer sk-canary-0123456789\r\n",
        "OpenAI-Beta: responses_websockets=2026-02-06\r\n",
    ] {
        assert!(head.contains(line), "{line:?} in {head}");
    }
    assert!(!head.to_lowercase().contains("x-llmflow"), "{head}");
    assert!(head.contains(&format!("Host: {}\r\n", upstream.address)), "{head}");
}

/// Frames of every kind, a good megabyte of them.
fn frames() -> Vec<Frame> {
    let piece =
        |opcode, last, payload: &[u8]| Frame { opcode, last, payload: payload.into(), ..Frame::text("") };
    let mut packer = Packer::new(false);
    vec![
        Frame::text(""),
        piece(1, false, b"{\"type\":"),
        piece(9, true, b"are you there?"),
        piece(0, false, b"\"x\","),
        piece(0, true, "\"ü\":1}".as_bytes()),
        piece(2, true, &[7; 126]),
        piece(2, true, &vec![8; 70_000]),
        piece(10, true, b""),
        packer.text("compressed"),
        packer.text("compressed again"),
        Frame::text(&"long ".repeat(200_000)),
        Frame::close(4321, "that is all"),
    ]
}

/// Twelve connections at once: each is what goes in at the other end, in pieces of every size.
#[tokio::test]
async fn frames_arrive_as_they_were_sent_both_ways() {
    let sent: Vec<u8> = frames().iter().flat_map(Frame::bytes).collect();
    let masked: Vec<u8> = frames().into_iter().flat_map(|frame| frame.masked().bytes()).collect();
    let (seen, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    let (length, answer) = (masked.len(), sent.clone());
    let upstream = Raw::start(move |number, mut line| {
        let (seen, answer) = (seen.clone(), answer.clone());
        async move {
            line.head().await;
            // The first bytes may come with the answer.
            let first = 1 + number * 3;
            line.write([agreement("").as_bytes(), &answer[..first]].concat()).await;
            for piece in answer[first..].chunks(999 + number * 4_001) {
                line.write(piece).await;
            }
            seen.send(sha256(&line.bytes(length).await)).unwrap();
            line.rest().await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    for number in 0..12 {
        let mut client = Line::connect(app.proxy).await;
        client.write(handshake("/v1/unheard/of", "")).await;
        assert!(client.head().await.starts_with("HTTP/1.1 101 "));
        for piece in masked.chunks(1_001 + number * 3_001) {
            client.write(piece).await;
        }
        let got = client.bytes(sent.len()).await;
        assert!(got == sent, "connection {number}: what the upstream sent");
        assert_eq!(
            arrived.recv().await.unwrap(),
            sha256(&masked),
            "connection {number}: what the client sent"
        );
    }
    let calls = app.recorded(12).await;
    assert!(calls.iter().all(|call| call.status == Some(101) && call.model.is_none()));
}

/// A refused upgrade is the upstream's answer: Codex turns to HTTP at once on a 426.
#[tokio::test]
async fn a_refused_upgrade_passes_through() {
    let upstream = Raw::start(async |number, mut line| {
        line.head().await;
        let status = if number == 0 { "426 Upgrade Required" } else { "401 Unauthorized" };
        let body = r#"{"error":{"message":"no sockets here","type":"invalid_request_error","code":null}}"#;
        let length = body.len();
        line.write(format!(
            "HTTP/1.1 {status}\r\nX-Request-Id: req_1\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
        line.rest().await;
    })
    .await;
    let app = App::start(upstream.address).await;
    for status in [426, 401] {
        let refused = tests::send(app.proxy, handshake("/v1/responses", "").as_bytes()).await;
        assert_eq!(refused.status(), status);
        assert_eq!(refused.json()["error"]["message"], "no sockets here");
    }
    let calls = app.recorded(2).await;
    assert_eq!(calls[0].status, Some(401));
    assert!(calls.iter().all(|call| call.state == api::CallState::UpstreamError && call.method == "GET"));
    assert!(calls[0].error.as_deref().unwrap().contains("no sockets here"), "{:?}", calls[0].error);
}

/// Who answers nothing, and who is not there.
#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_502() {
    let closed = tests::free_port();
    let switched = Raw::start(async |_, mut line| {
        line.head().await;
        line.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n").await;
        line.rest().await;
    })
    .await;
    let app = Setup::new(std::net::SocketAddr::from(([127, 0, 0, 1], closed)))
        .variable("LLMFLOW_UPSTREAM_GROQ", &format!("http://{}", switched.address))
        .start()
        .await;
    for (path, said) in
        [("/v1/realtime", "refused the connection"), ("/groq/v1/realtime", "nobody had asked for")]
    {
        let answer = tests::send(app.proxy, handshake(path, "").as_bytes()).await;
        assert_eq!(answer.status(), 502, "{path}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(said), "{message}");
    }
    assert!(app.recorded(2).await.iter().all(|call| call.state == api::CallState::Unreachable));
}

/// What only says in part that it wants a WebSocket is a request as any other.
#[tokio::test]
async fn half_a_handshake_is_an_ordinary_call() {
    let upstream = Raw::start(async |_, mut line| {
        loop {
            let head = line.head().await;
            if head.is_empty() {
                return;
            }
            let status =
                if head.to_lowercase().contains("upgrade") { "500 Relayed" } else { "400 Bad Request" };
            line.write(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")).await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    for missing in [
        "Connection: keep-alive, Upgrade\r\n",
        "Upgrade: websocket\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ] {
        let half = handshake("/v1/responses", "").replacen(missing, "", 1);
        assert_eq!(tests::send(app.proxy, half.as_bytes()).await.status(), 400, "without {missing}");
    }
}

/// A web page may open a WebSocket without asking first: it is judged as every call of a page.
#[tokio::test]
async fn a_page_that_is_not_allowed_gets_no_websocket() {
    let upstream = Raw::start(async |_, mut line| {
        line.head().await;
        line.write(agreement("")).await;
        line.rest().await;
    })
    .await;
    let app = Setup::new(upstream.address)
        .variable("OPENAI_API_KEY", "sk-lent-0123456789abcdef")
        .settings("allowed_origins = [\"http://localhost:5173\"]\n")
        .start()
        .await;
    let evil = handshake("/v1/realtime", "Origin: http://evil.example\r\n");
    assert_eq!(tests::send(app.proxy, evil.as_bytes()).await.status(), 403);
    assert_eq!(upstream.connections(), 0);
}
