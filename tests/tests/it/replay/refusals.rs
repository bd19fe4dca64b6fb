//! What is not sent again, and why: each names its remedy, and nothing leaves.

use api::SourceTarget;

use super::*;

async fn refused(app: &App, id: impl std::fmt::Display, edits: Option<Value>, status: u16, words: &[&str]) {
    let response = post(app, id, edits).await;
    let said = response.json();
    assert_eq!(response.status(), status, "{said}");
    for word in words {
        assert!(said["error"].as_str().unwrap().contains(word), "{word:?} in {said}");
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    let mock = thousand_tokens_mock().await;
    let app = App::start(mock.address()).await;
    let call = chat(&app, "", 1).await;
    mock.take();
    let words = ["no key for OpenAI", "Providers page", "OPENAI_API_KEY"];
    refused(&app, call.id, None, 400, &words).await;
    refused(&app, call.id, Some(json!({"dry_run": true})), 400, &words).await;
    assert!(mock.exchanges().is_empty());
    assert_eq!(app.get("/api/stats").await.json()["replay_count"], 0);
}

#[tokio::test]
async fn keys_for_tools_with_local_keys_alone_are_not_lent() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).settings("local_keys_required = true\n").start().await;
    let call = chat(&app, "", 1).await;
    mock.take();
    refused(&app, call.id, None, 400, &["local_keys_required"]).await;
    assert!(mock.exchanges().is_empty());
}

#[tokio::test]
async fn only_calls_of_models_are_sent_again() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let calls = [
        ("GET", "/v1/models", "the list of models"),
        ("POST", "/anthropic/api/event_logging/batch", "beside its calls of models"),
        ("POST", "/v1/batches", "a batch"),
        ("DELETE", "/v1/files/f-1", "a matter of files"),
        ("POST", "/v1/images/generations", "images"),
        ("POST", "/v1/unheard/of", "none of those"),
    ];
    for (number, (method, path, why)) in calls.into_iter().enumerate() {
        send(app.proxy, &request(method, path, JSON, b"{}")).await;
        let call = app.recorded(number + 1).await.remove(0);
        mock.take();
        refused(&app, call.id, None, 400, &["Only calls that ask a model", why]).await;
        assert!(mock.exchanges().is_empty(), "{path}");
    }
    refused(&app, "0195e0e0-0000-7000-8000-000000000000", None, 404, &["no call"]).await;
    refused(&app, "x", None, 404, &["no call"]).await;
}

#[tokio::test]
async fn edits_that_make_no_sense_are_named() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let call = chat(&app, "", 1).await;
    mock.take();
    for (edits, word) in [
        (json!({"body": "{broken"}), "JSON"),
        (json!({"model": 7}), "a string"),
        (json!({"modle": "x"}), "modle"),
        (json!({"dry_run": "yes"}), "a boolean"),
        (json!([1]), "cannot be read"),
        (json!({"body": {"n": 1}, "model": "x"}), "names no model"),
    ] {
        let response = post(&app, call.id, Some(edits.clone())).await;
        assert_eq!(response.status(), 400, "{edits}: {}", response.text());
        assert!(response.text().contains(word), "{edits}: {}", response.text());
    }
    let path = format!("/api/traces/{}/replay", call.id);
    let form = request("POST", &path, "Content-Type: text/plain\r\n", b"{}");
    assert_eq!(send(app.dashboard, &form).await.status(), 415);
    let deep = "[".repeat(100_000);
    assert_eq!(send(app.dashboard, &request("POST", &path, JSON, deep.as_bytes())).await.status(), 400);
    let deep = json!({"body": deep});
    assert_eq!(post(&app, call.id, Some(deep)).await.status(), 400);
    assert!(mock.exchanges().is_empty());
}

/// A body of which a credential was cut out, or that was not kept whole, is sent only as somebody writes it anew.
#[tokio::test]
async fn a_body_that_is_not_whole_is_not_sent() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).settings("max_body_mb = 1\n").start().await;
    let own = "sk-own-0123456789abcdef";
    let headers = format!("Authorization: Bearer {own}\r\n");
    let body =
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": format!("my key is {own}")}]});
    let call = recorded(&app, "/v1/chat/completions", &headers, &body.to_string(), 1).await;
    mock.take();
    refused(&app, call.id, None, 400, &["a credential", "Give an edited body"]).await;
    let large = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x".repeat(2 << 20)}]});
    let cut = recorded(&app, "/v1/chat/completions", &headers, &large.to_string(), 2).await;
    mock.take();
    refused(&app, cut.id, None, 400, &["only its first", "max_body_mb"]).await;
    assert!(mock.exchanges().is_empty());
    let said = replay(&app, call.id, json!({"body": {"model": "gpt-4o", "messages": []}})).await;
    assert_eq!(said["state"], "complete");
}

#[tokio::test]
async fn a_dry_run_tells_and_sends_nothing() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let call = chat(&app, "", 1).await;
    mock.take();
    let said = replay(&app, call.id, json!({"dry_run": true, "model": "gpt-4o-mini"})).await;
    assert_eq!((&said["dry_run"], &said["id"], &said["state"]), (&json!(true), &Value::Null, &Value::Null));
    assert_eq!((&said["model"], &said["path"]), (&json!("gpt-4o-mini"), &json!("/v1/chat/completions")));
    assert_eq!(said["estimate_usd"], "0.00021", "what as many tokens cost of that model: {said}");
    assert!(mock.exchanges().is_empty());
    assert_eq!(app.get("/api/traces?replays=true").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn while_nothing_is_recorded_nothing_is_sent() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let call = chat(&app, "", 1).await;
    mock.take();
    let switch = async |to| {
        app.ask(&api::Request::SetSource { name: "proxy".into(), to }).await;
    };
    switch(SourceTarget::Paused).await;
    refused(&app, call.id, None, 503, &["Recording is paused"]).await;
    switch(SourceTarget::Stopped).await;
    refused(&app, call.id, None, 503, &["llmflow proxy on"]).await;
    assert!(mock.exchanges().is_empty());
    switch(SourceTarget::Running).await;
    assert_eq!(replay(&app, call.id, json!({})).await["state"], "complete");
}
