//! For tests: requests and answers of every kind that all dialects can say, and ways to run them through a target.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::call::{Answering, Front, Target, begin};
use crate::chat;
use crate::outgoing::Outgoing;
use crate::refusal::Refusal;

/// A chat request as a target takes it.
pub(crate) fn sent(target: Target, request: &Value) -> Outgoing {
    started(target, request).unwrap().0
}

/// Why a target does not take it.
pub(crate) fn refused(target: Target, request: &Value) -> Refusal {
    started(target, request).unwrap_err()
}

fn started(target: Target, request: &Value) -> Result<(Outgoing, Answering), Refusal> {
    begin(Front::Chat, target, request.to_string().as_bytes())
}

/// A provider's whole answer as the client gets it; its error's message where it is one.
pub(crate) fn whole(target: Target, request: &Value, answer: &Value) -> Result<Value, String> {
    let (_, answering) = started(target, request).unwrap();
    match answering.whole(answer.to_string().as_bytes(), 1_700_000_000) {
        Ok(body) => Ok(serde_json::from_slice(&body).unwrap()),
        Err(failure) => Err(failure.message),
    }
}

/// A provider's stream as the client gets it, when it comes in pieces of these sizes (the last one over and over).
pub(crate) fn streamed(target: Target, request: &Value, stream: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (_, answering) = started(target, request).unwrap();
    let mut stream_out = answering.stream(1_700_000_000);
    let mut out = Vec::new();
    let (mut rest, mut sizes) = (stream, sizes.iter().cycle());
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
        stream_out.push(piece, &mut out);
        rest = tail;
    }
    stream_out.finish(&mut out);
    out
}

/// The data of each frame; `[DONE]` is null.
pub(crate) fn frames(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).unwrap();
    let data = text.split("\n\n").filter_map(|frame| frame.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or_default()).collect()
}

/// Chunks put together as a client does it: the message, why it ended, the usage.
pub(crate) fn folded(stream: &[u8]) -> Value {
    let (mut text, mut reasoning) = (String::new(), String::new());
    let mut calls: Vec<Value> = Vec::new();
    let (mut finish, mut usage, mut error) = (Value::Null, Value::Null, Value::Null);
    for frame in frames(stream) {
        if frame["usage"].is_object() {
            usage = frame["usage"].clone();
        }
        if frame["error"].is_object() {
            error = frame["error"].clone();
        }
        let choice = &frame["choices"][0];
        let delta = &choice["delta"];
        text.push_str(delta["content"].as_str().unwrap_or_default());
        reasoning.push_str(delta["reasoning_content"].as_str().unwrap_or_default());
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let place = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            if place == calls.len() {
                calls.push(json!({"id": call["id"], "name": call["function"]["name"], "arguments": ""}));
            }
            let so_far = calls[place]["arguments"].as_str().unwrap().to_owned();
            calls[place]["arguments"] = json!(so_far + call["function"]["arguments"].as_str().unwrap());
        }
        if choice["finish_reason"].is_string() {
            finish = choice["finish_reason"].clone();
        }
    }
    json!({"text": text, "reasoning": reasoning, "calls": calls, "finish": finish, "usage": usage, "error": error})
}

/// A whole answer in the same shape.
pub(crate) fn gathered(answer: &Value) -> Value {
    let message = &answer["choices"][0]["message"];
    let calls = message["tool_calls"].as_array().into_iter().flatten().map(|call| {
        let function = &call["function"];
        json!({"id": call["id"], "name": function["name"], "arguments": function["arguments"]})
    });
    json!({
        "text": message["content"].as_str().unwrap_or_default(),
        "reasoning": message["reasoning_content"].as_str().unwrap_or_default(),
        "calls": calls.collect::<Vec<_>>(),
        "finish": answer["choices"][0]["finish_reason"],
        "usage": answer["usage"], "error": null,
    })
}

/// Usage as OpenAI's clients read it.
pub(crate) fn usage(input: u64, cached: u64, output: u64, thinking: u64) -> Value {
    json!({
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thinking, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}

/// A chat request in types.
pub(crate) fn read(request: &Value) -> chat::Request {
    chat::parse(request.clone()).unwrap()
}

/// What a model says.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) reasoning: String,
    pub(crate) text: String,
    pub(crate) calls: Vec<(String, String, Value)>,
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
}

impl Said {
    /// As [`folded`] and [`gathered`] should show it.
    pub(crate) fn expected(&self, thinking: u64) -> Value {
        let calls = self
            .calls
            .iter()
            .map(|(id, name, arguments)| json!({"id": id, "name": name, "arguments": arguments.to_string()}));
        json!({
            "text": self.text, "reasoning": self.reasoning, "calls": calls.collect::<Vec<_>>(),
            "finish": if self.calls.is_empty() { "stop" } else { "tool_calls" },
            "usage": usage(self.input, self.cached, self.output, thinking),
            "error": null,
        })
    }
}

fn some_text() -> impl Strategy<Value = String> {
    // Quotes, line ends of every kind, what looks like an event's end, and characters of two to four bytes.
    proptest::collection::vec(
        prop_oneof![
            "[a-z ]{1,6}",
            Just("\n\ndata: {".to_owned()),
            Just("\r\n\"ü\\".to_owned()),
            Just("🌍".to_owned())
        ],
        1..5,
    )
    .prop_map(|pieces| pieces.concat())
}

fn arguments() -> impl Strategy<Value = Value> {
    (some_text(), any::<i32>(), any::<bool>()).prop_map(|(text, number, none)| {
        if none { json!({}) } else { json!({"z": text, "a": [number, null, {"deep": 0.5}]}) }
    })
}

/// Any answer: of text, of calls, of both.
pub(crate) fn said() -> impl Strategy<Value = Said> {
    let calls = proptest::collection::vec(("[a-z_]{1,8}", arguments()), 0..4);
    (some_text(), some_text(), any::<(bool, bool)>(), calls, (1..9_999_u64, 0..9_999_u64, 1..9_999_u64))
        .prop_map(|(reasoning, text, (thinks, talks), calls, (input, cached, output))| Said {
            reasoning: if thinks { reasoning } else { String::new() },
            text: if talks || calls.is_empty() { text } else { String::new() },
            calls: (0..)
                .zip(calls)
                .map(|(place, (name, arguments)): (usize, _)| (format!("call_{place}"), name, arguments))
                .collect(),
            input,
            cached: cached.min(input),
            output,
        })
}

/// Any conversation of what all targets take: text, pictures, calls and their results.
fn messages() -> impl Strategy<Value = Vec<Value>> {
    let user = prop_oneof![
        some_text().prop_map(|text| json!([{"role": "user", "content": text}])),
        (some_text(), any::<bool>(), prop_oneof![Just(json!(null)), Just(json!("low")), Just(json!("high"))])
            .prop_map(|(text, here, detail)| {
                let url = if here { "data:image/png;base64,aGk=" } else { "https://pictures.test/a.png" };
                json!([{"role": "user", "content": [
                    {"type": "text", "text": text},
                    {"type": "image_url", "image_url": {"url": url, "detail": detail}},
                ]}])
            }),
    ];
    let calls = proptest::collection::vec((arguments(), some_text()), 1..4);
    let called = (proptest::option::of(some_text()), calls).prop_map(|(text, calls)| {
        let made = (0..).zip(&calls).map(|(place, (arguments, _)): (usize, _)| {
            json!({"id": format!("call_{place}"), "type": "function",
                "function": {"name": "look", "arguments": arguments.to_string()}})
        });
        let mut turn =
            vec![json!({"role": "assistant", "content": text, "tool_calls": made.collect::<Vec<_>>()})];
        turn.extend((0..).zip(&calls).map(|(place, (_, result)): (usize, _)| {
            json!({"role": "tool", "tool_call_id": format!("call_{place}"), "content": result})
        }));
        Value::from(turn)
    });
    let answered = some_text().prop_map(|text| json!([{"role": "assistant", "content": text}]));
    let turns = proptest::collection::vec((user.clone(), prop_oneof![called, answered]), 0..3);
    (proptest::option::of(some_text()), turns, user).prop_map(|(system, turns, last)| {
        let mut messages: Vec<Value> =
            system.map(|text| json!({"role": "system", "content": text})).into_iter().collect();
        let turns = turns.into_iter().flat_map(|(user, answer)| [user, answer]).chain([last]);
        messages.extend(turns.flat_map(|turn| turn.as_array().cloned().unwrap_or_default()));
        messages
    })
}

/// Any request of what Gemini and Cohere both take.
pub(crate) fn request(model: &'static str) -> impl Strategy<Value = Value> {
    let option = |values: Vec<Value>| proptest::sample::select([vec![Value::Null], values].concat());
    let tools = option(vec![json!([
        {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {
            "type": "object", "properties": {"z": {"type": "string"}}, "required": ["z"], "additionalProperties": false}}},
        {"type": "function", "function": {"name": "wait", "parameters": {"type": "object", "properties": {}}}},
    ])]);
    let choice = option(vec![json!("none"), json!("required")]);
    let format = option(vec![
        json!({"type": "json_object"}),
        json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}),
    ]);
    let sampling = (
        option(vec![json!(0.25), json!(1)]),
        option(vec![json!(0.5), json!(0.9)]),
        option(vec![json!(40)]),
        option(vec![json!(0.5)]),
        option(vec![json!(7)]),
    );
    let limits = (option(vec![json!(100)]), option(vec![json!(["END"]), json!(["a", "b"])]), any::<bool>());
    (messages(), tools, choice, format, sampling, limits).prop_map(
        move |(messages, tools, choice, format, (temperature, top_p, top_k, penalty, seed), (most, stop, stream))| {
            json!({
                "model": model, "messages": messages, "tool_choice": if tools.is_null() { Value::Null } else { choice },
                "tools": tools, "response_format": format, "temperature": temperature, "top_p": top_p,
                "top_k": top_k, "presence_penalty": penalty, "seed": seed, "max_completion_tokens": most,
                "stop": stop, "stream": stream,
            })
        },
    )
}
