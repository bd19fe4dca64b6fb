//! What Anthropic's answers, streams and errors become.

use serde_json::{Value, json};

use crate::Target::Anthropic;
use crate::call::{Front, begin};
use crate::samples::{folded, frames, streamed, whole};

fn request(rest: &Value) -> Value {
    let mut request = json!({"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hi."}]});
    for (name, value) in rest.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn stream(events: &[Value]) -> String {
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect()
}

fn block(index: u32, start: &Value, deltas: &[Value]) -> Vec<Value> {
    let mut events = vec![json!({"type": "content_block_start", "index": index, "content_block": start})];
    events.extend(
        deltas.iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
    );
    events.push(json!({"type": "content_block_stop", "index": index}));
    events
}

fn begun() -> Value {
    json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "content": [],
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3, "output_tokens": 1},
    }})
}

fn stopped(reason: &str) -> Vec<Value> {
    vec![
        json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 20,
            "output_tokens_details": {"thinking_tokens": 4}}}),
        json!({"type": "message_stop"}),
    ]
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 18, "completion_tokens": 20, "total_tokens": 38,
        "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 0, "cache_write_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0, "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0},
    })
}

#[test]
fn a_stream_with_thoughts_text_and_two_calls() {
    let mut events = vec![begun(), json!({"type": "ping"})];
    events.extend(block(
        0,
        &json!({"type": "thinking", "thinking": "", "signature": ""}),
        &[
            json!({"type": "thinking_delta", "thinking": "Hm"}),
            json!({"type": "thinking_delta", "thinking": "."}),
            json!({"type": "signature_delta", "signature": "c2ln"}),
        ],
    ));
    events.extend(block(1, &json!({"type": "redacted_thinking", "data": "Zm9v"}), &[]));
    events.extend(block(
        2,
        &json!({"type": "text", "text": ""}),
        &[json!({"type": "text_delta", "text": "Grüße"})],
    ));
    let tool = |id: &str| json!({"type": "tool_use", "id": id, "name": "weather", "input": {}});
    events.extend(block(
        3,
        &tool("toolu_1"),
        &[
            json!({"type": "input_json_delta", "partial_json": ""}),
            json!({"type": "input_json_delta", "partial_json": "{\"city\":"}),
            json!({"type": "input_json_delta", "partial_json": "\"Köln\"}"}),
        ],
    ));
    events.extend(block(4, &tool("toolu_2"), &[]));
    events.extend(stopped("tool_use"));
    let request = request(&json!({"stream": true, "stream_options": {"include_usage": true}}));
    let written = streamed(Anthropic, &request, stream(&events).as_bytes(), &[usize::MAX]);
    assert!(written.ends_with(b"data: [DONE]\n\n"));
    assert_eq!(
        folded(&written),
        json!({
            "text": "Grüße", "reasoning": "Hm.", "finish": "tool_calls", "error": null, "usage": usage(),
            "calls": [
                {"id": "toolu_1", "name": "weather", "arguments": "{\"city\":\"Köln\"}"},
                {"id": "toolu_2", "name": "weather", "arguments": "{}"},
            ],
        })
    );
    let frames = frames(&written);
    let proofs = frames.iter().filter_map(|frame| frame["choices"][0]["delta"].get("reasoning_details"));
    assert_eq!(
        proofs.cloned().collect::<Vec<_>>(),
        [
            json!([{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "index": 0}]),
            json!([{"type": "reasoning.encrypted", "data": "Zm9v", "index": 1}]),
        ]
    );
    assert!(frames.iter().all(|frame| frame.is_null() || frame["id"] == "msg_1"));
}

#[test]
fn a_whole_answer() {
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "text", "text": "One "}, {"type": "text", "text": "two"},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Köln"}},
        ],
        "stop_reason": "tool_use", "usage": {"input_tokens": 10, "cache_read_input_tokens": 5,
            "cache_creation_input_tokens": 3, "output_tokens": 20, "output_tokens_details": {"thinking_tokens": 4}},
    });
    assert_eq!(
        whole(Anthropic, &request(&json!({})), &answer).unwrap(),
        json!({
            "id": "msg_1", "object": "chat.completion", "created": 1_700_000_000, "model": "claude-sonnet-4-5-20250929",
            "choices": [{
                "index": 0, "logprobs": null, "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant", "content": "One two", "refusal": null, "reasoning_content": "Hm.",
                    "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "index": 0}],
                    "tool_calls": [{"id": "toolu_1", "type": "function",
                        "function": {"name": "weather", "arguments": "{\"city\":\"Köln\"}"}}],
                },
            }],
            "usage": usage(),
        })
    );
}

#[test]
fn every_reason_to_stop() {
    for (reason, finish) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
    ] {
        let answer = json!({"id": "m", "content": [{"type": "text", "text": "a"}], "stop_reason": reason, "usage": {}});
        let whole = whole(Anthropic, &request(&json!({})), &answer).unwrap();
        assert_eq!(whole["choices"][0]["finish_reason"], finish);
        assert_eq!(whole["choices"][0]["message"]["refusal"].is_string(), reason == "refusal");
        assert_eq!(whole["model"], "claude-sonnet-4-5", "the request's, where the provider says none");
    }
}

/// What both fronts say to a body with status 200 that is no answer; each must be an error of the provider's.
fn not_taken(body: &Value) -> String {
    let messages = json!([{"role": "user", "content": "Hi."}]);
    let mut said = Vec::new();
    for (front, asked) in [(Front::Chat, "messages"), (Front::Responses, "input")] {
        let request = json!({"model": "claude-sonnet-4-5", asked: messages});
        let (_, answering) = begin(front, Anthropic, request.to_string().as_bytes()).unwrap();
        let failure = answering.whole(body.to_string().as_bytes(), 1).unwrap_err();
        assert_eq!(failure.kind, "upstream_error", "{body}");
        said.push(failure.message);
    }
    let (_, answering) =
        begin(Front::Chat, Anthropic, request(&json!({"stream": true})).to_string().as_bytes()).unwrap();
    let mut out = Vec::new();
    answering.stream(1).document(body.to_string().as_bytes(), &mut out);
    let folded = folded(&out);
    assert_eq!((&folded["error"]["type"], &folded["finish"]), (&json!("upstream_error"), &Value::Null));
    assert!(said.iter().all(|said| *said == folded["error"]["message"]), "{said:?}");
    said.swap_remove(0)
}

#[test]
fn what_is_no_message_is_an_error() {
    for body in [
        json!({}),
        json!([]),
        json!(null),
        json!("x"),
        json!({"type": "message"}),
        json!({"content": "str", "stop_reason": "end_turn"}),
        json!({"content": null, "stop_reason": "end_turn"}),
    ] {
        assert_eq!(not_taken(&body), "Anthropic's answer has no message.", "{body}");
    }
    for body in [json!({"message": "quota"}), json!({"error": "quota"}), json!({"detail": "quota"})] {
        assert_eq!(not_taken(&body), "Anthropic's answer has no message: quota", "{body}");
    }
}

#[test]
fn an_end_without_a_reason_is_not_called_a_stop() {
    let mut answer = json!({"id": "m", "content": [{"type": "text", "text": "a"}], "usage": {}});
    assert!(not_taken(&answer).contains("why it ended"));
    answer["stop_reason"] = Value::Null;
    assert!(not_taken(&answer).contains("why it ended"));

    let end = json!({"type": "message_delta", "delta": {"stop_reason": null}, "usage": {"output_tokens": 3}});
    let mut events = vec![begun()];
    events.extend(block(0, &json!({"type": "text", "text": "a"}), &[]));
    events.extend([end, json!({"type": "message_stop"})]);
    let asked = request(&json!({"stream": true}));
    let folded = folded(&streamed(Anthropic, &asked, stream(&events).as_bytes(), &[usize::MAX]));
    assert_eq!((&folded["text"], &folded["finish"]), (&json!("a"), &Value::Null));
    assert_eq!(folded["error"]["type"], "upstream_error");
}

#[test]
fn an_answer_held_by_a_tool_is_text() {
    let asked = json!({"stream": true, "response_format": {"type": "json_object"}});
    let mut events = vec![begun()];
    let pieces = [
        json!({"type": "input_json_delta", "partial_json": "{\"a\":"}),
        json!({"type": "input_json_delta", "partial_json": "1}"}),
    ];
    events.extend(block(
        0,
        &json!({"type": "tool_use", "id": "t", "name": "json_answer", "input": {}}),
        &pieces,
    ));
    events.extend(stopped("tool_use"));
    let folded = folded(&streamed(Anthropic, &request(&asked), stream(&events).as_bytes(), &[7]));
    assert_eq!(
        (&folded["text"], &folded["finish"], &folded["calls"]),
        (&json!("{\"a\":1}"), &json!("stop"), &json!([]))
    );
}

#[test]
fn an_error_within_a_stream_ends_it_and_a_missing_end_is_one() {
    let asked = request(&json!({"stream": true}));
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let events = [begun(), error, json!({"type": "message_stop"})];
    let written = streamed(Anthropic, &asked, stream(&events).as_bytes(), &[usize::MAX]);
    let frames = frames(&written);
    assert_eq!(
        frames.last().unwrap(),
        &json!({"error": {"message": "Overloaded", "type": "overloaded_error", "param": null, "code": null}})
    );
    for broken in [stream(&[begun()]), String::new(), "data: {\"type\":\n\n".to_owned()] {
        let folded = folded(&streamed(Anthropic, &asked, broken.as_bytes(), &[usize::MAX]));
        assert_eq!(folded["error"]["type"], "upstream_error", "{broken}");
    }
}

#[test]
fn errors_keep_their_words() {
    let error = |status, body: &str| crate::anthropic::error(status, body.as_bytes());
    let limited = error(
        429,
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."},"request_id":"r"}"#,
    );
    assert_eq!((limited.message.as_str(), limited.kind.as_str()), ("Slow down.", "rate_limit_error"));
    assert_eq!(limited.code.as_deref(), Some("rate_limit_exceeded"));
    let long = error(
        400,
        r#"{"error":{"type":"invalid_request_error","message":"prompt is too long: 300000 tokens"}}"#,
    );
    assert_eq!(long.code.as_deref(), Some("context_length_exceeded"));
    assert_eq!(error(502, "<html>Bad Gateway</html>").message, "<html>Bad Gateway</html>");
    assert!(error(503, " ").message.contains("503"));
}
