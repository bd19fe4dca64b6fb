//! How the app lives and ends: once, visibly, and never without storing what went through it.

use api::CallState;
use rustix::process::{Pid, Signal, kill_process};
use tests::{
    App, Client, Dialect, Ended, Finished, Mock, Plan, Screen, command_of, free_port, send, wait_until,
};

use super::driver::drive;
use super::{TITLE, program, setup, start};
use crate::requests::{ask, request};

/// A stream that waits in its middle, and what came of it.
async fn stream(mock: &Mock, app: &App) -> (Client, Vec<u8>) {
    mock.answer(|received| Plan::default().answer(received).gated());
    let mut client = Client::open(app.proxy, &ask(Dialect::Anthropic, true, "Take your time", "")).await;
    client.head().await.unwrap();
    let begun = client.bytes(1).await;
    (client, begun)
}

fn signal(app: &App, signal: Signal) {
    let process = Pid::from_raw(i32::try_from(app.process_id()).unwrap()).unwrap();
    kill_process(process, signal).unwrap();
}

/// Starts the app again on what it left, and gives its one call's state.
async fn state_of_the_call(finished: Finished) -> CallState {
    let again = finished.setup.start().await;
    again.recorded(1).await[0].state
}

async fn is_up(app: &App) -> bool {
    send(app.proxy, &request("GET", "/health", "", b"")).await.status() == 200
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn quitting_lets_a_stream_finish_and_says_so_meanwhile() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let tray = screen.tray().await;
    let app = start(&program, &mock, &screen).await;
    screen.close(&screen.window(TITLE).await);
    screen.no_window().await;
    let (client, begun) = stream(&mock, &app).await;
    tray.click(&["Quit LLMFlow"]).await;
    tray.entry("Stopping: 1 call under way").await;
    screen.window(TITLE).await;
    mock.open_gate(1_000);
    let got = client.rest().await;
    assert_eq!(got.ended, Ended::Whole);
    let sent = mock.ended(1).await.remove(0).sent.unwrap().body;
    assert_eq!([begun, got.body].concat(), sent, "every byte reached the client");
    let finished = app.ends().await;
    assert!(finished.status.success(), "{}", finished.stderr);
    assert!(!finished.stderr.contains("ERROR"), "{}", finished.stderr);
    assert_eq!(state_of_the_call(finished).await, CallState::Complete);
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn each_signal_drains_and_a_second_one_cuts() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    for kind in [Signal::TERM, Signal::INT, Signal::HUP] {
        let app = start(&program, &mock, &screen).await;
        screen.window(TITLE).await;
        signal(&app, kind);
        let finished = app.ends().await;
        assert!(finished.status.success(), "{kind:?}: {} {}", finished.status, finished.stderr);
    }
    let app = start(&program, &mock, &screen).await;
    screen.window(TITLE).await;
    let (client, _) = stream(&mock, &app).await;
    signal(&app, Signal::TERM);
    wait_until("no more new calls", async || {
        tests::try_send(app.proxy, &request("GET", "/health", "", b"")).await.is_err().then_some(())
    })
    .await;
    signal(&app, Signal::TERM);
    let finished = app.ends().await;
    assert!(finished.status.success(), "{}", finished.stderr);
    assert_ne!(client.rest().await.ended, Ended::Whole);
    assert_ne!(state_of_the_call(finished).await, CallState::Complete, "what was cut is marked so");
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn without_a_tray_closing_the_window_quits() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let app = start(&program, &mock, &screen).await;
    let (client, _) = stream(&mock, &app).await;
    screen.close(&screen.window(TITLE).await);
    wait_until("no more new calls", async || {
        tests::try_send(app.proxy, &request("GET", "/health", "", b"")).await.is_err().then_some(())
    })
    .await;
    mock.open_gate(1_000);
    assert_eq!(client.rest().await.ended, Ended::Whole);
    let finished = app.ends().await;
    assert!(finished.status.success(), "{}", finished.stderr);
    assert_eq!(state_of_the_call(finished).await, CallState::Complete);
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn a_setting_makes_closing_quit() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let tray = screen.tray().await;
    let app = setup(&program, &mock, &screen).settings("close_to_tray = false").start().await;
    tray.entry("Recording").await;
    screen.close(&screen.window(TITLE).await);
    assert!(app.ends().await.status.success());
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn a_second_start_shows_the_first_ones_window() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let tray = screen.tray().await;
    let first = setup(&program, &mock, &screen).argument("--hidden").start().await;
    tray.entry("Recording").await;
    screen.no_window().await;
    let mut second = command_of(&program, &screen.session.home());
    second.envs(screen.environment());
    let second = tokio::task::spawn_blocking(move || second.status()).await.unwrap().unwrap();
    assert!(second.success(), "{second:?}");
    screen.window(TITLE).await;
    assert_eq!(screen.windows().len(), 1);
    assert_eq!(tray.items(), 1, "there is one icon");
    assert!(is_up(&first).await);
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn an_app_that_nobody_could_see_shows_its_window() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let _app = setup(&program, &mock, &screen).argument("--hidden").start().await;
    screen.window(TITLE).await;
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn the_window_comes_back_as_it_was() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let driven = drive(&program, &screen, setup(&program, &mock, &screen)).await;
    screen.place(&screen.window(TITLE).await, 100, 80, 1_100, 700);
    wait_until("the app to see its new size", async || {
        (driven.page.execute("return innerWidth", Vec::new()).await.ok()? == 1_100).then_some(())
    })
    .await;
    let lock = std::fs::read(driven.app.data().join("llmflow.lock")).unwrap();
    let lock: serde_json::Value = serde_json::from_slice(&lock).unwrap();
    let process = i32::try_from(lock["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(process).unwrap(), Signal::TERM).unwrap();
    screen.no_window().await;
    drop(driven);
    let _again = start(&program, &mock, &screen).await;
    wait_until("the same size", async || (screen.window(TITLE).await.size == (1_100, 700)).then_some(()))
        .await;
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn a_window_on_another_instance_leaves_it_running() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let tray = screen.tray().await;
    let running = App::start(mock.address()).await;
    let ports = (running.proxy.port(), running.dashboard.port());
    let folder = running.data().display().to_string();
    let app = setup(&program, &mock, &screen).variable("DATA_DIR", &folder).start_on(ports.0, ports.1).await;
    tray.entry(&format!("Recording on port {}", ports.0)).await;
    tray.click(&["Pause recording"]).await;
    tray.entry("Resume recording").await;
    assert_eq!(send(running.proxy, &request("GET", "/health", "", b"")).await.json()["recording"], false);
    tray.click(&["Quit LLMFlow"]).await;
    let finished = app.ends().await;
    assert!(finished.status.success(), "{}", finished.stderr);
    assert!(is_up(&running).await);
    assert!(!finished.setup.data().join("data.db").exists(), "it kept no store of its own");
}

/// Another account's LLMFlow has our dashboard's port: its data is not ours to see, nor ours its.
#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn another_accounts_instance_is_not_attached_to() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let tray = screen.tray().await;
    let theirs = App::start(mock.address()).await;
    let proxy = free_port();
    let app = setup(&program, &mock, &screen).start_on(proxy, theirs.dashboard.port()).await;
    tray.entry(&format!("Recording on port {proxy}")).await;
    assert!(app.log().contains("belongs to another program or account"), "{}", app.log());
    assert!(app.data().join("data.db").exists(), "it runs on its own folder");
    assert!(app.stop().status.success());
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn without_a_display_it_says_what_to_do() {
    let program = program();
    let home = tempfile::tempdir().unwrap();
    let output = command_of(&program, home.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no display") && said.contains("llmflow serve"), "{said}");
}
