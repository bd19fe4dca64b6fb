//! The dashboard's API: REST with every filter, RPC, and events, also when asked nonsense.

mod analytics;
mod events;
mod files;
mod lists;
mod live;
mod search;
mod telemetry;

use serde_json::Value;
use tests::{App, Client, Dialect, Fault, Mock, Plan, Tokens, send};

use crate::requests::{ask, request};

pub(crate) async fn get(app: &App, path: &str) -> Value {
    let response = app.get(path).await;
    assert_eq!(response.status(), 200, "{path}: {}", response.text());
    assert_eq!(response.head.header("content-type").as_deref(), Some("application/json"), "{path}");
    response.json()
}

async fn titles(app: &App, query: &str) -> Vec<String> {
    let rows = get(app, &format!("/api/traces?{query}")).await;
    let title = |row: &Value| row["span_name"].as_str().unwrap_or("-").to_owned();
    rows.as_array().unwrap().iter().map(title).collect()
}

async fn total(app: &App, query: &str) -> usize {
    let response = app.get(&format!("/api/traces?{query}")).await;
    response.head.header("x-total-count").unwrap().parse().unwrap()
}

/// Six calls, oldest first: cheap, dear, of a session, of a trace, tagged, failed.
pub(crate) async fn six(mock: &Mock, app: &App) {
    let tokens = |input| Tokens {
        input,
        cache_read: 0,
        cache_write_5m: 0,
        cache_write_1h: 0,
        output: 10,
        reasoning: 0,
    };
    for (number, (dialect, title, headers, input, fault)) in [
        (Dialect::Chat, "cheap zebra", "", 10, Fault::None),
        (Dialect::Anthropic, "dear giraffe", "", 1_000_000, Fault::None),
        (Dialect::Gemini, "of a session", "X-Session-Id: s-1\r\n", 10, Fault::None),
        (Dialect::Chat, "of a trace", "X-Trace-Id: t-1\r\n", 10, Fault::None),
        (Dialect::Chat, "tagged", "X-LLMFlow-Tag: red:1, blue\r\n", 10, Fault::None),
        (Dialect::Responses, "failed", "", 10, Fault::Status(500)),
    ]
    .into_iter()
    .enumerate()
    {
        mock.follow(Plan {
            tokens: tokens(input),
            fault,
            text: format!("answer {number}"),
            ..Plan::default()
        });
        send(app.proxy, &ask(dialect, false, title, headers)).await;
        app.recorded(number + 1).await;
    }
}

#[tokio::test]
async fn every_filter_finds_what_it_should() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    six(&mock, &app).await;
    let all = ["failed", "tagged", "of a trace", "of a session", "dear giraffe", "cheap zebra"];
    assert_eq!(titles(&app, "").await, all, "newest first");
    for (query, expected) in [
        ("limit=2", &all[..2]),
        ("limit=2&offset=4", &all[4..]),
        ("offset=6", &[]),
        ("limit=1000&offset=4294967295", &[]),
        ("model=gemini-2.5-flash", &["of a session"]),
        ("model=nothing", &[]),
        ("model=%27%20OR%201=1%20--", &[]),
        ("status=error", &["failed"]),
        ("status=success", &all[1..]),
        ("provider=anthropic", &["dear giraffe"]),
        ("provider=openai", &["failed", "tagged", "of a trace", "cheap zebra"]),
        ("cost_min=1", &["dear giraffe"]),
        ("cost_max=0.5&status=success", &["tagged", "of a trace", "of a session", "cheap zebra"]),
        ("cost_min=0.5&cost_max=0.1", &[]),
        ("tag=red:1", &["tagged"]),
        ("tag=blue", &["tagged"]),
        ("tag=red", &[]),
        ("session_id=s-1", &["of a session"]),
        ("conversation_id=s-1", &["of a session"]),
        ("trace_id=t-1", &["of a trace"]),
        ("date_from=2020-01-01", &all[..]),
        ("date_to=2020-01-01", &[]),
        ("date_from=2020-01-01T00:00:00Z&date_to=9999999999999", &all[..]),
        ("date_from=2999-01-01T00:00:00%2B02:00", &[]),
        ("provider=openai&status=success&tag=blue", &["tagged"]),
        ("unknown=1&utm_source=x", &all[..]),
        ("model=&tag=&q=", &all[..]),
    ] {
        assert_eq!(titles(&app, query).await, expected, "{query}");
        let of_page = query.contains("limit=") || query.contains("offset=");
        assert_eq!(total(&app, query).await, if of_page { 6 } else { expected.len() }, "{query}");
        if !of_page {
            let stats = get(&app, &format!("/api/stats?{query}")).await;
            assert_eq!(stats["total_requests"], expected.len(), "{query}: {stats}");
        }
    }
    // Text is indexed after the commit.
    for (query, expected) in [
        ("q=zebra", "cheap zebra"),
        ("q=zeb", "cheap zebra"),
        ("q=GIRAFFE%20dear", "dear giraffe"),
        ("q=%22answer%203%22", "of a trace"),
    ] {
        tests::wait_until(query, async || (titles(&app, query).await == [expected]).then_some(())).await;
    }
    let odd = ["q=%22", "q=*", "q=%27%29%20OR", "q=AND%20OR%20NOT%20NEAR(", "q=-", "q=nowhere%3Acolumn"];
    let mut wrong = Vec::new();
    for query in odd {
        let status = app.get(&format!("/api/traces?{query}")).await.status();
        if status != 200 {
            wrong.push(format!("{query}: {status}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    let huge = format!("/api/traces?q={}&tag={}", "word%20".repeat(1_000), "x".repeat(20_000));
    assert!(matches!(app.get(&huge).await.status(), 200 | 400 | 414 | 431));
}

#[tokio::test]
async fn bad_values_name_their_parameter() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=ten",
        "limit=99999999999999999999",
        "offset=-1",
        "offset=4294967296",
        "status=fine",
        "date_from=yesterday",
        "date_to=2026-13-01",
        "cost_min=NaN",
        "cost_min=-1",
        "cost_max=inf",
        "cost_max=%241",
        "state=gone",
        "operation=dance",
        "before=1",
    ] {
        let (name, _) = query.split_once('=').unwrap();
        // Sums have no pages.
        let of_pages = matches!(name, "limit" | "offset" | "before");
        for path in ["/api/traces", "/api/stats"].iter().take(if of_pages { 1 } else { 2 }) {
            let response = app.get(&format!("{path}?{query}")).await;
            assert_eq!(response.status(), 400, "{path}?{query}");
            let error = response.json();
            assert_eq!(error["parameter"], name, "{error}");
            assert!(error["error"].as_str().unwrap().contains(name), "{error}");
        }
    }
}

#[tokio::test]
async fn one_trace_has_everything_and_an_unknown_one_is_not_found() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    six(&mock, &app).await;
    let rows = get(&app, "/api/traces").await;
    for row in rows.as_array().unwrap() {
        let trace = get(&app, &format!("/api/traces/{}", row["id"].as_str().unwrap())).await;
        for name in [
            "id",
            "timestamp",
            "duration_ms",
            "provider",
            "model",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "estimated_cost",
            "status",
            "error",
            "trace_id",
            "span_name",
            "service_name",
            "tags",
        ] {
            assert!(trace["trace"].get(name).is_some(), "{name} is missing in {trace}");
            assert_eq!(trace["trace"][name], row[name], "{name}: the row and the trace agree");
        }
        assert_eq!(trace["request"]["headers"]["content-type"], "application/json");
        assert!(trace["request"]["body"].is_object() && trace["response"]["body"].is_object(), "{trace}");
        assert_eq!(trace["response"]["headers"]["x-request-id"], "req_mock_0001");
    }
    let dear = &rows[4];
    let dollars = dear["estimated_cost"].as_f64().unwrap();
    assert!((dollars - 3.00015).abs() < 1e-9, "a million and ten tokens of Sonnet: {dollars}");
    for id in ["01890000-0000-7000-8000-000000000000", "1", "x", "%00", "..%2f..%2fdata.db", "null"] {
        let response = app.get(&format!("/api/traces/{id}")).await;
        assert_eq!(response.status(), 404, "{id}");
        assert!(response.json()["error"].is_string());
    }
    let response = app.get("/api/nothing").await;
    assert_eq!(response.status(), 404);
    assert!(response.json()["error"].as_str().unwrap().contains("/api/nothing"));
}

#[tokio::test]
async fn health_and_stats_add_up() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let health = get(&app, "/api/health").await;
    assert_eq!(
        (&health["status"], &health["calls"], &health["service"]),
        (&"ok".into(), &0.into(), &"dashboard".into()),
        "{health}"
    );
    assert_eq!(health["problems"], serde_json::json!([]));
    let empty = get(&app, "/api/stats").await;
    assert_eq!(
        (&empty["total_requests"], &empty["total_tokens"], &empty["avg_duration"]),
        (&0.into(), &0.into(), &Value::Null),
        "{empty}"
    );
    six(&mock, &app).await;
    let health = get(&app, "/api/health").await;
    assert_eq!(
        health["completeness"],
        serde_json::json!({"seen": 6, "recorded": 6, "open": 0, "waiting": 0, "lost": 0, "cut": 0, "paused": 0})
    );
    let stats = get(&app, "/api/stats").await;
    let rows = get(&app, "/api/traces").await;
    let rows = rows.as_array().unwrap();
    let sum = |name: &str| rows.iter().filter_map(|row| row[name].as_f64()).sum::<f64>();
    assert_eq!(stats["error_count"], 1);
    assert!((stats["total_cost"].as_f64().unwrap() - sum("estimated_cost")).abs() < 1e-9, "{stats}");
    assert!((stats["total_tokens"].as_f64().unwrap() - sum("total_tokens")).abs() < 0.5, "{stats}");
    let models = stats["models"].as_array().unwrap();
    assert_eq!(models.iter().map(|model| model["count"].as_u64().unwrap()).sum::<u64>(), 6, "{stats}");
}

#[tokio::test]
async fn rpc_refuses_what_it_does_not_understand() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let health = br#"{"type":"get_health"}"#;
    for (content_type, body, status) in [
        ("application/json", &health[..], 200),
        ("application/json; charset=utf-8", &health[..], 200),
        ("text/plain", &health[..], 415),
        ("application/x-www-form-urlencoded", &health[..], 415),
        ("multipart/form-data; boundary=x", &health[..], 415),
        ("", &health[..], 415),
        ("application/json", &b"{"[..], 400),
        ("application/json", &b""[..], 400),
        ("application/json", &b"\xff"[..], 400),
        ("application/json", &br#"{"type":"drop_tables"}"#[..], 400),
        ("application/json", &br#"{"type":"get_call","with":{"id":"x"}}"#[..], 400),
        ("application/json", &br#"{"type":"get_call","with":{"id":"01890000-0000-7000-8000-000000000000"}}"#[..], 404),
        ("application/json", &br#"{"type":"get_histogram","with":{"filter":{},"from_ms":2,"to_ms":1,"bars":3}}"#[..], 400),
        ("application/json", &br#"{"type":"get_histogram","with":{"filter":{},"from_ms":-9223372036854775808,"to_ms":9223372036854775807,"bars":4294967295}}"#[..], 400),
        ("application/json", &br#"{"type":"list_calls","with":{"filter":{},"page":{"limit":4294967295,"offset":4294967295}}}"#[..], 200),
    ] {
        let line = if content_type.is_empty() { String::new() } else { format!("Content-Type: {content_type}\r\n") };
        let response = send(app.dashboard, &request("POST", "/api/rpc", &line, body)).await;
        let what = format!("{content_type:?} {}", String::from_utf8_lossy(body));
        assert_eq!(response.status(), status, "{what}: {}", response.text());
        assert!(status == 200 || response.json()["error"].is_string(), "{what}");
    }
    let response = send(app.dashboard, &request("GET", "/api/rpc", "", b"")).await;
    assert_eq!(response.status(), 405);
    assert!(!app.log().contains("panicked"), "{}", app.log());
}

#[tokio::test]
async fn events_announce_a_call_once_it_is_committed() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut events =
        Client::open(app.dashboard, &request("GET", "/api/events", "Accept: text/event-stream\r\n", b""))
            .await;
    let head = events.head().await.unwrap();
    assert_eq!(head.header("content-type").as_deref(), Some("text/event-stream"));
    for number in 1..=5 {
        send(app.proxy, &ask(Dialect::Chat, true, "Announce me", "")).await;
        let mut text = String::new();
        let id = loop {
            text.push_str(&String::from_utf8(events.piece().await.unwrap().unwrap()).unwrap());
            let announced = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter_map(|data| {
                let event: Value = serde_json::from_str(data).ok()?;
                (event["type"] == "calls_changed").then(|| event["ids"][0].as_str().unwrap().to_owned())
            });
            if let Some(id) = announced.collect::<Vec<_>>().pop() {
                // An event may announce the call's beginning; then another one follows.
                let row = get(&app, &format!("/api/traces/{id}")).await;
                if row["trace"]["state"] == "complete" {
                    break id;
                }
            }
        };
        let rows = get(&app, "/api/traces").await;
        assert_eq!((rows.as_array().unwrap().len(), rows[0]["id"].as_str()), (number, Some(id.as_str())));
    }
}
