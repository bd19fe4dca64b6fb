//! Requests of real senders, read into the official messages: protobuf as it is, JSON however they write it (64-bit
//! numbers as numbers or as texts, ids in hex). What is read here must come back from the app.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use serde_json::Value;

use super::Export;
use crate::mock::Received;

/// What a sender sent; fails where it cannot be read.
pub fn heard(request: &Received) -> Export {
    let packed = request.head.header("content-encoding").unwrap_or_default();
    let body = match packed.as_str() {
        "gzip" => {
            let mut plain = Vec::new();
            std::io::Read::read_to_end(
                &mut flate2::read::GzDecoder::new(request.body.as_slice()),
                &mut plain,
            )
            .unwrap();
            plain
        }
        "" | "identity" => request.body.clone(),
        other => panic!("packed as {other}"),
    };
    let is_json = request.head.header("content-type").is_some_and(|kind| kind.contains("json"));
    let json = || serde_json::from_slice::<Value>(&body).unwrap();
    match (request.path(), is_json) {
        ("/v1/traces", false) => Export::Traces(ExportTraceServiceRequest::decode(body.as_slice()).unwrap()),
        ("/v1/logs", false) => Export::Logs(ExportLogsServiceRequest::decode(body.as_slice()).unwrap()),
        ("/v1/metrics", false) => {
            Export::Metrics(ExportMetricsServiceRequest::decode(body.as_slice()).unwrap())
        }
        ("/v1/traces", true) => Export::Traces(traces(&json())),
        ("/v1/logs", true) => Export::Logs(logs(&json())),
        ("/v1/metrics", true) => Export::Metrics(metrics(&json())),
        (other, _) => panic!("{other} is no signal's path"),
    }
}

fn list<T>(of: &Value, each: impl Fn(&Value) -> T) -> Vec<T> {
    of.as_array().into_iter().flatten().map(each).collect()
}

fn text(of: &Value) -> String {
    of.as_str().unwrap_or_default().to_owned()
}

fn long(of: &Value) -> u64 {
    of.as_u64().or_else(|| of.as_str()?.parse().ok()).unwrap_or_default()
}

fn signed(of: &Value) -> i64 {
    of.as_i64().or_else(|| of.as_str()?.parse().ok()).unwrap_or_default()
}

fn small(of: &Value) -> u32 {
    u32::try_from(long(of)).unwrap()
}

fn choice(of: &Value) -> i32 {
    i32::try_from(signed(of)).unwrap()
}

fn double(of: &Value) -> f64 {
    match of.as_str() {
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(other) => other.parse().unwrap(),
        None => of.as_f64().unwrap_or_default(),
    }
}

fn hex(of: &Value) -> Vec<u8> {
    let text = text(of);
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn any(of: &Value) -> AnyValue {
    use any_value::Value::{
        ArrayValue as Array, BoolValue, BytesValue, DoubleValue, IntValue, KvlistValue, StringValue,
    };
    let Some((kind, value)) = of.as_object().and_then(|fields| fields.iter().next()) else {
        return AnyValue::default();
    };
    let value = match kind.as_str() {
        "stringValue" => StringValue(text(value)),
        "boolValue" => BoolValue(value.as_bool().unwrap()),
        "intValue" => IntValue(signed(value)),
        "doubleValue" => DoubleValue(double(value)),
        "bytesValue" => BytesValue(STANDARD.decode(text(value)).unwrap()),
        "arrayValue" => Array(ArrayValue { values: list(&value["values"], any) }),
        "kvlistValue" => KvlistValue(KeyValueList { values: attributes(&value["values"]) }),
        other => panic!("{other} is no kind of value"),
    };
    AnyValue { value: Some(value) }
}

fn attributes(of: &Value) -> Vec<KeyValue> {
    list(of, |of| KeyValue { key: text(&of["key"]), value: of.get("value").map(any), ..KeyValue::default() })
}

fn resource(of: &Value) -> Option<Resource> {
    let of = of.get("resource")?;
    Some(Resource {
        attributes: attributes(&of["attributes"]),
        dropped_attributes_count: small(&of["droppedAttributesCount"]),
        ..Resource::default()
    })
}

fn scope(of: &Value) -> Option<InstrumentationScope> {
    let of = of.get("scope")?;
    Some(InstrumentationScope {
        name: text(&of["name"]),
        version: text(&of["version"]),
        attributes: attributes(&of["attributes"]),
        dropped_attributes_count: small(&of["droppedAttributesCount"]),
    })
}

fn traces(of: &Value) -> ExportTraceServiceRequest {
    let scope_spans = |of: &Value| ScopeSpans {
        scope: scope(of),
        spans: list(&of["spans"], span),
        schema_url: text(&of["schemaUrl"]),
    };
    let resource_spans = list(&of["resourceSpans"], |of| ResourceSpans {
        resource: resource(of),
        scope_spans: list(&of["scopeSpans"], scope_spans),
        schema_url: text(&of["schemaUrl"]),
    });
    ExportTraceServiceRequest { resource_spans }
}

fn span(of: &Value) -> Span {
    Span {
        trace_id: hex(&of["traceId"]),
        span_id: hex(&of["spanId"]),
        trace_state: text(&of["traceState"]),
        parent_span_id: hex(&of["parentSpanId"]),
        flags: small(&of["flags"]),
        name: text(&of["name"]),
        kind: choice(&of["kind"]),
        start_time_unix_nano: long(&of["startTimeUnixNano"]),
        end_time_unix_nano: long(&of["endTimeUnixNano"]),
        attributes: attributes(&of["attributes"]),
        dropped_attributes_count: small(&of["droppedAttributesCount"]),
        events: list(&of["events"], |of| Event {
            time_unix_nano: long(&of["timeUnixNano"]),
            name: text(&of["name"]),
            attributes: attributes(&of["attributes"]),
            dropped_attributes_count: small(&of["droppedAttributesCount"]),
        }),
        dropped_events_count: small(&of["droppedEventsCount"]),
        links: list(&of["links"], |of| Link {
            trace_id: hex(&of["traceId"]),
            span_id: hex(&of["spanId"]),
            trace_state: text(&of["traceState"]),
            attributes: attributes(&of["attributes"]),
            dropped_attributes_count: small(&of["droppedAttributesCount"]),
            flags: small(&of["flags"]),
        }),
        dropped_links_count: small(&of["droppedLinksCount"]),
        status: of
            .get("status")
            .map(|of| Status { message: text(&of["message"]), code: choice(&of["code"]) }),
    }
}

fn logs(of: &Value) -> ExportLogsServiceRequest {
    let scope_logs = |of: &Value| ScopeLogs {
        scope: scope(of),
        log_records: list(&of["logRecords"], log),
        schema_url: text(&of["schemaUrl"]),
    };
    let resource_logs = list(&of["resourceLogs"], |of| ResourceLogs {
        resource: resource(of),
        scope_logs: list(&of["scopeLogs"], scope_logs),
        schema_url: text(&of["schemaUrl"]),
    });
    ExportLogsServiceRequest { resource_logs }
}

fn log(of: &Value) -> LogRecord {
    LogRecord {
        time_unix_nano: long(&of["timeUnixNano"]),
        observed_time_unix_nano: long(&of["observedTimeUnixNano"]),
        severity_number: choice(&of["severityNumber"]),
        severity_text: text(&of["severityText"]),
        body: of.get("body").map(any),
        attributes: attributes(&of["attributes"]),
        dropped_attributes_count: small(&of["droppedAttributesCount"]),
        flags: small(&of["flags"]),
        trace_id: hex(&of["traceId"]),
        span_id: hex(&of["spanId"]),
        event_name: text(&of["eventName"]),
    }
}

fn metrics(of: &Value) -> ExportMetricsServiceRequest {
    let scope_metrics = |of: &Value| ScopeMetrics {
        scope: scope(of),
        metrics: list(&of["metrics"], metric),
        schema_url: text(&of["schemaUrl"]),
    };
    let resource_metrics = list(&of["resourceMetrics"], |of| ResourceMetrics {
        resource: resource(of),
        scope_metrics: list(&of["scopeMetrics"], scope_metrics),
        schema_url: text(&of["schemaUrl"]),
    });
    ExportMetricsServiceRequest { resource_metrics }
}

fn metric(of: &Value) -> Metric {
    let points = |kind: &str| &of[kind]["dataPoints"];
    let temporality = |kind: &str| choice(&of[kind]["aggregationTemporality"]);
    let data = if of.get("gauge").is_some() {
        Some(metric::Data::Gauge(Gauge { data_points: list(points("gauge"), number) }))
    } else if of.get("sum").is_some() {
        Some(metric::Data::Sum(Sum {
            data_points: list(points("sum"), number),
            aggregation_temporality: temporality("sum"),
            is_monotonic: of["sum"]["isMonotonic"].as_bool().unwrap_or_default(),
        }))
    } else if of.get("histogram").is_some() {
        Some(metric::Data::Histogram(Histogram {
            data_points: list(points("histogram"), histogram),
            aggregation_temporality: temporality("histogram"),
        }))
    } else if of.get("exponentialHistogram").is_some() {
        Some(metric::Data::ExponentialHistogram(ExponentialHistogram {
            data_points: list(points("exponentialHistogram"), exponential),
            aggregation_temporality: temporality("exponentialHistogram"),
        }))
    } else {
        None
    };
    Metric {
        name: text(&of["name"]),
        description: text(&of["description"]),
        unit: text(&of["unit"]),
        metadata: attributes(&of["metadata"]),
        data,
    }
}

fn exemplars(of: &Value) -> Vec<Exemplar> {
    list(&of["exemplars"], |of| Exemplar {
        filtered_attributes: attributes(&of["filteredAttributes"]),
        time_unix_nano: long(&of["timeUnixNano"]),
        span_id: hex(&of["spanId"]),
        trace_id: hex(&of["traceId"]),
        value: match (of.get("asDouble"), of.get("asInt")) {
            (Some(value), _) => Some(exemplar::Value::AsDouble(double(value))),
            (_, Some(value)) => Some(exemplar::Value::AsInt(signed(value))),
            _ => None,
        },
    })
}

fn number(of: &Value) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(&of["attributes"]),
        start_time_unix_nano: long(&of["startTimeUnixNano"]),
        time_unix_nano: long(&of["timeUnixNano"]),
        exemplars: exemplars(of),
        flags: small(&of["flags"]),
        value: match (of.get("asDouble"), of.get("asInt")) {
            (Some(value), _) => Some(number_data_point::Value::AsDouble(double(value))),
            (_, Some(value)) => Some(number_data_point::Value::AsInt(signed(value))),
            _ => None,
        },
    }
}

fn histogram(of: &Value) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(&of["attributes"]),
        start_time_unix_nano: long(&of["startTimeUnixNano"]),
        time_unix_nano: long(&of["timeUnixNano"]),
        count: long(&of["count"]),
        sum: of.get("sum").map(double),
        bucket_counts: list(&of["bucketCounts"], long),
        explicit_bounds: list(&of["explicitBounds"], double),
        exemplars: exemplars(of),
        flags: small(&of["flags"]),
        min: of.get("min").map(double),
        max: of.get("max").map(double),
    }
}

fn exponential(of: &Value) -> ExponentialHistogramDataPoint {
    let buckets = |of: &Value| Buckets {
        offset: choice(&of["offset"]),
        bucket_counts: list(&of["bucketCounts"], long),
    };
    ExponentialHistogramDataPoint {
        attributes: attributes(&of["attributes"]),
        start_time_unix_nano: long(&of["startTimeUnixNano"]),
        time_unix_nano: long(&of["timeUnixNano"]),
        count: long(&of["count"]),
        sum: of.get("sum").map(double),
        scale: choice(&of["scale"]),
        zero_count: long(&of["zeroCount"]),
        positive: of.get("positive").map(buckets),
        negative: of.get("negative").map(buckets),
        flags: small(&of["flags"]),
        exemplars: exemplars(of),
        min: of.get("min").map(double),
        max: of.get("max").map(double),
        zero_threshold: double(&of["zeroThreshold"]),
    }
}
