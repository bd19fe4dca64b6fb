//! How long questions take over a million spans, log records and points, and 300,000 calls. Printed, not asserted: run with
//! `cargo test --release -p store --test telemetry -- --ignored --nocapture scale`.

use std::time::Instant;

use api::{CallFilter, LogFilter, MetricFilter, MetricKind, MetricQuery, PointFilter};
use model::telemetry::reading::Whose;
use model::telemetry::wire::{Attributes, Metric, MetricData, Number, NumberPoint, PointHead};
use sqlx::{Connection, SqliteConnection};
use store::{MetricWrite, Reports, SpanWrite, Store};

use crate::made::{self, START};

const BATCHES: u64 = 1_000;

/// A call of every third span, and one in five of no trace.
const CALLS: &str = "INSERT INTO call (id, started_ms, duration_us, state, failed, provider, operation, method, path, \
    status, model, streamed, input, output, usage_source, cost, cost_source, sources, trace) \
    WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 300000) \
    SELECT randomblob(16), 1790000000000 + n * 300, 1000, 'complete', n % 100 = 0, 'openai', 'chat', 'OTLP', 'chat', \
    200, 'model-' || (n % 20), 0, 100, 10, 'provider', 1000, 'computed', 2, \
    CASE WHEN n % 5 > 0 THEN 1 + n / 3 END FROM number";

#[tokio::test]
#[ignore = "prints figures, which are worth nothing without --release"]
async fn scale() {
    let (store, folder) = made::store().await;
    for batch in 0..BATCHES {
        let origin = made::origin("app");
        let spans = (0..1_000).map(|number| SpanWrite {
            origin: origin.clone(),
            ..made::span(batch * 100 + number / 10, number % 10, (number % 10 > 0).then_some(0))
        });
        let logs = (0..1_000).map(|number| {
            let mut write = made::log(batch * 100_000 + number * 10, &format!("line {number} of {batch}"));
            write.origin = origin.clone();
            write.record.severity_number = i32::try_from(number % 20).unwrap();
            write.reading.event = Some(format!("event {}", number % 7));
            write
        });
        let points = (0..1_000).map(|number| NumberPoint {
            head: PointHead {
                attributes: Attributes(vec![made::text("series", &(number % 50).to_string())]),
                time_ns: START + batch * 100_000_000_000 + number * 1_000_000,
                start_ns: START - 1,
                flags: 0,
            },
            value: Some(Number::Int(i64::try_from(batch * 1_000 + number).unwrap())),
            exemplars: Vec::new(),
        });
        let data = MetricData::Sum { points: points.collect(), temporality: 2, monotonic: true };
        let metric = MetricWrite {
            metric: Metric { name: "count".into(), data, ..Metric::default() },
            origin: origin.clone(),
            whose: Whose { service: Some("app".into()), ..Whose::default() },
        };
        let reports = Reports { spans: spans.collect(), logs: logs.collect(), metrics: vec![metric] };
        let batch = store.prepare_telemetry(vec![reports], 0).unwrap();
        store.commit_telemetry(&[batch]).await.unwrap();
    }
    store.close().await.unwrap();
    let path = folder.path().join("data.db");
    let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::query(CALLS).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let store = Store::open(&path).await.unwrap().0;
    println!("{} MB", store.disk_bytes() >> 20);
    ask(&store).await;
}

async fn ask(store: &Store) {
    let every = CallFilter::default();
    let middle = i64::try_from(START / 1_000_000).unwrap() + 50_000_000;
    let day = CallFilter { from_ms: Some(middle), to_ms: Some(middle + 5_000_000), ..every.clone() };
    let model = CallFilter { model: Some("model-7".into()), ..every.clone() };
    let failed = CallFilter { outcome: Some(api::Outcome::Error), ..every.clone() };
    for (what, filter, offset) in [
        ("traces", &every, 0),
        ("traces, far down", &every, 80_000),
        ("traces of a time", &day, 0),
        ("traces of a model", &model, 0),
        ("traces with errors", &failed, 0),
    ] {
        for _ in 0..2 {
            let began = Instant::now();
            let page = store.list_traces(filter, 50, offset, None).await.unwrap();
            println!("{what}: {:?} ({} of {})", began.elapsed(), page.entries.len(), page.total);
        }
    }
    for (what, filter) in [
        ("logs", LogFilter::default()),
        ("logs of an event", LogFilter { event: Some("event 3".into()), ..LogFilter::default() }),
        ("logs with a text", LogFilter { text: Some("line 999 of 7".into()), ..LogFilter::default() }),
        ("logs of errors", LogFilter { severity_min: Some(17), ..LogFilter::default() }),
    ] {
        let began = Instant::now();
        let page = store.list_logs(&filter, 100, 0, None).await.unwrap();
        println!("{what}: {:?} ({})", began.elapsed(), page.total);
        let began = Instant::now();
        store.log_histogram(&filter, middle - 50_000_000, middle + 50_000_000, 60).await.unwrap();
        println!("{what} as bars: {:?}", began.elapsed());
    }
    let began = Instant::now();
    store.log_facets().await.unwrap();
    println!("services and events: {:?}", began.elapsed());
    let began = Instant::now();
    store.list_metrics(&MetricFilter::default()).await.unwrap();
    println!("metrics: {:?}", began.elapsed());
    let (name, service) = ("count".to_owned(), Some("app".to_owned()));
    let query = MetricQuery {
        name,
        service,
        kind: MetricKind::Sum,
        group: None,
        from_ms: middle,
        to_ms: middle + 10_000_000,
        bars: 60,
    };
    let began = Instant::now();
    store.metric_chart(&query).await.unwrap();
    println!("a chart of a tenth: {:?}", began.elapsed());
    let began = Instant::now();
    store.find_points(&PointFilter::default(), 50, 0, None).await.unwrap();
    println!("points: {:?}", began.elapsed());
}
