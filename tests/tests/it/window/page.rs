//! The dashboard in the app's window: over the app's own transport, live, read, and copied from.

use tests::{Client, Dialect, Mock, Plan, Screen, Tokens, send, wait_until};

use super::driver::{drive, drive_on, reads};
use super::{program, setup};
use crate::browser::{click, computed, count};
use crate::requests::ask;

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn a_call_is_seen_live_in_the_window_opened_and_read() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let driven = drive(&program, &screen, setup(&program, &mock, &screen)).await;
    let (app, page) = (&driven.app, &driven.page);
    assert_eq!(page.current_url().await.unwrap().scheme(), "tauri", "the window has pages of its own");
    reads(page, "connection-status", "Connected").await;
    page.execute("window.notReloaded = true", Vec::new()).await.unwrap();
    click(page, "tab-traces").await;
    reads(page, "first-run", "").await;

    let tokens = Tokens {
        input: 12_000,
        cache_read: 0,
        cache_write_5m: 0,
        cache_write_1h: 0,
        output: 700,
        reasoning: 0,
    };
    let plan = Plan { tokens, text: "It rains in Köln, as ever. 🌧".into(), ..Plan::default() };
    mock.answer(move |received| plan.answer(received).gated());
    let mut client =
        Client::open(app.proxy, &ask(Dialect::Anthropic, true, "How is the weather in Köln?", "")).await;
    client.head().await.unwrap();
    client.bytes(1).await;
    reads(page, "live-strip", "claude-sonnet-4-5").await;
    mock.open_gate(1_000);
    client.rest().await;
    app.recorded(1).await;
    reads(page, "trace-row", "How is the weather in Köln?").await;
    assert_eq!(count(page, "trace-row").await, 1);
    click(page, "trace-row").await;
    reads(page, "trace-detail", "$0.0").await;
    click(page, "open-trace").await;
    let talk = reads(page, "trace-conversation", "It rains in Köln, as ever. 🌧").await;
    assert!(talk.contains("How is the weather in Köln?"), "{talk}");
    assert!(page.execute("return window.notReloaded", Vec::new()).await.unwrap() == true, "without a reload");

    // A reload of a deep address works, and events arrive after it too.
    page.refresh().await.unwrap();
    reads(page, "trace-conversation", "It rains in Köln, as ever. 🌧").await;
    reads(page, "connection-status", "Connected").await;
    click(page, "tab-traces").await;
    mock.answer(move |received| Plan::default().answer(received));
    send(app.proxy, &ask(Dialect::Chat, false, "And in Bonn?", "")).await;
    reads(page, "trace-row", "And in Bonn?").await;
    page.clone().close().await.unwrap();
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn the_theme_the_settings_and_copying_work_in_the_window() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let driven = drive(&program, &screen, setup(&program, &mock, &screen)).await;
    let page = &driven.page;
    reads(page, "connection-status", "Connected").await;
    let theme = "return document.documentElement.dataset.theme";
    let before = computed(page, theme).await;
    click(page, "theme-toggle").await;
    wait_until("another theme", async || (computed(page, theme).await != before).then_some(())).await;

    click(page, "tab-connect").await;
    click(page, "copy-snippet").await;
    let address = format!("http://localhost:{}/passthrough/anthropic", driven.app.proxy.port());
    wait_until("the address on the clipboard", async || {
        screen.clipboard().filter(|text| text.contains(&address))
    })
    .await;

    click(page, "tab-settings").await;
    reads(page, "setting-proxy_port", "").await;
    let entry = screen.session.home().join(".config/autostart/LLMFlow.desktop");
    assert!(!entry.exists());
    click(page, "control-start-at-login").await;
    wait_until("an entry for starting at login", async || entry.exists().then_some(())).await;
    let text = std::fs::read_to_string(&entry).unwrap();
    assert!(text.contains("llmflow-desktop") && text.contains("--hidden"), "{text}");
    wait_until("the switch to be on", async || {
        let on = "return document.querySelector('[data-testid=control-start-at-login]').getAttribute('aria-checked')";
        (computed(page, on).await == "true").then_some(())
    })
    .await;
    click(page, "control-start-at-login").await;
    wait_until("no entry for starting at login", async || (!entry.exists()).then_some(())).await;
    page.clone().close().await.unwrap();
}

/// Nothing but the app's own commands may be asked for, and nothing but its own pages may be shown.
#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn the_window_is_narrow() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let driven = drive(&program, &screen, setup(&program, &mock, &screen)).await;
    let page = &driven.page;
    reads(page, "connection-status", "Connected").await;
    let refused = |command: &str| {
        format!(
            "const done = arguments[arguments.length - 1];\
             window.__TAURI_INTERNALS__.invoke('{command}').then(() => done('allowed'), (error) => done(String(error)))"
        )
    };
    for command in
        ["plugin:event|emit", "plugin:window|close", "plugin:autostart|enable", "plugin:app|version"]
    {
        let said = page.execute_async(&refused(command), Vec::new()).await.unwrap();
        let said = said.as_str().unwrap_or_default();
        assert!(said.contains("not allowed"), "{command}: {said}");
    }
    let ran = page
        .execute("try { return eval('1 + 1') } catch (error) { return error.name }", Vec::new())
        .await
        .unwrap();
    assert_eq!(ran, "EvalError", "the content policy forbids eval");
    let inline = "const script = document.createElement('script'); script.textContent = 'window.ran = 1';\
        document.body.append(script); return String(window.ran)";
    assert_eq!(page.execute(inline, Vec::new()).await.unwrap(), "undefined", "and inline scripts");
    assert!(page.execute("return window.__TAURI__ === undefined", Vec::new()).await.unwrap() == true);
    page.execute("window.location = 'http://127.0.0.1:9/'", Vec::new()).await.unwrap();
    reads(page, "connection-status", "Connected").await;
    assert_eq!(page.current_url().await.unwrap().scheme(), "tauri", "it stays where it is");
    page.clone().close().await.unwrap();
}

/// A window on another instance shows its dashboard, over HTTP and without any right to the app.
#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn it_attaches_to_an_instance_that_runs_and_says_when_that_ends() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let running = tests::Setup::new(mock.address()).start().await;
    let data = running.data().display().to_string();
    let setup = setup(&program, &mock, &screen).variable("DATA_DIR", &data);
    let ports = (tests::free_port(), tests::free_port());
    let driven = drive_on(&program, &screen, setup, ports, &[]).await;
    let page = &driven.page;
    reads(page, "connection-status", "Connected").await;
    let address = page.current_url().await.unwrap();
    assert_eq!((address.scheme(), address.port()), ("http", Some(running.dashboard.port())));
    let ask = "const done = arguments[arguments.length - 1];\
        window.__TAURI_INTERNALS__.invoke('rpc', {request: '{}'}).then(() => done('allowed'), (error) => done(String(error)))";
    let said = page.execute_async(ask, Vec::new()).await.unwrap();
    assert!(said.as_str().unwrap_or_default().contains("not allowed"), "{said}");

    let finished = running.stop();
    assert!(finished.status.success());
    reads(page, "notice-title", "LLMFlow has ended").await;
    reads(page, "notice-action", "Start it here").await;
    click(page, "notice-action").await;
    reads(page, "connection-status", "Connected").await;
    assert_eq!(page.current_url().await.unwrap().scheme(), "tauri", "now it hosts the engine itself");
    assert!(driven.app.health().await.data_dir.ends_with("data"));
    page.clone().close().await.unwrap();
}

/// What keeps it from starting stands in the window, with another try.
#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn a_start_that_fails_is_said_in_the_window() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let setup = setup(&program, &mock, &screen);
    std::fs::write(setup.data(), "not a folder").unwrap();
    let data = setup.data();
    let driven = drive(&program, &screen, setup).await;
    let page = &driven.page;
    let said = reads(page, "notice-text", "not a folder").await;
    assert!(said.contains("DATA_DIR"), "it names the remedy: {said}");
    std::fs::remove_file(data).unwrap();
    click(page, "notice-action").await;
    reads(page, "connection-status", "Connected").await;
    page.clone().close().await.unwrap();
}

/// Ports that other programs have are stated; the app runs.
#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn taken_ports_are_stated_and_the_window_works() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let taken = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = taken.each_ref().map(|taken| taken.local_addr().unwrap().port());
    let start = setup(&program, &mock, &screen);
    let driven = drive_on(&program, &screen, start, (ports[0], ports[1]), &[]).await;
    let page = &driven.page;
    reads(page, "connection-status", "Connected").await;
    wait_until("both ports to be named", async || {
        let titles = "return [...document.querySelectorAll('[data-testid=health-problem]')].map((it) => it.title).join(' ')";
        let said = computed(page, titles).await;
        ports.iter().all(|port| said.contains(&port.to_string())).then_some(())
    })
    .await;
    page.clone().close().await.unwrap();
}
