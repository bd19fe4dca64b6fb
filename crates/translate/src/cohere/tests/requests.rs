//! What Cohere is asked.

use serde_json::{Value, json};

use crate::Target::Cohere;
use crate::samples::{refused, sent};

fn body(request: &Value) -> Value {
    sent(Cohere, request).body
}

fn asked(rest: &Value) -> Value {
    let mut request = json!({"model": "command-a-03-2025", "messages": [{"role": "user", "content": "Hi."}]});
    for (name, value) in rest.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

#[test]
fn a_conversation_with_everything() {
    let request = json!({
        "model": "command-a-vision-07-2025", "stream": true,
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://pictures.test/a"}},
            ]},
            {"role": "assistant", "content": null, "reasoning_content": "I will look.", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{\"at\": 1}"}},
                {"id": "b", "type": "function", "function": {"name": "wait", "arguments": ""}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "a dog"},
            {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]},
            {"role": "assistant", "content": "A dog.", "reasoning_content": "Clearly."},
            {"role": "user", "content": "Sure?"},
        ],
    });
    let outgoing = sent(Cohere, &request);
    assert_eq!((outgoing.path.as_str(), outgoing.query), ("/v2/chat", None));
    assert_eq!(
        outgoing.body,
        json!({
            "model": "command-a-vision-07-2025", "stream": true,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": "https://pictures.test/a"}},
                ]},
                {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{\"at\":1}"}},
                    {"id": "b", "type": "function", "function": {"name": "wait", "arguments": "{}"}},
                ]},
                {"role": "tool", "tool_call_id": "a", "content": "a dog"},
                {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]},
                {"role": "assistant", "content": "A dog."},
                {"role": "user", "content": "Sure?"},
            ],
        })
    );
}

#[test]
fn models_that_reason_get_their_thoughts_back() {
    let request = json!({"model": "command-a-reasoning-08-2025", "messages": [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": "On it.", "reasoning_content": "Hm.", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "a dog"},
    ]});
    let answer = &body(&request)["messages"][1];
    assert_eq!(
        answer["content"],
        json!([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "On it."}])
    );
    assert_eq!(answer["tool_plan"], Value::Null);
}

#[test]
fn settings_have_their_names() {
    let request = asked(&json!({
        "temperature": 0.5, "top_p": 1, "top_k": 40, "frequency_penalty": 0.1, "presence_penalty": 0.5, "seed": 7,
        "stop": ["END"], "max_completion_tokens": 100, "user": "someone", "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
    }));
    let mut body = body(&request);
    body.as_object_mut().unwrap().shift_remove("messages");
    assert_eq!(
        body,
        json!({
            "model": "command-a-03-2025", "temperature": 0.5, "p": 0.99, "k": 40, "frequency_penalty": 0.1,
            "presence_penalty": 0.5, "seed": 7, "stop_sequences": ["END"], "max_tokens": 100,
            "thinking": {"type": "enabled", "token_budget": 2_048},
            "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
        })
    );
}

#[test]
fn effort_is_a_budget_off_or_without_limit() {
    let thinking = |effort: &str| body(&asked(&json!({"reasoning_effort": effort})))["thinking"].clone();
    assert_eq!(thinking("none"), json!({"type": "disabled"}));
    assert_eq!(thinking("high"), json!({"type": "enabled", "token_budget": 16_384}));
    assert_eq!(thinking("max"), json!({"type": "enabled"}));
}

#[test]
fn tools_and_their_choice() {
    let tools = json!([
        {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}, "strict": true}},
        {"type": "function", "function": {"name": "wait"}},
    ]);
    let with = |choice: Value| body(&asked(&json!({"tools": tools, "tool_choice": choice})));
    let auto = with(json!("auto"));
    assert_eq!(
        auto["tools"],
        json!([
            {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}},
            {"type": "function", "function": {"name": "wait", "parameters": {"type": "object", "properties": {}}}},
        ])
    );
    assert_eq!((&auto["tool_choice"], &auto["strict_tools"]), (&Value::Null, &json!(true)));
    assert_eq!(with(json!("required"))["tool_choice"], "REQUIRED");
    assert_eq!(with(json!("none"))["tool_choice"], "NONE");
    let named = with(json!({"type": "function", "function": {"name": "wait"}}));
    assert_eq!(named["tool_choice"], "REQUIRED");
    assert_eq!(named["tools"].as_array().unwrap().len(), 1, "the named tool is the only one there is");
}

#[test]
fn what_cohere_cannot_be_told_is_refused_by_name() {
    let field = |rest: Value| refused(Cohere, &asked(&rest)).field;
    assert_eq!(field(json!({"n": 2})), "n");
    assert_eq!(field(json!({"presence_penalty": -0.5})), "presence_penalty");
    assert_eq!(field(json!({"frequency_penalty": 1.5})), "frequency_penalty");
    assert_eq!(
        field(json!({"tool_choice": {"type": "function", "function": {"name": "gone"}}})),
        "tool_choice"
    );
    let part = |part: Value| field(json!({"messages": [{"role": "user", "content": [part]}]}));
    let file = json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}});
    assert_eq!(part(file), "messages[0].content[0]");
    let sound = json!({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}});
    assert_eq!(part(sound), "messages[0].content[0]");
    let picture = json!({"messages": [{"role": "tool", "tool_call_id": "a", "content": [
        {"type": "image_url", "image_url": {"url": "https://pictures.test/a"}}]}]});
    assert_eq!(field(picture), "messages[0].content[0]");
}
