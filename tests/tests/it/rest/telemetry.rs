//! What tools reported, over REST in the former LLMFlow's names: trees, logs, metrics, token usage; totals that respect every filter.

use serde_json::{Value, json};
use tests::otlp::post_otlp;
use tests::{App, Mock, send, wait_until};

use super::get;

const TRACE: &str = "5b8efff798038103d269b633813fc60c";
const NS: u64 = 1_790_000_000_000_000_000;

pub(super) async fn post(app: &App, path: &str, body: &Value) {
    let request = post_otlp(path, "application/json", "", body.to_string().as_bytes());
    let response = send(app.otlp_http, &request).await;
    assert_eq!(response.status(), 200, "{path}: {}", response.text());
}

pub(super) fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

pub(super) fn resource(service: &str) -> Value {
    json!({"attributes": [attribute("service.name", service)]})
}

pub(super) async fn reports(app: &App) {
    let span = |id: &str, parent: &str, name: &str, attributes: Value| {
        json!({
            "traceId": TRACE, "spanId": id, "parentSpanId": parent, "name": name, "attributes": attributes,
            "startTimeUnixNano": NS.to_string(), "endTimeUnixNano": (NS + 5_000_000).to_string(),
        })
    };
    let chat = json!([
        attribute("gen_ai.operation.name", "chat"),
        attribute("gen_ai.provider.name", "openai"),
        attribute("gen_ai.request.model", "gpt-4o"),
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 1000}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "20"}},
    ]);
    let spans = json!([
        span(
            "00000000000000a1",
            "",
            "invoke_agent planner",
            json!([attribute("gen_ai.operation.name", "invoke_agent")])
        ),
        span("00000000000000a2", "00000000000000a1", "chat gpt-4o", chat),
        span("00000000000000a3", "00000000000000ff", "lost", json!([attribute("json", "{\"a\":1}")])),
    ]);
    let traces =
        json!({"resourceSpans": [{"resource": resource("planner"), "scopeSpans": [{"spans": spans}]}]});
    post(app, "/v1/traces", &traces).await;
    let log = |service: &str, severity: u8, event: &str, body: &str| {
        json!({"resource": resource(service), "scopeLogs": [{"scope": {"name": "s"}, "logRecords": [{
            "timeUnixNano": (NS + u64::from(severity)).to_string(), "severityNumber": severity,
            "body": {"stringValue": body}, "traceId": TRACE, "spanId": "00000000000000a2",
            "attributes": [attribute("event.name", event), attribute("k", body)],
        }]}]})
    };
    let logs = json!({"resourceLogs": [
        log("planner", 9, "started", "begins"), log("planner", 17, "failed", "breaks"), log("other", 13, "", "warns"),
    ]});
    post(app, "/v1/logs", &logs).await;
    let point = |kind: &str, value: f64| {
        json!({
            "asDouble": value, "timeUnixNano": (NS + 1).to_string(), "startTimeUnixNano": NS.to_string(),
            "attributes": [attribute("type", kind), attribute("model", "claude-sonnet-4-5")],
        })
    };
    let metrics = json!({"resourceMetrics": [{"resource": resource("claude-code"), "scopeMetrics": [{"metrics": [
        {"name": "claude_code.token.usage", "unit": "tokens", "sum": {
            "aggregationTemporality": 1, "isMonotonic": true,
            "dataPoints": [point("input", 12.0), point("output", 310.0), point("input", 12.5)],
        }},
        {"name": "level", "gauge": {"dataPoints": [{"asInt": "7", "timeUnixNano": NS.to_string()}]}},
    ]}]}]});
    post(app, "/v1/metrics", &metrics).await;
}

#[tokio::test]
async fn reports_are_told_in_the_seeds_shapes() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    reports(&app).await;

    let page = get(&app, "/api/logs").await;
    assert_eq!(page["total"], 3);
    let rows = page["logs"].as_array().unwrap();
    let bodies: Vec<&str> = rows.iter().map(|row| row["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["breaks", "warns", "begins"], "newest first");
    assert_eq!((&rows[0]["severity_text"], &rows[0]["event_name"]), (&json!("ERROR"), &json!("failed")));
    assert_eq!((&rows[0]["trace_id"], &rows[0]["timestamp"]), (&json!(TRACE), &json!(NS / 1_000_000)));
    let attributes: Value = serde_json::from_str(rows[0]["attributes"].as_str().unwrap()).unwrap();
    assert_eq!(attributes["k"], "breaks", "a list's attributes are text");
    let one = get(&app, &format!("/api/logs/{}", rows[0]["id"].as_str().unwrap())).await;
    assert_eq!(
        (&one["attributes"]["k"], &one["resource_attributes"]["service.name"]),
        (&json!("breaks"), &json!("planner"))
    );
    for (query, expected) in [
        ("service_name=planner", 2),
        ("event_name=failed", 1),
        ("severity_min=13", 2),
        ("q=BEGINS", 1),
        (&format!("trace_id={TRACE}"), 3),
        ("trace_id=00000000000000000000000000000001", 0),
        ("date_to=1790000000000", 0),
        ("limit=1", 3),
    ] {
        let response = app.get(&format!("/api/logs?{query}")).await;
        assert_eq!(
            response.head.header("x-total-count").as_deref(),
            Some(expected.to_string().as_str()),
            "{query}"
        );
        assert_eq!(response.json()["total"], expected, "{query}");
    }
    let filters = get(&app, "/api/logs/filters").await;
    assert_eq!(filters, json!({"services": ["planner", "other"], "event_names": ["failed", "started"]}));

    let page = get(&app, "/api/metrics?name=claude_code.token.usage").await;
    assert_eq!(page["total"], 2, "the same point twice is the later one");
    let page = get(&app, "/api/metrics?metric_type=gauge").await;
    assert_eq!((&page["total"], &page["metrics"][0]["value_int"]), (&json!(1), &json!(7)));
    let id = page["metrics"][0]["id"].as_str().unwrap();
    assert_eq!(get(&app, &format!("/api/metrics/{id}")).await["name"], "level");
    let summary = get(&app, "/api/metrics/summary").await;
    assert_eq!(summary[0]["name"], "claude_code.token.usage");
    assert_eq!((&summary[0]["sum_int"], &summary[0]["data_points"]), (&json!(322.5), &json!(2)));
    assert_eq!(get(&app, "/api/metrics?aggregation=summary").await["summary"], summary);
    let usage = get(&app, "/api/token-usage").await;
    let totals: Vec<_> =
        usage.as_array().unwrap().iter().map(|row| (&row["token_type"], &row["total_tokens"])).collect();
    assert_eq!(totals, [(&json!("input"), &json!(12.5)), (&json!("output"), &json!(310))]);
    assert_eq!(get(&app, "/api/metrics/tokens").await["usage"], usage);
    let filters = get(&app, "/api/metrics/filters").await;
    assert_eq!(filters, json!({"names": ["claude_code.token.usage", "level"], "services": ["claude-code"]}));
    for (path, status) in [
        ("/api/logs/nothing", 404),
        ("/api/logs/00000000000000000000000000000000", 404),
        ("/api/metrics/nothing", 404),
        ("/api/traces/nothing/tree", 404),
        ("/api/logs?severity_min=99", 400),
        ("/api/logs?trace_id=xyz", 400),
        ("/api/metrics?metric_type=counter", 400),
    ] {
        assert_eq!(app.get(path).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn a_tree_is_found_by_any_id_in_it() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    reports(&app).await;
    let calls = app.recorded(1).await;
    let call = calls[0].id.to_string();
    let tree = get(&app, &format!("/api/traces/{TRACE}/tree")).await;
    assert_eq!((&tree["trace"]["trace_id"], &tree["trace"]["span_count"]), (&json!(TRACE), &json!(3)));
    assert_eq!(tree["trace"]["total_tokens"], 1020);
    assert_eq!((&tree["partial"], &tree["missing_parent_ids"]), (&json!(true), &json!(["00000000000000ff"])));
    let roots: Vec<&str> =
        tree["spans"].as_array().unwrap().iter().map(|span| span["span_name"].as_str().unwrap()).collect();
    assert_eq!(roots.len(), 2);
    assert!(roots.contains(&"lost") && roots.contains(&"invoke_agent planner"));
    let agent = tree["spans"].as_array().unwrap().iter().find(|span| span["span_type"] == "agent").unwrap();
    let chat = &agent["children"][0];
    assert_eq!(
        (&chat["model"], &chat["prompt_tokens"], &chat["call_id"]),
        (&json!("gpt-4o"), &json!(1000), &json!(call))
    );
    assert_eq!(chat["attributes"]["gen_ai.operation.name"], "chat");
    for id in ["00000000000000a2", &call, "5b8efff7-9803-8103-d269-b633813fc60c"] {
        assert_eq!(get(&app, &format!("/api/traces/{id}/tree")).await["trace"], tree["trace"], "{id}");
    }
    let span = get(&app, "/api/traces/00000000000000a1").await;
    assert_eq!(span["trace"]["span_name"], "invoke_agent planner");
    let rows = get(&app, &format!("/api/traces?trace_id={TRACE}")).await;
    let uuid = "5B8EFFF7-9803-8103-d269-b633813fc60c";
    for path in ["traces", "search", "stats"] {
        let found = get(&app, &format!("/api/{path}?trace_id={uuid}")).await;
        assert_eq!(found, get(&app, &format!("/api/{path}?trace_id={TRACE}")).await, "{path}");
    }
    assert_eq!(get(&app, &format!("/api/traces?trace_id={uuid}")).await, rows);
    assert_eq!(rows[0]["id"], call);
}

#[tokio::test]
async fn a_proxied_call_that_nobody_reported_a_span_of_stands_under_the_span_it_names() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let header = format!("traceparent: 00-{TRACE}-00000000000000a1-01\r\n");
    let call = |title: &str| crate::requests::ask(tests::Dialect::Chat, false, title, &header);
    // One before the trace's first span, one after it.
    send(app.proxy, &call("early")).await;
    app.recorded(1).await;
    reports(&app).await;
    send(app.proxy, &call("late")).await;
    let tree = wait_until("both calls stand in the tree", async || {
        let tree = get(&app, &format!("/api/traces/{TRACE}/tree")).await;
        let agent =
            tree["spans"].as_array().unwrap().iter().find(|span| span["span_type"] == "agent").cloned()?;
        (agent["children"].as_array().unwrap().len() == 3).then_some(agent)
    })
    .await;
    let labels: Vec<&str> =
        tree["children"].as_array().unwrap().iter().filter_map(|child| child["label"].as_str()).collect();
    assert!(labels.iter().any(|label| label.contains("early")), "{labels:?}");
    assert!(labels.iter().any(|label| label.contains("late")), "{labels:?}");
}

#[tokio::test]
async fn a_trace_that_the_client_names_in_its_own_words_has_its_calls_and_spans() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let call = |title: &str, trace: &str| {
        let named = format!("x-trace-id: {trace}\r\nx-parent-id: root {trace}\r\n");
        crate::requests::ask(tests::Dialect::Chat, false, title, &named)
    };
    let tree = async |id: &str| get(&app, &format!("/api/traces/{id}/tree")).await;
    send(app.proxy, &call("early", "run-77")).await;
    let early = app.recorded(1).await.remove(0).id.to_string();
    // Nobody reported a span yet: the calls alone are the trace, by their ids as by its name.
    for id in ["run-77", early.as_str()] {
        let alone = tree(id).await;
        assert_eq!(
            (&alone["trace"]["trace_id"], &alone["trace"]["span_count"]),
            (&json!("run-77"), &json!(1))
        );
        assert_eq!(
            (&alone["partial"], &alone["missing_parent_ids"]),
            (&json!(true), &json!(["root run-77"]))
        );
    }
    send(app.proxy, &call("second", "run-77")).await;
    app.recorded(2).await;
    let both = tree(&early).await;
    assert_eq!(
        (&both["trace"]["call_count"], &both["trace"]["total_cost"]),
        (&json!(2), &sum(&both["spans"]))
    );

    let span =
        json!({"id": "root run-77", "trace_id": "run-77", "span_type": "agent", "span_name": "planner"});
    let posted =
        crate::requests::request("POST", "/api/spans", crate::requests::JSON, span.to_string().as_bytes());
    assert_eq!(send(app.dashboard, &posted).await.status(), 201);
    send(app.proxy, &call("late", "run-77")).await;
    app.recorded(3).await;
    for id in ["run-77", early.as_str(), "root%20run-77"] {
        let whole = tree(id).await;
        let agent = &whole["spans"][0];
        let labels: Vec<&str> = agent["children"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|child| child["label"].as_str())
            .collect();
        assert_eq!(labels, ["early", "second", "late"], "{id}: {whole}");
        assert_eq!((&whole["trace"]["call_count"], &whole["partial"]), (&json!(3), &json!(false)), "{id}");
    }

    // A call that was posted under such a name is found by it.
    let posted =
        json!({"trace_id": "run-78", "span_type": "llm", "model": "gpt-4o", "input": "x", "output": "y"});
    let posted =
        crate::requests::request("POST", "/api/spans", crate::requests::JSON, posted.to_string().as_bytes());
    assert_eq!(send(app.dashboard, &posted).await.status(), 201);
    wait_until("it is found", async || {
        (get(&app, "/api/traces?trace_id=run-78").await.as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    assert_eq!(get(&app, "/api/traces?trace_id=run-77").await.as_array().unwrap().len(), 3);

    let erase = json!({"what": "trace", "which": "run-77"});
    let erase =
        crate::requests::request("POST", "/api/erase", crate::requests::JSON, erase.to_string().as_bytes());
    let erased = send(app.dashboard, &erase).await;
    assert_eq!(erased.status(), 200, "{}", erased.text());
    assert_eq!((&erased.json()["calls"], &erased.json()["spans"]), (&json!(3), &json!(1)));
    assert_eq!(app.get("/api/traces/run-77/tree").await.status(), 404);
}

/// What the calls of a tree's first level cost.
fn sum(spans: &Value) -> Value {
    spans.as_array().unwrap().iter().filter_map(|span| span["estimated_cost"].as_f64()).sum::<f64>().into()
}
