//! The OpenAPI document as tests read it: operations with their parameters, and values of them that are good and bad.

use serde_json::{Value, json};
use tests::App;

/// One method at one path.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    /// As the document writes it.
    pub(super) path: String,
    /// Those of the query string.
    pub(super) parameters: Vec<Parameter>,
    /// What the body is taken as, if there is one.
    pub(super) bodies: Vec<String>,
    /// There may be no body as well.
    pub(super) optional_body: bool,
}

/// A parameter of a query string.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    schema: Value,
    example: Option<String>,
}

/// Every operation of our own API: OTLP's are held against OTLP elsewhere, and pages are looked at in a browser.
pub(super) async fn operations(app: &App) -> Vec<Operation> {
    let document = app.get("/api/openapi.json").await.json();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters")
        {
            if operation["tags"] == json!(["otlp"]) || path == "/" {
                continue;
            }
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let bodies = operation["requestBody"]["content"].as_object();
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                parameters: parameters.map(|parameter| Parameter::read(&document, parameter)).collect(),
                bodies: bodies.into_iter().flat_map(|bodies| bodies.keys().cloned()).collect(),
                optional_body: operation["requestBody"]["required"] == json!(false),
            });
        }
    }
    assert!(all.len() > 40, "the document is read");
    all
}

impl Operation {
    /// Whether a part of its path varies.
    pub(super) fn varies(&self) -> bool {
        self.path.contains('{')
    }

    /// Its path with this in the place of what varies.
    pub(super) fn path_with(&self, segment: &str) -> String {
        let Some((before, rest)) = self.path.split_once('{') else { return self.path.clone() };
        format!("{before}{segment}{}", rest.split_once('}').unwrap().1)
    }
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

impl Parameter {
    fn read(document: &Value, parameter: &Value) -> Self {
        let parameter = resolved(document, parameter);
        assert_eq!(parameter["in"], "query", "{parameter}");
        Self {
            name: parameter["name"].as_str().unwrap().to_owned(),
            schema: resolved(document, &parameter["schema"]).clone(),
            example: parameter["example"].as_str().map(str::to_owned),
        }
    }

    fn kind(&self) -> &str {
        self.schema["type"].as_str().unwrap_or_default()
    }

    /// Values that are taken, as they stand in a query string.
    pub(super) fn good(&self) -> Vec<String> {
        let schema = &self.schema;
        let bounds = ["minimum", "maximum", "default"].into_iter().filter_map(|name| schema.get(name));
        let mut good: Vec<String> = bounds.map(plain).collect();
        good.extend(schema["enum"].as_array().into_iter().flatten().chain(schema.get("const")).map(plain));
        good.extend(self.example.clone());
        match self.kind() {
            "boolean" => good.extend(["true".to_owned(), "false".to_owned()]),
            "number" => good.extend(["0.5".to_owned(), "1e3".to_owned()]),
            "string" if self.is_free() => {
                let longest = schema["maxLength"].as_u64().unwrap();
                good.extend(["a+b%20c".to_owned(), "%F0%9F%A4%B7".to_owned(), "%27%3B--".to_owned()]);
                good.push("x".repeat(usize::try_from(longest).unwrap()));
            }
            _ if schema.get("anyOf").is_some() => {
                good.extend(["0", "-1", "2026-01-02T03:04:05.5%2B01:00", "2026-01-02"].map(str::to_owned));
            }
            _ => {}
        }
        // What is empty counts as not given.
        good.push(String::new());
        assert!(good.len() > 1, "{} has no good value", self.name);
        good
    }

    /// Values that are refused, whatever the other parameters say.
    pub(super) fn bad(&self) -> Vec<String> {
        let schema = &self.schema;
        let mut bad = vec!["%zz".to_owned(), "%".to_owned(), "%ff".to_owned(), "a%00b".to_owned()];
        match self.kind() {
            "integer" => {
                let beyond = |name: &str, by: i128| {
                    let bound: i128 = schema[name].to_string().parse().unwrap();
                    (bound + by).to_string()
                };
                bad.extend([beyond("minimum", -1), beyond("maximum", 1)]);
                bad.extend(["x", "1.5", "1e2", "0x1", "-", "99999999999999999999999"].map(str::to_owned));
            }
            "number" => {
                bad.extend(["-1", "x", "NaN", "inf", "1,5", "%241"].map(str::to_owned));
                bad.push(schema["exclusiveMaximum"].to_string());
            }
            "boolean" => bad.extend(["yes", "1", "TRUE"].map(str::to_owned)),
            "string" if self.is_free() => {
                let longest = schema["maxLength"].as_u64().unwrap();
                bad.push("x".repeat(usize::try_from(longest).unwrap() + 1));
            }
            _ if schema.get("anyOf").is_some() => {
                let wrong = ["yesterday", "2026-13-01", "8640000000000001", "-8640000000000001", "1e9"];
                bad.extend(wrong.map(str::to_owned));
            }
            _ => bad.extend(["nonsense", "-", "NULL", "%F0%9F%A4%B7"].map(str::to_owned)),
        }
        bad
    }

    /// Any text.
    fn is_free(&self) -> bool {
        ["enum", "const", "pattern", "format"].into_iter().all(|name| self.schema.get(name).is_none())
    }
}

/// As it stands in a query string.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
