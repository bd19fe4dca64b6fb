//! More tabs of the dashboard than a browser opens connections to one place.

use tests::{App, Dialect, Mock, Plan, send};

use super::controls::open;
use super::{count, expect_dashboard, reads};
use crate::requests::ask;

/// Chromium, Firefox and Safari open six to one host over HTTP/1.1.
const TABS: usize = 9;

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn any_number_of_tabs_works() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    mock.follow(Plan::default());
    let browser = open(&app, "/traces").await;
    let page = &browser.page;
    let first = page.window().await.unwrap();
    for _ in 1..TABS {
        let tab = page.new_window(true).await.unwrap();
        page.switch_to_window(tab.handle).await.unwrap();
        page.goto(&format!("http://localhost:{}/traces", app.dashboard.port())).await.unwrap();
        reads(page, "first-run", "").await;
        reads(page, "connection-status", "Connected").await;
    }

    // What happened while nobody looked is there for who comes back, and what happens then comes by itself.
    send(app.proxy, &ask(Dialect::Anthropic, false, "Said behind its back.", "")).await;
    app.recorded(1).await;
    reads(page, "trace-row", "Said behind its back.").await;
    page.switch_to_window(first).await.unwrap();
    reads(page, "trace-row", "Said behind its back.").await;
    send(app.proxy, &ask(Dialect::Anthropic, false, "Said to its face.", "")).await;
    reads(page, "trace-row", "Said to its face.").await;
    assert_eq!(count(page, "trace-row").await, 2);
    browser.finish().await;
}
