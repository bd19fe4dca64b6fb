//! Calls as files over REST: every format, every filter, any number, and what is asked wrongly.

use serde_json::Value;
use tests::{App, Mock};

use super::{six, total};

async fn file(app: &App, query: &str) -> (String, String) {
    let response = app.get(&format!("/api/traces/export?{query}")).await;
    assert_eq!(response.status(), 200, "{query}: {}", response.text());
    let kind = response.head.header("content-type").unwrap();
    let name = response.head.header("content-disposition").unwrap();
    assert!(name.starts_with("attachment; filename=\"llmflow-traces."), "{name}");
    (kind, response.text())
}

#[tokio::test]
async fn calls_leave_in_every_format_with_every_filter() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let (kind, empty) = file(&app, "").await;
    let empty: Value = serde_json::from_str(&empty).unwrap();
    assert_eq!((kind.as_str(), &empty["count"]), ("application/json", &0.into()));
    assert_eq!(file(&app, "format=jsonl").await, ("application/x-ndjson".into(), String::new()));
    six(&mock, &app).await;

    for query in [
        "",
        "status=error",
        "model=gemini-2.5-flash",
        "tag=blue",
        "cost_min=0.5",
        "session_id=s-1",
        "conversation_id=s-1",
        "provider=openai",
    ] {
        let found = total(&app, query).await;
        let (_, text) = file(&app, query).await;
        let whole: Value = serde_json::from_str(&text).unwrap();
        let rows = whole["traces"].as_array().unwrap();
        assert_eq!((rows.len(), whole["count"].as_u64()), (found, Some(found as u64)), "{query}");
        assert!(
            rows.iter()
                .all(|row| row["request_body"].as_str().unwrap().contains("model")
                    || row["provider"] == "gemini"),
            "{query}"
        );
        let (_, lines) = file(&app, &format!("{query}&format=jsonl")).await;
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(&lines, rows, "{query}");
        let (kind, table) = file(&app, &format!("{query}&format=csv&bodies=false")).await;
        assert_eq!(kind, "text/csv; charset=utf-8");
        assert_eq!(table.lines().count(), found + 1, "{query}: {table}");
    }
    let (_, text) = file(&app, "limit=2&offset=3&q=").await;
    let two: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(two["count"], 2);
    assert_eq!(two["traces"][0]["span_name"], "of a session");
    let (_, text) = file(&app, "tag=blue&bodies=false").await;
    let bare: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bare["filters"], serde_json::json!({"tag": "blue"}));
    assert!(bare["traces"][0].get("request_body").is_none());
    // More than a page may hold is no fault here.
    assert_eq!(serde_json::from_str::<Value>(&file(&app, "limit=4294967295").await.1).unwrap()["count"], 6);
    for (query, parameter) in [
        ("format=xml", "format"),
        ("limit=0", "limit"),
        ("limit=4294967296", "limit"),
        ("bodies=maybe", "bodies"),
        ("status=fine", "status"),
        ("date_from=yesterday", "date_from"),
        ("conversation=s-1", "conversation"),
        ("session_id=s-1&conversation_id=s-1", "conversation_id"),
    ] {
        let wrong = app.get(&format!("/api/traces/export?{query}")).await;
        assert_eq!((wrong.status(), wrong.json()["parameter"].as_str()), (400, Some(parameter)), "{query}");
    }
}
