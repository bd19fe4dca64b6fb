//! A store that cannot write for a while: calls go on, their records wait, and nothing is lost.

use api::HealthStatus;
use sqlx::{Connection, SqliteConnection};
use tests::{App, Dialect, Mock, Setup, send, wait_until};

use crate::requests::{ask, request};

#[tokio::test]
async fn calls_during_a_locked_database_are_recorded_after_it() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let address = format!("sqlite://{}", app.data().join("data.db").display());
    let mut other = SqliteConnection::connect(&address).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    for number in 0..3 {
        let answer = send(app.proxy, &ask(Dialect::Chat, false, &format!("call {number}"), "")).await;
        assert_eq!(answer.status(), 200, "a call never waits for the store");
    }
    wait_until("a failed attempt to write", async || app.log().contains("trying again").then_some(())).await;
    let health = app.health().await;
    let counted = health.completeness;
    assert_eq!((counted.recorded, counted.open, counted.waiting), (0, 0, 3), "what is over is not open");
    assert_eq!(health.status, HealthStatus::Degraded);
    let problem = health.problems.join("\n");
    for words in ["cannot write to", "locked", "3 calls wait to be stored"] {
        assert!(problem.contains(words), "{words} in {problem}");
    }
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let calls = app.recorded(3).await;
    assert!(calls.iter().all(|call| call.state == api::CallState::Complete));
    // A row is there a moment before it is counted.
    let stored = async || Some(app.health().await.completeness).filter(|counted| counted.recorded == 3);
    let counted = wait_until("all calls to be counted as stored", stored).await;
    assert_eq!((counted.seen, counted.waiting, counted.lost), (3, 0, 0));
    let health = app.health().await;
    assert_eq!((health.status, health.problems.len()), (HealthStatus::Ok, 0), "{:?}", health.problems);
}

#[tokio::test]
async fn calls_that_have_to_be_read_first_never_wait_for_the_store() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings("memory_mb = 1").start().await;
    let address = format!("sqlite://{}", app.data().join("data.db").display());
    let mut other = SqliteConnection::connect(&address).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    // Copies that wait for the store take all there is for copies.
    let large = "word ".repeat(100_000);
    for _ in 0..4 {
        assert_eq!(send(app.proxy, &ask(Dialect::Anthropic, false, &large, "")).await.status(), 200);
    }
    let translated = request(
        "POST",
        "/anthropic/v1/chat/completions",
        "Content-Type: application/json\r\n",
        br#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hi"}]}"#,
    );
    let answer = send(app.proxy, &translated).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let calls = app.recorded(5).await;
    assert!(calls.iter().all(|call| call.state == api::CallState::Complete));
    assert!(app.health().await.completeness.cut > 0, "what had no room was cut from the record");
}

#[tokio::test]
async fn calls_that_could_not_be_stored_are_not_a_clean_end() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let address = format!("sqlite://{}", app.data().join("data.db").display());
    let mut other = SqliteConnection::connect(&address).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    send(app.proxy, &ask(Dialect::Chat, false, "never stored", "")).await;
    app.terminate();
    wait_until("the call to be given up", async || app.log().contains("are lost").then_some(())).await;
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let finished = app.ends().await;
    assert_eq!(finished.status.code(), Some(1), "{}", finished.stdout);
    assert!(finished.stdout.contains("1 call went through but could not be stored"), "{}", finished.stdout);
}

/// The app without root's privilege to write whatever it likes.
fn unprivileged(setup: Setup) -> Setup {
    if !rustix::process::geteuid().is_root() {
        return setup;
    }
    let setup = setup.program(std::path::Path::new("setpriv"));
    ["--bounding-set=-all", "--inh-caps=-all", &tests::binary().display().to_string(), "serve"]
        .iter()
        .fold(setup, |setup, argument| setup.argument(argument))
}

/// An app that recorded a call and was stopped, and its database.
async fn with_a_call(mock: &Mock) -> (Setup, std::path::PathBuf) {
    let app = App::start(mock.address()).await;
    send(app.proxy, &ask(Dialect::Chat, false, "before", "")).await;
    app.recorded(1).await;
    let setup = app.stop().setup;
    let database = setup.data().join("data.db");
    (setup, database)
}

#[tokio::test]
async fn a_database_that_was_made_read_only_is_made_writable() {
    use std::os::unix::fs::PermissionsExt;
    let mock = Mock::start().await;
    let (setup, database) = with_a_call(&mock).await;
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o444)).unwrap();
    let app = unprivileged(setup).start().await;
    send(app.proxy, &ask(Dialect::Chat, false, "after", "")).await;
    app.recorded(2).await;
    assert_eq!(std::fs::metadata(&database).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(app.health().await.status, HealthStatus::Ok);
}

#[tokio::test]
async fn a_database_of_somebody_else_is_kept_aside_and_recording_goes_on() {
    if !rustix::process::geteuid().is_root() {
        println!("not root: no file can be given to somebody else, so nothing was looked at");
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let mock = Mock::start().await;
    let (setup, database) = with_a_call(&mock).await;
    let before = std::fs::read(&database).unwrap();
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::chown(&database, Some(65_533), None).unwrap();
    let app = unprivileged(setup).start().await;
    assert_eq!(send(app.proxy, &ask(Dialect::Chat, false, "after", "")).await.status(), 200);
    assert_eq!(app.recorded(1).await.len(), 1, "into a new one");
    let problems = app.health().await.problems.join("\n");
    for words in ["belongs to somebody else", "llmflow restore"] {
        assert!(problems.contains(words), "{words} in {problems}");
    }
    let named = problems.split_whitespace().find(|word| word.contains("read-only")).unwrap();
    assert_eq!(std::fs::read(named.trim_end_matches(',')).unwrap(), before, "untouched");
}
