//! What looking after a large database costs calls that go through meanwhile: a backup, sums added up again, all made
//! searchable again, calls priced again, the oldest removed.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use api::{CallFilter, Reply, RepriceScope, RepricingState, Request};

use crate::load::{Requests, open_loop};
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::scale::{DAY_MS, DAYS, Dashboard};
use crate::statistics::{Schedule, micros};
use crate::{Options, say};

/// Calls a second that go through.
const RATE: u32 = 1_000;
const CONNECTIONS: usize = 64;
/// Questions that are work themselves.
const SELDOM: Duration = Duration::from_secs(1);
/// Longer than a healthy build takes for a tenth of a million calls.
const LONGEST: Duration = Duration::from_secs(1_800);

/// What is done while calls go through.
type Deed<'a> = (&'static str, Box<dyn FnOnce(&mut Dashboard) -> Result<()> + Send + 'a>);

pub(crate) fn measure(
    options: &Options,
    proxy: &Proxy,
    dashboard: &mut Dashboard,
    calls: u64,
    report: &mut Report,
) -> Result<()> {
    let duration = Duration::from_secs(options.pick(20, 5));
    let (requests, copy) = (Requests::new(), tempfile::tempdir()?);
    let data = proxy.data().context("our binary has data")?;
    let run = |arguments: &[&OsStr]| {
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
        ("all made searchable again", Box::new(searchable)),
        ("all calls priced again", Box::new(|to| repriced(to, &reprice))),
        ("the oldest tenth removed", Box::new(|to| removed(to, &keep))),
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
                deed(dashboard).map(|()| began.elapsed())
            });
            let mut all = Vec::new();
            loop {
                let outcome = open_loop(proxy.to, &requests, Schedule { rate: RATE, duration }, CONNECTIONS)?;
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

/// Has the index of words made again, and waits until no more is left of it than calls come in meanwhile.
fn searchable(dashboard: &mut Dashboard) -> Result<()> {
    let behind = 5 * u64::from(RATE);
    let began = Instant::now();
    let mut request = Request::RebuildSearch;
    loop {
        let Reply::SearchLag(lag) = dashboard.ask(&request)? else {
            bail!("not how far the index is behind")
        };
        if lag.calls <= behind {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < LONGEST, "{} calls are not searchable yet", lag.calls);
        request = Request::GetSearchLag;
        thread::sleep(SELDOM);
    }
}

/// Prices everything again, and waits until that is done.
fn repriced(dashboard: &mut Dashboard, request: &Request) -> Result<()> {
    dashboard.ask(request)?;
    loop {
        let Reply::Repricings(all) = dashboard.ask(&Request::GetRepricings)? else {
            bail!("not what was priced again");
        };
        match all.first().map(|last| last.state) {
            Some(RepricingState::Done) => return Ok(()),
            Some(RepricingState::Running) => thread::sleep(SELDOM),
            other => bail!("pricing again ended as {other:?}"),
        }
    }
}

/// Has the oldest removed, and waits until none of the oldest tenth of the days is left: meanwhile new ones come.
fn removed(dashboard: &mut Dashboard, request: &Request) -> Result<()> {
    let Reply::Storage(storage) = dashboard.ask(&Request::GetStorage)? else { bail!("not what is stored") };
    let oldest_ms = storage.oldest_ms.context("there is a call")?;
    dashboard.ask(request)?;
    let began = Instant::now();
    loop {
        let to_ms = Some(oldest_ms + DAYS * DAY_MS / 10);
        let oldest = CallFilter { to_ms, side_calls: true, ..CallFilter::default() };
        let Reply::Stats(stats) = dashboard.ask(&Request::GetStats { filter: oldest })? else {
            bail!("not totals");
        };
        if stats.calls == 0 {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < LONGEST, "{} calls are still there", stats.calls);
        thread::sleep(SELDOM);
    }
}

fn ms(ms: f64) -> String {
    format!("{ms:.1} ms")
}
