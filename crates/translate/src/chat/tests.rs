//! Reading chat requests: every field is known, has its type, or is refused by its name.

use serde_json::{Value, json};

use super::{parse, whole};
use crate::delta::{Delta, Finish};
use crate::refusal::Refusal;

fn with(fields: &Value) -> Value {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "Hi."}]});
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn refused(fields: &Value) -> Refusal {
    parse(with(fields)).unwrap_err()
}

fn message(message: &Value) -> Value {
    json!({"messages": [message]})
}

#[test]
fn a_choice_that_never_ended_is_no_answer() {
    let start = || Delta::Start { id: "a".to_owned(), model: String::new() };
    let text = || Delta::Text("x".to_owned());
    let ended = || Delta::Finish(Finish::Length);
    let answer = whole(vec![start(), Delta::Choice(1), text(), ended()], "m", 1).unwrap();
    assert_eq!(answer["choices"].as_array().unwrap().len(), 1, "none that nobody told");
    assert_eq!(
        (&answer["choices"][0]["index"], &answer["choices"][0]["finish_reason"]),
        (&json!(1), &json!("length"))
    );
    for broken in [
        vec![],
        vec![start(), Delta::End],
        vec![start(), text(), Delta::End],
        vec![start(), text(), ended(), Delta::Choice(1), text(), Delta::End],
    ] {
        assert_eq!(whole(broken, "m", 1).unwrap_err().kind, "upstream_error");
    }
}

#[test]
fn what_changes_nothing_is_taken() {
    let plain = parse(with(&json!({}))).unwrap();
    for harmless in [
        json!({"metadata": {"a": "b"}, "store": false, "service_tier": "auto", "prompt_cache_key": "k"}),
        json!({"logprobs": false, "logit_bias": {}, "modalities": ["text"], "verbosity": "medium", "n": 1}),
        json!({"frequency_penalty": 0, "presence_penalty": 0.0, "functions": [], "function_call": "none"}),
        json!({"stream_options": {"include_obfuscation": false}, "prediction": {"type": "content", "content": "x"}}),
        json!({"seed": null, "audio": null, "tools": null, "anything": null}),
    ] {
        assert_eq!(parse(with(&harmless)).unwrap(), plain, "{harmless}");
    }
}

#[test]
fn what_cannot_be_told_is_refused_by_name() {
    for (fields, field) in [
        (json!({"store": true}), "store"),
        (json!({"service_tier": "flex"}), "service_tier"),
        (json!({"verbosity": "low"}), "verbosity"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"logit_bias": {"1": 2}}), "logit_bias"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (json!({"audio": {"voice": "x"}}), "audio"),
        (json!({"web_search_options": {}}), "web_search_options"),
        (json!({"functions": [{"name": "x"}]}), "functions"),
        (json!({"something_new": 1}), "something_new"),
        (json!({"n": 0}), "n"),
        (json!({"max_tokens": -1}), "max_tokens"),
        (json!({"temperature": "warm"}), "temperature"),
        (json!({"stop": [1]}), "stop"),
        (json!({"stream": "yes"}), "stream"),
        (json!({"stream_options": {"x": 1}}), "stream_options.x"),
        (json!({"reasoning_effort": "some"}), "reasoning_effort"),
        (json!({"response_format": {"type": "grammar"}}), "response_format.type"),
        (json!({"response_format": {"type": "json_schema"}}), "response_format.json_schema"),
        (json!({"tool_choice": "any"}), "tool_choice"),
        (json!({"tools": [{"type": "custom", "custom": {"name": "x"}}]}), "tools[0].type"),
        (json!({"tools": [{"type": "function", "function": {"name": "x", "y": 1}}]}), "tools[0].function.y"),
        (json!({"messages": "Hi."}), "messages"),
        (message(&json!("Hi.")), "messages[0]"),
        (message(&json!({"role": "robot", "content": "x"})), "messages[0].role"),
        (message(&json!({"role": "function", "name": "f", "content": "x"})), "messages[0].name"),
        (message(&json!({"role": "user", "name": "ann", "content": "x"})), "messages[0].name"),
        (message(&json!({"role": "user", "content": 1})), "messages[0].content"),
        (message(&json!({"role": "user", "content": [{"type": "video"}]})), "messages[0].content[0].type"),
        (
            message(&json!({"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]})),
            "messages[0].content[0].file.file_id",
        ),
        (
            message(&json!({"role": "system", "content": [{"type": "image_url"}]})),
            "messages[0].content[0].type",
        ),
        (message(&json!({"role": "assistant", "audio": {"id": "a"}})), "messages[0].audio"),
        (message(&json!({"role": "tool", "content": "x"})), "messages[0].tool_call_id"),
        (
            message(&json!({"role": "assistant", "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "[1]"}}]})),
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            message(
                &json!({"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {}}]}),
            ),
            "messages[0].tool_calls[0].type",
        ),
    ] {
        let refusal = refused(&fields);
        assert_eq!(refusal.field, field, "{fields}: {}", refusal.why);
        assert_eq!(refusal.body()["error"]["param"], field);
        assert!(refusal.why.starts_with(field), "{}", refusal.why);
    }
    for (body, why) in
        [(json!([]), "JSON object"), (json!({"messages": []}), "model"), (json!({"model": "m"}), "messages")]
    {
        assert!(parse(body).unwrap_err().why.contains(why));
    }
}

#[test]
fn what_clients_send_back_of_an_answer_is_taken() {
    let answer = json!({"role": "assistant", "content": null, "refusal": null, "annotations": [], "audio": null,
        "function_call": null, "tool_calls": [{"id": "c", "type": "function", "index": 0,
            "function": {"name": "f", "arguments": "{\"a\":1}"}}]});
    let request = parse(with(&message(&answer))).unwrap();
    let super::Message::Assistant { calls, .. } = &request.messages[0] else { panic!("an answer") };
    assert_eq!((calls[0].name.as_str(), &calls[0].arguments), ("f", &json!({"a": 1})));
}
