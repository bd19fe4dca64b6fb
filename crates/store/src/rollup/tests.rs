//! Rows that come, change and go in any way, against adding up what is there, call by call.

use std::collections::BTreeMap;

use api::{CallFilter, GroupBy, Outcome, TraceEntry};
use proptest::prelude::*;
use sqlx::Connection;
use tempfile::TempDir;

use super::measures::QUARTER_MS;
use super::*;
use crate::Store;
use crate::counts::{Counted, push_quarters};
use crate::filter::push_where;

/// A row of `call`, as far as sums care in different ways.
#[derive(Clone, Debug, Default)]
struct Row {
    started_ms: i64,
    model: Option<u8>,
    client: Option<u8>,
    provider: u8,
    session: Option<u8>,
    tags: Vec<u8>,
    side: bool,
    open: bool,
    failed: bool,
    input: Option<i64>,
    cost: Option<i64>,
}

/// What may be done to the table.
#[derive(Clone, Debug)]
enum Step {
    Put(i64, Row),
    Change(i64, Row),
    Name(i64, Option<u8>),
    Delete(i64),
    DeleteBefore(i64),
}

prop_compose! {
    fn row()(
        started_ms in 0..6 * QUARTER_MS,
        (model, client, session) in (prop::option::of(0..3_u8), prop::option::of(0..2_u8), prop::option::of(0..3_u8)),
        provider in 0..2_u8,
        tags in prop::sample::subsequence(vec![0_u8, 1, 2], 0..3),
        // One that is under way has not failed yet.
        (side, (open, failed)) in (
            prop::bool::weighted(0.1),
            prop::sample::select(vec![(false, false), (true, false), (false, true)]),
        ),
        (input, cost) in (prop::option::of(0..1_000_i64), prop::option::of(0..1_000_i64)),
    ) -> Row {
        Row { started_ms, model, client, provider, session, tags, side, open, failed, input, cost }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let seq = || 1..12_i64;
    prop_oneof![
        5 => (seq(), row()).prop_map(|(seq, row)| Step::Put(seq, row)),
        3 => (seq(), row()).prop_map(|(seq, row)| Step::Change(seq, row)),
        2 => (seq(), prop::option::of(0..3_u8)).prop_map(|(seq, session)| Step::Name(seq, session)),
        2 => seq().prop_map(Step::Delete),
        1 => (0..6 * QUARTER_MS).prop_map(Step::DeleteBefore),
    ]
}

fn name(kind: &str, number: Option<u8>) -> Option<String> {
    number.map(|number| format!("{kind}{number}"))
}

async fn put(connection: &mut SqliteConnection, seq: i64, row: &Row) {
    let sql = "INSERT OR REPLACE INTO call (seq, id, started_ms, state, failed, provider, operation, client, method, \
        path, model, streamed, input, usage_source, cost, cost_source, session_id, tags) \
        VALUES (?1, CAST(printf('%016d', ?1) AS BLOB), ?2, ?3, ?4, ?5, ?6, ?7, '', '', ?8, 0, ?9, 'provider', ?10, 'computed', ?11, ?12)";
    bind(sqlx::query(sql), seq, row).execute(connection).await.unwrap();
}

async fn change(connection: &mut SqliteConnection, seq: i64, row: &Row) {
    let sql = "UPDATE call SET started_ms = ?2, state = ?3, failed = ?4, provider = ?5, operation = ?6, client = ?7, \
        model = ?8, input = ?9, cost = ?10, session_id = ?11, tags = ?12 WHERE seq = ?1";
    bind(sqlx::query(sql), seq, row).execute(connection).await.unwrap();
}

type Query<'a> = sqlx::query::Query<'a, Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind<'a>(query: Query<'a>, seq: i64, row: &Row) -> Query<'a> {
    let tags: Vec<String> = row.tags.iter().map(|tag| format!("t{tag}")).collect();
    let tags = (!tags.is_empty()).then(|| serde_json::to_string(&tags).unwrap());
    query
        .bind(seq)
        .bind(row.started_ms)
        .bind(if row.open { "open" } else { "complete" })
        .bind(row.failed)
        .bind(format!("p{}", row.provider))
        .bind(if row.side { "side_call" } else { "chat" })
        .bind(name("c", row.client))
        .bind(name("m", row.model))
        .bind(row.input)
        .bind(row.cost)
        .bind(name("s", row.session))
        .bind(tags)
}

async fn take(connection: &mut SqliteConnection, rows: &mut BTreeMap<i64, Row>, step: &Step) {
    match step {
        Step::Put(seq, row) => {
            put(connection, *seq, row).await;
            rows.insert(*seq, row.clone());
        }
        Step::Change(seq, row) => {
            change(connection, *seq, row).await;
            rows.entry(*seq).and_modify(|there| *there = row.clone());
        }
        Step::Name(seq, session) => {
            let update = sqlx::query("UPDATE call SET session_id = ? WHERE seq = ?");
            update.bind(name("s", *session)).bind(seq).execute(connection).await.unwrap();
            rows.entry(*seq).and_modify(|there| there.session = *session);
        }
        Step::Delete(seq) => {
            sqlx::query("DELETE FROM call WHERE seq = ?").bind(seq).execute(connection).await.unwrap();
            rows.remove(seq);
        }
        Step::DeleteBefore(ms) => {
            let delete = sqlx::query("DELETE FROM call WHERE started_ms < ?").bind(ms);
            delete.execute(connection).await.unwrap();
            rows.retain(|_, row| row.started_ms >= *ms);
        }
    }
}

fn keys(row: &Row, group: Option<GroupBy>) -> Vec<Option<String>> {
    match group {
        None => vec![None],
        Some(GroupBy::Model) => vec![name("m", row.model)],
        Some(GroupBy::Client) => vec![name("c", row.client)],
        Some(GroupBy::Provider) => vec![name("p", Some(row.provider))],
        Some(GroupBy::Session) => vec![name("s", row.session)],
        Some(GroupBy::Tag) if row.tags.is_empty() => vec![None],
        Some(GroupBy::Tag) => row.tags.iter().map(|tag| name("t", Some(*tag))).collect(),
    }
}

/// Calls, open ones, errors, tokens if known, cost.
type Figures = (u64, u64, u64, Option<u64>, i64);
type ByPlace = BTreeMap<(Option<String>, u32), Figures>;

/// The long way.
fn by_hand(
    rows: &BTreeMap<i64, Row>,
    filter: &CallFilter,
    bounds: &[i64],
    group: Option<GroupBy>,
) -> ByPlace {
    let mut found = ByPlace::new();
    for row in rows.values().filter(|row| !row.side) {
        let wanted = |of: &Option<String>, is: Option<String>| of.is_none() || *of == is;
        let part = bounds.windows(2).position(|pair| (pair[0]..pair[1]).contains(&row.started_ms));
        let fits = wanted(&filter.provider, name("p", Some(row.provider)))
            && wanted(&filter.model, name("m", row.model));
        let Some(part) = part.filter(|_| fits) else { continue };
        for key in keys(row, group) {
            let sums = found.entry((key, u32::try_from(part).unwrap())).or_insert((0, 0, 0, None, 0));
            sums.0 += 1;
            sums.1 += u64::from(row.open);
            sums.2 += u64::from(row.failed);
            if let Some(input) = row.input {
                sums.3 = Some(sums.3.unwrap_or(0) + input.unsigned_abs());
            }
            sums.4 += row.cost.unwrap_or(0);
        }
    }
    found
}

/// How many calls match, the long way.
fn count_by_hand(rows: &BTreeMap<i64, Row>, filter: &CallFilter) -> u64 {
    let wanted = |of: &Option<String>, is: Option<String>| {
        of.as_ref().is_none_or(|of| *of == is.clone().unwrap_or_default())
    };
    let fits = |row: &&Row| {
        let tags: Vec<Option<String>> = keys(row, Some(GroupBy::Tag));
        !row.side
            && wanted(&filter.provider, name("p", Some(row.provider)))
            && wanted(&filter.model, name("m", row.model))
            && wanted(&filter.client, name("c", row.client))
            && (filter.tag.is_none() || tags.iter().any(|tag| wanted(&filter.tag, tag.clone())))
            && filter.from_ms.is_none_or(|from_ms| row.started_ms >= from_ms)
            && filter.to_ms.is_none_or(|to_ms| row.started_ms < to_ms)
            && match filter.outcome {
                Some(Outcome::Error) => row.failed,
                Some(Outcome::Success) => !row.failed && !row.open,
                None => true,
            }
    };
    rows.values().filter(fits).count() as u64
}

/// Counts, and where few calls are, are the rows'.
async fn check_counts(store: &Store, rows: &BTreeMap<i64, Row>) {
    let any = CallFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let named = [
        any(),
        CallFilter { model: text("m0"), ..any() },
        CallFilter { model: text(""), ..any() },
        CallFilter { model: text("m9"), ..any() },
        CallFilter { client: text("c1"), provider: text("p1"), ..any() },
        CallFilter { tag: text("t1"), ..any() },
        CallFilter { tag: text(""), provider: text("p0"), ..any() },
        CallFilter { model: text("m1"), client: text("c0"), ..any() },
    ];
    let times = [
        (None, None),
        (Some(QUARTER_MS), None),
        (None, Some(3 * QUARTER_MS + 5)),
        (Some(QUARTER_MS - 9), Some(4 * QUARTER_MS + 1)),
        (Some(7), Some(99)),
        (Some(9), Some(2)),
    ];
    for filter in &named {
        for outcome in [None, Some(Outcome::Error), Some(Outcome::Success)] {
            for (from_ms, to_ms) in times {
                let filter = CallFilter { outcome, from_ms, to_ms, ..filter.clone() };
                let count = store.count_calls(&filter).await.unwrap();
                assert_eq!(count, count_by_hand(rows, &filter), "{filter:?}");
                let mut reader = store.inner.read.acquire().await.unwrap();
                let Some(counted) = Counted::new(&filter) else { continue };
                let Some(quarters) = counted.quarters(&mut reader, count).await.unwrap() else { continue };
                let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM call");
                push_where(&mut query, &filter, None);
                push_quarters(&mut query, &quarters);
                let there: i64 = query.build_query_scalar().fetch_one(&mut *reader).await.unwrap();
                assert_eq!(there.unsigned_abs(), count, "{filter:?} in {quarters}");
            }
        }
    }
}

/// The list of traces has the calls that match, each once, page by page, and tells how many.
async fn check_lists(store: &Store, rows: &BTreeMap<i64, Row>) {
    let any = CallFilter::default;
    let named = [
        any(),
        CallFilter { model: Some("m0".into()), ..any() },
        CallFilter { tag: Some("t1".into()), from_ms: Some(QUARTER_MS - 9), ..any() },
        CallFilter { provider: Some("p1".into()), to_ms: Some(4 * QUARTER_MS + 1), ..any() },
        CallFilter { model: Some("m1".into()), client: Some("c0".into()), ..any() },
    ];
    for filter in named.iter().flat_map(|filter| {
        [None, Some(Outcome::Error)].map(|outcome| CallFilter { outcome, ..filter.clone() })
    }) {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = store.list_traces(&filter, 2, 0, after.as_ref()).await.unwrap();
            assert_eq!(page.total, count_by_hand(rows, &filter), "{filter:?}");
            seen.extend(page.entries.iter().map(|entry| match entry {
                TraceEntry::Call(call) => (call.started_ms, call.id),
                TraceEntry::Trace(trace) => panic!("{trace:?}"),
            }));
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert!(seen.is_sorted_by(|one, other| one > other), "{filter:?}: {seen:?}");
        assert_eq!(seen.len() as u64, count_by_hand(rows, &filter), "{filter:?}");
    }
}

async fn check(store: &Store, rows: &BTreeMap<i64, Row>) {
    let verified = store.verify_rollups().await.unwrap();
    assert_eq!((verified.wrong, verified.calls), (0, rows.len() as u64));
    check_counts(store, rows).await;
    check_lists(store, rows).await;
    let some = CallFilter { provider: Some("p1".into()), ..CallFilter::default() };
    let narrow = CallFilter { model: Some("m0".into()), ..some.clone() };
    let kinds = [GroupBy::Model, GroupBy::Client, GroupBy::Provider, GroupBy::Session, GroupBy::Tag];
    // Whole quarters, and intervals that begin and end within one.
    let whole: Vec<i64> = (0..=6).map(|quarter| quarter * QUARTER_MS).collect();
    for bounds in [whole, vec![1_000, QUARTER_MS - 7, QUARTER_MS + 9, 4 * QUARTER_MS - 1, 6 * QUARTER_MS - 5]]
    {
        for group in kinds.into_iter().map(Some).chain([None]) {
            for filter in [&CallFilter::default(), &some, &narrow] {
                let mut found = ByPlace::new();
                let series = store.series(filter, &bounds, group).await.unwrap();
                for group in &series.groups {
                    for point in &group.points {
                        let totals = &point.totals;
                        let figures = (
                            totals.calls,
                            totals.open,
                            totals.errors,
                            totals.usage.input,
                            totals.cost.pico(),
                        );
                        found.insert((group.key.clone(), point.interval), figures);
                    }
                }
                assert_eq!(found, by_hand(rows, filter, &bounds, group), "{group:?} {filter:?} {bounds:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_to_calls_the_sums_follow(batches in prop::collection::vec(prop::collection::vec(step(), 1..9), 1..7)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = TempDir::new().unwrap();
            let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
            let mut rows = BTreeMap::new();
            for (number, batch) in batches.iter().enumerate() {
                let mut writer = store.inner.writer.lock().await;
                let mut transaction = writer.connection().unwrap().begin_with(BEGIN).await.unwrap();
                let mut after = rows.clone();
                for step in batch {
                    take(&mut transaction, &mut after, step).await;
                }
                settle(&mut transaction).await.unwrap();
                // Every third is given up: what it noted goes with it.
                if number % 3 == 2 {
                    transaction.rollback().await.unwrap();
                } else {
                    transaction.commit().await.unwrap();
                    rows = after;
                }
                drop(writer);
                store.inner.kept.committed(0, i64::MAX);
            }
            check(&store, &rows).await;
            // What was changed behind our back is found, and put right.
            let mut writer = store.inner.writer.lock().await;
            let spoil = "UPDATE rollup SET cost = cost + 1, calls = calls + 1 WHERE dim = 2;
                DELETE FROM rollup WHERE dim = 4;";
            sqlx::raw_sql(spoil).execute(writer.connection().unwrap()).await.unwrap();
            drop(writer);
            let found = store.verify_rollups().await.unwrap();
            assert_eq!(found.wrong > 0, rows.values().any(|row| !row.side), "side calls are in neither");
            assert_eq!(store.rebuild_rollups().await.unwrap(), found);
            check(&store, &rows).await;
        });
    }
}

#[tokio::test]
async fn rollups_that_meant_something_else_are_made_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data.db");
    let store = Store::open(&path).await.unwrap().0;
    let row = Row {
        started_ms: 5 * QUARTER_MS,
        model: Some(1),
        client: None,
        provider: 0,
        session: None,
        tags: vec![1, 2],
        side: false,
        open: false,
        failed: false,
        input: Some(3),
        cost: None,
    };
    let mut writer = store.inner.writer.lock().await;
    let connection = writer.connection().unwrap();
    for seq in 1..4 {
        put(connection, seq, &Row { started_ms: row.started_ms * seq * 40, ..row.clone() }).await;
    }
    settle(connection).await.unwrap();
    sqlx::raw_sql("DELETE FROM rollup WHERE quarter > 300; UPDATE rollup_meaning SET digest = 0")
        .execute(connection)
        .await
        .unwrap();
    drop(writer);
    assert_eq!(store.verify_rollups().await.unwrap().wrong, 10, "two calls, with two tags each");
    store.close().await.unwrap();
    let store = Store::open(&path).await.unwrap().0;
    assert_eq!(store.verify_rollups().await.unwrap(), RollupCheck { calls: 3, sums: 15, wrong: 0 });
    let series = store.series(&CallFilter::default(), &[0, 1_000 * QUARTER_MS], None).await.unwrap();
    assert_eq!(series.all[0].totals.usage.input, Some(9));
}

#[tokio::test]
async fn a_sum_that_no_number_holds_costs_no_call_its_record() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
    let row = Row { cost: Some(i64::MAX - 1), ..Row::default() };
    let mut writer = store.inner.writer.lock().await;
    let connection = writer.connection().unwrap();
    for seq in 1..4 {
        put(connection, seq, &row).await;
        settle(connection).await.unwrap();
    }
    drop(writer);
    let series = store.series(&CallFilter::default(), &[0, QUARTER_MS], None).await.unwrap();
    assert_eq!((series.all[0].totals.calls, series.all[0].totals.cost.pico()), (3, i64::MAX));
}

#[tokio::test]
async fn times_that_no_clock_says_are_added_up_and_checked() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data.db");
    let store = Store::open(&path).await.unwrap().0;
    let row = Row { input: Some(1), ..Row::default() };
    let times = [i64::MIN, -QUARTER_MS - 1, -QUARTER_MS, -1, 0, i64::MAX - 1, i64::MAX];
    let mut writer = store.inner.writer.lock().await;
    let connection = writer.connection().unwrap();
    for (seq, started_ms) in (1..).zip(times) {
        put(connection, seq, &Row { started_ms, ..row.clone() }).await;
    }
    settle(connection).await.unwrap();
    drop(writer);
    let whole = RollupCheck { calls: 7, sums: 4 * 5, wrong: 0 };
    assert_eq!(store.verify_rollups().await.unwrap(), whole, "in five quarters");
    assert_eq!(store.rebuild_rollups().await.unwrap(), whole);
    let quarters = "SELECT quarter FROM rollup WHERE dim = 1 AND quarter BETWEEN -9 AND 9 ORDER BY quarter";
    let quarters: Vec<i64> = sqlx::query_scalar(quarters).fetch_all(&store.inner.read).await.unwrap();
    assert_eq!(quarters, [-2, -1, 0], "rounded down");
    let mut writer = store.inner.writer.lock().await;
    let forget = "DELETE FROM rollup; UPDATE rollup_meaning SET digest = 0";
    sqlx::raw_sql(forget).execute(writer.connection().unwrap()).await.unwrap();
    drop(writer);
    store.close().await.unwrap();
    let store = Store::open(&path).await.unwrap().0;
    assert_eq!(store.verify_rollups().await.unwrap(), whole, "made again when it is opened");
}
