//! The dashboard in a real browser: a call arrives by itself, opens, and reads well; the theme changes; no errors.
//!
//! Only `cargo xtask test` makes a binary that carries the dashboard; without it there is nothing to look at here.

pub(crate) mod chromium;
mod controls;
mod hostile;
mod keys;
mod limits;
mod models;
mod prompt_cache;
mod replays;
mod search;
mod tabs;
mod telemetry;
mod translated;
mod waterfall;

use fantoccini::{Client, Locator};
use tests::{App, Dialect, Mock, Plan, Tokens, rates, send, wait_until};

use crate::requests::{ask, model};
use chromium::Browser;

pub(crate) fn by(id: &str) -> String {
    format!("[data-testid=\"{id}\"]")
}

pub(crate) async fn count(page: &Client, id: &str) -> usize {
    page.find_all(Locator::Css(&by(id))).await.unwrap().len()
}

/// The text of the first such element, once it is there and says `wanted`.
pub(crate) async fn reads(page: &Client, id: &str, wanted: &str) -> String {
    let what = format!("{id} to say {wanted:?}");
    wait_until(&what, async || {
        // It may be drawn anew between finding and reading it.
        let text = page.find(Locator::Css(&by(id))).await.ok()?.text().await.ok()?;
        text.contains(wanted).then_some(text)
    })
    .await
}

pub(crate) async fn click(page: &Client, id: &str) {
    wait_until(&format!("{id} to be clicked"), async || {
        page.find(Locator::Css(&by(id))).await.ok()?.click().await.ok()
    })
    .await;
}

pub(crate) async fn computed(page: &Client, script: &str) -> String {
    page.execute(script, Vec::new()).await.unwrap().as_str().unwrap_or_default().to_owned()
}

/// Fails when there is only the placeholder to look at.
async fn expect_dashboard(app: &App) {
    let page = app.get("/").await.text();
    assert!(
        page.contains("boot.js"),
        "the binary carries no dashboard: run `cargo xtask test`, which builds it in: {page}"
    );
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_call_is_seen_live_and_opened() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let browser = Browser::start().await;
    let page = &browser.page;
    page.goto(&format!("http://localhost:{}/traces", app.dashboard.port())).await.unwrap();
    reads(page, "connection-status", "Connected").await;
    reads(page, "first-run", "").await;
    page.execute("window.notReloaded = true", Vec::new()).await.unwrap();

    let tokens = Tokens {
        input: 12_000,
        cache_read: 40_000,
        cache_write_5m: 0,
        cache_write_1h: 0,
        output: 700,
        reasoning: 0,
    };
    let plan = Plan { tokens, text: "It rains in Köln, as ever. 🌧".into(), ..Plan::default() };
    mock.answer(move |received| plan.answer(received).gated());
    let mut client =
        tests::Client::open(app.proxy, &ask(Dialect::Anthropic, true, "How is the weather in Köln?", ""))
            .await;
    client.head().await.unwrap();
    client.bytes(1).await;
    reads(page, "live-strip", "claude-sonnet-4-5").await;
    mock.open_gate(1_000);
    client.rest().await;
    let call = app.recorded(1).await.remove(0);
    assert_eq!(call.cost.map(api::Money::pico), Some(rates(model(Dialect::Anthropic).1).cost(&tokens)));
    let row = reads(page, "trace-row", "How is the weather in Köln?").await;
    assert!(page.execute("return window.notReloaded", Vec::new()).await.unwrap() == true, "without a reload");
    assert_eq!(count(page, "trace-row").await, 1, "{row}");
    // 12,000 at $3, 40,000 at $0.30 and 700 at $15 a million: $0.0585.
    assert!(row.contains("$0.058") || row.contains("$0.059"), "the row shows the cost: {row}");

    click(page, "trace-row").await;
    reads(page, "trace-detail", "$0.05").await;
    click(page, "open-trace").await;
    let talk = reads(page, "trace-conversation", "It rains in Köln, as ever. 🌧").await;
    assert!(talk.contains("How is the weather in Köln?"), "{talk}");
    assert!(
        page.current_url().await.unwrap().path().contains(&call.id.to_string()),
        "the address names the call"
    );
    assert!(page.execute("return window.notReloaded", Vec::new()).await.unwrap() == true);

    // A link to it works on its own.
    page.refresh().await.unwrap();
    reads(page, "trace-conversation", "It rains in Köln, as ever. 🌧").await;
    browser.finish().await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn the_overview_tells_todays_spend_and_leads_to_its_calls() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let browser = Browser::start().await;
    let page = &browser.page;
    page.goto(&format!("http://localhost:{}/", app.dashboard.port())).await.unwrap();
    reads(page, "first-run", "Nothing recorded yet").await;
    let tokens = Tokens {
        input: 12_000,
        cache_read: 140_000,
        cache_write_5m: 2_000,
        cache_write_1h: 0,
        output: 9_000,
        reasoning: 0,
    };
    mock.follow(Plan { tokens, ..Plan::default() });
    send(app.proxy, &ask(Dialect::Anthropic, false, "How is the weather in Köln?", "")).await;
    let call = app.recorded(1).await.remove(0);
    let cost = call.cost.unwrap();
    assert_eq!(cost.pico(), rates(model(Dialect::Anthropic).1).cost(&tokens));
    // The page that says what to do first gives way to the figures by itself.
    let shown = format!("${:.2}", cost.dollars());
    reads(page, "spend-today", &shown).await;
    reads(page, "nav-spend", &shown).await;
    // 140,000 read at $0.30 instead of $3 a million, less 2,000 written at $3.75 instead of $3.
    reads(page, "kpi-saved", "$0.38").await;
    reads(page, "bucket-cache_read", "140k").await;
    reads(page, "recorded", "1 of 1").await;
    reads(page, "chart-total", &shown).await;
    assert_eq!(count(page, "chart-bar").await, 30);
    click(page, "range-24h").await;
    wait_until("a day's bars", async || (count(page, "chart-bar").await == 24).then_some(())).await;
    assert!(page.current_url().await.unwrap().query().is_some_and(|query| query.contains("range=24h")));

    click(page, "legend-row").await;
    reads(page, "trace-row", "How is the weather in Köln?").await;
    page.back().await.unwrap();
    click(page, "spend-today").await;
    reads(page, "trace-row", "How is the weather in Köln?").await;
    assert_eq!(count(page, "trace-row").await, 1);
    browser.finish().await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn the_theme_changes_and_stays() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let browser = Browser::start().await;
    let page = &browser.page;
    page.goto(&format!("http://localhost:{}/traces", app.dashboard.port())).await.unwrap();
    reads(page, "connection-status", "").await;
    let theme = "return document.documentElement.dataset.theme";
    let colour = "return getComputedStyle(document.body).backgroundColor";
    let (before, ground) = (computed(page, theme).await, computed(page, colour).await);
    click(page, "theme-toggle").await;
    let after = wait_until("another theme", async || {
        let now = computed(page, theme).await;
        (now != before).then_some(now)
    })
    .await;
    assert!(["light", "dark"].contains(&after.as_str()));
    wait_until("another ground", async || (computed(page, colour).await != ground).then_some(())).await;
    page.refresh().await.unwrap();
    reads(page, "connection-status", "").await;
    assert_eq!(computed(page, theme).await, after, "it stays after a reload");
    browser.finish().await;
}

/// What a model or a client says is text: nothing of it becomes markup or script.
#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn hostile_text_stays_text() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let hostile =
        "<img src=x onerror=\"window.owned=1\"><script>window.owned=1</script>[x](javascript:window.owned=1)";
    mock.follow(Plan { text: hostile.into(), thinking: hostile.into(), ..Plan::default() });
    let headers = format!("User-Agent: {hostile}\r\nX-LLMFlow-Tag: {hostile}\r\n");
    send(app.proxy, &ask(Dialect::Anthropic, false, hostile, &headers)).await;
    let call = app.recorded(1).await.remove(0);
    let browser = Browser::start().await;
    let page = &browser.page;
    page.goto(&format!("http://localhost:{}/traces/{}", app.dashboard.port(), call.id)).await.unwrap();
    reads(page, "trace-conversation", "onerror").await;
    assert!(page.execute("return window.owned", Vec::new()).await.unwrap().is_null());
    let images = "return document.querySelectorAll('img[src=x], a[href^=\"javascript:\"]').length";
    assert_eq!(page.execute(images, Vec::new()).await.unwrap(), 0);
    browser.finish().await;
}
