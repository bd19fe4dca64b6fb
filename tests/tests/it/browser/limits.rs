//! Budgets on the Settings page: added, used up, changed and removed; and loops, whose action is chosen there.

use fantoccini::Client;
use serde_json::json;
use tests::{App, Mock, Response, send};

use super::controls::{click_in, field, fill, gone, open};
use super::{click, count, expect_dashboard, reads};
use crate::requests::{JSON, request, thousand_tokens_mock};

async fn chat(app: &App) -> Response {
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]});
    send(app.proxy, &request("POST", "/v1/chat/completions", JSON, body.to_string().as_bytes())).await
}

async fn choose(page: &Client, id: &str, label: &str) {
    field(page, id).await.select_by_label(label).await.unwrap();
}

async fn file(page: &Client) -> String {
    std::fs::read_to_string(reads(page, "settings-file", "").await).unwrap()
}

/// How many budgets a settings file has, beside those its comments speak of.
fn budgets(file: &str) -> usize {
    file.lines().filter(|line| line.trim() == "[[budgets]]").count()
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_budget_is_added_used_up_changed_and_removed() {
    let mock = thousand_tokens_mock().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let browser = open(&app, "/settings").await;
    let page = &browser.page;
    reads(page, "no-budgets", "No budget yet").await;
    click(page, "add-budget").await;
    fill(page, "budget-name", "daily").await;
    fill(page, "budget-usd", "a fortune").await;
    click(page, "save-budget").await;
    reads(page, "refused", "Dollars are written").await;
    fill(page, "budget-usd", "0.005").await;
    choose(page, "budget-then", "refuse calls that cost something").await;
    click(page, "save-budget").await;
    let said = reads(page, "budget", "daily").await;
    assert!(said.contains("all calls, a day") && said.contains("refuses calls"), "{said}");
    gone(page, "budget-form").await;
    let written = file(page).await;
    assert!(budgets(&written) == 1 && written.contains("\"daily\""), "{written}");

    // Two calls use it up, and the third is told so, on the page as in its answer.
    for number in 1..=2 {
        assert_eq!(chat(&app).await.status(), 200);
        app.recorded(number).await;
        reads(page, "budget", if number == 1 { "<$0.01 of $0.005" } else { "used up" }).await;
    }
    let refused = chat(&app).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert!(refused.text().contains("daily"), "it names the budget: {}", refused.text());
    reads(page, "budget-aside", "1 call refused since start").await;
    click(page, "tab-overview").await;
    reads(page, "budget-strip", "Calls that cost something are refused").await;
    click(page, "tab-settings").await;

    click_in(page, "budget", "edit-budget").await;
    fill(page, "budget-usd", "1").await;
    click(page, "save-budget").await;
    reads(page, "budget", "of $1.00").await;
    assert_eq!(chat(&app).await.status(), 200, "there is room again");
    app.recorded(3).await;
    click(page, "tab-overview").await;
    reads(page, "spend-today", "$0.01").await;
    assert_eq!(count(page, "budget-strip").await, 0);
    click(page, "tab-settings").await;

    click_in(page, "budget", "remove-budget").await;
    click_in(page, "budget", "confirm").await;
    reads(page, "no-budgets", "No budget yet").await;
    let written = file(page).await;
    assert_eq!(budgets(&written), 0, "{written}");
    browser.finish().await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn what_happens_to_a_loop_is_chosen() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let browser = open(&app, "/settings").await;
    let page = &browser.page;
    let choices = field(page, "control-loop_action").await;
    assert_eq!(choices.tag_name().await.unwrap(), "div", "nothing is typed there");
    let pressed = async |value: &str| {
        let button = format!("{} [data-value=\"{value}\"]", super::by("control-loop_action"));
        page.find(fantoccini::Locator::Css(&button)).await.unwrap()
    };
    assert_eq!(pressed("warn").await.attr("aria-pressed").await.unwrap().as_deref(), Some("true"));
    pressed("refuse").await.click().await.unwrap();
    reads(page, "setting-loop_action", "set in the file").await;
    assert_eq!(pressed("refuse").await.attr("aria-pressed").await.unwrap().as_deref(), Some("true"));
    assert!(file(page).await.lines().any(|line| line == "loop_action = \"refuse\""), "{}", file(page).await);
    click_in(page, "setting-loop_action", "undo-setting").await;
    reads(page, "setting-loop_action", "default").await;
    browser.finish().await;
}
