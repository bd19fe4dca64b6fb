//! A replay's spend: in no total but its own and the budgets', to the pico-dollar, and no client can put its own there.

use api::{CallFilter, Money, Page, Reply, Request};

use super::*;

async fn stats(app: &App, query: &str) -> Value {
    app.get(&format!("/api/stats{query}")).await.json()
}

#[tokio::test]
async fn replays_are_in_no_list_and_no_total_unless_asked_for() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let session = "X-Claude-Code-Session-Id: s-1\r\n";
    let call = chat(&app, session, 1).await;
    let before = stats(&app, "").await;
    for count in 1..=3 {
        let said = replay(&app, call.id, json!({})).await;
        assert_eq!(said["cost_usd"], EACH, "{count}: {said}");
    }
    let after = stats(&app, "").await;
    for sum in ["total_requests", "total_tokens", "total_cost", "models", "usage", "total_duration"] {
        assert_eq!(after[sum], before[sum], "{sum}");
    }
    assert_eq!((&before["replay_count"], &before["replay_cost_usd"]), (&json!(0), &json!("0")));
    assert_eq!((&after["replay_count"], &after["replay_cost_usd"]), (&json!(3), &json!("0.0105")));
    assert_eq!(stats(&app, "?model=gpt-4o").await["replay_cost_usd"], "0.0105");
    assert_eq!(stats(&app, "?model=other").await["replay_count"], 0);
    let asked_for = stats(&app, "?replays=true").await;
    assert_eq!((&asked_for["total_requests"], &asked_for["replay_count"]), (&json!(4), &json!(3)));
    let count =
        async |query: &str| app.get(&format!("/api/traces{query}")).await.json().as_array().unwrap().len();
    assert_eq!((count("").await, count("?replays=true").await), (1, 4));
    assert_eq!(count(&format!("?replay_of={}", call.id)).await, 3);
    assert_eq!(count(&format!("?replay_of={}", uuid(7))).await, 0);
    assert_eq!(app.get("/api/traces?replays=yes").await.json()["parameter"], "replays");
    let sessions = app.get("/api/sessions").await.json();
    for session in sessions["sessions"].as_array().unwrap() {
        assert_eq!(session["trace_count"], 1, "{sessions}");
    }
    let models = app.get("/api/models").await.json();
    assert!(models.to_string().contains("gpt-4o") && !models.to_string().contains("\"calls\":4"), "{models}");
    // The completeness meter knows every call that went through.
    let bounds_ms = vec![call.started_ms - 3_600_000, call.started_ms + 3_600_000];
    let Reply::Meter(meter) = app.ask(&Request::GetMeter { bounds_ms: bounds_ms.clone() }).await else {
        panic!()
    };
    let seen: u64 = meter.tools.iter().flat_map(|tool| &tool.points).map(|point| point.count.seen).sum();
    assert_eq!(seen, 4);
    let Reply::Overview(overview) = app.ask(&Request::GetOverview { bounds_ms }).await else { panic!() };
    assert_eq!((overview.totals.calls, overview.totals.cost), (1, Money::from_pico(3_500_000_000)));
    assert_eq!((overview.replays.calls, overview.replays.cost), (3, Money::from_pico(10_500_000_000)));
    // The sums stay what the calls add up to.
    let Reply::Rebuilt { wrong, .. } = app.ask(&Request::Rebuild).await else { panic!() };
    assert_eq!(wrong, 0);
    // What is deleted goes with what repeats it.
    let what = api::Erase::Call(call.id);
    let Reply::Erased(erased) = app.ask(&Request::Erase { what }).await else { panic!() };
    assert_eq!(erased.calls, 4);
}

fn uuid(number: u128) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

#[tokio::test]
async fn no_client_can_put_its_spend_apart() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let first = chat(&app, "", 1).await;
    let headers = format!(
        "X-LLMFlow-Replay: {0}\r\nX-LLMFlow-Replay-Of: {0}\r\nX-Replay-Of: {0}\r\nReplay-Of: {0}\r\n",
        first.id
    );
    chat(&app, &headers, 2).await;
    let said = stats(&app, "").await;
    assert_eq!((&said["total_requests"], &said["replay_count"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn budgets_count_replays_and_refuse_them() {
    let mock = thousand_tokens_mock().await;
    let settings = "[[budgets]]\nname = 'all'\nusd = 0.01\nthen = 'refuse'\n\
                    [[budgets]]\nname = 'mine'\nof = 'tag'\nonly = 'a'\nusd = 1\n\
                    [[budgets]]\nname = 'work'\nof = 'project'\nusd = 1\n";
    let app = keyed(&mock).settings(settings).start().await;
    let call = chat(&app, "X-LLMFlow-Tag: a\r\nX-LLMFlow-Project: p\r\n", 1).await;
    replay(&app, call.id, json!({})).await;
    replay(&app, call.id, json!({})).await;
    let spent = tests::wait_until("three calls to be counted", async || {
        let all = app.get("/api/budgets").await.json();
        let budgets = all["budgets"].as_array().unwrap().clone();
        budgets.iter().all(|budget| budget["uses"][0]["calls"] == 3).then_some(budgets)
    })
    .await;
    for budget in &spent {
        assert_eq!(budget["uses"][0]["spent_usd"], "0.0105", "{budget}");
    }
    assert_eq!((&spent[1]["uses"][0]["key"], &spent[2]["uses"][0]["key"]), (&json!("a"), &json!("p")));
    mock.take();
    let refused = post(&app, call.id, Some(json!({}))).await;
    assert_eq!(refused.status(), 403, "{}", refused.text());
    assert!(refused.json()["error"].as_str().unwrap().contains("\"all\""), "{}", refused.text());
    // What is only tried is told so, too, and is no call that was refused.
    let counted = |all: &serde_json::Value| all["budgets"][0]["uses"][0]["refused"].as_u64();
    let before = app.get("/api/budgets").await.json();
    let tried = post(&app, call.id, Some(json!({"dry_run": true}))).await;
    assert_eq!((tried.status(), &tried.json()["error"]), (403, &refused.json()["error"]));
    assert_eq!((counted(&before), counted(&app.get("/api/budgets").await.json())), (Some(1), Some(1)));
    assert!(mock.exchanges().is_empty(), "nothing was sent");
    let filter = CallFilter { replays: true, ..CallFilter::default() };
    let Reply::Calls(found) = app.ask(&Request::ListCalls { filter, page: Page::default() }).await else {
        panic!()
    };
    assert_eq!(found.total, 3, "and nothing recorded");
}
