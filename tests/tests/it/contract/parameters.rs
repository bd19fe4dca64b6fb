//! Every parameter of every operation: all that is good is taken, all that is bad is refused by its name.

use futures_util::{StreamExt, stream};
use tests::{App, Mock, send, try_send};

use super::document::{Operation, operations};
use crate::requests::request;
use crate::rest::six;

/// Requests that are under way together.
const TOGETHER: usize = 8;

/// Asks all of these, each as it is; what is not answered as it should be.
async fn wrong(app: &App, asked: Vec<(&Operation, String, Option<String>)>) -> Vec<String> {
    let answers = stream::iter(asked).map(async |(operation, query, culprit)| {
        let target = format!("{}?{query}", operation.path_with("nothing"));
        let response = send(app.dashboard, &request(&operation.method, &target, "", b"")).await;
        let shown =
            format!("{} {}: {} {}", operation.method, cut(&target), response.status(), cut(&response.text()));
        let right = match &culprit {
            Some(name) => {
                let error = response.status() == 400;
                error && response.json()["parameter"] == name.as_str()
            }
            // Nothing has that id.
            None => response.status() == if operation.varies() { 404 } else { 200 },
        };
        (!right).then_some(shown)
    });
    answers.buffer_unordered(TOGETHER).filter_map(async |shown| shown).collect().await
}

fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}

#[tokio::test]
async fn a_bad_value_is_refused_by_its_name() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let all = operations(&app).await;
    let mut asked = Vec::new();
    for operation in &all {
        for parameter in &operation.parameters {
            let name = &parameter.name;
            for value in parameter.bad() {
                asked.push((operation, format!("{name}={value}"), Some(name.clone())));
            }
            let good = &parameter.good()[0];
            asked.push((operation, format!("{name}={good}&x=y&{name}={good}"), Some(name.clone())));
            asked.push((operation, format!("{name}=&{name}={good}"), Some(name.clone())));
        }
        let times =
            ["date_from", "date_to"].map(|name| operation.parameters.iter().any(|one| one.name == name));
        if times == [true, true] {
            for query in
                ["date_from=2&date_to=1", "date_from=1&date_to=1", "date_to=2026-01-01&date_from=2026-01-02"]
            {
                asked.push((operation, query.to_owned(), Some("date_to".to_owned())));
            }
        }
        for (one, other) in [("service_name", "tool"), ("client", "tool"), ("service_name", "client")] {
            if operation.parameters.iter().any(|known| known.name == "tool") {
                asked.push((operation, format!("{one}=a&{other}=b"), Some(other.to_owned())));
            }
        }
    }
    let count = asked.len();
    let wrong = wrong(&app, asked).await;
    println!("{count} bad values, {} taken or not named", wrong.len());
    assert!(count > 1_000 && wrong.is_empty(), "{count}: {wrong:#?}");
    assert!(!app.log().contains("panicked"), "{}", app.log());
}

#[tokio::test]
async fn every_good_value_is_taken() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    six(&mock, &app).await;
    let all = operations(&app).await;
    let mut asked = Vec::new();
    // A stream without an end is listened to elsewhere.
    let questions = |one: &&Operation| one.method == "GET" && one.path != "/api/events";
    for operation in all.iter().filter(questions) {
        for parameter in &operation.parameters {
            let values = parameter.good().into_iter();
            asked.extend(values.map(|value| (operation, format!("{}={value}", parameter.name), None)));
        }
        // What a file was made of is to be told from it: there a name that nobody knows is a mistake.
        let culprit = (operation.path == "/api/traces/export").then(|| "unknown".to_owned());
        asked.push((operation, "unknown=1&utm_source=%ff&utm_source=%zz&&=&a=b=c".to_owned(), culprit));
    }
    let count = asked.len();
    let wrong = wrong(&app, asked).await;
    println!("{count} good values, {} refused", wrong.len());
    assert!(count > 300 && wrong.is_empty(), "{count}: {wrong:#?}");
}

#[tokio::test]
async fn what_goes_together_only_in_part_says_so() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for (target, culprit) in [
        ("/api/analytics/token-trends?days=32&interval=hour", "days"),
        ("/api/search?q=a&order=best&before=0199f2c4-5a00-7c3e-9d52-3f0a6f1b2c4d", "before"),
        ("/api/logs?before=nothing", "before"),
        ("/api/metrics?before=nothing", "before"),
        ("/api/sessions?before=7", "before"),
        ("/api/traces/%ff", "id"),
        ("/api/traces/%ff/tree", "id"),
        ("/api/sessions/a%c3", "id"),
        ("/api/sources/%ff/stranded", "name"),
    ] {
        let response = app.get(target).await;
        assert_eq!(response.status(), 400, "{target}: {}", response.text());
        assert_eq!(response.json()["parameter"], culprit, "{target}: {}", response.text());
    }
}

/// HTTP itself refuses what is too long to be read; either way it is said and nothing breaks.
#[tokio::test]
async fn what_is_huge_is_refused() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for size in [60_000, 100_000, 1 << 20] {
        for target in [
            format!("/api/traces?q={}", "x".repeat(size)),
            format!("/api/traces?unknown={}", "x".repeat(size)),
            format!("/api/traces?{}", "limit=1&".repeat(size / 8)),
            format!("/api/sessions/{}", "x".repeat(size)),
        ] {
            // Who is refused early may find the connection closed while it still writes.
            let Ok(response) = try_send(app.dashboard, &request("GET", &target, "", b"")).await else {
                continue;
            };
            let shown = cut(&target);
            let right: &[u16] = match size {
                60_000 => &[200, 400, 404],
                _ => &[0, 400, 414, 431],
            };
            assert!(right.contains(&response.status()), "{size} of {shown}: {}", response.status());
        }
    }
    assert_eq!(app.get("/api/health").await.status(), 200);
}
