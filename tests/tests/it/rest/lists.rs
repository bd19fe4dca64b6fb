//! The timeline, the providers' health, and settings over REST.

use serde_json::{Value, json};
use tests::{Answer, App, Mock, Setup, send, wait_until};

use super::{get, six};
use crate::rest::telemetry::{attribute, post, reports, resource};

/// The path in `Link: <…>; rel="next"`.
fn next(response: &tests::Response) -> Option<String> {
    let link = response.head.header("link")?;
    Some(link.strip_prefix('<')?.split_once(">; rel=\"next\"")?.0.to_owned())
}

#[tokio::test]
async fn the_timeline_has_calls_and_records_each_once() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    assert_eq!(get(&app, "/api/timeline").await, json!([]));
    six(&mock, &app).await;
    reports(&app).await;
    let all = app.get("/api/timeline").await;
    let items = all.json();
    let items = items.as_array().unwrap();
    let of = |kind: &str| items.iter().filter(|item| item["type"] == kind).count();
    assert_eq!(of("log"), 3);
    assert_eq!(all.head.header("x-total-count"), Some(items.len().to_string()));
    let times: Vec<i64> = items.iter().map(|item| item["timestamp"].as_i64().unwrap()).collect();
    assert!(times.is_sorted_by(|earlier, later| earlier >= later), "newest first: {times:?}");
    assert_eq!(next(&all), None);
    let log = items.iter().find(|item| item["title"] == "failed" && item["type"] == "log").unwrap();
    assert_eq!((&log["severity_text"], &log["data"]["attributes"]["k"]), (&json!("ERROR"), &json!("breaks")));
    let call = items.iter().find(|item| item["title"] == "tagged").unwrap();
    assert_eq!((&call["status"], &call["data"]["tags"]), (&json!(200), &json!(["red:1", "blue"])));

    for limit in [1, 2, 4] {
        let (mut path, mut met) = (Some(format!("/api/timeline?limit={limit}")), Vec::new());
        while let Some(asked) = path {
            let page = app.get(&asked).await;
            assert!(page.json().as_array().unwrap().len() <= limit);
            met.extend(page.json().as_array().unwrap().clone());
            path = next(&page);
        }
        assert_eq!(&met, items, "by pages of {limit}");
    }
    for (query, expected) in
        [("type=log", 3), ("type=log&q=warns", 1), ("tool=other", 1), ("date_from=2999-01-01", 0)]
    {
        assert_eq!(
            get(&app, &format!("/api/timeline?{query}")).await.as_array().unwrap().len(),
            expected,
            "{query}"
        );
    }
    for (query, parameter) in [
        ("type=span", "type"),
        ("limit=0", "limit"),
        ("before=x", "before"),
        ("before=.x", "before"),
        ("date_from=x", "date_from"),
    ] {
        let wrong = app.get(&format!("/api/timeline?{query}")).await;
        assert_eq!((wrong.status(), wrong.json()["parameter"].as_str()), (400, Some(parameter)), "{query}");
    }
}

/// The items on all pages of so many.
async fn walk(app: &App, query: &str, limit: usize) -> Vec<Value> {
    let (mut path, mut met) = (Some(format!("/api/timeline?{query}&limit={limit}")), Vec::new());
    while let Some(asked) = path {
        let page = app.get(&asked).await;
        met.extend(page.json().as_array().unwrap().clone());
        path = next(&page);
    }
    met
}

/// Two calls at once: the event of the one counts its time from its last attempt, its span from where it began.
#[tokio::test]
async fn a_call_whose_beginning_is_told_otherwise_later_is_met_once() {
    const MS: u64 = 1_000_000;
    const T: u64 = 1_790_000_000_000_000_000;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let attributes = |request: &str, input: u64| {
        json!([
            attribute("session.id", "s"), attribute("model", "claude-sonnet-4-5-20250929"),
            attribute("request_id", request), {"key": "input_tokens", "value": {"intValue": input}},
            {"key": "output_tokens", "value": {"intValue": 31}},
        ])
    };
    let log = |end: u64, duration_ms: u64, request: &str, input: u64| {
        let mut said = attributes(request, input);
        let said = said.as_array_mut().unwrap();
        said.push(attribute("event.name", "api_request"));
        said.push(json!({"key": "duration_ms", "value": {"intValue": duration_ms}}));
        json!({"timeUnixNano": end.to_string(), "body": {"stringValue": "claude_code.api_request"}, "attributes": said})
    };
    let (one, other) = ("req_011CQ000000000000000001", "req_011CQ000000000000000002");
    let records = [log(T + 2_400 * MS, 2_000, one, 1_234), log(T + 2_500 * MS, 2_150, other, 777)];
    post(&app, "/v1/logs", &json!({"resourceLogs": [{"resource": resource("claude-code"), "scopeLogs": [{"logRecords": records}]}]})).await;
    let calls = app.recorded(2).await;
    assert!(calls[0].started_ms > calls[1].started_ms);
    let mut said = attributes(one, 1_234);
    said.as_array_mut()
        .unwrap()
        .extend([attribute("span.type", "llm_request"), attribute("gen_ai.system", "anthropic")]);
    let span = json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "00000000000000a1", "name": "claude_code.llm_request",
        "startTimeUnixNano": (T + 300 * MS).to_string(), "endTimeUnixNano": (T + 2_400 * MS).to_string(), "attributes": said,
    });
    post(
        &app,
        "/v1/traces",
        &json!({"resourceSpans": [{"resource": resource("claude-code"), "scopeSpans": [{"spans": [span]}]}]}),
    )
    .await;
    wait_until("the call began earlier", async || {
        let calls = app.calls().await;
        (calls[0].started_ms < calls[1].started_ms).then_some(())
    })
    .await;
    let all = walk(&app, "tool=claude-code", 100).await;
    assert_eq!(all.len(), 4, "{all:?}");
    for limit in [1, 2, 3] {
        assert_eq!(walk(&app, "tool=claude-code", limit).await, all, "by pages of {limit}");
    }
}

#[tokio::test]
async fn a_timeline_whose_records_were_not_all_read_says_so() {
    /// Texts of so many records are read.
    const READ: u64 = 20_000;
    const T: u64 = 1_790_000_000_000;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let says = |at| if at == 0 { "the red fox" } else { "a fox that is red" };
    let record = |at: u64| json!({"timeUnixNano": ((T + at) * 1_000_000).to_string(), "body": {"stringValue": says(at)}});
    let records: Vec<Value> = (0..=READ).map(record).collect();
    for records in records.chunks(4_000) {
        let scopes = json!([{"logRecords": records}]);
        post(
            &app,
            "/v1/logs",
            &json!({"resourceLogs": [{"resource": resource("tool"), "scopeLogs": scopes}]}),
        )
        .await;
    }
    wait_until("the index", async || (get(&app, "/api/search/index").await["logs"] == 0).then_some(())).await;
    let ask = async |query: &str| {
        let page = app.get(&format!("/api/timeline?{query}")).await;
        (page.head.header("x-read-back-to"), page.json().as_array().unwrap().len())
    };
    // All of the oldest's millisecond stands before it.
    let back_to = (T + 2).to_string();
    assert_eq!(ask("q=%22red+fox%22").await, (Some(back_to.clone()), 0));
    assert_eq!(ask(&format!("q=%22red+fox%22&type=log&date_to={back_to}")).await, (None, 1));
    assert_eq!(ask("q=red+fox&limit=1").await, (None, 1), "words alone are in the index");
    assert_eq!(ask("q=%22red+fox%22&type=trace").await, (None, 0));
}

#[tokio::test]
async fn every_provider_says_how_it_is() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).variable("OPENAI_API_KEY", "sk-test-0123456789abcdef").start().await;
    let found = get(&app, "/api/health/providers").await;
    assert_eq!(found["providers"]["openai"]["status"], "ok", "{found}");
    assert!(found["providers"]["openai"]["latency_ms"].is_u64());
    assert_eq!(found["providers"]["anthropic"], json!({"status": "unconfigured"}));
    let asked: Vec<String> =
        mock.exchanges().iter().map(|asked| asked.received.method().to_owned()).collect();
    assert!(asked.iter().all(|method| method == "GET" || method == "HEAD"), "nothing that costs: {asked:?}");
    mock.answer(|_| Answer::whole(401, "application/json", "{}"));
    let refused = get(&app, "/api/health/providers").await;
    assert_eq!(refused["providers"]["openai"]["status"], "error", "{refused}");
    assert!(refused["providers"]["openai"]["message"].as_str().unwrap().contains("401"));
    mock.stop().await;
    let gone = get(&app, "/api/health/providers").await;
    assert_eq!(gone["providers"]["openai"]["status"], "error", "{gone}");
    let of = |state: &str| {
        gone["providers"].as_object().unwrap().values().filter(|one| one["status"] == state).count()
    };
    let summary = format!("{}/{} providers healthy", of("ok"), of("ok") + of("error"));
    assert_eq!(gone["summary"], summary, "{gone}");
}

#[tokio::test]
async fn settings_are_told_and_changed() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings("keep_days = 12\n").start().await;
    let value = |view: &Value, name: &str| {
        let settings = view["settings"].as_array().unwrap();
        settings
            .iter()
            .find(|setting| setting["name"] == name)
            .map(|setting| setting["value"].clone())
            .unwrap()
    };
    assert_eq!(value(&get(&app, "/api/settings").await, "keep_days"), "12");
    let change = async |method: &str, name: &str, body: &str| {
        let request = format!(
            "{method} /api/settings/{name} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        send(app.dashboard, request.as_bytes()).await
    };
    let changed = change("PUT", "keep_days", r#"{"value": 30}"#).await;
    assert_eq!((changed.status(), value(&changed.json(), "keep_days")), (200, json!("30")));
    let hosts = change("PUT", "allowed_hosts", r#"{"value": ["box.internal", "b.internal"]}"#).await;
    assert_eq!(hosts.status(), 200, "{}", hosts.text());
    let reset = change("DELETE", "keep_days", "").await;
    assert_ne!(value(&reset.json(), "keep_days"), "30");
    for (name, body) in [("require_token", "true"), ("proxy_host", "\"0.0.0.0\"")] {
        let changed = change("PUT", name, &format!("{{\"value\": {body}}}")).await;
        assert_eq!(changed.status(), 200, "{name}: {}", changed.text());
    }
    let cut_off = change("PUT", "require_token", r#"{"value": false}"#).await;
    assert_eq!(cut_off.status(), 400, "the proxy would not listen: {}", cut_off.text());
    assert!(cut_off.text().contains("proxy_host"), "{}", cut_off.text());
    assert_eq!(change("DELETE", "require_token", "").await.status(), 400);
    for (name, body, status) in [
        ("max_connections", r#"{"value": 0}"#, 400),
        ("prices_url", r#"{"value": "javascript:alert(1)"}"#, 400),
        ("allowed_hosts", r#"{"value": ["a\nb"]}"#, 400),
        ("dashboard_host", r#"{"value": "0.0.0.0"}"#, 200),
        ("keep_days", r#"{"value": "many"}"#, 400),
        ("keep_days", r#"{"value": null}"#, 400),
        ("keep_days", r#"{"value": {"a": 1}}"#, 400),
        ("keep_days", "{", 400),
        ("keep_days", r#"{"worth": 1}"#, 400),
        ("no_such_setting", r#"{"value": 1}"#, 404),
    ] {
        let wrong = change("PUT", name, body).await;
        assert_eq!(wrong.status(), status, "{name} {body}: {}", wrong.text());
        assert_eq!(wrong.json()["error"].is_string(), status != 200);
    }
}

#[tokio::test]
async fn the_former_exporters_questions_are_answered() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    assert_eq!(get(&app, "/api/export").await["enabled"], false);
    let request = "POST /api/export/flush HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let flushed = send(app.dashboard, request.as_bytes()).await;
    assert_eq!((flushed.status(), &flushed.json()["success"]), (200, &json!(true)));
}
