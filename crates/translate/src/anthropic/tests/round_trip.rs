//! There and back: a request read back from Anthropic's body is the same; an answer told in its words, in any pieces, is
//! what was said.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::Target::Anthropic;
use crate::samples::{self, Said};

const MODEL: &str = "claude-sonnet-4-5";

/// What Anthropic cannot be told is left out, and a limit is always told.
fn sayable(mut request: Value) -> Value {
    for field in ["seed", "presence_penalty"] {
        request[field] = Value::Null;
    }
    if request["response_format"]["type"] == "json_object" {
        request["response_format"] = Value::Null;
    }
    if request["response_format"]["json_schema"].is_object() {
        // It is told so in any case.
        request["response_format"]["json_schema"]["schema"]["additionalProperties"] = json!(false);
    }
    if request["max_completion_tokens"].is_null() {
        request["max_completion_tokens"] = json!(100);
    }
    for message in request["messages"].as_array_mut().unwrap() {
        for part in message["content"].as_array_mut().into_iter().flatten() {
            if part["image_url"]["detail"].is_string() {
                part["image_url"]["detail"] = Value::Null;
            }
        }
    }
    request
}

/// A chat request that says what Anthropic's body says.
fn back(body: &Value) -> Value {
    let mut messages = Vec::new();
    if let Some(system) = body.get("system") {
        messages.push(json!({"role": "system", "content": system}));
    }
    for turn in body["messages"].as_array().unwrap() {
        messages.extend(turn_back(turn));
    }
    let format = match &body["output_config"]["format"]["schema"] {
        Value::Null => Value::Null,
        schema => json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}),
    };
    let choice = match body["tool_choice"]["type"].as_str() {
        Some("any") => json!("required"),
        Some("none") => json!("none"),
        _ => Value::Null,
    };
    let tools = body["tools"].as_array().into_iter().flatten().map(|tool| {
        json!({"type": "function", "function": {
            "name": tool["name"], "description": tool["description"], "parameters": tool["input_schema"]}})
    });
    json!({
        "model": body["model"], "stream": body["stream"] == true, "messages": messages, "tool_choice": choice,
        "tools": tools.collect::<Vec<_>>(), "response_format": format, "temperature": body["temperature"],
        "top_p": body["top_p"], "top_k": body["top_k"], "max_completion_tokens": body["max_tokens"],
        "stop": body["stop_sequences"],
    })
}

fn turn_back(turn: &Value) -> Vec<Value> {
    let Some(blocks) = turn["content"].as_array() else { return vec![turn.clone()] };
    let of = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
    let said = blocks.iter().filter_map(|block| match block["type"].as_str().unwrap() {
        "text" => Some(block.clone()),
        "image" => {
            let source = &block["source"];
            let url = match source["type"].as_str().unwrap() {
                "url" => source["url"].clone(),
                _ => json!(format!(
                    "data:{};base64,{}",
                    source["media_type"].as_str().unwrap(),
                    source["data"].as_str().unwrap()
                )),
            };
            Some(json!({"type": "image_url", "image_url": {"url": url}}))
        }
        _ => None,
    });
    let said: Vec<Value> = said.collect();
    if turn["role"] == "assistant" {
        let calls = of("tool_use").map(|call| {
            json!({"id": call["id"], "type": "function",
                "function": {"name": call["name"], "arguments": call["input"].to_string()}})
        });
        return vec![json!({"role": "assistant", "content": said, "tool_calls": calls.collect::<Vec<_>>()})];
    }
    let results = of("tool_result").map(
        |result| json!({"role": "tool", "tool_call_id": result["tool_use_id"], "content": result["content"]}),
    );
    let mut messages: Vec<Value> = results.collect();
    if !said.is_empty() {
        messages.push(json!({"role": "user", "content": said}));
    }
    messages
}

/// Anthropic's content blocks for what is said.
fn blocks(said: &Said) -> Vec<Value> {
    let mut blocks = Vec::new();
    if !said.reasoning.is_empty() {
        blocks.push(json!({"type": "thinking", "thinking": said.reasoning, "signature": "c2ln"}));
    }
    if !said.text.is_empty() {
        blocks.push(json!({"type": "text", "text": said.text}));
    }
    let call = |(id, name, input): &(String, String, Value)| json!({"type": "tool_use", "id": id, "name": name, "input": input});
    blocks.extend(said.calls.iter().map(call));
    blocks
}

fn usage(said: &Said, thinking: u64) -> Value {
    json!({"input_tokens": said.input - said.cached, "cache_read_input_tokens": said.cached,
        "output_tokens": said.output, "output_tokens_details": {"thinking_tokens": thinking}})
}

fn stop(said: &Said) -> &'static str {
    if said.calls.is_empty() { "end_turn" } else { "tool_use" }
}

/// The same as a stream, every block in two pieces.
fn events(said: &Said, thinking: u64) -> String {
    let mut events = vec![json!({"type": "message_start", "message": {"id": "m", "model": MODEL, "usage": {
        "input_tokens": said.input - said.cached, "cache_read_input_tokens": said.cached, "output_tokens": 1}}})];
    for (index, block) in blocks(said).into_iter().enumerate() {
        let (kind, field, text, start) = match block["type"].as_str().unwrap() {
            "text" => (
                "text_delta",
                "text",
                block["text"].as_str().unwrap().to_owned(),
                json!({"type": "text", "text": ""}),
            ),
            "thinking" => {
                let start = json!({"type": "thinking", "thinking": "", "signature": ""});
                ("thinking_delta", "thinking", block["thinking"].as_str().unwrap().to_owned(), start)
            }
            _ => {
                let start =
                    json!({"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}});
                ("input_json_delta", "partial_json", block["input"].to_string(), start)
            }
        };
        let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        for piece in [&text[..middle], &text[middle..]] {
            events.push(
                json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}}),
            );
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": stop(said)}, "usage": usage(said, thinking)}));
    events.push(json!({"type": "message_stop"}));
    events
        .iter()
        .map(|event| format!("event: {}\r\ndata: {event}\r\n\r\n", event["type"].as_str().unwrap()))
        .collect()
}

proptest! {
    #[test]
    fn a_request_read_back_is_the_same(request in samples::request(MODEL).prop_map(sayable)) {
        let body = samples::sent(Anthropic, &request).body;
        prop_assert_eq!(samples::read(&request), samples::read(&back(&body)), "{}", body);
    }

    #[test]
    fn a_stream_in_any_pieces_is_what_was_said(said in samples::said(), sizes in proptest::collection::vec(1..40_usize, 1..8)) {
        let thinking = said.output / 2;
        let stream = events(&said, thinking);
        let request = json!({"model": MODEL, "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": "Go."}]});
        let cut = samples::streamed(Anthropic, &request, stream.as_bytes(), &sizes);
        let uncut = samples::streamed(Anthropic, &request, stream.as_bytes(), &[usize::MAX]);
        prop_assert_eq!(&cut, &uncut, "the same bytes, however they were cut");
        prop_assert_eq!(samples::folded(&cut), said.expected(thinking));
    }

    #[test]
    fn a_whole_answer_is_what_was_said(said in samples::said()) {
        let thinking = said.output / 2;
        let answer = json!({"id": "m", "type": "message", "model": MODEL, "content": blocks(&said),
            "stop_reason": stop(&said), "usage": usage(&said, thinking)});
        let request = json!({"model": MODEL, "messages": [{"role": "user", "content": "Go."}]});
        let answer = samples::whole(Anthropic, &request, &answer).unwrap();
        prop_assert_eq!(samples::gathered(&answer), said.expected(thinking));
    }
}
