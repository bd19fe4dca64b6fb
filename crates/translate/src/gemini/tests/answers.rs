//! What Gemini's answers and errors become.

use serde_json::{Value, json};

use crate::Target::Gemini;
use crate::samples::{folded, frames, streamed, usage, whole};

fn request(rest: &Value) -> Value {
    let mut request = json!({"model": "gemini-2.5-pro", "messages": [{"role": "user", "content": "Hi."}]});
    for (name, value) in rest.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn stream(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

fn candidate(parts: &Value, finish: Option<&str>) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, "finishReason": finish}],
        "responseId": "r1", "modelVersion": "gemini-2.5-pro-001"})
}

#[test]
fn a_whole_answer_with_thoughts_and_signed_calls() {
    let mut answer = candidate(
        &json!([
            {"text": "**Plan**", "thought": true},
            {"text": "Running "},
            {"text": "ls."},
            {"functionCall": {"name": "shell", "args": {"command": "ls"}}, "thoughtSignature": "QWc="},
            {"functionCall": {"id": "own", "name": "wait"}},
        ]),
        Some("STOP"),
    );
    answer["usageMetadata"] = json!({
        "promptTokenCount": 10_000, "cachedContentTokenCount": 4_000, "candidatesTokenCount": 300,
        "thoughtsTokenCount": 700, "toolUsePromptTokenCount": 50, "totalTokenCount": 11_050,
    });
    assert_eq!(
        whole(Gemini, &request(&json!({})), &answer).unwrap(),
        json!({
            "id": "r1", "object": "chat.completion", "created": 1_700_000_000, "model": "gemini-2.5-pro-001",
            "choices": [{
                "index": 0, "logprobs": null, "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant", "content": "Running ls.", "refusal": null, "reasoning_content": "**Plan**",
                    "tool_calls": [
                        {"id": "call_r1_0_0__gemini__QWc", "type": "function",
                            "function": {"name": "shell", "arguments": "{\"command\":\"ls\"}"}},
                        {"id": "own", "type": "function", "function": {"name": "wait", "arguments": "{}"}},
                    ],
                },
            }],
            "usage": usage(10_050, 4_000, 1_000, 700),
        })
    );
}

#[test]
fn thoughts_within_the_count_are_not_counted_twice() {
    let mut answer = candidate(&json!([{"text": "Hi."}]), Some("STOP"));
    answer["usageMetadata"] = json!({"promptTokenCount": 10, "candidatesTokenCount": 30, "thoughtsTokenCount": 20, "totalTokenCount": 40});
    let usage = whole(Gemini, &request(&json!({})), &answer).unwrap()["usage"].clone();
    assert_eq!((usage["completion_tokens"].as_u64(), usage["total_tokens"].as_u64()), (Some(30), Some(40)));
}

#[test]
fn a_stream_leaves_as_it_comes() {
    let events = [
        candidate(&json!([{"text": "Hm.", "thought": true}]), None),
        candidate(&json!([{"text": "Hello"}]), None),
        candidate(&json!([{"text": "", "thoughtSignature": "QWc="}]), Some("STOP")),
    ];
    let out = streamed(Gemini, &request(&json!({"stream": true})), stream(&events).as_bytes(), &[usize::MAX]);
    let deltas: Vec<Value> = frames(&out).iter().map(|frame| frame["choices"][0]["delta"].clone()).collect();
    assert_eq!(
        deltas,
        [
            json!({"role": "assistant", "content": "", "refusal": null}),
            json!({"reasoning_content": "Hm."}),
            json!({"content": "Hello"}),
            json!({"reasoning_details": [
                {"type": "reasoning.text", "text": "Hm.", "signature": "gemini:QWc=", "index": 0}]}),
            json!({}),
            Value::Null,
        ],
        "no usage unless it was asked for; the last is [DONE]"
    );
}

#[test]
fn ends_have_openai_s_names() {
    let finish = |reason: &str, parts: Value| {
        whole(Gemini, &request(&json!({})), &candidate(&parts, Some(reason)))
            .map(|answer| answer["choices"][0]["finish_reason"].as_str().unwrap().to_owned())
    };
    let said = || json!([{"text": "Hi."}]);
    let call = || json!([{"functionCall": {"name": "look", "args": {}}}]);
    assert_eq!(finish("STOP", said()).unwrap(), "stop");
    assert_eq!(finish("STOP", call()).unwrap(), "tool_calls");
    assert_eq!(finish("MAX_TOKENS", said()).unwrap(), "length");
    for reason in ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"] {
        assert_eq!(finish(reason, json!([])).unwrap(), "content_filter");
    }
    assert_eq!(finish("OTHER", said()).unwrap(), "stop", "what was said is not thrown away");
    assert!(finish("OTHER", json!([])).unwrap_err().contains("OTHER"), "an empty answer is none");
    assert!(finish("MALFORMED_FUNCTION_CALL", json!([])).is_err());
}

#[test]
fn a_blocked_prompt_is_a_refusal() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "responseId": "r1",
        "usageMetadata": {"promptTokenCount": 12, "totalTokenCount": 12}});
    let answer = whole(Gemini, &request(&json!({})), &blocked).unwrap();
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "content_filter");
    assert_eq!(choice["message"]["refusal"], "The prompt was blocked by Gemini: PROHIBITED_CONTENT.");
    assert_eq!(
        (&choice["message"]["content"], &answer["usage"]["prompt_tokens"]),
        (&Value::Null, &json!(12))
    );
}

#[test]
fn several_choices_stay_apart() {
    let answer = json!({"responseId": "r1", "candidates": [
        {"index": 0, "content": {"parts": [{"text": "one"}]}, "finishReason": "STOP"},
        {"index": 1, "content": {"parts": [{"functionCall": {"name": "look", "args": {}}}]}, "finishReason": "STOP"},
    ]});
    let answer = whole(Gemini, &request(&json!({"n": 2})), &answer).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "one");
    assert_eq!(answer["choices"][1]["message"]["tool_calls"][0]["id"], "call_r1_1_0");
    assert_eq!(answer["choices"][1]["finish_reason"], "tool_calls");
}

#[test]
fn where_one_call_is_wanted_the_first_is_given() {
    let two = candidate(
        &json!([{"functionCall": {"name": "look", "args": {}}}, {"functionCall": {"name": "wait", "args": {}}}]),
        Some("STOP"),
    );
    let calls = |rest: Value| {
        let answer = whole(Gemini, &request(&rest), &two).unwrap();
        answer["choices"][0]["message"]["tool_calls"].as_array().unwrap().len()
    };
    assert_eq!((calls(json!({})), calls(json!({"parallel_tool_calls": false}))), (2, 1));
}

#[test]
fn a_stream_that_fails_or_breaks_off_says_so() {
    let begun = candidate(&json!([{"text": "Hel"}]), None);
    let failure = json!({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}});
    let told = |events: &[Value]| {
        folded(&streamed(Gemini, &request(&json!({"stream": true})), stream(events).as_bytes(), &[7]))
    };
    let failed = told(&[begun.clone(), failure]);
    assert_eq!((&failed["text"], &failed["error"]["message"]), (&json!("Hel"), &json!("Overloaded")));
    assert_eq!(failed["error"]["code"], "UNAVAILABLE");
    assert!(told(&[begun])["error"]["message"].as_str().unwrap().contains("ended before"));
}

#[test]
fn an_answer_without_any_is_an_error() {
    assert!(whole(Gemini, &request(&json!({})), &json!({"responseId": "r1"})).is_err());
}

#[test]
fn errors_are_openai_s() {
    let body = json!({"error": {
        "code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"},
            {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "contents[0].role"}]},
        ],
    }});
    for body in [body.clone(), json!([body])] {
        let failure = super::super::error(400, body.to_string().as_bytes());
        assert_eq!(
            (
                failure.message.as_str(),
                failure.kind.as_str(),
                failure.code.as_deref(),
                failure.param.as_deref()
            ),
            (
                "API key not valid.",
                "invalid_request_error",
                Some("API_KEY_INVALID"),
                Some("contents[0].role")
            )
        );
    }
    let limited = json!({"error": {"code": 429, "message": "Exhausted", "status": "RESOURCE_EXHAUSTED"}});
    let failure = super::super::error(429, limited.to_string().as_bytes());
    assert_eq!(
        (failure.kind.as_str(), failure.code.as_deref()),
        ("rate_limit_error", Some("RESOURCE_EXHAUSTED"))
    );
    let wait = |delay: &str| {
        let details = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]);
        super::super::retry_after(json!({"error": {"details": details}}).to_string().as_bytes())
    };
    assert_eq!(
        [wait("32s"), wait("32.080s"), wait("0.000s"), wait("soon")],
        [Some(32), Some(33), Some(0), None]
    );
    assert_eq!(super::super::retry_after(limited.to_string().as_bytes()), None);
    assert_eq!(super::super::error(502, b"<html>Bad Gateway</html>").message, "<html>Bad Gateway</html>");
}

#[test]
fn calls_get_ids_of_their_own_where_nothing_has_one() {
    let ids = |city: &str| {
        let part = json!({"functionCall": {"name": "look", "args": {"city": city}}});
        let answer = json!({"candidates": [{"content": {"parts": [part, part]}, "finishReason": "STOP"}]});
        let answer = whole(Gemini, &request(&json!({})), &answer).unwrap();
        let calls = answer["choices"][0]["message"]["tool_calls"].as_array().unwrap();
        calls.iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = [ids("Bonn"), ids("Köln")].concat();
    assert!((1..all.len()).all(|place| !all[..place].contains(&all[place])), "{all:?}");
    assert_eq!(ids("Bonn"), ids("Bonn"), "the same answer has the same ids, however often it is read");
}

#[test]
fn an_error_in_other_words_keeps_its_text_and_its_status() {
    for (status, body, message, kind) in [
        (429, json!({"error": "Slow down."}), "Slow down.", "rate_limit_error"),
        (429, json!({"type": "error", "error": {"message": "Too many."}}), "Too many.", "rate_limit_error"),
        (401, json!([{"error": "Who are you?"}]), "Who are you?", "authentication_error"),
        (400, json!({"error": {"code": 403, "message": "No."}}), "No.", "permission_error"),
        (529, json!({"error": {"message": "Full."}}), "Full.", "server_error"),
        (500, json!({"error": {}}), "Gemini failed without a word.", "server_error"),
    ] {
        let failure = super::super::error(status, body.to_string().as_bytes());
        assert_eq!((failure.message.as_str(), failure.kind.as_str()), (message, kind), "{status} {body}");
    }
}

#[test]
fn a_stream_that_breaks_off_in_one_of_its_choices_says_so() {
    let of = |index: u64, finish: Option<&str>| {
        let mut event = candidate(&json!([{"text": "x"}]), finish);
        event["candidates"][0]["index"] = json!(index);
        event
    };
    let ask = request(&json!({"n": 2, "stream": true}));
    for (last, fails) in [(None, true), (Some("STOP"), false)] {
        let events = stream(&[of(0, Some("STOP")), of(1, last)]);
        let out = String::from_utf8(streamed(Gemini, &ask, events.as_bytes(), &[7])).unwrap();
        assert_eq!(out.contains("ended before its last event"), fails, "{out}");
        assert_eq!(out.ends_with("data: [DONE]\n\n"), !fails, "{out}");
    }
}
