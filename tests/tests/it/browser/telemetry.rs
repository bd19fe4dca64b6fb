//! What tools report, on the pages that show it: log records that are filtered and followed, metrics of every kind, a
//! session's timeline, and who told of a call. Leaves out traces, and whether what is stored is right (`telemetry`).

use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use tests::otlp::post_otlp;
use tests::{App, Dialect, Mock, Plan, Tokens, send, wait_until};

use super::controls::{field, gone, open};
use super::{by, click, computed, count, expect_dashboard, reads};
use crate::requests::ask;

const SESSION: &str = "5f0c1f0e-6f4e-4d11-9a43-5b6c7d8e9f01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const HOSTILE: &str = "<img src=x onerror=\"window.owned=1\"><script>window.owned=1</script>";

/// So many milliseconds before now, in nanoseconds since 1970.
fn before(ms: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_nanos()).unwrap() - ms * 1_000_000
}

fn named(values: &Value) -> Value {
    let value = |value: &Value| match value {
        Value::Bool(value) => json!({"boolValue": value}),
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        other => json!({"stringValue": other.as_str().unwrap()}),
    };
    let pairs = values.as_object().unwrap().iter();
    Value::Array(pairs.map(|(key, one)| json!({"key": key, "value": value(one)})).collect())
}

/// An event as Claude Code sends it, so many milliseconds ago.
fn event(name: &str, ago_ms: u64, mut more: Value) -> Value {
    more["event.name"] = json!(name);
    more["session.id"] = json!(SESSION);
    more["prompt.id"] = json!("prompt-1");
    json!({
        "timeUnixNano": before(ago_ms).to_string(),
        "body": {"stringValue": format!("claude_code.{name}")},
        "attributes": named(&more),
    })
}

async fn post(app: &App, path: &str, body: &Value) {
    let asked = post_otlp(path, "application/json", "", body.to_string().as_bytes());
    let answer = send(app.otlp_http, &asked).await;
    assert_eq!((answer.status(), answer.text().as_str()), (200, "{}"));
}

async fn report(app: &App, records: Vec<Value>) {
    let body = json!({"resourceLogs": [{
        "resource": {"attributes": named(&json!({"service.name": "claude-code", "service.version": "2.1.329"}))},
        "scopeLogs": [{"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": records}],
    }]});
    post(app, "/v1/logs", &body).await;
}

async fn measure(app: &App, metrics: Vec<Value>) {
    let body = json!({"resourceMetrics": [{
        "resource": {"attributes": named(&json!({"service.name": "claude-code"}))},
        "scopeMetrics": [{"scope": {"name": "com.anthropic.claude_code"}, "metrics": metrics}],
    }]});
    post(app, "/v1/metrics", &body).await;
}

async fn press(page: &Client, keys: &str) {
    page.find(Locator::Css("body")).await.unwrap().send_keys(keys).await.unwrap();
}

async fn rows(page: &Client, id: &str, wanted: usize) {
    wait_until(&format!("{wanted} of {id}"), async || (count(page, id).await == wanted).then_some(())).await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn log_records_are_filtered_read_and_followed() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let browser = open(&app, "/logs").await;
    let page = &browser.page;
    reads(page, "no-telemetry", "No log records yet").await;
    reads(page, "source-otlp_http", &format!(":{}", app.otlp_http.port())).await;
    page.execute("window.notReloaded = true", Vec::new()).await.unwrap();

    let mut failed = event(
        "api_error",
        3_000,
        json!({"model": "claude-opus-4-5", "error": "rate limited", "status_code": 429}),
    );
    failed["severityNumber"] = json!(17);
    failed["traceId"] = json!(TRACE);
    failed["spanId"] = json!(SPAN);
    let prompt = event("user_prompt", 4_000, json!({"prompt": HOSTILE, "prompt_length": 5}));
    let tool =
        event("tool_result", 2_000, json!({"tool_name": "Bash", "success": "true", "duration_ms": 38}));
    report(&app, vec![prompt, failed, tool]).await;
    rows(page, "log-row", 3).await;
    reads(page, "logs-table", HOSTILE).await;
    assert!(
        page.execute("return window.owned", Vec::new()).await.unwrap().is_null(),
        "what is reported is text"
    );
    assert_eq!(page.execute("return document.querySelectorAll('img').length", Vec::new()).await.unwrap(), 0);

    // One condition is typed, and stands in the address.
    field(page, "filter-input").await.send_keys("severity:error").await.unwrap();
    field(page, "filter-input").await.send_keys(&Key::Enter.to_string()).await.unwrap();
    rows(page, "log-row", 1).await;
    reads(page, "log-row", "api_error").await;
    assert!(page.current_url().await.unwrap().query().is_some_and(|query| query.contains("severity=error")));
    page.refresh().await.unwrap();
    rows(page, "log-row", 1).await;
    reads(page, "filter-chip", "error").await;

    // By keyboard: select, read, close, clear.
    press(page, "j").await;
    let attributes = reads(page, "log-attributes", "rate limited").await;
    assert!(attributes.contains("429") && attributes.contains("int"), "typed as sent: {attributes}");
    reads(page, "resource-attributes", "2.1.329").await;
    let span = field(page, "open-span").await.attr("href").await.unwrap().unwrap();
    assert_eq!(span, format!("/traces/{TRACE}?span={SPAN}"));
    reads(page, "same-session", "3 records").await;
    press(page, &Key::Escape.to_string()).await;
    gone(page, "log-detail").await;
    press(page, &Key::Escape.to_string()).await;
    rows(page, "log-row", 3).await;

    // What is read does not move: news wait until they are let in.
    click(page, "log-row").await;
    reads(page, "log-detail", "").await;
    report(&app, vec![event("tool_result", 0, json!({"tool_name": "Edit", "success": "true"}))]).await;
    reads(page, "new-logs", "1 new").await;
    assert_eq!(count(page, "log-row").await, 3);
    press(page, ".").await;
    rows(page, "log-row", 4).await;
    browser.finish().await;
}

/// A metric of each kind, two points in each, the last with a measurement that a span stands behind.
fn metrics() -> Vec<Value> {
    let model = named(&json!({"model": "claude-opus-4-5", "type": "input"}));
    let times = |ago_ms: u64| (before(ago_ms + 60_000).to_string(), before(ago_ms).to_string());
    let point = |ago_ms: u64, more: Value| {
        let (start, time) = times(ago_ms);
        let mut point = json!({"startTimeUnixNano": start, "timeUnixNano": time, "attributes": model});
        for (key, value) in more.as_object().unwrap() {
            point[key] = value.clone();
        }
        point
    };
    let exemplar = json!([{
        "timeUnixNano": before(5_000).to_string(), "asDouble": 3.25, "traceId": TRACE, "spanId": SPAN,
    }]);
    let buckets = |counts: [u64; 4]| {
        json!({
            "count": counts.iter().sum::<u64>().to_string(), "sum": 9.5, "explicitBounds": [1.0, 2.0, 4.0],
            "bucketCounts": counts.map(|count| count.to_string()), "exemplars": exemplar,
        })
    };
    let grown = json!({"count": "7", "sum": 21.0, "scale": 1, "zeroCount": "1", "positive": {"offset": 1, "bucketCounts": ["2", "3", "1"]}});
    let quantiles = json!({"count": "9", "sum": 45.0, "quantileValues": [{"quantile": 0.5, "value": 4.0}, {"quantile": 0.99, "value": 12.5}]});
    vec![
        json!({"name": "claude_code.token.usage", "unit": "tokens", "sum": {"aggregationTemporality": 1, "isMonotonic": true,
            "dataPoints": [point(120_000, json!({"asDouble": 1200.5})), point(60_000, json!({"asInt": "800"}))]}}),
        json!({"name": "test.level", "unit": "By", "gauge": {"dataPoints": [point(60_000, json!({"asInt": "4096"}))]}}),
        json!({"name": "test.waiting", "unit": "s", "histogram": {"aggregationTemporality": 1, "dataPoints": [point(60_000, buckets([4, 3, 2, 1]))]}}),
        json!({"name": "test.grown", "unit": "s", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [point(60_000, grown)]}}),
        json!({"name": HOSTILE, "unit": "ms", "summary": {"dataPoints": [point(60_000, quantiles)]}}),
    ]
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn metrics_of_every_kind_have_a_chart_a_table_and_points() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let browser = open(&app, "/metrics").await;
    let page = &browser.page;
    reads(page, "no-telemetry", "No metrics yet").await;
    measure(&app, metrics()).await;
    rows(page, "metric-row", 5).await;
    reads(page, "metric-usage", "claude-opus-4-5").await;

    // Down the list by keyboard: each has a chart of its kind.
    let kinds = [
        ("claude_code.token.usage", "sum, delta: since the last point, only grows"),
        ("test.grown", "exponential histogram"),
        ("test.level", "gauge"),
        ("test.waiting", "histogram, delta"),
    ];
    let mut seen = Vec::new();
    for _ in 0..5 {
        press(page, "j").await;
        let before = seen.last().cloned().unwrap_or_default();
        let name = wait_until("the next metric", async || {
            let name = page.find(Locator::Css(&by("metric-name"))).await.ok()?.text().await.ok()?;
            (name != before).then_some(name)
        })
        .await;
        reads(page, "metric-chart", "").await;
        if let Some((_, nature)) = kinds.iter().find(|(known, _)| *known == name) {
            reads(page, "metric-nature", nature).await;
        }
        seen.push(name);
    }
    assert!(seen.contains(&HOSTILE.to_owned()), "{seen:?}");
    assert!(
        page.execute("return window.owned", Vec::new()).await.unwrap().is_null(),
        "a metric's name is text"
    );

    let waiting = format!(
        "http://localhost:{}/metrics?metric=test.waiting&service=claude-code&kind=histogram",
        app.dashboard.port()
    );
    page.goto(&waiting).await.unwrap();
    reads(page, "metric-distribution", "above 4 s").await;
    reads(page, "metric-line", "10").await;
    let dot = field(page, "exemplar").await.attr("href").await.unwrap().unwrap();
    assert_eq!(dot, format!("/traces/{TRACE}?span={SPAN}"), "a measurement leads to its span");
    press(page, "a").await;
    reads(page, "metric-as-table", "p50").await;
    press(page, "a").await;
    reads(page, "metric-chart", "Quantiles").await;
    click(page, "metric-form-points").await;
    click(page, "metric-point").await;
    reads(page, "metric-point-whole", "explicitBounds").await;
    browser.finish().await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_session_is_told_in_order_and_a_call_says_who_told_of_it() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let tokens = Tokens {
        input: 1_200,
        cache_read: 4_000,
        cache_write_5m: 0,
        cache_write_1h: 0,
        output: 70,
        reasoning: 0,
    };
    mock.follow(Plan { tokens, ..Plan::default() });
    let headers =
        format!("User-Agent: claude-cli/2.1.329 (external, cli)\r\nX-Claude-Code-Session-Id: {SESSION}\r\n");
    send(app.proxy, &ask(Dialect::Anthropic, false, "How is the weather in Köln?", &headers)).await;
    let call = app.recorded(1).await.remove(0);
    // The event tells of the same call, with another count of what was written; the other one of a call unseen.
    let told = |request: &str, output: u64, ago_ms: u64| {
        event(
            "api_request",
            ago_ms,
            json!({
                "model": call.model.clone().unwrap(), "input_tokens": 1_200, "output_tokens": output, "cache_read_tokens": 4_000,
                "cache_creation_tokens": 0, "cost_usd": 0.25, "duration_ms": 900, "request_id": request,
            }),
        )
    };
    report(
        &app,
        vec![
            event("user_prompt", 6_000, json!({"prompt": "How is the weather in Köln?"})),
            told("req_mock_0001", 71, 0),
            event(
                "tool_result",
                400,
                json!({"tool_name": "Bash", "success": "true", "duration_ms": 38, "tool_use_id": "toolu_1"}),
            ),
            told("req_mock_0777", 20, 200),
        ],
    )
    .await;
    app.digested().await;
    assert_eq!(app.calls().await.len(), 2, "what two told of counts once");

    let browser = open(&app, &format!("/traces/{}", call.id)).await;
    let page = &browser.page;
    let sources = reads(page, "call-sources", "request id is the same").await;
    assert!(sources.contains("Proxy") && sources.contains("Event"), "{sources}");
    reads(page, "sources-disagree", "difference").await;
    let output = reads(page, "figure-output", "71").await;
    assert!(output.contains("70"), "what the proxy saw is shown: {output}");

    let other = app.calls().await.into_iter().find(|other| other.id != call.id).unwrap();
    page.goto(&format!("http://localhost:{}/traces/{}", app.dashboard.port(), other.id)).await.unwrap();
    click(page, "trace-tab-request").await;
    reads(page, "not-proxied", "Not through the proxy").await;
    assert_eq!(count(page, "copy-curl").await, 0, "there is nothing to send again");

    page.goto(&format!("http://localhost:{}/sessions/{SESSION}", app.dashboard.port())).await.unwrap();
    click(page, "session-tab-timeline").await;
    reads(page, "timeline-prompt", "How is the weather in Köln?").await;
    reads(page, "timeline-prompt", "2 calls, 1 tool run").await;
    let kinds = "return Array.from(document.querySelectorAll('[data-testid=\"timeline-entry\"]'), row => row.dataset.kind).join()";
    wait_until("calls and tools in order", async || {
        (computed(page, kinds).await.matches("call").count() == 2).then_some(())
    })
    .await;
    assert!(computed(page, kinds).await.contains("tool"), "{}", computed(page, kinds).await);
    click(page, "kind-call").await;
    wait_until("calls to be hidden", async || (!computed(page, kinds).await.contains("call")).then_some(()))
        .await;
    assert!(page.current_url().await.unwrap().query().is_some_and(|query| query.contains("hide=call")));
    click(page, "tab-overview").await;
    reads(page, "collected", "4 log records").await;
    browser.finish().await;
}
