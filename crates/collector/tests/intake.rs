//! The listener from outside: what senders send, and what they hear.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "intake/bounds.rs"]
mod bounds;
#[path = "intake/sender.rs"]
mod sender;

use std::time::Duration;

use collector::{Encoding, Refused, Taken, encode};
use http::{Method, StatusCode};
use model::telemetry::wire::{Export, LogRecord, Origin, Span};
use sender::{Collector, LIMITS, gzip, spans, zlib};
use serde_json::{Value, json};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

fn body(export: &Export, encoding: Encoding) -> Vec<u8> {
    encode(export, encoding)
}

#[tokio::test]
async fn every_path_content_type_and_coding_brings_the_same_spans() {
    let collector = Collector::start(Ok(Taken::default())).await;
    let export = spans(3);
    let protobuf = body(&export, Encoding::Protobuf);
    let json = body(&export, Encoding::Json);
    let zstd = zstd::encode_all(&*protobuf, 0).unwrap();
    let (gzipped, zlibbed) = (gzip(&protobuf), zlib(&json));
    let cases: [(&str, &str, &str, &[u8]); 12] = [
        ("/v1/traces", PROTOBUF, "", &protobuf),
        ("/v1/traces", "application/protobuf", "", &protobuf),
        ("/v1/traces", JSON, "", &json),
        ("/v1/traces", "Application/JSON; charset=utf-8", "identity", &json),
        ("/v1/traces", "", "", &json),
        ("/v1/traces", "", "", &protobuf),
        ("/v1/traces", PROTOBUF, "gzip", &gzipped),
        ("/v1/traces", PROTOBUF, "", &gzipped),
        ("/v1/traces", PROTOBUF, "zstd", &zstd),
        ("/v1/traces", JSON, "deflate", &zlibbed),
        ("/api/public/otel/v1/traces", PROTOBUF, "", &protobuf),
        ("/", JSON, "", &json),
    ];
    for (path, content_type, coding, body) in cases {
        let answer = collector.post(path, content_type, coding, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {content_type} {coding}: {answer:?}");
        let delivered = collector.delivered().await;
        assert_eq!(delivered, export, "{path} {content_type} {coding}");
        match content_type.to_ascii_lowercase().contains("json") || content_type.is_empty() && body == json {
            true => assert_eq!((answer.body.as_slice(), answer.content_type.as_str()), (&b"{}"[..], JSON)),
            false => assert_eq!((answer.body.as_slice(), answer.content_type.as_str()), (&b""[..], PROTOBUF)),
        }
    }
}

#[tokio::test]
async fn a_body_on_the_wrong_path_is_taken_for_what_it_is() {
    let collector = Collector::start(Ok(Taken::default())).await;
    let record = LogRecord { time_ns: 1, severity_number: 9, ..LogRecord::default() };
    let logs = Export::Logs(vec![(Origin::default(), vec![record])]);
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        let content_type = if encoding == Encoding::Json { JSON } else { PROTOBUF };
        for path in ["/v1/traces", "/v1/metrics", "/"] {
            let answer = collector.post(path, content_type, "", &body(&logs, encoding)).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {encoding:?}");
            assert_eq!(collector.delivered().await, logs, "{path} {encoding:?}");
        }
    }
}

#[tokio::test]
async fn an_empty_request_is_a_success_and_bothers_nobody() {
    let collector = Collector::start(Ok(Taken::default())).await;
    for (content_type, body) in
        [(PROTOBUF, &b""[..]), (JSON, b""), (JSON, b"{}"), (JSON, b" {\"resourceSpans\":[]} "), ("", b"")]
    {
        let answer = collector.post("/v1/traces", content_type, "", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    assert!(collector.nothing_delivered());
}

#[tokio::test]
async fn bad_spans_are_told_and_the_others_are_kept() {
    let taken = Taken { rejected: 1, reason: "one too old".to_owned() };
    let collector = Collector::start(Ok(taken)).await;
    let good = json!({ "traceId": "0AF7651916CD43DD8448EB211C80319C", "spanId": "b7ad6b7169203331", "name": "good" });
    let bad = |trace: &str, span: &str, name: &str| json!({ "traceId": trace, "spanId": span, "name": name });
    let spans = json!([
        bad("", "b7ad6b7169203331", "none"),
        good,
        bad("00000000000000000000000000000000", "b7ad6b7169203331", "zeros"),
        bad("0af7651916cd43dd8448eb211c80319c", "b7ad", "short"),
    ]);
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] }).to_string();
    let answer = collector.post("/v1/traces", JSON, "", body.as_bytes()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let partial = &answer.json()["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "4");
    let message = partial["errorMessage"].as_str().unwrap();
    for word in ["\"none\": its trace id is missing", "\"zeros\"", "\"short\": its span id", "; one too old"]
    {
        assert!(message.contains(word), "{word} in {message}");
    }
    let Export::Traces(groups) = collector.delivered().await else { panic!("no spans") };
    let names: Vec<&str> = groups[0].1.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["good"]);
    assert_eq!(collector.rejected(), 4);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_the_encoding_of_the_request() {
    let collector = Collector::start(Ok(Taken::default())).await;
    for (content_type, coding, body, status, word) in [
        (JSON, "", &b"{\"resourceSpans\":[{]}"[..], 400, "at byte"),
        (JSON, "", b"[]", 400, "no object"),
        (PROTOBUF, "", b"\x0a\xff", 400, "protobuf"),
        (PROTOBUF, "gzip", b"no gzip", 400, "Gzip"),
        (PROTOBUF, "br", b"x", 415, "gzip or none"),
        ("text/plain", "", b"{}", 415, "application/json"),
        ("application/x-www-form-urlencoded", "", b"a=b", 415, "application/json"),
        ("multipart/form-data; boundary=x", "", b"", 415, "application/json"),
        ("application/grpc", "", b"", 415, "http/protobuf"),
    ] {
        let answer = collector.post("/v1/traces", content_type, coding, body).await;
        assert_eq!(answer.status.as_u16(), status, "{content_type} {coding} {answer:?}");
        let message = match content_type {
            PROTOBUF => {
                assert_eq!(answer.content_type, PROTOBUF);
                assert_eq!(answer.body[..2], [8, 3], "the code");
                String::from_utf8_lossy(&answer.body).into_owned()
            }
            _ => {
                assert_eq!(answer.json()["code"], 3);
                answer.json()["message"].as_str().unwrap().to_owned()
            }
        };
        assert!(message.contains(word), "{word} in {message}");
    }
    let answer = collector.send(Method::GET, "/v1/traces", &[], b"").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow").as_str()), (405, "POST"));
    let answer = collector.post("/v1/spans", JSON, "", b"{}").await;
    assert_eq!(answer.status.as_u16(), 404);
    assert!(answer.json()["message"].as_str().unwrap().contains("/v1/traces"));
    let answer = collector.send(Method::GET, "/otlp/v1/traces", &[], b"").await;
    assert_eq!(answer.status.as_u16(), 404, "nothing is sent");
}

#[tokio::test]
async fn a_large_body_is_refused_before_and_after_it_is_unpacked() {
    let collector = Collector::start(Ok(Taken::default())).await;
    let limit = LIMITS.body;
    let zeros = vec![b' '; limit + 1];
    let answer = collector.post("/v1/traces", JSON, "", &zeros).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.json()["code"], 8);
    assert!(answer.json()["message"].as_str().unwrap().contains("otlp_max_body_mb"));
    let answer = collector.post("/v1/traces", JSON, "gzip", &gzip(&zeros)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let many = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": vec![json!({ "flags": 1 }); limit / 20] }] }] });
    let answer = collector.post("/v1/logs", JSON, "", many.to_string().as_bytes()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "little text, large records");
    assert!(answer.json()["message"].as_str().unwrap().contains("smaller batches"));
    assert_eq!(collector.room_taken(), 0, "all room is free again");
}

#[tokio::test]
async fn chunks_are_put_together() {
    let collector = Collector::start(Ok(Taken::default())).await;
    let export = spans(200);
    let body = body(&export, Encoding::Protobuf);
    let answer = collector.post_in_chunks("/v1/traces", PROTOBUF, &body, 1000).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(collector.delivered().await, export);
}

#[tokio::test]
async fn who_is_refused_is_asked_to_come_again() {
    let refused = Refused { reason: "the disk is full".to_owned(), retry_after: Duration::from_millis(1500) };
    let collector = Collector::start(Err(refused)).await;
    let answer = collector.post("/v1/traces", JSON, "", &body(&spans(2), Encoding::Json)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!((&answer.json()["code"], &answer.json()["message"]), (&json!(14), &json!("the disk is full")));
    assert_eq!(collector.refused(), 2);
    let answer =
        collector.grpc("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "", &spans(1)).await;
    assert_eq!((answer.header("grpc-status").as_str(), answer.header("retry-after").as_str()), ("14", "2"));
    assert!(!answer.header("grpc-status-details-bin").is_empty());
    assert_eq!(answer.header("grpc-message"), "the disk is full");
}

#[tokio::test]
async fn without_room_a_request_is_refused_before_it_is_decoded() {
    let collector = Collector::start(Ok(Taken::default())).await;
    let held = collector.take_all_room();
    let large = body(&spans(500), Encoding::Protobuf);
    let answer = collector.post("/v1/traces", PROTOBUF, "", &large).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after").as_str()), (503, "1"));
    drop(held);
    assert_eq!(collector.post("/v1/traces", PROTOBUF, "", &large).await.status, StatusCode::OK);
}

#[tokio::test]
async fn bodies_that_are_still_being_read_leave_room_for_others() {
    const BODY: usize = 900 << 10;
    let collector = Collector::start(Ok(Taken::default())).await;
    let mut slow = Vec::new();
    // One of them holds more than their half of the room.
    for number in 1..=5 {
        slow.push(collector.begin(BODY).await);
        while collector.room_taken() < number * BODY {
            tokio::task::yield_now().await;
        }
    }
    let mut large = b"{}".to_vec();
    large.resize(BODY, b' ');
    let answer = collector.post("/v1/traces", JSON, "", &large).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after").as_str()), (503, "1"));
    let small = collector.post("/v1/traces", JSON, "", &body(&spans(20), Encoding::Json)).await;
    assert_eq!(small.status, StatusCode::OK);
    drop(slow);
    while collector.room_taken() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(collector.post("/v1/traces", JSON, "", &large).await.status, StatusCode::OK);
}

#[tokio::test]
async fn grpc_takes_all_three_signals_and_every_coding() {
    let collector = Collector::start(Ok(Taken { rejected: 2, reason: "why".to_owned() })).await;
    let span = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    for coding in ["", "gzip", "zstd", "deflate"] {
        let export = spans(300);
        let answer = collector.grpc(span, coding, &export).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.content_type, "application/grpc");
        assert_eq!(answer.header("grpc-status"), "0", "{coding} {answer:?}");
        assert_eq!(answer.body, b"\0\0\0\0\x09\x0a\x07\x08\x02\x12\x03why", "{coding}");
        assert_eq!(collector.delivered().await, export, "{coding}");
    }
    let record = LogRecord { time_ns: 5, ..LogRecord::default() };
    let logs = Export::Logs(vec![(Origin::default(), vec![record])]);
    let answer = collector.grpc("/opentelemetry.proto.collector.logs.v1.LogsService/Export", "", &logs).await;
    assert_eq!(answer.header("grpc-status"), "0");
    assert_eq!(collector.delivered().await, logs);
    let nothing = Export::Metrics(Vec::new());
    let metrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    assert_eq!(collector.grpc(metrics, "", &nothing).await.header("grpc-status"), "0");
    let unknown = collector.grpc("/opentelemetry.proto.collector.profiles.v1.P/Export", "", &nothing).await;
    assert_eq!(unknown.header("grpc-status"), "12");
    let advice = unknown.header("grpc-message");
    assert!(
        advice.contains("TraceService") && advice.contains("profiles") && !advice.contains("/v1/traces"),
        "{advice}"
    );
    let odd = collector.grpc_raw(span, "br", b"\x01\0\0\0\x01x").await;
    assert_eq!(odd.header("grpc-status"), "3");
    assert!(odd.header("grpc-message").contains("gzip"));
    let broken = collector.grpc_raw(span, "gzip", b"\x01\0\0\0\x01x").await;
    assert_eq!(broken.header("grpc-status"), "3");
}

#[tokio::test]
async fn while_it_is_paused_senders_hear_that_nothing_is_kept() {
    let collector = Collector::start(Ok(Taken::default())).await;
    collector.pause(true);
    let answer = collector.post("/v1/traces", JSON, "", &body(&spans(4), Encoding::Json)).await;
    assert_eq!(answer.status, StatusCode::OK, "who is refused comes again");
    let partial = &answer.json()["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "4");
    assert!(partial["errorMessage"].as_str().unwrap().contains("paused"));
    assert!(collector.nothing_delivered());
    collector.pause(false);
    collector.post("/v1/traces", JSON, "", &body(&spans(1), Encoding::Json)).await;
    assert_eq!(collector.delivered().await, spans(1));
}

#[tokio::test]
async fn the_guard_stands_before_everything_and_lets_its_pages_in() {
    let collector = Collector::start(Ok(Taken::default())).await;
    let foreign = [("host", "evil.example"), ("content-type", JSON)];
    let answer = collector.send(Method::POST, "/v1/traces", &foreign, b"{}").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let page = [("origin", "http://allowed"), ("content-type", JSON)];
    let answer = collector.send(Method::POST, "/v1/traces", &page, b"{}").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin").as_str()),
        (StatusCode::OK, "http://allowed")
    );
    let question = [
        ("origin", "http://allowed"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,traceparent"),
    ];
    let answer = collector.send(Method::OPTIONS, "/v1/traces", &question, b"").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-headers"), "content-type,traceparent");
    let other = [("origin", "http://evil"), ("content-type", JSON)];
    let answer = collector.send(Method::POST, "/v1/traces", &other, b"{}").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin").as_str()),
        (StatusCode::FORBIDDEN, "")
    );
}

#[tokio::test]
async fn what_is_nested_too_deep_is_left_out_and_said() {
    let collector = Collector::start(Ok(Taken::default())).await;
    let mut value = json!({ "stringValue": "deep" });
    for _ in 0..200 {
        value = json!({ "arrayValue": { "values": [value] } });
    }
    let span = json!({
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
        "attributes": [{ "key": "deep", "value": value }, { "key": "flat", "value": { "intValue": 1 } }],
    });
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] }).to_string();
    let answer = collector.post("/v1/traces", JSON, "", body.as_bytes()).await;
    let partial: Value = answer.json()["partialSuccess"].clone();
    assert_eq!(partial["rejectedSpans"], "0");
    assert!(partial["errorMessage"].as_str().unwrap().contains("64 levels"));
    let Export::Traces(groups) = collector.delivered().await else { panic!("no spans") };
    let Span { attributes, .. } = &groups[0].1[0];
    assert_eq!(attributes.int("flat"), Some(1));
}

#[tokio::test]
async fn when_it_stops_requests_under_way_are_answered() {
    let collector = Collector::start(Ok(Taken::default())).await;
    collector.hold_answers();
    let sending = collector.post_later("/v1/traces", JSON, body(&spans(1), Encoding::Json));
    collector.delivered().await;
    collector.stop();
    collector.closed().await;
    collector.let_answers_go();
    assert_eq!(sending.await.unwrap().status, StatusCode::OK);
}
