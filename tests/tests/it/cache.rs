//! A session that breaks the provider's prompt cache on purpose: each break has its right name and its exact cost.

use api::{CacheCause, CallCache, Reply, Request, SessionCache, SessionRef};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tests::{App, Mock, Plan, Tokens, send};

use crate::requests::request;

const SONNET: &str = "claude-sonnet-4-5";
const OPUS: &str = "claude-opus-4-5";

/// A conversation as its client keeps it.
struct Talk {
    model: &'static str,
    tools: Vec<Value>,
    system: &'static str,
    thinking: bool,
    marked: bool,
    messages: Vec<Value>,
}

impl Talk {
    /// Says something; the provider reports what it read and wrote.
    async fn say(&mut self, mock: &Mock, app: &App, [read, written, input]: [u64; 3]) {
        let tokens = Tokens {
            input,
            cache_read: read,
            cache_write_5m: written,
            cache_write_1h: 0,
            output: 10,
            reasoning: 0,
        };
        mock.follow(Plan { text: "Well.".into(), thinking: String::new(), tokens, ..Plan::default() });
        let words = format!("Question {}", self.messages.len());
        self.messages.push(json!({"role": "user", "content": [{"type": "text", "text": words}]}));
        let mut messages = self.messages.clone();
        if let Some(last) = messages.last_mut().filter(|_| self.marked) {
            last["content"][0]["cache_control"] = json!({"type": "ephemeral"});
        }
        let mut body = json!({
            "model": self.model, "max_tokens": 9, "tools": self.tools,
            "system": [{"type": "text", "text": self.system}], "messages": messages,
        });
        if self.thinking {
            body["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
        }
        let more = "Content-Type: application/json\r\nX-LLMFlow-Session: broken\r\n";
        let sent = request("POST", "/anthropic/v1/messages", more, body.to_string().as_bytes());
        assert_eq!(send(app.proxy, &sent).await.status(), 200);
        self.messages.push(json!({"role": "assistant", "content": "Well."}));
    }
}

async fn session_cache(app: &App) -> SessionCache {
    let session = SessionRef::Id("broken".into());
    match app.ask(&Request::GetSessionCache { session }).await {
        Reply::SessionCache(cache) => *cache,
        other => panic!("{other:?}"),
    }
}

/// Cause, first changed segment, tokens and pico-dollars lost.
fn told(call: &CallCache) -> (CacheCause, Option<&str>, u64, Option<i64>) {
    let path = call.first_change.as_ref().map(|change| change.path.as_str());
    (call.cause, path, call.lost_tokens, call.lost.map(api::Money::pico))
}

/// Moves the call of this number by six minutes, as if the user had been away.
async fn go_away(app: App, number: usize) -> App {
    let setup = app.stop().setup;
    let options = SqliteConnectOptions::new().filename(setup.data().join("data.db"));
    let mut connection = options.connect().await.unwrap();
    let later = "UPDATE call SET started_ms = started_ms + 360000 \
        WHERE seq = (SELECT seq FROM call ORDER BY id LIMIT 1 OFFSET ?)";
    let done =
        sqlx::query(later).bind(i64::try_from(number).unwrap()).execute(&mut connection).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    connection.close().await.unwrap();
    setup.start().await
}

#[tokio::test]
async fn each_break_of_the_cache_has_its_cause_and_its_cost() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let tool = |name: &str| json!({"name": name, "input_schema": {"type": "object"}});
    let mut talk = Talk {
        model: SONNET,
        tools: vec![tool("Read")],
        system: "Be brief.",
        thinking: false,
        marked: true,
        messages: Vec::new(),
    };
    talk.say(&mock, &app, [0, 5_000, 3]).await;
    talk.say(&mock, &app, [5_000, 500, 3]).await;
    talk.tools.push(tool("Edit"));
    talk.say(&mock, &app, [0, 5_900, 3]).await;
    talk.marked = false;
    talk.say(&mock, &app, [0, 0, 6_200]).await;
    talk.marked = true;
    talk.say(&mock, &app, [0, 6_400, 3]).await;
    talk.model = OPUS;
    talk.say(&mock, &app, [0, 6_600, 3]).await;
    talk.system = "Be very brief.";
    talk.say(&mock, &app, [0, 6_800, 3]).await;
    talk.say(&mock, &app, [0, 7_000, 3]).await;
    talk.say(&mock, &app, [0, 7_200, 3]).await;
    talk.thinking = true;
    talk.say(&mock, &app, [2_000, 5_400, 3]).await;
    app.recorded(10).await;
    assert_eq!(session_cache(&app).await.calls[8].cause, CacheCause::NotKept, "a moment later");
    let app = go_away(app, 8).await;
    let cache = session_cache(&app).await;
    // Dollars a million: Sonnet 3 plain, 3.75 written, 0.30 read; Opus 5, 6.25 and 0.50.
    let (rewritten, plain, opus) = (3_450_000, 2_700_000, 5_750_000);
    let expected = [
        (CacheCause::First, None, 0, Some(0)),
        (CacheCause::Hit, None, 0, Some(0)),
        (CacheCause::Tools, Some("tools[1]"), 5_500, Some(5_500 * rewritten)),
        (CacheCause::Markers, None, 5_900, Some(5_900 * plain)),
        (CacheCause::NotAsked, None, 0, Some(0)),
        (CacheCause::Model, None, 6_400, Some(6_400 * opus)),
        (CacheCause::Prefix, Some("system[0]"), 6_600, Some(6_600 * opus)),
        (CacheCause::NotKept, None, 6_800, Some(6_800 * opus)),
        (CacheCause::Expired, None, 7_000, Some(7_000 * opus)),
        (CacheCause::Effort, None, 5_200, Some(5_200 * opus)),
    ];
    let found: Vec<_> = cache.calls.iter().map(told).collect();
    assert_eq!(found, expected);
    let lost: i64 = expected.iter().filter_map(|(.., lost)| *lost).sum();
    assert_eq!((cache.breaks, cache.lost.pico(), cache.unpriced), (7, lost, 0));
    assert!(cache.calls.iter().all(|call| !call.context.is_empty()));

    // One call alone says the same, over REST too.
    for call in &cache.calls {
        let alone: Value = app.get(&format!("/api/calls/{}/cache", call.id)).await.json();
        assert_eq!(serde_json::from_value::<CallCache>(alone).unwrap(), *call);
    }
    let whole: Value = app.get("/api/sessions/broken/cache").await.json();
    assert_eq!(serde_json::from_value::<SessionCache>(whole).unwrap(), cache);
    assert_eq!(app.get("/api/sessions/nobody/cache").await.status(), 404);
    assert_eq!(app.get("/api/calls/nobody/cache").await.status(), 404);
}
