//! A trace's row by differences is the row that adding up its spans gives, and costs the same however large the trace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::telemetry::reading::SpanReading;
use model::telemetry::wire::{Origin, Span};

use crate::telemetry::{Reports, SpanWrite};
use crate::{Store, StoreError};

const START: u64 = 1_790_000_000_000_000_000;

/// A span: its number, whether it has a parent, when it begins and how long it takes (none: it has not ended).
#[derive(Clone, Copy, Debug)]
struct Seed(u64, bool, u64, Option<u64>);

fn span(Seed(number, inner, at, lasts): Seed) -> SpanWrite {
    let start_ns = START + at;
    let span = Span {
        trace_id: [7; 16],
        span_id: number.wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes(),
        parent: inner.then_some([1; 8]),
        name: format!("span {number} at {at}"),
        start_ns,
        end_ns: lasts.map_or(0, |lasts| start_ns + lasts),
        ..Span::default()
    };
    let error = lasts.filter(|lasts| lasts % 3 == 1).map(|_| "it broke".to_owned());
    let reading = SpanReading { error, infrastructure: at % 5 == 0, ..SpanReading::default() };
    SpanWrite { span, origin: Arc::new(Origin::default()), reading }
}

async fn store() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Store::open(&folder.path().join("data.db")).await.unwrap().0, folder)
}

async fn put(store: &Store, seeds: &[Seed]) {
    let spans = seeds.iter().copied().map(span).collect();
    let batch = store.prepare_telemetry(vec![Reports { spans, ..Reports::default() }], 0).unwrap();
    store.commit_telemetry(&[batch]).await.unwrap();
}

type Row = (i64, i64, i64, i64, i64, i64, i64, i64, String);

async fn row(store: &Store, sql: &'static str) -> Row {
    sqlx::query_as(sql).fetch_one(&store.inner.read).await.unwrap()
}

async fn assert_is_the_sum(store: &Store) {
    let kept = "SELECT first_ns, last_ns, spans, infra, errors, root_inner, root_start_ns, root_id, root_name FROM trace";
    let summed = "SELECT min(start_ns), max(start_ns + max(duration_ns, 0)), count(*), sum(flags & 2 != 0), \
        sum(flags & 1 != 0), root.inside, root.at, root.root_id, root.root_name FROM span, (SELECT parent IS NOT NULL AS inside, \
        start_ns AS at, id AS root_id, name AS root_name FROM span ORDER BY 1, 2, 3 LIMIT 1) AS root";
    assert_eq!(row(store, kept).await, row(store, summed).await);
}

/// The next of some numbers that nobody foresees.
fn next(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

#[tokio::test]
async fn sums_told_by_differences_are_the_sums() {
    for seed in 0..2 {
        let (store, _folder) = store().await;
        let mut state = seed;
        let parents = seed % 2 == 0;
        for batch in 0..40 {
            // The first batch has more than is kept of any edge.
            let seeds = (0..if batch == 0 { 900 } else { 1 + next(&mut state, 60) }).map(|_| {
                let number = next(&mut state, 700);
                // Later and later, so that whoever stood at the edge leaves it.
                let at = batch * 40 + next(&mut state, 200);
                let lasts = next(&mut state, 1_000 - batch * 20);
                Seed(
                    number,
                    parents || next(&mut state, 9) > 0,
                    at,
                    (!lasts.is_multiple_of(7)).then_some(lasts),
                )
            });
            put(&store, &seeds.collect::<Vec<_>>()).await;
            assert_is_the_sum(&store).await;
        }
        // All of them, the ones at the edges first: more than is kept of any.
        for some in 0..70 {
            let ten = some * 10..some * 10 + 10;
            let seeds = ten.map(|number| Seed(number, true, 5_000 + number, Some(700 - number)));
            put(&store, &seeds.collect::<Vec<_>>()).await;
            assert_is_the_sum(&store).await;
        }
    }
}

/// Steps of SQLite's machine that these take, each committed alone.
async fn steps(store: &Store, seeds: &[Seed]) -> Result<u64, StoreError> {
    let steps = Arc::new(AtomicU64::new(0));
    let counted = steps.clone();
    let mut writer = store.inner.writer.lock().await;
    let mut handle = writer.connection()?.lock_handle().await.unwrap();
    handle.set_progress_handler(1, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    drop(handle);
    drop(writer);
    for seed in seeds {
        put(store, &[*seed]).await;
    }
    Ok(steps.load(Ordering::Relaxed))
}

#[tokio::test]
async fn replacing_a_span_costs_the_same_however_large_its_trace_is() {
    let mut costs = Vec::new();
    for spans in [600, 6_000] {
        let (store, _folder) = store().await;
        let open: Vec<Seed> = (0..spans).map(|number| Seed(number, true, number, None)).collect();
        put(&store, &open).await;
        // They end, as spans that were sent open do.
        let ends: Vec<Seed> = (0..100).map(|number| Seed(number * 5, true, number * 5, Some(9))).collect();
        let ended = steps(&store, &ends).await.unwrap();
        // Whoever begins first and is the root begins later; the first of them makes the trace be read.
        let left: Vec<Seed> = (0..100).map(|number| Seed(number, true, 10_000 + number, Some(9))).collect();
        put(&store, &left[..1]).await;
        let left = steps(&store, &left[1..]).await.unwrap();
        assert_is_the_sum(&store).await;
        costs.push((ended, left));
    }
    let [(ended, left), (ended_in_large, left_in_large)] = costs[..] else { panic!("two traces") };
    assert!(ended_in_large < ended * 2, "{ended} {ended_in_large}");
    assert!(left_in_large < left * 2, "{left} {left_in_large}");
}
