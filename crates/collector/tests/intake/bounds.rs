//! Which addresses are taken, and what LLMFlow's own spans may take.

use collector::{Encoding, Taken};
use http::{Method, StatusCode};
use model::telemetry::wire::Export;
use serde_json::json;

use super::sender::{Collector, LIMITS, gzip, spans};
use super::{JSON, PROTOBUF, body};

#[tokio::test]
async fn any_path_that_ends_as_a_signals_does_is_taken() {
    let collector = Collector::start(Ok(Taken::default())).await;
    let export = spans(2);
    let nothing = body(&Export::Logs(Vec::new()), Encoding::Protobuf);
    for path in [
        "//v1/traces",
        "/v1/traces/",
        "/v1//traces//",
        "/v1/traces/v1/traces",
        "/v1/logs/v1/traces",
        "/otlp/v1/traces",
        "/v1/traces?key=1",
    ] {
        let answer = collector.post(path, PROTOBUF, "", &body(&export, Encoding::Protobuf)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {answer:?}");
        assert_eq!(collector.delivered().await, export, "{path}");
    }
    for path in ["/v1/traces/v1/logs", "/v1/traces/v1/metrics", "/v1/logs/"] {
        assert_eq!(collector.post(path, PROTOBUF, "", &nothing).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/v1/traces/x", "/v1traces", "/v2/traces", "/traces", "/v1/x/traces"] {
        let answer = collector.post(path, PROTOBUF, "", &nothing).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let foreign = [("host", "evil.example"), ("content-type", JSON)];
    let answer = collector.send(Method::POST, "/otlp/v1/traces", &foreign, b"{}").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = collector.post("/otlp/v1/traces", JSON, "", &vec![b' '; LIMITS.body + 1]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn own_spans_are_bounded_as_otlp_is() {
    let collector = Collector::start(Ok(Taken::default())).await;
    let many =
        |one: &str| format!("[{}{one}]", format!("{one},").repeat((LIMITS.body - 100) / (one.len() + 1)));
    for large in [many(r#"{"":{}}"#), format!(r#"{{"attributes":{{"a":{}}}}}"#, many("0"))] {
        for (coding, body) in [("identity", large.as_bytes().to_vec()), ("gzip", gzip(large.as_bytes()))] {
            let answer = collector.post_own(coding, &body).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{coding} {large:.40}");
            assert!(answer.json()["error"].as_str().unwrap().contains("smaller batches"));
            assert_eq!(collector.room_taken(), 0, "all room is free again");
        }
    }
    let deep = format!(r#"{{"input":{}{}}}"#, "[".repeat(1000), "]".repeat(1000));
    let answer = collector.post_own("", deep.as_bytes()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.json()["error"].as_str().unwrap().contains("64 levels"));
    assert!(collector.nothing_delivered());
    let answer = collector.post_own("gzip", &gzip(br#"[{"id":"a"},{"id":"b","trace_id":"c"}]"#)).await;
    let told = json!({ "spans": [{ "id": "a", "trace_id": "a" }, { "id": "b", "trace_id": "c" }] });
    assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, told));
    assert_eq!(collector.delivered().await.len(), 2);
}
