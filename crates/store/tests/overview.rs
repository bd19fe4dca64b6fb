//! What calls add up to, against adding the same calls up by hand.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use api::{
    BodyInfo, BucketCost, CallDetail, CallFilter, CallId, CallState, CallSummary, Cost, CostSource, GroupBy,
    Latency, Money, Operation, Outcome, Page, Timing, Totals, Usage, UsageSource,
};
use proptest::prelude::*;
use store::{Body, CallRecord, Store, Write};
use tempfile::TempDir;

const STATES: [CallState; 7] = [
    CallState::Open,
    CallState::Complete,
    CallState::UpstreamError,
    CallState::Truncated,
    CallState::Cancelled,
    CallState::Unreachable,
    CallState::Lost,
];
const SOURCES: [CostSource; 6] = [
    CostSource::Provider,
    CostSource::Computed,
    CostSource::Partial,
    CostSource::Local,
    CostSource::NotBilled,
    CostSource::Unknown,
];
const BUCKETS: [&str; 7] =
    ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "web_search"];

fn detail(started_ms: i64) -> CallDetail {
    CallDetail {
        summary: CallSummary {
            id: CallId::new(uuid::Uuid::now_v7()),
            started_ms,
            duration_us: Some(5_000),
            first_byte_us: Some(1_000),
            first_token_us: None,
            state: CallState::Complete,
            provider: "openai".into(),
            operation: Operation::Chat,
            client: None,
            method: "POST".into(),
            path: "/v1/chat/completions".into(),
            status: Some(200),
            model: None,
            title: Some(format!("title at {started_ms}")),
            streamed: true,
            usage: Usage::default(),
            usage_source: UsageSource::Provider,
            cost: None,
            cost_source: CostSource::Computed,
            equivalent: None,
            finish_reason: None,
            error: None,
            session_id: None,
            lineage: api::Lineage::default(),
            trace_id: None,
            parent_id: None,
            retry_of: None,
            replay_of: None,
            tags: Vec::new(),
            sources: vec![api::ReportSource::Proxy],
            in_trace: None,
        },
        upstream: "api.openai.com".into(),
        upstream_path: None,
        query: None,
        http_version: "HTTP/1.1".into(),
        requested_model: None,
        response_id: None,
        request_id: None,
        credential: None,
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        request_body: BodyInfo::default(),
        response_body: BodyInfo::default(),
        cost: Cost::default(),
        timing: Timing::default(),
        translated: None,
        reports: Vec::new(),
    }
}

fn write(detail: &CallDetail) -> Write {
    if detail.summary.state == CallState::Open {
        return Write::Open(Box::new(detail.summary.clone()));
    }
    Write::Close(Box::new(CallRecord {
        detail: detail.clone(),
        request: Body::default(),
        response: Body::default(),
        client: None,
        answer_text: String::new(),
        billed: model::pricing::Facts::default(),
        ties: store::Ties::default(),
    }))
}

async fn open(folder: &TempDir) -> Store {
    Store::open(&folder.path().join("data.db")).await.unwrap().0
}

fn failed(call: &CallSummary) -> bool {
    use CallState::{Lost, Truncated, Unreachable, UpstreamError};
    matches!(call.state, UpstreamError | Truncated | Unreachable | Lost) || call.status.unwrap_or(0) >= 400
}

/// What one call adds, read off its fields.
fn alone(detail: &CallDetail) -> Totals {
    let call = &detail.summary;
    let ended = call.state != CallState::Open;
    let partial = call.usage_source == UsageSource::Partial || call.cost_source == CostSource::Partial;
    let estimated = call.usage_source == UsageSource::Estimated;
    let unpriced = call.cost_source == CostSource::Unknown;
    let cut = ended && (detail.request_body.cut || detail.response_body.cut);
    let is = u64::from;
    let cost_of = |names: &[&str]| {
        let buckets = detail.cost.buckets.iter().filter(|_| ended);
        buckets.filter(|bucket| names.contains(&bucket.bucket.as_str())).map(|bucket| bucket.cost).sum()
    };
    Totals {
        calls: 1,
        open: is(!ended),
        lost: is(call.state == CallState::Lost),
        errors: is(failed(call)),
        turns: is(call.operation == Operation::Chat),
        usage: call.usage,
        cost: call.cost.unwrap_or_default(),
        costs: api::BucketCosts {
            input: cost_of(&["input"]),
            cache_read: cost_of(&["cache_read"]),
            cache_write_5m: cost_of(&["cache_write_5m"]),
            cache_write_1h: cost_of(&["cache_write_1h"]),
            output: cost_of(&["output", "reasoning"]),
        },
        unpriced: is(ended && unpriced),
        partial: is(ended && partial),
        estimated: is(ended && estimated),
        not_fully_priced: is(ended && (partial || estimated || unpriced)),
        provider_priced: is(call.cost_source == CostSource::Provider),
        local: is(call.cost_source == CostSource::Local),
        subscription: is(call.cost_source == CostSource::Subscription),
        equivalent: call.equivalent.unwrap_or_default(),
        saved: detail.cost.saved.filter(|_| ended).unwrap_or_default(),
        saved_unknown: is(ended && detail.cost.saved.is_none()),
        cut: is(cut),
        whole: is(ended && call.state != CallState::Lost && !partial && !estimated && !unpriced && !cut),
        priced: is(ended && call.state != CallState::Lost && !unpriced),
        proxied: 1,
        matched: 0,
        duration_us: call.duration_us.unwrap_or(0),
        timed: is(call.duration_us.is_some()),
        first_token_us: call.first_token_us.unwrap_or(0),
        first_tokens: is(call.first_token_us.is_some()),
    }
}

fn by_hand<'a>(calls: impl IntoIterator<Item = &'a CallDetail>) -> Totals {
    Totals::sum(&calls.into_iter().map(alone).collect::<Vec<_>>())
}

fn keys(call: &CallSummary, group: GroupBy) -> Vec<Option<String>> {
    match group {
        GroupBy::Model => vec![call.model.clone()],
        GroupBy::Client => vec![call.client.clone()],
        GroupBy::Provider => vec![Some(call.provider.clone())],
        GroupBy::Session => vec![call.session_id.clone()],
        GroupBy::Tag if call.tags.is_empty() => vec![None],
        GroupBy::Tag => call.tags.iter().cloned().map(Some).collect(),
    }
}

fn latency(calls: &[&CallDetail]) -> Latency {
    let mut times: Vec<u64> = calls.iter().filter_map(|call| call.summary.first_token_us).collect();
    times.sort_unstable();
    let share = |percent: usize| {
        times.iter().copied().find(|time| {
            let within = times.iter().filter(|other| *other <= time).count();
            within * 100 >= percent * times.len()
        })
    };
    Latency { calls: times.len() as u64, p50_us: share(50), p95_us: share(95) }
}

fn name(prefix: &'static str) -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(0.8, (0..3_u8).prop_map(move |n| format!("{prefix}{n}")))
}

prop_compose! {
    fn tokens()(of in prop::array::uniform6(prop::option::of(0..5_000_u64))) -> Usage {
        let [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning] = of;
        Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning }
    }
}

/// Some quarters of an hour.
const SPAN: i64 = 5_000_000;

/// Where an interval may begin: anywhere, or where a quarter does.
fn cut() -> impl Strategy<Value = i64> {
    prop_oneof![0..SPAN, (0..6_i64).prop_map(|quarter| quarter * 900_000)]
}

prop_compose! {
    fn any_call()(
        started_ms in 0..SPAN,
        (state, source, told) in (0..7_usize, 0..6_usize, prop::sample::select(vec![0_usize, 0, 0, 1, 2])),
        (model, client, session) in (name("model"), name("client"), name("session")),
        tags in prop::collection::btree_set("[ab]", 0..3),
        usage in tokens(),
        status in prop::option::of(prop::sample::select(vec![200_u16, 429, 529])),
        error in prop::option::of(prop::sample::select(vec!["overloaded_error: busy", "it broke: twice", "x"])),
        first_token_us in prop::option::of(0..90_u64),
        cost in prop::option::of(0..1_000_000_i64),
        saved in prop::option::of(-1_000..1_000_i64),
        buckets in prop::collection::vec((0..7_usize, 0..1_000_i64), 0..8),
        (chat, cut) in (any::<bool>(), prop::bool::weighted(0.1)),
    ) -> CallDetail {
        let mut detail = detail(started_ms);
        let call = &mut detail.summary;
        (call.state, call.cost_source) = (STATES[state], SOURCES[source]);
        call.usage_source =
            [UsageSource::Provider, UsageSource::Partial, UsageSource::Estimated][told];
        (call.model, call.client, call.session_id) = (model, client, session);
        call.tags = tags.into_iter().collect();
        (call.usage, call.status, call.first_token_us) = (usage, status, first_token_us);
        call.error = error.map(str::to_owned);
        call.operation = if chat { Operation::Chat } else { Operation::Embeddings };
        call.cost = cost.map(Money::from_pico);
        detail.response_body.cut = cut;
        detail.cost.saved = saved.map(Money::from_pico);
        detail.cost.buckets = buckets
            .into_iter()
            .map(|(bucket, cost)| BucketCost {
                bucket: BUCKETS[bucket].into(),
                tokens: 1,
                per_million: "1".into(),
                cost: Money::from_pico(cost),
            })
            .collect();
        detail
    }
}

async fn check_series(store: &Store, calls: &[CallDetail], bounds: &[i64], filter: &CallFilter) {
    let passes = |call: &CallSummary| {
        filter.model.as_deref().is_none_or(|model| call.model.as_deref().unwrap_or_default() == model)
            && filter.outcome.is_none_or(|_| failed(call))
    };
    let kinds = [GroupBy::Model, GroupBy::Client, GroupBy::Provider, GroupBy::Session, GroupBy::Tag];
    for group in kinds.into_iter().map(Some).chain([None]) {
        let mut expected: BTreeMap<(Option<String>, u32), Totals> = BTreeMap::new();
        let mut each_once: BTreeMap<u32, Totals> = BTreeMap::new();
        for (number, pair) in bounds.windows(2).enumerate() {
            for call in calls.iter().filter(|call| (pair[0]..pair[1]).contains(&call.summary.started_ms)) {
                if passes(&call.summary) {
                    each_once.entry(number as u32).or_default().add(&alone(call));
                }
                let keys = group.map_or(vec![None], |group| keys(&call.summary, group));
                for key in keys.into_iter().filter(|_| passes(&call.summary)) {
                    expected.entry((key, number as u32)).or_default().add(&alone(call));
                }
            }
        }
        let series = store.series(filter, bounds, group).await.unwrap();
        let mut found = BTreeMap::new();
        for group in &series.groups {
            for point in &group.points {
                found.insert((group.key.clone(), point.interval), point.totals);
            }
        }
        assert_eq!(found, expected, "by {group:?}");
        let all: BTreeMap<u32, Totals> =
            series.all.iter().map(|point| (point.interval, point.totals)).collect();
        assert_eq!(all, each_once, "every call once by {group:?}");
        let costs: Vec<Money> = series
            .groups
            .iter()
            .map(|group| group.points.iter().map(|point| point.totals.cost).sum())
            .collect();
        assert!(costs.is_sorted_by(|one, next| one >= next), "dearest first");
    }
}

async fn check_overview(store: &Store, calls: &[CallDetail], bounds: &[i64]) {
    let window = bounds[0]..bounds[bounds.len() - 1];
    let inside: Vec<&CallDetail> =
        calls.iter().filter(|call| window.contains(&call.summary.started_ms)).collect();
    let overview = store.overview(bounds).await.unwrap();
    assert_eq!(overview.totals, by_hand(inside.iter().copied()));
    assert_eq!(overview.first_token, latency(&inside));
    let tools: BTreeSet<_> = inside.iter().map(|call| &call.summary.client).collect();
    let timed = inside.iter().filter(|call| call.summary.first_token_us.is_some());
    let models: BTreeSet<_> = timed.map(|call| &call.summary.model).collect();
    assert_eq!((overview.tool_count, overview.model_count), (tools.len() as u64, models.len() as u64));
    assert_eq!(overview.error_cause_count, overview.errors.len() as u64, "fewer than fifty here");
    for model in &overview.models {
        let own: Vec<&CallDetail> =
            inside.iter().filter(|call| call.summary.model == model.model).copied().collect();
        assert_eq!(model.first_token, latency(&own));
        assert_eq!(model.local, by_hand(own).local > 0);
    }
    for tool in &overview.tools {
        let own = inside.iter().filter(|call| call.summary.client == tool.client).copied();
        assert_eq!(tool.totals, by_hand(own));
    }
    assert_eq!(Totals::sum(overview.tools.iter().map(|tool| &tool.totals)), overview.totals);
    for session in &overview.sessions {
        let own =
            || inside.iter().filter(|call| call.summary.session_id.as_ref() == Some(&session.id)).copied();
        assert_eq!(session.totals, by_hand(own()));
        // What a session is, is known of calls that ended.
        let ended = calls.iter().map(|call| &call.summary).filter(|call| call.state != CallState::Open);
        let known = ended.filter_map(|call| call.session_id.as_ref()).any(|id| *id == session.id);
        assert_eq!(session.title.is_some(), known);
    }
    assert_eq!(overview.session_count, overview.sessions.len() as u64);
    for (part, pair) in overview.parts.iter().zip(bounds.windows(2)) {
        let own: Vec<&CallDetail> = inside
            .iter()
            .filter(|call| (pair[0]..pair[1]).contains(&call.summary.started_ms))
            .copied()
            .collect();
        let sum = by_hand(own.iter().copied());
        assert_eq!((part.calls, part.errors, part.first_token), (sum.calls, sum.errors, latency(&own)));
    }
    let mut causes = BTreeMap::new();
    for call in inside.iter().map(|call| &call.summary).filter(|call| failed(call)) {
        let kind = call.error.as_deref().map(|error| model::dialect::error_kind(error).to_owned());
        let cause = (call.status, call.state.as_str(), kind, call.model.clone());
        let (count, last) = causes.entry(cause).or_insert((0, 0));
        (*count, *last) = (*count + 1, call.started_ms.max(*last));
    }
    let found: BTreeMap<_, _> = overview
        .errors
        .iter()
        .map(|cause| {
            let key = (cause.status, cause.state.as_str(), cause.kind.clone(), cause.model.clone());
            (key, (cause.calls, cause.last_ms))
        })
        .collect();
    assert_eq!(found, causes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_sum_is_what_the_calls_add_up_to(
        first in prop::collection::vec(any_call(), 0..40),
        later in prop::collection::vec(any_call(), 0..12),
        cuts in prop::collection::btree_set(cut(), 2..6),
    ) {
        let bounds: Vec<i64> = cuts.into_iter().collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = TempDir::new().unwrap();
            let store = open(&folder).await;
            let mut calls = first;
            store.write(&calls.iter().map(write).collect::<Vec<_>>()).await.unwrap();
            check_overview(&store, &calls, &bounds).await;
            check_series(&store, &calls, &bounds, &CallFilter::default()).await;
            // Sums that were kept do not outlive a change: calls that end, and new ones.
            for call in calls.iter_mut().filter(|call| call.summary.state == CallState::Open) {
                call.summary.state = CallState::Complete;
                call.summary.cost = Some(Money::from_pico(5));
            }
            calls.extend(later);
            for batch in calls.chunks(7) {
                store.write(&batch.iter().map(write).collect::<Vec<_>>()).await.unwrap();
                store.overview(&bounds).await.unwrap();
            }
            check_overview(&store, &calls, &bounds).await;
            check_series(&store, &calls, &bounds, &CallFilter::default()).await;
            for model in ["model1", ""] {
                let filter = CallFilter { model: Some(model.into()), ..CallFilter::default() };
                check_series(&store, &calls, &bounds, &filter).await;
            }
            let errors = CallFilter { outcome: Some(Outcome::Error), ..CallFilter::default() };
            check_series(&store, &calls, &bounds, &errors).await;
            check_filters(&store, &calls, &bounds).await;
            assert_eq!(store.verify_rollups().await.unwrap().wrong, 0);
        });
    }
}

/// A figure's link leads to the calls it counts: the filters give the same numbers as the sums.
async fn check_filters(store: &Store, calls: &[CallDetail], bounds: &[i64]) {
    let overview = store.overview(bounds).await.unwrap();
    let within = CallFilter {
        from_ms: bounds.first().copied(),
        to_ms: bounds.last().copied(),
        ..CallFilter::default()
    };
    let count = async |filter: CallFilter| store.count_calls(&filter).await.unwrap();
    let totals = overview.totals;
    let yes = Some(true);
    assert_eq!(count(within.clone()).await, totals.calls);
    assert_eq!(count(CallFilter { unpriced: yes, ..within.clone() }).await, totals.unpriced);
    assert_eq!(count(CallFilter { partial: yes, ..within.clone() }).await, totals.partial);
    assert_eq!(count(CallFilter { estimated: yes, ..within.clone() }).await, totals.estimated);
    assert_eq!(count(CallFilter { cut: yes, ..within.clone() }).await, totals.cut);
    assert_eq!(count(CallFilter { state: Some(CallState::Lost), ..within.clone() }).await, totals.lost);
    assert_eq!(count(CallFilter { outcome: Some(Outcome::Error), ..within.clone() }).await, totals.errors);
    let timed = CallFilter { first_token: yes, ..within.clone() };
    assert_eq!(count(timed).await, overview.first_token.calls);
    for cause in &overview.errors {
        let filter = CallFilter {
            outcome: Some(Outcome::Error),
            status: cause.status,
            state: Some(cause.state),
            error_kind: Some(cause.kind.clone().unwrap_or_default()),
            model: Some(cause.model.clone().unwrap_or_default()),
            ..within.clone()
        };
        // A call without a status is told apart only by how it ended.
        let found = count(filter).await;
        assert!(found == cause.calls || cause.status.is_none() && found > cause.calls);
    }
    for tool in &overview.tools {
        let filter = CallFilter { client: Some(tool.client.clone().unwrap_or_default()), ..within.clone() };
        assert_eq!(count(filter).await, tool.totals.calls);
    }
    let unsure = CallFilter { not_fully_priced: yes, ..within.clone() };
    let page = store.list_calls(&unsure, Page { limit: 1_000, ..Page::default() }).await.unwrap();
    assert!(page.calls.iter().all(|call| calls.iter().any(|known| {
        let sum = alone(known);
        known.summary.id == call.id && (sum.unpriced == 1 || sum.partial == 1 || sum.estimated == 1)
    })));
    assert_eq!(page.total, totals.not_fully_priced);
}

#[tokio::test]
async fn side_calls_are_left_out_until_somebody_asks_for_them() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let (turn, mut beside) = (detail(5), detail(6));
    beside.summary.operation = Operation::SideCall;
    beside.summary.status = Some(500);
    beside.summary.retry_of = Some(turn.summary.id);
    store.write(&[write(&turn), write(&beside)]).await.unwrap();
    let page = Page { limit: 10, ..Page::default() };
    let listed = async |filter: &CallFilter| {
        let found = store.list_calls(filter, page).await.unwrap();
        assert_eq!(found.total, found.calls.len() as u64);
        assert_eq!(store.stats(filter).await.unwrap().calls, found.total);
        found.calls.into_iter().map(|call| (call.id, call.retry_of)).collect::<Vec<_>>()
    };
    let (turn, beside) = (turn.summary.id, beside.summary.id);
    assert_eq!(listed(&CallFilter::default()).await, [(turn, None)]);
    let all = CallFilter { side_calls: true, ..CallFilter::default() };
    let mut both = listed(&all).await;
    both.sort();
    let mut expected = [(turn, None), (beside, Some(turn))];
    expected.sort();
    assert_eq!(both, expected);
    let only = CallFilter { operation: Some(Operation::SideCall), ..CallFilter::default() };
    assert_eq!(listed(&only).await, [(beside, Some(turn))]);
    let overview = store.overview(&[0, 100]).await.unwrap();
    assert_eq!((overview.totals.calls, overview.errors.len()), (1, 0));
}

#[tokio::test]
async fn a_call_that_left_no_record_is_counted_where_it_was() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let begun = detail(0);
    let known = CallDetail {
        summary: CallSummary {
            started_ms: begun.summary.id.began_ms(),
            state: CallState::Open,
            ..begun.summary
        },
        ..begun
    };
    let unknown = CallId::new(uuid::Uuid::now_v7());
    let now = unknown.began_ms();
    let bounds = [now - 60_000, now + 60_000];
    store.write(&[write(&known)]).await.unwrap();
    assert_eq!(store.overview(&bounds).await.unwrap().totals.open, 1);
    store.write(&[Write::Lose(known.summary.id), Write::Lose(unknown)]).await.unwrap();
    store.write(&[Write::Lose(unknown)]).await.unwrap();
    let overview = store.overview(&bounds).await.unwrap();
    assert_eq!((overview.totals.lost, overview.totals.open, overview.unrecorded), (1, 0, 1));
    assert_eq!(store.overview(&[0, 1_000]).await.unwrap().unrecorded, 0);
}

#[tokio::test]
async fn very_many_groups_are_cut_and_their_rest_is_kept() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let calls: Vec<CallDetail> = (0..230_i64)
        .map(|n| {
            let mut call = detail(n);
            call.summary.session_id = Some(format!("s{n}"));
            call.summary.cost = Some(Money::from_pico(n));
            call
        })
        .collect();
    store.write(&calls.iter().map(write).collect::<Vec<_>>()).await.unwrap();
    let series = store.series(&CallFilter::default(), &[0, 20, 500], Some(GroupBy::Session)).await.unwrap();
    assert_eq!((series.groups.len(), series.more_groups), (200, 30));
    assert_eq!(series.groups[0].label.as_deref(), Some("title at 229"));
    let rest: Vec<(u32, i64)> =
        series.rest.iter().map(|point| (point.interval, point.totals.cost.pico())).collect();
    assert_eq!(rest, [(0, (0..20).sum()), (1, (20..30).sum())]);
}

#[tokio::test]
async fn whole_quarters_say_what_others_do() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let calls: Vec<CallDetail> = (0..450_i64)
        .map(|n| {
            let mut call = detail(n * 9_973 % 5_000_000 + 1);
            call.summary.session_id = (n % 7 > 0).then(|| format!("s{}", n % 230));
            call.summary.cost = (n % 5 > 0).then(|| Money::from_pico(n % 13));
            call
        })
        .collect();
    store.write(&calls.iter().map(write).collect::<Vec<_>>()).await.unwrap();
    let whole: Vec<i64> = (0..=6).map(|quarter| quarter * 900_000).collect();
    // Nothing began in the first millisecond of any.
    let others: Vec<i64> = whole.iter().map(|bound| bound + 1).collect();
    let by = Some(GroupBy::Session);
    let one = store.series(&CallFilter::default(), &whole, by).await.unwrap();
    assert_eq!((one.groups.len(), one.more_groups), (200, 30), "229 sessions, and none");
    assert_eq!(one, store.series(&CallFilter::default(), &others, by).await.unwrap());
    let overview = store.overview(&whole).await.unwrap();
    assert_eq!((overview.session_count, overview.sessions.len()), (229, 50));
    assert_eq!(overview, store.overview(&others).await.unwrap());
}

/// Not a check but a measurement: `cargo test --release -p store --test overview -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "writes a million calls and takes minutes"]
async fn a_million_calls() {
    const DAY: i64 = 86_400_000;
    const CALLS: i64 = 1_000_000;
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let end = 30 * DAY;
    let mut writing = std::time::Duration::ZERO;
    for some in (0..CALLS).collect::<Vec<_>>().chunks(200) {
        let calls: Vec<Write> = some.iter().map(|n| write(&made(*n, end * n / CALLS))).collect();
        let since = std::time::Instant::now();
        store.write(&calls).await.unwrap();
        writing += since.elapsed();
    }
    println!("written: {:.1} µs a call", writing.as_secs_f64() * 1e6 / CALLS as f64);
    let hours: Vec<i64> = (0..=24).map(|hour| end - DAY + hour * DAY / 24).collect();
    let days: Vec<i64> = (0..=30).map(|day| day * DAY).collect();
    let all = CallFilter::default();
    let took = |since: std::time::Instant| since.elapsed().as_secs_f64() * 1e3;
    let mut today = Vec::new();
    for n in 0..40 {
        let since = std::time::Instant::now();
        let overview = store.overview(&hours).await.unwrap();
        today.push(took(since));
        assert!(overview.totals.calls > CALLS.unsigned_abs() / 31);
        store.write(&[write(&made(n, end - 1 - n))]).await.unwrap();
    }
    let first = today.remove(0);
    today.sort_by(f64::total_cmp);
    println!("a day at a glance: first {first:.1} ms, then p50 {:.1} ms, p95 {:.1} ms", today[19], today[36]);
    for group in [Some(GroupBy::Model), Some(GroupBy::Session), None] {
        let since = std::time::Instant::now();
        store.series(&all, &days, group).await.unwrap();
        let first = took(since);
        store.write(&[write(&made(7, end - 1))]).await.unwrap();
        let since = std::time::Instant::now();
        store.series(&all, &days, group).await.unwrap();
        println!("thirty days by {group:?}: first {first:.1} ms, then {:.1} ms", took(since));
    }
    for line in analytics(&store, end).await {
        println!("{line}");
    }
    let since = std::time::Instant::now();
    let check = store.verify_rollups().await.unwrap();
    println!("checked in {:.1} s: {check:?}", since.elapsed().as_secs_f64());
    assert_eq!(check.wrong, 0);
    println!("{} bytes a call", store.disk_bytes() / CALLS.unsigned_abs());
}

/// What the Analytics page asks: a range in the reader's days, whatever the time zone, and the time before, by each
/// group, while a call comes in between any two questions.
async fn analytics(store: &Store, end: i64) -> Vec<String> {
    const DAY: i64 = 86_400_000;
    let kinds = [GroupBy::Model, GroupBy::Client, GroupBy::Provider, GroupBy::Session, GroupBy::Tag];
    let mut lines = Vec::new();
    for zone in [0, 345 * 60_000] {
        let mut took = Vec::new();
        for round in 0..8 {
            for days in [1, 7, 15] {
                for group in kinds {
                    let bounds: Vec<i64> = (-2 * days..=-days).map(|day| end + day * DAY - zone).collect();
                    let mut now: Vec<i64> = (-days..0).map(|day| end + day * DAY - zone).collect();
                    now.extend(
                        (0..=24)
                            .map(|hour| end - zone + (hour - 24) * DAY / 24)
                            .filter(|at| *at > end - DAY - zone),
                    );
                    store.write(&[write(&made(round, end - 2 - round))]).await.unwrap();
                    let since = std::time::Instant::now();
                    for bounds in [&now, &bounds] {
                        store.series(&CallFilter::default(), bounds, Some(group)).await.unwrap();
                    }
                    took.push(since.elapsed().as_secs_f64() * 1e3);
                }
            }
        }
        let mut first: Vec<f64> = took.drain(..15).collect();
        first.sort_by(f64::total_cmp);
        took.sort_by(f64::total_cmp);
        let at = |times: &[f64], share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
        lines.push(format!(
            "analytics, {} minutes east of UTC: first p50 {:.1} ms, p95 {:.1} ms; then p50 {:.1} ms, p95 {:.1} ms",
            zone / 60_000,
            at(&first, 50),
            at(&first, 95),
            at(&took, 50),
            at(&took, 95)
        ));
    }
    lines
}

fn made(n: i64, started_ms: i64) -> CallDetail {
    let mut call = detail(started_ms);
    let pick = |of: &[&str]| Some(of[n.unsigned_abs() as usize % of.len()].to_owned());
    call.summary.model =
        pick(&["claude-opus-4-5", "claude-sonnet-4-5", "gpt-5.1-codex", "gemini-2.5-pro", "qwen3"]);
    call.summary.client = pick(&["claude-code", "codex", "gemini-cli"]);
    call.summary.session_id = Some(format!("session-{}-{}", n / 33_000, n * 7 % 100));
    call.summary.usage = Usage {
        input: Some(900),
        cache_read: Some(80_000),
        cache_write_5m: Some(1_200),
        cache_write_1h: None,
        output: Some(640),
        reasoning: None,
    };
    call.summary.first_token_us = Some(600_000 + (n.unsigned_abs() * 7_919) % 4_000_000);
    call.summary.cost = Some(Money::from_pico(41_000_000_000 + n));
    call.cost.saved = call.summary.cost;
    call.cost.buckets = ["input", "cache_read", "cache_write_5m", "output"]
        .map(|bucket| BucketCost {
            bucket: bucket.into(),
            tokens: 900,
            per_million: "5".into(),
            cost: Money::from_pico(10_000_000_000),
        })
        .to_vec();
    if n % 100 == 0 {
        call.summary.status = Some(529);
        call.summary.state = CallState::UpstreamError;
        call.summary.error = Some("overloaded_error: Overloaded".into());
    }
    call
}
