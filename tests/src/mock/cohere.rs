//! Cohere's chat, version 2: events of which the last counts tokens.

use serde_json::{Value, json};

use super::{Answer, Plan, Received};

pub(super) fn answer(plan: &Plan, received: &Received) -> Answer {
    if received.json()["stream"] == json!(true) { stream(plan, received) } else { whole(plan, received) }
}

fn usage(plan: &Plan) -> Value {
    let tokens = json!({"input_tokens": plan.tokens.prompt(), "output_tokens": plan.tokens.output});
    json!({"billed_units": tokens, "tokens": tokens, "cached_tokens": plan.tokens.cache_read})
}

fn finish(plan: &Plan, received: &Received) -> &'static str {
    if plan.tool_for(received).is_some() { "TOOL_CALL" } else { "COMPLETE" }
}

fn call(number: usize, name: &str, arguments: &str) -> Value {
    json!({"id": format!("call_mock_{number}"), "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn whole(plan: &Plan, received: &Received) -> Answer {
    let mut content = vec![json!({"type": "text", "text": plan.text})];
    if !plan.thinking.is_empty() {
        content.insert(0, json!({"type": "thinking", "thinking": plan.thinking}));
    }
    let mut message = json!({"role": "assistant", "content": content});
    let calls = plan.tools_for(received);
    if !calls.is_empty() {
        let calls = (1..).zip(calls).map(|(number, (name, arguments))| call(number, name, arguments));
        message["tool_calls"] = calls.collect();
    }
    let body = json!({
        "id": "mock-1", "message": message, "finish_reason": finish(plan, received), "usage": usage(plan),
    });
    Answer::whole(200, "application/json", body.to_string())
}

fn stream(plan: &Plan, received: &Received) -> Answer {
    let start =
        json!({"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []});
    let mut events = vec![("message-start", json!({"id": "mock-1", "delta": {"message": start}}))];
    let content =
        |index: usize, content: Value| json!({"index": index, "delta": {"message": {"content": content}}});
    let mut index = 0;
    if !plan.thinking.is_empty() {
        events.push(("content-start", content(0, json!({"type": "thinking", "thinking": ""}))));
        events.push(("content-delta", content(0, json!({"thinking": plan.thinking}))));
        events.push(("content-end", json!({"index": 0})));
        index = 1;
    }
    events.push(("content-start", content(index, json!({"type": "text", "text": ""}))));
    let pieces = plan.text_pieces();
    events.extend(pieces.iter().map(|text| ("content-delta", content(index, json!({"text": text})))));
    events.push(("content-end", json!({"index": index})));
    for (number, (name, arguments)) in plan.tools_for(received).into_iter().enumerate() {
        let called = |call: Value| json!({"index": number, "delta": {"message": {"tool_calls": call}}});
        events.push(("tool-call-start", called(call(number + 1, name, ""))));
        for piece in arguments.split_inclusive(':') {
            events.push(("tool-call-delta", called(json!({"function": {"arguments": piece}}))));
        }
        events.push(("tool-call-end", json!({"index": number})));
    }
    let end = json!({"finish_reason": finish(plan, received), "usage": usage(plan)});
    events.push(("message-end", json!({"id": "mock-1", "delta": end})));
    let typed = events.into_iter().map(|(name, mut event)| {
        event["type"] = json!(name);
        (name, event.to_string())
    });
    plan.events(&typed.collect::<Vec<_>>())
}
