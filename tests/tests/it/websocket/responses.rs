//! Responses over a WebSocket, as Codex speaks it: each turn is a call of its own.

use api::{BodySide, CallState, Part, SourceTarget, UsageSource};
use serde_json::{Value, json};
use tests::websocket::{Frame, Packer, Unpacker, agreement};
use tests::{App, Line, Raw, wait_until};

use super::{agreeing, connected, create, events, say};

/// Answers each question with its number.
async fn answering() -> Raw {
    agreeing(async |_, mut line| {
        let mut number = 0;
        while let Some(frame) = Frame::read(&mut line).await {
            let asked: Value = serde_json::from_slice(&frame.payload).unwrap_or_default();
            if asked["type"] != "response.create" {
                continue;
            }
            number += 1;
            for event in events(&format!("resp_{number}"), &format!("Answer {number}.")) {
                line.write(say(&event).bytes()).await;
            }
        }
    })
    .await
}

async fn turn(client: &mut Line, question: &Value) -> Vec<Value> {
    client.write(say(question).masked().bytes()).await;
    let mut heard: Vec<Value> = Vec::new();
    while heard.last().is_none_or(|event| event["type"] != "response.completed") {
        let frame = Frame::read(client).await.unwrap();
        heard.push(serde_json::from_slice(&frame.payload).unwrap());
    }
    heard
}

#[tokio::test]
async fn each_turn_is_a_call_of_its_own() {
    let upstream = answering().await;
    let app = App::start(upstream.address).await;
    let more = "User-Agent: codex_cli_rs/0.169.0\r\nsession_id: sess-1\r\nAuthorization: Bearer sk-canary-0123456789\r\n";
    let mut client = connected(app.proxy, "/v1/responses?x=1", more).await;
    assert_eq!(turn(&mut client, &create("First?")).await, events("resp_1", "Answer 1."));
    // What is said between turns stands before the next answer.
    client.write(say(&json!({"type": "response.processed", "response_id": "resp_1"})).masked().bytes()).await;
    let mut second = create("Second?");
    second["previous_response_id"] = json!("resp_1");
    turn(&mut client, &second).await;
    client.write(Frame::close(1000, "").masked().bytes()).await;
    drop(client);

    let calls = app.recorded(2).await;
    for (call, number) in calls.iter().rev().zip(1..) {
        assert_eq!((call.state, call.status), (CallState::Complete, Some(101)), "{:?}", call.error);
        assert_eq!((call.method.as_str(), call.path.as_str()), ("WS", "/v1/responses"));
        assert_eq!(call.model.as_deref(), Some("gpt-5-mini-2025-08-07"));
        assert_eq!(call.client.as_deref(), Some("codex"));
        let usage = &call.usage;
        assert_eq!(
            (usage.input, usage.cache_read, usage.output, usage.reasoning),
            (Some(20), Some(100), Some(30), Some(10))
        );
        assert_eq!(call.usage_source, UsageSource::Provider);
        assert!(call.cost.is_some() && call.streamed);
        assert!(call.first_token_us.is_some_and(|first| Some(first) <= call.duration_us));
        assert_eq!(call.session_id, calls[0].session_id);
        assert_eq!(call.title.as_deref(), Some(if number == 1 { "First?" } else { "Second?" }));
        let said = app.conversation(call.id).await;
        assert_eq!(said.answer[0].parts, [Part::Text { text: format!("Answer {number}.") }]);
    }
    assert!(calls[0].session_id.is_some());
    let (second, first) = (&calls[0], &calls[1]);
    assert_eq!(app.body(first.id, BodySide::Request).await, create("First?").to_string());
    let answer = app.body(second.id, BodySide::Response).await;
    let processed = json!({"type": "response.processed", "response_id": "resp_1"});
    assert!(answer.starts_with(&format!("event: client\ndata: {processed}\n\n")), "{answer}");
    let detail = app.call(first.id).await;
    assert_eq!(detail.response_id.as_deref(), Some("resp_1"));
    assert!(detail.request_headers.iter().any(|header| header.value.starts_with("Bearer [key:")));
}

/// Compressed both ways, one side remembering what it sent before: read as well as what is not.
#[tokio::test]
async fn compressed_turns_are_read() {
    for (agreed, server_forgets) in
        [("permessage-deflate", false), ("permessage-deflate; server_no_context_takeover", true)]
    {
        let upstream = Raw::start(move |_, mut line| async move {
            line.head().await;
            line.write(agreement(&format!("Sec-WebSocket-Extensions: {agreed}\r\n"))).await;
            let (mut packer, mut unpacker) = (Packer::new(server_forgets), Unpacker::default());
            for number in 1..=3 {
                let Some(frame) = Frame::read(&mut line).await else { return };
                assert!(frame.compressed && unpacker.text(&frame).contains("response.create"));
                for event in events(&format!("resp_{number}"), &"Words again. ".repeat(50 * number)) {
                    line.write(packer.text(&event.to_string()).bytes()).await;
                }
            }
            line.rest().await;
        })
        .await;
        let app = App::start(upstream.address).await;
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        let mut client = connected(app.proxy, "/v1/responses", offer).await;
        let (mut packer, mut unpacker) = (Packer::new(false), Unpacker::default());
        for number in 1..=3 {
            let question = packer.text(&create(&format!("Question {number}?")).to_string()).masked().bytes();
            // A piece at a time.
            for piece in question.chunks(7) {
                client.write(piece).await;
            }
            for event in events(&format!("resp_{number}"), &"Words again. ".repeat(50 * number)) {
                let frame = Frame::read(&mut client).await.unwrap();
                if !server_forgets {
                    assert_eq!(unpacker.text(&frame), event.to_string());
                }
            }
        }
        let calls = app.recorded(3).await;
        for (call, number) in calls.iter().rev().zip(1..) {
            assert_eq!(call.state, CallState::Complete, "{agreed}: {:?}", call.error);
            assert_eq!(call.title, Some(format!("Question {number}?")));
            let said = app.conversation(call.id).await;
            assert_eq!(said.answer[0].parts, [Part::Text { text: "Words again. ".repeat(50 * number) }]);
        }
    }
}

/// A turn is seen while it runs, and a connection without one is not.
#[tokio::test]
async fn a_turn_is_in_flight_while_it_runs() {
    let (go, gone) = tokio::sync::watch::channel(false);
    let upstream = agreeing(move |_, mut line| {
        let mut gone = gone.clone();
        async move {
            Frame::read(&mut line).await;
            let [created, said, completed] = <[Value; 3]>::try_from(events("resp_1", "Slowly.")).unwrap();
            line.write(say(&created).bytes()).await;
            line.write(say(&said).bytes()).await;
            gone.wait_for(|go| *go).await.unwrap();
            line.write(say(&completed).bytes()).await;
            line.rest().await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = connected(app.proxy, "/v1/responses", "").await;
    let in_flight = async || match app.ask(&api::Request::ListInFlight).await {
        api::Reply::InFlight(calls) => calls,
        other => panic!("{other:?}"),
    };
    assert!(in_flight().await.is_empty() && app.calls().await.is_empty(), "nothing is asked yet");
    client.write(say(&create("Well?")).masked().bytes()).await;
    Frame::read(&mut client).await.unwrap();
    let call = wait_until("the turn to be shown", async || {
        in_flight().await.pop().filter(|call| call.response_bytes > 0 && call.model.is_some())
    })
    .await;
    assert_eq!((call.model.as_deref(), call.path.as_str()), (Some("gpt-5-mini"), "/v1/responses"));
    go.send(true).unwrap();
    assert_eq!(app.recorded(1).await[0].state, CallState::Complete);
}

/// What an upstream says instead of an answer is the turn's error.
#[tokio::test]
async fn an_error_ends_its_turn() {
    let refusal = json!({"type": "error", "status": 400, "error": {"type": "invalid_request_error",
        "code": "previous_response_not_found", "message": "Previous response with id 'resp_0' not found."}});
    let said = refusal.clone();
    let upstream = agreeing(move |_, mut line| {
        let refusal = refusal.clone();
        async move {
            while Frame::read(&mut line).await.is_some() {
                line.write(say(&refusal).bytes()).await;
            }
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = connected(app.proxy, "/v1/responses", "").await;
    client.write(say(&create("Well?")).masked().bytes()).await;
    assert_eq!(Frame::read(&mut client).await.unwrap().as_text(), said.to_string());
    let call = app.recorded(1).await.remove(0);
    assert_eq!(call.state, CallState::UpstreamError);
    assert!(call.error.unwrap().contains("previous_response_not_found"));
}

/// While recording is paused turns go through without a record, and what follows can be read again.
#[tokio::test]
async fn turns_of_a_pause_are_not_recorded() {
    let upstream = answering().await;
    let app = App::start(upstream.address).await;
    let mut client = connected(app.proxy, "/v1/responses", "").await;
    let set = async |to| {
        app.ask(&api::Request::SetSource { name: "proxy".to_owned(), to }).await;
    };
    turn(&mut client, &create("Seen.")).await;
    app.recorded(1).await;
    set(SourceTarget::Paused).await;
    turn(&mut client, &create("Unseen.")).await;
    set(SourceTarget::Resumed).await;
    turn(&mut client, &create("Seen again.")).await;
    let titles: Vec<_> = app.recorded(2).await.into_iter().filter_map(|call| call.title).collect();
    assert_eq!(titles, ["Seen again.", "Seen."]);
}
