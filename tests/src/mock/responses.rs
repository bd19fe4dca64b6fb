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

fn call(number: usize, name: &str, arguments: &str) -> Value {
    json!({
        "id": format!("fc_mock_{number}"), "type": "function_call", "status": "completed",
        "call_id": format!("call_mock_{number}"), "name": name, "arguments": arguments,
    })
}

fn reasoning(plan: &Plan) -> Option<Value> {
    let summary = json!([{"type": "summary_text", "text": plan.thinking}]);
    let item = json!({"id": "rs_mock_1", "type": "reasoning", "summary": summary, "encrypted_content": null});
    (!plan.thinking.is_empty()).then_some(item)
}

fn calls(plan: &Plan, received: &Received) -> Vec<Value> {
    let calls = (1..).zip(plan.tools_for(received));
    calls.map(|(number, (name, arguments))| call(number, name, arguments)).collect()
}

fn response(plan: &Plan, received: &Received, model: &str, status: &str) -> Value {
    let tokens = &plan.tokens;
    let done = status == "completed";
    let mut output: Vec<Value> = reasoning(plan).into_iter().collect();
    output.push(message(plan));
    output.extend(calls(plan, received));
    json!({
        "id": "resp_mock_1", "object": "response", "created_at": 1_700_000_000, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "max_output_tokens": null, "model": model,
        "output": if done { output } else { Vec::new() },
        "parallel_tool_calls": true, "previous_response_id": null, "temperature": 1.0, "tool_choice": "auto",
        "tools": [], "top_p": 1.0, "service_tier": "default", "store": true, "metadata": {},
        "usage": if done { json!({
            "input_tokens": tokens.prompt(),
            "input_tokens_details": {"cached_tokens": tokens.cache_read, "cache_write_tokens": 0},
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
    if let Some(item) = reasoning(plan) {
        thought(plan, &item, &mut events);
    }
    let index = usize::from(!plan.thinking.is_empty());
    let empty = json!({"id": "msg_mock_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []});
    events.push(("response.output_item.added", json!({"output_index": index, "item": empty})));
    let at = |mut event: Value| {
        event["item_id"] = json!("msg_mock_1");
        event["output_index"] = json!(index);
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
    events.push(("response.output_item.done", json!({"output_index": index, "item": message(plan)})));
    for (index, item) in (index + 1..).zip(calls(plan, received)) {
        called(index, &item, &mut events);
    }
    events.push(("response.completed", json!({"response": response(plan, received, model, "completed")})));
    let named = events.into_iter().enumerate().map(|(number, (name, mut event))| {
        event["type"] = json!(name);
        event["sequence_number"] = json!(number);
        (name, event.to_string())
    });
    plan.events(&named.collect::<Vec<_>>())
}

fn thought(plan: &Plan, item: &Value, events: &mut Vec<(&str, Value)>) {
    let mut begun = item.clone();
    begun["summary"] = json!([]);
    let at = |mut event: Value| {
        event["item_id"] = item["id"].clone();
        event["output_index"] = json!(0);
        event["summary_index"] = json!(0);
        event
    };
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    events.push(("response.output_item.added", json!({"output_index": 0, "item": begun})));
    events.push(("response.reasoning_summary_part.added", at(json!({"part": part("")}))));
    events.push(("response.reasoning_summary_text.delta", at(json!({"delta": plan.thinking}))));
    events.push(("response.reasoning_summary_text.done", at(json!({"text": plan.thinking}))));
    events.push(("response.reasoning_summary_part.done", at(json!({"part": part(&plan.thinking)}))));
    events.push(("response.output_item.done", json!({"output_index": 0, "item": item})));
}

fn called(index: usize, item: &Value, events: &mut Vec<(&str, Value)>) {
    let arguments = item["arguments"].as_str().unwrap();
    let mut begun = item.clone();
    begun["status"] = json!("in_progress");
    begun["arguments"] = json!("");
    events.push(("response.output_item.added", json!({"output_index": index, "item": begun})));
    for piece in arguments.split_inclusive(':') {
        let delta = json!({"item_id": item["id"], "output_index": index, "delta": piece});
        events.push(("response.function_call_arguments.delta", delta));
    }
    let done =
        json!({"item_id": item["id"], "output_index": index, "name": item["name"], "arguments": arguments});
    events.push(("response.function_call_arguments.done", done));
    events.push(("response.output_item.done", json!({"output_index": index, "item": item})));
}
