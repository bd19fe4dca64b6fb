//! Requests that use every field of OTLP, every kind of value and every kind of metric, the odd ones included. The same
//! number gives the same requests; another one gives other ids.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar, metric,
    number_data_point, summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::Export;

/// 21 November 2026, with nanoseconds that no float keeps.
const NOW: u64 = 1_795_300_000_123_456_789;

/// One request of each signal.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Spans.
    pub traces: ExportTraceServiceRequest,
    /// Log records.
    pub logs: ExportLogsServiceRequest,
    /// Metrics.
    pub metrics: ExportMetricsServiceRequest,
    seed: u64,
}

/// A named value.
pub fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// A named text.
pub fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

/// A named integer.
pub fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, any_value::Value::IntValue(value))
}

/// So many spans of one trace, the first the parent of the others, each with a name of its own.
pub fn spans_named(trace: u64, service: &str, names: impl IntoIterator<Item = String>) -> Export {
    let trace_id = id(trace, 0);
    let mut spans: Vec<Span> = Vec::new();
    for (number, name) in names.into_iter().enumerate() {
        let number = number as u64;
        spans.push(Span {
            trace_id: trace_id.clone(),
            span_id: id(trace, number + 1)[8..].to_vec(),
            parent_span_id: spans.first().map(|first| first.span_id.clone()).unwrap_or_default(),
            name,
            kind: 1,
            start_time_unix_nano: NOW + number * 1_000,
            end_time_unix_nano: NOW + number * 1_000 + 500,
            attributes: vec![int("number", i64::try_from(number).unwrap())],
            ..Span::default()
        });
    }
    let resource = Resource { attributes: vec![text("service.name", service)], ..Resource::default() };
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
    Export::Traces(ExportTraceServiceRequest { resource_spans })
}

/// Sixteen bytes that no other pair of numbers has; the last eight are a span's id.
fn id(seed: u64, number: u64) -> Vec<u8> {
    [(seed ^ 0xa5a5_0000_0000_5a5a).to_be_bytes(), ((seed << 32) | (number + 1)).to_be_bytes()].concat()
}

/// Every kind of value, nested, the extremes included.
fn values() -> Vec<KeyValue> {
    use any_value::Value::{
        ArrayValue as Array, BoolValue, BytesValue, DoubleValue, IntValue, KvlistValue, StringValue,
    };
    let any = |value| AnyValue { value: Some(value) };
    let several = vec![
        any(StringValue("a".into())),
        any(BoolValue(false)),
        any(IntValue(-1)),
        any(DoubleValue(f64::NEG_INFINITY)),
        any(BytesValue(vec![])),
        AnyValue { value: None },
        any(Array(ArrayValue { values: vec![any(IntValue(9_007_199_254_740_993))] })),
    ];
    let named = vec![
        text("inner", "ünïcödé 🦀 \u{0} \" \\ \u{2028}"),
        attribute("deeper", KvlistValue(KeyValueList { values: vec![int("leaf", i64::MIN)] })),
        text("inner", "twice"),
        KeyValue { key: "no value".into(), value: None, ..KeyValue::default() },
    ];
    vec![
        text("text", "plain"),
        text("", "a name may be empty"),
        text("empty", ""),
        text("long", &"0123456789abcdef".repeat(4_096)),
        attribute("yes", BoolValue(true)),
        int("most", i64::MAX),
        int("least", i64::MIN),
        int("zero", 0),
        attribute("whole", DoubleValue(1.0)),
        attribute("tenth", DoubleValue(0.1)),
        attribute("tiny", DoubleValue(f64::MIN_POSITIVE)),
        attribute("huge", DoubleValue(f64::MAX)),
        attribute("nan", DoubleValue(f64::NAN)),
        attribute("endless", DoubleValue(f64::INFINITY)),
        attribute("bytes", BytesValue((0..=255).collect())),
        attribute("several", Array(ArrayValue { values: several })),
        attribute("none of several", Array(ArrayValue { values: vec![] })),
        attribute("named", KvlistValue(KeyValueList { values: named })),
        KeyValue { key: "nothing".into(), value: Some(AnyValue { value: None }), ..KeyValue::default() },
        text("twice", "first"),
        text("twice", "second"),
    ]
}

fn resource(name: &str) -> Resource {
    Resource {
        attributes: [vec![text("service.name", name)], values()].concat(),
        dropped_attributes_count: 3,
        entity_refs: vec![EntityRef {
            schema_url: "https://opentelemetry.io/schemas/1.40.0".into(),
            r#type: "service".into(),
            id_keys: vec!["service.name".into()],
            description_keys: vec!["service.version".into(), "text".into()],
        }],
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "corpus".into(),
        version: "1.2.3-beta".into(),
        attributes: values(),
        dropped_attributes_count: 4,
    }
}

impl Corpus {
    /// The requests of this number.
    pub fn new(seed: u64) -> Self {
        Self { traces: traces(seed), logs: logs(seed), metrics: metrics(seed), seed }
    }

    /// Each of them.
    pub fn exports(&self) -> [Export; 3] {
        [
            Export::Traces(self.traces.clone()),
            Export::Logs(self.logs.clone()),
            Export::Metrics(self.metrics.clone()),
        ]
    }

    /// The services that report: one a signal.
    pub fn service(&self, signal: &str) -> String {
        service(self.seed, signal)
    }
}

fn service(seed: u64, signal: &str) -> String {
    format!("corpus-{signal}-{seed}")
}

fn traces(seed: u64) -> ExportTraceServiceRequest {
    let trace_id = id(seed, 0);
    let span_id = |number| id(seed, number)[8..].to_vec();
    let everything = Span {
        trace_id: trace_id.clone(),
        span_id: span_id(1),
        trace_state: "vendor=value,other=0".into(),
        parent_span_id: span_id(77),
        flags: 0x301,
        name: "everything".into(),
        kind: 3,
        start_time_unix_nano: NOW,
        end_time_unix_nano: NOW + 1,
        attributes: values(),
        dropped_attributes_count: u32::MAX,
        events: vec![
            Event {
                time_unix_nano: NOW + 1,
                name: "exception".into(),
                attributes: values(),
                dropped_attributes_count: 7,
            },
            Event::default(),
        ],
        dropped_events_count: 5,
        links: vec![
            Link {
                trace_id: id(seed, 40),
                span_id: span_id(41),
                trace_state: "linked=1".into(),
                attributes: values(),
                dropped_attributes_count: 8,
                flags: 0x101,
            },
            Link { trace_id: id(seed, 42), span_id: span_id(43), ..Link::default() },
        ],
        dropped_links_count: 6,
        status: Some(Status { message: "it broke\nin two lines".into(), code: 2 }),
    };
    let bare = |number| Span {
        trace_id: trace_id.clone(),
        span_id: span_id(number),
        name: format!("bare {number}"),
        start_time_unix_nano: NOW + number,
        end_time_unix_nano: NOW + number,
        ..Span::default()
    };
    // Each kind and status, a nameless one, one that ended before it began, one that never ended.
    let mut kinds: Vec<Span> = (2..=7)
        .map(|number| Span {
            parent_span_id: span_id(1),
            kind: i32::try_from(number).unwrap() - 2,
            status: Some(Status { message: String::new(), code: i32::try_from(number).unwrap() % 3 }),
            ..bare(number)
        })
        .collect();
    kinds.push(Span { name: String::new(), ..bare(8) });
    kinds.push(Span { end_time_unix_nano: NOW - 5, ..bare(9) });
    kinds.push(Span { end_time_unix_nano: 0, ..bare(10) });
    let full = ResourceSpans {
        resource: Some(resource(&service(seed, "traces"))),
        scope_spans: vec![
            ScopeSpans {
                scope: Some(scope()),
                spans: vec![everything],
                schema_url: "https://opentelemetry.io/schemas/1.41.1".into(),
            },
            ScopeSpans { scope: None, spans: kinds, schema_url: String::new() },
            ScopeSpans { scope: Some(scope()), spans: vec![], schema_url: "nothing in it".into() },
        ],
        schema_url: "https://opentelemetry.io/schemas/1.40.0".into(),
    };
    let nobody = ResourceSpans {
        resource: None,
        scope_spans: vec![ScopeSpans { scope: None, spans: vec![bare(11)], schema_url: String::new() }],
        schema_url: String::new(),
    };
    let empty = ResourceSpans { resource: Some(resource("nobody")), ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![empty, full, nobody, ResourceSpans::default()] }
}

fn logs(seed: u64) -> ExportLogsServiceRequest {
    let everything = LogRecord {
        time_unix_nano: NOW,
        observed_time_unix_nano: NOW + 5,
        severity_number: 17,
        severity_text: "Größter Fehler".into(),
        body: Some(AnyValue {
            value: Some(any_value::Value::KvlistValue(KeyValueList { values: values() })),
        }),
        attributes: values(),
        dropped_attributes_count: 9,
        flags: 1,
        trace_id: id(seed, 0),
        span_id: id(seed, 1)[8..].to_vec(),
        event_name: "corpus.event".into(),
    };
    let said = |number: u64, body: &str| LogRecord {
        time_unix_nano: NOW + number,
        severity_number: i32::try_from(number % 25).unwrap(),
        body: Some(AnyValue { value: Some(any_value::Value::StringValue(body.into())) }),
        ..LogRecord::default()
    };
    let mut records = vec![everything];
    records.extend((1..=25).map(|number| said(number, &format!("line {number}"))));
    // Twice the very same line is two lines; one has only been noticed; one has no body at all.
    records.extend([said(30, "again"), said(30, "again")]);
    records.push(LogRecord { time_unix_nano: 0, observed_time_unix_nano: NOW + 31, ..said(31, "noticed") });
    records.push(LogRecord { body: None, ..said(32, "") });
    records.push(said(33, &"a very long line ".repeat(5_000)));
    let full = ResourceLogs {
        resource: Some(resource(&service(seed, "logs"))),
        scope_logs: vec![
            ScopeLogs {
                scope: Some(scope()),
                log_records: records,
                schema_url: "https://schema/logs".into(),
            },
            ScopeLogs::default(),
        ],
        schema_url: "https://schema/resource".into(),
    };
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs::default(), full] }
}

fn exemplars(seed: u64) -> Vec<Exemplar> {
    let full = |value| Exemplar {
        filtered_attributes: values(),
        time_unix_nano: NOW - 1,
        span_id: id(seed, 1)[8..].to_vec(),
        trace_id: id(seed, 0),
        value,
    };
    vec![
        full(Some(exemplar::Value::AsDouble(0.25))),
        full(Some(exemplar::Value::AsInt(i64::MIN))),
        Exemplar {
            time_unix_nano: NOW - 2,
            value: Some(exemplar::Value::AsDouble(f64::NAN)),
            ..Exemplar::default()
        },
    ]
}

fn numbers(seed: u64) -> Vec<NumberDataPoint> {
    use number_data_point::Value::{AsDouble, AsInt};
    let all = [
        Some(AsInt(i64::MAX)),
        Some(AsInt(0)),
        Some(AsDouble(0.1)),
        Some(AsDouble(f64::MAX)),
        Some(AsDouble(f64::NEG_INFINITY)),
        Some(AsDouble(f64::NAN)),
        None,
    ];
    let point = |(number, value): (u64, Option<_>)| NumberDataPoint {
        attributes: if number == 0 { values() } else { vec![text("series", &number.to_string())] },
        start_time_unix_nano: NOW - 60_000_000_000,
        time_unix_nano: NOW + number,
        exemplars: if number == 0 { exemplars(seed) } else { vec![] },
        flags: u32::from(value.is_none()),
        value,
    };
    (0..).zip(all).map(point).collect()
}

fn metrics(seed: u64) -> ExportMetricsServiceRequest {
    let distributions = vec![
        HistogramDataPoint {
            attributes: values(),
            start_time_unix_nano: NOW - 60_000_000_000,
            time_unix_nano: NOW,
            count: u64::MAX,
            sum: Some(-1.5),
            bucket_counts: vec![0, 9_007_199_254_740_993, u64::MAX],
            explicit_bounds: vec![-0.5, f64::INFINITY],
            exemplars: exemplars(seed),
            flags: 0,
            min: Some(f64::MIN),
            max: Some(f64::MAX),
        },
        // Without buckets, and with nothing recorded.
        HistogramDataPoint { time_unix_nano: NOW + 1, count: 3, ..HistogramDataPoint::default() },
        HistogramDataPoint { time_unix_nano: NOW + 2, flags: 1, ..HistogramDataPoint::default() },
    ];
    let exponential = vec![
        ExponentialHistogramDataPoint {
            attributes: values(),
            start_time_unix_nano: NOW - 60_000_000_000,
            time_unix_nano: NOW,
            count: 21,
            sum: Some(12.5),
            scale: -3,
            zero_count: 4,
            positive: Some(Buckets { offset: -7, bucket_counts: vec![1, 0, 5] }),
            negative: Some(Buckets { offset: i32::MIN, bucket_counts: vec![11, 0] }),
            flags: 0,
            exemplars: exemplars(seed),
            min: Some(-8.0),
            max: Some(8.5),
            zero_threshold: 1e-9,
        },
        ExponentialHistogramDataPoint {
            time_unix_nano: NOW + 1,
            scale: 20,
            positive: Some(Buckets { offset: i32::MAX, bucket_counts: vec![1] }),
            count: 1,
            ..ExponentialHistogramDataPoint::default()
        },
    ];
    let summaries = vec![
        SummaryDataPoint {
            attributes: values(),
            start_time_unix_nano: NOW - 60_000_000_000,
            time_unix_nano: NOW,
            count: 5,
            sum: 7.25,
            quantile_values: vec![
                ValueAtQuantile { quantile: 0.0, value: 0.1 },
                ValueAtQuantile { quantile: 0.5, value: f64::NAN },
                ValueAtQuantile { quantile: 1.0, value: 4.0 },
            ],
            flags: 0,
        },
        SummaryDataPoint { time_unix_nano: NOW + 1, ..SummaryDataPoint::default() },
    ];
    let sum = |aggregation_temporality, is_monotonic| {
        metric::Data::Sum(Sum { data_points: numbers(seed), aggregation_temporality, is_monotonic })
    };
    let all = [
        ("gauge", metric::Data::Gauge(Gauge { data_points: numbers(seed) })),
        ("sum.delta", sum(1, true)),
        ("sum.cumulative", sum(2, true)),
        ("sum.up.down", sum(2, false)),
        ("sum.unspecified", sum(0, false)),
        (
            "histogram.delta",
            metric::Data::Histogram(Histogram {
                data_points: distributions.clone(),
                aggregation_temporality: 1,
            }),
        ),
        (
            "histogram.cumulative",
            metric::Data::Histogram(Histogram { data_points: distributions, aggregation_temporality: 2 }),
        ),
        (
            "exponential",
            metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: exponential,
                aggregation_temporality: 1,
            }),
        ),
        ("summary", metric::Data::Summary(Summary { data_points: summaries })),
    ];
    let metrics = all.into_iter().map(|(name, data)| Metric {
        name: format!("corpus.{name}"),
        description: "Größe\nin zwei Zeilen".into(),
        unit: "{token}".into(),
        metadata: values(),
        data: Some(data),
    });
    // A name without points, and without anything.
    let hollow = [
        Metric {
            name: "hollow".into(),
            data: Some(metric::Data::Gauge(Gauge::default())),
            ..Metric::default()
        },
        Metric { name: "hollower".into(), ..Metric::default() },
    ];
    let full = ResourceMetrics {
        resource: Some(resource(&service(seed, "metrics"))),
        scope_metrics: vec![ScopeMetrics {
            scope: Some(scope()),
            metrics: metrics.chain(hollow).collect(),
            schema_url: "https://schema/metrics".into(),
        }],
        schema_url: "https://schema/resource".into(),
    };
    ExportMetricsServiceRequest { resource_metrics: vec![full, ResourceMetrics::default()] }
}
