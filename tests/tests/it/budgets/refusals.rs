//! What is refused: each dialect hears its own error, what costs nothing goes through, and nothing is sent.

use tests::{Dialect, Setup};

use crate::requests::ask;

use super::*;

const DAILY: &str = "[[budgets]]\nname = 'daily'\nper = 'day'\nusd = 0.01\nthen = 'refuse'\n";

#[tokio::test]
async fn a_day_is_used_up_call_by_call_and_then_refused() {
    let mock = thousand_tokens_mock().await;
    let app = Setup::new(mock.address()).settings(DAILY).start().await;
    let before = counts_nothing(&app).await;
    assert!(before.from_ms.unwrap() < before.to_ms.unwrap());
    paid(&app, "", 1).await;
    let one = counts(&app, "daily", 1, EACH).await;
    assert_eq!((one.state, one.uses[0].left), (BudgetState::Under, Some(Money::from_pico(6_500_000_000))));
    paid(&app, "", 2).await;
    assert_eq!(counts(&app, "daily", 2, 2 * EACH).await.state, BudgetState::Under, "70 %");
    paid(&app, "", 3).await;
    let over = counts(&app, "daily", 3, 3 * EACH).await;
    assert_eq!((over.state, over.uses[0].thousandths), (BudgetState::Over, 1_050));
    let refused = chat(&app, "gpt-4o", "").await;
    assert_eq!(refused.status(), 429);
    let said = refused.json();
    let message = said["error"]["message"].as_str().unwrap();
    for words in ["\"daily\"", "$0.0105 of $0.01 spent today", "/settings", "next day begins on"] {
        assert!(message.contains(words), "{words:?} in {message}");
    }
    assert_eq!(mock.exchanges().len(), 3, "nothing was sent");
    assert_eq!(refused.head.header("x-should-retry").as_deref(), Some("false"));
    assert_eq!(refused.head.header("retry-after"), None);
    let shown: Value = app.get("/api/budgets").await.json();
    let shown = &shown["budgets"][0];
    assert_eq!((&shown["usd"], &shown["uses"][0]["spent_usd"]), (&json!("0.01"), &json!("0.0105")));
    assert_eq!((&shown["uses"][0]["left_usd"], &shown["uses"][0]["refused"]), (&json!("0"), &json!(1)));
    // What asks no model for anything goes through, and so does what runs at home.
    assert_eq!(send(app.proxy, &request("GET", "/v1/models", "", b"")).await.status(), 200);
    assert_eq!(send(app.proxy, &ask(Dialect::Ollama, false, "Hi", "")).await.status(), 200);
    // So does what a subscription pays for.
    let plan = "anthropic-beta: oauth-2025-04-20\r\nAuthorization: Bearer sk-ant-oat01-x\r\n";
    assert_eq!(send(app.proxy, &ask(Dialect::Anthropic, false, "Hi", plan)).await.status(), 200);
}

async fn counts_nothing(app: &App) -> BudgetStatus {
    let status = budgets(app).await.budgets.remove(0);
    assert_eq!((status.state, status.uses[0].spent.calls), (BudgetState::Under, 0));
    status
}

#[tokio::test]
async fn every_dialect_hears_its_own_error() {
    let mock = thousand_tokens_mock().await;
    let settings = "[[budgets]]\nname = 'none'\nusd = 0\nthen = 'refuse'\nsubscription = true\n\
                    [[budgets]]\nname = 'no tokens'\ntokens = 0\nthen = 'refuse'\n";
    let mut setup = Setup::new(mock.address()).settings(settings);
    for (name, value) in tests::AWS {
        setup = setup.variable(name, value);
    }
    let app = setup.start().await;
    for dialect in Dialect::ALL {
        for stream in [false, true] {
            let refused = send(app.proxy, &ask(dialect, stream, "Hi", "")).await;
            let (said, status) = (refused.json(), refused.status());
            assert_eq!(status, 429, "{dialect:?}: {said}");
            let message = match dialect {
                Dialect::Chat | Dialect::Responses => {
                    assert_eq!(said["error"]["type"], "insufficient_quota");
                    assert_eq!(said["error"]["code"], "insufficient_quota");
                    assert!(said["error"]["param"].is_null());
                    &said["error"]["message"]
                }
                Dialect::Anthropic => {
                    assert_eq!(
                        (&said["type"], &said["error"]["type"]),
                        (&json!("error"), &json!("rate_limit_error"))
                    );
                    &said["error"]["message"]
                }
                Dialect::Gemini => {
                    assert_eq!(
                        (&said["error"]["code"], &said["error"]["status"]),
                        (&json!(429), &json!("RESOURCE_EXHAUSTED"))
                    );
                    &said["error"]["message"]
                }
                Dialect::Ollama => &said["error"],
                Dialect::Cohere => &said["message"],
                Dialect::Invoke | Dialect::Converse => {
                    assert_eq!(
                        refused.head.header("x-amzn-errortype").as_deref(),
                        Some("ThrottlingException")
                    );
                    &said["message"]
                }
            };
            let message = message.as_str().unwrap();
            let name = if dialect == Dialect::Ollama { "no tokens" } else { "none" };
            assert!(message.contains(&format!("the budget {name:?} is used up")), "{message}");
            assert_eq!(refused.head.header("x-llmflow-error").as_deref(), Some("1"));
            assert_eq!(refused.head.header("content-type").as_deref(), Some("application/json"));
        }
    }
    // Whoever has a call translated hears OpenAI's error, and Ollama's OpenAI surface too; others that speak OpenAI's.
    for target in
        ["/anthropic/v1/chat/completions", "/ollama/v1/chat/completions", "/groq/v1/chat/completions"]
    {
        let body = br#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;
        let refused = send(app.proxy, &request("POST", target, JSON, body)).await;
        assert_eq!(
            (refused.status(), &refused.json()["error"]["code"]),
            (429, &json!("insufficient_quota")),
            "{target}"
        );
    }
    let body = br#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;
    let mistral = send(app.proxy, &request("POST", "/mistral/v1/chat/completions", JSON, body)).await.json();
    assert_eq!((&mistral["object"], &mistral["type"]), (&json!("error"), &json!("rate_limited")));
    let socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let refused = send(app.proxy, &request("GET", "/v1/realtime?model=gpt-realtime", socket, b"")).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert!(mock.exchanges().is_empty(), "nothing was sent");
    assert!(app.calls().await.is_empty());
}

#[tokio::test]
async fn sessions_projects_and_tags_are_refused_each_by_itself() {
    let mock = thousand_tokens_mock().await;
    let settings = "[[budgets]]\nname = 'each session'\nof = 'session'\nper = 'ever'\nusd = '0.003'\nthen = 'refuse'\n\
                    [[budgets]]\nname = 'shop'\nof = 'project'\nonly = 'shop'\nper = 'month'\nusd = '0.007'\nthen = 'refuse'\n\
                    [[budgets]]\nname = 'each tag'\nof = 'tag'\nper = 'week'\ntokens = 1100\nthen = 'refuse'\n";
    let app = Setup::new(mock.address()).settings(settings).start().await;
    paid(&app, "X-LLMFlow-Session: one\r\n", 1).await;
    counts(&app, "each session", 1, EACH).await;
    let refused = chat(&app, "gpt-4o", "X-LLMFlow-Session: one\r\n").await;
    assert_eq!(refused.status(), 429);
    assert!(refused.text().contains("for the session one is used up"), "{}", refused.text());
    // A client may name it in the body.
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "prompt_cache_key": "one"});
    let named = request("POST", "/v1/chat/completions", JSON, body.to_string().as_bytes());
    assert_eq!(send(app.proxy, &named).await.status(), 429);
    let other = body.to_string().replace("\"one\"", "\"two\"");
    let sent = request("POST", "/v1/chat/completions", JSON, other.as_bytes());
    assert_eq!(send(app.proxy, &sent).await.status(), 200);
    let received = &mock.ended(2).await[1].received;
    assert_eq!(received.body, other.as_bytes(), "what was read to know the session goes on as it came");

    paid(&app, "X-LLMFlow-Project: shop\r\n", 3).await;
    paid(&app, "X-LLMFlow-Project: shop\r\n", 4).await;
    counts(&app, "shop", 2, 2 * EACH).await;
    let refused = chat(&app, "gpt-4o", "X-LLMFlow-Project: shop\r\n").await;
    assert_eq!(refused.status(), 429);
    assert!(refused.text().contains("for the project shop"), "{}", refused.text());
    assert_eq!(chat(&app, "gpt-4o", "X-LLMFlow-Project: other\r\n").await.status(), 200);

    paid(&app, "X-LLMFlow-Tag: nightly\r\n", 6).await;
    counts(&app, "each tag", 1, EACH).await;
    wait_until("the tag to be used up", async || {
        let tags = budgets(&app).await.budgets.remove(2).uses;
        tags.iter()
            .any(|one| one.key.as_deref() == Some("nightly") && one.state == BudgetState::Over)
            .then_some(())
    })
    .await;
    let refused = chat(&app, "gpt-4o", "X-LLMFlow-Tags: a, nightly\r\n").await;
    assert_eq!(refused.status(), 429);
    assert!(
        refused.text().contains("for the tag nightly is used up, 1100 of 1100 tokens"),
        "{}",
        refused.text()
    );
    assert_eq!(chat(&app, "gpt-4o", "X-LLMFlow-Tag: daily\r\n").await.status(), 200);
}
