//! `GET /api/openapi.json`: what this port answers to whom, in OpenAPI 3.1. The document is written by hand, in the files
//! of `openapi/`, and put together here. Leaves out holding answers against it: the tests do, every one they get.

use std::sync::LazyLock;

use axum::Json;
use serde_json::{Map, Value};

/// Title, tags, parameters, headers and errors.
const DOCUMENT: &str = include_str!("../openapi/openapi.json");
const PATHS: [&str; 7] = [
    include_str!("../openapi/paths/traces.json"),
    include_str!("../openapi/paths/sessions.json"),
    include_str!("../openapi/paths/telemetry.json"),
    include_str!("../openapi/paths/analytics.json"),
    include_str!("../openapi/paths/money.json"),
    include_str!("../openapi/paths/upkeep.json"),
    include_str!("../openapi/paths/otlp.json"),
];
const SCHEMAS: [&str; 8] = [
    include_str!("../openapi/schemas/common.json"),
    include_str!("../openapi/schemas/calls.json"),
    include_str!("../openapi/schemas/sessions.json"),
    include_str!("../openapi/schemas/telemetry.json"),
    include_str!("../openapi/schemas/analytics.json"),
    include_str!("../openapi/schemas/money.json"),
    include_str!("../openapi/schemas/upkeep.json"),
    include_str!("../openapi/schemas/otlp.json"),
];

static WHOLE: LazyLock<Value> = LazyLock::new(|| {
    let mut document = read(DOCUMENT);
    if let Some(info) = document.get_mut("info").and_then(Value::as_object_mut) {
        info.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    }
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("schemas".to_owned(), together(&SCHEMAS).into());
    }
    document.insert("paths".to_owned(), together(&PATHS).into());
    document.into()
});

/// The document.
pub(crate) async fn document() -> Json<&'static Value> {
    let whole: &'static Value = &WHOLE;
    Json(whole)
}

fn together(parts: &[&str]) -> Map<String, Value> {
    parts.iter().flat_map(|part| read(part)).collect()
}

/// An object of ours; a test holds that each is one.
fn read(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

    /// Everything in the document, with where it stands.
    fn each(at: &str, value: &Value, see: &mut impl FnMut(&str, &Value)) {
        see(at, value);
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| each(&format!("{at}/{name}"), value, see));
            }
            Value::Array(values) => values.iter().for_each(|value| each(at, value, see)),
            _ => {}
        }
    }

    #[test]
    fn the_document_lists_what_the_router_answers() {
        let mut routed = BTreeSet::new();
        for route in crate::routes::all() {
            for method in route.methods {
                assert!(
                    routed.insert((method.to_lowercase(), route.path.to_owned())),
                    "{} twice",
                    route.path
                );
            }
        }
        routed.insert(("get".to_owned(), "/".to_owned()));
        for path in collector::paths().chain(["/".to_owned(), "/api/spans".to_owned()]) {
            assert!(routed.insert(("post".to_owned(), path.clone())), "{path} twice");
        }
        let mut documented = BTreeSet::new();
        for (path, item) in WHOLE["paths"].as_object().unwrap() {
            let methods = item.as_object().unwrap().keys().filter(|name| METHODS.contains(&name.as_str()));
            documented.extend(methods.map(|method| (method.clone(), path.clone())));
        }
        let missing: Vec<_> = routed.difference(&documented).collect();
        let too_many: Vec<_> = documented.difference(&routed).collect();
        assert!(missing.is_empty(), "served and not documented: {missing:?}");
        assert!(too_many.is_empty(), "documented and not served: {too_many:?}");
    }

    /// What stands for a type in JSON, as serde lists it to whoever names another.
    fn kinds<T: serde::de::DeserializeOwned>() -> BTreeSet<String> {
        let error = serde_json::from_str::<T>(r#"{"type":"none of them"}"#).err().unwrap().to_string();
        error
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| *name != "none of them")
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_question_and_answer_of_the_dashboard_is_named() {
        let named = |schema: &str| -> BTreeSet<String> {
            let all =
                WHOLE["components"]["schemas"][schema]["properties"]["type"]["enum"].as_array().unwrap();
            all.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        assert!(named("Question").contains("get_health") && named("Answer").contains("health"));
        assert_eq!(named("Question"), kinds::<api::Request>());
        assert_eq!(named("Answer"), kinds::<api::Reply>());
    }

    #[test]
    fn its_parts_fit_together() {
        let mut names = BTreeSet::new();
        for part in PATHS.iter().chain(&SCHEMAS) {
            let part: Map<String, Value> = serde_json::from_str(part).unwrap();
            part.keys().for_each(|name| assert!(names.insert(name.clone()), "{name} twice"));
        }
        serde_json::from_str::<Map<String, Value>>(DOCUMENT).unwrap();
        let mut used = BTreeSet::new();
        each("", &WHOLE, &mut |at, value| {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return };
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(WHOLE.pointer(pointer).is_some(), "{at} names {reference}, which is not there");
            used.insert(pointer.to_owned());
        });
        for kind in ["schemas", "parameters", "headers", "responses"] {
            for name in WHOLE["components"][kind].as_object().unwrap().keys() {
                let pointer = format!("/components/{kind}/{name}");
                // What a stream's events hold, OpenAPI 3.1 has no place to say.
                assert!(used.contains(&pointer) || name == "Event", "{pointer} is of no use");
            }
        }
    }

    /// What other schemas are made of, and what may have more members than are known.
    const OPEN: [&str; 11] = [
        "Call",
        "Session",
        "Span",
        "Log",
        "Point",
        "Sums",
        "Meter",
        "CallLine",
        "Question",
        "NewSpan",
        "Attributes",
    ];

    #[test]
    fn what_is_not_documented_is_noticed() {
        each("", &WHOLE, &mut |at, value| {
            let Some(properties) = value.get("properties").and_then(Value::as_object) else { return };
            if value.get("type").is_none_or(|kind| *kind != "object") {
                return;
            }
            let is_open =
                at.contains("/allOf") || OPEN.iter().any(|name| at == format!("/components/schemas/{name}"));
            if !is_open && !at.contains("/requestBody") {
                assert_eq!(value.get("additionalProperties"), Some(&Value::Bool(false)), "{at}");
            }
            for name in value.get("required").and_then(Value::as_array).into_iter().flatten() {
                assert!(
                    properties.contains_key(name.as_str().unwrap()),
                    "{at} demands {name}, which it does not know"
                );
            }
        });
    }

    #[test]
    fn every_operation_is_complete() {
        let mut ids = BTreeSet::new();
        for (path, item) in WHOLE["paths"].as_object().unwrap() {
            for method in METHODS {
                let Some(operation) = item.get(method) else { continue };
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id), "{id} twice");
                assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{id}");
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.keys().any(|status| status.starts_with('2')), "{id}");
                let grpc = path.starts_with("/opentelemetry");
                assert!(responses.contains_key("403") || responses.contains_key("4XX") || grpc, "{id}");
                let has_segment = path.contains('{');
                assert_eq!(item.get("parameters").is_some(), has_segment, "{path}");
            }
        }
    }
}
