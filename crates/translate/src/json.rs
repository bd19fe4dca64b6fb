//! Looking into a provider's JSON, where anything may be missing.

use serde_json::Value;

/// A member that is text.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// A member that is a count; Cohere writes them as decimals.
pub(crate) fn count(value: &Value, name: &str) -> Option<u64> {
    let number = value.get(name)?;
    number.as_u64().or_else(|| {
        let number = number.as_f64().filter(|number| (0.0..9e15).contains(number))?;
        format!("{number:.0}").parse().ok()
    })
}

/// A member that is a list; nothing is an empty one.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
