//! Holds every answer of a dashboard's port against the OpenAPI document that it serves itself: whether the status is
//! documented, the content type, the headers that are promised, and each member of the body. The first answer that is not as
//! documented fails the test that got it, and says where. Leaves out asking anything (`client`).

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::client::{Ended, Response, exchange};

/// The ports of dashboards that run.
static DASHBOARDS: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
/// All dashboards of a test are of one binary.
static CONTRACT: OnceCell<Contract> = OnceCell::const_new();

/// From now on answers from there are held against the document.
pub(crate) fn watch(dashboard: SocketAddr) {
    DASHBOARDS.lock().unwrap().insert(dashboard.port());
}

/// From now on somebody else may have that port.
pub(crate) fn forget(dashboard: SocketAddr) {
    DASHBOARDS.lock().unwrap().remove(&dashboard.port());
}

/// Fails unless the answer is as documented.
pub(crate) async fn hold(address: SocketAddr, request: &[u8], response: &Response) {
    // What HTTP itself refuses never gets as far as the guard, which puts this header on every answer.
    let from_routes = response.head.header("content-security-policy").is_some();
    if !from_routes || !DASHBOARDS.lock().unwrap().contains(&address.port()) {
        return;
    }
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).into_owned();
    let mut words = line.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return };
    // One that has just ended cannot be asked; what it said last is held against nothing.
    let Ok(contract) = CONTRACT.get_or_try_init(|| Contract::fetch(address)).await else { return };
    let wrong = contract.judge(method, target, response);
    assert!(wrong.is_empty(), "{method} {target} is not answered as documented:\n{}", wrong.join("\n"));
}

/// Where a value is not what the document says of the schema of this name.
pub async fn violations(dashboard: SocketAddr, schema: &str, value: &Value) -> Vec<String> {
    let contract = CONTRACT.get_or_try_init(|| Contract::fetch(dashboard)).await.unwrap();
    contract.judge_value(&format!("/components/schemas/{schema}"), value)
}

#[derive(Debug)]
struct Contract {
    document: Value,
    /// By where their schema stands.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    async fn fetch(address: SocketAddr) -> std::io::Result<Self> {
        let request = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let response = exchange(address, request).await?;
        // Where a token is asked for, it is not told to everybody.
        if response.ended != Ended::Whole || response.status() != 200 {
            return Err(std::io::Error::other("no document came"));
        }
        Ok(Self { document: response.json(), validators: Mutex::default() })
    }

    /// What is not as documented, a line each.
    fn judge(&self, method: &str, target: &str, response: &Response) -> Vec<String> {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let path = if path.starts_with("/api/") { path.trim_end_matches('/') } else { path };
        let Some(template) = self.template(path) else { return self.unknown(method, path, response) };
        let item = format!("/paths/{}", escaped(&template));
        let knows = |method: &str| self.at(&format!("{item}/{method}")).is_some();
        let status = response.status();
        match method {
            _ if knows(&method.to_lowercase()) => {
                self.judge_operation(&format!("{item}/{}", method.to_lowercase()), response)
            }
            "HEAD" if knows("get") => match response.body.is_empty() {
                true => self.documented(&format!("{item}/get"), status).err().into_iter().collect(),
                false => vec!["HEAD has a body".to_owned()],
            },
            _ if matches!(status, 401 | 403) => self.judge_error(response),
            "OPTIONS" if status == 204 => allows(response),
            _ if status == 405 => [allows(response), has_json(response)].concat(),
            _ => vec![format!("the status is {status}, where this method is not documented")],
        }
    }

    fn unknown(&self, method: &str, path: &str, response: &Response) -> Vec<String> {
        if method != "GET" || !path.starts_with("/api/") {
            return Vec::new();
        }
        match response.status() {
            401 | 403 | 404 => self.judge_error(response),
            status => vec![format!("the status is {status}, where nothing is documented")],
        }
    }

    fn judge_operation(&self, operation: &str, response: &Response) -> Vec<String> {
        let told = match self.documented(operation, response.status()) {
            Ok(told) => self.resolved(&told),
            Err(wrong) => return vec![wrong],
        };
        let mut wrong = self.judge_headers(&told, response);
        let content_type = response.head.header("content-type").unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let documented = self.at(&format!("{told}/content")).and_then(Value::as_object);
        let Some(documented) = documented else {
            wrong.extend((!response.body.is_empty()).then(|| "a body where none is documented".to_owned()));
            return wrong;
        };
        if !documented.contains_key(essence) {
            wrong.push(format!("the content type is {content_type:?}: {}", response.text()));
            return wrong;
        }
        let schema = format!("{told}/content/{}/schema", escaped(essence));
        if response.ended == Ended::Whole {
            match essence {
                "application/json" => wrong.extend(self.judge_json(&schema, &response.body)),
                "application/x-ndjson" => {
                    let lines = response.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                    wrong.extend(lines.flat_map(|line| self.judge_json(&schema, line)));
                }
                _ => {}
            }
        }
        wrong
    }

    fn judge_headers(&self, told: &str, response: &Response) -> Vec<String> {
        let headers = self.at(&format!("{told}/headers")).and_then(Value::as_object);
        let mut wrong = Vec::new();
        for name in headers.into_iter().flat_map(|headers| headers.keys()) {
            let header = self.resolved(&format!("{told}/headers/{name}"));
            let required = self.at(&format!("{header}/required")) == Some(&Value::Bool(true));
            match response.head.header(name) {
                None if required => wrong.push(format!("the header {name} is missing")),
                None => {}
                Some(value) => {
                    let schema = format!("{header}/schema");
                    let is_number = self.at(&format!("{schema}/type")) == Some(&json!("integer"));
                    let value = match value.parse::<u64>() {
                        Ok(number) if is_number => json!(number),
                        _ => json!(value),
                    };
                    wrong.extend(self.judge_value(&schema, &value));
                }
            }
        }
        wrong
    }

    fn judge_error(&self, response: &Response) -> Vec<String> {
        self.judge_json("/components/schemas/Error", &response.body)
    }

    fn judge_json(&self, schema: &str, body: &[u8]) -> Vec<String> {
        match serde_json::from_slice(body) {
            Ok(value) => self.judge_value(schema, &value),
            Err(error) => vec![format!("{error} in {:?}", String::from_utf8_lossy(body))],
        }
    }

    fn judge_value(&self, schema: &str, value: &Value) -> Vec<String> {
        let mut validators = self.validators.lock().unwrap();
        let validator =
            validators.entry(schema.to_owned()).or_insert_with(|| Arc::new(self.validator(schema)));
        let validator = validator.clone();
        drop(validators);
        let wrong = validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path()));
        wrong.collect()
    }

    fn validator(&self, schema: &str) -> Validator {
        // A schema names others by their place in the whole document.
        let mut root = self.document.clone();
        let place = schema.replace('{', "%7B").replace('}', "%7D");
        root.as_object_mut().unwrap().insert("$ref".to_owned(), json!(format!("#{place}")));
        jsonschema::draft202012::new(&root).unwrap_or_else(|error| panic!("{schema}: {error}"))
    }

    /// Where the document tells of this status.
    fn documented(&self, operation: &str, status: u16) -> Result<String, String> {
        let exact = format!("{operation}/responses/{status}");
        let class = format!("{operation}/responses/{}XX", status / 100);
        let found = [exact, class].into_iter().find(|place| self.at(place).is_some());
        found.ok_or_else(|| format!("the status {status} is not documented"))
    }

    /// The path as the document writes it: one that is written out before one with a segment that varies.
    fn template(&self, path: &str) -> Option<String> {
        let segments: Vec<&str> = path.split('/').collect();
        let varies = |segment: &str| segment.starts_with('{');
        let fits = |template: &str| {
            let parts: Vec<&str> = template.split('/').collect();
            parts.len() == segments.len()
                && parts.iter().zip(&segments).all(|(part, segment)| part == segment || varies(part))
        };
        let all = self.document["paths"].as_object().unwrap().keys().filter(|template| fits(template));
        all.min_by_key(|template| template.split('/').filter(|part| varies(part)).count()).cloned()
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.document.pointer(pointer)
    }

    /// Where that which stands there is written.
    fn resolved(&self, pointer: &str) -> String {
        let reference = self.at(pointer).and_then(|value| value.get("$ref")).and_then(Value::as_str);
        reference.map_or_else(|| pointer.to_owned(), |reference| reference.trim_start_matches('#').to_owned())
    }
}

/// As a part of a JSON pointer.
fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

fn allows(response: &Response) -> Vec<String> {
    // A browser that asks for a page is told in its own words.
    let said = |name: &str| response.head.header(name).is_some_and(|allow| !allow.is_empty());
    let missing = !said("allow") && !said("access-control-allow-methods");
    missing.then(|| "Allow does not say which methods there are".to_owned()).into_iter().collect()
}

fn has_json(response: &Response) -> Vec<String> {
    let is_object = serde_json::from_slice::<Value>(&response.body).is_ok_and(|body| body.is_object());
    (!is_object).then(|| format!("no error in JSON: {:?}", response.text())).into_iter().collect()
}
