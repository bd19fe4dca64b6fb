//! A Responses request is the same as the chat request that says so.

use serde_json::{Value, json};

use super::super::parse;
use crate::call::{Front, Target, begin};
use crate::chat;
use crate::refusal::Refusal;

fn refused(rest: &Value) -> Refusal {
    parse(with(rest)).unwrap_err()
}

fn with(rest: &Value) -> Value {
    let mut request = json!({"model": "m", "input": "Hi."});
    for (name, value) in rest.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

#[test]
fn a_conversation_with_everything() {
    let response = json!({
        "model": "m", "instructions": "Be brief.", "stream": true, "store": false, "metadata": {"a": "b"},
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
                {"type": "input_file", "file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}],
                "encrypted_content": "signature:QWc="},
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                "content": [{"type": "output_text", "text": "Let me see.", "annotations": [], "logprobs": []}]},
            {"type": "function_call", "id": "fc_1", "status": "completed", "call_id": "a", "name": "look",
                "arguments": "{\"at\":1}"},
            {"type": "function_call", "call_id": "b", "name": "wait", "arguments": ""},
            {"type": "function_call_output", "call_id": "a", "output": "a dog"},
            {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "waited"}]},
            {"type": "message", "role": "developer", "content": "No jokes."},
            {"role": "user", "content": "And?"},
        ],
        "tools": [{"type": "function", "name": "look", "description": "Looks.", "strict": true,
            "parameters": {"type": "object"}}],
        "tool_choice": {"type": "function", "name": "look"}, "parallel_tool_calls": false,
        "temperature": 0.5, "top_p": 0.9, "max_output_tokens": 100, "user": "someone",
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": true}},
    });
    let same = json!({
        "model": "m", "stream": true,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"}},
            ]},
            {"role": "assistant", "content": "Let me see.",
                "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "QWc=", "index": 0}],
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{\"at\":1}"}},
                    {"id": "b", "type": "function", "function": {"name": "wait", "arguments": ""}},
                ]},
            {"role": "tool", "tool_call_id": "a", "content": "a dog"},
            {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "waited"}]},
            {"role": "developer", "content": "No jokes."},
            {"role": "user", "content": "And?"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.", "strict": true,
            "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "look"}}, "parallel_tool_calls": false,
        "temperature": 0.5, "top_p": 0.9, "max_completion_tokens": 100, "user": "someone",
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema":
            {"name": "answer", "schema": {"type": "object"}, "strict": true}},
    });
    let mut same = chat::parse(same).unwrap();
    same.include_usage = true;
    same.tell_thoughts = true;
    same.max_tokens_field = "max_output_tokens";
    let (mut request, _) = parse(response).unwrap();
    // Only where things stand differs.
    for (message, other) in request.messages.iter_mut().zip(&same.messages) {
        super::same_places(message, other);
    }
    assert_eq!(request, same);
}

#[test]
fn a_text_is_a_user_s_message() {
    let (request, _) = parse(json!({"model": "m", "input": "Hi."})).unwrap();
    assert_eq!(
        request.messages,
        chat::parse(json!({"model": "m", "messages": [{"role": "user", "content": "Hi."}]}))
            .unwrap()
            .messages
    );
    assert!(!request.stream);
}

#[test]
fn what_lives_at_openai_is_refused_by_name() {
    for (rest, field) in [
        (json!({"previous_response_id": "resp_1"}), "previous_response_id"),
        (json!({"conversation": "conv_1"}), "conversation"),
        (json!({"prompt": {"id": "p"}}), "prompt"),
        (json!({"background": true}), "background"),
        (json!({"store": true}), "store"),
        (json!({"truncation": "auto"}), "truncation"),
        (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
        (
            json!({"tools": [{"type": "function", "name": "a"}, {"type": "custom", "name": "b"}]}),
            "tools[1].type",
        ),
        (json!({"tool_choice": {"type": "file_search"}}), "tool_choice"),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (
            json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "name": "g"}}),
            "tool_choice",
        ),
        (
            json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "name": "f", "x": 1}}),
            "tool_choice.x",
        ),
        (
            json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}),
            "tool_choice.tools",
        ),
        (
            json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]}}),
            "tool_choice.tools[0]",
        ),
        (
            json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp", "server_label": "s"}]}}),
            "tool_choice.tools[0].type",
        ),
        (
            json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"name": "f", "x": 1}]}}),
            "tool_choice.tools[0].x",
        ),
        (
            json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"name": "f"}], "x": 1}}),
            "tool_choice.x",
        ),
        (json!({"tools": [{"type": "function", "name": "f", "parameters": [1]}]}), "tools[0].parameters"),
        (
            json!({"text": {"format": {"type": "json_schema", "name": "f", "schema": 7}}}),
            "text.format.schema",
        ),
        (json!({"input": [{"role": "user", "content": []}]}), "input[0].content"),
        (json!({"include": ["message.output_text.logprobs"]}), "include[0]"),
        (json!({"include": ["reasoning.encrypted_content", "something.new"]}), "include[1]"),
        (json!({"stream_options": {"include_obfuscation": false, "x": 1}}), "stream_options.x"),
        (
            json!({"tools": [{"type": "function", "name": "mcp__x__go"},
                {"type": "namespace", "name": "mcp__x", "tools": [{"type": "function", "name": "go"}]}]}),
            "tools",
        ),
        (json!({"text": {"verbosity": "low"}}), "text.verbosity"),
        (json!({"reasoning": {"effort": "enormous"}}), "reasoning.effort"),
        (json!({"input": [{"type": "item_reference", "id": "msg_1"}]}), "input[0].id"),
        (json!({"input": [{"id": "msg_1"}]}), "input[0].id"),
        (json!({"input": [{"type": "web_search_call", "id": "ws_1"}]}), "input[0].type"),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]}]}),
            "input[0].content[0].file_id",
        ),
        (
            json!({"input": [{"type": "function_call", "call_id": "a", "name": "b", "arguments": "[1]"}]}),
            "input[0].arguments",
        ),
        (json!({"something": 1}), "something"),
    ] {
        let refusal = refused(&rest);
        assert_eq!(refusal.field, field);
        assert!(refusal.why.contains(field), "{} names {field}", refusal.why);
    }
}

#[test]
fn a_target_s_refusal_names_this_front_s_field() {
    let field = |target, body: Value| {
        let refusal = begin(Front::Responses, target, body.to_string().as_bytes()).unwrap_err();
        assert!(refusal.why.contains(&refusal.field), "{}", refusal.why);
        refusal.field
    };
    let orphan = json!({"model": "gemini-2.5-pro", "input": [{"type": "function_call_output", "call_id": "gone", "output": "1"}]});
    assert_eq!(field(Target::Gemini, orphan), "input[0].call_id");
    let detail = json!({"model": "command-a", "input": [{"role": "user", "content": [
        {"type": "input_image", "image_url": "https://pictures.test/a", "detail": "enormous"}]}]});
    assert_eq!(field(Target::Cohere, detail), "input[0].content[0].detail");
    let silent = json!({"model": "gemini-2.5-pro", "input": "Hi.", "reasoning": {"effort": "none"}});
    assert_eq!(field(Target::Gemini, silent), "reasoning.effort");
}

#[test]
fn thoughts_that_only_openai_can_read_stay_behind() {
    let (request, _) = parse(json!({"model": "m", "input": [
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAAAA"},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
    ]}))
    .unwrap();
    let chat::Message::Assistant { thoughts, calls, .. } = &request.messages[0] else {
        panic!("{request:?}")
    };
    assert_eq!((thoughts.len(), calls.len()), (0, 1));
}

#[test]
fn namespaces_go_into_names_and_out_of_them() {
    let (request, echo) = parse(with(&json!({
        "tools": [{"type": "namespace", "name": "agents", "description": "About agents.", "tools": [
            {"type": "function", "name": "close", "description": "Closes one.", "parameters": {"type": "object"}}]}],
        "tool_choice": {"type": "function", "namespace": "agents", "name": "close"},
        "input": [{"type": "function_call", "call_id": "a", "namespace": "agents", "name": "close", "arguments": "{}"}],
    })))
    .unwrap();
    assert_eq!(request.tools[0].name, "agents__close");
    assert_eq!(request.tools[0].description.as_deref(), Some("About agents.\n\nCloses one."));
    assert_eq!(request.choose, chat::Choose::Named("agents__close".to_owned()));
    let chat::Message::Assistant { calls, .. } = &request.messages[0] else { panic!("{request:?}") };
    assert_eq!(calls[0].name, "agents__close");
    assert_eq!(echo.apart("agents__close".to_owned()), (Some("agents".to_owned()), "close".to_owned()));
    assert_eq!(echo.apart("look".to_owned()), (None, "look".to_owned()));
}
