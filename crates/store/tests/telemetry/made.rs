//! Reports made for tests.

use std::sync::Arc;

use model::telemetry::reading::{LogReading, ReportedCall, SpanReading, Whose};
use model::telemetry::wire::{Attributes, LogRecord, Origin, Resource, Scope, Span, Value};
use store::{LogWrite, Reports, SpanWrite, Store};
use tempfile::TempDir;

pub(crate) const START: u64 = 1_790_000_000_000_000_000;

pub(crate) async fn store() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
    (store, folder)
}

pub(crate) fn text(key: &str, value: &str) -> (String, Value) {
    (key.to_owned(), Value::Text(value.to_owned()))
}

pub(crate) fn origin(service: &str) -> Arc<Origin> {
    let attributes = Attributes(vec![text("service.name", service)]);
    Arc::new(Origin {
        resource: Resource { attributes, ..Resource::default() },
        scope: Scope { name: "made".into(), ..Scope::default() },
    })
}

/// Span `number` of trace `trace`; 0 is the root.
pub(crate) fn span(trace: u64, number: u64, parent: Option<u64>) -> SpanWrite {
    let mut trace_id = [7; 16];
    trace_id[..8].copy_from_slice(&trace.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let id = |number: u64| (number + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes();
    let start_ns = START + trace * 1_000_000_000 + number * 1_000_000;
    SpanWrite {
        span: Span {
            trace_id,
            span_id: id(number),
            parent: parent.map(id),
            name: format!("step {number}"),
            start_ns,
            end_ns: start_ns + 500_000,
            ..Span::default()
        },
        origin: origin("app"),
        reading: SpanReading { whose: whose(), ..SpanReading::default() },
    }
}

fn whose() -> Whose {
    Whose { service: Some("app".into()), ..Whose::default() }
}

pub(crate) fn calls(mut write: SpanWrite) -> SpanWrite {
    write.reading.call = Some(ReportedCall::default());
    write
}

/// A log record `at` milliseconds after the start.
pub(crate) fn log(at: u64, body: &str) -> LogWrite {
    let time_ns = START + at * 1_000_000;
    LogWrite {
        record: LogRecord { time_ns, body: Value::Text(body.into()), ..LogRecord::default() },
        origin: origin("app"),
        reading: LogReading { whose: whose(), ..LogReading::default() },
    }
}

pub(crate) fn spans(spans: impl IntoIterator<Item = SpanWrite>) -> Reports {
    Reports { spans: spans.into_iter().collect(), ..Reports::default() }
}

pub(crate) fn logs(logs: impl IntoIterator<Item = LogWrite>) -> Reports {
    Reports { logs: logs.into_iter().collect(), ..Reports::default() }
}

pub(crate) async fn put(store: &Store, requests: Vec<Reports>) -> store::Committed {
    let batch = store.prepare_telemetry(requests, 0).unwrap();
    store.commit_telemetry(&[batch]).await.unwrap()
}
