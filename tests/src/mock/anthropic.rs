//! Anthropic Messages. `input_tokens` excludes both caches; `message_delta`'s usage is cumulative.

use serde_json::{Value, json};

use super::{Answer, Plan, Received};

pub(super) fn answer(plan: &Plan, received: &Received) -> Answer {
    let request = received.json();
    let model = request["model"].as_str().unwrap_or("claude-sonnet-4-5").to_owned();
    if request["stream"] == json!(true) {
        stream(plan, received, &model)
    } else {
        whole(plan, received, &model)
    }
}

fn usage(plan: &Plan, output: u64) -> Value {
    let tokens = &plan.tokens;
    json!({
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.cache_write_5m + tokens.cache_write_1h,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write_5m,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        },
        "output_tokens": output, "output_tokens_details": {"thinking_tokens": tokens.reasoning.min(output)},
        "service_tier": "standard",
    })
}

fn message(plan: &Plan, model: &str, content: &[Value], stop: Option<&str>, output: u64) -> Value {
    json!({
        "id": "msg_mock_1", "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": stop, "stop_sequence": null, "usage": usage(plan, output),
    })
}

fn stop(plan: &Plan, received: &Received) -> &'static str {
    if plan.tool_for(received).is_some() { "tool_use" } else { "end_turn" }
}

fn whole(plan: &Plan, received: &Received, model: &str) -> Answer {
    let mut content = Vec::new();
    if !plan.thinking.is_empty() {
        content.push(json!({"type": "thinking", "thinking": plan.thinking, "signature": "c2lnbmF0dXJl"}));
    }
    content.push(json!({"type": "text", "text": plan.text}));
    for (number, (name, arguments)) in (1..).zip(plan.tools_for(received)) {
        let input: Value = serde_json::from_str(arguments).unwrap();
        content.push(
            json!({"type": "tool_use", "id": format!("toolu_mock_{number}"), "name": name, "input": input}),
        );
    }
    let body = message(plan, model, &content, Some(stop(plan, received)), plan.tokens.output);
    Answer::whole(200, "application/json", body.to_string()).header("request-id", "req_mock_0001")
}

fn stream(plan: &Plan, received: &Received, model: &str) -> Answer {
    let mut events = vec![("message_start", json!({"message": message(plan, model, &[], None, 1)}))];
    let mut index = 0;
    let mut block = |events: &mut Vec<(&str, Value)>, start: Value, deltas: Vec<Value>| {
        events.push(("content_block_start", json!({"index": index, "content_block": start})));
        let deltas =
            deltas.into_iter().map(|delta| ("content_block_delta", json!({"index": index, "delta": delta})));
        events.extend(deltas);
        events.push(("content_block_stop", json!({"index": index})));
        index += 1;
    };
    if !plan.thinking.is_empty() {
        let deltas = vec![
            json!({"type": "thinking_delta", "thinking": plan.thinking}),
            json!({"type": "signature_delta", "signature": "c2lnbmF0dXJl"}),
        ];
        block(&mut events, json!({"type": "thinking", "thinking": "", "signature": ""}), deltas);
    }
    let deltas = plan.text_pieces().into_iter().map(|text| json!({"type": "text_delta", "text": text}));
    block(&mut events, json!({"type": "text", "text": ""}), deltas.collect());
    events.push(("ping", json!({})));
    for (number, (name, arguments)) in (1..).zip(plan.tools_for(received)) {
        let deltas = arguments
            .split_inclusive(':')
            .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}));
        let start =
            json!({"type": "tool_use", "id": format!("toolu_mock_{number}"), "name": name, "input": {}});
        block(&mut events, start, deltas.collect());
    }
    let delta = json!({"stop_reason": stop(plan, received), "stop_sequence": null});
    events.push(("message_delta", json!({"delta": delta, "usage": {
        "output_tokens": plan.tokens.output, "output_tokens_details": {"thinking_tokens": plan.tokens.reasoning},
    }})));
    events.push(("message_stop", json!({})));
    let typed = events.into_iter().map(|(name, mut event)| {
        event["type"] = json!(name);
        (name, event.to_string())
    });
    plan.events(&typed.collect::<Vec<_>>()).header("request-id", "req_mock_0001")
}
