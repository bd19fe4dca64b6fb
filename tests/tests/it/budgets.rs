//! Budgets from outside: what is refused and how, what is told, and that they stay true whatever happens to the calls.

mod loops;
mod refusals;
mod true_always;

use api::{BudgetState, BudgetStatus, Budgets, Money, Reply, Request};
use serde_json::{Value, json};
use tests::{App, Mock, Response, send, wait_until};

use crate::requests::{JSON, request, thousand_tokens_mock};

/// What a call of `chat` costs: a thousand tokens in and a hundred out.
const EACH: i64 = 3_500_000_000;

/// A call, with more header lines.
async fn chat(app: &App, model: &str, headers: &str) -> Response {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]});
    let headers = format!("{JSON}{headers}");
    send(app.proxy, &request("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes())).await
}

/// A call that goes through and is recorded as the `count`th.
async fn paid(app: &App, headers: &str, count: usize) {
    let response = chat(app, "gpt-4o", headers).await;
    assert_eq!(response.status(), 200, "{}", response.text());
    app.recorded(count).await;
}

async fn budgets(app: &App) -> Budgets {
    match app.ask(&Request::GetBudgets).await {
        Reply::Budgets(all) => *all,
        other => panic!("{other:?}"),
    }
}

/// Waits until the first budget of this name counts so many calls and so much.
async fn counts(app: &App, name: &str, calls: u64, cost: i64) -> BudgetStatus {
    wait_until(&format!("{name} to count {calls} calls"), async || {
        let status = budgets(app).await.budgets.into_iter().find(|status| status.budget.name == name)?;
        let spent = status.uses.first()?.spent;
        (spent.calls == calls && spent.cost == Money::from_pico(cost)).then_some(status)
    })
    .await
}

async fn put(app: &App, name: &str, budget: Value) -> Response {
    let sent = request("PUT", &format!("/api/budgets/{name}"), JSON, budget.to_string().as_bytes());
    send(app.dashboard, &sent).await
}

fn state(all: &Budgets, name: &str) -> BudgetState {
    all.budgets.iter().find(|status| status.budget.name == name).unwrap().state
}
