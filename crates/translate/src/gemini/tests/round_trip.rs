//! There and back: a request read back from Gemini's body is the same; an answer told in Gemini's words, in any pieces,
//! is what was said.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::Target::Gemini;
use crate::samples::{self, Said};

/// A chat request that says what Gemini's body says.
fn back(model: &str, stream: bool, body: &Value) -> Value {
    let mut messages = Vec::new();
    if let Some(system) = body.get("systemInstruction") {
        messages.push(json!({"role": "system", "content": parts(&system["parts"])}));
    }
    for turn in body["contents"].as_array().unwrap() {
        messages.extend(turn_back(turn));
    }
    let config = &body["generationConfig"];
    let format = match (&config["responseMimeType"], &config["responseJsonSchema"]) {
        (Value::Null, _) => Value::Null,
        (_, Value::Null) => json!({"type": "json_object"}),
        (_, schema) => json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}),
    };
    let choice = match body["toolConfig"]["functionCallingConfig"]["mode"].as_str() {
        Some("ANY") => json!("required"),
        Some("NONE") => json!("none"),
        _ => Value::Null,
    };
    json!({
        "model": model, "stream": stream, "messages": messages, "tools": tools(body), "tool_choice": choice,
        "response_format": format, "temperature": config["temperature"], "top_p": config["topP"],
        "top_k": config["topK"], "presence_penalty": config["presencePenalty"], "seed": config["seed"],
        "max_completion_tokens": config["maxOutputTokens"], "stop": config["stopSequences"],
    })
}

fn tools(body: &Value) -> Value {
    let declarations = body["tools"][0]["functionDeclarations"].as_array();
    let tools = declarations.into_iter().flatten().map(|declaration| {
        let mut function: Map<String, Value> = declaration.as_object().unwrap().clone();
        if let Some(schema) = function.shift_remove("parametersJsonSchema") {
            function.insert("parameters".to_owned(), schema);
        }
        json!({"type": "function", "function": function})
    });
    Value::from(tools.collect::<Vec<_>>())
}

fn turn_back(turn: &Value) -> Vec<Value> {
    let all = turn["parts"].as_array().unwrap();
    let results = all.iter().filter_map(|part| part.get("functionResponse"));
    let results: Vec<Value> = results
        .map(|result| json!({"role": "tool", "tool_call_id": result["id"], "content": result["response"]["output"]}))
        .collect();
    if !results.is_empty() {
        return results;
    }
    if turn["role"] == "user" {
        return vec![json!({"role": "user", "content": parts(&turn["parts"])})];
    }
    let calls = all.iter().filter_map(|part| part.get("functionCall")).map(|call| {
        json!({"id": call["id"], "type": "function",
            "function": {"name": call["name"], "arguments": call["args"].to_string()}})
    });
    vec![
        json!({"role": "assistant", "content": parts(&turn["parts"]), "tool_calls": calls.collect::<Vec<_>>()}),
    ]
}

fn parts(parts: &Value) -> Value {
    let said = parts.as_array().unwrap().iter().filter_map(|part| {
        let detail = match part["mediaResolution"]["level"].as_str() {
            Some("MEDIA_RESOLUTION_LOW") => json!("low"),
            Some("MEDIA_RESOLUTION_HIGH") => json!("high"),
            _ => Value::Null,
        };
        let picture = |url: String| json!({"type": "image_url", "image_url": {"url": url, "detail": detail}});
        if let Some(text) = part.get("text") {
            return Some(json!({"type": "text", "text": text}));
        }
        if let Some(data) = part.get("inlineData") {
            let (media, data) = (data["mimeType"].as_str().unwrap(), data["data"].as_str().unwrap());
            return Some(picture(format!("data:{media};base64,{data}")));
        }
        part.get("fileData").map(|file| picture(file["fileUri"].as_str().unwrap().to_owned()))
    });
    Value::from(said.collect::<Vec<_>>())
}

/// Gemini's events for what is said, a part in each.
fn told(said: &Said, thinking: u64) -> Vec<Value> {
    let mut parts = Vec::new();
    if !said.reasoning.is_empty() {
        parts.push(json!({"text": said.reasoning, "thought": true}));
    }
    if !said.text.is_empty() {
        parts.push(json!({"text": said.text}));
    }
    let calls = said.calls.iter();
    parts.extend(
        calls.map(|(id, name, args)| json!({"functionCall": {"id": id, "name": name, "args": args}})),
    );
    let events = parts.into_iter().map(|part| {
        json!({"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}], "responseId": "r1"})
    });
    let mut events: Vec<Value> = events.collect();
    let last = events.last_mut().unwrap();
    last["candidates"][0]["finishReason"] = json!("STOP");
    last["usageMetadata"] = json!({
        "promptTokenCount": said.input, "cachedContentTokenCount": said.cached,
        "candidatesTokenCount": said.output - thinking, "thoughtsTokenCount": thinking,
        "totalTokenCount": said.input + said.output,
    });
    events
}

proptest! {
    #[test]
    fn a_request_read_back_is_the_same(request in samples::request("gemini-3.1-pro-preview")) {
        let outgoing = samples::sent(Gemini, &request);
        let back = back("gemini-3.1-pro-preview", outgoing.path.contains(":stream"), &outgoing.body);
        prop_assert_eq!(samples::read(&request), samples::read(&back), "{}", outgoing.body);
    }

    #[test]
    fn a_stream_in_any_pieces_is_what_was_said(said in samples::said(), sizes in proptest::collection::vec(1..40_usize, 1..8)) {
        let thinking = said.output / 2;
        let events = told(&said, thinking);
        let stream: String = events.iter().map(|event| format!("data: {event}\r\n\r\n")).collect();
        let request = json!({"model": "gemini-2.5-pro", "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": "Go."}]});
        let cut = samples::streamed(Gemini, &request, stream.as_bytes(), &sizes);
        let uncut = samples::streamed(Gemini, &request, stream.as_bytes(), &[usize::MAX]);
        prop_assert_eq!(&cut, &uncut, "the same bytes, however they were cut");
        prop_assert_eq!(samples::folded(&cut), said.expected(thinking));
    }

    #[test]
    fn a_whole_answer_is_what_was_said(said in samples::said()) {
        let thinking = said.output / 2;
        let events = told(&said, thinking);
        let mut answer = events.last().unwrap().clone();
        let parts: Vec<Value> = events.iter().map(|event| event["candidates"][0]["content"]["parts"][0].clone()).collect();
        answer["candidates"][0]["content"]["parts"] = Value::from(parts);
        let request = json!({"model": "gemini-2.5-pro", "messages": [{"role": "user", "content": "Go."}]});
        let answer = samples::whole(Gemini, &request, &answer).unwrap();
        prop_assert_eq!(samples::gathered(&answer), said.expected(thinking));
    }
}
