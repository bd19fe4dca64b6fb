//! Codex over its WebSocket, which it tries first with its own provider: through us as without us, each turn a call.

use api::{BodySide, CallState};
use serde_json::Value;
use tests::{App, Exchange, Mock, Plan};

use super::super::bench::Bases;
use super::known::CODEX;
use super::run;

/// The turns among what the mock was asked, and how often a WebSocket was asked for.
fn turns(exchanges: Vec<Exchange>) -> (Vec<Exchange>, usize) {
    let sockets = exchanges.iter().filter(|exchange| exchange.received.method() == "GET").count();
    let is_turn = |exchange: &Exchange| exchange.received.json()["type"] == "response.create";
    (exchanges.into_iter().filter(is_turn).collect(), sockets)
}

/// What a turn asks but for ids and times.
fn shape(exchange: &Exchange) -> Vec<String> {
    let body = exchange.received.json();
    let mut members: Vec<String> = body.as_object().unwrap().keys().cloned().collect();
    members.sort();
    members.push(format!("{} input items", body["input"].as_array().map_or(0, Vec::len)));
    members
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn codex_over_a_websocket() {
    let mock = Mock::start().await;
    let (name, arguments) = CODEX.tool;
    let tool = Some((name.to_owned(), arguments.to_owned()));
    mock.follow(Plan { sockets: true, tool, ..Plan::default() });
    let app = App::start(mock.address()).await;
    let home = tempfile::tempdir().unwrap();

    let said = run(&CODEX, &Bases::at(mock.address(), false), home.path()).await;
    let (direct, direct_sockets) = turns(mock.take());
    assert!(said.to_string().contains("forty-two"), "{said}");
    let said = run(&CODEX, &Bases::at(app.proxy, true), home.path()).await;
    let (through, sockets) = turns(mock.take());
    assert!(said.to_string().contains("forty-two"), "{said}");
    assert!(
        direct_sockets > 0 && sockets == direct_sockets,
        "{direct_sockets} without us, {sockets} with us"
    );
    let shapes = |exchanges: &[Exchange]| exchanges.iter().map(shape).collect::<Vec<_>>();
    assert_eq!(shapes(&through), shapes(&direct), "it asks the same");

    let calls: Vec<_> = tests::wait_until("its turns to be recorded", async || {
        let calls = app.calls().await;
        let over = calls.iter().all(|call| call.state != CallState::Open);
        let calls: Vec<_> = calls.into_iter().filter(|call| call.method == "WS").rev().collect();
        (over && calls.len() >= through.len()).then_some(calls)
    })
    .await;
    assert_eq!(calls.len(), through.len(), "each turn is recorded once");
    let tokens = Plan::default().tokens;
    for (call, turn) in calls.iter().zip(&through) {
        assert_eq!(call.state, CallState::Complete, "{:?}", call.error);
        assert_eq!(call.client.as_deref(), Some("codex"));
        assert_eq!((call.usage.input, call.usage.output), (Some(tokens.input), Some(tokens.output)));
        assert_eq!(call.session_id, calls[0].session_id);
        let asked = app.body(call.id, BodySide::Request).await;
        assert_eq!(asked.as_bytes(), turn.received.body, "what is recorded is what was asked");
        let answer = app.body(call.id, BodySide::Response).await;
        let heard: Vec<&str> = answer
            .split("\n\n")
            .filter_map(|event| event.strip_prefix("data: "))
            .filter(|event| serde_json::from_str::<Value>(event).is_ok())
            .collect();
        let sent = String::from_utf8(turn.sent.clone().unwrap().body).unwrap();
        assert_eq!(heard.join("\n"), sent.trim_end(), "and what was answered");
    }
    assert!(calls[0].session_id.is_some());
    println!("Codex CLI over a WebSocket: {} turns on {sockets} connections", calls.len());
}
