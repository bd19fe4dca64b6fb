//! What all signals share: values, attributes, resources, scopes.

use model::telemetry::wire::{Attributes, Entity, Resource, Scope, Value};

use crate::decode::{Intake, Unreadable, too_deep};

use super::reader::{Field, Fields};

/// A text; what is no UTF-8 in it is replaced, since one bad byte must not cost a batch.
#[inline]
pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Counts that are wider than they should be are cut, as protobuf says.
#[expect(clippy::cast_possible_truncation, reason = "protobuf cuts what is too wide")]
pub(super) fn narrow(value: u64) -> u32 {
    value as u32
}

/// An enum's or an int32's value.
#[expect(clippy::cast_possible_wrap, reason = "int32 is carried as a sign-extended varint")]
pub(super) fn int32(value: u64) -> i32 {
    narrow(value) as i32
}

/// A zigzag sint32.
pub(super) fn sint32(value: u64) -> i32 {
    let value = narrow(value);
    let half = i32::try_from(value >> 1).unwrap_or_default();
    if value & 1 == 1 { !half } else { half }
}

#[expect(clippy::cast_possible_wrap, reason = "int64 is carried as two's complement")]
pub(super) fn int64(value: u64) -> i64 {
    value as i64
}

/// One more attribute.
#[inline]
pub(super) fn attribute(
    message: &[u8],
    into: &mut Attributes,
    depth: u32,
    intake: &mut Intake,
) -> Result<(), Unreadable> {
    intake.pay::<(String, Value)>()?;
    let (mut key, mut value) = (String::new(), Value::Empty);
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(bytes)) => key = text(bytes),
            (2, Field::Bytes(message)) => value = any(message, depth, intake)?,
            _ => {}
        }
    }
    into.0.push((key, value));
    Ok(())
}

/// An `AnyValue`; of several the last counts.
#[inline]
pub(super) fn any(message: &[u8], depth: u32, intake: &mut Intake) -> Result<Value, Unreadable> {
    let mut value = Value::Empty;
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(bytes)) => value = Value::Text(text(bytes)),
            (2, Field::Varint(bit)) => value = Value::Bool(bit != 0),
            (3, Field::Varint(number)) => value = Value::Int(int64(number)),
            (4, Field::Fixed64(bits)) => value = Value::Double(f64::from_bits(bits)),
            (5, Field::Bytes(message)) => value = list(message, depth + 1, intake)?,
            (6, Field::Bytes(message)) => value = map(message, depth + 1, intake)?,
            (7, Field::Bytes(bytes)) => value = Value::Bytes(bytes.to_owned()),
            _ => {}
        }
    }
    Ok(value)
}

fn list(message: &[u8], depth: u32, intake: &mut Intake) -> Result<Value, Unreadable> {
    if too_deep(depth, intake) {
        return Ok(Value::Empty);
    }
    let mut values = Vec::new();
    for field in Fields::of(message) {
        if let (1, Field::Bytes(message)) = field? {
            intake.pay::<Value>()?;
            values.push(any(message, depth, intake)?);
        }
    }
    Ok(Value::List(values))
}

fn map(message: &[u8], depth: u32, intake: &mut Intake) -> Result<Value, Unreadable> {
    if too_deep(depth, intake) {
        return Ok(Value::Empty);
    }
    let mut values = Attributes::default();
    for field in Fields::of(message) {
        if let (1, Field::Bytes(message)) = field? {
            attribute(message, &mut values, depth, intake)?;
        }
    }
    Ok(Value::Map(values))
}

pub(super) fn resource(message: &[u8], into: &mut Resource, intake: &mut Intake) -> Result<(), Unreadable> {
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(message)) => attribute(message, &mut into.attributes, 0, intake)?,
            (2, Field::Varint(count)) => into.dropped_attributes = narrow(count),
            (3, Field::Bytes(message)) => {
                intake.pay::<Entity>()?;
                into.entities.push(entity(message, intake)?);
            }
            _ => {}
        }
    }
    Ok(())
}

fn entity(message: &[u8], intake: &mut Intake) -> Result<Entity, Unreadable> {
    let mut entity = Entity::default();
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(bytes)) => entity.schema_url = text(bytes),
            (2, Field::Bytes(bytes)) => entity.kind = text(bytes),
            (3, Field::Bytes(bytes)) => {
                intake.pay::<String>()?;
                entity.id_keys.push(text(bytes));
            }
            (4, Field::Bytes(bytes)) => {
                intake.pay::<String>()?;
                entity.description_keys.push(text(bytes));
            }
            _ => {}
        }
    }
    Ok(entity)
}

pub(super) fn scope(message: &[u8], into: &mut Scope, intake: &mut Intake) -> Result<(), Unreadable> {
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(bytes)) => into.name = text(bytes),
            (2, Field::Bytes(bytes)) => into.version = text(bytes),
            (3, Field::Bytes(message)) => attribute(message, &mut into.attributes, 0, intake)?,
            (4, Field::Varint(count)) => into.dropped_attributes = narrow(count),
            _ => {}
        }
    }
    Ok(())
}
