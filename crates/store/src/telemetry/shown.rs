//! What was reported in the shapes that the API shows: the one place where OTLP's types become `api`'s.

use api::{Attribute, AttributeValue, Reporter, SpanDetail, SpanEvent, SpanLink, SpanRow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::telemetry::wire::{Attributes, Entity, Origin, Span, Value};

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
