//! Prices from outside: an unknown model, a price of one's own, newer tables, calls priced again, subscriptions.

use api::{
    CostSource, Models, OwnPrice, PriceOrigin, PriceRate, PriceRefresh, Reply, RepriceScope, Repricing,
    RepricingState, Request,
};
use serde_json::{Value, json};
use tests::{App, Setup, send, wait_until};

use crate::requests::{JSON, request, thousand_tokens_mock};

async fn call(app: &App, model: &str, headers: &str) {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]});
    let headers = format!("{JSON}{headers}");
    let sent = request("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes());
    assert_eq!(send(app.proxy, &sent).await.status(), 200);
}

async fn models(app: &App) -> Models {
    match app.ask(&Request::GetModels { from_ms: None }).await {
        Reply::Models(models) => *models,
        other => panic!("{other:?}"),
    }
}

fn rate(name: &str, each: &str) -> PriceRate {
    PriceRate { name: name.into(), each: each.into(), of_tokens: true }
}

async fn refresh(app: &App, from: &str) -> Result<PriceRefresh, api::ApiError> {
    let request = Request::RefreshPrices { from: Some(from.into()), valid_from: None, dry_run: false };
    app.try_ask(&request).await.map(|reply| match reply {
        Reply::PriceRefresh(refresh) => *refresh,
        other => panic!("{other:?}"),
    })
}

/// Prices calls again, and waits for the end.
async fn reprice(app: &App, dry_run: bool) -> Repricing {
    let request = Request::Reprice { scope: RepriceScope::default(), dry_run, by: "a test".into() };
    let Reply::Repricing(begun) = app.ask(&request).await else { panic!("another answer") };
    wait_until("calls are priced again", async || {
        let Reply::Repricings(all) = app.ask(&Request::GetRepricings).await else { panic!("another answer") };
        let mine = all.into_iter().find(|run| run.id == begun.id && run.at_ms == begun.at_ms)?;
        (mine.state != RepricingState::Running).then_some(mine)
    })
    .await
}

async fn spent(app: &App) -> f64 {
    let stats: Value = app.get("/api/stats").await.json();
    stats["total_cost"].as_f64().unwrap()
}

#[tokio::test]
async fn an_unknown_model_is_counted_given_a_price_and_priced_again() {
    let mock = thousand_tokens_mock().await;
    let app = App::start(mock.address()).await;
    call(&app, "house-model", "").await;
    call(&app, "gpt-4o", "").await;
    let calls = app.recorded(2).await;
    assert_eq!(calls.iter().filter(|call| call.cost.is_none()).count(), 1);
    let shown = models(&app).await;
    let first = &shown.models[0];
    assert_eq!((first.model.as_deref(), first.unpriced, &first.price), (Some("house-model"), 1, &None));
    let known = shown.models.iter().find(|used| used.model.as_deref() == Some("gpt-4o")).unwrap();
    let row = known.price.as_ref().unwrap();
    assert_eq!(
        (row.key.as_str(), row.matched.as_str(), row.origin),
        ("gpt-4o", "exact", PriceOrigin::BuiltIn)
    );
    let before = spent(&app).await;
    // Two dollars a million in, ten out.
    let rates = vec![rate("input_cost_per_token", "2"), rate("output_cost_per_token", "10")];
    let price = OwnPrice { model: "openai/house-model".into(), rates, ..OwnPrice::default() };
    let Reply::PriceTables(tables) = app.ask(&Request::SetPrice { price }).await else {
        panic!("another answer")
    };
    assert_eq!(tables.own.len(), 1);
    let looked = reprice(&app, true).await;
    assert_eq!((looked.looked, looked.changed, looked.newly_priced), (2, 1, 1));
    assert!((spent(&app).await - before).abs() < 1e-15, "looking changes nothing");
    let run = reprice(&app, false).await;
    assert_eq!((run.state, run.changed, run.newly_priced, run.left), (RepricingState::Done, 1, 1, 0));
    assert_eq!(run.after.pico() - run.before.pico(), 1_000 * 2_000_000 + 100 * 10_000_000);
    assert!((spent(&app).await - before - 0.003).abs() < 1e-12, "the sums follow");
    let repriced = app.calls().await.into_iter().find(|call| call.model.as_deref() == Some("house-model"));
    let detail = app.call(repriced.unwrap().id).await;
    assert_eq!(detail.summary.cost, detail.cost.total);
    assert_eq!((detail.cost.origin, detail.cost.source), (Some(PriceOrigin::Own), CostSource::Computed));
    assert_eq!(detail.cost.price_key.as_deref(), Some("openai/house-model"));
    let again = reprice(&app, false).await;
    assert_eq!((again.looked, again.changed), (2, 0), "nothing changes twice");
    let audit = models(&app).await.repricings;
    assert_eq!(audit.iter().filter(|run| !run.dry_run).count(), 2);
    assert!(audit.iter().all(|run| run.by == "a test" && run.version.contains("1 own price")));
    // The seed's names.
    let rows: Value = app.get("/api/models").await.json();
    let house = rows.as_array().unwrap().iter().find(|row| row["model"] == "house-model").unwrap();
    assert_eq!((&house["request_count"], &house["total_tokens"]), (&json!(1), &json!(1100)));
    assert_eq!((&house["prompt_tokens"], &house["completion_tokens"]), (&json!(1000), &json!(100)));
    assert!((house["total_cost"].as_f64().unwrap() - 0.003).abs() < 1e-12);
    let names: Value = app.get("/api/models?names=true").await.json();
    assert_eq!(names, json!(["gpt-4o", "house-model"]));
}

#[tokio::test]
async fn newer_tables_are_taken_in_and_broken_ones_refused() {
    let mock = thousand_tokens_mock().await;
    let setup = Setup::new(mock.address());
    let table = setup.home().join("table.json");
    let app = setup.start().await;
    for broken in ["", "<html>busy</html>", "{}", r#"{"m": {"input_cost_per_token": -1}}"#, "[1, 2]"] {
        std::fs::write(&table, broken).unwrap();
        let refused = refresh(&app, &table.display().to_string()).await.unwrap_err();
        assert!(refused.error.contains("stay as they were"), "{}", refused.error);
    }
    assert!(refresh(&app, "table.json").await.is_err(), "a path is whole");
    assert!(refresh(&app, "http://example.com/table.json").await.is_err(), "nothing is fetched in clear");
    call(&app, "brand-new", "").await;
    app.recorded(1).await;
    std::fs::write(&table, r#"{"brand-new": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}}"#)
        .unwrap();
    let taken = refresh(&app, &table.display().to_string()).await.unwrap();
    assert_eq!((taken.models, taken.new, taken.changed), (1, 1, 0));
    assert_eq!(app.calls().await[0].cost, None, "recorded calls keep their cost");
    call(&app, "brand-new", "").await;
    let calls = app.recorded(2).await;
    assert_eq!(calls[0].cost.map(api::Money::pico), Some(1_000 * 1_000_000 + 100 * 2_000_000));
    let run = reprice(&app, false).await;
    assert_eq!((run.looked, run.newly_priced), (2, 1));
    assert_eq!(models(&app).await.tables.refreshes.len(), 1);
}

#[tokio::test]
async fn what_a_subscription_pays_for_is_not_spent() {
    let mock = thousand_tokens_mock().await;
    let app = App::start(mock.address()).await;
    call(&app, "gpt-4o", "anthropic-beta: oauth-2025-04-20\r\n").await;
    let calls = app.recorded(1).await;
    assert_eq!(
        (calls[0].cost_source, calls[0].cost.map(api::Money::pico)),
        (CostSource::Subscription, Some(0))
    );
    // 1,000 in at $2.50 and 100 out at $10 a million.
    assert_eq!(calls[0].equivalent.map(api::Money::pico), Some(3_500_000_000));
    assert!(spent(&app).await.abs() < 1e-15);
    let used = &models(&app).await.models[0];
    assert_eq!((used.subscription, used.equivalent.pico(), used.cost.pico()), (1, 3_500_000_000, 0));
}
