//! What the OpenAPI document promises, asked for: every operation on an empty and a filled store, every parameter good and
//! bad, every body, every method. That each answer is as documented the harness sees to itself (`tests::contract`).

mod bodies;
mod document;
mod events;
mod methods;
mod paging;
mod parameters;
mod socket;

use serde_json::{Value, json};
use tests::otlp::{Corpus, post_otlp};
use tests::{App, Mock, send, wait_until};

use crate::requests::request;
use crate::rest::{get, six};
use document::{Operation, operations};

/// Calls of every ending, reports of every kind, a budget.
pub(crate) async fn fill(mock: &Mock, app: &App) {
    six(mock, app).await;
    fill_reports(app).await;
    let span = json!({"id": "own-span", "trace_id": "own-trace", "span_name": "plan", "duration_ms": 3});
    let sent = post_otlp("/api/spans", "application/json", "", span.to_string().as_bytes());
    assert_eq!(send(app.dashboard, &sent).await.status(), 201);
    let budget = json!({"per": "day", "usd": "25", "then": "warn"}).to_string();
    let json = "Content-Type: application/json\r\n";
    let set = send(app.dashboard, &request("PUT", "/api/budgets/daily", json, budget.as_bytes())).await;
    assert_eq!(set.status(), 200, "{}", set.text());
    wait_until("reports to be joined", async || {
        let health = get(app, "/api/health").await;
        (health["collected"]["waiting"] == 0).then_some(())
    })
    .await;
}

/// Reports of every kind.
async fn fill_reports(app: &App) {
    for export in Corpus::new(1).exports() {
        export.deliver(app.otlp_http).await;
    }
}

/// What can stand in an operation's path, each with whether it is there.
async fn targets(app: &App, operation: &Operation) -> Vec<(String, bool)> {
    let ids = |rows: &Value, name: &str| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
    };
    let calls = ids(&get(app, "/api/traces?side_calls=true").await, "id");
    let known: Vec<String> = match operation.path.as_str() {
        // Spans come with the calls.
        path if path.starts_with("/api/traces/{id}") && !calls.is_empty() => {
            [calls, vec!["own-span".to_owned()]].concat()
        }
        path if path.starts_with("/api/calls/") => calls,
        path if path.starts_with("/api/logs/") => ids(&get(app, "/api/logs").await["logs"], "id"),
        path if path.starts_with("/api/metrics/") => ids(&get(app, "/api/metrics").await["metrics"], "id"),
        path if path.starts_with("/api/sessions/") => {
            ids(&get(app, "/api/sessions").await["sessions"], "session_id")
        }
        path if path.starts_with("/api/sources/") => ids(&get(app, "/api/sources").await, "name"),
        path if path.starts_with("/api/budgets/") => vec!["daily".to_owned()],
        _ => Vec::new(),
    };
    let there = known.iter().map(|id| (operation.path_with(id), true));
    let unknown =
        ["nothing", "0199f2c4-5a00-7c3e-9d52-3f0a6f1b2c4d", "%00", "%2e%2e%2fdata.db", "%F0%9F%A4%B7"];
    there.chain(unknown.map(|id| (operation.path_with(id), false))).collect()
}

#[tokio::test]
async fn every_question_is_answered_of_nothing_and_of_everything() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let all = operations(&app).await;
    let (mut asked, mut found) = (0, 0);
    for filled in [false, true] {
        if filled {
            fill(&mock, &app).await;
        }
        // A stream without an end is listened to elsewhere.
        for operation in all.iter().filter(|one| one.method == "GET" && one.path != "/api/events") {
            if !operation.varies() {
                assert_eq!(app.get(&operation.path).await.status(), 200, "{}", operation.path);
                asked += 1;
                continue;
            }
            for (target, is_there) in targets(&app, operation).await {
                let response = app.get(&target).await;
                // Whose prompts nobody knows has no cache to tell of, but it is there.
                let expected = if is_there { 200 } else { 404 };
                assert_eq!(response.status(), expected, "{target}: {}", response.text());
                asked += 1;
                found += usize::from(is_there);
            }
        }
    }
    println!("{asked} questions, {found} of things that are there");
    assert!(found > 40, "the store is filled: {found}");
    assert!(!app.log().contains("panicked"), "{}", app.log());
}

#[tokio::test]
async fn what_is_deleted_is_told_and_not_found_again() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    fill(&mock, &app).await;
    let mut deleted = 0;
    // A setting that is taken out of the file is still there, with its default.
    let deletes = |one: &Operation| one.method == "DELETE" && one.path != "/api/settings/{name}";
    for operation in operations(&app).await.into_iter().filter(deletes) {
        let all = targets(&app, &operation).await;
        let mut there = all.iter().filter(|(_, is_there)| *is_there).map(|(target, _)| target);
        // A span is not deleted by itself.
        let target = there.find(|target| !target.ends_with("own-span")).unwrap();
        for status in [200, 404] {
            let response = send(app.dashboard, &request("DELETE", target, "", b"")).await;
            assert_eq!(response.status(), status, "{target}: {}", response.text());
        }
        for (target, _) in all.iter().filter(|(_, is_there)| !is_there) {
            let response = send(app.dashboard, &request("DELETE", target, "", b"")).await;
            assert_eq!(response.status(), 404, "{target}: {}", response.text());
        }
        deleted += 1;
    }
    assert_eq!(deleted, 3);
}
