//! OpenAI Chat Completions. `prompt_tokens` includes cached ones, `completion_tokens` includes reasoning.

use serde_json::{Value, json};

use super::{Answer, Plan, Received};

pub(super) fn answer(plan: &Plan, received: &Received) -> Answer {
    let request = received.json();
    let model = request["model"].as_str().unwrap_or("gpt-4o-mini").to_owned();
    if request["stream"] == json!(true) {
        stream(plan, received, &request, &model)
    } else {
        whole(plan, received, &model)
    }
}

fn usage(plan: &Plan) -> Value {
    let tokens = &plan.tokens;
    json!({
        "prompt_tokens": tokens.prompt(),
        "completion_tokens": tokens.output,
        "total_tokens": tokens.prompt() + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}

fn whole(plan: &Plan, received: &Received, model: &str) -> Answer {
    let tools = plan.tools_for(received);
    let mut message = json!({"role": "assistant", "content": plan.text, "refusal": null});
    if !plan.thinking.is_empty() {
        message["reasoning_content"] = json!(plan.thinking);
    }
    let calls = (1..).zip(&tools).map(|(number, (name, arguments))| {
        let id = format!("call_mock_{number}");
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
    });
    let calls: Vec<Value> = calls.collect();
    let called = !calls.is_empty();
    if called {
        message["tool_calls"] = json!(calls);
    }
    let body = json!({
        "id": "chatcmpl-mock-1", "object": "chat.completion", "created": 1_700_000_000, "model": model,
        "choices": [{
            "index": 0, "message": message, "logprobs": null,
            "finish_reason": if called { "tool_calls" } else { "stop" },
        }],
        "usage": usage(plan), "service_tier": "default", "system_fingerprint": "fp_mock",
    });
    Answer::whole(200, "application/json", body.to_string())
}

fn stream(plan: &Plan, received: &Received, request: &Value, model: &str) -> Answer {
    let wants_usage = request["stream_options"]["include_usage"] == json!(true);
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-mock-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": model,
            "system_fingerprint": "fp_mock", "choices": choices,
        });
        if wants_usage {
            chunk["usage"] = usage;
        }
        ("", chunk.to_string())
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]), Value::Null)
    };
    let mut events = vec![delta(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null)];
    if !plan.thinking.is_empty() {
        events.push(delta(json!({"reasoning_content": plan.thinking}), Value::Null));
    }
    events.extend(plan.text_pieces().into_iter().map(|text| delta(json!({"content": text}), Value::Null)));
    let tool = plan.tool_for(received);
    // Mistral sends a call in one piece, and its SDK insists.
    let agent = received.head.header("user-agent").unwrap_or_default();
    if let Some((name, arguments)) = tool.filter(|_| agent.contains("mistral")) {
        let call =
            json!({"index": 0, "id": "call_mock_1", "function": {"name": name, "arguments": arguments}});
        events.push(delta(json!({"tool_calls": [call]}), Value::Null));
    } else {
        for (index, (name, arguments)) in plan.tools_for(received).into_iter().enumerate() {
            let (id, function) = (format!("call_mock_{}", index + 1), json!({"name": name, "arguments": ""}));
            let start = json!({"index": index, "id": id, "type": "function", "function": function});
            events.push(delta(json!({"tool_calls": [start]}), Value::Null));
            for piece in arguments.split_inclusive(':') {
                let piece = json!({"index": index, "function": {"arguments": piece}});
                events.push(delta(json!({"tool_calls": [piece]}), Value::Null));
            }
        }
    }
    events.push(delta(json!({}), json!(if tool.is_some() { "tool_calls" } else { "stop" })));
    if wants_usage {
        events.push(chunk(json!([]), usage(plan)));
    }
    events.push(("", "[DONE]".to_owned()));
    plan.events(&events)
}
