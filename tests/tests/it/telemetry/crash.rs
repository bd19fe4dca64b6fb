//! Killed while it takes OTLP: every batch that was answered with success is there after the next start, whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use api::LogFilter;
use tests::otlp::proto::collector::logs::v1::ExportLogsServiceRequest;
use tests::otlp::proto::common::v1::{AnyValue, any_value};
use tests::otlp::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use tests::otlp::proto::resource::v1::Resource;
use tests::otlp::{Encoding, Export, Packing, spans_named, text};
use tests::{App, Mock, wait_until};

use super::Way;

const KILLS: u64 = 50;
/// Spans or records in a batch.
const EACH: usize = 20;

/// Batches that were answered with success: spans by trace, log records by service.
#[derive(Debug, Default)]
struct Taken {
    traces: Mutex<BTreeMap<u64, String>>,
    logs: Mutex<Vec<String>>,
}

impl Taken {
    fn count(&self) -> usize {
        self.traces.lock().unwrap().len() + self.logs.lock().unwrap().len()
    }
}

fn logs(service: &str) -> Export {
    let records = (0..EACH).map(|number| LogRecord {
        time_unix_nano: 1_795_300_000_000_000_000 + number as u64,
        body: Some(AnyValue { value: Some(any_value::Value::StringValue(format!("line {number}"))) }),
        ..LogRecord::default()
    });
    let scope_logs = vec![ScopeLogs { log_records: records.collect(), ..ScopeLogs::default() }];
    let resource = Resource { attributes: vec![text("service.name", service)], ..Resource::default() };
    let resource_logs =
        vec![ResourceLogs { resource: Some(resource), scope_logs, ..ResourceLogs::default() }];
    Export::Logs(ExportLogsServiceRequest { resource_logs })
}

/// Sends until nobody answers any more.
async fn sender(app: Arc<App>, way: Way, number: Arc<AtomicU64>, taken: Arc<Taken>, of_logs: bool) {
    loop {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let service = format!("batch {number}");
        let export = match of_logs {
            true => logs(&service),
            false => spans_named(number, &service, (0..EACH).map(|span| format!("{service}, span {span}"))),
        };
        if way.send(&app, &export).await != Ok(0) {
            return;
        }
        match of_logs {
            true => taken.logs.lock().unwrap().push(service),
            false => drop(taken.traces.lock().unwrap().insert(number, service)),
        }
    }
}

/// Everything of a batch is there, and once.
async fn check(app: &App, traces: &BTreeMap<u64, String>, logs: &[String]) {
    for (number, service) in traces {
        let found = app.trace(&super::hex(&trace_id(*number))).await;
        let mut names: Vec<String> = found.spans.into_iter().map(|span| span.name).collect();
        names.sort();
        let mut sent: Vec<String> = (0..EACH).map(|span| format!("{service}, span {span}")).collect();
        sent.sort();
        assert_eq!(names, sent, "{service}");
    }
    for service in logs {
        let filter = LogFilter { service: Some(service.clone()), ..LogFilter::default() };
        assert_eq!(app.logs(&filter).await.len(), EACH, "{service}");
    }
}

fn trace_id(number: u64) -> Vec<u8> {
    let Export::Traces(request) = spans_named(number, "", [String::new()]) else { unreachable!() };
    request.resource_spans[0].scope_spans[0].spans[0].trace_id.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_fifty_kills_every_acknowledged_batch_is_there() {
    let mock = Mock::start().await;
    let mut app = App::start(mock.address()).await;
    let number = Arc::new(AtomicU64::new(1));
    let (mut traces, mut lines) = (BTreeMap::new(), Vec::new());
    for kill in 1..=KILLS {
        let taken = Arc::new(Taken::default());
        let running = Arc::new(app);
        let mut senders = tokio::task::JoinSet::new();
        for (way, of_logs) in [
            (Way::Http(Encoding::Protobuf, Packing::None), false),
            (Way::Dashboard(Encoding::Json, Packing::Gzip), false),
            (Way::Grpc(true), false),
            (Way::Http(Encoding::Protobuf, Packing::Zstd), true),
        ] {
            senders.spawn(sender(running.clone(), way, number.clone(), taken.clone(), of_logs));
        }
        // Another moment each time.
        let enough = usize::try_from(kill * 7 % 23 + 1).unwrap();
        wait_until("batches to be taken", async || (taken.count() >= enough).then_some(())).await;
        running.kill_now();
        while let Some(done) = senders.join_next().await {
            done.unwrap();
        }
        let ended = Arc::into_inner(running).expect("the senders are gone").ends().await;
        app = ended.setup.start().await;
        let taken = Arc::into_inner(taken).expect("the senders are gone");
        let (now, now_logs) = (taken.traces.into_inner().unwrap(), taken.logs.into_inner().unwrap());
        check(&app, &now, &now_logs).await;
        traces.extend(now);
        lines.extend(now_logs);
    }
    // What earlier starts kept is still there, and what was left to digest is digested.
    app.digested().await;
    check(&app, &traces, &lines).await;
    println!(
        "{KILLS} kills: {} batches of spans and {} of log records were acknowledged, all there",
        traces.len(),
        lines.len()
    );
    let finished = app.stop();
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    let database = finished.setup.data().join("data.db");
    let address = format!("sqlite://{}", database.display());
    let mut database = <sqlx::SqliteConnection as sqlx::Connection>::connect(&address).await.unwrap();
    let found: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut database).await.unwrap();
    assert_eq!(found, "ok");
}
