//! WebSockets: relayed as they are, ended as they end, and recorded turn by turn.

mod ends;
mod fidelity;
mod library;
mod realtime;
mod responses;

use serde_json::{Value, json};
use tests::websocket::{Frame, agreement, handshake};
use tests::{Line, Raw};

/// A client whose WebSocket at `path` was agreed to.
async fn connected(proxy: std::net::SocketAddr, path: &str, more: &str) -> Line {
    let mut client = Line::connect(proxy).await;
    client.write(handshake(path, more)).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client
}

/// An upstream that agrees to every WebSocket and hands it to `script`.
async fn agreeing<F>(script: impl Fn(usize, Line) -> F + Send + Sync + 'static) -> Raw
where
    F: Future<Output = ()> + Send + 'static,
{
    let script = std::sync::Arc::new(script);
    Raw::start(move |number, mut line| {
        let script = script.clone();
        async move {
            line.head().await;
            line.write(agreement("")).await;
            script(number, line).await;
        }
    })
    .await
}

/// What a Responses client asks.
fn create(text: &str) -> Value {
    json!({
        "type": "response.create", "model": "gpt-5-mini", "stream": true, "store": false,
        "instructions": "Answer shortly.",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}],
    })
}

/// The events that answer it.
fn events(id: &str, text: &str) -> Vec<Value> {
    let response = |status: &str, rest: Value| {
        let mut response =
            json!({"id": id, "object": "response", "status": status, "model": "gpt-5-mini-2025-08-07"});
        response.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        response
    };
    let message = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}]});
    let usage = json!({"input_tokens": 120, "input_tokens_details": {"cached_tokens": 100},
        "output_tokens": 30, "output_tokens_details": {"reasoning_tokens": 10}, "total_tokens": 150});
    vec![
        json!({"type": "response.created", "sequence_number": 0, "response": response("in_progress", json!({}))}),
        json!({"type": "response.output_text.delta", "sequence_number": 1, "output_index": 0, "content_index": 0,
            "item_id": "msg_1", "delta": text}),
        json!({"type": "response.completed", "sequence_number": 2,
            "response": response("completed", json!({"output": [message], "usage": usage}))}),
    ]
}

/// A text frame of JSON.
fn say(value: &Value) -> Frame {
    Frame::text(&value.to_string())
}
