//! What chat requests become for Anthropic, and which fields it cannot be told.

use serde_json::{Value, json};

use crate::Target::Anthropic;
use crate::samples::{refused, sent};

/// A request of one message, with more fields.
fn ask(model: &str, rest: &Value) -> Value {
    let mut request =
        json!({"model": model, "messages": [{"role": "user", "content": "Hi."}], "max_tokens": 10_000});
    for (name, value) in rest.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

const MODEL: &str = "claude-sonnet-4-5";

#[test]
fn a_conversation_with_tools_and_pictures() {
    let call = |id: &str, city: &str| json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": format!("{{\"city\":\"{city}\"}}")}});
    let request = json!({
        "model": MODEL, "stream": true, "temperature": 0.5, "top_p": 0.9, "stop": "END", "user": "u-1",
        "parallel_tool_calls": false, "frequency_penalty": 0, "logprobs": false, "n": 1, "metadata": {"a": "b"},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "Look:", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "data:image/PNG;base64,aGk=", "detail": "high"}},
                {"type": "image_url", "image_url": {"url": "https://pictures.test/a"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
                {"type": "file", "file": {"file_data": "data:text/markdown;base64,R3LDvMOfZQ=="}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [call("call_1", "Köln"), call("call:2", "Bonn")]},
            {"role": "tool", "tool_call_id": "call:2", "content": [{"type": "text", "text": "wet"}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "dry"},
            {"role": "developer", "content": "Use Celsius."},
            {"role": "user", "content": "And now?"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "weather", "description": "Weather", "strict": true, "parameters": {
                "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}},
            {"type": "function", "function": {"name": "now"}},
        ],
    });
    let outgoing = sent(Anthropic, &request);
    assert_eq!((outgoing.path.as_str(), outgoing.query), ("/v1/messages", None));
    assert_eq!(outgoing.headers, [("anthropic-version", "2023-06-01".to_owned())]);
    assert_eq!(
        outgoing.body,
        json!({
            "model": MODEL, "max_tokens": 64_000, "stream": true, "temperature": 0.5, "top_p": 0.9,
            "stop_sequences": ["END"], "metadata": {"user_id": "u-1"},
            "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Use Celsius."}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "Look:", "cache_control": {"type": "ephemeral"}},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                    {"type": "image", "source": {"type": "url", "url": "https://pictures.test/a"}},
                    {"type": "document", "title": "a.pdf",
                        "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
                    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}},
                ]},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Köln"}},
                    {"type": "tool_use", "id": "call_2", "name": "weather", "input": {"city": "Bonn"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "call_2", "content": "wet"},
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "dry"},
                    {"type": "text", "text": "And now?"},
                ]},
            ],
            "tools": [
                {"name": "weather", "description": "Weather", "strict": true, "input_schema": {
                    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
                {"name": "now", "input_schema": {"type": "object"}},
            ],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        })
    );
}

#[test]
fn tools_are_chosen() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let choice = |choice: Value| {
        sent(Anthropic, &ask(MODEL, &json!({"tools": [tool("a"), tool("b")], "tool_choice": choice}))).body
    };
    assert_eq!(choice(json!(null))["tool_choice"], Value::Null);
    assert_eq!(choice(json!("auto"))["tool_choice"], Value::Null);
    assert_eq!(choice(json!("none"))["tool_choice"], json!({"type": "none"}));
    assert_eq!(choice(json!("required"))["tool_choice"], json!({"type": "any"}));
    let named = json!({"type": "function", "function": {"name": "b"}});
    assert_eq!(choice(named.clone())["tool_choice"], json!({"type": "tool", "name": "b"}));
    let allowed =
        choice(json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}));
    assert_eq!(allowed["tools"].as_array().unwrap().len(), 1, "what is not allowed is not offered");
    assert_eq!(allowed["tool_choice"], json!({"type": "any"}));
}

#[test]
fn thinking_is_asked_for_as_each_generation_takes_it() {
    let asked =
        |model: &str, effort: &str| sent(Anthropic, &ask(model, &json!({"reasoning_effort": effort}))).body;
    for (effort, budget) in [("minimal", 1_024), ("low", 2_048), ("medium", 8_192), ("high", 9_999)] {
        let body = asked(MODEL, effort);
        assert_eq!(
            body["thinking"],
            json!({"type": "enabled", "budget_tokens": budget}),
            "less than max_tokens"
        );
        assert_eq!(body["output_config"], Value::Null);
    }
    assert_eq!(asked(MODEL, "none")["thinking"], Value::Null);
    for (model, effort, told) in [
        ("claude-opus-4-6", "minimal", "low"),
        ("claude-opus-4-6", "xhigh", "max"),
        ("claude-opus-5", "xhigh", "xhigh"),
        ("claude-opus-5", "high", "high"),
    ] {
        let body = asked(model, effort);
        assert_eq!(body["thinking"], json!({"type": "adaptive", "display": "summarized"}));
        assert_eq!(body["output_config"], json!({"effort": told}), "{model}");
    }
    assert_eq!(asked("claude-opus-5", "none")["thinking"], json!({"type": "disabled"}));
}

#[test]
fn thoughts_go_back_with_their_proofs() {
    let turn = |thoughts: Value| {
        let mut assistant = json!({"role": "assistant", "content": "", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "a", "arguments": ""}}]});
        for (name, value) in thoughts.as_object().unwrap() {
            assistant[name] = value.clone();
        }
        json!({"reasoning_effort": "low", "messages": [
            {"role": "user", "content": "Hi."}, assistant, {"role": "tool", "tool_call_id": "c", "content": "1"}]})
    };
    let signed = json!({"reasoning_content": "Hm.", "reasoning_details": [
        {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "index": 0, "format": "anthropic-claude-v1"},
        {"type": "reasoning.encrypted", "data": "Zm9v", "id": "y"}]});
    let body = sent(Anthropic, &ask(MODEL, &turn(signed))).body;
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "Zm9v"},
            {"type": "tool_use", "id": "c", "name": "a", "input": {}},
        ])
    );
    let elsewhere = json!({"role": "assistant", "content": "Hi.", "reasoning_details": [
        {"type": "reasoning.text", "text": "Hm.", "signature": "gemini:QWc="}], "tool_calls": [
        {"id": "c__gemini__QWc", "type": "function", "function": {"name": "a", "arguments": ""}}]});
    let result = json!({"role": "tool", "tool_call_id": "c__gemini__QWc", "content": "1"});
    let moved = json!({"messages": [{"role": "user", "content": "Hi."}, elsewhere, result]});
    let messages = sent(Anthropic, &ask(MODEL, &moved)).body["messages"].clone();
    assert_eq!(
        messages[1]["content"],
        json!([{"type": "text", "text": "Hi."}, {"type": "tool_use", "id": "c", "name": "a", "input": {}}]),
        "what Gemini signed is Gemini's"
    );
    assert_eq!(messages[2]["content"][0]["tool_use_id"], "c");
    let unsigned = turn(json!({"reasoning_content": "Hm."}));
    assert_eq!(
        refused(Anthropic, &ask(MODEL, &unsigned)).field,
        "reasoning_effort",
        "an error upstream else"
    );
    let body = sent(Anthropic, &ask("claude-opus-4-6", &unsigned)).body;
    assert_eq!(body["messages"][1]["content"][0]["type"], "tool_use", "newer ones do not ask for it");
}

#[test]
fn an_answer_has_the_form_asked_for() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": false});
    let by_schema =
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}});
    let new = sent(Anthropic, &ask(MODEL, &by_schema));
    assert_eq!(new.body["output_config"], json!({"format": {"type": "json_schema", "schema": schema}}));
    assert_eq!(new.answer_tool, None);
    let old = sent(Anthropic, &ask("claude-3-5-haiku-latest", &by_schema));
    assert_eq!(old.body["tools"][0]["input_schema"], schema);
    assert_eq!(old.body["tool_choice"]["name"], json!(old.answer_tool.unwrap()));

    let any = json!({"response_format": {"type": "json_object"}});
    let forced = sent(Anthropic, &ask(MODEL, &any));
    assert_eq!(forced.body["tool_choice"]["type"], "tool");
    let tools = json!([{"type": "function", "function": {"name": "a"}}]);
    let mut with_tools = any.clone();
    with_tools["tools"] = tools.clone();
    for request in [ask(MODEL, &with_tools), ask("claude-opus-5-5", &any)] {
        let worded = sent(Anthropic, &request);
        assert!(worded.body["system"].as_str().unwrap().contains("JSON"), "nothing else can hold it to that");
        assert_eq!(worded.answer_tool, None);
    }
    let mut both = by_schema;
    both["tools"] = tools;
    assert_eq!(refused(Anthropic, &ask("claude-3-5-haiku-latest", &both)).field, "response_format");
}

#[test]
fn what_it_cannot_be_told_is_refused_by_name() {
    for (fields, field) in [
        (json!({"seed": 1}), "seed"),
        (json!({"n": 2}), "n"),
        (json!({"frequency_penalty": 0.1}), "frequency_penalty"),
        (json!({"presence_penalty": -1}), "presence_penalty"),
        (json!({"temperature": 1.5}), "temperature"),
        (json!({"max_completion_tokens": 1000, "reasoning_effort": "low"}), "max_completion_tokens"),
        (
            json!({"messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "https://x.test", "detail": "low"}}]}]}),
            "messages[0].content[0].image_url.detail",
        ),
        (
            json!({"messages": [{"role": "user", "content": [
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}]}]}),
            "messages[0].content[0]",
        ),
        (
            json!({"messages": [{"role": "user", "content": [
                {"type": "file", "file": {"file_data": "data:audio/ogg;base64,aGk="}}]}]}),
            "messages[0].content[0].file.file_data",
        ),
    ] {
        let refusal = refused(Anthropic, &ask(MODEL, &fields));
        assert_eq!(refusal.field, field);
        assert!(refusal.why.starts_with(field), "{}", refusal.why);
    }
    assert_eq!(
        refused(Anthropic, &ask("claude-3-haiku-20240307", &json!({"reasoning_effort": "low"}))).field,
        "reasoning_effort"
    );
}
