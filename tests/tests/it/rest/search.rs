//! Searching over REST, and making the index again while LLMFlow runs. Leaves out what a search finds (`store`).

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tests::{App, Dialect, Mock, Plan, send, wait_until};

use super::get;
use super::telemetry::{attribute, post};
use crate::requests::{ask, request};

fn names(found: &Value) -> Vec<&str> {
    found["hits"].as_array().unwrap().iter().map(|hit| hit["span_name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn calls_are_found_with_where_they_say_it_and_the_index_is_made_again() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.follow(Plan { text: "Fine.".into(), ..Plan::default() });
    let asked =
        ["foo::bar( and foo::bar( again", "a longer remark about foo::bar(x) beside much else", "foo bar"];
    for (number, text) in asked.into_iter().enumerate() {
        send(app.proxy, &ask(Dialect::Chat, false, text, "")).await;
        app.recorded(number + 1).await;
    }
    let newest = get(&app, "/api/search?q=foo%3A%3Abar(").await;
    assert_eq!(names(&newest), [asked[1], asked[0]]);
    assert_eq!((&newest["total"], &newest["compared"]), (&json!(2), &Value::Null));
    assert_eq!(newest["lag"], json!({"calls": 0, "logs": 0}));
    let parts = &newest["hits"][1]["snippet"];
    assert_eq!(parts[0], json!({"text": "foo::bar(", "matched": true}), "{parts}");
    let best = get(&app, "/api/search?q=foo%3A%3Abar(&order=best&limit=1").await;
    assert_eq!((names(&best), &best["compared"]), (vec![asked[0]], &json!(2)));
    assert_eq!(get(&app, "/api/search?q=foo&model=another").await["total"], 0);
    assert_eq!(names(&get(&app, "/api/search?q=%22foo%20bar%22%20-remark%20-again").await), [asked[2]]);
    for nonsense in
        ["%22", "-", "*", "(((", "AND%20OR%20NOT", "NEAR(", "%F0%9F%A4%B7", "a%22b%22%22c", "%27%3B--"]
    {
        get(&app, &format!("/api/search?q={nonsense}")).await;
        get(&app, &format!("/api/logs?q={nonsense}")).await;
    }
    assert_eq!(app.get("/api/search?q=a&order=worst").await.status(), 400);

    let answer = send(app.dashboard, &request("POST", "/api/search/index", "", b"")).await;
    assert_eq!((answer.status(), answer.json()["calls"].as_u64()), (200, Some(3)), "{}", answer.text());
    wait_until("the index to be whole", async || {
        (get(&app, "/api/search/index").await == json!({"calls": 0, "logs": 0})).then_some(())
    })
    .await;
    assert_eq!(get(&app, "/api/search?q=remark").await["total"], 1);
}

#[tokio::test]
async fn a_phrase_is_found_in_what_a_report_says_later() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let said = |role: &str, text: &str| {
        json!([{"role": role, "parts": [{"type": "text", "content": text}]}]).to_string()
    };
    let span = |more: Vec<Value>, end: u64| {
        let mut attributes = vec![
            attribute("gen_ai.operation.name", "chat"),
            attribute("gen_ai.request.model", "gpt-4o"),
            attribute("gen_ai.input.messages", &said("user", "what flies over the lake")),
        ];
        attributes.extend(more);
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "00000000000000a1", "name": "chat",
            "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": end.to_string(), "attributes": attributes,
        }]}]}]})
    };
    let total = async |text: &str| get(&app, &format!("/api/search?q={text}")).await["total"].clone();
    post(&app, "/v1/traces", &span(Vec::new(), 0)).await;
    wait_until("it is found by what was asked", async || (total("lake").await == 1).then_some(())).await;
    assert_eq!(total("%22secret+ibis%22").await, 0);
    let answer = attribute("gen_ai.output.messages", &said("assistant", "the secret ibis does"));
    post(&app, "/v1/traces", &span(vec![answer], 1_790_000_001_000_000_000)).await;
    wait_until("it is found by its answer", async || (total("ibis").await == 1).then_some(())).await;
    assert_eq!(total("%22secret+ibis%22").await, 1, "the phrase that was searched for before");
}

#[tokio::test]
async fn pages_of_the_best_end_where_nothing_more_was_compared() {
    /// The best come first of so many.
    const COMPARED: usize = 200;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let sent = stream::iter(0..COMPARED + 3).map(async |number| {
        send(app.proxy, &ask(Dialect::Chat, false, &format!("needle {number}"), "")).await.status()
    });
    assert!(sent.buffer_unordered(8).all(async |status| status == 200).await);
    wait_until("all calls", async || {
        let found = get(&app, "/api/search?q=needle&limit=1").await;
        (found["total"] == COMPARED + 3).then_some(())
    })
    .await;
    let mut met = 0;
    for (offset, more) in [(0, true), (100, false), (200, false)] {
        let page = app.get(&format!("/api/search?q=needle&order=best&limit=100&offset={offset}")).await;
        let found = page.json();
        assert_eq!((&found["total"], &found["compared"]), (&json!(COMPARED + 3), &json!(COMPARED)));
        assert_eq!(page.head.header("x-total-count"), Some(COMPARED.to_string()), "of {offset} on");
        assert_eq!(page.head.header("link").is_some(), more, "of {offset} on");
        met += found["hits"].as_array().unwrap().len();
    }
    assert_eq!(met, COMPARED);
    let newest = app.get("/api/search?q=needle&limit=1").await;
    assert_eq!(newest.head.header("x-total-count"), Some((COMPARED + 3).to_string()));
}
