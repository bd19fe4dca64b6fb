//! Sums over time and the completeness meter, over REST, against the rows and the counters.

use std::time::{SystemTime, UNIX_EPOCH};

use api::{MeterCount, Reply, Request};
use serde_json::{Value, json};
use tests::otlp::post_otlp;
use tests::{App, Mock, send, wait_until};

use super::telemetry::{attribute, post, resource};
use super::{get, six};
use crate::requests::request;

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn total(rows: &Value, name: &str) -> f64 {
    rows.as_array().unwrap().iter().filter_map(|row| row[name].as_f64()).sum()
}

fn close(one: f64, other: f64) {
    assert!((one - other).abs() < 1e-9, "{one} is not {other}");
}

#[tokio::test]
async fn sums_over_time_are_the_rows_in_any_time_zone() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    six(&mock, &app).await;
    let rows = get(&app, "/api/traces").await;
    let (cost, tokens) = (total(&rows, "estimated_cost"), total(&rows, "total_tokens"));
    for tz in ["0", "-345", "330", "845"] {
        for path in ["token-trends?days=2", "token-trends?days=2&interval=hour", "daily?days=2"] {
            let found = get(&app, &format!("/api/analytics/{path}&tz={tz}")).await;
            let (list, names) = match found.get("trends") {
                Some(trends) => (trends, ["request_count", "total_cost", "total_tokens"]),
                None => (&found["daily"], ["requests", "cost", "tokens"]),
            };
            let parts = if path.contains("hour") { 48 } else { 2 };
            assert_eq!(list.as_array().unwrap().len(), parts, "the empty ones too: {found}");
            let [calls, costs, all] = names.map(|name| total(list, name));
            close(calls, 6.0);
            close(costs, cost);
            close(all, tokens);
        }
    }
    let hours = get(&app, "/api/analytics/token-trends?days=1&interval=hour&tz=330").await;
    let first = &hours["trends"][0];
    assert!(first["label"].as_str().unwrap().ends_with(" 00:00"), "{first}");
    assert_eq!(
        first["bucket"].as_i64().unwrap().rem_euclid(86_400_000),
        86_400_000 - 330 * 60_000,
        "{first}"
    );

    let all = get(&app, "/api/analytics").await;
    assert_eq!((all["days"].as_u64(), all["daily"].as_array().unwrap().len()), (Some(30), 30));
    for (list, name) in [("by_tool", "service_name"), ("by_model", "model")] {
        let groups = &all[list];
        close(total(groups, "request_count"), 6.0);
        close(total(groups, "total_cost"), cost);
        close(total(groups, "total_tokens"), tokens);
        assert!(
            groups
                .as_array()
                .unwrap()
                .iter()
                .all(|row| row.get(name).is_some() && row["provider"].is_string())
        );
        let path = format!("/api/analytics/cost-{}", list.replace('_', "-"));
        assert_eq!(get(&app, &path).await[list], *groups);
    }
    assert!(all["by_tool"][0]["avg_duration"].as_f64().unwrap() > 0.0, "{all}");
    for wrong in ["token-trends?interval=week", "daily?days=0", "cost-by-tool?tz=x"] {
        let response = app.get(&format!("/api/analytics/{wrong}")).await;
        assert_eq!(response.status(), 400, "{wrong}: {}", response.text());
    }
}

#[tokio::test]
async fn models_beyond_those_told_apart_are_added_up_in_a_row() {
    const MODELS: u64 = 203;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let ns = (now_ms() - 1_000) * 1_000_000;
    let span = |number: u64| {
        json!({
            "traceId": format!("{:032x}", number + 1), "spanId": format!("{:016x}", number + 1), "name": "chat",
            "startTimeUnixNano": ns.to_string(), "endTimeUnixNano": (ns + 5_000_000).to_string(),
            "attributes": [
                attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.provider.name", "openai"),
                attribute("gen_ai.request.model", &format!("model-of-nobody-{number}")),
                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 10 + number}},
                {"key": "gen_ai.usage.output_tokens", "value": {"intValue": 1}},
            ],
        })
    };
    let spans: Vec<Value> = (0..MODELS).map(span).collect();
    post(
        &app,
        "/v1/traces",
        &json!({"resourceSpans": [{"resource": resource("tool"), "scopeSpans": [{"spans": spans}]}]}),
    )
    .await;
    let rows = wait_until("all calls", async || {
        let told = get(&app, "/api/analytics/cost-by-model").await["by_model"].clone();
        let calls = get(&app, "/api/stats").await["total_requests"].as_u64();
        (calls == Some(MODELS)).then_some(told).filter(|told| total(told, "request_count") > 202.0)
    })
    .await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 201);
    let rest: Vec<&Value> = rows.iter().filter(|row| row.get("others").is_some()).collect();
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!((&rest[0]["others"], &rest[0]["request_count"]), (&json!(3), &json!(3)));
    assert_eq!((&rest[0]["provider"], &rest[0]["model"]), (&json!("openai"), &Value::Null));
    let all = get(&app, "/api/analytics").await;
    close(total(&all["by_model"], "total_tokens"), total(&all["daily"], "tokens"));
}

#[tokio::test]
async fn the_meter_agrees_with_the_counters_and_the_rows() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    six(&mock, &app).await;
    // What a tool does beside its calls of models is seen, too, and one that only its tool tells of is not.
    send(
        app.proxy,
        &request("POST", "/anthropic/api/event_logging/batch", "Content-Type: application/json\r\n", b"{}"),
    )
    .await;
    let ns = now_ms() * 1_000_000;
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "00000000000000a2", "name": "chat no-such-model",
        "startTimeUnixNano": ns.to_string(), "endTimeUnixNano": (ns + 5_000_000).to_string(),
        "attributes": [
            attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.provider.name", "nobody"),
            attribute("gen_ai.request.model", "no-such-model"),
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 1000}},
        ],
    });
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [attribute("service.name", "planner")]}, "scopeSpans": [{"spans": [span]}],
    }]});
    let report = post_otlp("/v1/traces", "application/json", "", body.to_string().as_bytes());
    assert_eq!(send(app.otlp_http, &report).await.status(), 200);

    let found = wait_until("all of them to be recorded", async || {
        let found = get(&app, "/api/completeness?days=2").await;
        let total = &found["total"];
        (total["recorded"] == 7 && total["unmatched"] == 1).then_some(found)
    })
    .await;
    let count = |value: &Value| serde_json::from_value::<MeterCount>(value.clone()).unwrap();
    let sum = count(&found["total"]);
    assert_eq!((sum.seen, sum.open, sum.lost, sum.side), (7, 0, 0, 1), "{found}");
    assert_eq!(sum.seen, sum.open + sum.recorded + sum.lost);
    assert_eq!(sum.recorded + sum.unmatched, sum.priced + sum.unpriced);
    let counted = app.health().await.completeness;
    assert_eq!((sum.seen, sum.recorded, sum.lost), (counted.seen, counted.recorded, counted.lost));
    assert_eq!(found["since_start"], json!(counted));
    let rows = get(&app, "/api/traces?side_calls=true").await;
    let unknown = rows.as_array().unwrap().iter().filter(|row| row["cost_source"] == "unknown").count();
    assert_eq!((sum.ledger(), sum.unpriced), (rows.as_array().unwrap().len() as u64, unknown as u64));
    let tools = found["by_tool"].as_array().unwrap();
    let parts: Vec<MeterCount> = tools.iter().map(|tool| count(&tool["total"])).collect();
    assert_eq!(MeterCount::sum(&parts), sum);
    let days = tools.iter().flat_map(|tool| tool["daily"].as_array().unwrap());
    assert_eq!(MeterCount::sum(&days.map(count).collect::<Vec<_>>()), sum);
    // The figure's link leads to the call.
    let filter = api::CallFilter { proxied: Some(false), ..api::CallFilter::default() };
    let request = Request::ListCalls { filter, page: api::Page::default() };
    let Reply::Calls(page) = app.ask(&request).await else { panic!("not a page") };
    assert_eq!((page.total, page.calls[0].model.as_deref()), (1, Some("no-such-model")));
}
