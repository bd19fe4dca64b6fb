//! OTLP's JSON of the official messages: names in camel case, ids in hex, 64-bit numbers as texts, enums as numbers.
//! What is unset is left out, as protobuf's own mapping does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
    exemplar, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Map, Value, json};

use super::Export;

/// The body.
pub fn to_json(export: &Export) -> Value {
    match export {
        Export::Traces(request) => json!({"resourceSpans": list(&request.resource_spans, |of| {
            let scopes = list(&of.scope_spans, |of| envelope(
                [("scope", of.scope.as_ref().map(scope)), ("spans", Some(list(&of.spans, span)))], &of.schema_url,
            ));
            envelope([("resource", of.resource.as_ref().map(resource)), ("scopeSpans", Some(scopes))], &of.schema_url)
        })}),
        Export::Logs(request) => json!({"resourceLogs": list(&request.resource_logs, |of| {
            let scopes = list(&of.scope_logs, |of| envelope(
                [("scope", of.scope.as_ref().map(scope)), ("logRecords", Some(list(&of.log_records, log)))],
                &of.schema_url,
            ));
            envelope([("resource", of.resource.as_ref().map(resource)), ("scopeLogs", Some(scopes))], &of.schema_url)
        })}),
        Export::Metrics(request) => json!({"resourceMetrics": list(&request.resource_metrics, |of| {
            let scopes = list(&of.scope_metrics, |of| envelope(
                [("scope", of.scope.as_ref().map(scope)), ("metrics", Some(list(&of.metrics, metric)))],
                &of.schema_url,
            ));
            envelope(
                [("resource", of.resource.as_ref().map(resource)), ("scopeMetrics", Some(scopes))], &of.schema_url,
            )
        })}),
    }
}

/// One point without its attributes and times, under OTLP's own names.
pub fn point_json(metric: &Metric, index: usize) -> Value {
    let Value::Object(whole) = self::metric(metric) else { return Value::Null };
    let kinds = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
    let points = kinds.iter().find_map(|kind| whole.get(*kind)?.get("dataPoints")).unwrap();
    let mut point = points[index].as_object().unwrap().clone();
    for name in ["attributes", "startTimeUnixNano", "timeUnixNano"] {
        point.remove(name);
    }
    Value::Object(point)
}

fn list<T>(of: &[T], each: impl Fn(&T) -> Value) -> Value {
    Value::Array(of.iter().map(each).collect())
}

fn envelope<const N: usize>(parts: [(&str, Option<Value>); N], schema_url: &str) -> Value {
    let mut fields = Fields::default();
    for (name, value) in parts {
        fields.put(name, value);
    }
    fields.text("schemaUrl", schema_url);
    fields.done()
}

/// An object without what is unset.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        self.put(name, (!text.is_empty()).then(|| json!(text)));
    }

    fn hex(&mut self, name: &str, bytes: &[u8]) {
        self.text(name, &bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }

    /// 64 bits: a text.
    fn long(&mut self, name: &str, number: u64) {
        self.put(name, (number != 0).then(|| json!(number.to_string())));
    }

    fn number(&mut self, name: &str, number: impl Into<i64>) {
        let number = number.into();
        self.put(name, (number != 0).then(|| json!(number)));
    }

    fn attributes(&mut self, name: &str, attributes: &[KeyValue]) {
        self.put(name, (!attributes.is_empty()).then(|| list(attributes, attribute)));
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

fn attribute(of: &KeyValue) -> Value {
    let mut fields = Fields::default();
    fields.text("key", &of.key);
    fields.put("value", of.value.as_ref().map(any));
    fields.done()
}

fn any(of: &AnyValue) -> Value {
    match &of.value {
        None => json!({}),
        Some(any_value::Value::StringValue(text)) => json!({"stringValue": text}),
        Some(any_value::Value::BoolValue(yes)) => json!({"boolValue": yes}),
        Some(any_value::Value::IntValue(number)) => json!({"intValue": number.to_string()}),
        Some(any_value::Value::DoubleValue(number)) => json!({"doubleValue": double(*number)}),
        Some(any_value::Value::ArrayValue(of)) => json!({"arrayValue": {"values": list(&of.values, any)}}),
        Some(any_value::Value::KvlistValue(of)) => {
            json!({"kvlistValue": {"values": list(&of.values, attribute)}})
        }
        Some(any_value::Value::BytesValue(bytes)) => json!({"bytesValue": STANDARD.encode(bytes)}),
        Some(any_value::Value::StringValueStrindex(_)) => unreachable!("profiles only"),
    }
}

fn double(number: f64) -> Value {
    match number {
        number if number.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        number => json!(number),
    }
}

fn resource(of: &Resource) -> Value {
    let mut fields = Fields::default();
    fields.attributes("attributes", &of.attributes);
    fields.number("droppedAttributesCount", of.dropped_attributes_count);
    fields.put(
        "entityRefs",
        (!of.entity_refs.is_empty()).then(|| {
            list(&of.entity_refs, |of| {
                let mut fields = Fields::default();
                fields.text("schemaUrl", &of.schema_url);
                fields.text("type", &of.r#type);
                fields.put("idKeys", Some(json!(of.id_keys)));
                fields.put("descriptionKeys", Some(json!(of.description_keys)));
                fields.done()
            })
        }),
    );
    fields.done()
}

fn scope(of: &InstrumentationScope) -> Value {
    let mut fields = Fields::default();
    fields.text("name", &of.name);
    fields.text("version", &of.version);
    fields.attributes("attributes", &of.attributes);
    fields.number("droppedAttributesCount", of.dropped_attributes_count);
    fields.done()
}

fn span(of: &Span) -> Value {
    let mut fields = Fields::default();
    fields.hex("traceId", &of.trace_id);
    fields.hex("spanId", &of.span_id);
    fields.hex("parentSpanId", &of.parent_span_id);
    fields.text("traceState", &of.trace_state);
    fields.number("flags", of.flags);
    fields.text("name", &of.name);
    fields.number("kind", of.kind);
    fields.long("startTimeUnixNano", of.start_time_unix_nano);
    fields.long("endTimeUnixNano", of.end_time_unix_nano);
    fields.attributes("attributes", &of.attributes);
    fields.number("droppedAttributesCount", of.dropped_attributes_count);
    fields.put(
        "events",
        (!of.events.is_empty()).then(|| {
            list(&of.events, |of| {
                let mut fields = Fields::default();
                fields.long("timeUnixNano", of.time_unix_nano);
                fields.text("name", &of.name);
                fields.attributes("attributes", &of.attributes);
                fields.number("droppedAttributesCount", of.dropped_attributes_count);
                fields.done()
            })
        }),
    );
    fields.number("droppedEventsCount", of.dropped_events_count);
    fields.put(
        "links",
        (!of.links.is_empty()).then(|| {
            list(&of.links, |of| {
                let mut fields = Fields::default();
                fields.hex("traceId", &of.trace_id);
                fields.hex("spanId", &of.span_id);
                fields.text("traceState", &of.trace_state);
                fields.attributes("attributes", &of.attributes);
                fields.number("droppedAttributesCount", of.dropped_attributes_count);
                fields.number("flags", of.flags);
                fields.done()
            })
        }),
    );
    fields.number("droppedLinksCount", of.dropped_links_count);
    fields.put(
        "status",
        of.status.as_ref().map(|of| {
            let mut fields = Fields::default();
            fields.text("message", &of.message);
            fields.number("code", of.code);
            fields.done()
        }),
    );
    fields.done()
}

fn log(of: &LogRecord) -> Value {
    let mut fields = Fields::default();
    fields.long("timeUnixNano", of.time_unix_nano);
    fields.long("observedTimeUnixNano", of.observed_time_unix_nano);
    fields.number("severityNumber", of.severity_number);
    fields.text("severityText", &of.severity_text);
    fields.put("body", of.body.as_ref().map(any));
    fields.attributes("attributes", &of.attributes);
    fields.number("droppedAttributesCount", of.dropped_attributes_count);
    fields.number("flags", of.flags);
    fields.hex("traceId", &of.trace_id);
    fields.hex("spanId", &of.span_id);
    fields.text("eventName", &of.event_name);
    fields.done()
}

fn metric(of: &Metric) -> Value {
    let mut fields = Fields::default();
    fields.text("name", &of.name);
    fields.text("description", &of.description);
    fields.text("unit", &of.unit);
    fields.attributes("metadata", &of.metadata);
    let (name, data) = match of.data.as_ref() {
        None => return fields.done(),
        Some(metric::Data::Gauge(of)) => ("gauge", json!({"dataPoints": list(&of.data_points, number)})),
        Some(metric::Data::Sum(of)) => (
            "sum",
            json!({
                "dataPoints": list(&of.data_points, number), "aggregationTemporality": of.aggregation_temporality,
                "isMonotonic": of.is_monotonic,
            }),
        ),
        Some(metric::Data::Histogram(of)) => (
            "histogram",
            json!({
                "dataPoints": list(&of.data_points, histogram), "aggregationTemporality": of.aggregation_temporality,
            }),
        ),
        Some(metric::Data::ExponentialHistogram(of)) => (
            "exponentialHistogram",
            json!({
                "dataPoints": list(&of.data_points, exponential), "aggregationTemporality": of.aggregation_temporality,
            }),
        ),
        Some(metric::Data::Summary(of)) => ("summary", json!({"dataPoints": list(&of.data_points, summary)})),
    };
    fields.put(name, Some(data));
    fields.done()
}

fn head(attributes: &[KeyValue], start: u64, time: u64, flags: u32) -> Fields {
    let mut fields = Fields::default();
    fields.attributes("attributes", attributes);
    fields.long("startTimeUnixNano", start);
    fields.long("timeUnixNano", time);
    fields.number("flags", flags);
    fields
}

fn exemplars(fields: &mut Fields, of: &[Exemplar]) {
    fields.put(
        "exemplars",
        (!of.is_empty()).then(|| {
            list(of, |of| {
                let mut fields = Fields::default();
                fields.attributes("filteredAttributes", &of.filtered_attributes);
                fields.long("timeUnixNano", of.time_unix_nano);
                fields.hex("spanId", &of.span_id);
                fields.hex("traceId", &of.trace_id);
                match of.value {
                    None => {}
                    Some(exemplar::Value::AsDouble(number)) => fields.put("asDouble", Some(double(number))),
                    Some(exemplar::Value::AsInt(number)) => {
                        fields.put("asInt", Some(json!(number.to_string())));
                    }
                }
                fields.done()
            })
        }),
    );
}

fn number(of: &NumberDataPoint) -> Value {
    let mut fields = head(&of.attributes, of.start_time_unix_nano, of.time_unix_nano, of.flags);
    match of.value {
        None => {}
        Some(number_data_point::Value::AsDouble(number)) => fields.put("asDouble", Some(double(number))),
        Some(number_data_point::Value::AsInt(number)) => fields.put("asInt", Some(json!(number.to_string()))),
    }
    exemplars(&mut fields, &of.exemplars);
    fields.done()
}

fn counts(of: &[u64]) -> Option<Value> {
    (!of.is_empty()).then(|| list(of, |count| json!(count.to_string())))
}

fn histogram(of: &HistogramDataPoint) -> Value {
    let mut fields = head(&of.attributes, of.start_time_unix_nano, of.time_unix_nano, of.flags);
    fields.long("count", of.count);
    fields.put("sum", of.sum.map(double));
    fields.put("bucketCounts", counts(&of.bucket_counts));
    fields.put(
        "explicitBounds",
        (!of.explicit_bounds.is_empty()).then(|| list(&of.explicit_bounds, |bound| double(*bound))),
    );
    fields.put("min", of.min.map(double));
    fields.put("max", of.max.map(double));
    exemplars(&mut fields, &of.exemplars);
    fields.done()
}

fn exponential(of: &ExponentialHistogramDataPoint) -> Value {
    let mut fields = head(&of.attributes, of.start_time_unix_nano, of.time_unix_nano, of.flags);
    let buckets = |of: &Buckets| {
        let mut fields = Fields::default();
        fields.number("offset", of.offset);
        fields.put("bucketCounts", counts(&of.bucket_counts));
        fields.done()
    };
    fields.long("count", of.count);
    fields.put("sum", of.sum.map(double));
    fields.number("scale", of.scale);
    fields.long("zeroCount", of.zero_count);
    fields.put("positive", of.positive.as_ref().map(buckets));
    fields.put("negative", of.negative.as_ref().map(buckets));
    fields.put("min", of.min.map(double));
    fields.put("max", of.max.map(double));
    fields.put("zeroThreshold", (of.zero_threshold != 0.0).then(|| double(of.zero_threshold)));
    exemplars(&mut fields, &of.exemplars);
    fields.done()
}

fn summary(of: &SummaryDataPoint) -> Value {
    let mut fields = head(&of.attributes, of.start_time_unix_nano, of.time_unix_nano, of.flags);
    fields.long("count", of.count);
    fields.put("sum", Some(double(of.sum)));
    fields.put(
        "quantileValues",
        Some(list(
            &of.quantile_values,
            |of| json!({"quantile": double(of.quantile), "value": double(of.value)}),
        )),
    );
    fields.done()
}
