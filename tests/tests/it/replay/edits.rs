//! Another body, model or provider.

use tests::Dialect;

use super::*;
use crate::requests::{ask, body};

async fn sent(mock: &Mock) -> Received {
    mock.ended(1).await.remove(0).received
}

#[tokio::test]
async fn a_body_a_model_or_both_may_be_others() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let call = chat(&app, "", 1).await;
    for (edits, expected) in [
        (json!({"model": "gpt-4o-mini"}), BODY.replace("gpt-4o", "gpt-4o-mini")),
        (json!({"body": "{\"model\": \"x\", \"n\": 1}"}), "{\"model\": \"x\", \"n\": 1}".to_owned()),
        (json!({"body": {"model": "x"}, "model": "a\"b"}), "{\"model\":\"a\\\"b\"}".to_owned()),
        (json!({"model": ""}), BODY.to_owned()),
    ] {
        mock.take();
        let said = replay(&app, call.id, edits.clone()).await;
        assert_eq!(said["state"], "complete", "{edits}: {said}");
        assert_eq!(String::from_utf8(sent(&mock).await.body).unwrap(), expected, "{edits}");
    }
}

/// A conversation with pictures in it; other questions are never so large.
#[tokio::test]
async fn an_edited_body_may_be_as_large_as_a_recorded_one() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let call = chat(&app, "", 1).await;
    let large = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "\"".repeat(1 << 20)}]})
        .to_string();
    for by_rpc in [false, true] {
        mock.take();
        if by_rpc {
            let edit = json!({"body": large, "model": null, "provider": null});
            let asked = json!({"type": "replay", "with": {"id": call.id, "edit": edit, "until": "ended"}});
            let answer =
                send(app.dashboard, &request("POST", "/api/rpc", JSON, asked.to_string().as_bytes())).await;
            assert_eq!(answer.status(), 200, "{}", answer.text());
        } else {
            assert_eq!(replay(&app, call.id, json!({"body": large})).await["state"], "complete");
        }
        assert!(sent(&mock).await.body == large.as_bytes(), "by rpc: {by_rpc}");
    }
    let asked = json!({"type": "get_stats", "with": {"filter": {"model": "x".repeat(3 << 20)}}});
    let answer = send(app.dashboard, &request("POST", "/api/rpc", JSON, asked.to_string().as_bytes())).await;
    assert_eq!(answer.status(), 413, "{}", answer.text());
    assert!(answer.text().contains("2 MiB"), "{}", answer.text());
}

#[tokio::test]
async fn a_model_in_the_path_may_be_another() {
    let mock = Mock::start().await;
    let app = keyed(&mock).start().await;
    let path =
        "/gemini/v1beta/models/gemini-2.5-flash:generateContent?alt=json&key=AIzaSyOwn0123456789abcdef";
    let asked = body(Dialect::Gemini, false, "Hi").to_string();
    let call = recorded(&app, path, "", &asked, 1).await;
    mock.take();
    let said = replay(&app, call.id, json!({"model": "gemini-2.5-pro"})).await;
    assert_eq!((&said["state"], &said["model"]), (&json!("complete"), &json!("gemini-2.5-pro")), "{said}");
    let received = sent(&mock).await;
    assert_eq!(
        received.target(),
        "/v1beta/models/gemini-2.5-pro:generateContent?alt=json",
        "without its key"
    );
    assert_eq!(received.head.header("x-goog-api-key").as_deref(), Some(KEY));
}

#[tokio::test]
async fn another_provider_takes_the_call_in_its_own_dialect_or_translated() {
    let mock = Mock::start().await;
    let app = keyed(&mock).variable("GROQ_API_KEY", KEY).start().await;
    let asked = body(Dialect::Chat, false, "Hi").to_string();
    let headers = "Authorization: Bearer sk-own-0123456789abcdef\r\nX-Custom: yes\r\n";
    let call = recorded(&app, "/v1/chat/completions", headers, &asked, 1).await;
    for (provider, model, path) in [
        ("groq", "llama-3.3-70b-versatile", "/openai/v1/chat/completions"),
        ("Anthropic", "claude-sonnet-4-5", "/v1/messages"),
        ("gemini", "gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent"),
    ] {
        mock.take();
        let said = replay(&app, call.id, json!({"provider": provider, "model": model})).await;
        assert_eq!(
            (&said["state"], &said["status"]),
            (&json!("complete"), &json!(200)),
            "{provider}: {said}"
        );
        let received = sent(&mock).await;
        assert_eq!(received.path(), path);
        assert_eq!(
            received.head.header("x-custom"),
            None,
            "what was said to one provider is not for another"
        );
        let id: CallId = said["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(app.call(id).await.summary.provider, provider.to_lowercase());
    }
    // A translated call is sent again as its client sent it.
    let translated = recorded(&app, "/anthropic/v1/chat/completions", headers, &asked, 2).await;
    mock.take();
    let said = replay(&app, translated.id, json!({"model": "claude-haiku-4-5"})).await;
    assert_eq!((&said["state"], &said["provider"]), (&json!("complete"), &json!("anthropic")), "{said}");
    let received = sent(&mock).await;
    assert_eq!((received.path(), &received.json()["model"]), ("/v1/messages", &json!("claude-haiku-4-5")));
}

#[tokio::test]
async fn who_does_not_take_a_call_is_refused_by_name() {
    let mock = Mock::start().await;
    let app = keyed(&mock).start().await;
    send(app.proxy, &ask(Dialect::Anthropic, false, "Hi", "x-api-key: sk-ant-api-own-012345\r\n")).await;
    let call = app.recorded(1).await.remove(0);
    let refused = post(&app, call.id, Some(json!({"provider": "gemini"}))).await;
    let said = refused.json();
    assert_eq!((refused.status(), &said["parameter"]), (400, &json!("provider")), "{said}");
    let why = said["error"].as_str().unwrap();
    assert!(
        why.contains("Google Gemini does not take Anthropic's messages") && why.contains("deepseek"),
        "{why}"
    );
    let refused = post(&app, call.id, Some(json!({"provider": "nobody"}))).await.json();
    assert!(refused["error"].as_str().unwrap().contains("anthropic"), "the providers there are: {refused}");
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused_with_words() {
    let mock = Mock::start().await;
    let app = keyed(&mock).start().await;
    send(app.proxy, &ask(Dialect::Chat, false, "Hi", "")).await;
    let call = app.recorded(1).await.remove(0);
    mock.take();
    for (body, why) in [
        (json!([1]), "no JSON object"),
        (json!("[]"), "no JSON object"),
        (json!("\"text\""), "no JSON object"),
        (json!(7), "no JSON object"),
        (json!(true), "no JSON object"),
        (json!("{\"model\":"), "not JSON"),
        (json!("{} {}"), "not JSON"),
        (json!(""), "not JSON"),
    ] {
        for dry_run in [false, true] {
            let refused = post(&app, call.id, Some(json!({"body": body, "dry_run": dry_run}))).await;
            let said = refused.json();
            assert_eq!((refused.status(), &said["parameter"]), (400, &json!("body")), "{body}: {said}");
            assert!(said["error"].as_str().unwrap().contains(why), "{body}: {said}");
        }
    }
    assert!(mock.exchanges().is_empty(), "nothing was sent");
}
