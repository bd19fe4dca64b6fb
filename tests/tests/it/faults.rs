//! Two hundred streams at once while, in turn, the upstream dies, the clients die, the disk fills, the database is locked
//! and a parser panics. Each client's transcript is compared with the same fault without us; the records say what
//! happened, and recording goes on by itself.

use api::{BodySide, CallState, HealthStatus};
use futures_util::future::join_all;
use sqlx::Connection;
use tests::{App, Client, Dialect, Ended, HeaderLine, Mock, Plan, Setup, Step, send, wait_until};

use crate::disk::Disk;
use crate::requests::{ask, direct};

const STREAMS: usize = 200;
/// A text that the parser is told to trip over.
const TRAP: &str = "trip over this";

/// Everything one client saw.
#[derive(Debug, PartialEq, Eq)]
struct Transcript {
    status: u16,
    headers: Vec<HeaderLine>,
    body: Vec<u8>,
    ended: Ended,
}

/// Compares what clients saw without us and through us, and keeps the score.
#[derive(Default)]
struct Score {
    compared: usize,
    different: usize,
}

impl Score {
    fn compare(&mut self, what: &str, without: &[Transcript], through: &[Transcript]) {
        assert_eq!((without.len(), through.len()), (STREAMS, STREAMS));
        for (number, (without, through)) in without.iter().zip(through).enumerate() {
            self.compared += 1;
            if without != through {
                self.different += 1;
                println!("{what}, stream {number}: {without:?} became {through:?}");
            }
        }
    }

    fn finish(self, what: &str) {
        println!("{what}: compared {}, different {}", self.compared, self.different);
        assert_eq!(self.different, 0);
    }
}

fn dialect(number: usize) -> Dialect {
    Dialect::COMMON[number % Dialect::COMMON.len()]
}

/// Every fourth prompt is the parser's trap.
fn prompt(number: usize) -> String {
    if number.is_multiple_of(4) { format!("{TRAP} {number}") } else { format!("stream {number}") }
}

/// Answers whose streams wait after their first piece.
fn hold(mock: &Mock) {
    mock.answer(|received| {
        let mut answer = Plan::default().answer(received);
        answer.steps.insert(1, Step::Gate);
        answer
    });
}

/// All streams under way, each with its first piece read.
async fn open(address: std::net::SocketAddr, through: bool) -> Vec<(Client, Transcript)> {
    let opening = (0..STREAMS).map(async |number| {
        let asked = ask(dialect(number), true, &prompt(number), "");
        let asked = if through { asked } else { direct(&asked) };
        let mut client = Client::open(address, &asked).await;
        let head = client.head().await.expect("a head");
        let status = head.start.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = head.end_to_end();
        headers.sort_by(|one, other| (&one.name, &one.value).cmp(&(&other.name, &other.value)));
        let body = client.piece().await.unwrap().unwrap();
        (client, Transcript { status, headers, body, ended: Ended::Nothing })
    });
    join_all(opening).await
}

/// What each client saw in the end.
async fn finish(streams: Vec<(Client, Transcript)>) -> Vec<Transcript> {
    let finishing = streams.into_iter().map(async |(client, transcript)| {
        let rest = client.rest().await;
        let body = [transcript.body, rest.body].concat();
        Transcript { body, ended: rest.ended, ..transcript }
    });
    join_all(finishing).await
}

/// The same round without us and through us, with `fault` around the second one only.
async fn whole_round(mock: &Mock, address: std::net::SocketAddr, through: bool) -> Vec<Transcript> {
    hold(mock);
    let streams = open(address, through).await;
    mock.open_gate(STREAMS);
    finish(streams).await
}

async fn goes_on(app: &App, mock: &Mock, recorded: usize) {
    mock.follow(Plan::default());
    let response = send(app.proxy, &ask(Dialect::Chat, true, "And on", "")).await;
    assert_eq!((response.status(), response.ended), (200, Ended::Whole));
    assert_eq!(app.recorded(recorded + 1).await[0].state, CallState::Complete, "recording goes on by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_upstream_dies() {
    let mut score = Score::default();
    let mock = Mock::start().await;
    let address = mock.address();
    hold(&mock);
    let streams = open(address, false).await;
    mock.stop().await;
    let without = finish(streams).await;
    assert!(without.iter().all(|seen| seen.ended == Ended::Broken));

    let mock = Mock::start_on(address).await;
    let app = App::start(address).await;
    hold(&mock);
    let streams = open(app.proxy, true).await;
    mock.stop().await;
    let through = finish(streams).await;
    score.compare("the upstream dies", &without, &through);
    let calls = app.recorded(STREAMS).await;
    assert!(
        calls.iter().all(|call| call.state == CallState::Truncated && call.error.is_some()),
        "{:?}",
        calls[0]
    );
    // While it is dead, that is said; when it is back, nobody has to do anything.
    let dead = send(app.proxy, &ask(Dialect::Chat, true, "Dead", "")).await;
    assert!(dead.status() == 502 && dead.text().contains("nothing listens there"), "{}", dead.text());
    let mock = Mock::start_on(address).await;
    goes_on(&app, &mock, STREAMS + 1).await;
    score.finish("the upstream dies");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_die() {
    let mut score = Score::default();
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut seen = Vec::new();
    for through in [false, true] {
        hold(&mock);
        mock.take();
        let streams = open(if through { app.proxy } else { mock.address() }, through).await;
        seen.push(streams.into_iter().map(|(_, transcript)| transcript).collect::<Vec<_>>());
        let exchanges = mock.ended(STREAMS).await;
        let left = exchanges.iter().filter(|exchange| exchange.sent.as_ref().unwrap().client_left).count();
        assert_eq!(left, STREAMS, "the upstream hears of every one, through us: {through}");
    }
    score.compare("the clients die", &seen[0], &seen[1]);
    let calls = app.recorded(STREAMS).await;
    assert!(calls.iter().all(|call| call.state == CallState::Cancelled), "{:?}", calls[0]);
    goes_on(&app, &mock, STREAMS).await;
    score.finish("the clients die");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_is_locked() {
    let mut score = Score::default();
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let without = whole_round(&mock, mock.address(), false).await;
    let database = format!("sqlite://{}", app.data().join("data.db").display());
    let mut other = sqlx::SqliteConnection::connect(&database).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let through = whole_round(&mock, app.proxy, true).await;
    score.compare("the database is locked", &without, &through);
    cannot_write(&app).await;
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    complete(&app, STREAMS).await;
    goes_on(&app, &mock, STREAMS).await;
    score.finish("the database is locked");
}

/// Writing was tried in vain, and the page says so; the calls wait.
async fn cannot_write(app: &App) {
    wait_until("a failed attempt to write", async || app.log().contains("trying again").then_some(())).await;
    let health = app.health().await;
    assert_eq!((health.status, health.completeness.lost), (HealthStatus::Degraded, 0), "{health:?}");
    assert!(health.completeness.recorded < STREAMS as u64, "{health:?}");
    assert!(health.problems.iter().any(|problem| problem.contains("cannot write to")), "{health:?}");
}

/// All calls are there, complete, and none is lost.
async fn complete(app: &App, count: usize) {
    let calls = app.recorded(count).await;
    assert!(calls.iter().all(|call| call.state == CallState::Complete), "{:?}", calls[0]);
    let counted = app.health().await.completeness;
    assert_eq!((counted.recorded, counted.lost), (count as u64, 0), "{counted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parser_panics() {
    let mut score = Score::default();
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).variable("LLMFLOW_TEST_PARSER_FAULT", TRAP).start().await;
    let without = whole_round(&mock, mock.address(), false).await;
    let through = whole_round(&mock, app.proxy, true).await;
    score.compare("a parser panics", &without, &through);
    let calls = app.recorded(STREAMS).await;
    let (unread, read): (Vec<_>, Vec<_>) = calls.iter().partition(|call| call.title.is_none());
    assert_eq!(unread.len(), STREAMS.div_ceil(4), "only those that it tripped over");
    assert!(read.iter().all(|call| call.state == CallState::Complete && !call.usage.is_unknown()));
    for call in &unread {
        assert!(call.error.as_ref().unwrap().contains("could not read"), "{:?}", call.error);
        assert_eq!((call.status, call.usage.is_unknown()), (Some(200), true));
    }
    let kept = app.body(unread[0].id, BodySide::Request).await;
    assert!(kept.contains(TRAP), "what was sent is kept as it came");
    assert_eq!(app.health().await.completeness.lost, 0);
    goes_on(&app, &mock, STREAMS).await;
    score.finish("a parser panics");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_fills() {
    let mut score = Score::default();
    let mock = Mock::start().await;
    let setup = Setup::new(mock.address());
    std::fs::create_dir_all(setup.data()).unwrap();
    let disk = Disk::for_test();
    println!("the disk is {disk:?}");
    let app = disk.start(setup).await;
    let without = whole_round(&mock, mock.address(), false).await;
    let full = disk.fill(&app);
    let through = whole_round(&mock, app.proxy, true).await;
    score.compare("the disk fills", &without, &through);
    cannot_write(&app).await;
    full.release();
    complete(&app, STREAMS).await;
    goes_on(&app, &mock, STREAMS).await;
    score.finish("the disk fills");
}
