//! What all signals share: values, attributes, resources, scopes.

use model::telemetry::wire::{Attributes, Entity, Number, Resource, Scope, Value};

use crate::decode::{Intake, Unreadable, too_deep};

use super::reader::{Next, Reader};
use super::scalar::base64;

/// Attributes, or a map's values.
#[inline]
pub(super) fn attributes(
    json: &mut Reader<'_>,
    into: &mut Attributes,
    depth: u32,
    intake: &mut Intake,
) -> Result<(), Unreadable> {
    json.list(|json| {
        intake.pay::<(String, Value)>()?;
        let (mut name, mut value) = (String::new(), Value::Empty);
        json.object(|json, key| match key {
            "key" => json.string(&mut name),
            "value" => {
                value = any(json, depth, intake)?;
                Ok(())
            }
            _ => json.skip(),
        })?;
        into.0.push((name, value));
        Ok(())
    })
}

/// An `AnyValue`; a bare value stands for itself.
#[inline]
pub(super) fn any(json: &mut Reader<'_>, depth: u32, intake: &mut Intake) -> Result<Value, Unreadable> {
    match json.next()? {
        Next::Object => {}
        Next::Text => return Ok(Value::Text(json.text()?.into_owned())),
        Next::Word => return Ok(bare(json.word()?)),
        Next::List | Next::Null => return json.skip().map(|()| Value::Empty),
    }
    let mut value = Value::Empty;
    json.object(|json, key| {
        let found = match key {
            "stringValue" | "string_value" => json.maybe_text()?.map(Value::Text),
            "boolValue" | "bool_value" => json.truth()?.map(Value::Bool),
            "intValue" | "int_value" => json.integer()?.map(number),
            "doubleValue" | "double_value" => json.double()?.map(Value::Double),
            "arrayValue" | "array_value" => Some(list(json, depth + 1, intake)?),
            "kvlistValue" | "kvlist_value" => Some(map(json, depth + 1, intake)?),
            "bytesValue" | "bytes_value" => json.maybe_text()?.map(bytes),
            _ => json.nothing()?,
        };
        if let Some(found) = found {
            value = found;
        }
        Ok(())
    })?;
    Ok(value)
}

fn bare(word: &str) -> Value {
    match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        word => match (word.parse(), word.parse()) {
            (Ok(value), _) => Value::Int(value),
            (_, Ok(value)) => Value::Double(value),
            _ => Value::Text(word.to_owned()),
        },
    }
}

fn number(number: Number) -> Value {
    match number {
        Number::Int(value) => Value::Int(value),
        Number::Double(value) => Value::Double(value),
    }
}

/// What is no base64 was meant as a text.
fn bytes(text: String) -> Value {
    base64(&text).map_or(Value::Text(text), Value::Bytes)
}

fn list(json: &mut Reader<'_>, depth: u32, intake: &mut Intake) -> Result<Value, Unreadable> {
    if too_deep(depth, intake) {
        return json.skip().map(|()| Value::Empty);
    }
    let mut values = Vec::new();
    json.object(|json, key| match key {
        "values" => json.list(|json| {
            intake.pay::<Value>()?;
            values.push(any(json, depth, intake)?);
            Ok(())
        }),
        _ => json.skip(),
    })?;
    Ok(Value::List(values))
}

fn map(json: &mut Reader<'_>, depth: u32, intake: &mut Intake) -> Result<Value, Unreadable> {
    if too_deep(depth, intake) {
        return json.skip().map(|()| Value::Empty);
    }
    let mut values = Attributes::default();
    json.object(|json, key| match key {
        "values" => attributes(json, &mut values, depth, intake),
        _ => json.skip(),
    })?;
    Ok(Value::Map(values))
}

pub(super) fn resource(
    json: &mut Reader<'_>,
    into: &mut Resource,
    intake: &mut Intake,
) -> Result<(), Unreadable> {
    json.object(|json, key| match key {
        "attributes" => attributes(json, &mut into.attributes, 0, intake),
        "droppedAttributesCount" | "dropped_attributes_count" => json.narrow(&mut into.dropped_attributes),
        "entityRefs" | "entity_refs" => json.list(|json| {
            intake.pay::<Entity>()?;
            into.entities.push(entity(json, intake)?);
            Ok(())
        }),
        _ => json.skip(),
    })
}

fn entity(json: &mut Reader<'_>, intake: &mut Intake) -> Result<Entity, Unreadable> {
    let mut entity = Entity::default();
    json.object(|json, key| match key {
        "schemaUrl" | "schema_url" => json.string(&mut entity.schema_url),
        "type" => json.string(&mut entity.kind),
        "idKeys" | "id_keys" => texts(json, &mut entity.id_keys, intake),
        "descriptionKeys" | "description_keys" => texts(json, &mut entity.description_keys, intake),
        _ => json.skip(),
    })?;
    Ok(entity)
}

fn texts(json: &mut Reader<'_>, into: &mut Vec<String>, intake: &mut Intake) -> Result<(), Unreadable> {
    json.list(|json| {
        intake.pay::<String>()?;
        into.extend(json.maybe_text()?);
        Ok(())
    })
}

pub(super) fn scope(json: &mut Reader<'_>, into: &mut Scope, intake: &mut Intake) -> Result<(), Unreadable> {
    json.object(|json, key| match key {
        "name" => json.string(&mut into.name),
        "version" => json.string(&mut into.version),
        "attributes" => attributes(json, &mut into.attributes, 0, intake),
        "droppedAttributesCount" | "dropped_attributes_count" => json.narrow(&mut into.dropped_attributes),
        _ => json.skip(),
    })
}
