//! Metrics that tools report: series and their points. Leaves out storing and adding them up (`store`).

use serde::{Deserialize, Serialize};

use crate::{Attribute, Reporter};

/// A metric's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// Values at moments.
    Gauge,
    /// Sums.
    Sum,
    /// Distributions over buckets that the sender chose.
    Histogram,
    /// Distributions over buckets that grow by a factor.
    ExponentialHistogram,
    /// Quantiles.
    Summary,
}

impl MetricKind {
    /// Every kind, in the order of their stored numbers.
    pub const ALL: [Self; 5] =
        [Self::Gauge, Self::Sum, Self::Histogram, Self::ExponentialHistogram, Self::Summary];

    /// The word shown in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Sum => "sum",
            Self::Histogram => "histogram",
            Self::ExponentialHistogram => "exponential_histogram",
            Self::Summary => "summary",
        }
    }
}

/// Whether a point tells of the stretch since the last one, or since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temporality {
    /// Nobody said.
    #[default]
    Unspecified,
    /// Since the last point.
    Delta,
    /// Since the beginning.
    Cumulative,
}

/// One metric of one service, over all its series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricSummary {
    /// Its name.
    pub name: String,
    /// Who reports it.
    pub service: Option<String>,
    /// What it measures.
    pub description: String,
    /// In what unit.
    pub unit: String,
    /// Its kind.
    pub kind: MetricKind,
    /// Its temporality.
    pub temporality: Temporality,
    /// Whether it only ever grows (sums).
    pub monotonic: bool,
    /// Its series.
    pub series: u64,
    /// Its points.
    pub points: u64,
    /// Its first point, in milliseconds since 1970 (UTC).
    pub first_ms: i64,
    /// Its latest point, in milliseconds since 1970 (UTC).
    pub last_ms: i64,
    /// What it comes to over the time asked for: a sum's growth, a gauge's latest values added up, how many
    /// measurements a distribution has.
    pub total: f64,
    /// The least, the most and the mean of the numbers its points carry (of distributions: of their sums), over all time;
    /// `None` when there are none.
    #[serde(default)]
    pub range: Option<[f64; 3]>,
    /// The attributes its points carry, by which a chart can be split.
    pub attribute_keys: Vec<String>,
}

/// Which metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricFilter {
    /// Stands in the name, upper and lower case alike.
    pub text: Option<String>,
    /// Of this service.
    pub service: Option<String>,
    /// At or after, in milliseconds since 1970 (UTC).
    pub from_ms: Option<i64>,
    /// Before, in milliseconds since 1970 (UTC).
    pub to_ms: Option<i64>,
}

/// One chart: a metric over equal stretches of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricQuery {
    /// The metric's name.
    pub name: String,
    /// Who reports it; `None` for those that did not say.
    pub service: Option<String>,
    /// Its kind: one name may stand for several.
    pub kind: MetricKind,
    /// The attribute to split by; `None` for all series together.
    pub group: Option<String>,
    /// From, in milliseconds since 1970 (UTC).
    pub from_ms: i64,
    /// To (exclusive), in milliseconds since 1970 (UTC).
    pub to_ms: i64,
    /// How many stretches; 1 to 500.
    pub bars: u32,
}

/// A metric over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricChart {
    /// The metric.
    pub metric: MetricSummary,
    /// Where each stretch begins, in milliseconds since 1970 (UTC).
    pub from_ms: Vec<i64>,
    /// One line a value of the attribute, the largest first; at most 12, and the rest as one.
    pub lines: Vec<MetricLine>,
    /// Values of the attribute that the last line puts together.
    pub rest: u64,
    /// Single measurements behind the points shown, the latest 100: they lead to spans.
    pub exemplars: Vec<MetricExemplar>,
}

/// One line of a chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricLine {
    /// The attribute's value; `None` for series without it, and for the rest.
    pub value: Option<String>,
    /// For each stretch: a sum's growth (monotonic sums, by delta or by the differences of what accumulates, resets
    /// seen), the latest value (gauges, sums that go down, too), or how many measurements (distributions). `None` where
    /// nothing was reported.
    pub values: Vec<Option<f64>>,
    /// What the whole line comes to.
    pub total: f64,
    /// Distributions: what the measurements add up to, for each stretch.
    pub sums: Vec<Option<f64>>,
    /// Distributions: quantiles for each stretch, from the buckets (or as sent, of summaries).
    pub quantiles: Vec<Quantile>,
    /// Distributions: the buckets over the whole time asked for, as upper bounds (the last is endless: `None`) and
    /// counts.
    pub buckets: Vec<(Option<f64>, u64)>,
    /// Times at which what accumulates began anew.
    pub resets: u64,
    /// Points that are in no sum because they are no number (`NaN`) or endless.
    pub left_out: u64,
}

/// A quantile over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// Which, 0 to 1.
    pub quantile: f64,
    /// Its value for each stretch.
    pub values: Vec<Option<f64>>,
}

/// A single measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricExemplar {
    /// When, in nanoseconds since 1970 (UTC).
    pub time_ns: i64,
    /// What.
    pub value: f64,
    /// Its trace, in hex.
    pub trace_id: Option<String>,
    /// Its span, in hex.
    pub span_id: Option<String>,
    /// Attributes that the point does not carry.
    pub attributes: Vec<Attribute>,
}

/// Which points, of whatever metric. Every field given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PointFilter {
    /// Of the metric of this name.
    pub name: Option<String>,
    /// Of this service; empty stands for those that did not say.
    pub service: Option<String>,
    /// Of this kind.
    pub kind: Option<MetricKind>,
    /// At or after, in milliseconds since 1970 (UTC).
    pub from_ms: Option<i64>,
    /// Before, in milliseconds since 1970 (UTC).
    pub to_ms: Option<i64>,
}

/// One point, as it was reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    /// Names it.
    pub id: String,
    /// Its moment, in nanoseconds since 1970 (UTC).
    pub time_ns: i64,
    /// Where its stretch begins; 0 when nobody said.
    pub start_ns: i64,
    /// What tells its series from others.
    pub attributes: Vec<Attribute>,
    /// The point's other fields under OTLP's own names (`asInt`, `bucketCounts`, `exemplars`, …).
    pub fields: Vec<Attribute>,
    /// Who reported it.
    pub reporter: Reporter,
    /// The metric's `metadata`.
    pub metadata: Vec<Attribute>,
    /// Something long is left out or cut off in a list that would be too large with it: the point by itself has it whole.
    #[serde(default)]
    pub shortened: bool,
}

/// A page of points, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PointsPage {
    /// The points.
    pub points: Vec<MetricPoint>,
    /// How many there are in the time asked for.
    pub total: u64,
}

/// A point of any metric, with what is said of the metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundPoint {
    /// Its metric.
    pub name: String,
    /// Who reports it.
    pub service: Option<String>,
    /// The metric's kind.
    pub kind: MetricKind,
    /// In what unit.
    pub unit: String,
    /// What it measures.
    pub description: String,
    /// The metric's temporality.
    pub temporality: Temporality,
    /// Whether it only ever grows (sums).
    pub monotonic: bool,
    /// The point.
    pub point: MetricPoint,
}

/// Points of any metric, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FoundPoints {
    /// The points.
    pub points: Vec<FoundPoint>,
    /// How many match in all.
    pub total: u64,
}

/// What metrics say of tokens and money, beside what the calls themselves come to. Metrics are never added to calls:
/// they tell of the same ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricUsage {
    /// Who reports it.
    pub service: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The metric.
    pub metric: String,
    /// Which tokens in the metric's own word (`input`, `cacheRead`, …); `cost` for money, in dollars.
    pub token_type: String,
    /// How many, or how much, over the time asked for.
    pub total: f64,
    /// What the calls of this tool and model come to in the same time: tokens of the same reading, or dollars; `None`
    /// when no call was seen.
    pub calls: Option<f64>,
}
