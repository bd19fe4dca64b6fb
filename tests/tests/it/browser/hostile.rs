//! Hostile pages in a real browser: of another site, of another port of this machine, and of a name that leads here (DNS
//! rebinding). They try whatever a page can (`hostile.js`) on every port, and get nothing, leave nothing and spend nothing.

use std::net::SocketAddr;

use api::{Reply, Request};
use fantoccini::Client;
use serde_json::json;
use tests::{App, Mock, Raw, Setup, wait_until};

use super::chromium::Browser;

const ATTACK: &str = include_str!("hostile.js");
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>hostile</title><body>";
/// A name of somebody else's that leads to this machine.
const REBOUND: &str = "rebound.example";
/// Somebody else's site.
const ELSEWHERE: &str = "elsewhere.example";

/// Somebody's pages, on a port of their own.
async fn hostile_site() -> Raw {
    Raw::start(async |_, mut line| {
        line.head().await;
        let length = PAGE.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        line.write(format!("{head}{PAGE}")).await;
    })
    .await
}

/// Lets the page that is open try everything on the app's ports, which it calls `host`; what it read.
async fn attack(page: &Client, app: &App, host: &str) -> Vec<String> {
    let at = |address: SocketAddr| json!(format!("http://{host}:{}", address.port()));
    let ports = [app.dashboard, app.proxy, app.otlp_http, app.otlp_grpc].map(at);
    let seen = page.execute_async(ATTACK, ports.to_vec()).await.unwrap();
    serde_json::from_value(seen).unwrap()
}

/// Nothing has changed, nothing was sent, nothing is stored.
async fn expect_untouched(app: &App, mock: &Mock) {
    let sent: Vec<_> = mock.exchanges().iter().map(|exchange| exchange.received.head.start.clone()).collect();
    assert!(sent.is_empty(), "spent: {sent:?}");
    assert!(app.calls().await.is_empty(), "calls are recorded");
    let health = app.health().await;
    let collected = &health.collected;
    assert_eq!((collected.spans, collected.logs, collected.points), (0, 0, 0), "telemetry was planted");
    assert_eq!(health.completeness.seen, 0);
    assert!(app.providers().await.local_keys.is_empty(), "a local key was made");
    let Reply::Budgets(budgets) = app.ask(&Request::GetBudgets).await else { panic!("not budgets") };
    assert!(budgets.budgets.is_empty(), "{budgets:?}");
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test"]
async fn hostile_pages_read_nothing_write_nothing_and_spend_nothing() {
    let mock = Mock::start().await;
    // A key is there that a call without one would be lent: what there is to spend.
    let app = Setup::new(mock.address())
        .variable("OPENAI_API_KEY", "sk-test-0123456789abcdef")
        .variable("ANTHROPIC_API_KEY", "sk-ant-test-0123456789abcdef")
        .start()
        .await;
    let site = hostile_site().await;
    let port = site.address.port();
    let rules = format!("--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP {ELSEWHERE} 127.0.0.1");
    let browser = Browser::start_with(&[&rules]).await;
    let page = &browser.page;
    page.update_timeouts(fantoccini::wd::TimeoutConfiguration::new(Some(tests::DEADLINE), None, None))
        .await
        .unwrap();

    // Cookies do not help either: there are none here, and with them the origin still counts.
    for (origin, host) in [(ELSEWHERE, "localhost"), ("localhost", "localhost"), ("127.0.0.1", "127.0.0.1")] {
        page.goto(&format!("http://{origin}:{port}/")).await.unwrap();
        let seen = attack(page, &app, host).await;
        assert!(seen.is_empty(), "a page of {origin} on {host} read: {seen:#?}");
        expect_untouched(&app, &mock).await;
    }

    // What a page can do once its own name leads here: it is of one origin with the port it came by.
    for address in [app.dashboard, app.proxy, app.otlp_http, app.otlp_grpc] {
        page.goto(&format!("http://{REBOUND}:{}/", address.port())).await.unwrap();
        let seen = attack(page, &app, REBOUND).await;
        // A frame does not say its status; what is in it says that it was refused.
        let refused = |line: &&String| line.contains(" | 403 | ") || line.contains("is not this machine");
        let read: Vec<_> = seen.iter().filter(|line| !refused(line)).collect();
        assert!(read.is_empty(), "a rebound page read: {read:#?}");
        assert!(!seen.is_empty(), "it is of one origin, and reads its refusals");
        expect_untouched(&app, &mock).await;
    }

    // A page that opens ours holds nothing in its hands, and ours knows nothing of it.
    page.goto(&format!("http://{ELSEWHERE}:{port}/")).await.unwrap();
    let open = format!("window.ours = window.open('http://localhost:{}/')", app.dashboard.port());
    page.execute(&open, Vec::new()).await.unwrap();
    let theirs = page.window().await.unwrap();
    let ours = wait_until("a second window", async || {
        page.windows().await.unwrap().into_iter().find(|window| *window != theirs)
    })
    .await;
    page.switch_to_window(ours).await.unwrap();
    wait_until("our page in it", async || {
        let here = page.current_url().await.ok()?;
        (here.port() == Some(app.dashboard.port())).then_some(())
    })
    .await;
    assert!(page.execute("return window.opener", Vec::new()).await.unwrap().is_null());
    page.switch_to_window(theirs).await.unwrap();
    let reach = "try { return window.ours.closed ? 'nothing' : window.ours.document.title } catch { return 'nothing' }";
    assert_eq!(page.execute(reach, Vec::new()).await.unwrap(), "nothing");

    // What was sent and not waited for has come by now, or comes before the end.
    drop(browser);
    expect_untouched(&app, &mock).await;
    app.stop();
    assert!(mock.exchanges().is_empty(), "nothing was spent at the end");
}
