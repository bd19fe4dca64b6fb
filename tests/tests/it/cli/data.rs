//! Deleting, copying, taking out and in: with LLMFlow running and without.

use api::{CallId, Reply, Request};
use serde_json::Value;
use tests::otlp::post_otlp;
use tests::{App, Dialect, Mock, Setup, send, wait_until};

use super::{borrowed, err, out, run, towards};
use crate::requests::ask;

async fn filled(setup: Setup, count: usize) -> (App, Vec<CallId>) {
    let app = setup.start().await;
    for number in 0..count {
        send(app.proxy, &ask(Dialect::Chat, false, &format!("question {number}"), "")).await;
    }
    let calls = app.recorded(count).await;
    (app, calls.iter().map(|call| call.id).collect())
}

async fn count(app: &App) -> u64 {
    app.health().await.calls
}

#[tokio::test]
async fn a_call_is_deleted_over_rest_and_by_command_and_all_of_it_goes() {
    let mock = Mock::start().await;
    let (app, ids) = filled(Setup::new(mock.address()), 6).await;
    let environment = towards(&app);
    let delete = |path: String| {
        format!("DELETE {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").into_bytes()
    };
    let gone = send(app.dashboard, &delete(format!("/api/traces/{}", ids[0]))).await;
    assert_eq!(
        (gone.status(), serde_json::from_str::<Value>(&gone.text()).unwrap()["calls"].as_u64()),
        (200, Some(1))
    );
    assert_eq!(send(app.dashboard, &delete(format!("/api/traces/{}", ids[0]))).await.status(), 404);
    assert_eq!(app.get(&format!("/api/traces/{}", ids[0])).await.status(), 404);
    // Without a word of consent nothing goes.
    let id = ids[1].to_string();
    let asked = run(&app.home(), &["delete", "--call", &id], &borrowed(&environment)).await;
    assert!(asked.status.code() == Some(1) && err(&asked).contains("1 call"), "{}", err(&asked));
    assert_eq!(count(&app).await, 5);
    let done = run(&app.home(), &["delete", "--call", &id, "--yes"], &borrowed(&environment)).await;
    assert!(done.status.success() && out(&done).contains("Deleted 1 call."), "{}", err(&done));
    let both = run(&app.home(), &["delete", "--call", &id, "--everything"], &borrowed(&environment)).await;
    assert_eq!(both.status.code(), Some(2), "one thing at a time");
    let body = r#"{"what":"everything","dry_run":true}"#;
    let post = |body: &str| {
        format!(
            "POST /api/erase HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let would: Value = serde_json::from_str(&send(app.dashboard, &post(body)).await.text()).unwrap();
    assert_eq!(would["calls"], 4, "{would}");
    assert_eq!(count(&app).await, 4, "only counted");
    let nothing = send(app.dashboard, &post(r#"{"what":"calls","which":{}}"#)).await;
    assert_eq!(nothing.status(), 400, "an empty filter is no wish to delete all");
    let Reply::Storage(storage) = app.ask(&Request::GetStorage).await else { panic!("another answer") };
    assert!(storage.retention.limits.days == Some(90) && storage.disk_bytes > 0, "{storage:?}");
    send(app.dashboard, &post(r#"{"what":"everything"}"#)).await;
    assert_eq!(count(&app).await, 0);
    // It goes on recording.
    send(app.proxy, &ask(Dialect::Anthropic, false, "after all that", "")).await;
    app.recorded(1).await;
    app.stop();
}

#[tokio::test]
async fn copies_and_files_of_calls_go_out_and_come_back() {
    let mock = Mock::start().await;
    let (app, _) = filled(Setup::new(mock.address()), 5).await;
    let environment: Vec<(&'static str, String)> = towards(&app);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (copy, lines) = (at("copy.db"), at("calls.jsonl"));
    let backup = run(&app.home(), &["backup", &copy], &borrowed(&environment)).await;
    assert!(out(&backup).contains("5 calls"), "{}", err(&backup));
    let export = run(&app.home(), &["export", &lines], &borrowed(&environment)).await;
    assert!(out(&export).contains("5 calls"), "{}", err(&export));
    assert_eq!(std::fs::read_to_string(&lines).unwrap().lines().count(), 5);
    let seed: Value = serde_json::from_str(&app.get("/api/traces/export?limit=3").await.text()).unwrap();
    assert_eq!((seed["count"].as_u64(), seed["traces"].as_array().map(Vec::len)), (Some(3), Some(3)));
    let text = app.get("/api/traces/export?format=jsonl").await.text();
    assert!(text.lines().count() == 5 && text.contains("request_body"), "{text}");
    let running = run(&app.home(), &["restore", &copy], &borrowed(&environment)).await;
    assert!(running.status.code() == Some(1) && err(&running).contains("stop it"), "{}", err(&running));
    let verified = run(&app.home(), &["doctor", "--verify"], &borrowed(&environment)).await;
    assert!(out(&verified).contains("5 calls, 10 bodies"), "{}", out(&verified));
    let finished = app.stop();
    let home = finished.setup.home();
    let down = run(&home, &["delete", "--everything", "--yes"], &borrowed(&environment)).await;
    assert!(out(&down).contains("Deleted 5 calls"), "{}", err(&down));
    let restored = run(&home, &["restore", &copy], &borrowed(&environment)).await;
    assert!(
        out(&restored).contains("Restored 5 calls") && out(&restored).contains("is kept at"),
        "{}",
        err(&restored)
    );
    let again = run(&home, &["import", &lines], &borrowed(&environment)).await;
    assert!(
        out(&again).contains("Took in 0 calls; 5 were there already."),
        "{} {}",
        out(&again),
        err(&again)
    );
    let none = run(&home, &["delete", "--client", "nobody", "--yes"], &borrowed(&environment)).await;
    assert!(none.status.success() && out(&none).contains("nothing of that"), "{}", err(&none));
}

#[tokio::test]
async fn what_is_too_much_goes_by_itself() {
    let mock = Mock::start().await;
    // It is looked when LLMFlow starts, among others.
    let (app, _) = filled(Setup::new(mock.address()), 12).await;
    let app = app.stop().setup.variable("MAX_TRACES", "8").start().await;
    let last = wait_until("calls to go", async || app.health().await.retention.last).await;
    assert_eq!((last.erased.calls, count(&app).await), (4, 8));
    let retention = app.health().await.retention;
    assert_eq!(retention.limits.traces, Some(8));
    app.stop();
}

#[tokio::test]
async fn what_the_next_start_deletes_is_said_when_it_is_taken_in() {
    let mock = Mock::start().await;
    let (app, _) = filled(Setup::new(mock.address()), 3).await;
    let environment: Vec<(&'static str, String)> = towards(&app);
    let environment = borrowed(&environment);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (copy, lines) = (at("copy.db"), at("calls.jsonl"));
    let export = run(&app.home(), &["export", &lines], &environment).await;
    assert!(out(&export).contains("3 calls"), "{}", err(&export));
    let text = std::fs::read_to_string(&lines).unwrap();
    let of = |line: &str, started_ms: i64| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let summary = &mut line["call"]["summary"];
        summary["started_ms"] = started_ms.into();
        summary["session_id"] = Value::Null;
        summary["id"] = format!("01890000-0000-7000-8000-{:012x}", started_ms.unsigned_abs()).into();
        line.to_string()
    };
    let old: Vec<String> = text
        .lines()
        .zip([1_700_000_000_000, 1_700_000_000_001, i64::MAX])
        .map(|(line, at)| of(line, at))
        .collect();
    std::fs::write(&lines, old.join("\n")).unwrap();
    let home = app.stop().setup.home();
    let taken = run(&home, &["import", &lines], &environment).await;
    let said = out(&taken);
    assert!(
        said.contains("Took in 2 calls") && said.contains("2 of the calls are older than 90 days"),
        "{said}"
    );
    assert!(said.contains("keep_days") && said.contains("LLMFLOW_KEEP_DAYS"), "{said}");
    assert!(taken.status.code() == Some(1) && err(&taken).contains("line 3"), "{}", err(&taken));
    let backup = run(&home, &["backup", &copy], &environment).await;
    assert!(backup.status.success(), "{}", err(&backup));
    let restored = run(&home, &["restore", &copy], &environment).await;
    assert!(out(&restored).contains("2 of the calls are older"), "{} {}", out(&restored), err(&restored));
    let few = [environment, vec![("LLMFLOW_KEEP_DAYS", "0"), ("MAX_TRACES", "1")]].concat();
    let counted = out(&run(&home, &["restore", &copy], &few).await);
    assert!(!counted.contains("older") && counted.contains("MAX_TRACES"), "{counted}");
}

/// What is told of each call, which is to be the same wherever it is taken in.
async fn told(app: &App) -> Vec<Value> {
    let calls = app.recorded(3).await;
    let mut told = Vec::new();
    for call in &calls {
        let Reply::Call(call) = app.ask(&Request::GetCall { id: call.id }).await else { panic!("no call") };
        let said = app.ask(&Request::GetConversation { id: call.summary.id }).await;
        let summary = &call.summary;
        let known = serde_json::json!({
            "id": summary.id, "model": summary.model, "usage": summary.usage, "cost": call.cost,
            "sources": summary.sources, "said": said,
        });
        told.push(known);
    }
    let meter = app.get("/api/completeness?days=2").await.json()["total"].clone();
    let stats = app.get("/api/stats").await.json();
    told.extend([
        meter,
        serde_json::json!([stats["total_cost"], stats["total_requests"], stats["total_tokens"]]),
    ]);
    for word in ["heronry", "bittern"] {
        let found = app.get(&format!("/api/traces?q={word}")).await.json();
        told.push(found.as_array().map_or(0, Vec::len).into());
    }
    told
}

#[tokio::test]
async fn calls_that_only_reports_tell_of_come_back_as_they_went() {
    let mock = Mock::start().await;
    let (app, _) = filled(Setup::new(mock.address()), 2).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let text = |key: &str, value: &str| serde_json::json!({"key": key, "value": {"stringValue": value}});
    let message = |role: &str, said: &str| {
        serde_json::json!([{"role": role, "parts": [{"type": "text", "content": said}]}]).to_string()
    };
    let span = serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "00000000000000a2", "name": "chat gpt-4o",
        "startTimeUnixNano": (now - 1_000_000_000).to_string(), "endTimeUnixNano": now.to_string(),
        "attributes": [
            text("gen_ai.operation.name", "chat"), text("gen_ai.provider.name", "openai"),
            text("gen_ai.request.model", "gpt-4o"),
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "1000"}},
            {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "20"}},
            text("gen_ai.input.messages", &message("user", "where is the heronry")),
            text("gen_ai.output.messages", &message("assistant", "ask the bittern")),
        ],
    }]}]}]});
    let span = post_otlp("/v1/traces", "application/json", "", span.to_string().as_bytes());
    assert_eq!(send(app.otlp_http, &span).await.status(), 200);
    let before = told(&app).await;
    let by_report = before.iter().find(|call| call["sources"] == serde_json::json!(["span"])).unwrap();
    assert!(
        by_report["said"].to_string().contains("heronry") && !by_report["cost"]["total"].is_null(),
        "{by_report}"
    );
    assert_eq!(&before[before.len() - 2..], [1, 1], "{before:?}");
    let folder = tempfile::tempdir().unwrap();
    let (running, offline) = (folder.path().join("a.jsonl"), folder.path().join("b.jsonl"));
    let environment: Vec<(&'static str, String)> = towards(&app);
    let environment = borrowed(&environment);
    run(&app.home(), &["export", &running.display().to_string()], &environment).await;
    let finished = app.stop();
    let home = finished.setup.home();
    run(&home, &["export", &offline.display().to_string()], &environment).await;
    let lines = std::fs::read_to_string(&running).unwrap();
    assert_eq!(lines, std::fs::read_to_string(&offline).unwrap(), "whether LLMFlow runs or not");
    assert!(lines.contains("where is the heronry") && lines.contains("ask the bittern"), "{lines}");
    run(&home, &["delete", "--everything", "--yes"], &environment).await;
    let taken = run(&home, &["import", &offline.display().to_string()], &environment).await;
    assert!(out(&taken).contains("Took in 3 calls"), "{} {}", out(&taken), err(&taken));
    let app = finished.setup.start().await;
    assert_eq!(told(&app).await, before);
    app.stop();
}
