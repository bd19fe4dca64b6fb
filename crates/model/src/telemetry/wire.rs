//! Spans, log records and metrics with every field of OTLP 1.x, as they came. Field names are OTLP's own.
//!
//! Times are nanoseconds since 1970 (UTC), 0 when unknown. Keys keep their order and may stand twice: what is stored
//! is what was sent. These types are also the stored form (`encode`, `decode`): a field may only be added at the end of
//! a struct, with `#[serde(default)]`, and a variant only at the end of an enum.

use serde::{Deserialize, Serialize};

/// A trace's sixteen bytes.
pub type TraceId = [u8; 16];
/// A span's eight bytes.
pub type SpanId = [u8; 8];

/// OTLP's `AnyValue`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing was said.
    #[default]
    Empty,
    /// A text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number, which may be no number at all.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Several values.
    List(Vec<Value>),
    /// Named values.
    Map(Attributes),
}

/// Named values in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(pub Vec<(String, Value)>);

/// Who reported, in the resource's words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// `service.name` and so on.
    pub attributes: Attributes,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
    /// Entities that the attributes describe.
    pub entities: Vec<Entity>,
    /// Whose names the attributes use.
    pub schema_url: String,
}

/// OTLP's `EntityRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Whose names it uses.
    pub schema_url: String,
    /// What it is.
    pub kind: String,
    /// The attributes that tell it apart.
    pub id_keys: Vec<String>,
    /// The attributes that describe it.
    pub description_keys: Vec<String>,
}

/// The instrumentation that reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// More about it.
    pub attributes: Attributes,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
    /// Whose names spans, records or metrics of this scope use.
    pub schema_url: String,
}

/// Who reported: stored once for all they report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The program.
    pub resource: Resource,
    /// The instrumentation in it.
    pub scope: Scope,
}

/// What one OTLP request carries. Envelopes that hold nothing are left out.
#[derive(Clone, Debug, PartialEq)]
pub enum Export {
    /// Spans.
    Traces(Vec<(Origin, Vec<Span>)>),
    /// Log records.
    Logs(Vec<(Origin, Vec<LogRecord>)>),
    /// Metrics.
    Metrics(Vec<(Origin, Vec<Metric>)>),
}

impl Export {
    /// Spans, log records or data points in it.
    pub fn len(&self) -> usize {
        match self {
            Self::Traces(groups) => groups.iter().map(|(_, spans)| spans.len()).sum(),
            Self::Logs(groups) => groups.iter().map(|(_, records)| records.len()).sum(),
            Self::Metrics(groups) => {
                groups.iter().flat_map(|(_, metrics)| metrics).map(|metric| metric.data.len()).sum()
            }
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Its trace; never all zeros.
    pub trace_id: TraceId,
    /// Itself; never all zeros.
    pub span_id: SpanId,
    /// The span it belongs to.
    pub parent: Option<SpanId>,
    /// W3C's `tracestate`.
    pub trace_state: String,
    /// W3C's flags, and OTLP's two about remote parents.
    pub flags: u32,
    /// Its name.
    pub name: String,
    /// 1 internal, 2 server, 3 client, 4 producer, 5 consumer; 0 when nobody said.
    pub kind: i32,
    /// Its beginning.
    pub start_ns: u64,
    /// Its end.
    pub end_ns: u64,
    /// What is said of it.
    pub attributes: Attributes,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
    /// What happened during it.
    pub events: Vec<SpanEvent>,
    /// Events the sender left out.
    pub dropped_events: u32,
    /// Other spans it has to do with.
    pub links: Vec<Link>,
    /// Links the sender left out.
    pub dropped_links: u32,
    /// 0 unset, 1 ok, 2 error.
    pub status_code: i32,
    /// What went wrong.
    pub status_message: String,
}

/// Something that happened during a span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanEvent {
    /// When.
    pub time_ns: u64,
    /// What.
    pub name: String,
    /// More about it.
    pub attributes: Attributes,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
}

/// Another span that a span has to do with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Its trace; all zeros when the sender did not say.
    pub trace_id: TraceId,
    /// The span; all zeros when the sender did not say.
    pub span_id: SpanId,
    /// W3C's `tracestate`.
    pub trace_state: String,
    /// More about it.
    pub attributes: Attributes,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
    /// As [`Span::flags`].
    pub flags: u32,
}

/// One log record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// When it happened.
    pub time_ns: u64,
    /// When it was noticed.
    pub observed_ns: u64,
    /// 1 to 4 trace, to 8 debug, to 12 info, to 16 warn, to 20 error, to 24 fatal; 0 when nobody said.
    pub severity_number: i32,
    /// The sender's word for it.
    pub severity_text: String,
    /// What it says.
    pub body: Value,
    /// More about it.
    pub attributes: Attributes,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
    /// W3C's flags.
    pub flags: u32,
    /// The trace it belongs to.
    pub trace_id: Option<TraceId>,
    /// The span it belongs to.
    pub span_id: Option<SpanId>,
    /// The field `event_name`, which not every sender means (see `reading`).
    pub event_name: String,
}

/// One metric and its points.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// What it measures, in words.
    pub description: String,
    /// In what unit.
    pub unit: String,
    /// More about it.
    pub metadata: Attributes,
    /// Its kind and points.
    pub data: MetricData,
}

/// A metric's kind and points. Temporality: 1 delta, 2 cumulative; 0 when nobody said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MetricData {
    /// Values at moments.
    Gauge(Vec<NumberPoint>),
    /// Sums.
    Sum {
        /// Its points.
        points: Vec<NumberPoint>,
        /// Since the last point, or since the beginning.
        temporality: i32,
        /// Whether it only ever grows.
        monotonic: bool,
    },
    /// Distributions over buckets that the sender chose.
    Histogram {
        /// Its points.
        points: Vec<HistogramPoint>,
        /// Since the last point, or since the beginning.
        temporality: i32,
    },
    /// Distributions over buckets that grow by a factor.
    ExponentialHistogram {
        /// Its points.
        points: Vec<ExponentialPoint>,
        /// Since the last point, or since the beginning.
        temporality: i32,
    },
    /// Quantiles.
    Summary(Vec<SummaryPoint>),
}

impl Default for MetricData {
    fn default() -> Self {
        Self::Gauge(Vec::new())
    }
}

impl MetricData {
    /// Its points.
    pub fn len(&self) -> usize {
        match self {
            Self::Gauge(points) | Self::Sum { points, .. } => points.len(),
            Self::Histogram { points, .. } => points.len(),
            Self::ExponentialHistogram { points, .. } => points.len(),
            Self::Summary(points) => points.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A number as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Number {
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
}

/// What every kind of point has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PointHead {
    /// What tells its series from others of the metric.
    pub attributes: Attributes,
    /// Where its stretch of time begins; 0 when nobody said.
    pub start_ns: u64,
    /// Its moment, or where its stretch of time ends.
    pub time_ns: u64,
    /// Bit 0: nothing was recorded.
    pub flags: u32,
}

/// One number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NumberPoint {
    /// Whose and when.
    pub head: PointHead,
    /// The number; `None` when there is none.
    pub value: Option<Number>,
    /// Single measurements behind it.
    pub exemplars: Vec<Exemplar>,
}

/// One distribution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HistogramPoint {
    /// Whose and when.
    pub head: PointHead,
    /// Measurements.
    pub count: u64,
    /// What they add up to.
    pub sum: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// Measurements in each bucket: one more than there are bounds, or none.
    pub bucket_counts: Vec<u64>,
    /// Where buckets end, inclusive.
    pub bounds: Vec<f64>,
    /// Single measurements behind it.
    pub exemplars: Vec<Exemplar>,
}

/// One distribution over buckets that grow by 2^(2^-scale): bucket `i` holds what lies above `base^(offset + i)`, up to
/// `base^(offset + i + 1)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExponentialPoint {
    /// Whose and when.
    pub head: PointHead,
    /// Measurements.
    pub count: u64,
    /// What they add up to.
    pub sum: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// How fine the buckets are.
    pub scale: i32,
    /// Measurements that count as zero.
    pub zero_count: u64,
    /// What counts as zero.
    pub zero_threshold: f64,
    /// Measurements above zero.
    pub positive: Buckets,
    /// Measurements below zero, by their size.
    pub negative: Buckets,
    /// Single measurements behind it.
    pub exemplars: Vec<Exemplar>,
}

/// Buckets of an [`ExponentialPoint`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// The first one's number.
    pub offset: i32,
    /// Measurements in each.
    pub counts: Vec<u64>,
}

/// Quantiles of a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SummaryPoint {
    /// Whose and when.
    pub head: PointHead,
    /// Measurements.
    pub count: u64,
    /// What they add up to.
    pub sum: f64,
    /// Quantiles (0 to 1) and their values.
    pub quantiles: Vec<(f64, f64)>,
}

/// A single measurement behind a point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exemplar {
    /// Attributes that the point does not carry.
    pub attributes: Attributes,
    /// When.
    pub time_ns: u64,
    /// What.
    pub value: Option<Number>,
    /// The span it was made in.
    pub span_id: Option<SpanId>,
    /// That span's trace.
    pub trace_id: Option<TraceId>,
}

impl Attributes {
    /// The first value of this name.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The first value of this name, when it is a text and not empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::text).filter(|text| !text.is_empty())
    }

    /// The first value of this name as an integer, however it was written.
    pub fn int(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(Value::as_int)
    }

    /// The first value of this name as a number, however it was written.
    pub fn double(&self, key: &str) -> Option<f64> {
        self.get(key).and_then(Value::as_double)
    }
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer: senders write one as an integer, as a whole double or as decimal text.
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the bounds")]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Double(value) => (value.fract() == 0.0 && value.abs() < 9.0e15).then_some(*value as i64),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The number: senders write one as a double, as an integer or as decimal text. Never infinite, never no number.
    #[expect(clippy::cast_precision_loss, reason = "a double is what was asked for")]
    pub fn as_double(&self) -> Option<f64> {
        let value = match self {
            Self::Int(value) => Some(*value as f64),
            Self::Double(value) => Some(*value),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        value.filter(|value| value.is_finite())
    }

    /// The truth value: senders write one as such or as a word.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

/// The stored form of any of these.
pub fn encode(value: &impl Serialize) -> Vec<u8> {
    // None of these types can fail to be written: no maps with odd keys, no I/O.
    rmp_serde::to_vec(value).unwrap_or_default()
}

/// What was stored; `None` when it is damaged.
pub fn decode<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Option<T> {
    rmp_serde::from_slice(bytes).ok()
}

/// How many bytes the stored value takes that `bytes` begin with; `None` when it is damaged.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let mut reading = rmp_serde::Deserializer::new(std::io::Cursor::new(bytes));
    serde::de::IgnoredAny::deserialize(&mut reading).ok()?;
    usize::try_from(reading.get_ref().position()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_back_to_the_bit() {
        let nested = Value::Map(Attributes(vec![
            ("double".into(), Value::Double(1.0)),
            ("int".into(), Value::Int(i64::MIN)),
            ("bytes".into(), Value::Bytes(vec![0, 255])),
            ("empty".into(), Value::Empty),
            ("list".into(), Value::List(vec![Value::Bool(true), Value::Text("é".into())])),
            ("int".into(), Value::Int(2)),
        ]));
        let span = Span {
            trace_id: [7; 16],
            span_id: [9; 8],
            parent: Some([1; 8]),
            end_ns: u64::MAX,
            attributes: Attributes(vec![("all".into(), nested)]),
            links: vec![Link::default()],
            ..Span::default()
        };
        assert_eq!(decode::<Span>(&encode(&span)), Some(span));
        assert_eq!(decode::<Span>(b"rubbish"), None);
        let nan = decode::<Value>(&encode(&Value::Double(f64::NAN)));
        assert!(matches!(nan, Some(Value::Double(value)) if value.is_nan()));
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for value in [Value::Int(42), Value::Double(42.0), Value::Text("42".into())] {
            assert_eq!((value.as_int(), value.as_double()), (Some(42), Some(42.0)), "{value:?}");
        }
        assert_eq!(Value::Double(0.5).as_int(), None);
        assert_eq!(Value::Double(f64::NAN).as_double(), None);
        assert_eq!(Value::Text("true".into()).as_bool(), Some(true));
    }
}
