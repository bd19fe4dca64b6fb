//! A WebSocket library of others on both ends: its messages arrive, its pings are answered, its close is a close.

use api::{BodySide, CallState};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tests::{App, Fault, Mock, Plan, Setup};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::create;

type Socket = WebSocketStream<TcpStream>;

async fn connect(app: &App) -> Socket {
    let mut request = format!("ws://{}/v1/responses", app.proxy).into_client_request().unwrap();
    request.headers_mut().insert("openai-beta", "responses_websockets=2026-02-06".parse().unwrap());
    let stream = TcpStream::connect(app.proxy).await.unwrap();
    let (socket, answer) = client_async(request, stream).await.unwrap();
    assert_eq!(answer.headers()["x-codex-turn-state"], "mock");
    socket
}

/// Asks; every event until the answer's last.
async fn turn(socket: &mut Socket, text: &str) -> Vec<String> {
    socket.send(Message::text(create(text).to_string())).await.unwrap();
    let mut heard = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let event: Value = serde_json::from_str(&text).unwrap();
        heard.push(text.to_string());
        if matches!(event["type"].as_str(), Some("response.completed" | "response.failed" | "error")) {
            break;
        }
    }
    heard
}

#[tokio::test]
async fn a_conversation_is_heard_and_recorded() {
    let mock = Mock::start().await;
    mock.follow(Plan { sockets: true, ..Plan::default() });
    let app = App::start(mock.address()).await;
    let mut socket = connect(&app).await;
    for number in 0..5 {
        let heard = turn(&mut socket, &format!("Question {number}?")).await;
        let exchange = mock.ended(number + 2).await.pop().unwrap();
        assert_eq!(exchange.received.body, create(&format!("Question {number}?")).to_string().into_bytes());
        assert_eq!(heard.join("\n") + "\n", String::from_utf8(exchange.sent.unwrap().body).unwrap());
        socket.send(Message::Ping("there?".into())).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("there?".into()));
    }
    let bye = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    socket.close(Some(bye.clone())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Close(Some(bye)));
    assert!(socket.next().await.is_none());
    let tokens = Plan::default().tokens;
    for (call, number) in app.recorded(5).await.iter().rev().zip(0..) {
        assert_eq!(call.state, CallState::Complete);
        assert_eq!(call.title, Some(format!("Question {number}?")));
        assert_eq!((call.usage.input, call.usage.cache_read), (Some(tokens.input), Some(tokens.cache_read)));
        assert_eq!(call.usage.output, Some(tokens.output));
    }
}

#[tokio::test]
async fn faults_of_the_upstream_are_what_they_are() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for (fault, state) in [
        (Fault::Status(429), CallState::UpstreamError),
        (Fault::ErrorEvent, CallState::UpstreamError),
        (Fault::Disconnect, CallState::Truncated),
    ] {
        mock.follow(Plan { sockets: true, fault, ..Plan::default() });
        let mut socket = connect(&app).await;
        turn(&mut socket, &format!("{fault:?}")).await;
        drop(socket);
        let title = Some(format!("{fault:?}"));
        let found = tests::wait_until("the turn's record", async || {
            let mut calls = app.calls().await.into_iter();
            calls.find(|call| call.title == title && call.state != CallState::Open)
        })
        .await;
        assert_eq!(found.state, state, "{fault:?}: {:?}", found.error);
    }
}

/// Fifty at once, each its own.
#[tokio::test]
async fn many_at_once_do_not_meet() {
    const SOCKETS: usize = 50;
    let mock = Mock::start().await;
    mock.follow(Plan { sockets: true, ..Plan::default() });
    let app = Setup::new(mock.address()).start().await;
    let talks = (0..SOCKETS).map(|number| {
        let app = &app;
        async move {
            let mut socket = connect(app).await;
            for turn_number in 0..3 {
                let heard = turn(&mut socket, &format!("{number}.{turn_number}")).await;
                assert!(heard.last().unwrap().contains("response.completed"));
            }
            socket.close(None).await.unwrap();
        }
    });
    futures_util::future::join_all(talks).await;
    let calls = app.recorded(SOCKETS * 3).await;
    for number in 0..SOCKETS {
        for turn_number in 0..3 {
            let title = format!("{number}.{turn_number}");
            let call = calls.iter().find(|call| call.title.as_deref() == Some(&title)).expect(&title);
            assert_eq!(call.state, CallState::Complete);
        }
    }
    let first = calls.iter().find(|call| call.title.as_deref() == Some("0.0")).unwrap();
    let body: Value = serde_json::from_str(&app.body(first.id, BodySide::Request).await).unwrap();
    assert_eq!(body, json!(create("0.0")));
}
