//! The mock as the upstream of a Responses WebSocket: each `response.create` is a request, its answer's events are
//! messages. The frames are a library's.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, handshake::derive_accept_key};

use super::{Exchange, Received, Sent, State, Step};

/// The head that agrees to what `received` asks for.
pub(super) fn agreement(received: &Received) -> Vec<u8> {
    let key = received.head.header("sec-websocket-key").unwrap_or_default();
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nx-codex-turn-state: mock\r\n\r\n"
    )
    .into_bytes()
}

/// Answers until the client leaves or an answer's script cuts the connection.
pub(super) async fn serve(stream: TcpStream, first: Vec<u8>, asked: &Received, state: &State) {
    let mut socket = WebSocketStream::from_partially_read(stream, first, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let question: Value = serde_json::from_str(&text).unwrap_or_default();
        if question["type"] != "response.create" {
            continue;
        }
        let mut received = Received { body: text.as_bytes().to_vec(), ..asked.clone() };
        let target = asked.target();
        received.head.start = format!("POST {target} HTTP/1.1");
        if !answer(&mut socket, received, state).await {
            return;
        }
    }
}

/// Plays the answer; `false` when the connection is to be cut.
async fn answer(socket: &mut WebSocketStream<TcpStream>, received: Received, state: &State) -> bool {
    let handler = state.handler.lock().unwrap().clone();
    let script = handler(&received);
    let index = {
        let mut exchanges = state.exchanges.lock().unwrap();
        exchanges.push(Exchange { received, sent: None });
        exchanges.len() - 1
    };
    let (mut sent, mut unread) = (Sent::default(), Vec::new());
    let mut going = script.status != 0;
    for step in script.steps.iter().filter(|_| script.status != 0) {
        match step {
            Step::Send(bytes) => unread.extend_from_slice(bytes),
            Step::Gate => state.gate.acquire().await.unwrap().forget(),
            Step::Abort => going = false,
        }
        if script.status != 200 {
            continue;
        }
        while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = unread.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data:") else { continue };
            let text = String::from_utf8(data.trim_ascii().to_vec()).unwrap();
            sent.body.extend([text.as_bytes(), b"\n"].concat());
            going &= socket.send(Message::text(text)).await.is_ok();
        }
        if !going {
            break;
        }
    }
    if script.status != 200 && going {
        let error: Value = serde_json::from_slice(&unread).unwrap_or_default();
        let text = serde_json::json!({"type": "error", "status": script.status, "error": error["error"]})
            .to_string();
        sent.body.extend(text.as_bytes());
        going &= socket.send(Message::text(text)).await.is_ok();
    }
    sent.whole = going;
    if let Some(exchange) = state.exchanges.lock().unwrap().get_mut(index) {
        exchange.sent = Some(sent);
    }
    going
}
