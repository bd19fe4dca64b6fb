//! What the dashboard changes: the proxy's switch, settings, local keys. Each is seen on the page and in the engine.

use fantoccini::elements::Element;
use fantoccini::{Client, Locator};
use tests::{App, Dialect, Mock, Plan, send, try_send, wait_until};

use super::chromium::Browser;
use super::{by, click, count, expect_dashboard, reads};
use crate::requests::{ask, request};

pub(super) async fn open(app: &App, path: &str) -> Browser {
    let browser = Browser::start().await;
    browser.page.goto(&format!("http://localhost:{}{path}", app.dashboard.port())).await.unwrap();
    reads(&browser.page, "connection-status", "Connected").await;
    browser
}

pub(super) async fn gone(page: &Client, id: &str) {
    wait_until(&format!("{id} to be gone"), async || (count(page, id).await == 0).then_some(())).await;
}

pub(super) async fn field(page: &Client, id: &str) -> Element {
    wait_until(&format!("{id} to be there"), async || page.find(Locator::Css(&by(id))).await.ok()).await
}

/// Puts `text` in place of what stands in a field.
pub(super) async fn fill(page: &Client, id: &str, text: &str) {
    let field = field(page, id).await;
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

/// Presses a button inside the element `within`.
pub(super) async fn click_in(page: &Client, within: &str, id: &str) {
    let place = format!("{} {}", by(within), by(id));
    wait_until(&format!("{id} in {within} to be clicked"), async || {
        page.find(Locator::Css(&place)).await.ok()?.click().await.ok()
    })
    .await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn recording_is_paused_and_resumed() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    mock.follow(Plan::default());
    let browser = open(&app, "/traces").await;
    let page = &browser.page;
    click(page, "source-proxy").await;
    click(page, "pause-recording").await;
    reads(page, "source-strip", "Recording is paused").await;
    reads(page, "source-proxy", "paused").await;
    gone(page, "source-menu").await;

    let passed = send(app.proxy, &ask(Dialect::Anthropic, false, "Nobody keeps this.", "")).await;
    assert_eq!(passed.status(), 200, "calls go through");
    assert_eq!(app.health().await.completeness.paused, 1);
    reads(page, "source-strip", "1 call went by").await;
    assert_eq!(count(page, "trace-row").await, 0, "and none is kept");

    click(page, "resume-recording").await;
    gone(page, "source-strip").await;
    send(app.proxy, &ask(Dialect::Anthropic, false, "This one is kept.", "")).await;
    reads(page, "trace-row", "This one is kept.").await;
    assert_eq!(app.recorded(1).await.len(), 1);
    browser.finish().await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn switching_off_says_first_whom_it_strands() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    mock.follow(Plan::default());
    let hostile = "<img src=x onerror=\"window.owned=1\">";
    send(app.proxy, &ask(Dialect::Anthropic, false, "hello", &format!("User-Agent: {hostile}\r\n"))).await;
    send(
        app.proxy,
        &ask(Dialect::Anthropic, false, "hello", "User-Agent: claude-cli/2.1.0 (external, cli)\r\n"),
    )
    .await;
    app.recorded(2).await;
    let browser = open(&app, "/traces").await;
    let page = &browser.page;
    click(page, "source-proxy").await;
    click(page, "proxy-off").await;
    reads(page, "stranded-list", "Claude Code").await;
    assert!(
        page.execute("return window.owned", Vec::new()).await.unwrap().is_null(),
        "a tool's name is text"
    );
    assert_eq!(page.execute("return document.querySelectorAll('img').length", Vec::new()).await.unwrap(), 0);
    // Looking does not switch it off, and going back leaves it on.
    click(page, "keep-on").await;
    send(app.proxy, &request("GET", "/health", "", b"")).await;
    click(page, "proxy-off").await;
    click_in(page, "source-menu", "confirm").await;
    reads(page, "source-strip", "The proxy is off").await;
    let refused = try_send(app.proxy, &request("GET", "/health", "", b"")).await;
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    // Snippets still name the port it will listen on.
    click(page, "tab-connect").await;
    reads(page, "connect-aider", &format!("localhost:{}", app.proxy.port())).await;

    click(page, "proxy-on").await;
    gone(page, "source-strip").await;
    assert_eq!(send(app.proxy, &request("GET", "/health", "", b"")).await.status(), 200);
    browser.finish().await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_setting_is_changed_checked_and_kept() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let browser = open(&app, "/settings").await;
    let page = &browser.page;
    // What the environment says is not changed here.
    reads(page, "setting-proxy_port", "PROXY_PORT").await;
    let port = field(page, "control-proxy_port").await;
    assert!(port.attr("readonly").await.unwrap().is_some(), "a value from the environment is locked");

    fill(page, "control-max_body_mb", "lots").await;
    click_in(page, "setting-max_body_mb", "save-setting").await;
    reads(page, "refused", "max_body_mb").await;
    fill(page, "control-max_body_mb", "64").await;
    click_in(page, "setting-max_body_mb", "save-setting").await;
    reads(page, "setting-max_body_mb", "set in the file").await;
    gone(page, "refused").await;
    let file = reads(page, "settings-file", "").await;
    let written = || std::fs::read_to_string(&file).unwrap();
    assert!(written().lines().any(|line| line == "max_body_mb = 64"), "{}", written());

    page.refresh().await.unwrap();
    wait_until("the value after a reload", async || {
        let field = page.find(Locator::Css(&by("control-max_body_mb"))).await.ok()?;
        (field.prop("value").await.ok()?? == "64").then_some(())
    })
    .await;
    click_in(page, "setting-max_body_mb", "reset-setting").await;
    reads(page, "setting-max_body_mb", "default").await;
    assert!(!written().lines().any(|line| line == "max_body_mb = 64"), "{}", written());
    click_in(page, "setting-max_body_mb", "undo-setting").await;
    reads(page, "setting-max_body_mb", "set in the file").await;
    assert!(written().lines().any(|line| line == "max_body_mb = 64"), "{}", written());
    browser.finish_after_refusals(1).await;
}
