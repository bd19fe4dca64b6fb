//! Tolerant access to JSON values: a field of the wrong type is a field that is absent. Leaves out every meaning.

use serde_json::Value;

/// Counts above this cannot be counts; refusing them keeps every later sum in range.
const MAX_COUNT: u64 = 1 << 53;

/// A string that is not empty.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// An owned string that is not empty.
pub(super) fn owned(value: &Value, key: &str) -> Option<String> {
    text(value, key).map(str::to_owned)
}

/// An array's elements; none when it is absent.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A member that is an object.
pub(super) fn object<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|member| member.is_object())
}

/// A count of tokens. Some providers write whole numbers as floats.
pub(super) fn count(value: &Value, key: &str) -> Option<u64> {
    whole(value.get(key)?)
}

/// The first of `keys` that holds a count.
pub(super) fn first_count(value: &Value, keys: &[&str]) -> Option<u64> {
    keys.iter().find_map(|key| count(value, key))
}

/// An index of a choice, block or tool call; `default` when it is absent.
pub(super) fn index(value: &Value, key: &str, default: u64) -> u64 {
    count(value, key).unwrap_or(default)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
fn whole(value: &Value) -> Option<u64> {
    if let Some(number) = value.as_u64() {
        return (number <= MAX_COUNT).then_some(number);
    }
    let number = value.as_f64()?;
    (0.0..=9e15).contains(&number).then_some(number as u64)
}

/// A JSON value as the text of tool arguments: a string is the text itself, anything else is written as JSON.
pub(crate) fn argument_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_plausible_counts_are_counts() {
        let value = json!({"a": 3, "b": 3.0, "c": -1, "d": 1e300, "e": "3", "f": u64::MAX, "g": null});
        assert_eq!(count(&value, "a"), Some(3));
        assert_eq!(count(&value, "b"), Some(3));
        for key in ["c", "d", "e", "f", "g", "h"] {
            assert_eq!(count(&value, key), None, "{key}");
        }
    }
}
