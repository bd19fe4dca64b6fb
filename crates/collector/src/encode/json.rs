//! OTLP as JSON, as the specification writes it: camel case, 64-bit numbers as texts, ids in hex, enums as numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::telemetry::wire::{
    Attributes, Buckets, Entity, Exemplar, ExponentialPoint, Export, HistogramPoint, Link, LogRecord, Metric,
    MetricData, Number, NumberPoint, Origin, PointHead, Resource, Scope, Span, SpanEvent, SummaryPoint,
    Value as Any,
};
use serde_json::{Map, Value, json};

pub(super) fn export(export: &Export) -> Value {
    match export {
        Export::Traces(groups) => envelopes(groups, ["resourceSpans", "scopeSpans", "spans"], span),
        Export::Logs(groups) => envelopes(groups, ["resourceLogs", "scopeLogs", "logRecords"], record),
        Export::Metrics(groups) => envelopes(groups, ["resourceMetrics", "scopeMetrics", "metrics"], metric),
    }
}

fn envelopes<T>(groups: &[(Origin, Vec<T>)], names: [&str; 3], write: fn(&T) -> Value) -> Value {
    let envelope = |(origin, records): &(Origin, Vec<T>)| {
        let records: Vec<Value> = records.iter().map(write).collect();
        let group = json!({
            "scope": scope(&origin.scope),
            names[2]: records,
            "schemaUrl": origin.scope.schema_url,
        });
        json!({
            "resource": resource(&origin.resource),
            names[1]: [group],
            "schemaUrl": origin.resource.schema_url,
        })
    };
    json!({ names[0]: groups.iter().map(envelope).collect::<Vec<_>>() })
}

fn resource(resource: &Resource) -> Value {
    json!({
        "attributes": attributes(&resource.attributes),
        "droppedAttributesCount": resource.dropped_attributes,
        "entityRefs": resource.entities.iter().map(entity).collect::<Vec<_>>(),
    })
}

fn entity(entity: &Entity) -> Value {
    json!({
        "schemaUrl": entity.schema_url,
        "type": entity.kind,
        "idKeys": entity.id_keys,
        "descriptionKeys": entity.description_keys,
    })
}

fn scope(scope: &Scope) -> Value {
    json!({
        "name": scope.name,
        "version": scope.version,
        "attributes": attributes(&scope.attributes),
        "droppedAttributesCount": scope.dropped_attributes,
    })
}

fn attributes(attributes: &Attributes) -> Vec<Value> {
    attributes.0.iter().map(|(key, value)| json!({ "key": key, "value": any(value) })).collect()
}

fn any(value: &Any) -> Value {
    match value {
        Any::Empty => json!({}),
        Any::Text(text) => json!({ "stringValue": text }),
        Any::Bool(bit) => json!({ "boolValue": bit }),
        Any::Int(value) => json!({ "intValue": value.to_string() }),
        Any::Double(value) => json!({ "doubleValue": double(*value) }),
        Any::Bytes(bytes) => json!({ "bytesValue": STANDARD.encode(bytes) }),
        Any::List(values) => {
            json!({ "arrayValue": { "values": values.iter().map(any).collect::<Vec<_>>() } })
        }
        Any::Map(values) => json!({ "kvlistValue": { "values": attributes(values) } }),
    }
}

fn double(value: f64) -> Value {
    match value {
        value if value.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        value => json!(value),
    }
}

fn hex(id: &[u8]) -> String {
    id.iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Adds what is there.
fn add(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(members), Some(value)) = (object.as_object_mut(), value) {
        members.insert(key.to_owned(), value);
    }
}

fn span(span: &Span) -> Value {
    let mut written = json!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "traceState": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": span.start_ns.to_string(),
        "endTimeUnixNano": span.end_ns.to_string(),
        "attributes": attributes(&span.attributes),
        "droppedAttributesCount": span.dropped_attributes,
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
        "droppedEventsCount": span.dropped_events,
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "droppedLinksCount": span.dropped_links,
        "status": { "message": span.status_message, "code": span.status_code },
    });
    add(&mut written, "parentSpanId", span.parent.map(|id| hex(&id).into()));
    written
}

fn event(event: &SpanEvent) -> Value {
    json!({
        "timeUnixNano": event.time_ns.to_string(),
        "name": event.name,
        "attributes": attributes(&event.attributes),
        "droppedAttributesCount": event.dropped_attributes,
    })
}

fn link(link: &Link) -> Value {
    json!({
        "traceId": hex(&link.trace_id),
        "spanId": hex(&link.span_id),
        "traceState": link.trace_state,
        "attributes": attributes(&link.attributes),
        "droppedAttributesCount": link.dropped_attributes,
        "flags": link.flags,
    })
}

fn record(record: &LogRecord) -> Value {
    let mut written = json!({
        "timeUnixNano": record.time_ns.to_string(),
        "observedTimeUnixNano": record.observed_ns.to_string(),
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "body": any(&record.body),
        "attributes": attributes(&record.attributes),
        "droppedAttributesCount": record.dropped_attributes,
        "flags": record.flags,
        "eventName": record.event_name,
    });
    add(&mut written, "traceId", record.trace_id.map(|id| hex(&id).into()));
    add(&mut written, "spanId", record.span_id.map(|id| hex(&id).into()));
    written
}

fn metric(metric: &Metric) -> Value {
    let (kind, data) = match &metric.data {
        MetricData::Gauge(points) => ("gauge", json!({ "dataPoints": all(points, number) })),
        MetricData::Sum { points, temporality, monotonic } => (
            "sum",
            json!({
                "dataPoints": all(points, number),
                "aggregationTemporality": temporality,
                "isMonotonic": monotonic,
            }),
        ),
        MetricData::Histogram { points, temporality } => (
            "histogram",
            json!({ "dataPoints": all(points, histogram), "aggregationTemporality": temporality }),
        ),
        MetricData::ExponentialHistogram { points, temporality } => (
            "exponentialHistogram",
            json!({ "dataPoints": all(points, exponential), "aggregationTemporality": temporality }),
        ),
        MetricData::Summary(points) => ("summary", json!({ "dataPoints": all(points, summary) })),
    };
    json!({
        "name": metric.name,
        "description": metric.description,
        "unit": metric.unit,
        "metadata": attributes(&metric.metadata),
        kind: data,
    })
}

fn all<T>(points: &[T], write: fn(&T) -> Map<String, Value>) -> Vec<Value> {
    points.iter().map(write).map(Value::Object).collect()
}

/// What every point has, and what this kind adds.
fn point(head: &PointHead, more: Value, exemplars: &[Exemplar]) -> Map<String, Value> {
    let mut members = match more {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    members.retain(|_, value| !value.is_null());
    members.insert("attributes".to_owned(), attributes(&head.attributes).into());
    members.insert("startTimeUnixNano".to_owned(), head.start_ns.to_string().into());
    members.insert("timeUnixNano".to_owned(), head.time_ns.to_string().into());
    members.insert("flags".to_owned(), head.flags.into());
    if !exemplars.is_empty() {
        members.insert("exemplars".to_owned(), exemplars.iter().map(exemplar).collect());
    }
    members
}

fn number(number: &NumberPoint) -> Map<String, Value> {
    point(&number.head, value(number.value), &number.exemplars)
}

fn value(value: Option<Number>) -> Value {
    match value {
        None => json!({}),
        Some(Number::Int(value)) => json!({ "asInt": value.to_string() }),
        Some(Number::Double(value)) => json!({ "asDouble": double(value) }),
    }
}

fn histogram(histogram: &HistogramPoint) -> Map<String, Value> {
    let more = json!({
        "count": histogram.count.to_string(),
        "sum": histogram.sum.map(double),
        "min": histogram.min.map(double),
        "max": histogram.max.map(double),
        "bucketCounts": texts(&histogram.bucket_counts),
        "explicitBounds": histogram.bounds.iter().copied().map(double).collect::<Vec<_>>(),
    });
    point(&histogram.head, more, &histogram.exemplars)
}

fn texts(counts: &[u64]) -> Vec<String> {
    counts.iter().map(u64::to_string).collect()
}

fn exponential(exponential: &ExponentialPoint) -> Map<String, Value> {
    let more = json!({
        "count": exponential.count.to_string(),
        "sum": exponential.sum.map(double),
        "min": exponential.min.map(double),
        "max": exponential.max.map(double),
        "scale": exponential.scale,
        "zeroCount": exponential.zero_count.to_string(),
        "zeroThreshold": double(exponential.zero_threshold),
        "positive": buckets(&exponential.positive),
        "negative": buckets(&exponential.negative),
    });
    point(&exponential.head, more, &exponential.exemplars)
}

fn buckets(buckets: &Buckets) -> Value {
    json!({ "offset": buckets.offset, "bucketCounts": texts(&buckets.counts) })
}

fn summary(summary: &SummaryPoint) -> Map<String, Value> {
    let quantile =
        |(quantile, value): &(f64, f64)| json!({ "quantile": double(*quantile), "value": double(*value) });
    let more = json!({
        "count": summary.count.to_string(),
        "sum": double(summary.sum),
        "quantileValues": summary.quantiles.iter().map(quantile).collect::<Vec<_>>(),
    });
    point(&summary.head, more, &[])
}

fn exemplar(exemplar: &Exemplar) -> Value {
    let mut written = value(exemplar.value);
    add(&mut written, "filteredAttributes", Some(attributes(&exemplar.attributes).into()));
    add(&mut written, "timeUnixNano", Some(exemplar.time_ns.to_string().into()));
    add(&mut written, "spanId", exemplar.span_id.map(|id| hex(&id).into()));
    add(&mut written, "traceId", exemplar.trace_id.map(|id| hex(&id).into()));
    written
}
