//! Blocks whose pieces come mixed are told whole, each for itself.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::Target::Anthropic;
use crate::call::{Front, begin};
use crate::samples::{folded, frames, streamed};

const MODEL: &str = "claude-sonnet-4-5";

fn start(index: impl Into<Value>, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index.into(), "content_block": block})
}

fn tool(index: impl Into<Value>, id: &str) -> Value {
    start(index, &json!({"type": "tool_use", "id": id, "name": "f", "input": {}}))
}

fn text(index: impl Into<Value>) -> Value {
    start(index, &json!({"type": "text", "text": ""}))
}

fn argue(index: impl Into<Value>, piece: &str) -> Value {
    let delta = json!({"type": "input_json_delta", "partial_json": piece});
    json!({"type": "content_block_delta", "index": index.into(), "delta": delta})
}

fn say(index: impl Into<Value>, piece: &str) -> Value {
    let delta = json!({"type": "text_delta", "text": piece});
    json!({"type": "content_block_delta", "index": index.into(), "delta": delta})
}

fn stop(index: impl Into<Value>) -> Value {
    json!({"type": "content_block_stop", "index": index.into()})
}

/// The events as a whole stream.
fn stream(events: &[Value]) -> String {
    let begun = json!({"type": "message_start", "message": {"id": "m", "model": MODEL}});
    let over = [
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ];
    let events = [begun].into_iter().chain(events.iter().cloned()).chain(over);
    events.map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect()
}

/// What a chat gets of them, however they are cut.
fn told(events: &[Value]) -> Value {
    let request = json!({"model": MODEL, "stream": true, "messages": [{"role": "user", "content": "Go."}]});
    let stream = stream(events);
    let written = streamed(Anthropic, &request, stream.as_bytes(), &[usize::MAX]);
    for sizes in [&[1][..], &[7, 1, 30]] {
        assert_eq!(streamed(Anthropic, &request, stream.as_bytes(), sizes), written);
    }
    folded(&written)
}

/// What a response's last event holds of them.
fn responded(events: &[Value]) -> Value {
    let request = json!({"model": MODEL, "stream": true, "input": "Go."});
    let (_, answering) = begin(Front::Responses, Anthropic, request.to_string().as_bytes()).unwrap();
    let (mut out, mut writing) = (Vec::new(), answering.stream(1));
    writing.push(stream(events).as_bytes(), &mut out);
    writing.finish(&mut out);
    let text = String::from_utf8(out).unwrap();
    let last = text.trim_end().rsplit("\ndata: ").next().unwrap();
    serde_json::from_str::<Value>(last).unwrap()["response"].clone()
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"id": id, "name": "f", "arguments": arguments})
}

#[test]
fn mixed_calls_keep_their_own_arguments() {
    let mixed = [argue(0, "{\"a\":"), argue(1, "{\"b\":"), argue(0, "1}"), argue(1, "2}")];
    let one_by_one = [argue(1, "{\"b\":"), argue(1, "2}"), argue(0, "{\"a\":"), argue(0, "1}")];
    for pieces in [mixed, one_by_one] {
        for ends in [[stop(0), stop(1)], [stop(1), stop(0)]] {
            let events = [&[tool(0, "a"), tool(1, "b")][..], &pieces, &ends].concat();
            let calls = json!([call("a", "{\"a\":1}"), call("b", "{\"b\":2}")]);
            let told = told(&events);
            assert_eq!((&told["calls"], &told["finish"]), (&calls, &json!("tool_calls")));
            let items = responded(&events)["output"].as_array().unwrap().clone();
            let items = items.iter().map(
                |item| json!({"id": item["call_id"], "name": item["name"], "arguments": item["arguments"]}),
            );
            assert_eq!(items.collect::<Value>(), calls);
        }
    }
}

#[test]
fn a_call_without_arguments_has_none_wherever_it_stands() {
    let events = [tool(0, "a"), tool(1, "b"), tool(2, "c"), stop(1), argue(2, "{\"c\":3}"), stop(0), stop(2)];
    assert_eq!(told(&events)["calls"], json!([call("a", "{}"), call("b", "{}"), call("c", "{\"c\":3}")]));
    // No block says that it is over: the answer's end does.
    let events = [tool(0, "a"), tool(1, "b"), argue(1, "{}")];
    assert_eq!(told(&events)["calls"], json!([call("a", "{}"), call("b", "{}")]));
}

#[test]
fn text_does_not_break_into_a_call() {
    let events = [tool(0, "a"), argue(0, "{\"a\""), text(1), say(1, "Hi"), argue(0, ":1}"), stop(1), stop(0)];
    let response = responded(&events);
    let kinds: Vec<&Value> =
        response["output"].as_array().unwrap().iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, ["function_call", "message"]);
    assert_eq!(response["output"][0]["arguments"], "{\"a\":1}");
    assert_eq!(response["output"][1]["content"][0]["text"], "Hi");
    assert_eq!(told(&events)["text"], "Hi");
}

#[test]
fn the_first_block_is_told_as_it_comes() {
    let request = json!({"model": MODEL, "stream": true, "messages": [{"role": "user", "content": "Go."}]});
    let (_, answering) = begin(Front::Chat, Anthropic, request.to_string().as_bytes()).unwrap();
    let mut writing = answering.stream(1);
    for (event, told) in [
        (tool(0, "a"), 2),
        (tool(1, "b"), 0),
        (argue(1, "{}"), 0),
        (argue(0, "{"), 1),
        (argue(0, "}"), 1),
        (stop(0), 2),
        (stop(1), 0),
    ] {
        let mut out = Vec::new();
        writing.push(format!("data: {event}\n\n").as_bytes(), &mut out);
        assert_eq!(frames(&out).len(), told, "{event}");
    }
}

#[test]
fn a_block_begun_twice_follows_upon_the_first() {
    // A gateway that numbers all of them 0, and one that numbers none, with ends and without.
    for index in [json!(0), Value::Null] {
        let (a, b) = (
            [tool(index.clone(), "a"), argue(index.clone(), "{\"a\":1}")],
            [tool(index.clone(), "b"), argue(index.clone(), "{\"b\":2}")],
        );
        let over = stop(index.clone());
        let calls = json!([call("a", "{\"a\":1}"), call("b", "{\"b\":2}")]);
        assert_eq!(told(&[&a[..], &b[..]].concat())["calls"], calls, "{index}");
        let ended = [&a[..], std::slice::from_ref(&over), &b[..], std::slice::from_ref(&over)].concat();
        assert_eq!(told(&ended)["calls"], calls, "{index}");
    }
}

#[test]
fn a_number_that_nothing_began_under_loses_nothing() {
    // Text needs no block; it comes before, after, and waits for a call to end.
    let events = [
        say(7, "a"),
        tool(0, "a"),
        argue(0, "{"),
        say(7, "b"),
        say(0, "c"),
        argue(0, "}"),
        stop(0),
        stop(7),
        say(0, "d"),
    ];
    let told_of = told(&events);
    assert_eq!((&told_of["text"], &told_of["calls"]), (&json!("abcd"), &json!([call("a", "{}")])));
    assert_eq!(told_of["error"], Value::Null);
    let words = responded(&events)["output"].to_string();
    assert!(words.contains("\"bcd\"") && words.contains("\"{}\""), "{words}");
    // Arguments without their call are an error: what is called would look whole.
    for astray in [
        vec![tool(0, "a"), argue(1, "{\"b\":2}"), stop(0)],
        vec![tool(0, "a"), stop(0), argue(0, "{\"b\":2}")],
        vec![text(0), argue(0, "{\"b\":2}")],
    ] {
        let told = told(&astray);
        assert_eq!((&told["error"]["type"], &told["finish"]), (&json!("upstream_error"), &Value::Null));
    }
    // But for those of tools that the provider runs itself, which nobody gets to see.
    let own = start(1, &json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}));
    let told = told(&[tool(0, "a"), own, argue(1, "{\"q\":1}"), stop(1), stop(0)]);
    assert_eq!((&told["error"], &told["calls"]), (&Value::Null, &json!([call("a", "{}")])));
}

/// The events of a text or of a call, in their own order.
fn own_events(index: usize, words: Option<&[String]>) -> Vec<Value> {
    match words {
        Some(words) => {
            let pieces = words.iter().map(|word| say(index, word));
            [text(index)].into_iter().chain(pieces).chain([stop(index)]).collect()
        }
        None => {
            let pieces = [argue(index, "{\"n\":"), argue(index, &index.to_string()), argue(index, "}")];
            [tool(index, &format!("call_{index}"))].into_iter().chain(pieces).chain([stop(index)]).collect()
        }
    }
}

proptest! {
    #[test]
    fn any_mixture_says_the_same_as_none(
        texts in proptest::collection::vec(proptest::option::of(proptest::collection::vec("[a-z]{1,3}", 0..4)), 1..6),
        picks in proptest::collection::vec(0..6_usize, 0..60),
    ) {
        let blocks: Vec<Vec<Value>> =
            (0..).zip(&texts).map(|(index, words): (usize, _)| own_events(index, words.as_deref())).collect();
        let in_order = blocks.concat();
        // Blocks begin in their order; the rest comes as picked, and what was not picked at the end.
        let mut at = vec![0; blocks.len()];
        let mut mixed = Vec::new();
        let last = (0..blocks.len()).flat_map(|block| std::iter::repeat_n(block, blocks[block].len()));
        for block in picks.into_iter().filter(|block| *block < blocks.len()).chain(last) {
            for begun in 0..=block {
                if (at[begun] == 0 || begun == block) && let Some(event) = blocks[begun].get(at[begun]) {
                    mixed.push(event.clone());
                    at[begun] += 1;
                }
            }
        }
        prop_assert_eq!(mixed.len(), in_order.len());
        prop_assert_eq!(told(&mixed), told(&in_order));
        prop_assert_eq!(&responded(&mixed)["output"], &responded(&in_order)["output"]);
    }
}
