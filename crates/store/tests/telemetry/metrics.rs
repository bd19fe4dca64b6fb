//! Metrics: what points come to, against sums worked out the long way.

use std::collections::{BTreeMap, HashMap};

use api::{AttributeValue, MetricFilter, MetricKind, MetricQuery, PointFilter, Temporality};
use model::telemetry::reading::Whose;
use model::telemetry::wire::{
    Attributes, Exemplar, HistogramPoint, Metric, MetricData, Number, NumberPoint, PointHead, SummaryPoint,
    Value,
};
use proptest::prelude::*;
use store::{MetricWrite, Reports, Store};

use crate::made::{self, START};

const MS: u64 = START / 1_000_000;

fn write(name: &str, data: MetricData) -> MetricWrite {
    MetricWrite {
        metric: Metric { name: name.into(), unit: "1".into(), data, ..Metric::default() },
        origin: made::origin("app"),
        whose: Whose { service: Some("app".into()), client: Some("claude-code".into()), ..Whose::default() },
    }
}

/// `at` and `since` in milliseconds after the start; 0 for `since` when nobody said.
fn head(at: u64, since: u64, attributes: &[(&str, &str)]) -> PointHead {
    PointHead {
        attributes: Attributes(attributes.iter().map(|(key, value)| made::text(key, value)).collect()),
        time_ns: START + at * 1_000_000,
        start_ns: if since == 0 { 0 } else { START + since * 1_000_000 },
        flags: 0,
    }
}

fn number(value: f64, head: PointHead) -> NumberPoint {
    NumberPoint { head, value: Some(Number::Double(value)), exemplars: Vec::new() }
}

fn sum(points: Vec<NumberPoint>, temporality: i32, monotonic: bool) -> MetricData {
    MetricData::Sum { points, temporality, monotonic }
}

async fn put(store: &Store, metrics: Vec<MetricWrite>) -> u64 {
    let batch = store.prepare_telemetry(vec![Reports { metrics, ..Reports::default() }], 0).unwrap();
    store.commit_telemetry(&[batch]).await.unwrap().points
}

fn query(name: &str, kind: MetricKind, bars: u32, length: u64) -> MetricQuery {
    let from_ms = i64::try_from(MS).unwrap();
    MetricQuery {
        name: name.into(),
        service: Some("app".into()),
        kind,
        group: None,
        from_ms,
        to_ms: from_ms + i64::try_from(length).unwrap(),
        bars,
    }
}

#[tokio::test]
async fn deltas_are_added_and_what_is_no_number_is_left_out() {
    let (store, _folder) = made::store().await;
    let points = vec![
        number(0.5, head(10, 5, &[("type", "input")])),
        number(f64::NAN, head(20, 10, &[("type", "input")])),
        number(2.0, head(60, 20, &[("type", "input")])),
        NumberPoint {
            head: PointHead { flags: 1, ..head(70, 60, &[("type", "input")]) },
            ..NumberPoint::default()
        },
        number(7.0, head(60, 5, &[("type", "output")])),
    ];
    assert_eq!(put(&store, vec![write("tokens", sum(points.clone(), 1, true))]).await, 5);
    assert_eq!(put(&store, vec![write("tokens", sum(points, 1, true))]).await, 0, "sent twice, there once");
    let asked = MetricQuery { group: Some("type".into()), ..query("tokens", MetricKind::Sum, 2, 100) };
    let chart = store.metric_chart(&asked).await.unwrap().unwrap();
    assert_eq!((chart.metric.series, chart.metric.points, chart.metric.total), (2, 5, 9.5));
    assert_eq!((chart.metric.temporality, chart.metric.monotonic), (Temporality::Delta, true));
    let lines: Vec<_> =
        chart.lines.iter().map(|line| (line.value.as_deref(), line.total, line.left_out)).collect();
    assert_eq!(lines, [(Some("output"), 7.0, 0), (Some("input"), 2.5, 1)]);
    assert_eq!(chart.lines[1].values, [Some(0.5), Some(2.0)]);
    assert_eq!(chart.metric.attribute_keys, ["type"]);
}

#[tokio::test]
async fn what_accumulates_is_told_by_its_differences() {
    let (store, _folder) = made::store().await;
    let tell = |value, at, since| number(value, head(at, since, &[]));
    // Two processes at once, the first of which begins anew at 70; the window begins at 0, the first point before it.
    let mut early = tell(100.0, 0, 1);
    early.head.time_ns = START - 1_000_000;
    early.head.start_ns = START - 9_000_000;
    let mut next = tell(103.0, 10, 1);
    next.head.start_ns = START - 9_000_000;
    let points = vec![early, next, tell(5.0, 10, 2), tell(6.0, 60, 2), tell(2.0, 80, 70), tell(1.0, 90, 70)];
    put(&store, vec![write("count", sum(points, 2, true))]).await;
    let chart = store.metric_chart(&query("count", MetricKind::Sum, 2, 100)).await.unwrap().unwrap();
    let line = &chart.lines[0];
    assert_eq!(line.values, [Some(3.0 + 5.0), Some(1.0 + 2.0 + 1.0)]);
    assert_eq!((line.total, line.resets), (12.0, 3), "two more streams, and one that fell");
    assert_eq!(chart.metric.total, 12.0);
}

#[tokio::test]
async fn gauges_and_what_goes_up_and_down_stand_at_their_latest_value() {
    let (store, _folder) = made::store().await;
    let of = |name: &str, values: [(f64, u64); 3]| {
        values.map(|(value, at)| number(value, head(at, 0, &[("name", name)]))).to_vec()
    };
    let points =
        [of("a", [(1.0, 10), (2.0, 20), (3.0, 60)]), of("b", [(10.0, 5), (20.0, 6), (0.0, 7)])].concat();
    let names = [("level", MetricData::Gauge(points.clone())), ("open", sum(points, 2, false))];
    put(&store, names.map(|(name, data)| write(name, data)).into()).await;
    for (name, kind) in [("level", MetricKind::Gauge), ("open", MetricKind::Sum)] {
        let chart = store.metric_chart(&query(name, kind, 2, 100)).await.unwrap().unwrap();
        assert_eq!(chart.lines[0].values, [Some(2.0), Some(3.0)], "{name}");
        assert_eq!(chart.metric.total, 3.0);
    }
    let totals = store.list_metrics(&MetricFilter::default()).await.unwrap();
    assert_eq!(totals.iter().map(|metric| metric.total).collect::<Vec<_>>(), [3.0, 3.0]);
}

#[tokio::test]
async fn distributions_are_counted_and_their_quantiles_told() {
    let (store, _folder) = made::store().await;
    let tell = |counts: [u64; 3], at: u64| HistogramPoint {
        head: head(at, 1, &[]),
        count: counts.iter().sum(),
        sum: Some(counts.iter().sum::<u64>() as f64 * 10.0),
        bounds: vec![10.0, 20.0],
        bucket_counts: counts.to_vec(),
        exemplars: vec![Exemplar {
            time_ns: START + at,
            value: Some(Number::Int(7)),
            trace_id: Some([3; 16]),
            ..Exemplar::default()
        }],
        ..HistogramPoint::default()
    };
    let points = vec![tell([2, 0, 0], 10), tell([2, 2, 0], 60)];
    let summary = SummaryPoint {
        head: head(10, 1, &[]),
        count: 4,
        sum: 8.0,
        quantiles: vec![(0.5, 1.5), (2.0, 9.0), (f64::NAN, 1.0), (0.75, f64::INFINITY), (0.9, 3.0)],
    };
    put(
        &store,
        vec![
            write("latency", MetricData::Histogram { points: points.clone(), temporality: 2 }),
            write("latency.delta", MetricData::Histogram { points, temporality: 1 }),
            write("summary", MetricData::Summary(vec![summary])),
        ],
    )
    .await;
    let chart = store.metric_chart(&query("latency", MetricKind::Histogram, 2, 100)).await.unwrap().unwrap();
    let line = &chart.lines[0];
    assert_eq!((line.values.as_slice(), line.total), ([Some(2.0), Some(2.0)].as_slice(), 4.0));
    assert_eq!(line.sums, [Some(20.0), Some(20.0)]);
    assert_eq!(line.quantiles[0].values, [Some(5.0), Some(15.0)]);
    assert_eq!(line.buckets, [(Some(10.0), 2), (Some(20.0), 2)]);
    assert_eq!((chart.exemplars.len(), chart.exemplars[0].value), (2, 7.0));
    let deltas =
        store.metric_chart(&query("latency.delta", MetricKind::Histogram, 2, 100)).await.unwrap().unwrap();
    assert_eq!(deltas.lines[0].values, [Some(2.0), Some(4.0)]);
    for metric in store.list_metrics(&MetricFilter::default()).await.unwrap() {
        let expected = if metric.name == "latency.delta" { 6.0 } else { 4.0 };
        assert_eq!(metric.total, expected, "{}", metric.name);
    }
    let sent = store.metric_chart(&query("summary", MetricKind::Summary, 1, 100)).await.unwrap().unwrap();
    let told: Vec<_> = sent.lines[0].quantiles.iter().map(|told| (told.quantile, told.values[0])).collect();
    assert_eq!(told, [(0.5, Some(1.5)), (0.9, Some(3.0))]);
}

#[tokio::test]
async fn the_largest_have_a_line_and_the_rest_one_together() {
    let (store, _folder) = made::store().await;
    let points = (1..=20_u32).map(|n| number(f64::from(n), head(10, 1, &[("n", &n.to_string())]))).collect();
    put(&store, vec![write("many", sum(points, 1, true))]).await;
    let asked = MetricQuery { group: Some("n".into()), ..query("many", MetricKind::Sum, 1, 100) };
    let chart = store.metric_chart(&asked).await.unwrap().unwrap();
    assert_eq!((chart.lines.len(), chart.rest), (13, 8));
    assert_eq!(chart.lines[0].value.as_deref(), Some("20"));
    assert_eq!((chart.lines[12].value.as_deref(), chart.lines[12].total), (None, 36.0));
    assert_eq!(chart.metric.total, 210.0);
}

#[tokio::test]
async fn points_come_back_to_the_field() {
    let (store, _folder) = made::store().await;
    let mut odd = number(-0.0, head(30, 1, &[("a", "b")]));
    odd.head.flags = 2;
    let points = vec![number(1.5, head(10, 1, &[("a", "b")])), odd];
    let ints = vec![NumberPoint {
        head: head(20, 0, &[]),
        value: Some(Number::Int(i64::MAX)),
        exemplars: Vec::new(),
    }];
    put(&store, vec![write("one", sum(points, 2, true)), write("two", MetricData::Gauge(ints))]).await;
    let found = store.find_points(&PointFilter::default(), 10, 0, None).await.unwrap();
    assert_eq!((found.points.len(), found.total), (3, 3));
    let fields: Vec<_> = found.points.iter().map(|found| found.point.fields[0].clone()).collect();
    assert_eq!(fields[0].value, AttributeValue::Double(-0.0));
    assert_eq!((fields[1].key.as_str(), &fields[1].value), ("asInt", &AttributeValue::Int(i64::MAX)));
    let flags = &found.points[0].point.fields[1];
    assert_eq!((flags.key.as_str(), &flags.value), ("flags", &AttributeValue::Int(2)));
    let one = store.point(&found.points[2].point.id).await.unwrap().unwrap();
    assert_eq!(one, found.points[2]);
    assert!(store.point("nothing").await.unwrap().is_none());
    let listed = store.metric_points(&query("one", MetricKind::Sum, 1, 100), 1, 1).await.unwrap();
    assert_eq!((listed.points.len(), listed.total), (1, 2));
    let named =
        PointFilter { name: Some("two".into()), service: Some("app".into()), ..PointFilter::default() };
    assert_eq!(store.find_points(&named, 10, 0, None).await.unwrap().total, 1);
    let metrics =
        store.list_metrics(&MetricFilter { text: Some("ON".into()), ..MetricFilter::default() }).await;
    assert_eq!(metrics.unwrap().len(), 1);
}

#[tokio::test]
async fn usage_is_told_beside_the_calls_and_never_added() {
    let (store, _folder) = made::store().await;
    let attributes = [("type", "cacheRead"), ("model", "claude-x")];
    let points = vec![number(10.5, head(10, 1, &attributes)), number(1.0, head(20, 10, &attributes))];
    put(
        &store,
        vec![
            write("claude_code.token.usage", sum(points, 1, true)),
            write("other", MetricData::Gauge(vec![])),
        ],
    )
    .await;
    let from = i64::try_from(MS).unwrap();
    let usage = store.metric_usage(from, from + 100).await.unwrap();
    assert_eq!(usage.len(), 1);
    let told = &usage[0];
    assert_eq!((told.metric.as_str(), told.token_type.as_str()), ("claude_code.token.usage", "cacheRead"));
    assert_eq!((told.model.as_deref(), told.total, told.calls), (Some("claude-x"), 11.5, None));
    assert!(store.metric_usage(from - 100, from).await.unwrap().is_empty());

    // Of a distribution that accumulates its sum counts, not how many measurements it has.
    let tell = |count: u64, at: u64| HistogramPoint {
        head: head(at, 1, &[("gen_ai.token.type", "output")]),
        count,
        sum: Some(count as f64 * 100.0),
        ..HistogramPoint::default()
    };
    let data = MetricData::Histogram { points: vec![tell(2, 30), tell(5, 40)], temporality: 2 };
    put(&store, vec![write("gen_ai.client.token.usage", data)]).await;
    let usage = store.metric_usage(from + 35, from + 100).await.unwrap();
    assert_eq!(usage.iter().map(|told| told.total).collect::<Vec<_>>(), [300.0]);
}

/// A counter of some processes, as a list of points: process, time, value so far.
fn counters() -> impl Strategy<Value = Vec<(u8, Vec<u16>)>> {
    prop::collection::vec((0_u8..3, prop::collection::vec(0_u16..50, 1..12)), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// What accumulates and what is told by deltas come to the same in every bar, in any order and batching, sent twice
    /// or once, with every process a stream of its own.
    #[test]
    fn growth_is_what_was_added(counters in counters(), bars in 1_u32..7, seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (store, _folder) = made::store().await;
            let mut expected: BTreeMap<usize, f64> = BTreeMap::new();
            let (mut deltas, mut cumulative) = (Vec::new(), Vec::new());
            for (number_of, (series, growth)) in counters.iter().enumerate() {
                let series = series.to_string();
                let since = u64::try_from(number_of).unwrap() + 1;
                let mut so_far = 0.0;
                for (step, growth) in growth.iter().enumerate() {
                    let at = 10 + u64::try_from(step).unwrap() * 7 + u64::try_from(number_of).unwrap();
                    let bar = usize::try_from(at * u64::from(bars) / 100).unwrap();
                    *expected.entry(bar).or_default() += f64::from(*growth);
                    so_far += f64::from(*growth);
                    deltas.push(number(f64::from(*growth), head(at, since, &[("s", &series)])));
                    cumulative.push(number(so_far, head(at, since, &[("s", &series)])));
                }
            }
            let mut order: Vec<usize> = (0..deltas.len()).chain(0..deltas.len()).collect();
            let mut state = seed;
            for at in (1..order.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                order.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
            }
            for some in order.chunks(5) {
                let pick = |from: &Vec<NumberPoint>| some.iter().map(|at| from[*at].clone()).collect::<Vec<_>>();
                let metrics = vec![
                    write("deltas", sum(pick(&deltas), 1, true)),
                    write("cumulative", sum(pick(&cumulative), 2, true)),
                ];
                put(&store, metrics).await;
            }
            let mut totals = HashMap::new();
            for name in ["deltas", "cumulative"] {
                let chart = store.metric_chart(&query(name, MetricKind::Sum, bars, 100)).await.unwrap().unwrap();
                let told: BTreeMap<usize, f64> =
                    chart.lines[0].values.iter().enumerate().filter_map(|(bar, value)| Some((bar, (*value)?))).collect();
                assert_eq!(told, expected, "{name}");
                totals.insert(name, chart.metric.total);
            }
            for metric in store.list_metrics(&MetricFilter::default()).await.unwrap() {
                assert_eq!(metric.total, totals[metric.name.as_str()], "{}: as listed", metric.name);
            }
            assert_eq!(totals["deltas"], totals["cumulative"]);
        });
    }
}

#[tokio::test]
async fn attributes_in_any_order_are_one_series() {
    let (store, _folder) = made::store().await;
    let mut one = number(1.0, head(10, 1, &[("a", "1"), ("b", "2")]));
    let mut other = number(1.0, head(20, 10, &[("b", "2"), ("a", "1")]));
    one.head.attributes.0.push(("n".into(), Value::Int(3)));
    other.head.attributes.0.push(("n".into(), Value::Int(3)));
    put(&store, vec![write("x", sum(vec![one], 1, true)), write("x", sum(vec![other], 1, true))]).await;
    let chart = store.metric_chart(&query("x", MetricKind::Sum, 1, 100)).await.unwrap().unwrap();
    assert_eq!((chart.metric.series, chart.metric.total), (1, 2.0));
}

#[tokio::test]
async fn sums_that_no_number_holds_and_buckets_that_make_no_sense_are_told_all_the_same() {
    let (store, _folder) = made::store().await;
    let large = vec![number(f64::MAX, head(10, 1, &[])), number(f64::MAX, head(20, 10, &[]))];
    let odd = |bounds: Vec<f64>, counts: Vec<u64>| HistogramPoint {
        head: head(10 + u64::try_from(bounds.len()).unwrap(), 1, &[]),
        count: u64::MAX,
        sum: Some(f64::INFINITY),
        bounds,
        bucket_counts: counts,
        ..HistogramPoint::default()
    };
    let points = vec![
        odd(vec![f64::NEG_INFINITY, f64::INFINITY], vec![u64::MAX, u64::MAX, 3]),
        odd(vec![f64::MIN, 0.0, f64::MAX], vec![1, 1, 1, 1]),
        odd(vec![2.0, 1.0, f64::NAN, 4.0], vec![1; 5]),
        odd(vec![1.0], vec![1; 9]),
    ];
    let histogram = MetricData::Histogram { points, temporality: 1 };
    put(&store, vec![write("large", sum(large, 1, true)), write("odd", histogram)]).await;
    for (name, kind) in [("large", MetricKind::Sum), ("odd", MetricKind::Histogram)] {
        let chart = store.metric_chart(&query(name, kind, 1, 100)).await.unwrap().unwrap();
        let line = &chart.lines[0];
        let told =
            line.values.iter().chain(&line.sums).chain(line.quantiles.iter().flat_map(|of| &of.values));
        assert!(told.flatten().all(|value| value.is_finite()) && line.total.is_finite(), "{line:?}");
    }
    assert!(
        store
            .list_metrics(&MetricFilter::default())
            .await
            .unwrap()
            .iter()
            .all(|metric| metric.total.is_finite())
    );
}

#[tokio::test]
async fn what_is_said_of_a_metric_is_kept_once_however_many_series_it_has() {
    const SERIES: u64 = 400;
    let (store, _folder) = made::store().await;
    let long = |end: &str| {
        // What does not compress.
        let mut hasher = blake3::Hasher::new();
        let mut noise = vec![0; 100_000];
        hasher.update(end.as_bytes()).finalize_xof().fill(&mut noise);
        let noise: String = noise.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        format!("{}{noise}{end}", "d".repeat(600))
    };
    for which in ["one", "other"] {
        let points = (0..SERIES).map(|series| number(1.0, head(10, 5, &[("s", &series.to_string())])));
        let mut metric = write("", sum(points.collect(), 1, true));
        (metric.metric.name, metric.metric.description) = (long(which), long(which));
        metric.metric.metadata = Attributes(vec![made::text("more", &long(which))]);
        metric.metric.unit = long(which);
        assert_eq!(put(&store, vec![metric.clone()]).await, SERIES);
        assert_eq!(put(&store, vec![metric]).await, 0, "they are known");
    }
    assert!(store.disk_bytes() < 3 << 20, "{} bytes", store.disk_bytes());
    let found = store.list_metrics(&MetricFilter::default()).await.unwrap();
    assert_eq!(found.iter().map(|metric| metric.series).collect::<Vec<_>>(), [SERIES, SERIES]);
    assert!(found.iter().all(|metric| metric.name.len() < 300 && metric.description.len() <= 1_000));
    assert_ne!(found[0].name, found[1].name);

    let filter = PointFilter { name: Some(found[0].name.clone()), ..PointFilter::default() };
    let points = store.find_points(&filter, 1_000, 0, None).await.unwrap();
    assert_eq!(points.total, SERIES);
    let first = &points.points[0];
    assert!(first.description.len() <= 1_000 && first.point.metadata.is_empty());
    let whole = store.point(&first.point.id).await.unwrap().unwrap();
    let which = if whole.description == long("one") { "one" } else { "other" };
    assert_eq!((whole.description, &whole.name), (long(which), &first.name));
    let text = |attribute: &api::Attribute| (attribute.key.clone(), attribute.value.clone());
    assert_eq!(
        whole.point.metadata.iter().map(text).collect::<Vec<_>>(),
        [("more".to_owned(), AttributeValue::Text(long(which)))]
    );
    for key in ["name", "unit"] {
        let told = whole.point.fields.iter().map(text);
        assert!(told.into_iter().any(|told| told == (key.to_owned(), AttributeValue::Text(long(which)))));
    }

    // What is only somewhat long is whole in lists, too.
    let mut metric = write("somewhat", sum(vec![number(1.0, head(10, 5, &[]))], 1, true));
    metric.metric.description = "d".repeat(5_000);
    metric.metric.metadata = Attributes(vec![made::text("more", &"m".repeat(5_000))]);
    put(&store, vec![metric]).await;
    let filter = PointFilter { name: Some("somewhat".into()), ..PointFilter::default() };
    let found = store.find_points(&filter, 1, 0, None).await.unwrap().points.remove(0);
    assert_eq!((found.description.len(), found.point.metadata.len()), (5_000, 1));
}
