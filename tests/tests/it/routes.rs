//! Routes: every provider's path, host, key and bytes; hosts that a client may name; web pages that may call.

mod hosts;
mod own;
mod pages;
mod table;

use tests::{App, HeaderLine, Mock, Received, Response, send};

use crate::requests::request;

/// One call, and what the upstream got of it.
async fn call(app: &App, mock: &Mock, target: &str, headers: &str, body: &[u8]) -> (Response, Received) {
    mock.take();
    let response = send(app.proxy, &request("POST", target, headers, body)).await;
    assert!(response.head.header("x-llmflow-error").is_none(), "{target}: {}", response.text());
    (response, mock.ended(1).await.remove(0).received)
}

/// A local key of the app's.
async fn local_key(app: &App) -> String {
    app.local_key("aider").await
}

fn text(line: &HeaderLine) -> String {
    format!("{}: {}", line.name, String::from_utf8_lossy(&line.value))
}
