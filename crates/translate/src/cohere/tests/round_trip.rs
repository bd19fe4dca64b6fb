//! There and back: a request read back from Cohere's body is the same; an answer told in Cohere's words, in any pieces,
//! is what was said.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::Target::Cohere;
use crate::samples::{self, Said};

/// A chat request that says what Cohere's body says.
fn back(body: &Value) -> Value {
    let format = match &body["response_format"] {
        Value::Null => Value::Null,
        format if format["json_schema"].is_null() => json!({"type": "json_object"}),
        format => {
            json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": format["json_schema"]}})
        }
    };
    json!({
        "model": body["model"], "stream": body["stream"], "messages": body["messages"], "tools": body["tools"],
        "tool_choice": body["tool_choice"].as_str().map(str::to_lowercase), "response_format": format,
        "temperature": body["temperature"], "top_p": body["p"], "top_k": body["k"], "seed": body["seed"],
        "presence_penalty": body["presence_penalty"], "max_completion_tokens": body["max_tokens"],
        "stop": body["stop_sequences"],
    })
}

/// Cohere's events for what is said.
fn told(said: &Said) -> Vec<Value> {
    let content =
        |index: u64, content: Value| json!({"index": index, "delta": {"message": {"content": content}}});
    let mut events =
        vec![json!({"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant"}}})];
    let mut say = |kind: &str, text: &str, index: u64| {
        let mut characters: Vec<String> = text.chars().map(String::from).collect();
        characters.truncate(1_000);
        let mut block = vec![content(index, json!({"type": kind, kind: ""}))];
        block.extend(characters.into_iter().map(|piece| content(index, json!({kind: piece}))));
        for (place, mut event) in (0_usize..).zip(block) {
            event["type"] = json!(if place == 0 { "content-start" } else { "content-delta" });
            events.push(event);
        }
        events.push(json!({"type": "content-end", "index": index}));
    };
    if !said.reasoning.is_empty() {
        say("thinking", &said.reasoning, 0);
    }
    if !said.text.is_empty() {
        say("text", &said.text, 1);
    }
    for (index, (id, name, arguments)) in (0_usize..).zip(&said.calls) {
        let called = |call: Value, kind: &str| json!({"type": kind, "index": index, "delta": {"message": {"tool_calls": call}}});
        let start = json!({"id": id, "type": "function", "function": {"name": name, "arguments": ""}});
        events.push(called(start, "tool-call-start"));
        for piece in arguments.to_string().split_inclusive(':') {
            events.push(called(json!({"function": {"arguments": piece}}), "tool-call-delta"));
        }
        events.push(json!({"type": "tool-call-end", "index": index}));
    }
    events.push(json!({"type": "message-end", "id": "m1", "delta": end(said)}));
    events
}

fn end(said: &Said) -> Value {
    json!({
        "finish_reason": if said.calls.is_empty() { "COMPLETE" } else { "TOOL_CALL" },
        "usage": {
            "billed_units": {"input_tokens": 1.0, "output_tokens": 1.0},
            "tokens": {"input_tokens": said.input, "output_tokens": said.output}, "cached_tokens": said.cached,
        },
    })
}

proptest! {
    #[test]
    fn a_request_read_back_is_the_same(request in samples::request("command-a-vision-07-2025")) {
        let outgoing = samples::sent(Cohere, &request);
        prop_assert_eq!(samples::read(&request), samples::read(&back(&outgoing.body)), "{}", outgoing.body);
    }

    #[test]
    fn a_stream_in_any_pieces_is_what_was_said(said in samples::said(), sizes in proptest::collection::vec(1..40_usize, 1..8)) {
        let events = told(&said).into_iter();
        let stream: String = events.map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect();
        let request = json!({"model": "command-a", "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": "Go."}]});
        let cut = samples::streamed(Cohere, &request, stream.as_bytes(), &sizes);
        let uncut = samples::streamed(Cohere, &request, stream.as_bytes(), &[usize::MAX]);
        prop_assert_eq!(&cut, &uncut, "the same bytes, however they were cut");
        prop_assert_eq!(samples::folded(&cut), said.expected(0));
    }

    #[test]
    fn a_whole_answer_is_what_was_said(said in samples::said()) {
        let calls = said.calls.iter().map(|(id, name, arguments)| {
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments.to_string()}})
        });
        let content = [("thinking", &said.reasoning), ("text", &said.text)];
        let content = content.iter().filter(|(_, text)| !text.is_empty()).map(|(kind, text)| json!({"type": kind, *kind: text}));
        let mut answer = end(&said);
        answer["id"] = json!("m1");
        answer["message"] = json!({"role": "assistant", "content": content.collect::<Vec<_>>(),
            "tool_calls": calls.collect::<Vec<_>>()});
        let request = json!({"model": "command-a", "messages": [{"role": "user", "content": "Go."}]});
        let answer = samples::whole(Cohere, &request, &answer).unwrap();
        prop_assert_eq!(samples::gathered(&answer), said.expected(0));
    }
}
