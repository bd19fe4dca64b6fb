//! The Trace page of a tree of spans: it fills while one looks, the keyboard walks it, a link restores it, and ten
//! thousand spans put no more into the page than what is seen.

use std::collections::BTreeMap;

use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use tests::otlp::post_otlp;
use tests::{App, Dialect, Mock, Plan, send, wait_until};

use super::controls::open;
use super::{click, computed, count, expect_dashboard, reads};
use crate::requests::ask;

/// A second.
const S: u64 = 1_000_000_000;
const BEGAN: u64 = 1_790_000_000 * S;
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A span from second `from` to second `to`.
fn span(id: u64, parent: u64, name: &str, (from, to): (f64, f64), attributes: Value) -> Value {
    let at = |second: f64| (BEGAN + (second * S as f64) as u64).to_string();
    let parent = if parent == 0 { String::new() } else { format!("{parent:016x}") };
    let Value::Object(named) = attributes else { panic!("attributes have names") };
    let attributes: Vec<Value> = named
        .into_iter()
        .map(|(key, value)| {
            let value = match value {
                Value::Number(number) => json!({"intValue": number.to_string()}),
                value => json!({"stringValue": value}),
            };
            json!({"key": key, "value": value})
        })
        .collect();
    json!({
        "traceId": TRACE, "spanId": format!("{id:016x}"), "parentSpanId": parent, "name": name, "kind": 1,
        "startTimeUnixNano": at(from), "endTimeUnixNano": at(to), "attributes": attributes,
    })
}

fn failed(mut span: Value, message: &str) -> Value {
    span["status"] = json!({"code": 2, "message": message});
    span
}

fn chat(id: u64, parent: u64, times: (f64, f64)) -> Value {
    let attributes = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 200,
        "gen_ai.response.id": format!("chatcmpl-{id}"),
    });
    span(id, parent, "chat gpt-4o-mini", times, attributes)
}

fn tool(id: u64, parent: u64, name: &str, times: (f64, f64)) -> Value {
    let attributes = json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name});
    span(id, parent, &format!("execute_tool {name}"), times, attributes)
}

/// Sends spans as an exporter does.
async fn report(app: &App, spans: &[Value]) {
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "planner"}}]},
        "scopeSpans": [{"scope": {"name": "our.instrumentation"}, "spans": spans}],
    }]});
    let asked = post_otlp("/v1/traces", "application/json", "", body.to_string().as_bytes());
    let answer = send(app.otlp_http, &asked).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

/// An agent that calls a model, runs a tool that fails, and calls again; with plumbing below the first call.
fn turn() -> Vec<Value> {
    vec![
        span(
            1,
            0,
            "invoke_agent planner",
            (0.0, 20.0),
            json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}),
        ),
        chat(2, 1, (0.5, 6.0)),
        span(
            3,
            2,
            "POST",
            (0.6, 5.9),
            json!({"http.request.method": "POST", "url.full": "https://api.openai.com/v1/chat/completions", "server.address": "api.openai.com"}),
        ),
        failed(tool(4, 1, "shell", (6.5, 12.0)), "exit status 101"),
        span(5, 4, "sandbox", (6.6, 11.0), json!({})),
        chat(6, 1, (12.5, 19.0)),
    ]
}

async fn press(page: &Client, keys: &str) {
    page.find(Locator::Css("body")).await.unwrap().send_keys(keys).await.unwrap();
}

/// The names of the rows, in order.
async fn rows(page: &Client) -> Vec<String> {
    let script = "return Array.from(document.querySelectorAll('[data-testid=span-row] .nm > .cut'), row => row.textContent)";
    let rows = page.execute(script, Vec::new()).await.unwrap();
    rows.as_array().into_iter().flatten().map(|row| row.as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_trace_is_seen_live_and_walked_by_keyboard() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let browser = open(&app, "/traces").await;
    let page = &browser.page;
    reads(page, "connection-status", "Connected").await;
    // A child is there before its parent, as exporters send it.
    report(&app, &turn()[1..2]).await;
    reads(page, "trace-row", "gpt-4o-mini").await;
    report(&app, &turn()).await;
    reads(page, "span-count", "6").await;
    reads(page, "trace-row", "planner").await;
    click(page, "trace-row").await;
    reads(page, "trace-detail", "2 calls").await;
    click(page, "open-trace").await;

    reads(page, "trace-facts", "1 error").await;
    wait_until("the tree", async || (rows(page).await.len() == 5).then_some(())).await;
    reads(page, "folded", "+ 1 folded").await;
    click(page, "show-infrastructure").await;
    wait_until("what was folded", async || (rows(page).await.len() == 6).then_some(())).await;
    click(page, "show-infrastructure").await;

    // To the error, whose message is said; to its parent; closed; and back to where it was.
    press(page, "e").await;
    reads(page, "span-error", "exit status 101").await;
    click(page, "span-tab-attributes").await;
    reads(page, "reported-attributes", "gen_ai.tool.name").await;
    reads(page, "resource-attributes", "planner").await;
    let address = page.current_url().await.unwrap();
    assert!(
        address
            .query()
            .is_some_and(|query| query.contains("span=0000000000000004") && query.contains("tab=attributes")),
        "{address}"
    );
    press(page, "p").await;
    reads(page, "span-head", "planner").await;
    press(page, "h").await;
    wait_until("a closed tree", async || (rows(page).await.len() == 1).then_some(())).await;
    press(page, "l").await;
    wait_until("an open tree", async || (rows(page).await.len() == 5).then_some(())).await;
    press(page, "j").await;
    reads(page, "span-sources", "OTLP").await;
    press(page, "z").await;
    reads(page, "zoom-out", "Whole time").await;

    // A link restores span, tab and time.
    page.refresh().await.unwrap();
    reads(page, "span-sources", "OTLP").await;
    reads(page, "zoom-out", "Whole time").await;
    reads(page, "reported-attributes", "gen_ai.usage.input_tokens").await;
    let selected =
        "return document.querySelector('[data-testid=span-row][aria-selected=true]')?.dataset.id ?? ''";
    assert_eq!(computed(page, selected).await, "0000000000000002");
    let level =
        "return document.querySelector('[role=treegrid] [aria-selected=true]').getAttribute('aria-level')";
    assert_eq!(computed(page, level).await, "2");

    // What comes later enters where it belongs, and what is read stays selected.
    report(&app, &[tool(7, 1, "read_file", (19.1, 19.4)), tool(8, 0x99, "lost", (3.0, 4.0))]).await;
    wait_until("the new spans", async || {
        rows(page).await.iter().any(|row| row.contains("read_file")).then_some(())
    })
    .await;
    reads(page, "missing-parent", "Parent not reported").await;
    assert_eq!(computed(page, selected).await, "0000000000000002");
    browser.finish().await;
}

/// What the proxy saw and a span told of is one call with one cost.
#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_proxied_call_and_its_span_are_one() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    mock.follow(Plan::default());
    let parent = format!("traceparent: 00-{TRACE}-0000000000000002-01\r\n");
    send(app.proxy, &ask(Dialect::Chat, false, "How is the weather in Köln?", &parent)).await;
    let call = app.recorded(1).await.remove(0);
    report(&app, &turn()[..2]).await;
    let browser = open(&app, &format!("/traces/{TRACE}?span=0000000000000002")).await;
    let page = &browser.page;
    reads(page, "span-sources", "proxy + OTLP").await;
    reads(page, "trace-conversation", "How is the weather in Köln?").await;
    click(page, "span-tab-request").await;
    reads(page, "trace-request", "traceparent").await;
    click(page, "open-call").await;
    reads(page, "trace-about", "Endpoint").await;
    assert!(page.current_url().await.unwrap().path().contains(&call.id.to_string()));
    browser.finish().await;
}

/// Ten thousand spans: the page holds the rows that are seen, and each frame of a scroll through all of them is drawn.
#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn ten_thousand_spans_scroll() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    const COUNT: u64 = 10_000;
    let mut spans = vec![span(
        1,
        0,
        "invoke_agent all",
        (0.0, 10_100.0),
        json!({"gen_ai.operation.name": "invoke_agent"}),
    )];
    spans.extend((2..=COUNT).map(|id| {
        let parent = if id % 10 == 2 { 1 } else { id - (id - 2) % 10 };
        tool(id, parent, &format!("tool {id}"), (id as f64, id as f64 + 0.9))
    }));
    for part in spans.chunks(2_000) {
        report(&app, part).await;
    }
    let browser = open(&app, &format!("/traces/{TRACE}")).await;
    let page = &browser.page;
    reads(page, "span-total", "10,000").await;
    let rows = "return document.querySelector('[role=treegrid]')?.getAttribute('aria-rowcount') ?? ''";
    wait_until("all rows", async || (computed(page, rows).await == COUNT.to_string()).then_some(())).await;
    let before = count(page, "span-row").await;
    let script = r"
        const done = arguments[arguments.length - 1], frame = document.querySelector('.wrows');
        const steps = 120, step = (frame.scrollHeight - frame.clientHeight) / steps, times = [];
        let most = 0, last = performance.now(), at = 0;
        const next = (now) => {
            times.push(now - last); last = now;
            most = Math.max(most, document.querySelectorAll('[data-testid=span-row]').length);
            if (at++ < steps) { frame.scrollTop = at * step; requestAnimationFrame(next); } else { done({times, most}); }
        };
        requestAnimationFrame(next);";
    let measured = page.execute_async(script, Vec::new()).await.unwrap();
    let most = measured["most"].as_u64().unwrap();
    let mut times: Vec<f64> =
        measured["times"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!(
        "a scroll through {COUNT} spans: frames of {:.1} ms median, {:.1} ms p95, at most {most} rows",
        at(50),
        at(95)
    );
    assert!(before < 120 && most < 120, "only what is seen is in the page: {before}, then {most}");
    reads(page, "span-tree", "tool 10000").await;

    // Each error, sibling and parent is one key away, however far.
    let mut jumps = BTreeMap::new();
    for key in ["g", "G"] {
        press(page, key).await;
        let id = wait_until("a selection", async || {
            let script = "return document.querySelector('[data-testid=span-row][aria-selected=true]')?.dataset.id ?? ''";
            let id = computed(page, script).await;
            (!id.is_empty() && jumps.values().all(|known| *known != id)).then_some(id)
        })
        .await;
        jumps.insert(key, id);
    }
    assert_eq!(jumps, BTreeMap::from([("g", format!("{:016x}", 1)), ("G", format!("{COUNT:016x}"))]));
    browser.finish().await;
}
