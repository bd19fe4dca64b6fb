//! Reading chat requests: every field is known, has its type, or is refused by its name.

use serde_json::{Value, json};

use super::{Thought, parse, whole};
use crate::Target;
use crate::delta::{Delta, Finish};
use crate::refusal::Refusal;
use crate::samples;

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
        (
            json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": true}}]}),
            "tools[0].function.parameters",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "f", "schema": 7}}}),
            "response_format.json_schema.schema",
        ),
        (message(&json!({"role": "user", "content": null})), "messages[0].content"),
        (message(&json!({"role": "user", "content": []})), "messages[0].content"),
        (
            message(&json!({"role": "assistant", "tool_calls": [{"id": "c", "extra_content": {"x": 1}}]})),
            "messages[0].tool_calls[0].extra_content.x",
        ),
        (
            message(
                &json!({"role": "assistant", "tool_calls": [{"id": "c", "extra_content": {"google": {"x": 1}}}]}),
            ),
            "messages[0].tool_calls[0].extra_content.google.x",
        ),
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

/// A request with one tool, `f`, and a choice.
fn chosen(choice: &Value) -> Value {
    with(&json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": choice}))
}

#[test]
fn a_choice_that_the_tools_do_not_agree_with_is_refused_for_every_provider() {
    let named = |name: &str| json!({"type": "function", "function": {"name": name}});
    let allowed = |allowed: Value| json!({"type": "allowed_tools", "allowed_tools": allowed});
    let place = "tool_choice.allowed_tools";
    for (request, field) in [
        (with(&json!({"tool_choice": "required"})), "tool_choice".to_owned()),
        (with(&json!({"tool_choice": named("f")})), "tool_choice".to_owned()),
        (chosen(&named("g")), "tool_choice".to_owned()),
        (
            chosen(&json!({"type": "function", "function": {"name": "f", "x": 1}})),
            "tool_choice.function.x".to_owned(),
        ),
        (chosen(&json!({"type": "function", "function": {"name": "f"}, "x": 1})), "tool_choice.x".to_owned()),
        (
            chosen(&allowed(json!({"mode": "required", "tools": [named("f"), named("g")]}))),
            format!("{place}.tools[1]"),
        ),
        (chosen(&allowed(json!({"mode": "required", "tools": []}))), format!("{place}.tools")),
        (chosen(&allowed(json!({"mode": "auto"}))), format!("{place}.tools")),
        (chosen(&allowed(json!({"mode": "auto", "tools": [named("f")], "x": 1}))), format!("{place}.x")),
        (
            chosen(&allowed(json!({"mode": "auto", "tools": [{"type": "mcp", "server_label": "s"}]}))),
            format!("{place}.tools[0].type"),
        ),
        (
            chosen(&allowed(json!({"mode": "auto", "tools": [{"function": {"name": "f"}, "x": 1}]}))),
            format!("{place}.tools[0].x"),
        ),
        (
            chosen(&json!({"type": "allowed_tools", "x": 1,
                "allowed_tools": {"mode": "auto", "tools": [named("f")]}})),
            "tool_choice.x".to_owned(),
        ),
    ] {
        for target in [Target::Anthropic, Target::Gemini, Target::Cohere] {
            let refusal = samples::refused(target, &request);
            assert_eq!(refusal.field, field, "{target:?} {request}: {}", refusal.why);
            assert!(refusal.why.starts_with(&field), "{}", refusal.why);
        }
    }
}

#[test]
fn no_tools_and_none_to_be_called_is_nothing() {
    let plain = parse(with(&json!({}))).unwrap();
    for choice in ["none", "auto"] {
        assert_eq!(parse(with(&json!({"tool_choice": choice}))).unwrap(), plain);
    }
    let allowed = parse(chosen(&json!({"type": "allowed_tools", "allowed_tools": {"mode": "required",
        "tools": [{"type": "function", "function": {"name": "f"}}]}})));
    assert_eq!(allowed.unwrap(), parse(chosen(&json!("required"))).unwrap());
}

#[test]
fn what_another_provider_proved_is_not_sent_to_be_checked() {
    let thoughts = |details: Value| {
        let answer = json!({"role": "assistant", "content": "Yes.", "reasoning_details": details});
        let request = parse(with(&message(&answer))).unwrap();
        let super::Message::Assistant { thoughts, .. } = &request.messages[0] else { panic!("an answer") };
        thoughts.clone()
    };
    let text = |signature: Option<&str>| Thought::Text {
        text: "So.".to_owned(),
        signature: signature.map(str::to_owned),
    };
    for format in ["openai-responses-v1", "xai-responses-v1", "google-gemini-v1"] {
        assert_eq!(thoughts(json!([{"type": "reasoning.encrypted", "data": "gAAA", "format": format}])), []);
        let detail = json!([{"type": "reasoning.text", "text": "So.", "signature": "S", "format": format}]);
        assert_eq!(thoughts(detail), [text(None)], "{format}");
    }
    for format in [json!("anthropic-claude-v1"), Value::Null] {
        let sealed = json!([{"type": "reasoning.encrypted", "data": "gAAA", "format": format}]);
        assert_eq!(thoughts(sealed), [Thought::Sealed("gAAA".to_owned())]);
        let detail = |signature: &str| json!([{"type": "reasoning.text", "text": "So.", "signature": signature, "format": format}]);
        assert_eq!(thoughts(detail("S")), [text(Some("S"))]);
        assert_eq!(thoughts(detail("")), [text(None)], "an empty one proves nothing");
    }
}
