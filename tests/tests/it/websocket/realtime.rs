//! OpenAI's Realtime: turns that the client asks for and turns that the server begins.

use tests::websocket::{agreement, handshake};
use tests::{Line, Raw};

/// A key that a browser's SDK puts among the subprotocols is a key there too.
#[tokio::test]
async fn a_key_among_the_subprotocols_is_no_text() {
    let (heads, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let upstream = Raw::start(move |_, mut line| {
        let heads = heads.clone();
        async move {
            heads.send(line.head().await).unwrap();
            line.write(agreement("Sec-WebSocket-Protocol: realtime\r\n")).await;
            line.rest().await;
        }
    })
    .await;
    let app = tests::Setup::new(upstream.address)
        .variable("OPENAI_API_KEY", "sk-lent-0123456789abcdef")
        .start()
        .await;
    let local = app.local_key("voice").await;
    for (key, goes) in [("sk-canary-0123456789", "sk-canary-0123456789"), (local.as_str(), "sk-lent-0123456789abcdef")] {
        let more = format!("Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{key}, openai-beta.realtime-v1\r\n");
        let mut client = Line::connect(app.proxy).await;
        client.write(handshake("/v1/realtime?model=gpt-realtime", &more)).await;
        assert!(client.head().await.starts_with("HTTP/1.1 101 "));
        let head = asked.recv().await.unwrap();
        assert!(head.contains(goes), "{head}");
        assert!(!head.contains("lf-voice"), "{head}");
        assert_eq!(head.to_lowercase().contains("authorization:"), key == local, "{head}");
    }
    for call in app.recorded(2).await {
        let shown = format!("{:?}", app.call(call.id).await);
        assert!(!shown.contains("canary") && !shown.contains("sk-lent"), "{shown}");
        assert!(shown.contains("openai-beta.realtime-v1"), "{shown}");
    }
}
