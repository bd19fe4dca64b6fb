//! Copies of the database, files of calls, the former LLMFlow's database, and reading everything to check it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

#[path = "removal/made.rs"]
#[expect(dead_code, reason = "other tests look at more of it")]
mod made;

use std::path::Path;

use api::{BodySide, CallFilter, CostSource, Erase, LogFilter, Page};
use made::{Made, Random};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use store::{Store, StoreError, Write, back_up, restore, verify};
use tempfile::TempDir;

async fn filled(path: &Path, seed: u64, count: usize) -> (Store, Vec<Made>) {
    let store = Store::open(path).await.unwrap().0;
    let calls = made::calls(&mut Random::new(seed), count);
    for some in calls.chunks(16) {
        let batch: Vec<Write> = some.iter().map(|made| Write::Close(Box::new(made.record.clone()))).collect();
        store.write(&batch).await.unwrap();
    }
    (store, calls)
}

async fn all_there(store: &Store, calls: &[Made]) {
    for made in calls {
        let body = store.body(made.record.detail.summary.id, BodySide::Request).await.unwrap();
        assert!(body.unwrap_or_default() == made.record.request.bytes);
    }
}

async fn change(path: &Path, sql: &'static str) {
    let mut database = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_copy_is_made_in_use_and_put_back() {
    let folder = TempDir::new().unwrap();
    let (path, copy) = (folder.path().join("data.db"), folder.path().join("copy.db"));
    let (store, calls) = filled(&path, 1, 100).await;
    let found = back_up(&path, &copy).await.unwrap();
    assert_eq!(found.calls, 100);
    assert!(
        matches!(back_up(&path, &copy).await, Err(StoreError::Refused(_))),
        "a copy is never overwritten"
    );
    store.erase(&Erase::Everything).await.unwrap();
    store.close().await.unwrap();
    let (found, aside) = restore(&path, &copy).await.unwrap();
    assert_eq!(found.calls, 100);
    assert!(aside.unwrap().exists(), "what was there is kept");
    let store = Store::open(&path).await.unwrap().0;
    all_there(&store, &calls).await;
    store.close().await.unwrap();
    // What must not be put back is refused with a reason, and nothing changes.
    let before = std::fs::read(&path).unwrap();
    let other = folder.path().join("other.db");
    std::fs::write(
        &other,
        b"no database at all, only text that is long enough to be looked at as one........",
    )
    .unwrap();
    let newer = folder.path().join("newer.db");
    std::fs::copy(&copy, &newer).unwrap();
    change(&newer, "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 11").await;
    for (file, word) in [
        (&other, "not a database of LLMFlow"),
        (&newer, "newer LLMFlow"),
        (&folder.path().join("none"), "no file"),
    ] {
        let error = restore(&path, file).await.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    assert!(before == std::fs::read(&path).unwrap());
    // A newer one is left as it is when it is opened, too.
    let untouched = std::fs::read(&newer).unwrap();
    assert!(matches!(Store::open(&newer).await, Err(StoreError::Newer { .. })));
    assert!(untouched == std::fs::read(&newer).unwrap(), "not a byte is changed");
}

#[tokio::test]
async fn calls_go_out_as_lines_and_come_in_elsewhere() {
    let folder = TempDir::new().unwrap();
    let (store, calls) = filled(&folder.path().join("data.db"), 2, 150).await;
    let (mut text, mut after) = (String::new(), 0);
    while let Some((lines, last)) = store.export_some(after, &|call| call).await.unwrap() {
        text.push_str(&lines);
        after = last;
    }
    assert_eq!(text.lines().count(), 150);
    let there = Store::open(&folder.path().join("there.db")).await.unwrap().0;
    let imported = there.import_lines(&text, 1).await.unwrap();
    assert_eq!((imported.calls, imported.known, imported.unreadable), (150, 0, 0));
    all_there(&there, &calls).await;
    let again = there.import_lines(&format!("{text}\n{{\"no\":1}}\n"), 1).await.unwrap();
    assert_eq!((again.calls, again.known, again.unreadable), (0, 150, 1));
    assert_eq!(again.named, ["line 152 is no call of LLMFlow's"]);
    let began = |at: i64| {
        let mut line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        line["call"]["summary"]["started_ms"] = at.into();
        line["call"]["summary"]["id"] = uuid::Uuid::now_v7().to_string().into();
        line.to_string()
    };
    let odd: Vec<String> =
        [i64::MIN, -1, 0, 253_402_300_799_999, 253_402_300_800_000, i64::MAX].map(began).into();
    let odd = there.import_lines(&odd.join("\n"), 5).await.unwrap();
    assert_eq!((odd.calls, odd.unreadable), (2, 4), "from 1970 to 9999");
    assert_eq!(odd.named[0], "line 5 is of a call that began before 1970 or after 9999");
    assert!(odd.named[3].starts_with("line 10 "), "{:?}", odd.named);
    let word = CallFilter { text: Some(calls[9].canary.clone()), ..CallFilter::default() };
    assert_eq!(there.count_calls(&word).await.unwrap(), 1, "it can be searched");
}

#[tokio::test]
async fn what_is_damaged_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data.db");
    let (store, calls) = filled(&path, 3, 120).await;
    // Also while it is in use.
    let found = verify(&path).await.unwrap();
    assert_eq!((found.calls, found.problems.as_slice()), (120, [].as_slice()));
    assert!(found.bodies > 200);
    store.erase(&Erase::Call(calls[5].record.detail.summary.id)).await.unwrap();
    store.tidy().await.unwrap();
    assert_eq!(verify(&path).await.unwrap().problems, []);
    store.close().await.unwrap();
    change(&path, "UPDATE pack SET bytes = zeroblob(length(bytes)) WHERE id = (SELECT min(id) FROM pack)")
        .await;
    change(&path, "DELETE FROM call_record WHERE seq = (SELECT max(seq) FROM call)").await;
    let found = verify(&path).await.unwrap();
    let said =
        |word: &str| found.problems.iter().any(|(what, remedy)| what.contains(word) && !remedy.is_empty());
    assert!(
        said("Pack 1 is damaged") && said("cannot be read") && said("1 calls have no record"),
        "{found:?}"
    );
    assert!(found.problems.iter().any(|(_, remedy)| remedy.contains("llmflow restore")));
}

#[tokio::test]
async fn the_former_llmflows_database_is_taken_in() {
    const FORMER: &str = r#"
        CREATE TABLE traces (id TEXT PRIMARY KEY, timestamp INTEGER NOT NULL, duration_ms INTEGER, provider TEXT
            DEFAULT 'openai', model TEXT, prompt_tokens INTEGER DEFAULT 0, completion_tokens INTEGER DEFAULT 0,
            total_tokens INTEGER DEFAULT 0, estimated_cost REAL DEFAULT 0, status INTEGER, error TEXT,
            request_method TEXT, request_path TEXT, request_headers TEXT, request_body TEXT, response_status INTEGER,
            response_headers TEXT, response_body TEXT, tags TEXT, trace_id TEXT, parent_id TEXT,
            span_type TEXT DEFAULT 'llm', span_name TEXT, input TEXT, output TEXT, attributes TEXT, service_name TEXT);
        INSERT INTO traces (id, timestamp, duration_ms, provider, model, prompt_tokens, completion_tokens,
            estimated_cost, status, request_method, request_path, request_headers, request_body, response_status,
            response_body, tags, trace_id)
        VALUES ('a-1', 1700000000000, 1200, 'anthropic-passthrough', 'claude-3', 10, 5, 0.00125, 200, 'POST',
            '/v1/messages?key=sk-secret', '{"x-api-key":"sk-secret","accept":"*/*"}',
            '{"messages":[{"role":"user","content":"why so slow"}]}', 200, '{"content":"because"}', '["env:prod"]', 't-1'),
            ('a-2', 1700000001000, 10, NULL, NULL, 0, 0, 0, 500, 'POST', '/v1/chat/completions', NULL, NULL, 500, NULL,
            NULL, NULL);
        INSERT INTO traces (id, timestamp, duration_ms, trace_id, span_type, span_name, input, service_name)
        VALUES ('s-1', 1700000002000, 30, 't-1', 'tool', 'search', '"weather"', 'app');
        CREATE TABLE logs (id TEXT, timestamp INTEGER, observed_timestamp INTEGER, severity_number INTEGER,
            severity_text TEXT, body TEXT, trace_id TEXT, span_id TEXT, event_name TEXT, service_name TEXT,
            scope_name TEXT, attributes TEXT, resource_attributes TEXT);
        INSERT INTO logs VALUES ('l-1', 1700000003000, NULL, 9, 'INFO', 'said', NULL, NULL, 'x.y', 'app', NULL,
            '{"n":1,"deep":{"a":[true]}}', NULL);
    "#;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut former = options.connect().await.unwrap();
    sqlx::raw_sql(FORMER).execute(&mut former).await.unwrap();
    former.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let (store, opened) = Store::open(&path).await.unwrap();
    let aside = opened.moved_aside.unwrap();
    assert!(store::is_former_llmflow(&aside).await);
    for taken_in in [2, 0] {
        assert_eq!(store.import_former(&aside).await.unwrap().calls, taken_in, "once, however often");
    }
    assert!(before == std::fs::read(&aside).unwrap(), "it stays as it is");
    let calls = store.list_calls(&CallFilter::default(), Page::default()).await.unwrap().calls;
    let states: Vec<_> = calls.iter().map(|call| (call.provider.as_str(), call.status)).collect();
    assert_eq!(states, [("openai", Some(500)), ("anthropic", Some(200))]);
    let call = store.call(calls[1].id).await.unwrap().unwrap();
    let summary = &call.summary;
    assert_eq!(
        (summary.started_ms, summary.usage.input, summary.usage.output),
        (1_700_000_000_000, Some(10), Some(5))
    );
    assert_eq!((summary.cost.unwrap().pico(), summary.cost_source), (1_250_000_000, CostSource::Reported));
    assert_eq!(
        (summary.title.as_deref(), summary.tags.as_slice()),
        (Some("why so slow"), ["env:prod".to_owned()].as_slice())
    );
    assert_eq!(
        call.request_headers.iter().map(|header| header.name.as_str()).collect::<Vec<_>>(),
        ["accept"]
    );
    let body = store.body(calls[1].id, BodySide::Response).await.unwrap().unwrap();
    assert_eq!(body, br#"{"content":"because"}"#);
    let logs = store.list_logs(&LogFilter::default(), 10, 0, None).await.unwrap();
    assert_eq!((logs.total, logs.logs[0].text.as_str()), (1, "said"));
    let traces = store.list_traces(&CallFilter::default(), 10, 0, None).await.unwrap();
    assert_eq!(traces.total, 3, "two calls and the span's trace");
    store.close().await.unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap().flatten().filter(|file| file.path() != aside) {
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"sk-secret"), "{:?}", file.path());
    }
}
