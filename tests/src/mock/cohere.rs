//! Cohere's chat, version 2: events of which the last counts tokens.

use serde_json::{Value, json};

use super::{Answer, Plan, Received};

pub(super) fn answer(plan: &Plan, received: &Received) -> Answer {
    if received.json()["stream"] == json!(true) { stream(plan, received) } else { whole(plan, received) }
}

fn usage(plan: &Plan) -> Value {
    let tokens = json!({"input_tokens": plan.tokens.prompt(), "output_tokens": plan.tokens.output});
    json!({"billed_units": tokens, "tokens": tokens})
}

fn finish(plan: &Plan, received: &Received) -> &'static str {
    if plan.tool_for(received).is_some() { "TOOL_CALL" } else { "COMPLETE" }
}

fn call(name: &str, arguments: &str) -> Value {
    json!({"id": "call_mock_1", "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn whole(plan: &Plan, received: &Received) -> Answer {
    let mut message = json!({"role": "assistant", "content": [{"type": "text", "text": plan.text}]});
    if let Some((name, arguments)) = plan.tool_for(received) {
        message["tool_calls"] = json!([call(name, arguments)]);
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
    let content = |content: Value| json!({"index": 0, "delta": {"message": {"content": content}}});
    events.push(("content-start", content(json!({"type": "text", "text": ""}))));
    events.extend(plan.text_pieces().iter().map(|text| ("content-delta", content(json!({"text": text})))));
    events.push(("content-end", json!({"index": 0})));
    if let Some((name, arguments)) = plan.tool_for(received) {
        let called = |call: Value| json!({"index": 0, "delta": {"message": {"tool_calls": call}}});
        events.push(("tool-call-start", called(call(name, ""))));
        for piece in arguments.split_inclusive(':') {
            events.push(("tool-call-delta", called(json!({"function": {"arguments": piece}}))));
        }
        events.push(("tool-call-end", json!({"index": 0})));
    }
    let end = json!({"finish_reason": finish(plan, received), "usage": usage(plan)});
    events.push(("message-end", json!({"id": "mock-1", "delta": end})));
    let typed = events.into_iter().map(|(name, mut event)| {
        event["type"] = json!(name);
        (name, event.to_string())
    });
    plan.events(&typed.collect::<Vec<_>>())
}
