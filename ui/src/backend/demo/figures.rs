//! Invented calls added up, as the store does it.

use std::collections::BTreeMap;

use api::{
    BucketCosts, CallDetail, CallState, CostSource, ErrorCause, GroupBy, Latency, Meter, MeterCount,
    MeterPoint, MeterTool, ModelLatency, Money, Operation, Overview, ReportSource, Series, SeriesGroup,
    SeriesPoint, SessionTotal, ToolTotal, Totals, UsageSource, WindowPart,
};

use super::matching;

fn alone(detail: &CallDetail) -> Totals {
    let call = &detail.summary;
    let ended = call.state != CallState::Open;
    let unpriced = ended && call.cost_source == CostSource::Unknown;
    let partial = ended && call.usage_source == UsageSource::Partial;
    let of = |name: &str| {
        detail.cost.buckets.iter().filter(|bucket| bucket.bucket == name).map(|bucket| bucket.cost).sum()
    };
    let (read, write): (Money, Money) = (of("cache_read"), of("cache_write_5m"));
    Totals {
        calls: 1,
        open: u64::from(!ended),
        lost: u64::from(call.state == CallState::Lost),
        errors: u64::from(matching::failed(call)),
        turns: u64::from(call.operation == Operation::Chat),
        usage: call.usage,
        cost: call.cost.unwrap_or_default(),
        costs: BucketCosts {
            input: of("input"),
            cache_read: read,
            cache_write_5m: write,
            cache_write_1h: of("cache_write_1h"),
            output: of("output"),
        },
        unpriced: u64::from(unpriced),
        partial: u64::from(partial),
        estimated: 0,
        not_fully_priced: u64::from(unpriced || partial),
        provider_priced: 0,
        local: u64::from(call.cost_source == CostSource::Local),
        subscription: u64::from(call.cost_source == CostSource::Subscription),
        equivalent: call.equivalent.unwrap_or_default(),
        // Reading costs a tenth, writing a quarter more.
        saved: Money::from_pico(read.pico() * 9 - write.pico() / 5),
        saved_unknown: 0,
        cut: u64::from(detail.request_body.cut || detail.response_body.cut),
        whole: u64::from(ended && !unpriced && !partial && call.state != CallState::Lost),
        priced: u64::from(ended && !unpriced && call.state != CallState::Lost),
        proxied: u64::from(call.sources.contains(&ReportSource::Proxy)),
        matched: u64::from(call.sources.contains(&ReportSource::Proxy) && call.sources.len() > 1),
        duration_us: call.duration_us.unwrap_or(0),
        timed: u64::from(call.duration_us.is_some()),
        first_token_us: call.first_token_us.unwrap_or(0),
        first_tokens: u64::from(call.first_token_us.is_some()),
    }
}

fn keys(detail: &CallDetail, group: Option<GroupBy>) -> Vec<Option<String>> {
    let call = &detail.summary;
    match group {
        None => vec![None],
        Some(GroupBy::Model) => vec![call.model.clone()],
        Some(GroupBy::Client) => vec![call.client.clone()],
        Some(GroupBy::Provider) => vec![Some(call.provider.clone())],
        Some(GroupBy::Session) => vec![call.session_id.clone()],
        Some(GroupBy::Tag) if call.tags.is_empty() => vec![None],
        Some(GroupBy::Tag) => call.tags.iter().cloned().map(Some).collect(),
    }
}

/// The interval that `ms` falls in.
fn interval(bounds: &[i64], ms: i64) -> Option<usize> {
    let after = bounds.partition_point(|bound| *bound <= ms);
    (after > 0 && after < bounds.len()).then(|| after - 1)
}

fn sums(calls: &[&CallDetail], group: GroupBy) -> Vec<(Option<String>, Totals)> {
    let mut sums: BTreeMap<Option<String>, Totals> = BTreeMap::new();
    for call in calls {
        for key in keys(call, Some(group)) {
            sums.entry(key).or_default().add(&alone(call));
        }
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, totals)| std::cmp::Reverse((totals.cost, totals.calls)));
    sums
}

pub(super) fn series(calls: &[&CallDetail], bounds: &[i64], group: Option<GroupBy>) -> Series {
    let mut groups: BTreeMap<Option<String>, BTreeMap<usize, Totals>> = BTreeMap::new();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let mut all: BTreeMap<usize, Totals> = BTreeMap::new();
    for call in calls {
        let Some(at) = interval(bounds, call.summary.started_ms) else { continue };
        if let (Some(session), Some(title)) = (&call.summary.session_id, &call.summary.title) {
            labels.insert(session.clone(), title.clone());
        }
        all.entry(at).or_default().add(&alone(call));
        for key in keys(call, group) {
            groups.entry(key).or_default().entry(at).or_default().add(&alone(call));
        }
    }
    let mut groups: Vec<SeriesGroup> = groups
        .into_iter()
        .map(|(key, points)| SeriesGroup {
            label: key
                .as_ref()
                .filter(|_| group == Some(GroupBy::Session))
                .and_then(|key| labels.get(key).cloned()),
            points: series_points(points),
            key,
        })
        .collect();
    groups.sort_by_key(|group| {
        std::cmp::Reverse(group.points.iter().map(|point| point.totals.cost).sum::<Money>())
    });
    Series { groups, all: series_points(all), ..Series::default() }
}

fn series_points(totals: BTreeMap<usize, Totals>) -> Vec<SeriesPoint> {
    let point = |(at, totals)| SeriesPoint { interval: u32::try_from(at).unwrap_or(0), totals };
    totals.into_iter().map(point).collect()
}

fn latency(calls: &[&CallDetail]) -> Latency {
    let mut times: Vec<u64> = calls.iter().filter_map(|call| call.summary.first_token_us).collect();
    times.sort_unstable();
    let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Latency { calls: times.len() as u64, p50_us: rank(50), p95_us: rank(95) }
}

pub(super) fn overview(calls: &[&CallDetail], bounds: &[i64]) -> Overview {
    let inside: Vec<&CallDetail> =
        calls.iter().copied().filter(|call| interval(bounds, call.summary.started_ms).is_some()).collect();
    let of_model = |model: &Option<String>| -> Vec<&CallDetail> {
        inside.iter().copied().filter(|call| call.summary.model == *model).collect()
    };
    let mut models: Vec<ModelLatency> = sums(&inside, GroupBy::Model)
        .into_iter()
        .map(|(model, totals)| ModelLatency {
            first_token: latency(&of_model(&model)),
            local: totals.local > 0,
            model,
        })
        .filter(|model| model.first_token.calls > 0)
        .collect();
    models.sort_by_key(|model| model.first_token.p50_us);
    let parts = bounds.windows(2).map(|pair| {
        let own: Vec<&CallDetail> = inside
            .iter()
            .copied()
            .filter(|call| (pair[0]..pair[1]).contains(&call.summary.started_ms))
            .collect();
        let errors = own.iter().filter(|call| matching::failed(&call.summary)).count();
        WindowPart { calls: own.len() as u64, errors: errors as u64, first_token: latency(&own) }
    });
    let (sessions, tools, errors) =
        (sums(&inside, GroupBy::Session), sums(&inside, GroupBy::Client), errors(&inside));
    let first = |id: &str| inside.iter().rev().find(|call| call.summary.session_id.as_deref() == Some(id));
    Overview {
        totals: Totals::sum(&inside.iter().map(|call| alone(call)).collect::<Vec<_>>()),
        unrecorded: 0,
        first_token: latency(&inside),
        model_count: models.len() as u64,
        models,
        parts: parts.collect(),
        replays: api::ReplayTotals::default(),
        error_cause_count: errors.len() as u64,
        errors,
        tool_count: tools.len() as u64,
        tools: tools.into_iter().map(|(client, totals)| ToolTotal { client, totals }).collect(),
        session_count: sessions.len() as u64,
        sessions: sessions
            .into_iter()
            .filter_map(|(id, totals)| {
                let id = id?;
                let call = first(&id);
                let title = call.and_then(|call| call.summary.title.clone());
                let client = call.and_then(|call| call.summary.client.clone());
                Some(SessionTotal { title, client, id, totals })
            })
            .collect(),
        price_date: "2026-11-12".into(),
    }
}

pub(super) fn meter(calls: &[&CallDetail], bounds: &[i64]) -> Meter {
    let mut tools: BTreeMap<Option<String>, BTreeMap<usize, MeterCount>> = BTreeMap::new();
    for call in calls {
        let Some(at) = interval(bounds, call.summary.started_ms) else { continue };
        let totals = alone(call);
        let recorded = totals.proxied.saturating_sub(totals.open + totals.lost);
        let unmatched = totals.calls - totals.proxied;
        let count = MeterCount {
            seen: totals.proxied,
            open: totals.open,
            recorded,
            lost: totals.lost,
            unrecorded: 0,
            matched: totals.matched,
            unmatched,
            priced: totals.priced,
            unpriced: (recorded + unmatched).saturating_sub(totals.priced),
            partial: totals.partial,
            estimated: totals.estimated,
            cut: totals.cut,
            side: 0,
        };
        tools.entry(call.summary.client.clone()).or_default().entry(at).or_default().add(&count);
    }
    let mut tools: Vec<MeterTool> = tools
        .into_iter()
        .map(|(client, points)| MeterTool {
            client,
            points: points
                .into_iter()
                .map(|(at, count)| MeterPoint { interval: u32::try_from(at).unwrap_or(0), count })
                .collect(),
        })
        .collect();
    let seen = |tool: &MeterTool| tool.points.iter().map(|point| point.count.seen).sum::<u64>();
    tools.sort_by_key(|tool| std::cmp::Reverse(seen(tool)));
    Meter { tools, lost: Vec::new() }
}

fn errors(calls: &[&CallDetail]) -> Vec<ErrorCause> {
    let mut causes: Vec<ErrorCause> = Vec::new();
    for call in calls.iter().map(|call| &call.summary).filter(|call| matching::failed(call)) {
        let kind = call.error.as_deref().map(matching::error_kind).map(str::to_owned);
        let same = causes.iter_mut().find(|cause| {
            (cause.status, cause.state, &cause.kind, &cause.model)
                == (call.status, call.state, &kind, &call.model)
        });
        match same {
            Some(cause) => cause.calls += 1,
            None => causes.push(ErrorCause {
                status: call.status,
                state: call.state,
                kind,
                model: call.model.clone(),
                calls: 1,
                last_ms: call.started_ms,
            }),
        }
    }
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.calls));
    causes
}
