//! What is recorded of Bedrock, and that every byte and frame passes as it came.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use api::{CallState, CostSource, UsageSource};
use tests::{Client, Dialect, Fault, Plan, Tokens, contains, database_cells, files};

use super::*;
use crate::requests::{ask, model};

const TOKENS: Tokens = Tokens {
    input: 1_234,
    cache_read: 5_678,
    cache_write_5m: 91,
    cache_write_1h: 0,
    output: 345,
    reasoning: 0,
};

#[tokio::test]
async fn calls_are_whole_and_say_what_they_cost() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let tool = Some(("get_weather".to_owned(), r#"{"city":"Köln"}"#.to_owned()));
    let plan = Plan { tool, tokens: TOKENS, ..Plan::default() };
    mock.follow(plan.clone());
    let mut made = 0;
    for dialect in [Dialect::Invoke, Dialect::Converse] {
        for stream in [false, true] {
            mock.take();
            let what = format!("{dialect:?}, stream {stream}");
            let response =
                send(app.proxy, &ask(dialect, stream, "Wie ist das Wetter?", "User-Agent: Boto3/1.44.5\r\n"))
                    .await;
            let sent = mock.ended(1).await.remove(0).sent.unwrap();
            assert_eq!(response.body, sent.body, "{what}");
            made += 1;
            let row = app.recorded(made).await.remove(0);
            let call = app.call(row.id).await;
            assert_eq!(
                (row.state, row.status, row.streamed),
                (CallState::Complete, Some(200), stream),
                "{what}"
            );
            assert_eq!(call.requested_model.as_deref(), Some(model(dialect).0), "{what}");
            let usage = row.usage;
            let found = [usage.input, usage.cache_read, usage.cache_write_5m, usage.output];
            assert_eq!(found, [Some(1_234), Some(5_678), Some(91), Some(345)], "{what}");
            assert_eq!(
                (row.usage_source, row.cost_source),
                (UsageSource::Provider, CostSource::Computed),
                "{what}"
            );
            assert_eq!(call.cost.price_key.as_deref(), Some(model(dialect).1), "{what}: AWS's own price");
            assert_eq!(row.finish_reason.as_deref(), Some("tool_use"), "{what}");
            assert_eq!(row.title.as_deref(), Some("Wie ist das Wetter?"), "{what}");
            assert_eq!(row.first_token_us.is_some(), stream, "{what}");
            assert!(call.request_id.is_some() && call.credential.is_some(), "{what}");
            assert_eq!(call.response_body.wire_bytes, sent.body.len() as u64, "{what}");
            assert_eq!(call.response_body.wire_sha256, Some(tests::sha256(&sent.body)), "{what}");
            let said = app.conversation(row.id).await;
            assert_eq!((said.tools[0].name.as_str(), said.notes.len()), ("get_weather", 0), "{what}");
            let answer = serde_json::to_string(&said.answer).unwrap();
            assert!(answer.contains("forty-two") && answer.contains("Köln"), "{what}: {answer}");
        }
    }
}

#[tokio::test]
async fn frames_arrive_when_they_are_sent_and_as_they_are() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let plan = Plan { pieces: 5, ..Plan::default() };
    let shared = plan.clone();
    mock.answer(move |received| shared.answer(received).gated());
    for dialect in [Dialect::Invoke, Dialect::Converse] {
        mock.take();
        let mut client = Client::open(app.proxy, &ask(dialect, true, "hi", "")).await;
        client.head().await.unwrap();
        let received = mock.arrived(1).await.remove(0).received;
        // Each frame only leaves the upstream once the one before is here.
        for frame in plan.answer(&received).steps {
            let tests::Step::Send(frame) = frame else { panic!("only frames") };
            assert_eq!(client.bytes(frame.len()).await, frame, "{dialect:?}");
            mock.open_gate(1);
        }
    }
}

#[tokio::test]
async fn what_goes_wrong_in_a_stream_passes_as_it_is_and_is_told() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut made = 0;
    for dialect in [Dialect::Invoke, Dialect::Converse] {
        for (fault, state, word) in [
            (Fault::ErrorEvent, CallState::UpstreamError, "throttlingException: Too many requests"),
            (Fault::InvalidJson, CallState::UpstreamError, "checksum"),
            (Fault::Truncate, CallState::Truncated, "before its last event"),
            (Fault::Disconnect, CallState::Truncated, "broke off"),
            (Fault::Status(429), CallState::UpstreamError, "ThrottlingException: Rate limit"),
        ] {
            // In pieces that cut frames too.
            for split in [None, Some(7)] {
                mock.take();
                mock.follow(Plan { fault, split, ..Plan::default() });
                let response = send(app.proxy, &ask(dialect, true, "hi", "")).await;
                let sent = mock.ended(1).await.remove(0).sent.unwrap();
                assert_eq!(response.body, sent.body, "{dialect:?} {fault:?}");
                made += 1;
                let row = app.recorded(made).await.remove(0);
                let error = row.error.clone().unwrap_or_default();
                assert!(
                    row.state == state && error.contains(word),
                    "{dialect:?} {fault:?}: {:?} {error}",
                    row.state
                );
            }
        }
    }
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
    assert_eq!(health["decode_errors"], 4, "one frame in each of four streams");
    // A frame that says a length no frame has: everything passes, and nothing is waited for.
    let huge = [&[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0][..], b"rest of it"].concat();
    let body = huge.clone();
    mock.answer(move |_| tests::Answer::stream("application/vnd.amazon.eventstream", vec![body.clone()]));
    let response = send(app.proxy, &ask(Dialect::Converse, true, "hi", "")).await;
    assert_eq!(response.body, huge);
    let row = app.recorded(made + 1).await.remove(0);
    assert_eq!(row.state, CallState::UpstreamError, "{:?}", row.error);
}

#[tokio::test]
async fn no_credential_of_aws_is_kept() {
    let mock = Mock::start().await;
    let session = "CaNaRy-session-token/xY+z==";
    let setup = Setup::new(mock.address())
        .variable("AWS_SECRET_ACCESS_KEY", "CaNaRy-secret-access-key")
        .variable("AWS_SESSION_TOKEN", session)
        .log("trace");
    let app = setup.start().await;
    // The upstream echoes everything it got, in streams in clear and in base64.
    mock.answer(|received| {
        let lines = received
            .head
            .headers
            .iter()
            .map(|line| format!("{}: {}", line.name, String::from_utf8_lossy(&line.value)));
        let said = serde_json::json!({"message": lines.collect::<Vec<_>>().join("\n")});
        if received.path().ends_with("-stream") {
            let event = |kind: &str, payload: &serde_json::Value| {
                tests::frame(
                    &[(":event-type", kind), (":message-type", "event")],
                    payload.to_string().as_bytes(),
                )
            };
            let text = serde_json::json!({"contentBlockIndex": 0, "delta": {"text": said["message"]}});
            let inner = serde_json::json!({"contentBlockDelta": text});
            let chunk = serde_json::json!({"bytes": STANDARD.encode(inner.to_string())});
            let frames = [
                event("chunk", &chunk),
                event("contentBlockDelta", &text),
                event("metadata", &serde_json::json!({})),
            ];
            let whole = frames.concat();
            return tests::Answer::stream("application/vnd.amazon.eventstream", vec![whole]);
        }
        tests::Answer::whole(400, "application/json", said.to_string())
    });
    let theirs = SIGNATURE.replace("theirs", "CaNaRy-their-session");
    let (_, received) = call(&app, &mock, "POST", &format!("/model/{MODEL}/invoke"), &theirs, BODY).await;
    let signed = verify(&received, "CaNaRy-secret-access-key");
    assert_eq!(signed.token.as_deref(), Some(session));
    let target = format!("/model/{MODEL}/converse-stream");
    super::call(&app, &mock, "POST", &target, &theirs, BODY).await;
    let row = app.recorded(2).await.remove(0);
    let said = serde_json::to_string(&app.conversation(row.id).await.answer).unwrap();
    assert_eq!(said.matches("[key:").count(), 2, "both frames are read, the token cut from each: {said}");
    assert_eq!((row.state, row.error.as_deref()), (CallState::Complete, None));
    let call = app.call(row.id).await;
    assert!(call.response_body.inexact && call.credential.is_some_and(|mark| mark.starts_with("[key:")));
    let finished = app.stop();
    assert!(!finished.stderr.contains("CaNaRy"), "{}", finished.stderr);
    // The word in base64, wherever it begins.
    let hidden = ["CaNaRy", "xCaNaRy", "xxCaNaRy"].map(|text| STANDARD.encode(text));
    let hidden = [&hidden[0][..8], &hidden[1][2..9], &hidden[2][3..10]];
    for cell in database_cells(&finished.setup.data().join("data.db")).await {
        assert!(!contains(&cell.bytes, b"CaNaRy"), "{} {}", cell.table, String::from_utf8_lossy(&cell.bytes));
        for hidden in hidden {
            assert!(!contains(&cell.bytes, hidden.as_bytes()), "{} {hidden}", cell.table);
        }
    }
    for file in files(&finished.setup.data()) {
        assert!(!contains(&std::fs::read(&file).unwrap(), b"CaNaRy"), "{}", file.display());
    }
}
