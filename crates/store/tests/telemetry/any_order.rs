//! Whatever the order, the batching and the repetition in which requests come, and whether the app was started anew in
//! between: what is there afterwards is the same.

use api::{CallFilter, LogFilter, MetricFilter, PointFilter, TraceEntry};
use model::telemetry::reading::Whose;
use model::telemetry::wire::{Metric, MetricData, Number, NumberPoint, PointHead};
use proptest::prelude::*;
use store::{MetricWrite, Reports, Store};

use crate::made::{self, START};

/// A span: its trace, its number, its parent's number, how long it took (none: it has not ended), whether it failed.
type SpanSeed = (u64, u64, Option<u64>, u64, bool);

#[derive(Clone, Debug)]
struct RequestSeed {
    spans: Vec<SpanSeed>,
    logs: Vec<(u64, u8)>,
    points: Vec<(u8, u64, i64)>,
}

fn request() -> impl Strategy<Value = RequestSeed> {
    let span = (0_u64..3, 0_u64..8, prop::option::of(0_u64..10), 0_u64..4, any::<bool>());
    let spans = prop::collection::vec(span, 0..6);
    let logs = prop::collection::vec((0_u64..4, 0_u8..3), 0..6);
    let points = prop::collection::vec((0_u8..3, 0_u64..6, 0_i64..9), 0..4);
    (spans, logs, points).prop_map(|(spans, logs, points)| RequestSeed { spans, logs, points })
}

/// One span is always told alike, but that an early report of it may lack its end; one point always has one value.
fn requests(seeds: Vec<RequestSeed>) -> Vec<Reports> {
    let mut known: std::collections::HashMap<(u64, u64), SpanSeed> = std::collections::HashMap::new();
    let made = seeds.into_iter().map(|seed| {
        let spans = seed.spans.into_iter().map(|span| {
            let (trace, number, ..) = span;
            let whole = *known.entry((trace, number)).or_insert(span);
            let mut write = made::span(trace, number, whole.2.filter(|parent| *parent != number));
            let sent = &mut write.span;
            sent.end_ns = sent.start_ns + whole.3 * 1_000_000;
            if span.3 == 0 {
                sent.end_ns = 0;
            }
            if whole.4 {
                write.reading.error = Some("it broke".into());
            }
            write.reading.infrastructure = number == 5;
            write.reading.whose.session = (number % 3 == 1).then(|| format!("session {trace} {number}"));
            write
        });
        let mut spans: Vec<_> = spans.collect();
        // An end that nobody told in any request differs by which report came last: every span ends in the end.
        spans.sort_by_key(|write| write.span.end_ns == 0);
        let logs = seed.logs.into_iter().map(|(at, text)| {
            let mut write = made::log(at, &format!("line {text}"));
            write.record.trace_id = (text == 1).then(|| made::span(at % 3, 0, None).span.trace_id);
            write
        });
        let metrics = seed.points.into_iter().map(|(series, at, _)| MetricWrite {
            metric: Metric {
                name: "count".into(),
                data: MetricData::Sum {
                    points: vec![NumberPoint {
                        head: PointHead {
                            attributes: model::telemetry::wire::Attributes(vec![made::text(
                                "s",
                                &series.to_string(),
                            )]),
                            time_ns: START + at * 1_000_000,
                            start_ns: START - 1,
                            flags: 0,
                        },
                        value: Some(Number::Int(i64::try_from(at * 7).unwrap() + i64::from(series))),
                        exemplars: Vec::new(),
                    }],
                    temporality: 2,
                    monotonic: true,
                },
                ..Metric::default()
            },
            origin: made::origin("app"),
            whose: Whose { service: Some("app".into()), ..Whose::default() },
        });
        Reports { spans, logs: logs.collect(), metrics: metrics.collect() }
    });
    made.collect()
}

/// Everything that can be asked for. The keys of rows, which depend on the order, are in none of it but a point's id.
async fn everything(store: &Store) -> String {
    let mut all = Vec::new();
    let page = store.list_traces(&CallFilter::default(), 500, 0, None).await.unwrap();
    for entry in &page.entries {
        let TraceEntry::Trace(trace) = entry else { panic!("no call was told of") };
        let id = u128::from_str_radix(&trace.id, 16).unwrap().to_be_bytes();
        let tree = store.trace(id, 0, 1_000).await.unwrap().unwrap();
        all.push(format!("{trace:?}\n{:#?}", tree.spans));
        for span in store.spans(id, 0, 1_000).await.unwrap() {
            all.push(format!("{:?}\n{:?}", span.detail, span.span));
        }
    }
    all.push(format!("{:?}", store.list_log_details(&LogFilter::default(), 1_000, 0, None).await.unwrap()));
    all.push(format!("{:?}", store.list_metrics(&MetricFilter::default()).await.unwrap()));
    let mut points = store.find_points(&PointFilter::default(), 1_000, 0, None).await.unwrap().points;
    for point in &mut points {
        point.point.id.clear();
    }
    let mut points: Vec<String> = points.iter().map(|point| format!("{point:?}")).collect();
    points.sort();
    all.extend(points);
    all.join("\n")
}

/// Says where they part rather than all of both.
fn same(found: &str, expected: &str) {
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

/// The next of some numbers that nobody foresees.
fn next(state: &mut u64, below: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap() % below
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn nothing_depends_on_how_it_came(seeds in prop::collection::vec(request(), 1..9), seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let requests = requests(seeds);
            let (straight, _folder) = made::store().await;
            for request in &requests {
                made::put(&straight, vec![request.clone()]).await;
            }

            let mut state = seed;
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("data.db");
            let mut store = Store::open(&path).await.unwrap().0;
            // Each at least once, in any order; some again.
            let mut order: Vec<usize> = (0..requests.len()).collect();
            for _ in 0..3 {
                order.push(next(&mut state, requests.len()));
            }
            for at in (1..order.len()).rev() {
                order.swap(at, next(&mut state, at + 1));
            }
            let mut left = order.as_slice();
            while !left.is_empty() {
                let (some, rest) = left.split_at(1 + next(&mut state, left.len()));
                left = rest;
                // Made ready together or apart, committed together or apart.
                let mut batches = Vec::new();
                for together in some.chunks(1 + next(&mut state, 3)) {
                    let together = together.iter().map(|number| requests[*number].clone()).collect();
                    batches.push(store.prepare_telemetry(together, 0).unwrap());
                }
                store.commit_telemetry(&batches).await.unwrap();
                if next(&mut state, 2) == 0 {
                    store.close().await.unwrap();
                    store = Store::open(&path).await.unwrap().0;
                }
            }
            same(&everything(&store).await, &everything(&straight).await);
        });
    }
}
