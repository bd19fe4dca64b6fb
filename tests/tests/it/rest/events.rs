//! `/api/events` with many listeners: each hears the same, who lags is told so, who takes nothing is let go, and places
//! are bounded.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tests::otlp::post_otlp;
use tests::{App, Client, Dialect, Ended, Line, Mock, send, wait_until};
use tokio::net::TcpSocket;

use crate::requests::{ask, request};

const LISTENERS: usize = 100;
/// The documented number of streams at one time.
const MOST: usize = 512;

/// A stream whose head is there: it hears everything from now on.
async fn listen(app: &App) -> Client {
    let mut client = Client::open(app.dashboard, &request("GET", "/api/events", "", b"")).await;
    assert_eq!(client.head().await.unwrap().header("content-type").as_deref(), Some("text/event-stream"));
    client
}

/// Reads until `is_last`; the events in order.
async fn until(stream: &mut Client, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
    let (mut text, mut told) = (String::new(), Vec::new());
    loop {
        text.push_str(&String::from_utf8(stream.piece().await.unwrap().unwrap()).unwrap());
        let whole = text.rfind("\n\n").map_or(0, |end| end + 2);
        let lines: String = text.drain(..whole).collect();
        told.extend(lines.lines().filter_map(|line| line.strip_prefix("data: ")).map(event));
        if told.iter().any(&is_last) {
            return told;
        }
    }
}

fn event(data: &str) -> Value {
    serde_json::from_str(data).unwrap()
}

fn is_mark(event: &Value) -> bool {
    event["type"] == "settings_changed"
}

/// Something that everybody is told of.
async fn mark(app: &App) {
    let (json, body) = ("Content-Type: application/json\r\n", br#"{"value":"false"}"#);
    let set = send(app.dashboard, &request("PUT", "/api/settings/close_to_tray", json, body)).await;
    assert_eq!(set.status(), 200, "{}", set.text());
}

/// Spans of a hundred new traces: an event of some kilobytes.
async fn hundred_traces(app: &App, number: usize) {
    let spans: Vec<Value> = (0..100)
        .map(|span| {
            let trace = format!("{:032x}", 1 + number * 100 + span);
            json!({"traceId": trace, "spanId": "00000000000000a1", "name": "one",
                "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000000000000001"})
        })
        .collect();
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string();
    let sent = send(app.otlp_http, &post_otlp("/v1/traces", "application/json", "", body.as_bytes())).await;
    assert_eq!(sent.status(), 200, "{}", sent.text());
}

/// A listener with little room, which takes nothing until it is asked to.
async fn stuck(address: SocketAddr) -> Line {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut line = Line { stream: socket.connect(address).await.unwrap() };
    line.write(request("GET", "/api/events", "", b"")).await;
    assert!(line.head().await.starts_with("HTTP/1.1 200 "));
    line
}

#[tokio::test]
async fn a_hundred_listeners_hear_the_same_in_the_same_order() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut streams = Vec::new();
    for _ in 0..LISTENERS {
        streams.push(listen(&app).await);
    }
    for number in 0..30 {
        send(app.proxy, &ask(Dialect::Chat, number % 2 == 0, &format!("question {number}"), "")).await;
    }
    app.recorded(30).await;
    mark(&app).await;
    let mut heard = Vec::new();
    for stream in &mut streams {
        heard.push(until(stream, is_mark).await);
    }
    let first = &heard[0];
    assert!(first.iter().any(|event| event["type"] == "calls_changed"), "{first:?}");
    assert!(first.iter().all(|event| event["type"] != "resync"), "nobody was too slow: {first:?}");
    for other in &heard {
        assert_eq!(other, first);
    }
}

#[tokio::test]
async fn who_does_not_read_is_told_to_ask_again_and_nobody_else_notices() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let (mut slow, mut quick) = (stuck(app.dashboard).await, listen(&app).await);
    let (mut number, mut text) = (0, String::new());
    // How much the system keeps for who does not read is its own affair.
    for kilobytes in [700, 1_000, 2_000, 4_000, 8_000] {
        let mut heard = 0;
        while heard < kilobytes * 1_000 {
            hundred_traces(&app, number).await;
            number += 1;
            let named = |id: &str| format!("{:032x}", number * 100) == id;
            let is_last = |event: &Value| {
                event["ids"].as_array().is_some_and(|ids| ids.iter().any(|id| named(id.as_str().unwrap())))
            };
            let told = until(&mut quick, is_last).await;
            assert!(told.iter().all(|event| event["type"] != "resync"), "who reads misses nothing");
            heard += told.iter().map(|event| event.to_string().len()).sum::<usize>();
        }
        mark(&app).await;
        until(&mut quick, is_mark).await;
        text.clear();
        while !text.contains("settings_changed") {
            text.push_str(&String::from_utf8_lossy(&slow.until(b"\n\n").await));
        }
        if text.contains(r#"{"type":"resync"}"#) {
            break;
        }
    }
    let resync = text.find(r#"{"type":"resync"}"#).expect("it missed some and was told");
    assert!(resync < text.find("settings_changed").unwrap(), "and then hears what follows");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_takes_nothing_at_all_is_let_go() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let open = || std::fs::read_dir(format!("/proc/{}/fd", app.process_id())).unwrap().count();
    let mut slow = stuck(app.dashboard).await;
    // Its connection's own, and what else is open now and closed later.
    let (before, mut number) = (open(), 0);
    wait_until("the connection's end", async || {
        // There has to be something to take.
        hundred_traces(&app, number).await;
        number += 1;
        app.log().contains("takes nothing any more").then_some(())
    })
    .await;
    wait_until("its place", async || (open() <= before).then_some(())).await;
    let rest = String::from_utf8_lossy(&slow.rest().await).into_owned();
    assert!(!rest.ends_with("0\r\n\r\n"), "cut, not ended");
    assert_eq!(app.get("/api/health").await.status(), 200);
}

#[tokio::test]
async fn places_are_bounded_and_given_back() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut streams = Vec::new();
    for _ in 0..MOST {
        streams.push(listen(&app).await);
    }
    let full = send(app.dashboard, &request("GET", "/api/events", "", b"")).await;
    assert_eq!((full.status(), full.ended), (503, Ended::Whole));
    assert!(full.json()["error"].as_str().unwrap().contains("Close a dashboard"), "{}", full.text());
    assert_eq!(app.get("/api/traces").await.status(), 200, "questions are answered all the same");
    streams.truncate(MOST - 1);
    wait_until("a place", async || {
        let mut again = Client::open(app.dashboard, &request("GET", "/api/events", "", b"")).await;
        again.head().await.unwrap().start.contains("200").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let half = |method: &str, target: &str| {
        format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: 100\r\n\r\n{{"
        )
    };
    let asked = [("POST", "/api/rpc"), ("PUT", "/api/settings/close_to_tray"), ("POST", "/api/erase")];
    let answers = asked.map(|(method, target)| {
        let (app, request) = (&app, half(method, target));
        async move {
            let mut line = Line::connect(app.dashboard).await;
            line.write(&request).await;
            String::from_utf8(line.rest().await).unwrap()
        }
    });
    for answer in futures_util::future::join_all(answers).await {
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains(r#""kind":"timeout""#) && answer.contains("30 s"), "{answer}");
    }
}
