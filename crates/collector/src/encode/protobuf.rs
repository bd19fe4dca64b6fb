//! OTLP as protobuf. Field numbers are opentelemetry-proto's, v1.11.

use model::telemetry::wire::{
    Attributes, Buckets, Entity, Exemplar, ExponentialPoint, Export, HistogramPoint, Link, LogRecord, Metric,
    MetricData, Number, NumberPoint, Origin, PointHead, Resource, Scope, Span, SpanEvent, SummaryPoint,
    Value,
};

use crate::wire_format::Writer;

pub(super) fn export(export: &Export) -> Vec<u8> {
    let mut out = Writer::default();
    match export {
        Export::Traces(groups) => envelopes(&mut out, groups, span),
        Export::Logs(groups) => envelopes(&mut out, groups, record),
        Export::Metrics(groups) => envelopes(&mut out, groups, metric),
    }
    out.into_bytes()
}

fn envelopes<T>(out: &mut Writer, groups: &[(Origin, Vec<T>)], write: fn(&mut Writer, &T)) {
    for (origin, records) in groups {
        out.message(1, |out| {
            out.message(1, |out| resource(out, &origin.resource));
            out.message(2, |out| {
                out.message(1, |out| scope(out, &origin.scope));
                for record in records {
                    out.message(2, |out| write(out, record));
                }
                out.text(3, &origin.scope.schema_url);
            });
            out.text(3, &origin.resource.schema_url);
        });
    }
}

fn resource(out: &mut Writer, resource: &Resource) {
    attributes(out, 1, &resource.attributes);
    out.varint(2, resource.dropped_attributes.into());
    for entity in &resource.entities {
        out.message(3, |out| self::entity(out, entity));
    }
}

fn entity(out: &mut Writer, entity: &Entity) {
    out.text(1, &entity.schema_url);
    out.text(2, &entity.kind);
    for key in &entity.id_keys {
        out.bytes(3, key.as_bytes());
    }
    for key in &entity.description_keys {
        out.bytes(4, key.as_bytes());
    }
}

fn scope(out: &mut Writer, scope: &Scope) {
    out.text(1, &scope.name);
    out.text(2, &scope.version);
    attributes(out, 3, &scope.attributes);
    out.varint(4, scope.dropped_attributes.into());
}

fn attributes(out: &mut Writer, number: u32, attributes: &Attributes) {
    for (key, value) in &attributes.0 {
        out.message(number, |out| {
            out.text(1, key);
            if *value != Value::Empty {
                out.message(2, |out| any(out, value));
            }
        });
    }
}

fn any(out: &mut Writer, value: &Value) {
    match value {
        Value::Empty => {}
        // Of one of several even the default is written: that it is there is what it says.
        Value::Text(text) => out.bytes(1, text.as_bytes()),
        Value::Bool(bit) => out.present_varint(2, u64::from(*bit)),
        Value::Int(number) => out.present_varint(3, number.cast_unsigned()),
        Value::Double(number) => out.present_fixed64(4, number.to_bits()),
        Value::List(values) => out.message(5, |out| {
            for value in values {
                out.message(1, |out| any(out, value));
            }
        }),
        Value::Map(values) => out.message(6, |out| attributes(out, 1, values)),
        Value::Bytes(bytes) => out.bytes(7, bytes),
    }
}

fn span(out: &mut Writer, span: &Span) {
    out.bytes(1, &span.trace_id);
    out.bytes(2, &span.span_id);
    out.text(3, &span.trace_state);
    if let Some(parent) = &span.parent {
        out.bytes(4, parent);
    }
    out.text(5, &span.name);
    out.int32(6, span.kind);
    out.fixed64(7, span.start_ns);
    out.fixed64(8, span.end_ns);
    attributes(out, 9, &span.attributes);
    out.varint(10, span.dropped_attributes.into());
    for event in &span.events {
        out.message(11, |out| self::event(out, event));
    }
    out.varint(12, span.dropped_events.into());
    for link in &span.links {
        out.message(13, |out| self::link(out, link));
    }
    out.varint(14, span.dropped_links.into());
    if span.status_code != 0 || !span.status_message.is_empty() {
        out.message(15, |out| {
            out.text(2, &span.status_message);
            out.int32(3, span.status_code);
        });
    }
    out.fixed32(16, span.flags);
}

fn event(out: &mut Writer, event: &SpanEvent) {
    out.fixed64(1, event.time_ns);
    out.text(2, &event.name);
    attributes(out, 3, &event.attributes);
    out.varint(4, event.dropped_attributes.into());
}

fn link(out: &mut Writer, link: &Link) {
    out.bytes(1, &link.trace_id);
    out.bytes(2, &link.span_id);
    out.text(3, &link.trace_state);
    attributes(out, 4, &link.attributes);
    out.varint(5, link.dropped_attributes.into());
    out.fixed32(6, link.flags);
}

fn record(out: &mut Writer, record: &LogRecord) {
    out.fixed64(1, record.time_ns);
    out.int32(2, record.severity_number);
    out.text(3, &record.severity_text);
    if record.body != Value::Empty {
        out.message(5, |out| any(out, &record.body));
    }
    attributes(out, 6, &record.attributes);
    out.varint(7, record.dropped_attributes.into());
    out.fixed32(8, record.flags);
    if let Some(id) = &record.trace_id {
        out.bytes(9, id);
    }
    if let Some(id) = &record.span_id {
        out.bytes(10, id);
    }
    out.fixed64(11, record.observed_ns);
    out.text(12, &record.event_name);
}

fn metric(out: &mut Writer, metric: &Metric) {
    out.text(1, &metric.name);
    out.text(2, &metric.description);
    out.text(3, &metric.unit);
    match &metric.data {
        MetricData::Gauge(points) => kind(out, 5, points, number, 0, false),
        MetricData::Sum { points, temporality, monotonic } => {
            kind(out, 7, points, number, *temporality, *monotonic);
        }
        MetricData::Histogram { points, temporality } => kind(out, 9, points, histogram, *temporality, false),
        MetricData::ExponentialHistogram { points, temporality } => {
            kind(out, 10, points, exponential, *temporality, false);
        }
        MetricData::Summary(points) => kind(out, 11, points, summary, 0, false),
    }
    attributes(out, 12, &metric.metadata);
}

fn kind<T>(
    out: &mut Writer,
    number: u32,
    points: &[T],
    write: fn(&mut Writer, &T),
    temporality: i32,
    monotonic: bool,
) {
    out.message(number, |out| {
        for point in points {
            out.message(1, |out| write(out, point));
        }
        out.int32(2, temporality);
        out.varint(3, monotonic.into());
    });
}

/// A point's attributes and flags, whose numbers differ from kind to kind; the times' do not.
fn head(out: &mut Writer, head: &PointHead, attributes_number: u32, flags_number: u32) {
    out.fixed64(2, head.start_ns);
    out.fixed64(3, head.time_ns);
    attributes(out, attributes_number, &head.attributes);
    out.varint(flags_number, head.flags.into());
}

fn number(out: &mut Writer, point: &NumberPoint) {
    head(out, &point.head, 7, 8);
    value(out, point.value, 4, 6);
    exemplars(out, 5, &point.exemplars);
}

fn value(out: &mut Writer, value: Option<Number>, double: u32, int: u32) {
    match value {
        None => {}
        Some(Number::Double(value)) => out.present_fixed64(double, value.to_bits()),
        Some(Number::Int(value)) => out.present_fixed64(int, value.cast_unsigned()),
    }
}

fn maybe(out: &mut Writer, number: u32, value: Option<f64>) {
    if let Some(value) = value {
        out.present_fixed64(number, value.to_bits());
    }
}

fn histogram(out: &mut Writer, point: &HistogramPoint) {
    head(out, &point.head, 9, 10);
    out.fixed64(4, point.count);
    maybe(out, 5, point.sum);
    let counts: Vec<u8> = point.bucket_counts.iter().flat_map(|count| count.to_le_bytes()).collect();
    out.packed(6, &counts);
    let bounds: Vec<u8> = point.bounds.iter().flat_map(|bound| bound.to_le_bytes()).collect();
    out.packed(7, &bounds);
    exemplars(out, 8, &point.exemplars);
    maybe(out, 11, point.min);
    maybe(out, 12, point.max);
}

fn exponential(out: &mut Writer, point: &ExponentialPoint) {
    head(out, &point.head, 1, 10);
    out.fixed64(4, point.count);
    maybe(out, 5, point.sum);
    out.sint32(6, point.scale);
    out.fixed64(7, point.zero_count);
    for (number, buckets) in [(8, &point.positive), (9, &point.negative)] {
        if *buckets != Buckets::default() {
            out.message(number, |out| self::buckets(out, buckets));
        }
    }
    exemplars(out, 11, &point.exemplars);
    maybe(out, 12, point.min);
    maybe(out, 13, point.max);
    out.fixed64(14, point.zero_threshold.to_bits());
}

fn buckets(out: &mut Writer, buckets: &Buckets) {
    out.sint32(1, buckets.offset);
    let mut counts = Writer::default();
    buckets.counts.iter().for_each(|count| counts.bare_varint(*count));
    out.packed(2, &counts.into_bytes());
}

fn summary(out: &mut Writer, point: &SummaryPoint) {
    head(out, &point.head, 7, 8);
    out.fixed64(4, point.count);
    out.fixed64(5, point.sum.to_bits());
    for (quantile, value) in &point.quantiles {
        out.message(6, |out| {
            out.fixed64(1, quantile.to_bits());
            out.fixed64(2, value.to_bits());
        });
    }
}

fn exemplars(out: &mut Writer, number: u32, exemplars: &[Exemplar]) {
    for exemplar in exemplars {
        out.message(number, |out| {
            out.fixed64(2, exemplar.time_ns);
            value(out, exemplar.value, 3, 6);
            if let Some(id) = &exemplar.span_id {
                out.bytes(4, id);
            }
            if let Some(id) = &exemplar.trace_id {
                out.bytes(5, id);
            }
            attributes(out, 7, &exemplar.attributes);
        });
    }
}
