//! `--scale`: how fast answers come from a database with so many calls, how fast it was written, what a call takes in it,
//! and what looking after it costs calls that go through meanwhile.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use api::{CallFilter, GroupBy, Outcome, Page, Reply, RepriceScope, RepricingState, Request, SessionFilter};
use serde_json::{Value, json};

use crate::http::Connection;
use crate::load::{Requests, open_loop};
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::scale::{DAY_MS, DAYS, Filled, fill};
use crate::statistics::{Samples, Schedule, micros};
use crate::upstream::{Upstream, now_nanos};
use crate::{Options, database, say};

/// How often each question is asked, with other values each time.
const ASKED: usize = 60;
/// Spans of the large trace.
const SPANS: usize = 10_000;
const TRACE: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";
/// Calls that go through while something else is done.
const RATE: u32 = 1_000;
const LOAD_CONNECTIONS: usize = 64;
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Questions that are work themselves.
const SELDOM: Duration = Duration::from_secs(1);
/// Longer than a healthy build takes to make a million calls searchable.
const LONGEST_INDEX: Duration = Duration::from_secs(1_800);

/// A kind of question, with its goal in milliseconds.
struct Question {
    name: &'static str,
    goal: Option<f64>,
    ask: fn(&Asker, usize) -> Request,
}

/// What questions are made of.
struct Asker {
    calls: u64,
    from_ms: i64,
    to_ms: i64,
}

impl Asker {
    fn list(filter: CallFilter) -> Request {
        Request::ListCalls { filter, page: Page::default() }
    }

    /// A day of the time in which there are calls.
    fn day(&self, number: usize) -> (i64, i64) {
        let day = i64::try_from(number).unwrap_or(0) * 7 % (DAYS - 1);
        (self.from_ms + day * DAY_MS, self.from_ms + (day + 1) * DAY_MS)
    }

    /// `pieces` equal ones up to now, each `piece_ms` long.
    fn bounds(&self, pieces: i64, piece_ms: i64) -> Vec<i64> {
        let end = (self.to_ms / piece_ms + 1) * piece_ms;
        (0..=pieces).map(|piece| end - (pieces - piece) * piece_ms).collect()
    }
}

fn pick(number: usize, from: &[&str]) -> Option<String> {
    from.get(number % from.len().max(1)).map(|text| (*text).to_owned())
}

const WORDS: [&str; 8] = ["payload", "retry", "the", "jitter", "middleware", "gauge", "rollback", "church"];
const PHRASES: [&str; 4] = ["\"the of\"", "\"and to\"", "\"in is that\"", "\"for it\""];

const QUESTIONS: &[Question] = &[
    Question {
        name: "first page of calls",
        goal: Some(20.0),
        ask: |_, _| Asker::list(CallFilter::default()),
    },
    Question {
        name: "first page of traces",
        goal: Some(20.0),
        ask: |_, _| Request::ListTraces { filter: CallFilter::default(), limit: 50, after: None, offset: 0 },
    },
    Question {
        name: "first page of sessions",
        goal: Some(20.0),
        ask: |_, _| Request::ListSessions { filter: SessionFilter::default(), limit: 50, offset: 0 },
    },
    Question {
        name: "by model",
        goal: Some(50.0),
        ask: |_, at| {
            let model = pick(at, &["claude-sonnet-4-5-20250929", "gpt-5", "gpt-4o-mini", "no-such-model"]);
            Asker::list(CallFilter { model, ..CallFilter::default() })
        },
    },
    Question {
        name: "by provider and tool",
        goal: Some(50.0),
        ask: |_, at| {
            let (provider, client) =
                (pick(at, &["anthropic", "openai"]), pick(at / 2, &["codex", "claude-code"]));
            Asker::list(CallFilter { provider, client, ..CallFilter::default() })
        },
    },
    Question {
        name: "failed",
        goal: Some(50.0),
        ask: |_, at| {
            let status = (at % 2 == 1).then_some(529);
            Asker::list(CallFilter { outcome: Some(Outcome::Error), status, ..CallFilter::default() })
        },
    },
    Question {
        name: "failed, of one model, on one day",
        goal: Some(50.0),
        ask: |asker, at| {
            let (from, to) = asker.day(at);
            Asker::list(CallFilter {
                model: pick(at, &["claude-sonnet-4-5-20250929", "gpt-4o-mini"]),
                outcome: Some(Outcome::Error),
                from_ms: Some(from),
                to_ms: Some(to),
                ..CallFilter::default()
            })
        },
    },
    Question {
        name: "by tag",
        goal: Some(50.0),
        ask: |_, at| {
            let tag = Some(format!("project:{}", at % 21));
            Asker::list(CallFilter { tag, ..CallFilter::default() })
        },
    },
    Question {
        name: "by session",
        goal: Some(50.0),
        ask: |asker, at| {
            let sessions = usize::try_from(asker.calls / 12).unwrap_or(1).max(1);
            let session_id = Some(format!("{:08x}-5a50-4c1e-9a3c-4f7a2f6f9b11", at * 7_919 % sessions));
            Asker::list(CallFilter { session_id, ..CallFilter::default() })
        },
    },
    Question {
        name: "on one day",
        goal: Some(50.0),
        ask: |asker, at| {
            let (from, to) = asker.day(at);
            Asker::list(CallFilter { from_ms: Some(from), to_ms: Some(to), ..CallFilter::default() })
        },
    },
    Question {
        name: "dearest than, and without a price",
        goal: Some(50.0),
        ask: |_, at| {
            let dear = (at % 2 == 0).then_some(20_000_000_000);
            let unpriced = (at % 2 == 1).then_some(true);
            Asker::list(CallFilter { cost_min_pico: dear, unpriced, ..CallFilter::default() })
        },
    },
    Question {
        name: "search, a word",
        goal: Some(100.0),
        ask: |_, at| Asker::list(CallFilter { text: pick(at, &WORDS), ..CallFilter::default() }),
    },
    Question {
        name: "search, a phrase",
        goal: Some(100.0),
        ask: |_, at| Asker::list(CallFilter { text: pick(at, &PHRASES), ..CallFilter::default() }),
    },
    Question {
        name: "search, a beginning, in one tool's calls of a day",
        goal: Some(100.0),
        ask: |asker, at| {
            let (from, to) = asker.day(at);
            Asker::list(CallFilter {
                text: pick(at, &["gaug*", "midd*", "ret*"]),
                client: pick(at, &["codex", "claude-code"]),
                from_ms: Some(from),
                to_ms: Some(to),
                ..CallFilter::default()
            })
        },
    },
    Question {
        name: "a trace of 10,000 spans",
        goal: Some(300.0),
        ask: |_, _| Request::GetTrace { id: TRACE.to_owned(), offset: 0, limit: 20_000 },
    },
    Question {
        name: "overview, a day",
        goal: Some(50.0),
        ask: |asker, _| Request::GetOverview { bounds_ms: asker.bounds(24, DAY_MS / 24) },
    },
    Question {
        name: "overview, 30 days",
        goal: Some(50.0),
        ask: |asker, _| Request::GetOverview { bounds_ms: asker.bounds(30, DAY_MS) },
    },
    Question {
        name: "analytics, 90 days by model, tool, provider, tag",
        goal: Some(50.0),
        ask: |asker, at| {
            let group =
                [GroupBy::Model, GroupBy::Client, GroupBy::Provider, GroupBy::Tag].get(at % 4).copied();
            let bounds_ms = asker.bounds(DAYS, DAY_MS);
            Request::GetSeries { filter: CallFilter::default(), bounds_ms, group }
        },
    },
    Question {
        name: "analytics, 90 days by session",
        goal: Some(50.0),
        ask: |asker, _| Request::GetSeries {
            filter: CallFilter::default(),
            bounds_ms: asker.bounds(DAYS, DAY_MS),
            group: Some(GroupBy::Session),
        },
    },
    Question {
        name: "how complete, 90 days",
        goal: Some(50.0),
        ask: |asker, _| Request::GetMeter { bounds_ms: asker.bounds(DAYS, DAY_MS) },
    },
    Question {
        name: "totals over everything",
        goal: None,
        ask: |_, _| Request::GetStats { filter: CallFilter::default() },
    },
    Question {
        name: "totals of one model's failures",
        goal: None,
        ask: |_, at| {
            let model = pick(at, &["claude-sonnet-4-5-20250929", "gpt-4o-mini"]);
            let filter = CallFilter { model, outcome: Some(Outcome::Error), ..CallFilter::default() };
            Request::GetStats { filter }
        },
    },
];

pub(crate) fn measure(options: &Options, calls: u64, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("data"))?;
    let path = folder.path().join("data/data.db");
    let filled = fill(&path, calls, |rate| {
        say(&format!("{} calls are there, {} a second", rate.calls, short(rate.per_second)));
    })?;
    let upstream = Upstream::start()?;
    let unlimited = [("LLMFLOW_KEEP_DAYS", "0"), ("LLMFLOW_KEEP_MB", "0")];
    let proxy =
        Proxy::llmflow_with("llmflow", &options.binary, upstream.address, folder, unlimited.as_slice())?;
    let indexed = index(&proxy)?;
    say("everything is searchable");
    written(&path, calls, &filled, indexed, report)?;
    let dashboard = proxy.dashboard().context("our binary has a dashboard")?;
    let mut connection = Connection::open(dashboard)?;
    send_trace(&mut connection, dashboard)?;
    answers(
        &mut connection,
        dashboard,
        &Asker { calls, from_ms: filled.from_ms, to_ms: filled.to_ms },
        report,
    )?;
    while_recording(options, &proxy, &mut connection, dashboard, calls, report)?;
    drop(proxy.stop()?);
    Ok(())
}

/// Waits until everything is searchable; how long that took.
fn index(proxy: &Proxy) -> Result<Duration> {
    let (began, path) = (Instant::now(), proxy.database().context("our binary has a database")?);
    while database::waiting_for_index(&path)? > 0 {
        anyhow::ensure!(began.elapsed() < LONGEST_INDEX, "the index is not made in {LONGEST_INDEX:?}");
        thread::sleep(LOOK_AGAIN);
    }
    Ok(began.elapsed())
}

fn written(path: &Path, calls: u64, filled: &Filled, indexed: Duration, report: &mut Report) -> Result<()> {
    let bytes = database::pages(path)?;
    let figure = |bytes: u64| short(number(bytes));
    let mut rows: Vec<Vec<String>> = filled
        .rates
        .iter()
        .map(|rate| {
            vec![format!("up to {} calls", rate.calls), format!("{} calls/s", short(rate.per_second))]
        })
        .collect();
    rows.push(vec![
        "made searchable".into(),
        format!("{} calls/s", short(number(calls) / indexed.as_secs_f64())),
    ]);
    rows.push(vec!["bodies as sent, a call".into(), format!("{} bytes", figure(filled.raw / calls.max(1)))]);
    rows.push(vec![
        "stored, a call, index and all".into(),
        format!("{} bytes", figure(bytes / calls.max(1))),
    ]);
    rows.push(vec!["the database".into(), format!("{} MB", figure(bytes >> 20))]);
    report.add(Section {
        title: format!("A database of {calls} calls"),
        columns: vec!["", ""],
        rows,
        notes: vec![format!(
            "Sessions of 12 calls over {DAYS} days, each resending what was said before, written by the store in batches \
             of 1,000, bodies cut and compressed, sums and sessions kept, in transactions as the app's."
        )],
    });
    Ok(())
}

/// Asks every question again and again, the kinds in turn, so that none has the caches to itself.
fn answers(connection: &mut Connection, to: SocketAddr, asker: &Asker, report: &mut Report) -> Result<()> {
    let mut took: Vec<Vec<Duration>> = QUESTIONS.iter().map(|_| Vec::new()).collect();
    for round in 0..=ASKED {
        for (question, took) in QUESTIONS.iter().zip(&mut took) {
            let began = Instant::now();
            ask(connection, to, &(question.ask)(asker, round)).with_context(|| question.name.to_owned())?;
            // The first round opens what stays open.
            if round > 0 {
                took.push(began.elapsed());
            }
        }
    }
    let mut rows = Vec::new();
    for (question, took) in QUESTIONS.iter().zip(took) {
        let took = Samples::new(took);
        let [p50, p95, most] = [50.0, 95.0, 100.0].map(|percent| micros(took.percentile(percent)) / 1e3);
        if let Some(goal) = question.goal {
            report.at_most(question.name, p95, goal, " ms p95");
        }
        let goal = question.goal.map_or(String::new(), |goal| format!("{goal:.0} ms"));
        rows.push(vec![question.name.into(), ms(p50), ms(p95), ms(most), goal]);
    }
    report.add(Section {
        title: "Answers from it".to_owned(),
        columns: vec!["", "p50", "p95", "worst", "goal (p95)"],
        rows,
        notes: vec![format!(
            "{ASKED} of each over HTTP, as the dashboard asks, other values each time, the kinds in turn."
        )],
    });
    Ok(())
}

fn ask(connection: &mut Connection, to: SocketAddr, request: &Request) -> Result<Reply> {
    let body = serde_json::to_vec(request)?;
    let answer = connection.ask(&post(to, "/api/rpc", &body))?;
    let text = || String::from_utf8_lossy(answer.body.get(..300).unwrap_or(&answer.body)).into_owned();
    anyhow::ensure!(answer.status == 200, "status {}: {}", answer.status, text());
    Ok(serde_json::from_slice(&answer.body)?)
}

fn post(to: SocketAddr, path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {to}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A trace of agents in agents, of ten children each.
fn send_trace(connection: &mut Connection, to: SocketAddr) -> Result<()> {
    let now = now_nanos();
    let all: Vec<Value> = (0..SPANS)
        .map(|at| {
            let (start, lasts) = (now + at as u64 * 1_000_000, 5_000_000_u64);
            let parent = (at > 0).then(|| format!("{:016x}", (at - 1) / 10 + 1));
            json!({
                "traceId": TRACE, "spanId": format!("{:016x}", at + 1), "parentSpanId": parent,
                "name": format!("step {at}"), "kind": 1,
                "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + lasts).to_string(),
                "attributes": [
                    {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}},
                    {"key": "gen_ai.tool.name", "value": {"stringValue": format!("tool_{}", at % 40)}},
                ],
            })
        })
        .collect();
    for spans in all.chunks(1_000) {
        let scope = json!({"scope": {"name": "bench"}, "spans": spans});
        let service = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "bench"}}]});
        let body = json!({"resourceSpans": [{"resource": service, "scopeSpans": [scope]}]});
        let answer = connection.ask(&post(to, "/v1/traces", &serde_json::to_vec(&body)?))?;
        anyhow::ensure!(answer.status == 200, "spans were answered {}", answer.status);
    }
    Ok(())
}

/// What is done while calls go through.
type Deed<'a> = (&'static str, Box<dyn FnOnce(&mut Connection) -> Result<()> + Send + 'a>);

fn while_recording(
    options: &Options,
    proxy: &Proxy,
    connection: &mut Connection,
    dashboard: SocketAddr,
    calls: u64,
    report: &mut Report,
) -> Result<()> {
    let duration = Duration::from_secs(options.pick(20, 5));
    let (requests, copy) = (Requests::new(), tempfile::tempdir()?);
    let data = proxy.data().context("our binary has data")?;
    let run = |arguments: &[&std::ffi::OsStr]| {
        let mut command = Command::new(&options.binary);
        command.env("DATA_DIR", &data).args(arguments).stdout(Stdio::null());
        anyhow::ensure!(command.status()?.success(), "{arguments:?} failed");
        Ok(())
    };
    let copied = copy.path().join("copy.db");
    let reprice = Request::Reprice { scope: RepriceScope::default(), dry_run: false, by: "bench".into() };
    // A tenth goes, the oldest first.
    let most = calls * 9 / 10;
    let keep = Request::ChangeSetting { name: "max_traces".into(), value: Some(most.to_string()) };
    let deeds: Vec<Deed<'_>> = vec![
        ("nothing", Box::new(|_| Ok(()))),
        ("a backup", Box::new(|_| run(&["backup".as_ref(), copied.as_os_str()]))),
        ("all sums added up again", Box::new(|_| run(&["rebuild".as_ref()]))),
        ("all calls priced again", Box::new(|to| repriced(to, dashboard, &reprice))),
        ("the oldest tenth removed", Box::new(|to| removed(to, dashboard, &keep, most))),
        ("nothing, once more", Box::new(|_| Ok(()))),
    ];
    let (mut rows, mut answered) = (Vec::new(), 0_u64);
    let mut calm = None;
    for (name, deed) in deeds {
        say(&format!("{RATE} requests a second, meanwhile {name}"));
        // Whoever looks after it lasts as long as it lasts; the load goes on as long.
        let done = thread::scope(|scope| -> Result<_> {
            let doing = scope.spawn(|| {
                let began = Instant::now();
                deed(connection).map(|()| began.elapsed())
            });
            let mut all = Vec::new();
            loop {
                let outcome =
                    open_loop(proxy.to, &requests, Schedule { rate: RATE, duration }, LOAD_CONNECTIONS)?;
                anyhow::ensure!(outcome.failures == 0, "{} calls failed meanwhile", outcome.failures);
                answered += outcome.latencies.len() as u64;
                all.push(outcome.latencies);
                if doing.is_finished() {
                    break;
                }
            }
            let took = doing.join().map_err(|_| anyhow::anyhow!("{name} panicked"))??;
            Ok((took, all))
        });
        let (took, latencies) = done.with_context(|| name.to_owned())?;
        let drained = proxy.settle()?;
        let first = latencies
            .first()
            .map(|first| [50.0, 99.0].map(|percent| micros(first.percentile(percent)) / 1e3));
        let [p50, p99] = first.unwrap_or([f64::NAN; 2]);
        let [calm50, calm99] = *calm.get_or_insert([p50, p99]);
        rows.push(vec![
            name.to_owned(),
            format!("{:.1} s", took.as_secs_f64()),
            ms(p50),
            ms(p99),
            format!("{} ×", short(p50 / calm50)),
            format!("{} ×", short(p99 / calm99)),
            format!("{:.1} s", drained.as_secs_f64()),
        ]);
    }
    let count = proxy.completeness()?;
    report.all_of("recorded of seen, while it was looked after", count.recorded, count.seen);
    report.all_of("seen of answered, while it was looked after", count.seen.min(answered), answered);
    report.add(Section {
        title: format!("Looking after it while {RATE} calls a second are recorded"),
        columns: vec!["meanwhile", "took", "p50", "p99", "p50, to nothing", "p99, to nothing", "drained in"],
        rows,
        notes: vec![
            "Latency with the upstream's, from when each request was due, over the first seconds of each."
                .into(),
        ],
    });
    Ok(())
}

/// Prices everything again, and waits until that is done.
fn repriced(connection: &mut Connection, to: SocketAddr, request: &Request) -> Result<()> {
    ask(connection, to, request)?;
    loop {
        let Reply::Repricings(all) = ask(connection, to, &Request::GetRepricings)? else {
            bail!("not what was priced again");
        };
        match all.first().map(|last| last.state) {
            Some(RepricingState::Done) => return Ok(()),
            Some(RepricingState::Running) => thread::sleep(SELDOM),
            other => bail!("pricing again ended as {other:?}"),
        }
    }
}

/// Has the oldest removed, and waits until most of them are gone: meanwhile new ones come.
fn removed(connection: &mut Connection, to: SocketAddr, request: &Request, most: u64) -> Result<()> {
    ask(connection, to, request)?;
    let began = Instant::now();
    loop {
        let all = CallFilter { side_calls: true, ..CallFilter::default() };
        let Reply::Stats(stats) = ask(connection, to, &Request::GetStats { filter: all })? else {
            bail!("not totals");
        };
        if stats.calls <= most + most / 50 {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < LONGEST_INDEX, "{} calls are still there", stats.calls);
        thread::sleep(SELDOM);
    }
}

fn ms(ms: f64) -> String {
    format!("{ms:.1} ms")
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}
