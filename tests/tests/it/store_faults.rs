//! A store that cannot write for a while: calls go on, their records wait, and nothing is lost.

use api::HealthStatus;
use sqlx::{Connection, SqliteConnection};
use tests::{App, Dialect, Mock, send, wait_until};

use crate::requests::ask;

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
    let counted = app.health().await.completeness;
    assert_eq!((counted.seen, counted.recorded, counted.waiting, counted.lost), (3, 3, 0, 0));
    let health = app.health().await;
    assert_eq!((health.status, health.problems.len()), (HealthStatus::Ok, 0), "{:?}", health.problems);
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
