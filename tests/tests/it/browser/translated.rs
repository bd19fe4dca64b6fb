//! A translated call on the Trace page: each side as it was.

use tests::{App, Mock, send};

use super::controls::open;
use super::{click, expect_dashboard, reads};
use crate::requests::request;

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_translated_call_is_shown_from_either_side() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let body = br#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Go"}],"max_completion_tokens":77}"#;
    let asked = request("POST", "/anthropic/v1/chat/completions", "Content-Type: application/json\r\n", body);
    assert_eq!(send(app.proxy, &asked).await.status(), 200);
    let call = app.recorded(1).await.remove(0);
    let browser = open(&app, &format!("/traces/{}", call.id)).await;
    let page = &browser.page;
    click(page, "trace-tab-request").await;
    reads(page, "trace-request", "POST /anthropic/v1/chat/completions").await;
    reads(page, "trace-request", "max_completion_tokens").await;
    click(page, "side-provider").await;
    reads(page, "trace-request", "POST /v1/messages").await;
    reads(page, "trace-request", "max_tokens").await;
    click(page, "trace-tab-response").await;
    reads(page, "trace-response", "chat.completion").await;
    click(page, "side-provider").await;
    reads(page, "trace-response", "end_turn").await;
}
