//! Official messages as the API shows them. Leaves out times and ids, which each kind has its own way to show.

use api::{Attribute, AttributeValue, Reporter};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde_json::{Map, Value, json};

/// A value.
pub fn value(of: Option<&AnyValue>) -> AttributeValue {
    match of.and_then(|of| of.value.as_ref()) {
        None => AttributeValue::Empty,
        Some(any_value::Value::StringValue(text)) => AttributeValue::Text(text.clone()),
        Some(any_value::Value::BoolValue(yes)) => AttributeValue::Bool(*yes),
        Some(any_value::Value::IntValue(number)) => AttributeValue::Int(*number),
        Some(any_value::Value::DoubleValue(number)) => double(*number),
        Some(any_value::Value::ArrayValue(of)) => {
            AttributeValue::List(of.values.iter().map(|one| value(Some(one))).collect())
        }
        Some(any_value::Value::KvlistValue(of)) => AttributeValue::Map(attributes(&of.values)),
        Some(any_value::Value::BytesValue(bytes)) => AttributeValue::Bytes(STANDARD.encode(bytes)),
        Some(any_value::Value::StringValueStrindex(_)) => unreachable!("profiles only"),
    }
}

fn double(number: f64) -> AttributeValue {
    match number {
        number if number.is_nan() => AttributeValue::NotFinite("NaN".to_owned()),
        f64::INFINITY => AttributeValue::NotFinite("Infinity".to_owned()),
        f64::NEG_INFINITY => AttributeValue::NotFinite("-Infinity".to_owned()),
        number => AttributeValue::Double(number),
    }
}

/// Named values, in their order.
pub fn attributes(of: &[KeyValue]) -> Vec<Attribute> {
    of.iter().map(|one| Attribute { key: one.key.clone(), value: value(one.value.as_ref()) }).collect()
}

/// Who reported, without the entities (see [`plain`]).
pub fn reporter(
    resource: Option<&Resource>,
    resource_schema_url: &str,
    scope: Option<&InstrumentationScope>,
    scope_schema_url: &str,
) -> Reporter {
    let (resource, scope) = (resource.cloned().unwrap_or_default(), scope.cloned().unwrap_or_default());
    Reporter {
        resource: attributes(&resource.attributes),
        resource_dropped: resource.dropped_attributes_count,
        entities: Vec::new(),
        resource_schema_url: resource_schema_url.to_owned(),
        scope_name: scope.name,
        scope_version: scope.version,
        scope: attributes(&scope.attributes),
        scope_dropped: scope.dropped_attributes_count,
        scope_schema_url: scope_schema_url.to_owned(),
    }
}

/// Named values as plain JSON, every number as its text: however a field's numbers are typed, they compare.
pub fn plain(of: &[Attribute]) -> Value {
    Value::Object(of.iter().map(|one| (one.key.clone(), plain_value(&one.value))).collect::<Map<_, _>>())
}

fn plain_value(of: &AttributeValue) -> Value {
    match of {
        AttributeValue::Empty => Value::Null,
        AttributeValue::Text(text) | AttributeValue::NotFinite(text) | AttributeValue::Bytes(text) => {
            json!(text)
        }
        AttributeValue::Bool(yes) => json!(yes),
        AttributeValue::Int(number) => json!(number.to_string()),
        AttributeValue::Double(number) => json!(number.to_string()),
        AttributeValue::List(of) => Value::Array(of.iter().map(plain_value).collect()),
        AttributeValue::Map(of) => plain(of),
    }
}
