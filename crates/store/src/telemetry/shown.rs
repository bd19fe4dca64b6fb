//! What was reported in the shapes that the API shows: the one place where OTLP's types become `api`'s.

use api::{Attribute, AttributeValue, Reporter, SpanDetail, SpanEvent, SpanLink, SpanRow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::telemetry::wire::{Attributes, Entity, Exemplar, Number, Origin, Span, Value};

use super::growth::Point;
use super::points::Rest;
use super::{hex, signed};

/// A span's id in hexadecimal digits.
pub(crate) fn span_hex(id: i64) -> String {
    hex(&id.to_be_bytes())
}

pub(crate) fn attributes(attributes: &Attributes) -> Vec<Attribute> {
    attributes.0.iter().map(|(key, said)| Attribute { key: key.clone(), value: value(said) }).collect()
}

pub(crate) fn value(value: &Value) -> AttributeValue {
    match value {
        Value::Empty => AttributeValue::Empty,
        Value::Text(text) => AttributeValue::Text(text.clone()),
        Value::Bool(value) => AttributeValue::Bool(*value),
        Value::Int(value) => AttributeValue::Int(*value),
        Value::Double(value) => double(*value),
        Value::Bytes(bytes) => AttributeValue::Bytes(BASE64.encode(bytes)),
        Value::List(values) => AttributeValue::List(values.iter().map(self::value).collect()),
        Value::Map(values) => AttributeValue::Map(attributes(values)),
    }
}

/// A number, or the word for what is none.
pub(crate) fn double(value: f64) -> AttributeValue {
    if value.is_finite() {
        AttributeValue::Double(value)
    } else if value.is_nan() {
        AttributeValue::NotFinite("NaN".to_owned())
    } else {
        let word = if value > 0.0 { "Infinity" } else { "-Infinity" };
        AttributeValue::NotFinite(word.to_owned())
    }
}

pub(crate) fn reporter(origin: &Origin) -> Reporter {
    let Origin { resource, scope } = origin;
    Reporter {
        resource: attributes(&resource.attributes),
        resource_dropped: resource.dropped_attributes,
        entities: resource.entities.iter().map(entity).collect(),
        resource_schema_url: resource.schema_url.clone(),
        scope_name: scope.name.clone(),
        scope_version: scope.version.clone(),
        scope: attributes(&scope.attributes),
        scope_dropped: scope.dropped_attributes,
        scope_schema_url: scope.schema_url.clone(),
    }
}

fn entity(entity: &Entity) -> Vec<Attribute> {
    let texts =
        |keys: &[String]| AttributeValue::List(keys.iter().cloned().map(AttributeValue::Text).collect());
    [
        ("schemaUrl", AttributeValue::Text(entity.schema_url.clone())),
        ("type", AttributeValue::Text(entity.kind.clone())),
        ("idKeys", texts(&entity.id_keys)),
        ("descriptionKeys", texts(&entity.description_keys)),
    ]
    .map(|(key, value)| Attribute { key: key.to_owned(), value })
    .into()
}

/// A span whole, but for its conversation and its log records.
pub(crate) fn span(span: &Span, origin: &Origin, row: SpanRow) -> SpanDetail {
    let kind = match span.kind {
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "unspecified",
    };
    let events = span.events.iter().map(|event| SpanEvent {
        time_ns: signed(event.time_ns),
        name: event.name.clone(),
        attributes: attributes(&event.attributes),
        dropped_attributes: event.dropped_attributes,
    });
    let links = span.links.iter().map(|link| SpanLink {
        trace_id: hex(&link.trace_id),
        span_id: hex(&link.span_id),
        trace_state: link.trace_state.clone(),
        flags: link.flags,
        attributes: attributes(&link.attributes),
        dropped_attributes: link.dropped_attributes,
    });
    SpanDetail {
        row,
        trace_id: hex(&span.trace_id),
        kind: kind.to_owned(),
        status_code: span.status_code,
        status_message: span.status_message.clone(),
        trace_state: span.trace_state.clone(),
        flags: span.flags,
        attributes: attributes(&span.attributes),
        dropped_attributes: span.dropped_attributes,
        events: events.collect(),
        dropped_events: span.dropped_events,
        links: links.collect(),
        dropped_links: span.dropped_links,
        reporter: reporter(origin),
        conversation: None,
        input: None,
        output: None,
        logs: Vec::new(),
    }
}

/// A point's fields under OTLP's own names, but for its attributes and times.
pub(crate) fn point(point: &Point) -> Vec<Attribute> {
    let mut fields = Fields::default();
    match &point.rest {
        None => fields.number(point.int.map(Number::Int).or(point.value.map(Number::Double))),
        Some(Rest::Number(number)) => {
            fields.number(number.value);
            fields.last(&number.exemplars, number.head.flags);
        }
        Some(Rest::Histogram(histogram)) => {
            fields.measured(histogram.count, histogram.sum, histogram.min, histogram.max);
            fields.counts("bucketCounts", &histogram.bucket_counts);
            fields.put("explicitBounds", doubles(&histogram.bounds));
            fields.last(&histogram.exemplars, histogram.head.flags);
        }
        Some(Rest::Exponential(exponential)) => {
            fields.measured(exponential.count, exponential.sum, exponential.min, exponential.max);
            fields.put("scale", AttributeValue::Int(exponential.scale.into()));
            fields.put("zeroCount", int(exponential.zero_count));
            fields.put("zeroThreshold", double(exponential.zero_threshold));
            for (name, buckets) in [("positive", &exponential.positive), ("negative", &exponential.negative)]
            {
                let mut inner = Fields::default();
                inner.put("offset", AttributeValue::Int(buckets.offset.into()));
                inner.counts("bucketCounts", &buckets.counts);
                fields.put(name, AttributeValue::Map(inner.0));
            }
            fields.last(&exponential.exemplars, exponential.head.flags);
        }
        Some(Rest::Summary(summary)) => {
            fields.measured(summary.count, Some(summary.sum), None, None);
            let quantiles = summary.quantiles.iter().map(|(quantile, value)| {
                let mut inner = Fields::default();
                inner.put("quantile", double(*quantile));
                inner.put("value", double(*value));
                AttributeValue::Map(inner.0)
            });
            fields.put("quantileValues", AttributeValue::List(quantiles.collect()));
            fields.last(&[], summary.head.flags);
        }
    }
    fields.0
}

/// Named values that are being gathered.
#[derive(Default)]
struct Fields(Vec<Attribute>);

impl Fields {
    fn put(&mut self, key: &str, value: AttributeValue) {
        self.0.push(Attribute { key: key.to_owned(), value });
    }

    fn number(&mut self, number: Option<Number>) {
        match number {
            Some(Number::Int(value)) => self.put("asInt", AttributeValue::Int(value)),
            Some(Number::Double(value)) => self.put("asDouble", double(value)),
            None => {}
        }
    }

    fn measured(&mut self, count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>) {
        self.put("count", int(count));
        for (key, value) in [("sum", sum), ("min", min), ("max", max)] {
            if let Some(value) = value {
                self.put(key, double(value));
            }
        }
    }

    fn counts(&mut self, key: &str, counts: &[u64]) {
        self.put(key, AttributeValue::List(counts.iter().copied().map(int).collect()));
    }

    fn last(&mut self, exemplars: &[Exemplar], flags: u32) {
        if !exemplars.is_empty() {
            self.put("exemplars", AttributeValue::List(exemplars.iter().map(exemplar).collect()));
        }
        if flags != 0 {
            self.put("flags", AttributeValue::Int(flags.into()));
        }
    }
}

fn exemplar(exemplar: &Exemplar) -> AttributeValue {
    let mut fields = Fields::default();
    fields.number(exemplar.value);
    fields.put("timeUnixNano", int(exemplar.time_ns));
    for (key, id) in
        [("spanId", exemplar.span_id.map(|id| hex(&id))), ("traceId", exemplar.trace_id.map(|id| hex(&id)))]
    {
        if let Some(id) = id {
            fields.put(key, AttributeValue::Text(id));
        }
    }
    if !exemplar.attributes.0.is_empty() {
        fields.put("filteredAttributes", AttributeValue::Map(attributes(&exemplar.attributes)));
    }
    AttributeValue::Map(fields.0)
}

/// A count, as text where it is larger than a signed number can be.
fn int(value: u64) -> AttributeValue {
    i64::try_from(value).map_or_else(|_| AttributeValue::Text(value.to_string()), AttributeValue::Int)
}

fn doubles(values: &[f64]) -> AttributeValue {
    AttributeValue::List(values.iter().copied().map(double).collect())
}
