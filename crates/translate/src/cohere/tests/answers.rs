//! What Cohere's answers and errors become.

use serde_json::{Value, json};

use crate::Target::Cohere;
use crate::samples::{folded, streamed, usage, whole};

fn request(rest: &Value) -> Value {
    let mut request = json!({"model": "command-a-03-2025", "messages": [{"role": "user", "content": "Hi."}]});
    for (name, value) in rest.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn told(rest: &Value, events: &[Value]) -> Value {
    let stream: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    folded(&streamed(Cohere, &request(rest), stream.as_bytes(), &[usize::MAX]))
}

#[test]
fn a_whole_answer_with_a_plan_and_calls() {
    let answer = json!({
        "id": "29f14a5a", "finish_reason": "TOOL_CALL",
        "message": {
            "role": "assistant", "tool_plan": "I will look.",
            "tool_calls": [
                {"id": "look_1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":1}"}},
                {"id": "wait_2", "type": "function", "function": {"name": "wait", "arguments": ""}},
            ],
        },
        "usage": {"billed_units": {"input_tokens": 17.0, "output_tokens": 12.0},
            "tokens": {"input_tokens": 215.0, "output_tokens": 20.0}, "cached_tokens": 96.0},
    });
    assert_eq!(
        whole(Cohere, &request(&json!({})), &answer).unwrap(),
        json!({
            "id": "29f14a5a", "object": "chat.completion", "created": 1_700_000_000, "model": "command-a-03-2025",
            "choices": [{
                "index": 0, "logprobs": null, "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant", "content": null, "refusal": null, "reasoning_content": "I will look.",
                    "tool_calls": [
                        {"id": "look_1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":1}"}},
                        {"id": "wait_2", "type": "function", "function": {"name": "wait", "arguments": "{}"}},
                    ],
                },
            }],
            "usage": usage(215, 96, 20, 0),
        }),
        "all tokens are counted, not only those that are billed"
    );
}

#[test]
fn a_stream_s_plan_comes_before_its_calls() {
    let calls = |kind: &str, index: u64, call: Value| json!({"type": kind, "index": index, "delta": {"message": {"tool_calls": call}}});
    let start =
        |id: &str| json!({"id": id, "type": "function", "function": {"name": "look", "arguments": ""}});
    let events = [
        json!({"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant"}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will "}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "look."}}}),
        calls("tool-call-start", 0, start("a")),
        calls("tool-call-delta", 0, json!({"function": {"arguments": "{\"at\""}})),
        calls("tool-call-delta", 0, json!({"function": {"arguments": ":1}"}})),
        json!({"type": "tool-call-end", "index": 0}),
        calls("tool-call-start", 1, start("b")),
        json!({"type": "tool-call-end", "index": 1}),
        json!({"type": "citation-start", "index": 0, "delta": {"message": {"citations": {"text": "x"}}}}),
        json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {"tokens": {"input_tokens": 9, "output_tokens": 3}}}}),
    ];
    let answer = told(&json!({"stream": true}), &events);
    assert_eq!(answer["reasoning"], "I will look.");
    assert_eq!(
        answer["calls"],
        json!([{"id": "a", "name": "look", "arguments": "{\"at\":1}"}, {"id": "b", "name": "look", "arguments": "{}"}])
    );
    assert_eq!((&answer["finish"], &answer["usage"]), (&json!("tool_calls"), &Value::Null));
    let one = told(&json!({"stream": true, "parallel_tool_calls": false}), &events);
    assert_eq!(one["calls"].as_array().unwrap().len(), 1, "one call at a time was asked for");
    assert_eq!(one["calls"][0]["arguments"], "{\"at\":1}");
}

#[test]
fn ends_have_openai_s_names() {
    let finish = |reason: &str| {
        let answer = json!({"id": "m1", "finish_reason": reason,
            "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi."}]}});
        whole(Cohere, &request(&json!({})), &answer)
            .map(|answer| answer["choices"][0]["finish_reason"].as_str().unwrap().to_owned())
    };
    assert_eq!(finish("COMPLETE").unwrap(), "stop");
    assert_eq!(finish("STOP_SEQUENCE").unwrap(), "stop");
    assert_eq!(finish("MAX_TOKENS").unwrap(), "length");
    assert_eq!(finish("TOOL_CALL").unwrap(), "tool_calls");
    assert!(finish("ERROR").is_err() && finish("TIMEOUT").is_err());
}

#[test]
fn a_stream_that_fails_or_breaks_off_says_so() {
    let begun =
        json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Hel"}}}});
    let failed = json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Overloaded"}});
    let answer = told(&json!({"stream": true}), &[begun.clone(), failed]);
    assert_eq!((&answer["text"], &answer["error"]["message"]), (&json!("Hel"), &json!("Overloaded")));
    let bare = told(&json!({"stream": true}), &[json!({"message": "internal server error"})]);
    assert_eq!(bare["error"]["message"], "internal server error");
    let broken = told(&json!({"stream": true}), &[begun]);
    assert!(broken["error"]["message"].as_str().unwrap().contains("ended before"));
}

#[test]
fn errors_are_openai_s() {
    let of = |status: u16, body: &str| {
        let failure = super::super::error(status, body.as_bytes());
        (failure.message, failure.kind, failure.code)
    };
    let message = |text: &str| json!({"id": "x", "message": text}).to_string();
    let auth = of(401, &message("invalid api token"));
    assert_eq!(
        (auth.0.as_str(), auth.1.as_str(), auth.2.as_deref()),
        ("invalid api token", "authentication_error", Some("invalid_api_key"))
    );
    assert_eq!(of(422, &message("bad")).1, "invalid_request_error");
    assert_eq!(of(429, &message("slow")).1, "rate_limit_error");
    assert_eq!(of(503, "").0, "The provider answered with status 503.");
}
