//! Calls and reports of them in a real database: any order, any batches, failures and restarts in between give the same
//! rows, each call once.

mod alike;
mod made;
mod speed;

use api::{CallFilter, CallSummary, Page, ReportSource, SessionFilter};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use crate::{Digest, Store, Write};

use made::{Source, proxied, traces};

/// A store, and what it takes to open it again.
struct Kept {
    store: Store,
    folder: TempDir,
}

impl Kept {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
        made::price(&store);
        Self { store, folder }
    }

    /// As after a crash: what was in memory is gone.
    async fn again(self) -> Self {
        self.store.close().await.unwrap();
        let store = Store::open(&self.folder.path().join("data.db")).await.unwrap().0;
        made::price(&store);
        Self { store, ..self }
    }

    async fn tell(&self, sources: &[Source]) {
        let proxied: Vec<Write> =
            sources.iter().filter(|source| source.by == ReportSource::Proxy).map(proxied).collect();
        if !proxied.is_empty() {
            self.store.write(&proxied).await.unwrap();
        }
        let told: Vec<&Source> = sources.iter().filter(|source| source.by != ReportSource::Proxy).collect();
        if !told.is_empty() {
            let batch = self.store.prepare_telemetry(vec![traces(&told)], 0).unwrap();
            self.store.commit_telemetry(&[batch]).await.unwrap();
            let reports = made::reports(&self.store, &told).await;
            self.store.commit_digest(&Digest { reports, done: Vec::new() }).await.unwrap();
        }
    }

    async fn calls(&self) -> Vec<CallSummary> {
        let page = Page { limit: 1_000, ..Page::default() };
        self.store.list_calls(&CallFilter::default(), page).await.unwrap().calls
    }
}

/// What a list says of calls, but for ids that depend on who told first.
fn said(calls: &[CallSummary]) -> Vec<String> {
    let mut said: Vec<String> = calls
        .iter()
        .map(|call| {
            let CallSummary { usage, cost, sources, session_id, model, in_trace, title, .. } = call;
            let (method, began) = (&call.method, call.started_ms);
            format!("{method} {began} {usage:?} {cost:?} {sources:?} {session_id:?} {model:?} {in_trace:?} {title:?}")
        })
        .collect();
    said.sort_unstable();
    said
}

/// Which sources tell of a call, and which ids they know.
type Knows = [Option<(bool, bool)>; 3];

fn sources(knows: &[Knows]) -> Vec<Source> {
    let mut sources = Vec::new();
    for (number, knows) in (1..).zip(knows) {
        for (by, knows) in
            [ReportSource::Proxy, ReportSource::Span, ReportSource::Event].into_iter().zip(knows)
        {
            if let Some((request, answer)) = knows {
                sources.push(Source { by, number, request: *request, answer: *answer });
            }
        }
    }
    sources
}

#[test]
fn any_order_any_batches_and_any_restarts_give_the_same_rows() {
    let knows = || prop::option::of((any::<bool>(), any::<bool>()));
    let calls = prop::collection::vec([knows(), knows(), knows()], 1..6);
    let cases = calls.prop_flat_map(|calls| {
        let sources = sources(&calls);
        let cuts = prop::collection::vec(0_u8..4, sources.len());
        (Just(calls), Just(sources).prop_shuffle(), cuts)
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let one = |(calls, order, cuts): (Vec<Knows>, Vec<Source>, Vec<u8>)| {
        runtime.block_on(async {
            let straight = Kept::new().await;
            straight.tell(&sources(&calls)).await;
            let mut kept = Kept::new().await;
            let mut batch = Vec::new();
            for (source, cut) in order.iter().zip(cuts) {
                batch.push(*source);
                if cut > 0 {
                    kept.tell(&batch).await;
                    // Some reports come twice: their answer was lost.
                    if cut == 2 {
                        let told = batch.iter().filter(|source| source.by != ReportSource::Proxy);
                        kept.tell(&told.copied().collect::<Vec<_>>()).await;
                    }
                    batch.clear();
                }
                if cut == 3 {
                    kept = kept.again().await;
                }
            }
            kept.tell(&batch).await;
            let expected = calls.iter().filter(|knows| knows.iter().any(Option::is_some)).count();
            let (ours, theirs) = (kept.calls().await, straight.calls().await);
            prop_assert_eq!(ours.len(), expected);
            prop_assert_eq!(said(&ours), said(&theirs));
            let sessions = kept.store.list_sessions(&SessionFilter::default(), 9, 0, None).await.unwrap();
            prop_assert_eq!(sessions.total, u64::from(expected > 0), "one session, whoever told of it first");
            let counted: u64 = sessions.sessions.iter().map(|session| session.calls).sum();
            prop_assert_eq!(counted, expected as u64);
            let rollups = kept.store.verify_rollups().await.unwrap();
            prop_assert_eq!((rollups.calls, rollups.wrong), (expected as u64, 0));
            Ok(())
        })
    };
    runner.run(&cases, one).unwrap();
}

#[tokio::test]
async fn what_cannot_be_written_changes_nothing_and_is_written_later() {
    let kept = Kept::new().await;
    let all = sources(&[[Some((true, true)); 3], [None, Some((true, true)), Some((true, true))]]);
    let (first, second) = all.split_at(2);
    kept.tell(first).await;
    let before = kept.calls().await;
    let told: Vec<&Source> = second.iter().collect();
    let batch = kept.store.prepare_telemetry(vec![traces(&told)], 0).unwrap();
    kept.store.commit_telemetry(&[batch]).await.unwrap();
    let mut reports = made::reports(&kept.store, &told).await;
    for report in &mut reports {
        report.told.name = "x".repeat(1_000_000);
    }
    // A page limit fails a write as a full disk does, and holds for the one connection that has it.
    let mut writer = kept.store.inner.writer.lock().await;
    sqlx::query("PRAGMA max_page_count = 1").execute(writer.connection().unwrap()).await.unwrap();
    drop(writer);
    let digest = Digest { reports, done: vec![1, 2] };
    assert!(kept.store.commit_digest(&digest).await.is_err());
    assert_eq!(kept.calls().await, before);
    assert!(kept.store.backlog().await.unwrap().0 > 0);
    kept.store.commit_digest(&digest).await.unwrap();
    let calls = kept.calls().await;
    assert_eq!(calls.iter().map(|call| call.sources.len()).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(kept.store.backlog().await.unwrap(), (0, None));
}

#[tokio::test]
async fn a_retry_that_the_span_goes_around_is_another_call() {
    let kept = Kept::new().await;
    let within = |number| Source { by: ReportSource::Proxy, number, request: true, answer: false };
    // Two calls of the proxy at once in the same span: the span is one of them.
    let mut first = proxied(&within(1));
    let mut second = proxied(&within(2));
    for write in [&mut first, &mut second] {
        let Write::Close(call) = write else { continue };
        call.detail.summary.trace_id = Some("07".repeat(16));
        call.detail.summary.parent_id = Some(format!("{:016x}", 1));
    }
    kept.store.write(&[first, second]).await.unwrap();
    kept.tell(&[Source { by: ReportSource::Span, number: 1, request: false, answer: false }]).await;
    let mut calls = kept.calls().await;
    calls.sort_by_key(|call| call.started_ms);
    let told: Vec<usize> = calls.iter().map(|call| call.sources.len()).collect();
    assert_eq!(told, [2, 1]);
    assert_eq!(calls[0].in_trace.as_deref(), Some("07".repeat(16).as_str()));
}

#[tokio::test]
async fn what_the_wire_did_not_tell_is_filled_in_and_taken_back() {
    let kept = Kept::new().await;
    let source = |by| Source { by, number: 1, request: true, answer: true };
    let mut cut = proxied(&source(ReportSource::Proxy));
    if let Write::Close(call) = &mut cut {
        call.detail.summary.usage = api::Usage::default();
        call.detail.summary.usage_source = api::UsageSource::Unknown;
        call.detail.summary.cost = None;
        call.detail.summary.cost_source = api::CostSource::Unknown;
    }
    kept.store.write(&[cut]).await.unwrap();
    kept.tell(&[source(ReportSource::Event)]).await;
    let call = kept.calls().await.pop().unwrap();
    assert_eq!((call.usage.output, call.cost), (Some(10), Some(api::Money::from_pico(1_011))));
    let stats = kept.store.stats(&CallFilter::default()).await.unwrap();
    assert_eq!((stats.calls, stats.cost), (1, api::Money::from_pico(1_011)));
    // The span comes later, and knows better.
    let told = [&source(ReportSource::Span)];
    let batch = kept.store.prepare_telemetry(vec![traces(&told)], 0).unwrap();
    kept.store.commit_telemetry(&[batch]).await.unwrap();
    let mut reports = made::reports(&kept.store, &told).await;
    reports[0].told.call.usage.output = Some(20);
    kept.store.commit_digest(&Digest { reports, done: Vec::new() }).await.unwrap();
    let call = kept.calls().await.pop().unwrap();
    assert_eq!((call.usage.output, call.cost), (Some(20), Some(api::Money::from_pico(1_021))));
    let detail = kept.store.call(call.id).await.unwrap().unwrap();
    assert_eq!(detail.reports.len(), 2);
}

#[tokio::test]
async fn who_only_reports_its_calls_does_not_depend_on_the_proxy() {
    let kept = Kept::new().await;
    let source = |by| Source { by, number: 1, request: true, answer: true };
    kept.tell(&[source(ReportSource::Event)]).await;
    assert_eq!(kept.store.recent_clients(0).await.unwrap(), []);
    assert_eq!(kept.store.provider_activity(0).await.unwrap(), []);
    kept.tell(&[source(ReportSource::Proxy)]).await;
    assert_eq!(kept.store.recent_clients(0).await.unwrap().len(), 1);
    assert_eq!(kept.store.provider_activity(0).await.unwrap().len(), 1);
}

/// A call keeps its id when what told of it first turns out to tell of another, which needs one of its own.
#[tokio::test]
async fn what_leaves_a_call_takes_nothing_with_it() {
    let kept = Kept::new().await;
    let source = |by, request| Source { by, number: 1, request, answer: false };
    kept.tell(&[source(ReportSource::Span, false), source(ReportSource::Event, true)]).await;
    let before = kept.calls().await;
    assert_eq!(before.iter().map(|call| call.sources.len()).collect::<Vec<_>>(), [2], "they look alike");
    // Another span knows the event's request.
    let other = Source { by: ReportSource::Span, number: 2, request: false, answer: false };
    let batch = kept.store.prepare_telemetry(vec![traces(&[&other])], 0).unwrap();
    kept.store.commit_telemetry(&[batch]).await.unwrap();
    let mut reports = made::reports(&kept.store, &[&other]).await;
    let event = made::reports(&kept.store, &[&source(ReportSource::Event, true)]).await;
    reports[0].told.call = event[0].told.call.clone();
    kept.store.commit_digest(&Digest { reports, done: Vec::new() }).await.unwrap();
    let mut calls = kept.calls().await;
    calls.sort_by_key(|call| call.sources.len());
    assert_eq!(calls.iter().map(|call| call.sources.len()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(calls[1].id, before[0].id);
    assert_eq!(kept.store.stats(&CallFilter::default()).await.unwrap().calls, 2);
}
