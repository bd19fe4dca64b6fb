//! Calls and log records made for searching.

use std::sync::Arc;

use api::{
    BodyInfo, CallDetail, CallId, CallState, CallSummary, Cost, CostSource, Lineage, Operation, ReportSource,
    Timing, Usage, UsageSource,
};
use model::telemetry::reading::LogReading;
use model::telemetry::wire::{Attributes, LogRecord, Origin, Value};
use store::{Body, CallRecord, LogWrite, Reports, Store, Write};
use tempfile::TempDir;

pub(crate) async fn open() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
    (store, folder)
}

/// A request that says this.
pub(crate) fn said(text: &str) -> String {
    format!(r#"{{"messages":[{{"role":"user","content":"{text}"}}]}}"#)
}

pub(crate) fn call(request: &str, answer: &str) -> CallRecord {
    let summary = CallSummary {
        id: CallId::new(uuid::Uuid::now_v7()),
        started_ms: 1_000,
        duration_us: Some(5_000),
        first_byte_us: None,
        first_token_us: None,
        state: CallState::Complete,
        provider: "openai".into(),
        operation: Operation::Chat,
        client: None,
        method: "POST".into(),
        path: "/v1/chat/completions".into(),
        status: Some(200),
        model: Some("gpt-4o".into()),
        title: None,
        streamed: false,
        usage: Usage::default(),
        usage_source: UsageSource::Provider,
        cost: None,
        cost_source: CostSource::Unknown,
        equivalent: None,
        finish_reason: None,
        error: None,
        session_id: None,
        lineage: Lineage::default(),
        trace_id: None,
        parent_id: None,
        retry_of: None,
        replay_of: None,
        tags: Vec::new(),
        sources: vec![ReportSource::Proxy],
        in_trace: None,
    };
    let body = BodyInfo { wire_bytes: request.len() as u64, ..BodyInfo::default() };
    let detail = CallDetail {
        summary,
        upstream: "api.openai.com".into(),
        upstream_path: None,
        query: None,
        http_version: "HTTP/1.1".into(),
        requested_model: None,
        response_id: request.contains("foo::bar").then(|| "resp_one".to_owned()),
        request_id: None,
        credential: None,
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        request_body: body,
        response_body: BodyInfo::default(),
        cost: Cost::default(),
        timing: Timing::default(),
        translated: None,
        reports: Vec::new(),
    };
    CallRecord {
        detail,
        request: Body { bytes: request.to_owned().into_bytes().into(), segmented: true },
        response: Body::default(),
        client: None,
        answer_text: answer.to_owned(),
        billed: model::pricing::Facts::default(),
        ties: store::Ties::default(),
    }
}

/// Stores calls; their ids in the same order.
pub(crate) async fn put_calls(store: &Store, calls: Vec<CallRecord>) -> Vec<CallId> {
    let ids = calls.iter().map(|call| call.detail.summary.id).collect();
    let writes: Vec<Write> = calls.into_iter().map(|call| Write::Close(Box::new(call))).collect();
    store.write(&writes).await.unwrap();
    ids
}

/// A log record, `at` milliseconds after another, that names a tool.
pub(crate) fn log(at: u64, body: &str, tool: &str) -> LogWrite {
    let attributes = Attributes(vec![("tool.name".to_owned(), Value::Text(tool.to_owned()))]);
    let time_ns = 1_790_000_000_000_000_000 + at * 1_000_000;
    LogWrite {
        record: LogRecord { time_ns, body: Value::Text(body.into()), attributes, ..LogRecord::default() },
        origin: Arc::new(Origin::default()),
        reading: LogReading::default(),
    }
}

pub(crate) async fn put_logs(store: &Store, logs: Vec<LogWrite>) {
    let batch = store.prepare_telemetry(vec![Reports { logs, ..Reports::default() }], 0).unwrap();
    store.commit_telemetry(&[batch]).await.unwrap();
}
