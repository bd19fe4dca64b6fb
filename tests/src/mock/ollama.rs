//! Ollama's own API: a stream is lines of JSON, the last of which counts tokens.

use serde_json::{Value, json};

use super::{Answer, Plan, Received};

pub(super) fn answer(plan: &Plan, received: &Received) -> Answer {
    let request = received.json();
    let model = request["model"].as_str().unwrap_or("llama3.2").to_owned();
    let line = |content: &str, more: Value| {
        let mut line = json!({
            "model": model, "created_at": "2026-01-01T00:00:00.000000Z",
            "message": {"role": "assistant", "content": content}, "done": false,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            line[name] = value.clone();
        }
        line
    };
    let last = json!({
        "done": true, "done_reason": "stop", "total_duration": 900_000_000, "load_duration": 1_000_000,
        "prompt_eval_count": plan.tokens.prompt(), "prompt_eval_duration": 200_000_000,
        "eval_count": plan.tokens.output, "eval_duration": 600_000_000,
    });
    let called = plan.tool_for(received).map(|(name, arguments)| {
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        json!([{"function": {"name": name, "arguments": arguments}}])
    });
    if request["stream"] == json!(false) {
        let mut whole = line(&plan.text, last);
        if let Some(called) = called {
            whole["message"]["tool_calls"] = called;
        }
        return Answer::whole(200, "application/json; charset=utf-8", whole.to_string());
    }
    let mut lines: Vec<Value> = plan.text_pieces().iter().map(|text| line(text, Value::Null)).collect();
    lines.extend(called.map(|called| {
        line("", json!({"message": {"role": "assistant", "content": "", "tool_calls": called}}))
    }));
    lines.push(line("", last));
    let pieces = lines.iter().map(|line| plan.lines(&format!("{line}\n"))).collect();
    Answer::stream("application/x-ndjson", pieces)
}
