//! Local keys: a tool's own key that opens nothing but this proxy, and says whose call it is.

use api::ErrorKind;

use super::*;

#[tokio::test]
async fn a_local_key_becomes_the_real_one_wherever_a_tool_puts_it() {
    let mock = Mock::start().await;
    let setup = Setup::new(mock.address())
        .variable("OPENAI_API_KEY", KEY)
        .variable("ANTHROPIC_API_KEY", "anthropic-0123456789")
        .variable("GEMINI_API_KEY", "gemini-0123456789");
    let app = setup.start().await;
    let key = app.local_key("my-script").await;
    assert!(key.starts_with("lf-my-script-"), "{key}");
    let bearer = format!("Bearer {KEY}");
    for (target, headers, name, value) in [
        (
            "/v1/chat/completions",
            format!("Authorization: Bearer {key}\r\n"),
            "authorization",
            bearer.as_str(),
        ),
        ("/v1/chat/completions", format!("api-key: {key}\r\n"), "authorization", &bearer),
        ("/anthropic/v1/messages", format!("x-api-key: {key}\r\n"), "x-api-key", "anthropic-0123456789"),
        (
            "/anthropic/v1/messages",
            format!("Authorization: Bearer {key}\r\n"),
            "x-api-key",
            "anthropic-0123456789",
        ),
        ("/gemini/v1beta/m:x", format!("x-goog-api-key: {key}\r\n"), "x-goog-api-key", "gemini-0123456789"),
        (
            &*format!("/gemini/v1beta/m:x?key={key}&alt=sse"),
            String::new(),
            "x-goog-api-key",
            "gemini-0123456789",
        ),
        ("/ollama/api/chat", format!("Authorization: Bearer {key}\r\n"), "host", &mock.address().to_string()),
    ] {
        let (response, received) = call(&app, &mock, target, &headers).await;
        assert_ne!(response.status(), 401, "{target}");
        assert_eq!(header(&received, name).as_deref(), Some(value), "{target} {headers}");
        let all = format!("{:?} {}", received.head, received.target());
        assert!(!all.contains("lf-my-script"), "the local key stays here: {all}");
    }
    let recorded = app.recorded(7).await;
    assert!(recorded.iter().all(|call| call.client.as_deref() == Some("my-script")), "{recorded:?}");
    assert!(app.providers().await.local_keys[0].last_used_ms.is_some());
    // A tool that says who it is says more than the key.
    let headers = format!("User-Agent: claude-cli/2.0\r\nx-api-key: {key}\r\n");
    call(&app, &mock, "/anthropic/v1/messages", &headers).await;
    assert_eq!(app.recorded(8).await[0].client.as_deref(), Some("claude-code"));
}

#[tokio::test]
async fn a_local_key_survives_a_restart_and_ends_when_it_is_taken_back() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).variable("OPENAI_API_KEY", KEY).start().await;
    let key = app.local_key("aider").await;
    let twice = app.try_ask(&Request::AddLocalKey { name: "aider".into() }).await.unwrap_err();
    assert_eq!(twice.parameter.as_deref(), Some("name"));
    for name in ["", "a b", "../x", "ä", &"x".repeat(65)] {
        let refused = app.try_ask(&Request::AddLocalKey { name: name.into() }).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::BadRequest, "{name:?}");
    }
    let app = app.stop().setup.start().await;
    let kept = app.providers().await;
    assert!(key.ends_with(&kept.local_keys[0].hint) && kept.local_keys[0].hint.len() == 4);
    let shown = serde_json::to_string(&kept).unwrap();
    assert!(!shown.contains(&key), "a key is told once, to whoever had it made: {shown}");
    let headers = format!("Authorization: Bearer {key}\r\n");
    let (response, _) = call(&app, &mock, "/v1/chat/completions", &headers).await;
    assert_eq!(response.status(), 200);

    app.ask(&Request::RemoveLocalKey { name: "aider".into() }).await;
    let gone = app.try_ask(&Request::RemoveLocalKey { name: "aider".into() }).await.unwrap_err();
    assert_eq!(gone.kind, ErrorKind::NotFound);
    mock.take();
    let nobody = "lf-nobody-0123456789".to_owned();
    for (target, key) in [
        ("/v1/chat/completions", &key),
        ("/anthropic/v1/messages", &key),
        ("/gemini/v1beta/m:x", &nobody),
        ("/cohere/v2/chat", &nobody),
    ] {
        for headers in [format!("Authorization: Bearer {key}\r\n"), format!("x-api-key: {key}\r\n")] {
            let refused = send(app.proxy, &request("POST", target, &headers, b"{}")).await;
            assert_eq!(refused.status(), 401, "{target}");
            let body: serde_json::Value = serde_json::from_slice(&refused.body).unwrap();
            let message =
                if target.starts_with("/cohere") { &body["message"] } else { &body["error"]["message"] };
            let message = message.as_str().unwrap_or_else(|| panic!("{target}: {body}"));
            assert!(message.contains("Providers page") && !message.contains(key.as_str()), "{message}");
            assert_eq!(body["type"] == "error", target.starts_with("/anthropic"), "the provider's shape");
        }
    }
    assert!(mock.exchanges().is_empty(), "nothing was forwarded");
    assert_eq!(app.recorded(1).await.len(), 1);
}

#[tokio::test]
async fn a_local_key_for_a_provider_without_a_key_names_the_remedy() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let key = app.local_key("aider").await;
    let headers = format!("x-api-key: {key}\r\n");
    let refused = send(app.proxy, &request("POST", "/anthropic/v1/messages", &headers, b"{}")).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.text().contains("ANTHROPIC_API_KEY"), "{}", refused.text());
    assert!(mock.exchanges().is_empty());
}

#[tokio::test]
async fn when_they_are_required_only_their_calls_are_lent_a_key() {
    let mock = Mock::start().await;
    let setup = Setup::new(mock.address()).variable("OPENAI_API_KEY", KEY);
    let app = setup.settings("local_keys_required = true").start().await;
    assert!(app.providers().await.local_keys_required);
    let (_, received) = call(&app, &mock, "/v1/chat/completions", "").await;
    assert_eq!(header(&received, "authorization"), None);
    let key = app.local_key("aider").await;
    let (_, received) = call(&app, &mock, "/v1/chat/completions", &format!("x-api-key: {key}\r\n")).await;
    assert_eq!(header(&received, "authorization").as_deref(), Some(&*format!("Bearer {KEY}")));
    // Switched off again on the Settings page, from the next call on.
    let change = |value: &str| Request::ChangeSetting {
        name: "local_keys_required".into(),
        value: Some(value.into()),
    };
    app.ask(&change("false")).await;
    assert!(!app.providers().await.local_keys_required);
    let (_, received) = call(&app, &mock, "/v1/chat/completions", "").await;
    assert_eq!(header(&received, "authorization").as_deref(), Some(&*format!("Bearer {KEY}")));
}
