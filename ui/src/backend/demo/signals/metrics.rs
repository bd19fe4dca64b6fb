//! Invented metrics of every kind. What a stretch of time has depends on the time alone: asked twice, the same is said.

use api::{
    Attribute, AttributeValue, MetricChart, MetricExemplar, MetricFilter, MetricKind, MetricLine,
    MetricPoint, MetricQuery, MetricSummary, MetricUsage, PointsPage, Quantile, Temporality,
};

use super::logs::{int, reporter, text};

const MINUTE: i64 = 60_000;

/// Name, service, kind, cumulative, monotonic, unit, description, attributes, size.
type Kind = (
    &'static str,
    Option<&'static str>,
    MetricKind,
    bool,
    bool,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static [&'static str])],
    f64,
);

const MODELS: &[&str] = &["claude-opus-4-5", "claude-haiku-4-5", "claude-sonnet-4-5"];

const METRICS: [Kind; 13] = [
    (
        "claude_code.active_time.total",
        Some("claude-code"),
        MetricKind::Sum,
        false,
        true,
        "s",
        "Time somebody or something worked",
        &[("type", &["user", "cli"])],
        30.0,
    ),
    (
        "claude_code.code_edit_tool.decision",
        Some("claude-code"),
        MetricKind::Sum,
        false,
        true,
        "",
        "",
        &[("decision", &["accept", "reject"]), ("tool_name", &["Edit", "Write"])],
        2.0,
    ),
    (
        "claude_code.cost.usage",
        Some("claude-code"),
        MetricKind::Sum,
        false,
        true,
        "USD",
        "Cost of the Claude Code session",
        &[("model", MODELS)],
        0.021,
    ),
    (
        "claude_code.token.usage",
        Some("claude-code"),
        MetricKind::Sum,
        false,
        true,
        "tokens",
        "Number of tokens used",
        &[
            ("type", &["input", "output", "cacheRead", "cacheCreation"]),
            ("model", MODELS),
            ("query_source", &["main", "subagent", "auxiliary"]),
        ],
        4_100.0,
    ),
    (
        "codex.turn.e2e_duration_ms",
        Some("codex_cli_rs"),
        MetricKind::Histogram,
        false,
        false,
        "ms",
        "A turn from end to end",
        &[("model", &["gpt-5.1-codex", "gpt-5-mini"])],
        9_000.0,
    ),
    (
        "codex.turn.token_usage",
        Some("codex_cli_rs"),
        MetricKind::Histogram,
        true,
        false,
        "{token}",
        "",
        &[("token_type", &["input", "cached_input", "output", "reasoning_output", "total"])],
        2_600.0,
    ),
    (
        "gemini_cli.memory.usage",
        Some("gemini-cli"),
        MetricKind::Gauge,
        false,
        false,
        "By",
        "Memory of the process",
        &[("memory_type", &["heap_used", "heap_total", "rss", "external"])],
        2.1e8,
    ),
    (
        "gen_ai.client.operation.duration",
        Some("search-service <b>bold</b>"),
        MetricKind::ExponentialHistogram,
        true,
        false,
        "s",
        "GenAI operation duration",
        &[
            ("gen_ai.request.model", &["gpt-5-mini", "text-embedding-3-small"]),
            ("error.type", &["", "timeout"]),
        ],
        2.2,
    ),
    (
        "gen_ai.client.token.usage",
        Some("search-service <b>bold</b>"),
        MetricKind::Histogram,
        true,
        false,
        "{token}",
        "Number of input and output tokens used",
        &[("gen_ai.token.type", &["input", "output"])],
        800.0,
    ),
    (
        "http.server.active_requests",
        Some("search-service <b>bold</b>"),
        MetricKind::Sum,
        true,
        false,
        "{request}",
        "Requests in flight",
        &[("http.request.method", &["GET", "POST"])],
        6.0,
    ),
    (
        "process.cpu.temperature_difference",
        None,
        MetricKind::Gauge,
        false,
        false,
        "Cel",
        "Goes below zero",
        &[],
        -4.0,
    ),
    (
        "rpc.duration.quantiles",
        Some("old-java-service"),
        MetricKind::Summary,
        true,
        false,
        "ms",
        "As the client library summarises it",
        &[("method", &["Search", "Index"])],
        40.0,
    ),
    (
        "a.metric.whose.name.is.much.longer.than.anybody.should.ever.choose.for.a.metric.because.it.has.to.be.cut.somewhere",
        Some("a-service-whose-name-is-as-long-as-that-of-its-metric-and-longer"),
        MetricKind::Sum,
        true,
        true,
        "{thing}",
        "Also a description that is long enough to need more than one line on any screen that is not very wide, to see what happens to it",
        &[("shard", &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"])],
        12.0,
    ),
];

/// 0 to 1 out of a place and a time.
fn noise(seed: u64, at: i64) -> f64 {
    let mut mixed =
        seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (at as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed ^= mixed >> 31;
    mixed = mixed.wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed >> 40) as f64 / (1_u64 << 24) as f64
}

fn summary(number: usize, window: (i64, i64)) -> Option<MetricSummary> {
    let (name, service, kind, cumulative, monotonic, unit, description, attributes, size) =
        *METRICS.get(number)?;
    let minutes = ((window.1 - window.0) / MINUTE).max(1) as f64;
    let series: usize = attributes.iter().map(|(_, values)| values.len()).product();
    let total = match kind {
        MetricKind::Gauge => size * series as f64,
        MetricKind::Sum if !monotonic => size,
        MetricKind::Sum => size * minutes * 0.35,
        _ => (minutes * 0.7).round(),
    };
    Some(MetricSummary {
        name: name.into(),
        service: service.map(Into::into),
        description: description.into(),
        unit: unit.into(),
        kind,
        temporality: match (kind, cumulative) {
            (MetricKind::Gauge | MetricKind::Summary, _) => Temporality::Unspecified,
            (_, true) => Temporality::Cumulative,
            (_, false) => Temporality::Delta,
        },
        monotonic,
        series: series as u64,
        points: series as u64 * minutes as u64,
        first_ms: window.0,
        last_ms: window.1 - 21_000,
        range: None,
        total,
        attribute_keys: attributes.iter().map(|(key, _)| (*key).to_owned()).collect(),
    })
}

pub(super) fn list(filter: &MetricFilter, any: bool, now: i64) -> Vec<MetricSummary> {
    let window = (filter.from_ms.unwrap_or(now - 86_400_000), filter.to_ms.unwrap_or(now));
    let text = filter.text.as_deref().unwrap_or_default().to_lowercase();
    let shown = |metric: &MetricSummary| metric.name.to_lowercase().contains(&text);
    let all = (0..METRICS.len()).filter(|_| any).filter_map(|number| summary(number, window));
    let mut all: Vec<_> = all.filter(shown).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn find(query: &MetricQuery) -> Option<usize> {
    METRICS.iter().position(|one| one.0 == query.name && one.2 == query.kind)
}

pub(super) fn chart(query: &MetricQuery, now: i64) -> Option<MetricChart> {
    let number = find(query)?;
    let (_, _, kind, _, monotonic, _, _, attributes, size) = METRICS[number];
    let width = ((query.to_ms - query.from_ms) / i64::from(query.bars)).max(1);
    let from_ms: Vec<i64> = (0..i64::from(query.bars)).map(|bar| query.from_ms + bar * width).collect();
    let values: Vec<Option<String>> = match &query.group {
        Some(group) => {
            let of = attributes
                .iter()
                .find(|(key, _)| key == group)
                .map(|(_, values)| *values)
                .unwrap_or_default();
            of.iter().map(|value| Some((*value).to_owned())).collect()
        }
        None => vec![None],
    };
    let minutes = width as f64 / MINUTE as f64;
    let line = |(index, value): (usize, Option<String>)| {
        let seed = (number * 100 + index + 1) as u64;
        let share = 1.0 / (index as f64 + 1.0);
        // Nobody works at night.
        let awake = |at: i64| at <= now && (at / 3_600_000 + 3) % 24 > 6;
        let level = |at: i64| size * share * (0.7 + 0.6 * noise(seed, at / width.max(1)));
        let each = |of: &dyn Fn(i64) -> f64| -> Vec<Option<f64>> {
            from_ms
                .iter()
                .map(|at| (awake(*at) && noise(seed + 9, *at / width) > 0.12).then(|| of(*at)))
                .collect()
        };
        match kind {
            MetricKind::Sum if monotonic => {
                let values = each(&|at| level(at) * minutes);
                MetricLine {
                    total: values.iter().flatten().sum(),
                    values,
                    value,
                    resets: u64::from(index == 1),
                    ..MetricLine::default()
                }
            }
            MetricKind::Gauge | MetricKind::Sum => {
                let values =
                    each(&|at| level(at) * if size < 0.0 { 2.0 * noise(seed, at) - 0.8 } else { 1.0 });
                MetricLine {
                    total: values.iter().flatten().last().copied().unwrap_or(0.0),
                    values,
                    value,
                    ..MetricLine::default()
                }
            }
            MetricKind::Histogram | MetricKind::ExponentialHistogram | MetricKind::Summary => {
                let values = each(&|_| (minutes * 0.7 * share).ceil());
                let sums = values
                    .iter()
                    .zip(&from_ms)
                    .map(|(count, at)| count.map(|count| count * level(*at)))
                    .collect();
                let quantile = |quantile: f64, times: f64| Quantile {
                    quantile,
                    values: values
                        .iter()
                        .zip(&from_ms)
                        .map(|(count, at)| {
                            count.map(|_| level(*at) * times * (0.9 + 0.2 * noise(seed + 3, *at)))
                        })
                        .collect(),
                };
                let quantiles = vec![quantile(0.5, 0.8), quantile(0.95, 2.1), quantile(0.99, 3.4)];
                let buckets = match kind {
                    MetricKind::Summary => Vec::new(),
                    MetricKind::Histogram => {
                        let bounds = [0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0]
                            .map(|times| Some(size * times));
                        bounds
                            .into_iter()
                            .chain([None])
                            .enumerate()
                            .map(|(at, bound)| (bound, [2, 9, 31, 44, 61, 40, 22, 12, 6, 1, 0][at] * 7))
                            .collect()
                    }
                    _ => (0..120_i32)
                        .map(|at| {
                            (
                                Some(size * 0.02 * 1.07_f64.powi(at)),
                                (4_000.0 * (-(f64::from(at) - 58.0).powi(2) / 300.0).exp()) as u64,
                            )
                        })
                        .chain([(None, 2)])
                        .collect(),
                };
                MetricLine {
                    total: values.iter().flatten().sum(),
                    values,
                    value,
                    sums,
                    quantiles,
                    buckets,
                    resets: 0,
                    left_out: u64::from(kind == MetricKind::Summary) * 3,
                }
            }
        }
    };
    let mut lines: Vec<MetricLine> = values.into_iter().enumerate().map(line).collect();
    let rest = lines.len().saturating_sub(12);
    if rest > 0 {
        lines.truncate(12);
        lines.push(MetricLine { value: None, ..lines[11].clone() });
    }
    let exemplars = match kind {
        MetricKind::Histogram | MetricKind::ExponentialHistogram => (0..14_i64)
            .map(|at| MetricExemplar {
                time_ns: (query.from_ms + (query.to_ms - query.from_ms) * (at * 6 + 9) / 100) * 1_000_000,
                value: size * (0.3 + 4.0 * noise(77, at)),
                trace_id: (at % 5 != 4)
                    .then(|| format!("{:032x}", 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128 + at as u128)),
                span_id: (at % 5 != 4).then(|| format!("{:016x}", 0xf067_aa0b_a902_b700_u64 + at as u64)),
                attributes: vec![text("user.id", "ada")],
            })
            .collect(),
        _ => Vec::new(),
    };
    Some(MetricChart {
        metric: summary(number, (query.from_ms, query.to_ms.min(now)))?,
        from_ms,
        lines,
        rest: rest as u64,
        exemplars,
    })
}

pub(super) fn points(query: &MetricQuery, limit: u32, offset: u32, now: i64) -> PointsPage {
    let Some(number) = find(query) else { return PointsPage::default() };
    let (_, service, kind, _, _, _, _, attributes, size) = METRICS[number];
    let to = query.to_ms.min(now);
    let total = ((to - query.from_ms) / MINUTE).max(0) as u64;
    let count = u64::from(limit).min(total.saturating_sub(u64::from(offset)));
    let point = |at: u64| {
        let time = to - (i64::from(offset) + at as i64) * MINUTE - 21_000;
        let value = size * (0.6 + 0.8 * noise(number as u64, time));
        let fields = match kind {
            MetricKind::Histogram => vec![
                int("count", 12),
                Attribute { key: "sum".into(), value: AttributeValue::Double(value * 12.0) },
                Attribute {
                    key: "bucketCounts".into(),
                    value: AttributeValue::List((0..11).map(|at| AttributeValue::Int(at % 4)).collect()),
                },
                Attribute {
                    key: "explicitBounds".into(),
                    value: AttributeValue::List(
                        (1..11).map(|at| AttributeValue::Double(size * f64::from(at) / 4.0)).collect(),
                    ),
                },
                Attribute {
                    key: "exemplars".into(),
                    value: AttributeValue::List(vec![AttributeValue::Map(vec![
                        text("traceId", "4bf92f3577b34da6a3ce929d0e0e4736"),
                        Attribute { key: "asDouble".into(), value: AttributeValue::Double(value) },
                    ])]),
                },
            ],
            MetricKind::ExponentialHistogram => vec![
                int("count", 31),
                int("scale", 3),
                int("zeroCount", 0),
                Attribute {
                    key: "positive".into(),
                    value: AttributeValue::Map(vec![
                        int("offset", 4),
                        Attribute {
                            key: "bucketCounts".into(),
                            value: AttributeValue::List(vec![AttributeValue::Int(3); 9]),
                        },
                    ]),
                },
            ],
            MetricKind::Summary => vec![
                int("count", 9),
                Attribute { key: "sum".into(), value: AttributeValue::Double(value * 9.0) },
            ],
            _ => vec![Attribute {
                key: "asDouble".into(),
                value: AttributeValue::Double((value * 1e4).round() / 1e4),
            }],
        };
        let of =
            attributes.iter().map(|(key, values)| text(key, values[(at as usize + number) % values.len()]));
        MetricPoint {
            id: format!("{number}-{time}"),
            time_ns: time * 1_000_000,
            start_ns: if kind == MetricKind::Gauge { 0 } else { (time - MINUTE) * 1_000_000 },
            attributes: of.chain([text("session.id", "sess-20778-3")]).collect(),
            fields,
            reporter: reporter(service.unwrap_or_default()),
            metadata: vec![],
            shortened: false,
        }
    };
    PointsPage { points: (0..count).map(point).collect(), total }
}

pub(super) fn usage(any: bool) -> Vec<MetricUsage> {
    let one = |model: &str, metric: &str, token_type: &str, total: f64, calls: Option<f64>| MetricUsage {
        service: Some("claude-code".into()),
        model: Some(model.into()),
        metric: metric.into(),
        token_type: token_type.into(),
        total,
        calls,
    };
    let tokens = "claude_code.token.usage";
    let all = vec![
        one("claude-opus-4-5", tokens, "input", 61_204.0, Some(61_204.0)),
        one("claude-opus-4-5", tokens, "output", 184_220.0, Some(184_220.0)),
        one("claude-opus-4-5", tokens, "cacheRead", 9_412_001.0, Some(9_398_114.0)),
        one("claude-opus-4-5", "claude_code.cost.usage", "cost", 11.8342, Some(11.8342)),
        one("claude-haiku-4-5", tokens, "output", 22_031.0, Some(11_020.0)),
        one("claude-sonnet-4-5[1m]", tokens, "input", 4_120.0, None),
    ];
    if any { all } else { Vec::new() }
}
