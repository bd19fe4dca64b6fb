//! A schema for an answer as Anthropic takes it: every object says that it has no other members. OpenAI leaves that open
//! where it is not strict; what fits the closed schema fits the open one.

use serde_json::{Map, Value};

/// Members whose value is a schema.
const ONE: &[&str] = &["items", "not", "if", "then", "else"];
/// Members whose value is a list of schemas. `allOf` is none of them: there each would forbid what the others want.
const LISTS: &[&str] = &["anyOf", "oneOf", "prefixItems"];
/// Members whose value is a map to schemas.
const MAPS: &[&str] = &["properties", "$defs", "definitions"];

/// `schema` with all its objects closed.
pub(super) fn closed(schema: &Value) -> Value {
    let mut schema = schema.clone();
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    for (name, value) in schema.iter_mut() {
        match (name.as_str(), value) {
            (name, value) if ONE.contains(&name) => close(value),
            (name, Value::Array(values)) if LISTS.contains(&name) => values.iter_mut().for_each(close),
            (name, Value::Object(values)) if MAPS.contains(&name) => values.values_mut().for_each(close),
            _ => {}
        }
    }
    if is_object(schema) && !schema.contains_key("additionalProperties") && !schema.contains_key("allOf") {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

fn is_object(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => schema.contains_key("properties"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::closed;

    #[test]
    fn objects_are_closed_and_names_are_left_alone() {
        let open = json!({"type": "object", "properties": {
            "properties": {"type": "string"},
            "items": {"type": "array", "items": {"properties": {"a": {"type": ["object", "null"]}}}},
            "either": {"anyOf": [{"type": "object"}, {"type": "object", "additionalProperties": true}]},
            "one": {"enum": [{"type": "object"}]},
        }});
        let shut = json!({"type": "object", "additionalProperties": false, "properties": {
            "properties": {"type": "string"},
            "items": {"type": "array", "items": {"additionalProperties": false, "properties": {
                "a": {"type": ["object", "null"], "additionalProperties": false}}}},
            "either": {"anyOf": [{"type": "object", "additionalProperties": false},
                {"type": "object", "additionalProperties": true}]},
            "one": {"enum": [{"type": "object"}]},
        }});
        assert_eq!(closed(&open), shut);
    }
}
