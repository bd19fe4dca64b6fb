//! OpenAI's Realtime: turns that the client asks for and turns that the server begins.

use api::{BodySide, CallState, Part, Role};
use serde_json::{Value, json};
use tests::websocket::{Frame, agreement, handshake};
use tests::{App, Line, Raw, wait_until};

use super::{agreeing, connected, say};

fn session() -> Value {
    json!({"type": "session.created", "event_id": "e0", "session": {"type": "realtime", "id": "sess_1",
        "model": "gpt-realtime-2025-08-28", "instructions": "Be brief.",
        "tools": [{"type": "function", "name": "clock", "parameters": {}}]}})
}

fn turn(id: &str, said: &str) -> Vec<Value> {
    let response = |status: &str, output: Value, usage: Value| {
        json!({"object": "realtime.response", "id": id,
        "status": status, "status_details": null, "conversation_id": "conv_1", "output": output, "usage": usage})
    };
    let item = json!({"id": "item_9", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_audio", "transcript": said}]});
    let usage = json!({"total_tokens": 700, "input_tokens": 600, "output_tokens": 100,
        "input_token_details": {"text_tokens": 200, "audio_tokens": 400, "cached_tokens": 320,
            "cached_tokens_details": {"text_tokens": 128, "audio_tokens": 192}},
        "output_token_details": {"text_tokens": 20, "audio_tokens": 80}});
    vec![
        json!({"type": "response.created", "response": response("in_progress", json!([]), Value::Null)}),
        json!({"type": "response.output_audio.delta", "response_id": id, "output_index": 0, "content_index": 0, "delta": "AAAA"}),
        json!({"type": "response.output_audio_transcript.delta", "response_id": id, "output_index": 0,
            "content_index": 0, "delta": said}),
        json!({"type": "response.done", "response": response("completed", json!([item]), usage)}),
    ]
}

/// One turn in writing that the client asks for, one spoken that the server begins when it has heard enough.
#[tokio::test]
async fn turns_are_recorded_with_what_was_said_and_heard() {
    let upstream = agreeing(async |_, mut line| {
        line.write(say(&session()).bytes()).await;
        while let Some(frame) = Frame::read(&mut line).await {
            let asked: Value = serde_json::from_slice(&frame.payload).unwrap_or_default();
            let answer = match asked["type"].as_str() {
                Some("response.create") => turn("resp_1", "It is noon."),
                Some("input_audio_buffer.append") => {
                    let heard = [
                        json!({"type": "input_audio_buffer.speech_stopped", "item_id": "item_5"}),
                        json!({"type": "input_audio_buffer.committed", "item_id": "item_5"}),
                        json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": "item_5",
                            "transcript": "And now?"}),
                    ];
                    heard.into_iter().chain(turn("resp_2", "A minute later.")).collect()
                }
                _ => continue,
            };
            for event in answer {
                line.write(say(&event).bytes()).await;
            }
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = connected(app.proxy, "/v1/realtime?model=gpt-realtime", "").await;
    let hear = async |client: &mut Line| loop {
        if Frame::read(client).await.unwrap().as_text().contains("response.done") {
            return;
        }
    };
    let item = json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What time is it?"}]});
    client.write(say(&json!({"type": "conversation.item.create", "item": item})).masked().bytes()).await;
    client.write(say(&json!({"type": "response.create"})).masked().bytes()).await;
    hear(&mut client).await;
    client.write(say(&json!({"type": "input_audio_buffer.append", "audio": "AAAA"})).masked().bytes()).await;
    hear(&mut client).await;
    client.write(Frame::close(1000, "").masked().bytes()).await;
    drop(client);

    let calls = app.recorded(2).await;
    for (call, (title, answer)) in
        calls.iter().rev().zip([("What time is it?", "It is noon."), ("And now?", "A minute later.")])
    {
        assert_eq!((call.state, call.method.as_str()), (CallState::Complete, "WS"), "{:?}", call.error);
        assert_eq!(call.title.as_deref(), Some(title));
        assert!(call.model.as_deref().unwrap().starts_with("gpt-realtime"), "{:?}", call.model);
        let usage = &call.usage;
        assert_eq!((usage.input, usage.cache_read, usage.output), (Some(280), Some(320), Some(100)));
        assert!(call.first_token_us.is_some());
        let said = app.conversation(call.id).await;
        assert_eq!(said.messages[0].role, Role::System);
        assert_eq!(said.messages[1].parts, [Part::Text { text: title.to_owned() }]);
        assert_eq!(said.answer[0].parts, [Part::Text { text: answer.to_owned() }]);
        assert_eq!(said.tools[0].name, "clock");
        let cost = app.call(call.id).await.cost;
        let bucket =
            |name: &str| cost.buckets.iter().find(|bucket| bucket.bucket == name).map(|bucket| bucket.tokens);
        for (name, tokens) in
            [("input", 72), ("audio_input", 208), ("audio_cache_read", 192), ("audio_output", 80)]
        {
            assert_eq!(bucket(name), Some(tokens), "{name}");
        }
    }
    assert_eq!(calls[0].session_id, calls[1].session_id);
    assert!(calls[0].session_id.is_some());
    let asked = app.body(calls[0].id, BodySide::Request).await;
    let kinds: Vec<String> = asked
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "session.created",
            "input_audio_buffer.append",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.input_audio_transcription.completed",
        ],
        "{asked}"
    );
}

/// A turn that is interrupted is shown as what it is, and one that nobody ends is the client's to end.
#[tokio::test]
async fn a_turn_that_is_interrupted_says_so() {
    let upstream = agreeing(async |_, mut line| {
        while let Some(frame) = Frame::read(&mut line).await {
            let asked: Value = serde_json::from_slice(&frame.payload).unwrap_or_default();
            let mut events = turn("resp_1", "A long story begins");
            let done = events.pop().unwrap();
            match asked["type"].as_str() {
                Some("response.create") => {
                    for event in events {
                        line.write(say(&event).bytes()).await;
                    }
                }
                Some("response.cancel") => {
                    let mut done = done;
                    done["response"]["status"] = json!("cancelled");
                    done["response"]["status_details"] =
                        json!({"type": "cancelled", "reason": "client_cancelled"});
                    line.write(say(&done).bytes()).await;
                }
                _ => {}
            }
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = connected(app.proxy, "/v1/realtime?model=gpt-realtime", "").await;
    for number in 1..=2 {
        client.write(say(&json!({"type": "response.create"})).masked().bytes()).await;
        for _ in 0..3 {
            Frame::read(&mut client).await.unwrap();
        }
        if number == 1 {
            client.write(say(&json!({"type": "response.cancel"})).masked().bytes()).await;
            Frame::read(&mut client).await.unwrap();
        }
    }
    drop(client);
    let calls = wait_until("both turns", async || {
        let calls = app.calls().await;
        (calls.len() == 2 && calls.iter().all(|call| call.state != CallState::Open)).then_some(calls)
    })
    .await;
    assert_eq!(calls[1].finish_reason.as_deref(), Some("client_cancelled"));
    assert_eq!(calls[1].usage.output, Some(100));
    assert_eq!(calls[0].state, CallState::Cancelled);
    assert_eq!(calls[0].model.as_deref(), Some("gpt-realtime"), "nobody but the address names it");
    assert!(calls[0].usage.output.is_some_and(|tokens| tokens < 100), "estimated from what was written");
}

/// A key that a browser's SDK puts among the subprotocols is a key there too.
#[tokio::test]
async fn a_key_among_the_subprotocols_is_no_text() {
    let (heads, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let upstream = Raw::start(move |_, mut line| {
        let heads = heads.clone();
        async move {
            heads.send(line.head().await).unwrap();
            line.write(agreement("Sec-WebSocket-Protocol: realtime\r\n")).await;
            line.rest().await;
        }
    })
    .await;
    let app = tests::Setup::new(upstream.address)
        .variable("OPENAI_API_KEY", "sk-lent-0123456789abcdef")
        .start()
        .await;
    let local = app.local_key("voice").await;
    for (key, goes) in
        [("sk-canary-0123456789", "sk-canary-0123456789"), (local.as_str(), "sk-lent-0123456789abcdef")]
    {
        let more = format!(
            "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{key}, openai-beta.realtime-v1\r\n"
        );
        let mut client = Line::connect(app.proxy).await;
        client.write(handshake("/v1/realtime?model=gpt-realtime", &more)).await;
        assert!(client.head().await.starts_with("HTTP/1.1 101 "));
        let head = asked.recv().await.unwrap();
        assert!(head.contains(goes), "{head}");
        assert!(!head.contains("lf-voice"), "{head}");
        assert_eq!(head.to_lowercase().contains("authorization:"), key == local, "{head}");
    }
    for call in app.recorded(2).await {
        let shown = format!("{:?}", app.call(call.id).await);
        assert!(!shown.contains("canary") && !shown.contains("sk-lent"), "{shown}");
        assert!(shown.contains("openai-beta.realtime-v1"), "{shown}");
    }
}
