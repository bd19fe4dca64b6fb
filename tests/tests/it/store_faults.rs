//! A store that cannot write for a while: calls go on, their records wait, and nothing is lost.

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
    assert_eq!(app.health().await.completeness.recorded, 0);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let calls = app.recorded(3).await;
    assert!(calls.iter().all(|call| call.state == api::CallState::Complete));
    let counted = app.health().await.completeness;
    assert_eq!((counted.seen, counted.recorded, counted.lost), (3, 3, 0));
}
