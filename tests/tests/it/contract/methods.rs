//! Methods: those that a path does not know, HEAD and OPTIONS; and slashes at a path's end.

use tests::{App, Mock, send};

use super::document::operations;
use crate::requests::request;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

#[tokio::test]
async fn a_path_says_which_methods_it_knows() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let all = operations(&app).await;
    for operation in &all {
        let target = operation.path_with("nothing");
        let known = |method: &str| {
            // Spans are sent to a path of the collector's.
            all.iter().any(|one| one.path == operation.path && one.method == method)
        };
        let allowed = |response: &tests::Response| {
            let allow = response.head.header("allow").unwrap_or_default();
            let said: Vec<&str> = allow.split(',').map(str::trim).collect();
            for method in METHODS {
                assert_eq!(said.contains(&method), known(method), "{target}: Allow: {allow}");
            }
        };
        for method in METHODS.into_iter().filter(|method| !known(method)) {
            let json = "Content-Type: application/json\r\n";
            let response = send(app.dashboard, &request(method, &target, json, b"{}")).await;
            assert_eq!(response.status(), 405, "{method} {target}");
            assert_eq!(response.json()["kind"], "method_not_allowed", "{method} {target}");
            allowed(&response);
        }
        let response = send(app.dashboard, &request("OPTIONS", &target, "", b"")).await;
        assert_eq!((response.status(), response.body.len()), (204, 0), "OPTIONS {target}");
        assert_eq!(response.head.header("access-control-allow-origin"), None, "{target}");
        allowed(&response);
    }
}

#[tokio::test]
async fn a_head_is_an_answer_without_its_body() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for operation in operations(&app).await {
        if operation.method != "GET" || operation.path == "/api/events" {
            continue;
        }
        let target = operation.path_with("nothing");
        let get = app.get(&target).await;
        let head = send(app.dashboard, &request("HEAD", &target, "", b"")).await;
        assert_eq!((head.status(), head.body.len()), (get.status(), 0), "{target}");
        for name in ["content-type", "x-total-count"] {
            assert_eq!(head.head.header(name), get.head.header(name), "{target}: {name}");
        }
    }
}

#[tokio::test]
async fn a_slash_at_the_end_means_nothing() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for target in
        ["/api/health", "/api/traces", "/api/logs/filters", "/api/openapi.json", "/api/sessions/nothing"]
    {
        let expected = app.get(target).await;
        for slashed in [format!("{target}/"), format!("{target}//"), format!("{target}/?limit=1")] {
            let found = app.get(&slashed).await;
            assert_eq!(found.status(), expected.status(), "{slashed}");
            let content_type = found.head.header("content-type");
            assert_eq!(content_type.as_deref(), Some("application/json"), "{slashed}");
        }
    }
    assert_eq!(app.get("/api/traces/?limit=0").await.json()["parameter"], "limit");
    assert_eq!(app.get("/api/nothing/").await.status(), 404);
}
