//! Ends of the process: killed under load, told to stop, started twice, or with a port or a database it cannot have.

use std::collections::HashMap;
use std::process::Stdio;

use api::{BodySide, CallId, CallState, HealthStatus, SourceState};
use tests::{App, Client, Dialect, Ended, Mock, Plan, Setup, command, send, try_send, wait_until};

use crate::requests::ask;

#[tokio::test]
async fn after_kill_9_under_load_everything_reported_is_there() {
    const OPEN: usize = 5;
    const LEAST: usize = 200;
    let mock = Mock::start().await;
    let mut app = App::start(mock.address()).await;
    for round in 1..=3_usize {
        mock.answer(|received| {
            let answer = Plan::default().answer(received);
            if tests::contains(&received.body, b"stays open") { answer.gated() } else { answer }
        });
        let mut open = Vec::new();
        for _ in 0..OPEN {
            let mut client = Client::open(app.proxy, &ask(Dialect::Anthropic, true, "stays open", "")).await;
            client.head().await.unwrap();
            client.bytes(1).await;
            open.push(client);
        }
        wait_until("the open calls are committed", async || {
            let calls = app.calls().await;
            (calls.iter().filter(|call| call.state == CallState::Open).count() == OPEN).then_some(())
        })
        .await;
        // Load that goes on until the process is gone.
        let mut load = tokio::task::JoinSet::new();
        for worker in 0..4 {
            let proxy = app.proxy;
            load.spawn(async move {
                for number in 0.. {
                    let prompt = format!("worker {worker} call {number}");
                    let response = try_send(proxy, &ask(Dialect::Chat, number % 2 == 0, &prompt, "")).await;
                    if !response.is_ok_and(|response| response.ended == Ended::Whole) {
                        return;
                    }
                }
            });
        }
        let reported: HashMap<CallId, String> = wait_until("enough calls", async || {
            let calls = app.calls().await;
            let complete = calls.into_iter().filter(|call| call.state == CallState::Complete);
            let complete: HashMap<_, _> =
                complete.map(|call| (call.id, call.title.unwrap_or_default())).collect();
            (complete.len() >= LEAST * round.min(4)).then_some(complete)
        })
        .await;
        let finished = app.kill();
        while let Some(done) = load.join_next().await {
            done.unwrap();
        }
        app = finished.setup.start().await;
        let calls = app.calls().await;
        let by_id: HashMap<_, _> = calls.iter().map(|call| (call.id, call)).collect();
        for (id, title) in &reported {
            let call = by_id.get(id).unwrap_or_else(|| panic!("{title} was reported and is gone"));
            assert_eq!((call.state, call.title.as_ref()), (CallState::Complete, Some(title)));
        }
        for (id, title) in reported.iter().take(40) {
            let text = app.body(*id, BodySide::Request).await;
            assert!(text.contains(title.as_str()), "{title} has its body");
            assert!(!app.body(*id, BodySide::Response).await.is_empty());
        }
        assert!(calls.iter().all(|call| call.state != CallState::Open), "nothing is open after a start");
        let lost = calls.iter().filter(|call| call.state == CallState::Lost).count();
        assert!(lost >= OPEN * round, "open calls are shown as lost: {lost}");
        println!("round {round}: {} reported before kill -9, all there; {lost} lost in all", reported.len());
    }
    let finished = app.stop();
    let mut database = <sqlx::SqliteConnection as sqlx::Connection>::connect(&format!(
        "sqlite://{}",
        finished.setup.data().join("data.db").display()
    ))
    .await
    .unwrap();
    let check: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut database).await.unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn a_second_instance_is_refused_with_the_remedy() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let second = command(&app.home())
        .arg("serve")
        .env("DATA_DIR", app.data())
        .env("PROXY_PORT", "0")
        .env("DASHBOARD_PORT", "0")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another LLMFlow") && said.contains("DATA_DIR"), "{said}");
    assert!(said.contains(&app.process_id().to_string()), "it names the process: {said}");
    assert!(!said.contains("panicked"), "{said}");
    send(app.proxy, &ask(Dialect::Chat, false, "still here", "")).await;
    app.recorded(1).await;
}

#[tokio::test]
async fn a_taken_proxy_port_leaves_the_dashboard_up() {
    let mock = Mock::start().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let dashboard = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let app = Setup::new(mock.address()).start_on(port, dashboard).await;
    let health = wait_until("the dashboard", async || {
        tokio::net::TcpStream::connect(app.dashboard).await.ok()?;
        Some(app.health().await)
    })
    .await;
    assert_eq!(health.status, HealthStatus::Degraded);
    let proxy = health.sources.iter().find(|source| source.name == "proxy").unwrap();
    let SourceState::Failed { message } = &proxy.state else { panic!("{proxy:?}") };
    assert!(message.contains(&port.to_string()) && message.contains("PROXY_PORT"), "{message}");
    assert!(health.problems.iter().any(|problem| problem.contains("PROXY_PORT")), "{health:?}");
    let finished = app.stop();
    assert!(finished.status.success());
    assert!(finished.stderr.contains("PROXY_PORT"), "it says so at its start: {}", finished.stderr);
}

#[tokio::test]
async fn told_to_stop_it_drains() {
    let mock = Mock::start().await;
    mock.answer(|received| Plan::default().answer(received).gated());
    let app = App::start(mock.address()).await;
    let mut client = Client::open(app.proxy, &ask(Dialect::Anthropic, true, "drain me", "")).await;
    client.head().await.unwrap();
    let first = client.bytes(1).await;
    app.terminate();
    wait_until("the listener to close", async || {
        tokio::net::TcpStream::connect(app.proxy).await.is_err().then_some(())
    })
    .await;
    mock.open_gate(1_000);
    let response = client.rest().await;
    assert_eq!(response.ended, Ended::Whole);
    let whole = mock.ended(1).await[0].sent.clone().unwrap();
    assert!(whole.whole);
    assert_eq!([first, response.body].concat(), whole.body, "the client has every byte");
    let finished = app.stop();
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    let app = finished.setup.start().await;
    let call = app.recorded(1).await.remove(0);
    assert_eq!(call.state, CallState::Complete, "{:?}", call.error);
    assert_eq!(app.body(call.id, BodySide::Response).await.as_bytes(), whole.body);
}

/// Calls that outlive the grace are cut by us, and recorded so.
#[tokio::test]
async fn a_call_that_outlives_the_grace_is_cut_and_recorded() {
    let mock = Mock::start().await;
    mock.answer(|received| Plan::default().answer(received).gated());
    let app = Setup::new(mock.address()).settings("shutdown_grace_s = 0").start().await;
    let mut client = Client::open(app.proxy, &ask(Dialect::Anthropic, true, "too long", "")).await;
    client.head().await.unwrap();
    client.bytes(1).await;
    let finished = app.stop();
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    assert_eq!(client.rest().await.ended, Ended::Broken, "the client is not told that this was all");
    let app = finished.setup.start().await;
    let call = app.recorded(1).await.remove(0);
    assert_eq!(call.state, CallState::Truncated, "{:?}", call.error);
    assert!(call.error.unwrap().contains("LLMFlow"), "it says who cut it");
}

/// An open dashboard must not keep the process from ending.
#[tokio::test]
async fn an_open_event_stream_does_not_hold_up_the_end() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut events =
        Client::open(app.dashboard, b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    events.head().await.unwrap();
    let mut idle = tokio::net::TcpStream::connect(app.proxy).await.unwrap();
    let finished = app.stop();
    assert_eq!(finished.status.code(), Some(0));
    use tokio::io::AsyncReadExt;
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_foreign_database_is_moved_aside_untouched() {
    use sqlx::{ConnectOptions, Connection};
    let mock = Mock::start().await;
    let setup = Setup::new(mock.address());
    let folder = setup.data();
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("data.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut foreign = options.connect().await.unwrap();
    sqlx::query("CREATE TABLE traces (id TEXT)").execute(&mut foreign).await.unwrap();
    sqlx::query("INSERT INTO traces VALUES ('mine')").execute(&mut foreign).await.unwrap();
    foreign.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let app = setup.start().await;
    send(app.proxy, &ask(Dialect::Chat, false, "new", "")).await;
    app.recorded(1).await;
    let kept = tests::files(&folder).into_iter().find(|file| std::fs::read(file).unwrap() == before);
    let kept = kept.expect("the foreign database is still there, byte for byte");
    let health = app.health().await;
    let name = kept.file_name().unwrap().to_string_lossy().into_owned();
    assert!(health.problems.iter().any(|problem| problem.contains(&name)), "it says where: {health:?}");
    // The next start leaves both alone.
    let app = app.stop().setup.start().await;
    app.recorded(1).await;
    assert_eq!(std::fs::read(&kept).unwrap(), before);
}

/// Rubbish is moved aside as well, and does not stop the start.
#[tokio::test]
async fn rubbish_in_the_place_of_the_database_is_moved_aside() {
    let mock = Mock::start().await;
    let setup = Setup::new(mock.address());
    std::fs::create_dir_all(setup.data()).unwrap();
    std::fs::write(setup.data().join("data.db"), "not a database").unwrap();
    let app = setup.start().await;
    send(app.proxy, &ask(Dialect::Chat, false, "new", "")).await;
    app.recorded(1).await;
    let kept = tests::files(&app.data()).iter().any(|file| std::fs::read(file).unwrap() == b"not a database");
    assert!(kept);
}

/// What cannot be read any more is kept, said, and does not keep calls from being recorded.
#[tokio::test]
async fn a_damaged_database_is_kept_aside_and_recording_goes_on() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    send(app.proxy, &ask(Dialect::Chat, false, "before", "")).await;
    app.recorded(1).await;
    let stopped = app.stop();
    let path = stopped.setup.data().join("data.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_096..].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let app = stopped.setup.start().await;
    let answer = send(app.proxy, &ask(Dialect::Chat, false, "after", "")).await;
    assert_eq!(answer.status(), 200);
    app.recorded(1).await;
    let kept = tests::files(&app.data()).into_iter().find(|file| std::fs::read(file).unwrap() == bytes);
    let name = kept.expect("nothing is thrown away").file_name().unwrap().to_string_lossy().into_owned();
    let health = app.health().await;
    let said = health.problems.iter().find(|problem| problem.contains(&name));
    assert!(said.is_some_and(|said| said.contains("llmflow restore")), "{health:?}");
}
