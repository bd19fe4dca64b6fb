//! What is not taken, in part or at all: the status, the answer's form, and that the rest of the app does not mind.

use serde_json::json;
use tests::otlp::{Encoding, Export, Packing, post_otlp, rejected, spans_named, status_message};
use tests::{App, Mock, Response, send};

use super::WAYS;

fn batch(trace: u64, count: usize) -> Export {
    spans_named(trace, "refusals", (0..count).map(|number| format!("span {number}")))
}

async fn post(app: &App, path: &str, content_type: &str, more: &str, body: &[u8]) -> Response {
    send(app.otlp_http, &post_otlp(path, content_type, more, body)).await
}

#[tokio::test]
async fn a_span_of_no_use_costs_itself_and_nothing_else() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for (way, trace) in WAYS.into_iter().zip(1..) {
        let mut export = batch(trace, 5);
        let Export::Traces(request) = &mut export else { unreachable!() };
        let spans = &mut request.resource_spans[0].scope_spans[0].spans;
        spans[1].trace_id = vec![0; 16];
        spans[3].span_id = vec![];
        assert_eq!(way.send(&app, &export).await, Ok(2), "{way:?}");
    }
    let traces = app.traces().await;
    assert_eq!(traces.len(), WAYS.len());
    assert!(traces.iter().all(|trace| trace.spans == 3), "{traces:?}");
    let collected = app.health().await.collected;
    assert_eq!((collected.spans, collected.rejected), (3 * WAYS.len() as u64, 2 * WAYS.len() as u64));
    // The sender is told why, in words.
    let mut export = batch(100, 1);
    let Export::Traces(request) = &mut export else { unreachable!() };
    request.resource_spans[0].scope_spans[0].spans[0].span_id = vec![0; 8];
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        let answer = export.send(app.otlp_http, encoding, Packing::None).await;
        let (count, reason) = rejected(&answer, encoding);
        assert_eq!(count, 1);
        assert!(reason.contains("id"), "{reason}");
    }
}

#[tokio::test]
async fn nothing_is_a_success() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        let answer = post(&app, path, "application/x-protobuf", "", b"").await;
        assert_eq!((answer.status(), answer.body.as_slice()), (200, &b""[..]), "{path}");
        for body in ["{}", r#"{"resourceSpans":[]}"#, r#"{"unknown":{"to":["us"]}}"#] {
            let answer = post(&app, path, "application/json", "", body.as_bytes()).await;
            assert_eq!((answer.status(), answer.text().as_str()), (200, "{}"), "{path} {body}");
            assert!(answer.head.header("content-type").unwrap().starts_with("application/json"));
        }
    }
    assert_eq!(app.health().await.collected.spans, 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_the_senders_fault_and_said_in_his_encoding() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let (protobuf, json) = ("application/x-protobuf", "application/json");
    for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        let broken = post(&app, path, protobuf, "", b"\x0a\xff\xff\xff\x7f").await;
        assert_eq!(broken.status(), 400, "{path}: {}", broken.text());
        assert!(!status_message(&broken, Encoding::Protobuf).is_empty());
        let broken = post(&app, path, json, "", b"{\"resourceSpans\": [").await;
        assert_eq!(broken.status(), 400, "{path}: {}", broken.text());
        assert!(!status_message(&broken, Encoding::Json).is_empty());
        for packing in [Packing::Gzip, Packing::Deflate, Packing::Zstd] {
            let broken = post(&app, path, protobuf, packing.header(), b"not packed at all").await;
            assert_eq!(broken.status(), 400, "{path}, {packing:?}: {}", broken.text());
        }
        let odd = post(&app, path, protobuf, "Content-Encoding: snappy\r\n", b"").await;
        assert_eq!(odd.status(), 415, "{path}: {}", odd.text());
        let odd = post(&app, path, "text/plain", "", b"hello").await;
        assert_eq!(odd.status(), 415, "{path}: {}", odd.text());
        let odd =
            send(app.otlp_http, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await;
        assert_eq!(odd.status(), 405, "{path}: {}", odd.text());
    }
    assert_eq!(post(&app, "/v2/traces", protobuf, "", b"").await.status(), 404);
    assert!(app.health().await.collected.unreadable >= 15, "{:?}", app.health().await.collected);
    // Senders name more than the type.
    let whole = batch(1, 2);
    let body = whole.encode(Encoding::Json);
    assert_eq!(post(&app, "/v1/traces", "application/json; charset=utf-8", "", &body).await.status(), 200);
    assert_eq!(app.traces().await.len(), 1);
}

#[tokio::test]
async fn what_is_too_large_is_told_so_packed_or_not() {
    const LIMIT: usize = 64 << 20;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for packing in [Packing::Gzip, Packing::Deflate, Packing::Zstd] {
        let bomb = packing.pack(&vec![b' '; LIMIT + 1]);
        for (content_type, encoding) in
            [("application/json", Encoding::Json), ("application/x-protobuf", Encoding::Protobuf)]
        {
            let answer = post(&app, "/v1/traces", content_type, packing.header(), &bomb).await;
            assert_eq!(answer.status(), 413, "{packing:?}: {}", answer.text());
            assert!(status_message(&answer, encoding).contains("64"), "{packing:?}");
        }
    }
    // It need not be read to the end to be told.
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        LIMIT + 1
    );
    let mut client = tests::Client::open(app.otlp_http, head.as_bytes()).await;
    assert!(client.head().await.unwrap().start.contains("413"));
    // What fits is taken.
    let name = "x".repeat(1 << 20);
    let large = spans_named(9, "refusals", (0..40).map(|_| name.clone()));
    large.deliver(app.otlp_http).await;
    assert_eq!(app.traces().await[0].spans, 40);
}

/// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is used as it is: who writes the base URL there sends to `/`.
#[tokio::test]
async fn a_sender_with_the_wrong_url_is_understood() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let corpus = tests::otlp::Corpus::new(3);
    for export in corpus.exports() {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let body = export.encode(encoding);
            for address in [app.otlp_http, app.dashboard] {
                for path in ["/", &format!("/{}", export.path()), &format!("/v1/traces{}/", export.path())] {
                    let answer = send(address, &post_otlp(path, encoding.content_type(), "", &body)).await;
                    assert_eq!(answer.status(), 200, "{path} as {encoding:?}: {}", answer.text());
                }
            }
        }
    }
    let collected = app.health().await.collected;
    assert!(collected.spans > 0 && collected.logs > 0 && collected.points > 0, "{collected:?}");
    assert_eq!(app.traces().await.len(), 1);
    let rubbish =
        post(&app, "/", "application/json", "", json!({"hello": "world"}).to_string().as_bytes()).await;
    assert_ne!(rubbish.status(), 500, "{}", rubbish.text());
    // Pages and what is no address of ours stay what they are.
    for (method, path, status) in
        [("GET", "/sessions/v1/traces", 200), ("POST", "/sessions/traces", 405), ("POST", "/api/v1/x", 404)]
    {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(send(app.dashboard, head.as_bytes()).await.status(), status, "{method} {path}");
    }
    let evil = "POST /otlp/v1/traces HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n";
    for address in [app.otlp_http, app.dashboard] {
        assert_eq!(send(address, evil.as_bytes()).await.status(), 403);
    }
}

#[tokio::test]
async fn own_spans_that_cannot_be_read_are_refused_in_words() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let own = async |more: &str, body: &[u8]| {
        send(app.dashboard, &post_otlp("/api/spans", "application/json", more, body)).await
    };
    let odd = own("", br#"{"id": "a", "start_time": "yesterday"}"#).await;
    assert_eq!(odd.status(), 400, "{}", odd.text());
    assert!(odd.text().contains("start_time is"), "{}", odd.text());
    // Few bytes on the way, gigabytes if all were made of them that could be.
    let zeros = format!(r#"{{"attributes":{{"a":[{}0]}}}}"#, "0,".repeat(30 << 20));
    let objects = format!("[{}{{}}]", r#"{"":{}},"#.repeat(7 << 20));
    for body in [zeros, objects] {
        let answer = own(Packing::Gzip.header(), &Packing::Gzip.pack(body.as_bytes())).await;
        assert_eq!(answer.status(), 413, "{}", answer.text());
        assert!(answer.text().contains("smaller batches"), "{}", answer.text());
    }
    assert_eq!(app.health().await.collected.spans, 0);
    // As Python's `datetime.utcnow().isoformat()` writes it.
    let date = r#"{"id": "b", "trace_id": "5b8efff798038103d269b633813fc60c", "start_time": "2026-01-02T03:04:05", "duration_ms": 1}"#;
    assert_eq!(own("", date.as_bytes()).await.status(), 201);
    assert_eq!(app.traces().await[0].started_ms, 1_767_323_045_000);
}
