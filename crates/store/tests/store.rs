//! The store through its public face, on a real SQLite file.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use api::{
    BodyInfo, BodySide, CallDetail, CallFilter, CallId, CallState, CallSummary, Cost, CostSource, Lineage,
    Money, Operation, Outcome, Page, SessionSource, Timing, Usage, UsageSource,
};
use proptest::prelude::*;
use store::{Body, CallRecord, Store, Write};
use tempfile::TempDir;

async fn open(folder: &TempDir) -> Store {
    Store::open(&folder.path().join("data.db")).await.unwrap().0
}

fn summary(state: CallState) -> CallSummary {
    CallSummary {
        id: CallId::new(uuid::Uuid::now_v7()),
        started_ms: 1_000,
        duration_us: Some(5_000),
        first_byte_us: Some(1_000),
        first_token_us: None,
        state,
        provider: "openai".into(),
        operation: Operation::Chat,
        client: Some("openai-python".into()),
        method: "POST".into(),
        path: "/v1/chat/completions".into(),
        status: Some(200),
        model: Some("gpt-4o".into()),
        title: Some("hello".into()),
        streamed: true,
        usage: Usage { input: Some(10), output: Some(5), ..Usage::default() },
        usage_source: UsageSource::Provider,
        cost: Some(Money::from_pico(75_000_000)),
        cost_source: CostSource::Computed,
        equivalent: None,
        finish_reason: Some("stop".into()),
        error: None,
        session_id: Some("s1".into()),
        lineage: api::Lineage::default(),
        trace_id: None,
        parent_id: None,
        retry_of: None,
        replay_of: None,
        tags: vec!["team:a".into()],
        sources: vec![api::ReportSource::Proxy],
        in_trace: None,
    }
}

fn record(summary: CallSummary, request: &[u8], response: &[u8]) -> CallRecord {
    let info = |bytes: &[u8]| BodyInfo {
        wire_bytes: bytes.len() as u64,
        stored_bytes: bytes.len() as u64,
        ..BodyInfo::default()
    };
    let detail = CallDetail {
        summary,
        upstream: "api.openai.com".into(),
        upstream_path: None,
        query: None,
        http_version: "HTTP/1.1".into(),
        requested_model: None,
        response_id: None,
        request_id: None,
        credential: None,
        request_headers: vec![api::Header { name: "a".into(), value: "b".into() }],
        response_headers: Vec::new(),
        request_body: info(request),
        response_body: info(response),
        cost: Cost::default(),
        timing: Timing::default(),
        translated: None,
        reports: Vec::new(),
    };
    CallRecord {
        detail,
        request: Body { bytes: request.to_vec().into(), segmented: true },
        response: Body { bytes: response.to_vec().into(), segmented: false },
        client: None,
        answer_text: "the quick brown fox".into(),
        billed: model::pricing::Facts::default(),
        ties: store::Ties::default(),
    }
}

fn close(request: &str) -> (CallId, Write) {
    let record = record(summary(CallState::Complete), request.as_bytes(), b"data: {}\n\n");
    (record.detail.summary.id, Write::Close(Box::new(record)))
}

fn turn(messages: usize) -> String {
    let messages: Vec<String> = (0..messages)
        .map(|n| {
            let marker = if n + 1 == messages { r#","cache_control":{"type":"ephemeral"}"# } else { "" };
            let text = format!("message {n}: {}", "words that only this message has ".repeat(40 + n % 7));
            format!(r#"{{"role":"user","content":[{{"type":"text","text":"{text}"{marker}}}]}}"#)
        })
        .collect();
    let tools = r#"{"name":"Bash","input_schema":{}},{"name":"Read","input_schema":{}}"#;
    format!(r#"{{"model":"m","messages":[{}],"tools":[{tools}],"max_tokens":9}}"#, messages.join(", "))
}

#[tokio::test]
async fn a_call_comes_back_as_it_was_and_its_bodies_byte_for_byte() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let opened = summary(CallState::Open);
    store.write(&[Write::Open(Box::new(opened.clone()))]).await.unwrap();
    assert_eq!(store.call(opened.id).await.unwrap().unwrap().summary, opened);
    let record = record(
        CallSummary { state: CallState::Complete, ..opened.clone() },
        b"{ \"messages\":[1, 2 ,3]}",
        &[0, 255, 7],
    );
    store.write(&[Write::Close(Box::new(record.clone()))]).await.unwrap();
    let mut expected = record.detail;
    expected.summary.lineage =
        Lineage { session: Some(1), source: Some(SessionSource::Client), ..Lineage::default() };
    assert_eq!(store.call(opened.id).await.unwrap().unwrap(), expected);
    assert_eq!(store.body(opened.id, BodySide::Request).await.unwrap().unwrap(), record.request.bytes);
    assert_eq!(store.body(opened.id, BodySide::Response).await.unwrap().unwrap(), record.response.bytes);
    assert_eq!(store.count_calls(&CallFilter::default()).await.unwrap(), 1, "closing does not add a row");
}

#[tokio::test]
async fn a_session_grows_with_what_is_new_not_with_what_is_sent() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let (mut raw, mut sizes, mut turns) = (0, Vec::new(), Vec::new());
    for n in 1..=40 {
        let body = turn(n * 2);
        raw += body.len();
        let (id, write) = close(&body);
        store.write(&[write]).await.unwrap();
        turns.push((id, body));
        sizes.push(store.packed_bytes().await.unwrap());
    }
    for (id, body) in turns {
        assert_eq!(
            String::from_utf8(store.body(id, BodySide::Request).await.unwrap().unwrap()).unwrap(),
            body
        );
    }
    let (first, last) = (sizes[19] - sizes[9], sizes[39] - sizes[29]);
    assert!(last * 2 < first * 3, "the last ten turns took {last} bytes, the tenth to twentieth {first}");
    assert!(sizes[39] * 20 < raw as u64, "{} of {raw} raw bytes", sizes[39]);
}

/// The memory of what is stored already survives a restart.
#[tokio::test]
async fn a_session_goes_on_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    // Numbers that do not compress well, so that what is stored twice shows.
    let turn = |messages: u64| {
        let noise = |seed: u64| {
            (0..40).map(|n| ((seed * 40 + n) * (seed + 7919) * 2_654_435_761).to_string()).collect::<String>()
        };
        let messages: Vec<String> =
            (1..=messages).map(|n| format!(r#"{{"content":"{}"}}"#, noise(n))).collect();
        format!(r#"{{"messages":[{}]}}"#, messages.join(","))
    };
    store.write(&[close(&turn(40)).1]).await.unwrap();
    let before = store.packed_bytes().await.unwrap();
    store.close().await.unwrap();
    let store = open(&folder).await;
    store.recall().await.unwrap();
    let body = turn(42);
    let (id, write) = close(&body);
    store.write(&[write]).await.unwrap();
    assert_eq!(store.body(id, BodySide::Request).await.unwrap().unwrap(), body.as_bytes());
    let more = store.packed_bytes().await.unwrap() - before;
    assert!(more * 4 < before, "{more} bytes more than {before}");
}

/// A batch that is made ready while the one before is committed repeats what that one holds; should that one be given
/// up, what it holds must be stored after all.
#[tokio::test]
async fn a_batch_does_not_lean_on_one_that_was_given_up() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let (one, two, three) = (turn(4), turn(6), turn(8));
    let given_up = store.prepare(vec![close(&one).1]).unwrap();
    let (second, write) = close(&two);
    let batch = store.prepare(vec![write]).unwrap();
    drop(given_up);
    store.commit(&batch).await.unwrap();
    drop(batch);
    let (third, write) = close(&three);
    store.write(&[write]).await.unwrap();
    for (id, body) in [(second, two), (third, three)] {
        assert_eq!(store.body(id, BodySide::Request).await.unwrap().unwrap(), body.as_bytes());
    }
}

/// Forks, retries and edits of a conversation come back exactly, and share what they have in common.
#[tokio::test]
async fn branches_of_a_conversation_come_back() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let message = |text: &str| format!(r#"{{"role":"user","content":"{}"}}"#, text.repeat(30));
    let body = |messages: &[String]| format!(r#"{{"model":"m","messages":[{}]}}"#, messages.join(","));
    let mut messages: Vec<String> = (0..100).map(|n| message(&format!("message {n} "))).collect();
    let mut bodies: Vec<String> = (1..=100).map(|count| body(&messages[..count])).collect();
    bodies.push(body(&messages));
    messages[50] = message("edited ");
    bodies.push(body(&messages));
    messages.truncate(20);
    bodies.push(body(&messages));
    messages.push(message("another way "));
    bodies.push(body(&messages));
    messages.remove(0);
    bodies.push(body(&messages));
    let mut stored = Vec::new();
    for body in bodies {
        let (id, write) = close(&body);
        store.write(&[write]).await.unwrap();
        stored.push((id, body));
    }
    for (id, body) in stored {
        assert_eq!(store.body(id, BodySide::Request).await.unwrap().unwrap(), body.as_bytes());
    }
}

#[tokio::test]
async fn a_crash_leaves_open_calls_lost() {
    let folder = TempDir::new().unwrap();
    let opened = summary(CallState::Open);
    open(&folder).await.write(&[Write::Open(Box::new(opened.clone()))]).await.unwrap();
    let (store, found) = Store::open(&folder.path().join("data.db")).await.unwrap();
    assert_eq!(found.lost, 1);
    assert_eq!(store.call(opened.id).await.unwrap().unwrap().summary.state, CallState::Lost);
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let good = summary(CallState::Complete);
    let bad = CallSummary {
        status: Some(529),
        state: CallState::UpstreamError,
        model: None,
        tags: Vec::new(),
        sources: vec![api::ReportSource::Proxy],
        in_trace: None,
        started_ms: 2_000,
        cost: None,
        cost_source: CostSource::Unknown,
        session_id: None,
        ..summary(CallState::Complete)
    };
    let body = r#"{"messages":[{"role":"user","content":"why is the flaky test slow"}]}"#;
    let writes = [
        Write::Close(Box::new(record(good.clone(), body.as_bytes(), b"{}"))),
        Write::Close(Box::new(CallRecord {
            answer_text: String::new(),
            billed: model::pricing::Facts::default(),
            ties: store::Ties::default(),
            ..record(bad.clone(), b"{}", b"{}")
        })),
    ];
    store.write(&writes).await.unwrap();
    let found = async |filter: CallFilter| -> Vec<CallId> {
        let page = store.list_calls(&filter, Page::default()).await.unwrap();
        assert_eq!(page.total, page.calls.len() as u64);
        page.calls.iter().map(|call| call.id).collect()
    };
    let any = CallFilter::default;
    let text = |text: &str| CallFilter { text: Some(text.into()), ..any() };
    assert_eq!(found(any()).await, [bad.id, good.id], "newest first");
    assert_eq!(found(CallFilter { outcome: Some(Outcome::Error), ..any() }).await, [bad.id]);
    assert_eq!(found(CallFilter { outcome: Some(Outcome::Success), ..any() }).await, [good.id]);
    assert_eq!(found(CallFilter { model: Some("gpt-4o".into()), ..any() }).await, [good.id]);
    assert_eq!(found(CallFilter { tag: Some("team:a".into()), ..any() }).await, [good.id]);
    assert_eq!(found(CallFilter { tag: Some("team".into()), ..any() }).await, []);
    assert_eq!(found(CallFilter { from_ms: Some(1_500), ..any() }).await, [bad.id]);
    assert_eq!(found(CallFilter { to_ms: Some(1_500), ..any() }).await, [good.id]);
    assert_eq!(found(CallFilter { cost_min_pico: Some(1), ..any() }).await, [good.id]);
    assert_eq!(found(CallFilter { unpriced: Some(true), ..any() }).await, [bad.id]);
    assert_eq!(found(CallFilter { session_id: Some("s1".into()), ..any() }).await, [good.id]);
    assert_eq!(found(text("flaky slo")).await, [good.id], "words of the prompt, the last one begun");
    assert_eq!(found(text("\"quick brown\"")).await, [good.id], "a phrase of the answer");
    assert_eq!(found(text("\"brown quick\"")).await, []);
    assert_eq!(
        found(text("\"flaky test\" BRÓWN")).await,
        [good.id],
        "a phrase and a word, however they are written"
    );
    assert_eq!(found(text("\"the flaky\" \"slow test\"")).await, []);
    let stats = store.stats(&any()).await.unwrap();
    assert_eq!((stats.calls, stats.errors, stats.unpriced, stats.cost), (2, 1, 1, good.cost.unwrap()));
    let bars = store.histogram(&any(), 0, 3_000, 3).await.unwrap();
    assert_eq!(bars.iter().map(|bar| (bar.calls, bar.errors)).collect::<Vec<_>>(), [(0, 0), (1, 0), (1, 1)]);
}

#[tokio::test]
async fn another_programs_database_is_moved_aside_untouched() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data.db");
    std::fs::write(
        &path,
        b"SQLite format 3\0 of somebody else, long enough to carry an application id of its own, zero",
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    let (_, found) = Store::open(&path).await.unwrap();
    assert_eq!(std::fs::read(found.moved_aside.unwrap()).unwrap(), before);
    let (_, again) = Store::open(&path).await.unwrap();
    assert_eq!(again.moved_aside, None, "our own database stays");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_user_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("new");
    let store = Store::open(&folder.join("data.db")).await.unwrap().0;
    store.write(&[close("{}").1]).await.unwrap();
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i32>().prop_map(|n| n.to_string()),
        ".{0,12}".prop_map(|text| serde_json::Value::from(text).to_string()),
        Just(r#"{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}"#.to_owned()),
        Just(r#"{"cache_control": {"type":"ephemeral","ttl":"1h"} , "x":1}"#.to_owned()),
    ];
    let array = proptest::collection::vec(leaf, 0..6).prop_map(|items| format!("[{}]", items.join(" ,\n")));
    (array.clone(), array).prop_map(|(one, two)| format!("{{ \"messages\" : {one},\"tools\":{two}}}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_body_comes_back_exactly(bodies in proptest::collection::vec(prop_oneof![
        json().prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..200),
    ], 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = TempDir::new().unwrap();
            let store = open(&folder).await;
            let records: Vec<CallRecord> =
                bodies.iter().map(|body| record(summary(CallState::Complete), body, body)).collect();
            for some in records.chunks(7) {
                let writes: Vec<Write> = some.iter().map(|record| Write::Close(Box::new(record.clone()))).collect();
                store.write(&writes).await.unwrap();
            }
            for (record, body) in records.iter().zip(&bodies) {
                for side in [BodySide::Request, BodySide::Response] {
                    let stored = store.body(record.detail.summary.id, side).await.unwrap().unwrap_or_default();
                    assert_eq!(&stored, body);
                }
            }
        });
    }
}
