//! What Gemini is asked.

use serde_json::{Value, json};

use crate::Target::Gemini;
use crate::samples::{refused, sent};

fn body(request: &Value) -> Value {
    sent(Gemini, request).body
}

fn asked(model: &str, rest: &Value) -> Value {
    let mut request = json!({"model": model, "messages": [{"role": "user", "content": "Hi."}]});
    for (name, value) in rest.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

#[test]
fn the_model_and_the_stream_are_in_the_address() {
    let plain = sent(Gemini, &asked("gemini-2.5-flash", &json!({})));
    assert_eq!((plain.path.as_str(), plain.query), ("/v1beta/models/gemini-2.5-flash:generateContent", None));
    let stream = sent(Gemini, &asked("models/gemini-2.5-flash", &json!({"stream": true})));
    assert_eq!(stream.path, "/v1beta/models/gemini-2.5-flash:streamGenerateContent");
    assert_eq!(stream.query, Some("alt=sse"));
    assert_eq!(
        sent(Gemini, &asked("../../x?y", &json!({}))).path,
        "/v1beta/models/..%2F..%2Fx%3Fy:generateContent",
        "a name cannot become another address"
    );
}

#[test]
fn a_conversation_with_everything() {
    let request = json!({
        "model": "gemini-2.5-pro",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "No jokes."}]},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                {"type": "image_url", "image_url": {"url": "https://pictures.test/a.webp"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"}},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
            ]},
            {"role": "assistant", "content": "Let me see.", "reasoning_content": "Hm.", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{\"at\":1}"}},
                {"id": "b", "type": "function", "function": {"name": "wait", "arguments": ""}},
            ]},
            {"role": "tool", "tool_call_id": "b", "content": "waited"},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "a dog"}]},
            {"role": "user", "content": "And?"},
        ],
    });
    assert_eq!(
        body(&request),
        json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "No jokes."}]},
            "contents": [
                {"role": "user", "parts": [
                    {"text": "What is this?"},
                    {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
                    {"fileData": {"fileUri": "https://pictures.test/a.webp", "mimeType": "image/webp"}},
                    {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
                    {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}},
                ]},
                {"role": "model", "parts": [
                    {"text": "Hm.", "thought": true},
                    {"text": "Let me see."},
                    {"functionCall": {"id": "a", "name": "look", "args": {"at": 1}}},
                    {"functionCall": {"id": "b", "name": "wait", "args": {}}},
                ]},
                {"role": "user", "parts": [
                    {"functionResponse": {"id": "b", "name": "wait", "response": {"output": "waited"}}},
                    {"functionResponse": {"id": "a", "name": "look", "response": {"output": "a dog"}}},
                ]},
                {"role": "user", "parts": [{"text": "And?"}]},
            ],
        })
    );
}

#[test]
fn settings_have_their_names() {
    let request = asked(
        "gemini-2.5-flash",
        &json!({
            "temperature": 0.5, "top_p": 0.9, "top_k": 40, "frequency_penalty": 0.1, "presence_penalty": -0.5,
            "seed": 7, "stop": "END", "max_tokens": 100, "n": 2, "user": "someone", "metadata": {"a": "b"},
            "response_format": {"type": "json_schema", "json_schema": {
                "name": "answer", "description": "An answer.", "schema": {"type": "object"}, "strict": true}},
        }),
    );
    assert_eq!(
        body(&request)["generationConfig"],
        json!({
            "maxOutputTokens": 100, "temperature": 0.5, "topP": 0.9, "topK": 40, "frequencyPenalty": 0.1,
            "presencePenalty": -0.5, "seed": 7, "stopSequences": ["END"], "candidateCount": 2,
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object", "description": "An answer."},
        })
    );
    let json = asked("gemini-2.5-flash", &json!({"response_format": {"type": "json_object"}}));
    assert_eq!(body(&json)["generationConfig"], json!({"responseMimeType": "application/json"}));
}

#[test]
fn tools_keep_their_schemas() {
    let tool = |strict: Option<bool>| {
        json!([{"type": "function", "function": {
            "name": "look", "description": "Looks.", "strict": strict,
            "parameters": {"type": "object", "properties": {"at": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}},
        }}])
    };
    let with = |choice: Value, strict| {
        body(&asked("gemini-2.5-flash", &json!({"tools": tool(strict), "tool_choice": choice})))
    };
    let auto = with(Value::Null, None);
    assert_eq!(
        auto["tools"],
        json!([{"functionDeclarations": [{
            "name": "look", "description": "Looks.",
            "parametersJsonSchema":
                {"type": "object", "properties": {"at": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}},
        }]}])
    );
    assert_eq!(auto["toolConfig"], Value::Null);
    let mode = |choice, strict| with(choice, strict)["toolConfig"]["functionCallingConfig"].clone();
    assert_eq!(mode(json!("auto"), Some(true)), json!({"mode": "VALIDATED"}));
    assert_eq!(mode(json!("none"), None), json!({"mode": "NONE"}));
    assert_eq!(mode(json!("required"), None), json!({"mode": "ANY"}));
    let named = json!({"type": "function", "function": {"name": "look"}});
    assert_eq!(mode(named, None), json!({"mode": "ANY", "allowedFunctionNames": ["look"]}));
}

#[test]
fn effort_is_a_budget_or_a_level() {
    let config = |model: &str, effort: &str| {
        body(&asked(model, &json!({"reasoning_effort": effort})))["generationConfig"]["thinkingConfig"]
            .clone()
    };
    let budget = |tokens: u32| json!({"includeThoughts": true, "thinkingBudget": tokens});
    let level = |word: &str| json!({"includeThoughts": true, "thinkingLevel": word});
    assert_eq!(config("gemini-2.5-flash", "none"), json!({"thinkingBudget": 0}));
    assert_eq!(config("gemini-2.5-flash", "low"), budget(1_024));
    assert_eq!(config("gemini-2.5-pro", "high"), budget(24_576));
    assert_eq!(config("gemini-2.5-pro", "xhigh"), budget(32_768));
    assert_eq!(config("gemini-3-flash-preview", "minimal"), level("minimal"));
    assert_eq!(config("gemini-3.1-pro-preview", "minimal"), level("low"));
    assert_eq!(config("gemini-flash-latest", "medium"), level("medium"));
    for model in ["gemini-2.5-pro", "gemini-3-flash-preview"] {
        let refusal = refused(Gemini, &asked(model, &json!({"reasoning_effort": "none"})));
        assert_eq!(refusal.field, "reasoning_effort", "{model} cannot stop thinking, and says so");
    }
}

#[test]
fn signatures_find_their_calls_again() {
    let calls = |model: &str, first: Value, second: Value| {
        let request = json!({"model": model, "messages": [
            {"role": "user", "content": "Look."},
            {"role": "assistant", "content": null, "tool_calls": [first, second]},
            {"role": "tool", "tool_call_id": "x__gemini__QWc_-w", "content": "1"},
        ]});
        body(&request)["contents"].clone()
    };
    let call =
        |id: &str| json!({"id": id, "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let turns = calls("gemini-3.1-pro-preview", call("x__gemini__QWc_-w"), call("y"));
    assert_eq!(
        turns[1]["parts"],
        json!([
            {"functionCall": {"id": "x", "name": "look", "args": {}}, "thoughtSignature": "QWc/+w=="},
            {"functionCall": {"id": "y", "name": "look", "args": {}}},
        ]),
        "of calls that came together only the first is signed"
    );
    assert_eq!(turns[2]["parts"][0]["functionResponse"]["id"], "x");
    let mut google = call("x__gemini__QWc_-w");
    google["extra_content"] = json!({"google": {"thought_signature": "b3du"}});
    let turns = calls("gemini-2.5-flash", google, call("y"));
    assert_eq!(turns[1]["parts"][0]["thoughtSignature"], "b3du", "Google's own field is the client's word");
}

#[test]
fn calls_that_another_model_made_are_marked() {
    let first = |model: &str| {
        let request = json!({"model": model, "messages": [
            {"role": "user", "content": "Look."},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "toolu_1", "content": "1"},
        ]});
        body(&request)["contents"][1]["parts"][0]["thoughtSignature"].clone()
    };
    assert_eq!(first("gemini-3-flash-preview"), "skip_thought_signature_validator");
    assert_eq!(first("gemini-2.5-flash"), Value::Null);
}

#[test]
fn a_text_s_signature_comes_back_and_others_stay_away() {
    let thoughts = |signature: &str| {
        let request = json!({"model": "gemini-3-flash-preview", "messages": [
            {"role": "user", "content": "Hi."},
            {"role": "assistant", "content": "Hello.", "reasoning_details": [
                {"type": "reasoning.text", "text": "Hm.", "signature": signature, "index": 0},
                {"type": "reasoning.encrypted", "data": "c2VhbGVk", "index": 1}]},
            {"role": "user", "content": "And?"},
        ]});
        body(&request)["contents"][1]["parts"].clone()
    };
    assert_eq!(
        thoughts("gemini:QWc="),
        json!([{"text": "Hm.", "thought": true}, {"text": "Hello."}, {"text": "", "thoughtSignature": "QWc="}])
    );
    assert_eq!(thoughts("anthropics"), json!([{"text": "Hm.", "thought": true}, {"text": "Hello."}]));
}

#[test]
fn pictures_have_a_resolution_each_or_one_for_all() {
    let pictures = |model: &str, details: [Value; 2]| {
        let parts = details.map(|detail| {
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": detail}})
        });
        json!({"model": model, "messages": [{"role": "user", "content": parts}]})
    };
    let each = body(&pictures("gemini-3-flash-preview", [json!("low"), json!("auto")]));
    let parts = &each["contents"][0]["parts"];
    assert_eq!(parts[0]["mediaResolution"], json!({"level": "MEDIA_RESOLUTION_LOW"}));
    assert_eq!(parts[1]["mediaResolution"], Value::Null);
    let all = body(&pictures("gemini-2.5-flash", [json!("high"), json!("high")]));
    assert_eq!(all["generationConfig"]["mediaResolution"], "MEDIA_RESOLUTION_HIGH");
    let mixed = refused(Gemini, &pictures("gemini-2.5-flash", [json!("low"), json!("auto")]));
    assert_eq!(mixed.field, "messages[0].content[1].image_url.detail");
}

#[test]
fn a_tool_may_answer_with_a_picture() {
    let request = json!({"model": "gemini-3-flash-preview", "messages": [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": [
            {"type": "text", "text": "Here."},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
    ]});
    assert_eq!(
        body(&request)["contents"][2]["parts"],
        json!([{"functionResponse": {
            "id": "a", "name": "look", "response": {"output": "Here."},
            "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}],
        }}])
    );
}

#[test]
fn what_gemini_cannot_be_told_is_refused_by_name() {
    let field = |rest: Value| refused(Gemini, &asked("gemini-2.5-flash", &rest)).field;
    assert_eq!(field(json!({"seed": 3_000_000_000_u64})), "seed");
    let orphan = json!({"model": "gemini-2.5-flash", "messages": [
        {"role": "user", "content": "Hi."}, {"role": "tool", "tool_call_id": "gone", "content": "1"}]});
    assert_eq!(refused(Gemini, &orphan).field, "messages[1].tool_call_id");
}

#[test]
fn one_call_at_a_time_is_ours_to_keep() {
    assert!(sent(Gemini, &asked("gemini-2.5-flash", &json!({"parallel_tool_calls": false}))).one_call);
    assert!(!sent(Gemini, &asked("gemini-2.5-flash", &json!({"parallel_tool_calls": true}))).one_call);
}
