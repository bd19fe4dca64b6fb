//! Bodies: of the wrong kind, malformed, of the wrong shape, and too large; and what good ones do.

use serde_json::{Value, json};
use tests::{App, Client, Mock, Response, Setup, send};

use super::document::{Operation, operations};
use super::fill;
use crate::requests::{JSON, request};

const KINDS: [&str; 8] = [
    "",
    "Content-Type: text/plain\r\n",
    "Content-Type: application/x-www-form-urlencoded\r\n",
    "Content-Type: multipart/form-data; boundary=x\r\n",
    "Content-Type: application/xml\r\n",
    "Content-Type: application/jsonx\r\n",
    "Content-Type: text/plain; application/json\r\n",
    "Content-Type: \r\n",
];

async fn taking_bodies(app: &App) -> Vec<Operation> {
    let all = operations(app).await.into_iter().filter(|operation| !operation.bodies.is_empty());
    let all: Vec<Operation> = all.collect();
    assert!(all.len() >= 4, "{all:?}");
    all
}

async fn sent(app: &App, operation: &Operation, headers: &str, body: &[u8]) -> Response {
    let target = operation.path_with("proxy");
    send(app.dashboard, &request(&operation.method, &target, headers, body)).await
}

#[tokio::test]
async fn only_json_is_taken() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for operation in taking_bodies(&app).await {
        for kind in KINDS {
            let response = sent(&app, &operation, kind, b"{}").await;
            assert_eq!(response.status(), 415, "{} {kind:?}: {}", operation.path, response.text());
            assert_eq!(response.json()["kind"], "unsupported_media_type", "{}", operation.path);
        }
        let malformed: [&[u8]; 12] = [
            b"",
            b"{",
            b"nonsense",
            b"\xff\xfe",
            b"{}{}",
            b"null",
            b"[]",
            b"7",
            b"\"x\"",
            b"{\"\\u0000\": 1}",
            b"{\"what\": \"everything\", \"dryrun\": true}",
            b"{\"type\": \"drop_tables\"}",
        ];
        let deep = "[".repeat(100_000);
        let given = |body: &&[u8]| !(body.is_empty() && operation.optional_body);
        for body in malformed.into_iter().chain([deep.as_bytes()]).filter(given) {
            let response = sent(&app, &operation, JSON, body).await;
            let shown = String::from_utf8_lossy(body).chars().take(80).collect::<String>();
            assert_eq!(response.status(), 400, "{} {shown:?}: {}", operation.path, response.text());
        }
    }
    assert!(!app.log().contains("panicked"), "{}", app.log());
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let mock = Mock::start().await;
    // A recorded call's body, edited, may be as large as one that is recorded.
    let app = Setup::new(mock.address()).settings("max_body_mb = 1").start().await;
    for operation in taking_bodies(&app).await {
        let body = format!("{{\"x\": \"{}\"}}", "x".repeat(3 << 20));
        // Who is refused before all is read hears it, and does not read on.
        let target = operation.path_with("proxy");
        let head = format!(
            "{} {target} HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: {}\r\n\r\n",
            operation.method,
            body.len()
        );
        let mut client = Client::open(app.dashboard, head.as_bytes()).await;
        client.write(body.as_bytes()).await;
        let answer = client.head().await.unwrap_or_else(|| panic!("{target}: no answer"));
        assert!(answer.start.contains(" 413 "), "{target}: {}", answer.start);
        let error: Value = serde_json::from_slice(&client.rest().await.body).unwrap();
        assert_eq!(error["kind"], "too_large", "{target}: {error}");
    }
}

/// As the dashboard asks for it.
fn erase(which: &Value) -> Value {
    json!({"type": "erase", "with": {"what": {"what": "calls", "which": which}}})
}

#[tokio::test]
async fn a_wrong_member_is_named() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for (method, target, body, culprit) in [
        ("PUT", "/api/sources/proxy", json!({"to": "sideways"}), Some("to")),
        ("PUT", "/api/sources/proxy", json!({"to": "paused", "then": 1}), Some("then")),
        ("PUT", "/api/budgets/x", json!({"usd": "much"}), Some("usd")),
        ("PUT", "/api/budgets/x", json!({"usd": -1}), Some("usd")),
        ("PUT", "/api/budgets/x", json!({"usd": 1, "per": "year"}), Some("per")),
        ("PUT", "/api/budgets/x", json!({"usd": 1, "then": "explode"}), Some("then")),
        ("PUT", "/api/budgets/x", json!({"tokens": -1}), Some("tokens")),
        ("PUT", "/api/budgets/x", json!({"tokens": 1, "refuse": true}), Some("refuse")),
        ("POST", "/api/erase", json!({"what": "all"}), Some("what")),
        ("POST", "/api/erase", json!({"what": "call", "which": "x"}), Some("which")),
        ("POST", "/api/erase", json!({"what": "call"}), Some("which")),
        ("POST", "/api/erase", json!({"what": "before", "which": "x"}), Some("which")),
        (
            "POST",
            "/api/erase",
            json!({"what": "calls", "which": {"provider": "a", "modle": "b"}}),
            Some("which.modle"),
        ),
        ("POST", "/api/erase", json!({"what": "calls", "which": {}}), Some("filter")),
        ("POST", "/api/erase", json!({"what": "calls", "which": {"text": "\""}}), Some("filter")),
        (
            "POST",
            "/api/erase",
            json!({"what": "calls", "which": {"text": " ", "so_far": true}}),
            Some("filter"),
        ),
        ("POST", "/api/erase", json!({"what": "calls", "which": {"side_calls": true}}), Some("filter")),
        ("POST", "/api/erase", json!({"what": "calls", "which": {"replays": true}}), Some("filter")),
        ("POST", "/api/erase", json!({"what": "calls", "which": ["gpt-4o"]}), Some("which")),
        ("POST", "/api/erase", json!(["everything"]), None),
        ("POST", "/api/rpc", erase(&json!({"text": "\""})), Some("filter")),
        ("POST", "/api/rpc", erase(&json!({"replays": true})), Some("filter")),
        ("POST", "/api/rpc", erase(&json!({"model": "m", "from_mss": 5})), Some("with.what.which")),
        ("POST", "/api/rpc", erase(&json!(["gpt-4o"])), Some("with.what.which")),
        ("POST", "/api/rpc", json!(["get_health"]), None),
        ("POST", "/api/erase", json!({"what": "everything", "dry_run": "yes"}), Some("dry_run")),
        ("POST", "/api/erase", json!({"what": "everything", "dryrun": true}), Some("dryrun")),
        ("POST", "/api/rpc", json!({"type": "get_call", "with": {"id": "x"}}), Some("with.id")),
    ] {
        let response = send(app.dashboard, &request(method, target, JSON, body.to_string().as_bytes())).await;
        assert_eq!(response.status(), 400, "{target} {body}: {}", response.text());
        let error = response.json();
        assert_eq!(error.get("parameter").and_then(Value::as_str), culprit, "{target} {body}: {error}");
    }
}

#[tokio::test]
async fn good_bodies_do_what_they_say() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    fill(&mock, &app).await;
    let call = app.get("/api/traces?limit=1").await.json()[0]["id"].clone();
    let sessions = app.get("/api/sessions").await.json();
    let session = &sessions["sessions"][0];
    for (which, body) in [
        ("call", json!({"what": "call", "which": call, "dry_run": true})),
        ("session", json!({"what": "session", "which": {"id": session["session_id"]}, "dry_run": true})),
        ("session", json!({"what": "session", "which": {"key": session["session_key"]}, "dry_run": true})),
        ("trace", json!({"what": "trace", "which": "00", "dry_run": true})),
        ("client", json!({"what": "client", "which": "nobody", "dry_run": true})),
        ("calls", json!({"what": "calls", "which": {"provider": "openai"}, "dry_run": true})),
        ("before", json!({"what": "before", "which": 1, "dry_run": true})),
        ("everything", json!({"what": "everything", "dry_run": true})),
        ("everything", json!({"what": "everything", "which": null, "dry_run": true})),
        ("nothing is left of it", json!({"what": "everything"})),
    ] {
        let response =
            send(app.dashboard, &request("POST", "/api/erase", JSON, body.to_string().as_bytes())).await;
        assert_eq!(response.status(), 200, "{body}: {}", response.text());
        let calls = response.json()["calls"].as_u64().unwrap();
        let all = matches!(which, "everything" | "nothing is left of it");
        assert!(!all || calls >= 6, "{body}: {}", response.text());
    }
    assert_eq!(app.get("/api/traces").await.json(), json!([]));
    for (target, body) in [
        ("/api/sources/proxy", json!({"to": "paused"})),
        ("/api/sources/proxy", json!({"to": "resumed"})),
        ("/api/sources/otlp_http", json!({"to": "stopped"})),
        ("/api/sources/otlp_http", json!({"to": "running"})),
        ("/api/budgets/daily", json!({"usd": 12.5, "tokens": 7, "of": "tag", "only": "a", "per": "week"})),
        ("/api/budgets/daily", json!({"name": "weekly", "usd": "0.000000000001", "then": "notify"})),
    ] {
        let response = send(app.dashboard, &request("PUT", target, JSON, body.to_string().as_bytes())).await;
        assert_eq!(response.status(), 200, "{target} {body}: {}", response.text());
    }
    let budgets = app.get("/api/budgets").await.json();
    assert_eq!(
        (&budgets["budgets"][0]["name"], &budgets["budgets"][0]["usd"]),
        (&json!("weekly"), &json!("0.000000000001"))
    );
    let rebuilt = send(app.dashboard, &request("POST", "/api/search/index", "", b"")).await;
    assert_eq!(rebuilt.status(), 200, "{}", rebuilt.text());
    let loops = send(app.dashboard, &request("POST", "/api/loops/nothing/dismiss", "", b"")).await;
    assert_eq!(loops.status(), 404, "{}", loops.text());
}
