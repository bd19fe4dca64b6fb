//! The tools a request offers, in every provider's shape. Leaves out calls and results (`content`).

use api::ToolDefinition;
use serde_json::Value;

use super::json::{list, object, owned, text};

/// Every tool of `request`, in order.
pub(crate) fn definitions(request: &Value) -> Vec<ToolDefinition> {
    declared(request).map(named).collect()
}

/// The name of every tool, in order.
pub(super) fn names(request: &Value) -> Vec<String> {
    declared(request).map(name).collect()
}

fn declared(request: &Value) -> impl Iterator<Item = &Value> {
    let tools = list(request, "tools").iter();
    let bedrocks = object(request, "toolConfig").map(|config| list(config, "tools")).unwrap_or_default();
    // Where the cache ends is no tool.
    let bedrocks = bedrocks.iter().filter(|tool| tool.get("cachePoint").is_none());
    let tools = tools.chain(bedrocks).flat_map(declarations);
    // The legacy form, without the wrapper that says `function`.
    tools.chain(list(request, "functions"))
}

/// Gemini puts many declarations into one tool.
fn declarations(tool: &Value) -> &[Value] {
    let declared = tool.get("functionDeclarations").or_else(|| tool.get("function_declarations"));
    if let Some(declarations) = declared.and_then(Value::as_array) {
        return declarations;
    }
    let wrappers = ["function", "custom", "toolSpec", "systemTool"];
    let inner = wrappers.iter().find_map(|wrapper| object(tool, wrapper));
    std::slice::from_ref(inner.unwrap_or(tool))
}

/// A tool that the provider runs is known by its type, Gemini's by the one key it has.
fn name(tool: &Value) -> String {
    let first_key = || tool.as_object().and_then(|members| members.keys().next()).cloned();
    owned(tool, "name").or_else(|| owned(tool, "type")).or_else(first_key).unwrap_or_default()
}

fn named(tool: &Value) -> ToolDefinition {
    let schemas = ["parameters", "input_schema", "parametersJsonSchema", "parameters_json_schema", "format"];
    ToolDefinition {
        name: name(tool),
        description: text(tool, "description").map(str::to_owned),
        schema: schemas
            .iter()
            .find_map(|key| tool.get(key))
            .or_else(|| tool.get("inputSchema").and_then(|schema| schema.get("json")))
            .filter(|schema| !schema.is_null())
            .map(Value::to_string),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_shape_of_a_tool_is_read() {
        let request = json!({"tools": [
            {"type": "function", "function": {"name": "a", "description": "A", "parameters": {"z": 1, "b": 2}}},
            {"type": "function", "name": "b", "parameters": {}},
            {"name": "c", "description": "C", "input_schema": {}},
            {"functionDeclarations": [{"name": "d", "parametersJsonSchema": {}}, {"name": "e"}]},
            {"type": "web_search_20250305", "name": "web_search"},
            {"type": "web_search"},
            {"googleSearch": {}},
            7,
        ], "toolConfig": {"tools": [
            {"toolSpec": {"name": "f", "description": "F", "inputSchema": {"json": {"y": 1, "a": 2}}}},
            {"cachePoint": {"type": "default"}},
        ]}});
        let found = definitions(&request);
        let names: Vec<&str> = found.iter().map(|tool| tool.name.as_str()).collect();
        let expected = ["a", "b", "c", "d", "e", "web_search", "web_search", "googleSearch", "", "f"];
        assert_eq!(names, expected);
        assert_eq!(found[9].schema.as_deref(), Some(r#"{"y":1,"a":2}"#));
        assert_eq!(found[0].schema.as_deref(), Some(r#"{"z":1,"b":2}"#), "the schema keeps its order");
        assert_eq!(found[5].schema, None);
    }
}
