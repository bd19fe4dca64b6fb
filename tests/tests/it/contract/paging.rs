//! Lists page by page: following `Link` while new rows come meets every row once that was there at the beginning, whatever
//! the filter; totals are those of the filter.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tests::otlp::post_otlp;
use tests::{App, Dialect, Mock, Response, send, wait_until};

use crate::requests::ask;

const ROWS: usize = 3_000;
const SESSIONS: usize = 600;
/// Log records and points in one request.
const BATCH: usize = 500;
const NS: u64 = 1_790_000_000_000_000_000;

/// A list, where its rows are, and what names a row.
const LISTS: [(&str, &str, &str); 4] = [
    ("/api/traces?provider=nobody&limit=170", "", "id"),
    ("/api/logs?service_name=pager&limit=170", "logs", "id"),
    ("/api/metrics?name=pages&limit=170", "metrics", "id"),
    ("/api/sessions?q=page&limit=37", "sessions", "session_key"),
];

fn rows(response: &Response, member: &str) -> Vec<Value> {
    let body = response.json();
    let rows = if member.is_empty() { &body } else { &body[member] };
    rows.as_array().unwrap().clone()
}

fn name(row: &Value, id: &str) -> String {
    row[id].to_string()
}

fn total(response: &Response) -> usize {
    response.head.header("x-total-count").unwrap().parse().unwrap()
}

/// Where `Link` says that the next page is.
fn next(response: &Response) -> Option<String> {
    let link = response.head.header("link")?;
    let (target, relation) = link.split_once("; ").unwrap();
    assert_eq!(relation, "rel=\"next\"");
    Some(target.strip_prefix('<')?.strip_suffix('>')?.to_owned())
}

async fn report(app: &App, path: &str, body: &Value) {
    let sent = post_otlp(path, "application/json", "", body.to_string().as_bytes());
    let response = send(app.otlp_http, &sent).await;
    assert_eq!(response.status(), 200, "{path}: {}", response.text());
}

/// Calls, log records and points with these numbers, many of one moment.
async fn reports(app: &App, numbers: std::ops::Range<usize>) {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let resource = json!({"attributes": [text("service.name", "pager")]});
    let at = |number: usize| (NS + (number as u64 / 7) * 1_000_000).to_string();
    let numbers: Vec<usize> = numbers.collect();
    for some in numbers.chunks(BATCH) {
        let spans: Vec<Value> = some
            .iter()
            .map(|number| {
                json!({
                    "traceId": format!("{:032x}", number + 1), "spanId": format!("{:016x}", number + 1), "name": "chat m",
                    "startTimeUnixNano": at(*number), "endTimeUnixNano": at(number + 70),
                    "attributes": [
                        text("gen_ai.operation.name", "chat"), text("gen_ai.provider.name", "nobody"),
                        text("gen_ai.request.model", "m"), {"key": "gen_ai.usage.input_tokens", "value": {"intValue": number}},
                    ],
                })
            })
            .collect();
        let logs: Vec<Value> = some
            .iter()
            .map(|number| json!({"timeUnixNano": at(*number), "severityNumber": 9, "body": {"stringValue": format!("page {number}")}}))
            .collect();
        let points: Vec<Value> = some
            .iter()
            .map(|number| json!({"timeUnixNano": at(*number), "asInt": number, "attributes": [text("n", &(number % 7).to_string())]}))
            .collect();
        report(
            app,
            "/v1/traces",
            &json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}),
        )
        .await;
        report(
            app,
            "/v1/logs",
            &json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": logs}]}]}),
        )
        .await;
        let metrics = json!([{"name": "pages", "gauge": {"dataPoints": points}}]);
        report(
            app,
            "/v1/metrics",
            &json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]}),
        )
        .await;
    }
}

async fn sessions(app: &App, numbers: std::ops::Range<usize>) {
    let calls = stream::iter(numbers).map(async |number| {
        let header = format!("X-Session-Id: session-{number}\r\n");
        let call = ask(Dialect::Chat, false, &format!("page {number}"), &header);
        assert_eq!(send(app.proxy, &call).await.status(), 200);
    });
    calls.buffer_unordered(8).collect::<Vec<()>>().await;
}

async fn until(app: &App, list: &str, count: usize) {
    wait_until(&format!("{count} rows of {list}"), async || {
        (total(&app.get(list).await) >= count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_walk_meets_each_row_once_while_new_ones_come() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    reports(&app, 0..ROWS).await;
    sessions(&app, 0..SESSIONS).await;
    for (list, ..) in LISTS {
        until(&app, list, if list.contains("sessions") { SESSIONS } else { ROWS }).await;
    }
    let mut newest = ROWS;
    let mut newest_session = SESSIONS;
    for (list, member, id) in LISTS {
        let before: BTreeSet<String> = all_by_offset(&app, list, member, id).await;
        let mut met: BTreeMap<String, usize> = BTreeMap::new();
        let (mut target, mut pages, mut first_total) = (Some(list.to_owned()), 0, 0);
        while let Some(page) = target {
            let response = app.get(&page).await;
            assert_eq!(response.status(), 200, "{page}: {}", response.text());
            for row in rows(&response, member) {
                *met.entry(name(&row, id)).or_default() += 1;
            }
            assert!(total(&response) >= first_total.max(before.len()), "{page}: totals do not shrink");
            first_total = total(&response);
            target = next(&response);
            pages += 1;
            // More come before the next page is asked for.
            if list.contains("sessions") {
                sessions(&app, newest_session..newest_session + 5).await;
                newest_session += 5;
            } else {
                reports(&app, newest..newest + 20).await;
                newest += 20;
            }
        }
        let twice: Vec<_> = met.iter().filter(|(_, times)| **times != 1).collect();
        assert!(twice.is_empty(), "{list}: met more than once: {twice:?}");
        let missed: Vec<_> = before.iter().filter(|known| !met.contains_key(*known)).collect();
        assert!(missed.is_empty(), "{list}: never met: {missed:?}");
        println!("{list}: {pages} pages, {} rows, {} of them there before", met.len(), before.len());
        assert!(
            pages > 10 && before.len() >= if list.contains("sessions") { SESSIONS } else { ROWS },
            "{list}"
        );
    }
}

/// What a list holds while nothing comes.
async fn all_by_offset(app: &App, list: &str, member: &str, id: &str) -> BTreeSet<String> {
    let (mut all, mut offset) = (BTreeSet::new(), 0);
    loop {
        let response = app.get(&format!("{list}&offset={offset}")).await;
        let rows = rows(&response, member);
        offset += rows.len();
        let full = offset < total(&response);
        assert_eq!(next(&response).is_some(), full, "{list} from {offset}");
        for row in &rows {
            assert!(all.insert(name(row, id)), "{list}: {row} stands there twice");
        }
        if !full {
            assert_eq!(all.len(), total(&response), "{list}");
            return all;
        }
    }
}

#[tokio::test]
async fn prices_and_what_is_found_are_paged_too() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    crate::rest::six(&mock, &app).await;
    wait_until("all calls to be found", async || {
        (total(&app.get("/api/search?q=answer").await) == 5).then_some(())
    })
    .await;
    for (list, member, id) in [
        ("/api/prices?q=gpt&limit=31", "", "key"),
        ("/api/search?q=answer&limit=2", "hits", "id"),
        ("/api/search?q=answer&order=best&limit=2", "hits", "id"),
    ] {
        let (mut met, mut target) = (BTreeSet::new(), Some(list.to_owned()));
        let mut count = 0;
        while let Some(page) = target {
            let response = app.get(&page).await;
            count = total(&response);
            for row in rows(&response, member) {
                assert!(met.insert(name(&row, id)), "{page}: {row} is met twice");
            }
            target = next(&response);
        }
        assert_eq!(met.len(), count, "{list}");
        assert!(count > 4, "{list}");
    }
}
