//! `/ws`: each thing that is new as a frame in the former LLMFlow's shape; slow listeners, many of them, strangers.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tests::otlp::post_otlp;
use tests::websocket::handshake;
use tests::{App, Client, Dialect, Mock, Plan, send};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::requests::ask;
use crate::rest::telemetry::reports;

struct Listener(WebSocketStream<TcpStream>);

impl Listener {
    async fn open(app: &App) -> Self {
        let stream = TcpStream::connect(app.dashboard).await.unwrap();
        let url = format!("ws://localhost:{}/ws", app.dashboard.port());
        let mut listener = Self(tokio_tungstenite::client_async(url, stream).await.unwrap().0);
        let hello = listener.next().await;
        assert!(hello["type"] == "hello" && hello["time"].is_u64(), "{hello}");
        listener
    }

    async fn next(&mut self) -> Value {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next frame of this kind.
    async fn wait(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame["payload"].clone();
            }
        }
    }
}

#[tokio::test]
async fn each_call_is_told_once_and_the_totals_follow() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let (mut one, mut other) = (Listener::open(&app).await, Listener::open(&app).await);
    for number in 0..3 {
        mock.follow(Plan { text: format!("answer {number}"), ..Plan::default() });
        send(app.proxy, &ask(Dialect::Chat, true, &format!("question {number}"), "")).await;
    }
    for listener in [&mut one, &mut other] {
        let mut told = Vec::new();
        while told.len() < 3 {
            let span = listener.wait("new_span").await;
            assert_eq!((&span["provider"], &span["status"]), (&json!("openai"), &json!(200)));
            let trace = listener.next().await;
            assert_eq!((&trace["type"], &trace["payload"]), (&json!("new_trace"), &span));
            told.push(span["span_name"].as_str().unwrap().to_owned());
        }
        told.sort();
        assert_eq!(told, ["question 0", "question 1", "question 2"]);
        while listener.wait("stats_update").await["total_requests"] != 3 {}
    }
    // What a listener says means nothing, and does no harm.
    one.0.send(Message::text("{\"type\":\"?\"}")).await.unwrap();
    one.0.send(Message::binary(vec![0; 1_000])).await.unwrap();
    send(app.proxy, &ask(Dialect::Anthropic, false, "with a parent", "X-Parent-Id: p-1\r\n")).await;
    let span = one.wait("new_span").await;
    assert_eq!((&span["span_name"], &span["parent_id"]), (&json!("with a parent"), &json!("p-1")));
    assert_eq!(one.wait("stats_update").await["total_requests"], 4);
    app.stop();
}

#[tokio::test]
async fn reports_are_told_as_they_come() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut listener = Listener::open(&app).await;
    reports(&app).await;
    let (mut spans, mut logs, mut of_trace, mut metrics) = (Vec::new(), Vec::new(), 0, Vec::new());
    while spans.len() < 3 || logs.len() < 3 || of_trace < 3 || metrics.len() < 3 {
        let frame = listener.next().await;
        let payload = &frame["payload"];
        match frame["type"].as_str().unwrap() {
            "new_span" => spans.push(payload["id"].as_str().unwrap().to_owned()),
            "new_log" => logs.push(payload["body"].as_str().unwrap().to_owned()),
            "trace_log_added" => {
                assert_eq!(payload["trace_id"], payload["log"]["trace_id"]);
                of_trace += 1;
            }
            "new_metric" => metrics.push(payload["name"].as_str().unwrap().to_owned()),
            _ => {}
        }
    }
    spans.sort();
    assert_eq!(spans, ["00000000000000a1", "00000000000000a2", "00000000000000a3"]);
    logs.sort();
    assert_eq!(logs, ["begins", "breaks", "warns"]);
    metrics.sort();
    assert_eq!(metrics, ["claude_code.token.usage", "claude_code.token.usage", "level"]);
    let long = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "timeUnixNano": "1790000001000000000", "body": {"stringValue": "é".repeat(500)},
    }]}]}]});
    let request = post_otlp("/v1/logs", "application/json", "", long.to_string().as_bytes());
    assert_eq!(send(app.otlp_http, &request).await.status(), 200);
    assert_eq!(listener.wait("new_log").await["body"], "é".repeat(200));
}

#[tokio::test]
async fn what_is_large_is_told_without_what_makes_it_so() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut listener = Listener::open(&app).await;
    let large = |key: &str| json!([{"key": key, "value": {"stringValue": "x".repeat(500_000)}}]);
    let small = json!([{"key": "k", "value": {"stringValue": "v"}}]);
    let log = |attributes: &Value| {
        json!({"timeUnixNano": "1790000001000000000", "traceId": "000000000000000000000000000000a1",
            "body": {"stringValue": "said"}, "attributes": attributes})
    };
    let logs = json!({"resourceLogs": [{"resource": {"attributes": large("of.resource")},
        "scopeLogs": [{"logRecords": [log(&large("response_text")), log(&small)]}]}]});
    let logs = post_otlp("/v1/logs", "application/json", "", logs.to_string().as_bytes());
    assert_eq!(send(app.otlp_http, &logs).await.status(), 200);
    let mut told = Vec::new();
    while told.len() < 4 {
        let frame = listener.next().await;
        assert!(frame.to_string().len() < 4_000, "{} bytes of {}", frame.to_string().len(), frame["type"]);
        match frame["type"].as_str().unwrap() {
            "new_log" => told.push(frame["payload"].clone()),
            "trace_log_added" => told.push(frame["payload"]["log"].clone()),
            _ => {}
        }
    }
    assert!(told.iter().all(|log| log["body"] == "said" && log["resource_attributes"].is_null()), "{told:?}");
    let with_attributes = told.iter().filter(|log| log["attributes"] == json!({"k": "v"})).count();
    assert_eq!(with_attributes, 2, "small ones are told, large ones are asked for: {told:?}");
    let points = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "level",
        "description": "d".repeat(100_000), "gauge": {"dataPoints": [{"timeUnixNano": "1790000001000000000",
        "asInt": "3", "attributes": large("of.point")}]}}]}]}]});
    let points = post_otlp("/v1/metrics", "application/json", "", points.to_string().as_bytes());
    assert_eq!(send(app.otlp_http, &points).await.status(), 200);
    let point = listener.wait("new_metric").await;
    assert_eq!((&point["name"], &point["value_int"]), (&json!("level"), &json!(3)));
    assert!(point.to_string().len() < 4_000 && point["attributes"].is_null(), "{point}");
}

#[tokio::test]
async fn who_never_reads_holds_nobody_up() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let stuck = Client::open(app.dashboard, handshake("/ws", "").as_bytes()).await;
    let mut listener = Listener::open(&app).await;
    for number in 0..50 {
        send(app.proxy, &ask(Dialect::Chat, false, &format!("question {number}"), "")).await;
    }
    for _ in 0..50 {
        listener.wait("new_span").await;
    }
    drop(stuck);
    app.stop();
}

#[tokio::test]
async fn strangers_and_plain_requests_are_refused() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let plain = app.get("/ws").await;
    assert_eq!(plain.status(), 400);
    assert!(plain.json()["error"].as_str().unwrap().contains("/api/events"), "{}", plain.text());
    for header in ["Origin: https://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        let refused = Client::open(app.dashboard, handshake("/ws", header).as_bytes()).await.status().await;
        assert_eq!(refused, 403, "{header}");
    }
    let rebound = handshake("/ws", "").replace("Host: localhost", "Host: evil.example");
    assert_eq!(Client::open(app.dashboard, rebound.as_bytes()).await.status().await, 403);
    // A stop says so.
    let mut listener = Listener::open(&app).await;
    app.terminate();
    loop {
        match listener.0.next().await {
            Some(Ok(Message::Close(frame))) => {
                assert_eq!(u16::from(frame.unwrap().code), 1001);
                break;
            }
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}
