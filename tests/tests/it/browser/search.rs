//! Searching on the pages: matches are marked in the rows, the best come first if wanted, what looks like markup is text,
//! and the index says what it lacks. Leaves out what a search finds (`store`).

use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::json;
use tests::otlp::post_otlp;
use tests::{App, Dialect, Mock, Plan, send, wait_until};

use super::controls::{field, open};
use super::{by, click, count, expect_dashboard, reads};
use crate::requests::ask;

/// What the page marks, in the order in which it stands there.
async fn marked(page: &Client) -> Vec<String> {
    let script = "return [...document.querySelectorAll('mark')].map(mark => mark.textContent)";
    serde_json::from_value(page.execute(script, Vec::new()).await.unwrap()).unwrap()
}

async fn look_for(page: &Client, text: &str) {
    field(page, "filter-input").await.send_keys(text).await.unwrap();
    field(page, "filter-input").await.send_keys(&Key::Enter.to_string()).await.unwrap();
}

async fn until_marked(page: &Client, wanted: &[&str]) {
    wait_until(&format!("{wanted:?} to be marked"), async || (marked(page).await == wanted).then_some(()))
        .await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn what_is_looked_for_is_marked_and_the_best_come_first() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    mock.follow(Plan { text: "As you say.".into(), ..Plan::default() });
    let asked = [
        "Why does foo::bar( fail? foo::bar( is all there is: foo::bar(",
        "A long remark that has <b>foo::bar(1)</b> once and goes on about other things for quite a while",
        "Nothing of that: foo bar",
    ];
    for (number, text) in asked.into_iter().enumerate() {
        send(app.proxy, &ask(Dialect::Anthropic, false, text, "")).await;
        app.recorded(number + 1).await;
    }
    let browser = open(&app, "/traces").await;
    let page = &browser.page;
    wait_until("three rows", async || (count(page, "trace-row").await == 3).then_some(())).await;
    assert_eq!(count(page, "search-strip").await, 0, "nothing is looked for");

    look_for(page, "foo::bar(").await;
    let four = ["foo::bar("; 4];
    until_marked(page, &four).await;
    assert_eq!(count(page, "trace-row").await, 2, "as it is written");
    let newest = reads(page, "trace-row", "A long remark").await;
    assert!(newest.contains("<b>foo::bar(1)</b>"), "what looks like markup is text: {newest}");
    reads(page, "search-lag", "Index: complete").await;

    click(page, "order-best").await;
    reads(page, "trace-row", "Why does").await;
    reads(page, "compared", "2 calls").await;
    assert!(page.current_url().await.unwrap().query().unwrap().contains("order=best"));
    page.refresh().await.unwrap();
    reads(page, "trace-row", "Why does").await;
    until_marked(page, &four).await;
    click(page, "order-newest").await;
    reads(page, "trace-row", "A long remark").await;
    // Whatever is typed is looked for: nothing of it is an error.
    look_for(page, "\"foo bar\" -foo::bar( \"").await;
    wait_until("one row", async || (count(page, "trace-row").await == 1).then_some(())).await;
    browser.finish().await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn log_records_are_searched_beyond_their_line() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let body = format!("{}the needle <i>stands</i> at the end", "hay ".repeat(600));
    let record = |body: &str| json!({"timeUnixNano": "1790000000000000000", "body": {"stringValue": body}});
    let export =
        json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record(&body), record("other hay")]}]}]});
    let posted = post_otlp("/v1/logs", "application/json", "", export.to_string().as_bytes());
    assert_eq!(send(app.otlp_http, &posted).await.status(), 200);
    let browser = open(&app, "/logs?text=needle%20stands").await;
    let page = &browser.page;
    until_marked(page, &["needle", "stands"]).await;
    reads(page, "log-text", "the needle <i>stands</i> at the end").await;
    assert_eq!(count(page, "log-row").await, 1);
    assert_eq!(page.find_all(Locator::Css(&format!("{} i", by("log-text")))).await.unwrap().len(), 0);
    reads(page, "search-lag", "Index: complete").await;
    browser.finish().await;
}
