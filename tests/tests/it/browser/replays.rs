//! A recorded call sent again from its page: what the form says before, and what stands side by side after.

use api::{CallId, CallSummary, Reply, Request};
use fantoccini::Client;
use fantoccini::key::Key;
use serde_json::json;
use tests::{Answer, App, Mock, Received, Setup, send, wait_until};

use super::controls::{field, fill, gone, open};
use super::{click, count, expect_dashboard, reads};
use crate::requests::request;

/// A thousand tokens in and a hundred out; the model says its name, and the second one calls a tool besides.
fn answer(received: &Received) -> Answer {
    let asked = received.json();
    let model = asked["model"].as_str().unwrap_or_default().to_owned();
    let tool = json!([{"id": "t", "type": "function", "function": {"name": "look", "arguments": "{\"at\":\"Köln\"}"}}]);
    let calls = if model == "gpt-4o" { json!(null) } else { tool };
    let reason = if calls.is_null() { "stop" } else { "tool_calls" };
    let body = json!({
        "id": "c", "object": "chat.completion", "model": model,
        "choices": [{"index": 0, "finish_reason": reason, "message": {
            "role": "assistant", "content": format!("It rains, says {model}."), "tool_calls": calls,
        }}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    });
    Answer::whole(200, "application/json", body.to_string())
}

async fn recorded(app: &App) -> CallSummary {
    let headers = "Content-Type: application/json\r\nAuthorization: Bearer sk-own-0123456789abcdef\r\n";
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "How is the weather?"}]});
    send(app.proxy, &request("POST", "/v1/chat/completions", headers, body.to_string().as_bytes())).await;
    app.recorded(1).await.remove(0)
}

async fn type_model(page: &Client, model: &str) {
    fill(page, "replay-model", model).await;
    field(page, "replay-model").await.send_keys(&Key::Tab.to_string()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_call_is_edited_sent_again_and_compared() {
    let mock = Mock::start().await;
    mock.answer(answer);
    let key = "CaNaRy-stored-0123456789abcdef";
    let app = Setup::new(mock.address()).variable("OPENAI_API_KEY", key).start().await;
    expect_dashboard(&app).await;
    let call = recorded(&app).await;
    mock.take();
    let browser = open(&app, &format!("/traces/{}", call.id)).await;
    let page = &browser.page;
    reads(page, "trace-conversation", "It rains, says gpt-4o.").await;
    assert_eq!(count(page, "trace-tab-compare").await, 0, "it is no replay");
    assert_eq!(count(page, "call-replays").await, 0, "and has none");

    click(page, "replay").await;
    let before = reads(page, "replay-estimate", "about $0.0035").await;
    assert!(before.contains("for gpt-4o;"), "{before}");
    type_model(page, "gpt-4o-mini").await;
    // 1,000 at $0.15 and 100 at $0.60 a million.
    reads(page, "replay-estimate", "for gpt-4o-mini; about $0.0002").await;
    assert!(mock.take().is_empty(), "looking sends nothing");
    let edited = json!({
        "model": "gpt-4o", "temperature": 0.5, "messages": [{"role": "user", "content": "How is the weather in Köln?"}],
    });
    fill(page, "replay-body", &edited.to_string()).await;
    click(page, "replay-send").await;

    let figures = reads(page, "compare-figures", "gpt-4o-mini").await;
    assert!(figures.contains("$0.003500") && figures.contains("$0.000210"), "what each cost: {figures}");
    let received = mock.ended(1).await.remove(0).received.json();
    assert_eq!((&received["model"], &received["temperature"]), (&json!("gpt-4o-mini"), &json!(0.5)));
    let answers = reads(page, "answers", "says gpt-4o.").await;
    assert!(answers.contains("says gpt-4o-mini."), "{answers}");
    reads(page, "answer-diff", "tools[0]").await;
    reads(page, "stopped-at-tools", "LLMFlow runs none").await;
    let asked = reads(page, "request-diff", "temperature").await;
    assert!(asked.contains("messages[0].content") && asked.contains("model"), "{asked}");

    // From the recorded call a list leads to what became of it.
    click(page, "replay-of").await;
    reads(page, "trace-conversation", "It rains, says gpt-4o.").await;
    let row = reads(page, "replay-row", "gpt-4o-mini").await;
    assert!(row.contains("$0.0002"), "{row}");
    click(page, "replay-row").await;
    reads(page, "compare-figures", "Replay").await;
    assert!(!page.current_url().await.unwrap().path().contains(&call.id.to_string()));
    let Reply::Stats(stats) = app.ask(&Request::GetStats { filter: api::CallFilter::default() }).await else {
        panic!("another answer")
    };
    assert_eq!(stats.calls, 1, "a replay stands in no other total");
    browser.finish_after_early_questions().await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn without_a_key_the_form_names_the_remedy_and_nothing_is_sent() {
    let mock = Mock::start().await;
    mock.answer(answer);
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let call = recorded(&app).await;
    mock.take();
    let browser = open(&app, &format!("/traces/{}", call.id)).await;
    let page = &browser.page;
    click(page, "replay").await;
    let told = reads(page, "replay-trouble", "no key for OpenAI").await;
    assert!(
        told.contains("Providers page") && told.contains("OPENAI_API_KEY"),
        "it names the remedy: {told}"
    );
    click(page, "replay-send").await;
    reads(page, "refused", "no key for OpenAI").await;
    // Escape closes the form, and leaves the page as it is.
    field(page, "replay-model").await.send_keys(&Key::Escape.to_string()).await.unwrap();
    gone(page, "replay-form").await;
    reads(page, "trace-conversation", "It rains").await;
    assert!(mock.take().is_empty(), "nothing was sent");
    let path = page.current_url().await.unwrap().path().to_owned();
    let shown: CallId = path.rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(shown, call.id);
    wait_until("no replay", async || (count(page, "call-replays").await == 0).then_some(())).await;
    browser.finish_after_refusals(2).await;
}
