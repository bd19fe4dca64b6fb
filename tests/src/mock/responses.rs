//! OpenAI Responses: items, and events that name themselves; usage only in the last event.

use serde_json::{Value, json};

use super::{Answer, Plan, Received};

pub(super) fn answer(plan: &Plan, received: &Received) -> Answer {
    let request = received.json();
    let model = request["model"].as_str().unwrap_or("gpt-4o-mini").to_owned();
    if request["stream"] == json!(true) {
        return stream(plan, received, &model);
    }
    let body = response(plan, received, &model, "completed");
    Answer::whole(200, "application/json", body.to_string())
}

fn message(plan: &Plan) -> Value {
    json!({
        "id": "msg_mock_1", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": plan.text, "annotations": [], "logprobs": []}],
    })
}

fn call(name: &str, arguments: &str) -> Value {
    json!({
        "id": "fc_mock_1", "type": "function_call", "status": "completed", "call_id": "call_mock_1",
        "name": name, "arguments": arguments,
    })
}

fn response(plan: &Plan, received: &Received, model: &str, status: &str) -> Value {
    let tokens = &plan.tokens;
    let done = status == "completed";
    let mut output = vec![message(plan)];
    output.extend(plan.tool_for(received).map(|(name, arguments)| call(name, arguments)));
    json!({
        "id": "resp_mock_1", "object": "response", "created_at": 1_700_000_000, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "max_output_tokens": null, "model": model,
        "output": if done { output } else { Vec::new() },
        "parallel_tool_calls": true, "previous_response_id": null, "temperature": 1.0, "tool_choice": "auto",
        "tools": [], "top_p": 1.0, "service_tier": "default", "store": true, "metadata": {},
        "usage": if done { json!({
            "input_tokens": tokens.prompt(),
            "input_tokens_details": {"cached_tokens": tokens.cache_read},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
            "total_tokens": tokens.prompt() + tokens.output,
        }) } else { Value::Null },
    })
}

fn stream(plan: &Plan, received: &Received, model: &str) -> Answer {
    let mut events: Vec<(&str, Value)> = vec![
        ("response.created", json!({"response": response(plan, received, model, "in_progress")})),
        ("response.in_progress", json!({"response": response(plan, received, model, "in_progress")})),
    ];
    let empty = json!({"id": "msg_mock_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []});
    events.push(("response.output_item.added", json!({"output_index": 0, "item": empty})));
    let at = |mut event: Value| {
        event["item_id"] = json!("msg_mock_1");
        event["output_index"] = json!(0);
        event["content_index"] = json!(0);
        event
    };
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    events.push(("response.content_part.added", at(json!({"part": part("")}))));
    for text in plan.text_pieces() {
        events.push(("response.output_text.delta", at(json!({"delta": text, "logprobs": []}))));
    }
    events.push(("response.output_text.done", at(json!({"text": plan.text, "logprobs": []}))));
    events.push(("response.content_part.done", at(json!({"part": part(&plan.text)}))));
    events.push(("response.output_item.done", json!({"output_index": 0, "item": message(plan)})));
    if let Some((name, arguments)) = plan.tool_for(received) {
        let mut begun = call(name, "");
        begun["status"] = json!("in_progress");
        events.push(("response.output_item.added", json!({"output_index": 1, "item": begun})));
        for piece in arguments.split_inclusive(':') {
            let delta = json!({"item_id": "fc_mock_1", "output_index": 1, "delta": piece});
            events.push(("response.function_call_arguments.delta", delta));
        }
        let done = json!({"item_id": "fc_mock_1", "output_index": 1, "name": name, "arguments": arguments});
        events.push(("response.function_call_arguments.done", done));
        events.push(("response.output_item.done", json!({"output_index": 1, "item": call(name, arguments)})));
    }
    events.push(("response.completed", json!({"response": response(plan, received, model, "completed")})));
    let named = events.into_iter().enumerate().map(|(number, (name, mut event))| {
        event["type"] = json!(name);
        event["sequence_number"] = json!(number);
        (name, event.to_string())
    });
    plan.events(&named.collect::<Vec<_>>())
}
