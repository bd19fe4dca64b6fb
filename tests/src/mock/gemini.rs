//! Gemini. `promptTokenCount` includes cached tokens; thoughts are counted beside candidates; no terminal event. Calls
//! are signed since version 3, and have to come back so.

use serde_json::{Value, json};

use super::{Answer, Plan, Received};

/// Base64 with every character that addresses and ids cannot have.
const SIGNATURE: &str = "EqoB+/8A+w==";

pub(super) fn answer(plan: &Plan, received: &Received) -> Answer {
    let path = received.path();
    let model =
        path.rsplit('/').next().and_then(|last| last.split(':').next()).unwrap_or_default().to_owned();
    if let Some(refusal) = unsigned(received, &model) {
        return refusal;
    }
    if !path.ends_with(":streamGenerateContent") {
        let body = response(plan, &model, &parts(plan, received), (1, 1));
        return Answer::whole(200, "application/json; charset=UTF-8", body.to_string());
    }
    let pieces = pieces(plan, received, &model);
    if received.target().contains("alt=sse") {
        let events: Vec<_> = pieces.iter().map(|piece| ("", piece.to_string())).collect();
        return plan.events(&events);
    }
    array(&pieces)
}

fn parts(plan: &Plan, received: &Received) -> Vec<Value> {
    let mut parts = Vec::new();
    if !plan.thinking.is_empty() {
        parts.push(json!({"text": plan.thinking, "thought": true}));
    }
    parts.push(json!({"text": plan.text}));
    parts.extend(calls(plan, received));
    parts
}

fn calls(plan: &Plan, received: &Received) -> Vec<Value> {
    let call = |(name, arguments): (&str, &str)| {
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        json!({"functionCall": {"name": name, "args": arguments}})
    };
    let mut calls: Vec<Value> = plan.tools_for(received).into_iter().map(call).collect();
    // Of calls that come together the first is signed.
    if let Some(first) = calls.first_mut().filter(|_| received.path().contains("gemini-3")) {
        first["thoughtSignature"] = json!(SIGNATURE);
    }
    calls
}

/// The answer to a conversation in which a call has lost its signature.
fn unsigned(received: &Received, model: &str) -> Option<Answer> {
    let body = received.json();
    let turns = body["contents"].as_array().filter(|_| model.starts_with("gemini-3"))?;
    let first = |turn: &Value| {
        let parts = turn["parts"].as_array()?;
        parts.iter().find(|part| part.get("functionCall").is_some()).cloned()
    };
    let known = [SIGNATURE, "skip_thought_signature_validator"];
    let lost = |call: &Value| !known.iter().any(|known| call["thoughtSignature"] == *known);
    turns.iter().filter_map(first).find(lost).map(|call| {
        let message = format!("Function call is missing a thought_signature in functionCall parts: {call}");
        let error = json!({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}});
        Answer::whole(400, "application/json; charset=UTF-8", error.to_string())
    })
}

/// The piece `(number, of)` of an answer. Each counts the tokens so far.
fn response(plan: &Plan, model: &str, parts: &[Value], (number, of): (u64, u64)) -> Value {
    let tokens = &plan.tokens;
    let candidates = (tokens.output - tokens.reasoning) * number / of;
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if number == of {
        candidate["finishReason"] = json!("STOP");
    }
    let mut usage = json!({
        "promptTokenCount": tokens.prompt(),
        "candidatesTokenCount": candidates,
        "totalTokenCount": tokens.prompt() + tokens.reasoning + candidates,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.prompt()}],
    });
    if tokens.cache_read > 0 {
        usage["cachedContentTokenCount"] = json!(tokens.cache_read);
    }
    if tokens.reasoning > 0 {
        usage["thoughtsTokenCount"] = json!(tokens.reasoning);
    }
    json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": "mock-1"})
}

fn pieces(plan: &Plan, received: &Received, model: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    if !plan.thinking.is_empty() {
        all.push(json!({"text": plan.thinking, "thought": true}));
    }
    all.extend(plan.text_pieces().into_iter().map(|text| json!({"text": text})));
    all.extend(calls(plan, received));
    let of = all.len() as u64;
    (1..).zip(all).map(|(number, part)| response(plan, model, &[part], (number, of))).collect()
}

/// Without `alt=sse` the stream is one JSON array, element by element.
fn array(pieces: &[Value]) -> Answer {
    let last = pieces.len() - 1;
    let texts = pieces.iter().enumerate().map(|(index, piece)| {
        let before = if index == 0 { "[" } else { ",\r\n" };
        let after = if index == last { "]" } else { "" };
        format!("{before}{piece}{after}").into_bytes()
    });
    Answer::stream("application/json; charset=UTF-8", texts.collect())
}
