//! Memory and disk are bounded; what does not fit is cut or lost, counted, and never felt by the call.

use api::BodySide;
use tests::{
    Answer, App, Client, Dialect, Ended, Framing, Line, Mock, Setup, Step, send, sha256, wait_until,
};

use crate::requests::{ask, request};

const LARGE: usize = 3 * 1024 * 1024;

fn large(byte: u8) -> Vec<u8> {
    vec![byte; LARGE]
}

#[tokio::test]
async fn a_body_over_the_limit_goes_through_whole_and_is_kept_cut() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings("max_body_mb = 1").start().await;
    mock.answer(|_| Answer::stream("text/plain", large(b'b').chunks(30_000).map(<[u8]>::to_vec).collect()));
    let response =
        send(app.proxy, &request("POST", "/v1/files", "Content-Type: text/plain\r\n", &large(b'a'))).await;
    assert_eq!((response.body.len(), response.ended), (LARGE, Ended::Whole));
    assert_eq!(mock.ended(1).await[0].received.body, large(b'a'), "the upstream gets all of it");

    let call = app.recorded(1).await.remove(0);
    let detail = app.call(call.id).await;
    for (info, byte, side) in
        [(&detail.request_body, b'a', BodySide::Request), (&detail.response_body, b'b', BodySide::Response)]
    {
        assert!(info.cut, "{info:?}");
        assert_eq!(info.wire_bytes, LARGE as u64);
        assert_eq!(info.wire_sha256, Some(sha256(&large(byte))), "the hash is of everything that went by");
        assert!(info.stored_bytes <= 1 << 20 && info.stored_bytes > 1 << 19, "{info:?}");
        let kept = app.body(call.id, side).await;
        assert_eq!(kept.len() as u64, info.stored_bytes);
        assert!(kept.bytes().all(|kept| kept == byte));
    }
    let health = app.health().await;
    assert_eq!((health.completeness.cut, health.completeness.recorded), (2, 1));
}

/// Many large streams at once want more memory than there is: they are cut, all calls go through.
#[tokio::test]
async fn the_memory_budget_holds_over_all_calls_together() {
    const CALLS: usize = 8;
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings("memory_mb = 4").start().await;
    mock.answer(|_| {
        let mut answer =
            Answer::stream("text/plain", large(b'b').chunks(30_000).map(<[u8]>::to_vec).collect());
        answer.steps.push(Step::Gate);
        answer
    });
    let mut clients = Vec::new();
    for _ in 0..CALLS {
        let mut client = Client::open(app.proxy, &request("GET", "/v1/large", "", b"")).await;
        client.head().await.unwrap();
        client.bytes(LARGE).await;
        clients.push(client);
    }
    // All of them are held open with their copies.
    mock.open_gate(CALLS);
    for client in clients {
        assert_eq!(client.rest().await.ended, Ended::Whole);
    }
    let calls = app.recorded(CALLS).await;
    let mut kept = 0;
    for call in &calls {
        let detail = app.call(call.id).await;
        assert_eq!(detail.response_body.wire_sha256, Some(sha256(&large(b'b'))));
        kept += detail.response_body.stored_bytes;
    }
    assert!(kept <= 4 << 20, "{kept} bytes were held at once");
    assert!(app.health().await.completeness.cut >= CALLS as u64 - 1);

    // The memory comes back: the next one is kept whole.
    mock.answer(|_| Answer::whole(200, "text/plain", large(b'c')));
    send(app.proxy, &request("GET", "/v1/large", "", b"")).await;
    let call = app.recorded(CALLS + 1).await.remove(0);
    assert!(!app.call(call.id).await.response_body.cut);
}

/// Uploads whose model comes late are held back while it is looked for: within the budget, and counted as calls
/// under way.
#[tokio::test]
async fn bodies_that_are_looked_into_are_bounded() {
    let mock = Mock::start().await;
    let address = mock.address();
    let app = Setup::new(address)
        .variable("LLMFLOW_UPSTREAM_AZURE", &format!("http://{address}/{{resource}}"))
        .variable("AZURE_OPENAI_RESOURCE", "ours")
        .settings("memory_mb = 1")
        .start()
        .await;
    let head = "POST /azure/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n{\"input\":\"";
    let in_flight =
        async || send(app.proxy, &request("GET", "/health", "", b"")).await.json()["in_flight"].clone();
    let mut lines = Vec::new();
    for number in 1..=2 {
        let mut line = Line::connect(app.proxy).await;
        line.write(head).await;
        wait_until("the call to be under way", async || (in_flight().await == number).then_some(())).await;
        lines.push(line);
    }
    // Both together want more than there is.
    let uploads = lines.iter_mut().map(|line| {
        Box::pin(async move {
            line.write(vec![b'x'; 600_000]).await;
            line.head().await
        })
    });
    let (said, _, _) = futures_util::future::select_all(uploads).await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    assert!(said.to_ascii_lowercase().contains("\r\nretry-after: "), "{said}");
    // Its memory goes with it, and the next is let through.
    drop(lines);
    let body = format!("{{\"input\":\"{}\",\"model\":\"m\"}}", "x".repeat(300_000));
    let post = request("POST", "/azure/v1/chat/completions", "", body.as_bytes());
    wait_until("the memory to be free", async || {
        (send(app.proxy, &post).await.status() == 200).then_some(())
    })
    .await;
    assert_eq!(mock.exchanges()[0].received.body, body.as_bytes());
}

/// The database is locked by somebody else while calls come in: calls go on, and every one is accounted for.
#[tokio::test]
async fn a_store_that_cannot_write_never_breaks_a_call() {
    const CALLS: u64 = 40;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let lock = Lock::take(&app.data().join("data.db")).await;
    for _ in 0..CALLS {
        let response = send(app.proxy, &ask(Dialect::Chat, true, "While locked", "")).await;
        assert_eq!((response.status(), response.ended), (200, Ended::Whole));
    }
    let health = app.health().await;
    let counted = health.completeness;
    assert_eq!(counted.seen, CALLS);
    assert_eq!(counted.recorded + counted.lost + counted.waiting, CALLS, "{counted:?}");
    lock.release().await;
    let after = wait_until("everything accounted for", async || {
        let counted = app.health().await.completeness;
        (counted.recorded + counted.lost == CALLS).then_some(counted)
    })
    .await;
    assert_eq!(after.lost, 0, "a short lock is waited out: {after:?}");
    assert_eq!(app.calls().await.len() as u64, CALLS);
}

/// A foreign hold on the database's write lock.
struct Lock(sqlx::SqliteConnection);

impl Lock {
    async fn take(path: &std::path::Path) -> Self {
        use sqlx::ConnectOptions;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection = options.connect().await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        Self(connection)
    }

    async fn release(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.0).await.unwrap();
    }
}

/// More calls than the queue takes while nothing can be written: records are lost and counted, no call is.
#[tokio::test]
async fn a_full_queue_loses_records_and_counts_them() {
    // The queue takes 16,384 captures and a call makes up to four; calls are refused at the upstream's port so that
    // they are quick.
    const CALLS: u64 = 9_000;
    const AT_ONCE: u64 = 30;
    let mock = Mock::start().await;
    mock.answer(|_| {
        let mut answer = Answer::whole(200, "text/plain", "ok");
        answer.framing = Framing::Length;
        answer
    });
    let began = std::time::SystemTime::now();
    let app = Setup::new(mock.address()).log("error").start().await;
    let lock = Lock::take(&app.data().join("data.db")).await;
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let proxy = app.proxy;
        set.spawn(async move {
            let one = request("GET", "/v1/models/x", "", b"");
            for _ in 0..CALLS / AT_ONCE {
                let response = send(proxy, &one).await;
                assert_eq!((response.status(), response.text().as_str()), (200, "ok"));
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done.unwrap();
    }
    lock.release().await;
    let counted = wait_until("everything accounted for", async || {
        let counted = app.health().await.completeness;
        (counted.recorded + counted.lost == CALLS).then_some(counted)
    })
    .await;
    assert_eq!((counted.seen, counted.open, counted.waiting), (CALLS, 0, 0), "{counted:?}");
    let reply = app.ask(&api::Request::GetStats { filter: api::CallFilter::default() }).await;
    let api::Reply::Stats(stats) = reply else { panic!("{reply:?}") };
    println!("{CALLS} calls, all answered; {counted:?}; {} in the store", stats.calls);
    assert!(stats.calls >= counted.recorded, "what is reported as recorded is there");
    // The meter tells the same by day, with the reasons.
    let from_ms =
        i64::try_from(began.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap() - 1_000;
    let bounds_ms = vec![from_ms, from_ms + 43_200_000, from_ms + 86_400_000];
    let meter = wait_until("the meter to have caught up", async || {
        let reply = app.ask(&api::Request::GetMeter { bounds_ms: bounds_ms.clone() }).await;
        let api::Reply::Meter(meter) = reply else { panic!("{reply:?}") };
        let points = meter.tools.iter().flat_map(|tool| &tool.points).map(|point| &point.count);
        let sum = api::MeterCount::sum(points);
        (sum.lost == counted.lost && sum.open == 0).then_some((meter, sum))
    })
    .await;
    let (meter, sum) = meter;
    assert_eq!((sum.seen, sum.recorded), (CALLS, counted.recorded), "{sum:?}");
    assert_eq!(meter.lost.iter().map(|lost| lost.calls).sum::<u64>(), counted.lost, "{:?}", meter.lost);
    if counted.lost > 0 {
        let health = app.health().await;
        assert_eq!(health.status, api::HealthStatus::Degraded);
        assert!(health.problems.iter().any(|problem| problem.contains("not be recorded")), "{health:?}");
    }
}
