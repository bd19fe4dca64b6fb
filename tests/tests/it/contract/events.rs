//! Events are as documented, each of them; OpenAPI has no place for what a stream is made of, so that the harness does not
//! see to it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{App, Client, Dialect, Mock, send, violations};

use crate::requests::{ask, request};

#[tokio::test]
async fn every_event_is_as_documented() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut events = Client::open(app.dashboard, &request("GET", "/api/events", "", b"")).await;
    let head = events.head().await.unwrap();
    assert_eq!(head.header("content-type").as_deref(), Some("text/event-stream"));
    let json = "Content-Type: application/json\r\n";
    for (target, body) in [
        ("/api/budgets/daily", json!({"usd": "0.000001"})),
        ("/api/sources/proxy", json!({"to": "paused"})),
        ("/api/sources/proxy", json!({"to": "resumed"})),
    ] {
        let set = send(app.dashboard, &request("PUT", target, json, body.to_string().as_bytes())).await;
        assert_eq!(set.status(), 200, "{target}: {}", set.text());
    }
    send(app.proxy, &ask(Dialect::Chat, true, "Announce me", "")).await;
    app.recorded(1).await;
    super::fill_reports(&app).await;
    let awaited =
        ["calls_changed", "traces_changed", "logs_changed", "metrics_changed", "source_state", "alert"];
    let (mut text, mut heard, mut read) = (String::new(), BTreeSet::new(), 0);
    while !awaited.iter().all(|kind| heard.contains(*kind)) {
        text.push_str(&String::from_utf8(events.piece().await.unwrap().unwrap()).unwrap());
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let lines: String = text.drain(..whole).collect();
        for data in lines.lines().filter_map(|line| line.strip_prefix("data: ")) {
            let event: Value = serde_json::from_str(data).unwrap();
            let wrong = violations(app.dashboard, "Event", &event).await;
            assert!(wrong.is_empty(), "{event}: {wrong:?}");
            heard.insert(event["type"].as_str().unwrap().to_owned());
            read += 1;
        }
    }
    println!("{read} events of these kinds: {heard:?}");
}
