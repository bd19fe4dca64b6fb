//! What is counted stays true: over a restart, when settings change, when calls are priced again or deleted, and when
//! the store cannot be read.

use api::{Erase, Event, OwnPrice, PriceRate, RepriceScope};
use sqlx::{Connection, SqliteConnection};
use tests::{Client, Dialect, Setup};

use crate::requests::ask;

use super::*;

const WARN: &str = "# Mine.\n[[budgets]]\nname = 'daily' # small\nusd = '0.004'\n";

#[tokio::test]
async fn near_and_over_are_told_once_and_only_refusing_refuses() {
    let mock = thousand_tokens_mock().await;
    let app = Setup::new(mock.address()).settings(WARN).start().await;
    let mut events = Client::open(app.dashboard, &request("GET", "/api/events", "", b"")).await;
    events.head().await.unwrap();
    paid(&app, "", 1).await;
    assert_eq!(counts(&app, "daily", 1, EACH).await.state, BudgetState::Near, "87 %");
    paid(&app, "", 2).await;
    assert_eq!(counts(&app, "daily", 2, 2 * EACH).await.state, BudgetState::Over);
    paid(&app, "", 3).await;
    counts(&app, "daily", 3, 3 * EACH).await;
    let mut told = String::new();
    // What comes after everything that is told of budgets.
    let mark = request("PUT", "/api/settings/close_to_tray", JSON, br#"{"value":"false"}"#);
    assert_eq!(send(app.dashboard, &mark).await.status(), 200);
    while !told.contains("settings_changed") {
        told.push_str(&String::from_utf8_lossy(&events.piece().await.unwrap().unwrap()));
    }
    let alerts: Vec<Event> = told
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok())
        .filter(|event| matches!(event, Event::Alert { .. }))
        .collect();
    let titles: Vec<&str> = alerts
        .iter()
        .map(|event| match event {
            Event::Alert { title, notify, .. } => {
                assert!(!notify, "it only warns");
                title.as_str()
            }
            _ => "",
        })
        .collect();
    assert_eq!(titles, ["Budget \"daily\" is nearly used up", "Budget \"daily\" is used up"]);
    assert!(app.log().contains("is used up: $0.007 of $0.004 spent today."), "{}", app.log());
}

#[tokio::test]
async fn a_change_of_settings_holds_at_once_and_a_restart_keeps_what_was_spent() {
    let mock = thousand_tokens_mock().await;
    let app = Setup::new(mock.address()).settings(WARN).start().await;
    paid(&app, "", 1).await;
    paid(&app, "", 2).await;
    counts(&app, "daily", 2, 2 * EACH).await;
    assert_eq!(chat(&app, "gpt-4o", "").await.status(), 200, "a warning is no refusal");
    app.recorded(3).await;
    counts(&app, "daily", 3, 3 * EACH).await;
    let wanted = json!({"per": "day", "usd": "0.004", "then": "refuse"});
    let set = put(&app, "daily", wanted).await;
    assert_eq!((set.status(), &set.json()["budgets"][0]["state"]), (200, &json!("over")), "{}", set.text());
    assert_eq!(chat(&app, "gpt-4o", "").await.status(), 429, "it holds when it is answered");
    let file = std::fs::read_to_string(app.home().join("settings.toml")).unwrap();
    assert!(file.starts_with("# Mine.\n[[budgets]]\nname = \"daily\" # small\nusd = \"0.004\"\n"), "{file}");
    assert!(file.contains("then = \"refuse\""), "{file}");

    let finished = app.stop();
    assert!(finished.status.success(), "{}", finished.stderr);
    let app = finished.setup.settings(&file).start().await;
    assert_eq!(chat(&app, "gpt-4o", "").await.status(), 429, "from the first call on");
    let all = budgets(&app).await;
    assert_eq!(all.budgets[0].uses[0].spent.cost, Money::from_pico(3 * EACH));

    let raised = put(&app, "daily", json!({"usd": 1.5, "then": "refuse"})).await;
    assert_eq!(raised.json()["budgets"][0]["uses"][0]["left_usd"], "1.4895");
    paid(&app, "", 4).await;
    for (budget, word) in [
        (json!({"usd": "much"}), "12.50"),
        (json!({"usd": -1}), "12.50"),
        (json!({"then": "refuse"}), "usd, tokens or both"),
        (json!({"usd": 1, "only": "x"}), "only goes with"),
        (json!({"usd": 1, "per": "year"}), "year"),
        (json!({"usd": 1, "name": "x\ny"}), "one line"),
    ] {
        let refused = put(&app, "daily", budget.clone()).await;
        assert!(refused.status() == 400 && refused.text().contains(word), "{budget}: {}", refused.text());
    }
    let gone = send(app.dashboard, &request("DELETE", "/api/budgets/daily", "", b"")).await;
    assert_eq!((gone.status(), gone.json()["budgets"].as_array().unwrap().len()), (200, 0));
    let gone = send(app.dashboard, &request("DELETE", "/api/budgets/daily", "", b"")).await;
    assert_eq!(gone.status(), 404);
}

#[tokio::test]
async fn pricing_again_and_deleting_change_what_is_spent() {
    let mock = thousand_tokens_mock().await;
    let settings = "[[budgets]]\nname = 'daily'\nusd = '0.01'\nthen = 'refuse'\n";
    let app = Setup::new(mock.address()).settings(settings).start().await;
    assert_eq!(chat(&app, "house-model", "").await.status(), 200);
    let calls = app.recorded(1).await;
    let unpriced = counts(&app, "daily", 1, 0).await;
    assert_eq!(unpriced.uses[0].spent.unpriced, 1, "what has no price is said");
    let rate = |name: &str, each: &str| PriceRate { name: name.into(), each: each.into(), of_tokens: true };
    let rates = vec![rate("input_cost_per_token", "10"), rate("output_cost_per_token", "100")];
    let price = OwnPrice { model: "openai/house-model".into(), rates, ..OwnPrice::default() };
    app.ask(&Request::SetPrice { price }).await;
    app.ask(&Request::Reprice { scope: RepriceScope::default(), dry_run: false, by: "a test".into() }).await;
    let over = counts(&app, "daily", 1, 20_000_000_000).await;
    assert_eq!(over.state, BudgetState::Over);
    assert_eq!(chat(&app, "gpt-4o", "").await.status(), 429);
    app.ask(&Request::Erase { what: Erase::Call(calls[0].id) }).await;
    counts(&app, "daily", 0, 0).await;
    assert_eq!(chat(&app, "gpt-4o", "").await.status(), 200);
}

#[tokio::test]
async fn what_a_subscription_pays_for_counts_apart() {
    let mock = Mock::start().await;
    let settings = "[[budgets]]\nname = 'spent'\nusd = '0.000001'\ntokens = 1\nthen = 'refuse'\n\
                    [[budgets]]\nname = 'worth'\nusd = '0.000001'\nsubscription = true\n";
    let app = Setup::new(mock.address()).settings(settings).start().await;
    let plan = "anthropic-beta: oauth-2025-04-20\r\nAuthorization: Bearer sk-ant-oat01-x\r\n";
    assert_eq!(send(app.proxy, &ask(Dialect::Anthropic, false, "Hi", plan)).await.status(), 200);
    app.recorded(1).await;
    let apart = counts(&app, "spent", 1, 0).await;
    assert!(apart.uses[0].spent.equivalent > Money::ZERO && apart.uses[0].spent.tokens > 1);
    assert_eq!((apart.state, apart.uses[0].left_tokens), (BudgetState::Under, Some(1)));
    assert_eq!(counts(&app, "worth", 1, 0).await.state, BudgetState::Over);
    // Now a call that is paid for uses it up, and the subscription's still goes through.
    assert_eq!(
        send(app.proxy, &ask(Dialect::Anthropic, false, "Hi", "x-api-key: k\r\n")).await.status(),
        200
    );
    app.recorded(2).await;
    wait_until("the budget to be used up", async || {
        (state(&budgets(&app).await, "spent") == BudgetState::Over).then_some(())
    })
    .await;
    assert_eq!(
        send(app.proxy, &ask(Dialect::Anthropic, false, "Hi", "x-api-key: k\r\n")).await.status(),
        429
    );
    assert_eq!(send(app.proxy, &ask(Dialect::Anthropic, false, "Hi", plan)).await.status(), 200);
}

#[tokio::test]
async fn a_budget_that_cannot_be_read_refuses_nothing() {
    let mock = thousand_tokens_mock().await;
    let settings = "[[budgets]]\nname = 'none'\nusd = 0\nthen = 'refuse'\n";
    let app = Setup::new(mock.address()).settings(settings).start().await;
    assert_eq!(chat(&app, "gpt-4o", "").await.status(), 429);
    let address = format!("sqlite://{}", app.data().join("data.db").display());
    let mut other = SqliteConnection::connect(&address).await.unwrap();
    sqlx::query("ALTER TABLE rollup RENAME TO hidden").execute(&mut other).await.unwrap();
    // Whatever wakes it has it look.
    let set = put(&app, "more", json!({"usd": 1})).await;
    assert_eq!(set.json()["budgets"][0]["state"], "unknown", "{}", set.text());
    assert!(set.json()["budgets"][0]["problem"].as_str().unwrap().contains("Nothing is refused"));
    assert_eq!(chat(&app, "gpt-4o", "").await.status(), 200);
    sqlx::query("ALTER TABLE hidden RENAME TO rollup").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    wait_until("it to be known again", async || {
        (state(&budgets(&app).await, "none") == BudgetState::Over).then_some(())
    })
    .await;
    assert_eq!(chat(&app, "gpt-4o", "").await.status(), 429);
}
