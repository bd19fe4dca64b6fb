//! A prompt cache broken on purpose: its call's page names what changed and what that cost, its session's adds it up.

use serde_json::{Value, json};
use tests::{App, Mock, Plan, Tokens, send};

use super::controls::open;
use super::{click, count, expect_dashboard, reads};
use crate::requests::request;

/// One more turn of a conversation with these tools; the provider reports what it read and wrote.
async fn turn(mock: &Mock, app: &App, number: usize, tools: &[&str], [cache_read, cache_write_5m]: [u64; 2]) {
    let tokens = Tokens { input: 3, cache_read, cache_write_5m, cache_write_1h: 0, output: 10, reasoning: 0 };
    mock.follow(Plan { text: "Well.".into(), thinking: String::new(), tokens, ..Plan::default() });
    let mut messages: Vec<Value> = Vec::new();
    for question in 0..=number {
        let mut said = json!({"type": "text", "text": format!("Question {question}")});
        if question == number {
            said["cache_control"] = json!({"type": "ephemeral"});
        } else if question > 0 {
            messages.push(json!({"role": "assistant", "content": "Well."}));
        }
        if question == number && number > 0 {
            messages.push(json!({"role": "assistant", "content": "Well."}));
        }
        messages.push(json!({"role": "user", "content": [said]}));
    }
    let tools: Vec<Value> =
        tools.iter().map(|name| json!({"name": name, "input_schema": {"type": "object"}})).collect();
    let body = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 9, "tools": tools,
        "system": [{"type": "text", "text": "Be brief."}], "messages": messages,
    });
    let headers = "Content-Type: application/json\r\nX-LLMFlow-Session: broken\r\n";
    let sent = request("POST", "/anthropic/v1/messages", headers, body.to_string().as_bytes());
    assert_eq!(send(app.proxy, &sent).await.status(), 200);
    app.recorded(number + 1).await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_broken_prefix_is_named_with_what_it_cost() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    turn(&mock, &app, 0, &["Read"], [0, 5_000]).await;
    turn(&mock, &app, 1, &["Read"], [5_000, 500]).await;
    turn(&mock, &app, 2, &["Read", "Edit"], [0, 5_900]).await;
    let last = app.recorded(3).await.remove(0);
    let browser = open(&app, &format!("/traces/{}", last.id)).await;
    let page = &browser.page;
    reads(page, "cache-cause", "Tools changed").await;
    reads(page, "cache-change", "tools[1] Edit").await;
    // 5,500 written again at $3.75 instead of read at $0.30 a million.
    reads(page, "cache-lost", "5,500 tokens, $0.0190").await;
    let context = reads(page, "call-context", "System prompt").await;
    assert!(context.contains("Tools") && context.contains("Newest user message"), "{context}");
    click(page, "cache-previous").await;
    reads(page, "cache-cause", "Cache hit").await;
    assert_eq!(count(page, "cache-lost").await, 0, "nothing was lost there");

    click(page, "session-link").await;
    reads(page, "session-cache-lost", "$0.0190").await;
    assert_eq!(count(page, "session-cache-break").await, 0, "breaks are shown when they are asked for");
    click(page, "session-cache-open").await;
    let broke = reads(page, "session-cache-break", "Tools changed").await;
    assert!(broke.contains("tools[1] Edit") && broke.contains("$0.0190"), "{broke}");
    assert_eq!(count(page, "session-cache-break").await, 1);
    browser.finish().await;
}
