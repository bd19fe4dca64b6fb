//! `/ws`, which no OpenAPI document describes: handshakes good and bad, and frames that nobody should send. Whatever comes,
//! the other side is told properly, and everybody else goes on.

use tests::websocket::{Frame, handshake};
use tests::{App, Client, Line, Mock, send};

use crate::requests::request;

/// A socket that has been greeted.
async fn greeted(app: &App) -> Line {
    let mut line = Line::connect(app.dashboard).await;
    line.write(handshake("/ws", "")).await;
    let head = line.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    // RFC 6455's own example.
    assert!(
        head.to_ascii_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    let hello = Frame::read(&mut line).await.unwrap();
    assert!(hello.mask.is_none() && hello.as_text().contains("\"hello\""), "{}", hello.as_text());
    line
}

/// The code of the close that comes next; 0 when the connection ends without one.
async fn closed(line: &mut Line) -> u16 {
    loop {
        match Frame::read(line).await {
            Some(frame) if frame.opcode == 8 => return frame.code().unwrap_or(1005),
            Some(_) => {}
            None => return 0,
        }
    }
}

#[tokio::test]
async fn handshakes_that_are_none_are_refused_in_words() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let good = handshake("/ws", "");
    let without = |line: &str| good.replace(line, "");
    for (bad, status) in [
        (without("Upgrade: websocket\r\n"), 400),
        (without("Connection: keep-alive, Upgrade\r\n"), 400),
        (without("Sec-WebSocket-Version: 13\r\n"), 400),
        (without("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400),
        (good.replace("Version: 13", "Version: 12"), 400),
        (good.replace("Upgrade: websocket", "Upgrade: h2c"), 400),
        (good.replacen("GET", "POST", 1), 405),
        (good.replace("HTTP/1.1", "HTTP/1.0"), 400),
    ] {
        let mut client = Client::open(app.dashboard, bad.as_bytes()).await;
        let head = client.head().await.unwrap_or_else(|| panic!("no answer to {bad}"));
        assert!(head.start.contains(&format!(" {status} ")), "{bad}{}", head.start);
        let answer = client.rest().await;
        assert!(answer.json()["error"].as_str().is_some_and(|words| words.len() > 10), "{}", answer.text());
    }
    // The way it should be, and with what browsers send besides.
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nSec-WebSocket-Protocol: a, b\r\n";
    let mut line = Line::connect(app.dashboard).await;
    line.write(handshake("/ws", offer)).await;
    let head = line.head().await.to_ascii_lowercase();
    assert!(
        head.starts_with("http/1.1 101 ") && !head.contains("extensions"),
        "nothing is agreed to: {head}"
    );
}

#[tokio::test]
async fn frames_that_are_none_close_their_own_socket_alone() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut calm = greeted(&app).await;
    let text = |text: &str| Frame::text(text).masked().bytes();
    let of = |opcode: u8, last: bool, payload: Vec<u8>| {
        Frame { opcode, last, payload, ..Frame::text("") }.masked().bytes()
    };
    let huge = |bytes: u64| [&[0x82, 0xff][..], &bytes.to_be_bytes(), &[1, 2, 3, 4]].concat();
    let mut told = 0;
    for (name, bytes) in [
        ("unmasked", Frame::text("{}").bytes()),
        ("a length of 2^63", huge(1 << 63)),
        ("a gigabyte announced", huge(1 << 30)),
        ("more than is taken", of(2, true, vec![7; 200_000])),
        ("an unknown opcode", of(3, true, vec![])),
        ("an unknown control opcode", of(11, true, vec![])),
        ("a reserved bit", vec![0xc1, 0x80, 1, 2, 3, 4]),
        ("a ping in pieces", of(9, false, vec![])),
        ("a ping that is too long", of(9, true, vec![0; 126])),
        ("a continuation of nothing", of(0, true, vec![1])),
        ("a text that is no UTF-8", of(1, true, vec![0xff, 0xfe])),
        ("a close of one byte", of(8, true, vec![3])),
        ("a close with a code that means nothing", of(8, true, vec![0, 1])),
        (
            "pieces without end",
            (0..100).flat_map(|at| of(u8::from(at == 0), false, vec![b'a'; 1_000])).collect(),
        ),
        ("a text within a text", [of(1, false, b"a".to_vec()), text("b")].concat()),
        ("HTTP again", request("GET", "/api/health", "", b"")),
    ] {
        let mut line = greeted(&app).await;
        line.write(&bytes).await;
        let code = closed(&mut line).await;
        assert!(matches!(code, 0 | 1002), "{name}: {code}");
        told += u32::from(code == 1002);
        line.rest().await;
    }
    // Where bytes are left unread, the end of the connection may overtake the close.
    assert!(told >= 10, "only {told} were told");
    // Odd, and allowed: nothing of it is read, and the socket goes on.
    for bytes in [
        text("{\"type\":\"subscribe\"}"),
        text(""),
        of(2, true, vec![0; 60_000]),
        [of(1, false, b"in ".to_vec()), of(9, true, vec![1]), of(0, true, b"pieces".to_vec())].concat(),
        of(10, true, b"a pong that nobody asked for".to_vec()),
    ] {
        calm.write(&bytes).await;
    }
    calm.write(of(9, true, b"still there?".to_vec())).await;
    loop {
        let frame = Frame::read(&mut calm).await.unwrap();
        if frame.opcode == 10 && frame.payload == b"still there?" {
            break;
        }
    }
    // A close is answered with its own code, and then the connection ends.
    calm.write(Frame::close(1000, "bye").masked().bytes()).await;
    assert_eq!(closed(&mut calm).await, 1000);
    assert!(calm.rest().await.is_empty());
    assert_eq!(send(app.dashboard, &request("GET", "/api/health", "", b"")).await.status(), 200);
    assert!(!app.log().contains("panicked"), "{}", app.log());
}
