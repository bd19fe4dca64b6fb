//! Requests as clients write them: one for each dialect.

use serde_json::{Value, json};
use tests::{Answer, Dialect, Mock, Received};

/// A header line, for [`request`].
pub(crate) const JSON: &str = "Content-Type: application/json\r\n";

/// A chat completion of a thousand tokens in and a hundred out, from whatever model is asked for: $0.0035 from gpt-4o.
pub(crate) fn thousand_tokens(received: &Received) -> Answer {
    let asked = received.json();
    let body = json!({
        "id": "c", "object": "chat.completion", "model": asked["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Good day"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    });
    Answer::whole(200, "application/json", body.to_string())
}

/// An upstream that answers all with [`thousand_tokens`].
pub(crate) async fn thousand_tokens_mock() -> Mock {
    let mock = Mock::start().await;
    mock.answer(thousand_tokens);
    mock
}

/// The path below the proxy's root.
pub(crate) fn path(dialect: Dialect, stream: bool) -> &'static str {
    match (dialect, stream) {
        (Dialect::Chat, _) => "/v1/chat/completions",
        (Dialect::Responses, _) => "/v1/responses",
        (Dialect::Anthropic, _) => "/anthropic/v1/messages?beta=true",
        (Dialect::Gemini, false) => "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
        (Dialect::Ollama, _) => "/ollama/api/chat",
        (Dialect::Cohere, _) => "/cohere/v2/chat",
        (Dialect::Invoke, false) => "/model/us.anthropic.claude-sonnet-4-5-20250929-v1:0/invoke",
        (Dialect::Invoke, true) => {
            "/model/us.anthropic.claude-sonnet-4-5-20250929-v1:0/invoke-with-response-stream"
        }
        (Dialect::Converse, false) => "/model/eu.amazon.nova-lite-v1%3A0/converse",
        (Dialect::Converse, true) => "/model/eu.amazon.nova-lite-v1%3A0/converse-stream",
        (Dialect::Gemini, true) => "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    }
}

/// The model each dialect's requests ask for, and its entry in the price table.
pub(crate) fn model(dialect: Dialect) -> (&'static str, &'static str) {
    match dialect {
        Dialect::Chat => ("gpt-4o-mini", "gpt-4o-mini"),
        Dialect::Responses => ("gpt-5", "gpt-5"),
        Dialect::Anthropic => ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"),
        Dialect::Gemini => ("gemini-2.5-flash", "gemini/gemini-2.5-flash"),
        // What runs at home has no price.
        Dialect::Ollama => ("llama3.2", ""),
        Dialect::Cohere => ("command-r-08-2024", "command-r-08-2024"),
        Dialect::Invoke => {
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0")
        }
        Dialect::Converse => ("eu.amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1:0"),
    }
}

/// A request's body that says `prompt` under a system prompt and offers the tool `get_weather`.
pub(crate) fn body(dialect: Dialect, stream: bool, prompt: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let (model, _) = model(dialect);
    match dialect {
        Dialect::Chat => {
            let mut body = json!({
                "model": model,
                "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": prompt}],
                "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": schema}}],
            });
            if stream {
                body["stream"] = json!(true);
                body["stream_options"] = json!({"include_usage": true});
            }
            body
        }
        Dialect::Ollama | Dialect::Cohere => json!({
            "model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}],
            "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": schema}}],
        }),
        Dialect::Invoke => json!({
            "anthropic_version": "bedrock-2023-05-31", "max_tokens": 1024, "system": "Be brief.",
            "messages": [{"role": "user", "content": [{"type": "text", "text": prompt}]}],
            "tools": [{"name": "get_weather", "input_schema": schema}],
        }),
        Dialect::Converse => json!({
            "system": [{"text": "Be brief."}], "messages": [{"role": "user", "content": [{"text": prompt}]}],
            "toolConfig": {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": schema}}}]},
        }),
        Dialect::Responses => json!({
            "model": model, "instructions": "Be brief.", "stream": stream,
            "input": [{"role": "user", "content": [{"type": "input_text", "text": prompt}]}],
            "tools": [{"type": "function", "name": "get_weather", "parameters": schema}],
        }),
        Dialect::Anthropic => json!({
            "model": model, "max_tokens": 1024, "stream": stream,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": prompt}]}],
            "tools": [{"name": "get_weather", "input_schema": schema}],
        }),
        Dialect::Gemini => json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": prompt}]}],
            "tools": [{"functionDeclarations": [{"name": "get_weather", "parameters": schema}]}],
        }),
    }
}

/// A whole request: head and body, with more header lines (each ending in CR LF).
pub(crate) fn request(method: &str, target: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let length = match body.is_empty() {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{more}{length}\r\n");
    [head.as_bytes(), body].concat()
}

/// A dialect's request for `prompt`, with more header lines.
pub(crate) fn ask(dialect: Dialect, stream: bool, prompt: &str, more: &str) -> Vec<u8> {
    let body = body(dialect, stream, prompt).to_string();
    let more = format!("Content-Type: application/json\r\n{more}");
    request("POST", path(dialect, stream), &more, body.as_bytes())
}

/// The request as the upstream itself would get it.
pub(crate) fn direct(request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(request.to_vec()).unwrap();
    text.replacen("POST /anthropic/", "POST /", 1).replacen("POST /gemini/", "POST /", 1).into_bytes()
}
