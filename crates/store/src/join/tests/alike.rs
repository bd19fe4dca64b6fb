//! Many calls that are alike, at once and without ids: each counts once, whatever its span was taken to be of meanwhile.

use api::{CallFilter, CallSummary, Money, ReportSource};
use model::telemetry::join::Told;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::Kept;
use super::made::{self, START_MS, Source, proxied, traces};
use crate::{Digest, Report, Write};

/// When a call began and how long it took, in milliseconds, and which session its span names.
#[derive(Clone, Copy, Debug)]
struct Ran {
    start: i64,
    lasted: i64,
    session: u8,
}

impl Ran {
    fn source(number: usize, by: ReportSource) -> Source {
        Source { by, number: number as u64, request: false, answer: false }
    }

    fn call(self, number: usize) -> Write {
        let mut write = proxied(&Self::source(number, ReportSource::Proxy));
        if let Write::Close(call) = &mut write {
            let summary = &mut call.detail.summary;
            (summary.started_ms, summary.duration_us) =
                (START_MS + self.start, Some(self.lasted.unsigned_abs() * 1_000));
            (summary.usage, summary.cost) = (made::usage(0), Some(Money::from_pico(1_010)));
            summary.session_id = None;
        }
        write
    }

    fn span(self, told: Told) -> Told {
        let ns = |ms: i64| ms.unsigned_abs() * 1_000_000;
        let mut told = told;
        told.call.usage = made::usage(0);
        (told.call.start_ns, told.call.end_ns) =
            (ns(START_MS + self.start - 1), ns(START_MS + self.start + self.lasted + 2));
        told.whose.session = Some(format!("session-{}", self.session));
        told
    }
}

async fn tell(kept: &Kept, ran: &[Ran], these: &[usize]) {
    let (calls, spans): (Vec<usize>, Vec<usize>) = these.iter().partition(|at| **at < ran.len());
    let calls: Vec<Write> = calls.iter().map(|at| ran[*at].call(*at)).collect();
    if !calls.is_empty() {
        kept.store.write(&calls).await.unwrap();
    }
    let spans: Vec<usize> = spans.iter().map(|at| at - ran.len()).collect();
    let sources: Vec<Source> = spans.iter().map(|at| Ran::source(*at + 1, ReportSource::Span)).collect();
    let sources: Vec<&Source> = sources.iter().collect();
    if sources.is_empty() {
        return;
    }
    let batch = kept.store.prepare_telemetry(vec![traces(&sources)], 0).unwrap();
    kept.store.commit_telemetry(&[batch]).await.unwrap();
    let reports = made::reports(&kept.store, &sources).await;
    let reports = reports
        .into_iter()
        .zip(&spans)
        .map(|(report, at)| Report { told: ran[*at].span(report.told), ..report });
    kept.store.commit_digest(&Digest { reports: reports.collect(), done: Vec::new() }).await.unwrap();
}

/// When each call began, and the session in which its span put it.
fn said(calls: &[CallSummary]) -> Vec<(i64, Option<String>, usize, Option<Money>)> {
    let said = |call: &CallSummary| (call.started_ms, call.session_id.clone(), call.sources.len(), call.cost);
    let mut said: Vec<_> = calls.iter().map(said).collect();
    said.sort_unstable();
    said
}

#[test]
fn any_order_any_batches_and_any_restarts_count_each_once() {
    // No two begin together: whose span is whose is not a matter of luck.
    let ran = prop::collection::vec((1_i64..400, 1_i64..2_500, 0_u8..3), 2..60).prop_map(|gaps| {
        let mut start = 1_000;
        let ran = gaps.into_iter().map(|(gap, lasted, session)| {
            start += gap + 3;
            Ran { start, lasted, session }
        });
        ran.collect::<Vec<Ran>>()
    });
    let cases = ran.prop_flat_map(|ran| {
        let order = Just((0..ran.len() * 2).collect::<Vec<usize>>()).prop_shuffle();
        let cuts = prop::collection::vec(0_u8..24, ran.len() * 2);
        (Just(ran), order, cuts)
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let one = |(ran, order, cuts): (Vec<Ran>, Vec<usize>, Vec<u8>)| {
        runtime.block_on(async {
            let mut kept = Kept::new().await;
            let mut batch = Vec::new();
            for (at, cut) in order.iter().zip(cuts) {
                batch.push(*at);
                if cut < 4 {
                    tell(&kept, &ran, &batch).await;
                    // Some spans come twice.
                    let spans: Vec<usize> = batch.iter().copied().filter(|at| *at >= ran.len()).collect();
                    if cut == 1 {
                        tell(&kept, &ran, &spans).await;
                    }
                    batch.clear();
                }
                if cut == 0 {
                    kept = kept.again().await;
                }
            }
            tell(&kept, &ran, &batch).await;
            let expected: Vec<_> = ran
                .iter()
                .map(|ran| {
                    let session = Some(format!("session-{}", ran.session));
                    (START_MS + ran.start, session, 2, Some(Money::from_pico(1_010)))
                })
                .collect();
            prop_assert_eq!(said(&kept.calls().await), expected);
            let stats = kept.store.stats(&CallFilter::default()).await.unwrap();
            let count = ran.len() as u64;
            prop_assert_eq!((stats.calls, stats.cost.pico()), (count, 1_010 * count.cast_signed()));
            Ok(())
        })
    };
    runner.run(&cases, one).unwrap();
}
