//! The Models page: a model without a price is given one, and its calls are priced again.

use api::Money;
use fantoccini::{Client, Locator};
use serde_json::json;
use tests::{App, send, wait_until};

use super::controls::{click_in, gone, open};
use super::{by, click, expect_dashboard, reads};
use crate::requests::{JSON, request, thousand_tokens_mock};

async fn price(page: &Client, name: &str, dollars: &str) {
    let place = format!("{}[data-name=\"{name}\"]", by("own-rate"));
    let field = wait_until("the field of a price", async || page.find(Locator::Css(&place)).await.ok()).await;
    field.send_keys(dollars).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_price_of_ones_own_is_set_and_calls_are_priced_again() {
    let mock = thousand_tokens_mock().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    for (number, model) in ["gpt-4o", "house-model"].into_iter().enumerate() {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]});
        let sent = request("POST", "/v1/chat/completions", JSON, body.to_string().as_bytes());
        assert_eq!(send(app.proxy, &sent).await.status(), 200);
        app.recorded(number + 1).await;
    }
    let browser = open(&app, "/models").await;
    let page = &browser.page;
    reads(page, "models-summary", "2 models, 1 with calls of unknown cost").await;
    // What has no price stands first.
    let row = reads(page, "model-row", "house-model").await;
    assert!(row.contains("unknown") && row.contains("none"), "{row}");
    click(page, "model-row").await;
    reads(page, "no-price", "A price is never guessed").await;

    price(page, "input_cost_per_token", "2").await;
    price(page, "output_cost_per_token", "10").await;
    click(page, "own-save").await;
    reads(page, "own-saved", "recorded ones keep theirs").await;
    reads(page, "own-price", "Input $2").await;
    reads(page, "price-origin", "your own").await;
    let unpriced = app.recorded(2).await.into_iter().filter(|call| call.cost.is_none()).count();
    assert_eq!(unpriced, 1, "a price alone changes no recorded call");
    click(page, "reprice-model").await;
    reads(page, "audit-row", "1 newly priced").await;
    // 1,000 at $2 and 100 at $10 a million.
    reads(page, "model-pane", "$0.0030").await;
    let calls = app.recorded(2).await;
    let house = calls.iter().find(|call| call.model.as_deref() == Some("house-model")).unwrap();
    assert_eq!(house.cost, Money::from_decimal("0.003"));
    reads(page, "models-summary", "2 models · ").await;

    // Taken away again, the calls keep what they cost.
    click_in(page, "own-price", "own-remove").await;
    click_in(page, "own-price", "confirm").await;
    gone(page, "own-price").await;
    reads(page, "no-price", "A price is never guessed").await;
    reads(page, "model-pane", "$0.0030").await;
    browser.finish().await;
}
