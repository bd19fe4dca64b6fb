//! What single providers want beyond a path and a key: Azure's deployments, Helicone's second key, ChatGPT's tokens.

use serde_json::json;
use tests::{Mock, Setup, send};

use super::{call, local_key};
use crate::requests::request;

fn azure(mock: &Mock) -> Setup {
    let address = mock.address();
    Setup::new(address)
        .variable("LLMFLOW_UPSTREAM_AZURE", &format!("http://{address}/{{resource}}"))
        .variable("AZURE_OPENAI_API_KEY", "real-azure")
        .variable("AZURE_DEPLOYMENT_GPT_4_1_MINI", "mini")
        .settings("[providers.azure]\napi_version = '2025-01-01'\ndeployments = { gpt-4o = 'four' }")
}

#[tokio::test]
async fn azure_finds_the_deployment_by_the_model() {
    let mock = Mock::start().await;
    let app = azure(&mock).variable("AZURE_OPENAI_RESOURCE", "ours").start().await;
    let json_type = "Content-Type: application/json\r\n";
    for (model, deployment) in
        [("gpt-4o", "four"), ("gpt-4.1-mini", "mini"), ("gpt-3.5-turbo", "gpt-35-turbo")]
    {
        let body = json!({"messages": [{"role": "user", "content": "x".repeat(300_000)}], "model": model})
            .to_string();
        let (_, received) = call(&app, &mock, "/azure/v1/chat/completions", json_type, body.as_bytes()).await;
        let wanted = format!("/ours/openai/deployments/{deployment}/chat/completions?api-version=2025-01-01");
        assert_eq!(received.target(), wanted, "{model}");
        assert_eq!(received.body, body.as_bytes(), "what was read first goes on first");
        assert_eq!(received.head.header("content-length"), Some(body.len().to_string()));
        assert_eq!(received.head.header("api-key").as_deref(), Some("real-azure"));
    }
    let form = b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n\xff\xfe\r\n--b--\r\n";
    let multipart = "Content-Type: multipart/form-data; boundary=b\r\n";
    let (_, received) = call(&app, &mock, "/azure/v1/audio/transcriptions", multipart, form).await;
    assert!(
        received.target().contains("/deployments/whisper-1/audio/transcriptions"),
        "{}",
        received.target()
    );
    assert_eq!(received.body, form);
    // In chunks, of which the model is in the last.
    let chunked = "POST /azure/v1/embeddings?api-version=own HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n14\r\n{\"input\":\"a\",\"model\"\r\n9\r\n:\"emb-3\"}\r\n0\r\n\r\n";
    mock.take();
    assert_eq!(send(app.proxy, chunked.as_bytes()).await.status(), 200);
    let received = mock.ended(1).await.remove(0).received;
    assert_eq!(received.target(), "/ours/openai/deployments/emb-3/embeddings?api-version=own");
    assert_eq!(received.body, b"{\"input\":\"a\",\"model\":\"emb-3\"}");
    // An OpenAI SDK's bearer is Azure's key; Entra's token is not.
    let body = br#"{"model":"m"}"#;
    let (_, received) = call(&app, &mock, "/azure/v1/responses", "Authorization: Bearer own\r\n", body).await;
    assert_eq!(
        (received.head.header("api-key").as_deref(), received.head.header("authorization")),
        (Some("own"), None)
    );
    let (_, received) =
        call(&app, &mock, "/azure/v1/responses", "Authorization: Bearer eyJ0.eyJh.sig\r\n", body).await;
    assert_eq!(
        (received.head.header("api-key"), received.head.header("authorization").as_deref()),
        (None, Some("Bearer eyJ0.eyJh.sig"))
    );
    let deployment = "/azure/openai/deployments/d.x/chat/completions?api-version=2024-10-21";
    let (_, received) = call(&app, &mock, deployment, "", b"anything").await;
    assert_eq!(received.target(), deployment.replacen("/azure", "/ours", 1));
}

#[tokio::test]
async fn azure_says_what_is_missing() {
    let mock = Mock::start().await;
    let app = azure(&mock).start().await;
    let asks = async |headers: &str, body: &[u8]| {
        let response = send(app.proxy, &request("POST", "/azure/v1/chat/completions", headers, body)).await;
        (response.status(), response.json()["error"]["message"].as_str().unwrap_or_default().to_owned())
    };
    let (status, says) = asks("", br#"{"model":"m"}"#).await;
    assert!(
        status == 400 && says.contains("x-azure-resource") && says.contains("AZURE_OPENAI_RESOURCE"),
        "{says}"
    );
    let (status, says) = asks("x-azure-resource: evil.example/\r\n", br#"{"model":"m"}"#).await;
    assert!(status == 400 && says.contains("no Azure resource"), "{says}");
    let resource = "x-llmflow-azure-resource: theirs\r\n";
    for (headers, body) in [
        ("", &b"{\"messages\":[]}"[..]),
        ("", b""),
        ("", b"nonsense"),
        ("Content-Encoding: zstd\r\n", br#"{"model":"m"}"#),
    ] {
        let (status, says) = asks(&format!("{resource}{headers}"), body).await;
        assert!(status == 400 && says.contains("/azure/openai/deployments/"), "{says}");
    }
    let late = json!({"input": "x".repeat(2 << 20), "model": "m"}).to_string();
    let (status, says) = asks(resource, late.as_bytes()).await;
    assert!(status == 400 && says.contains("x-azure-deployment"), "{says}");
    assert!(mock.exchanges().is_empty());
    let named = format!("{resource}x-llmflow-azure-deployment: d.1\r\n");
    let (_, received) = call(&app, &mock, "/azure/v1/chat/completions", &named, late.as_bytes()).await;
    assert!(received.target().starts_with("/theirs/openai/deployments/d.1/"), "{}", received.target());
    assert_eq!(received.body, late.as_bytes());
    let (_, received) = call(&app, &mock, "/azure/v1/chat/completions", resource, br#"{"model":"m"}"#).await;
    assert!(received.target().starts_with("/theirs/openai/deployments/m/"), "{}", received.target());
    assert_eq!(received.head.header("api-key"), None, "our key is for our resource");
}

#[tokio::test]
async fn helicones_key_goes_beside_the_providers() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).variable("HELICONE_API_KEY", "sk-helicone-real").start().await;
    let target = "/passthrough/helicone/v1/chat/completions";
    let auth = |received: &tests::Received| {
        (received.head.header("authorization"), received.head.header("helicone-auth"))
    };
    let (_, received) =
        call(&app, &mock, target, "Authorization: Bearer sk-own\r\nHelicone-Session-Id: s\r\n", b"{}").await;
    assert_eq!(auth(&received), (Some("Bearer sk-own".into()), Some("Bearer sk-helicone-real".into())));
    assert_eq!(received.head.header("helicone-session-id").as_deref(), Some("s"));
    let (_, received) =
        call(&app, &mock, "/helicone/v1/x", "Helicone-Auth: sk-helicone-own\r\n", b"{}").await;
    assert_eq!(auth(&received), (None, Some("Bearer sk-helicone-own".into())));
}

/// Codex signed in to ChatGPT, with either base URL; and Claude's subscription, whose bearer stays one.
#[tokio::test]
async fn subscriptions_keep_their_tokens() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address())
        .variable("OPENAI_API_KEY", "real-openai")
        .variable("ANTHROPIC_API_KEY", "real-anthropic")
        .start()
        .await;
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";
    let headers = format!("Authorization: Bearer {token}\r\nchatgpt-account-id: acc\r\n");
    for (asked, wanted) in [
        ("/v1/responses", "/backend-api/codex/responses"),
        ("/responses", "/backend-api/codex/responses"),
        ("/openai/api.openai.com/responses", "/backend-api/codex/responses"),
        ("/openai/api.openai.com/v1/responses", "/backend-api/codex/responses"),
        ("/v1/models?client_version=1", "/backend-api/codex/models?client_version=1"),
        ("/backend-api/codex/responses", "/backend-api/codex/responses"),
    ] {
        let (_, received) = call(&app, &mock, asked, &headers, b"{}").await;
        assert_eq!(received.target(), wanted, "{asked}");
        assert_eq!(received.head.header("authorization"), Some(format!("Bearer {token}")));
        assert_eq!(received.head.header("chatgpt-account-id").as_deref(), Some("acc"));
    }
    let local = local_key(&app).await;
    for key in ["sk-a.b.c".to_owned(), local] {
        let (_, received) =
            call(&app, &mock, "/v1/responses", &format!("Authorization: Bearer {key}\r\n"), b"{}").await;
        assert_eq!(received.target(), "/v1/responses");
    }
    for target in [
        "/anthropic/v1/messages",
        "/passthrough/anthropic/v1/messages",
        "/anthropic/api.anthropic.com/v1/messages",
    ] {
        let (_, received) =
            call(&app, &mock, target, "Authorization: Bearer sk-ant-oat01-x\r\n", b"{}").await;
        assert_eq!(received.head.header("authorization").as_deref(), Some("Bearer sk-ant-oat01-x"));
        assert_eq!(received.head.header("x-api-key"), None, "{target}");
    }
}

/// What the originals' clients say of a call: kept in the record; only our own headers end here.
#[tokio::test]
async fn tracing_headers_are_recorded_and_go_on() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).start().await;
    let headers = "X-LLMFlow-Tag: one, two,,\r\nX-LLMFlow-Session: s-1\r\nx-trace-id: trace-1\r\nx-parent-id: parent-1\r\n";
    let (_, received) = call(&app, &mock, "/v1/chat/completions", headers, br#"{"model":"m"}"#).await;
    assert_eq!(received.head.header("x-trace-id").as_deref(), Some("trace-1"));
    assert_eq!(received.head.header("x-parent-id").as_deref(), Some("parent-1"));
    assert!(
        received.head.header("x-llmflow-tag").is_none()
            && received.head.header("x-llmflow-session").is_none()
    );
    // A second call of the same trace is a call of its own.
    call(&app, &mock, "/v1/chat/completions", headers, br#"{"model":"m"}"#).await;
    let recorded = app.recorded(2).await;
    for call in &recorded {
        assert_eq!(
            (call.tags.as_slice(), call.session_id.as_deref()),
            (&["one".to_owned(), "two".to_owned()][..], Some("s-1"))
        );
        assert_eq!(
            (call.trace_id.as_deref(), call.parent_id.as_deref()),
            (Some("trace-1"), Some("parent-1"))
        );
    }
    assert_ne!(recorded[0].id, recorded[1].id);
    let parent = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    let (_, received) = call(&app, &mock, "/v1/chat/completions", parent, br#"{"model":"m"}"#).await;
    assert!(received.head.header("traceparent").is_some());
    let recorded = app.recorded(3).await;
    assert!(recorded.iter().any(|call| call.trace_id.as_deref() == Some("0af7651916cd43dd8448eb211c80319c")
        && call.parent_id.as_deref() == Some("b7ad6b7169203331")));
}
