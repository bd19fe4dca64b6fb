//! A store that cannot write for a while: senders are told to come again, nothing that was acknowledged is lost, nothing
//! is kept in memory meanwhile, and taking goes on by itself.

use api::HealthStatus;
use sqlx::{Connection, SqliteConnection};
use tests::otlp::{Corpus, Encoding, Export, Grpc, Packing, spans_named};
use tests::{App, Mock, Setup, memory, wait_until};

use crate::disk::Disk;

/// Spans in a batch.
const EACH: usize = 50;

fn batch(number: u64) -> Export {
    let text = "what a span says when there is much to say ".repeat(40);
    spans_named(number, "faults", (0..EACH).map(|span| format!("{span} {text}")))
}

/// Each way of asking is told to come again, and when.
async fn come_again(app: &App, number: u64) {
    let export = batch(number);
    for (address, encoding) in [
        (app.otlp_http, Encoding::Protobuf),
        (app.otlp_http, Encoding::Json),
        (app.dashboard, Encoding::Protobuf),
    ] {
        let answer = export.send(address, encoding, Packing::None).await;
        assert_eq!(answer.status(), 503, "{}", answer.text());
        let seconds: u64 = answer.head.header("retry-after").expect("when to come again").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    let status = Grpc::to(app.otlp_grpc).send(&export).await.unwrap_err();
    assert_eq!(status.code(), tests::otlp::Code::Unavailable, "{status}");
    let [_, logs, metrics] = Corpus::new(number).exports();
    for export in [logs, metrics] {
        let answer = export.send(app.otlp_http, Encoding::Json, Packing::Gzip).await;
        assert_eq!(answer.status(), 503, "{}", answer.text());
    }
}

/// Sends until it is taken, as senders do.
async fn until_taken(app: &App, export: &Export) {
    wait_until("a batch to be taken", async || {
        let answer = export.send(app.otlp_http, Encoding::Protobuf, Packing::None).await;
        match answer.status() {
            200 => Some(()),
            503 => None,
            other => panic!("{other}: {}", answer.text()),
        }
    })
    .await;
}

async fn has_spans(app: &App, batches: u64) {
    let traces = app.traces().await;
    assert_eq!(traces.len() as u64, batches);
    assert!(traces.iter().all(|trace| trace.spans == EACH as u64), "each span once: {traces:?}");
}

#[tokio::test]
async fn during_a_locked_database_senders_are_asked_to_come_again() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    batch(1).deliver(app.otlp_http).await;
    let address = format!("sqlite://{}", app.data().join("data.db").display());
    let mut other = SqliteConnection::connect(&address).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    come_again(&app, 2).await;
    let health = app.health().await;
    assert_eq!(health.status, HealthStatus::Degraded);
    assert!(health.problems.join("\n").contains("cannot write to"), "{:?}", health.problems);
    assert!(health.collected.refused > 4 * EACH as u64, "{:?}", health.collected);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    // It goes on by itself, and what comes again is there once.
    until_taken(&app, &batch(2)).await;
    until_taken(&app, &batch(3)).await;
    has_spans(&app, 3).await;
    wait_until("all to be well", async || (app.health().await.status == HealthStatus::Ok).then_some(()))
        .await;
    let said = |line: &str| app.log().matches(line).count();
    wait_until("the log to say so", async || (said("reports are stored again") > 0).then_some(())).await;
    assert_eq!((said("reports could not be stored"), said("reports are stored again")), (1, 1));
    let app = app.kill().setup.start().await;
    has_spans(&app, 3).await;
}

/// However many senders push, what waits is bounded: they are asked to come again instead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_never_grows_memory() {
    const SENDERS: u64 = 24;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    batch(1).deliver(app.otlp_http).await;
    let before = memory(app.process_id());
    let address = format!("sqlite://{}", app.data().join("data.db").display());
    let mut other = SqliteConnection::connect(&address).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        let to = app.otlp_http;
        senders.spawn(async move {
            // 24 times 10 MB at once, over and over.
            let large = "0123456789abcdef".repeat(1 << 15);
            let export = spans_named(100 + sender, "flood", (0..20).map(|number| format!("{number}{large}")));
            for _ in 0..4 {
                let answer = export.send(to, Encoding::Protobuf, Packing::None).await;
                assert_eq!(answer.status(), 503, "{}", answer.text());
            }
        });
    }
    let mut most = 0;
    wait_until("the senders to have tried", async || {
        most = most.max(memory(app.process_id()));
        while senders.try_join_next().map(Result::unwrap).is_some() {}
        senders.is_empty().then_some(())
    })
    .await;
    let grown = most.saturating_sub(before) >> 20;
    println!("{SENDERS} senders of 10 MB each: {grown} MB more at most");
    assert!(grown < 700, "{grown} MB more");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    until_taken(&app, &batch(2)).await;
    has_spans(&app, 2).await;
}

#[tokio::test]
async fn on_a_full_disk_senders_are_asked_to_come_again() {
    let mock = Mock::start().await;
    let setup = Setup::new(mock.address());
    std::fs::create_dir_all(setup.data()).unwrap();
    let disk = Disk::for_test();
    println!("the disk is {disk:?}");
    let app = disk.start(setup).await;
    batch(1).deliver(app.otlp_http).await;
    app.digested().await;
    let full = disk.fill(&app);
    // What still fits into the log that is there may be taken; then no more.
    let mut taken = 1;
    wait_until("the disk to be full", async || {
        let answer = batch(taken + 1).send(app.otlp_http, Encoding::Protobuf, Packing::None).await;
        match answer.status() {
            200 => {
                taken += 1;
                None
            }
            503 => {
                assert!(answer.head.header("retry-after").is_some());
                Some(())
            }
            other => panic!("{other}: {}", answer.text()),
        }
    })
    .await;
    come_again(&app, 10_000).await;
    assert_eq!(app.health().await.status, HealthStatus::Degraded);
    full.release();
    until_taken(&app, &batch(10_001)).await;
    has_spans(&app, taken + 1).await;
    wait_until("all to be well", async || (app.health().await.status == HealthStatus::Ok).then_some(()))
        .await;
    println!("{taken} batches were acknowledged before the disk was full, all there");
}
