//! A request for `generateContent`. Leaves out the conversation (`contents`).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{contents, thinking};
use crate::chat::{Choose, Format, Request, Tool};
use crate::outgoing::Outgoing;
use crate::refusal::Refusal;

/// The request as Gemini takes it.
pub fn request(request: &Request) -> Result<Outgoing, Refusal> {
    let mut body = Map::new();
    let contents = contents::contents(request)?;
    if !contents.system.is_empty() {
        body.insert("systemInstruction".to_owned(), json!({"parts": contents.system}));
    }
    body.insert("contents".to_owned(), Value::from(contents.turns));
    if !request.tools.is_empty() {
        let declarations: Vec<Value> = request.tools.iter().map(declaration).collect();
        body.insert("tools".to_owned(), json!([{"functionDeclarations": declarations}]));
    }
    if let Some(config) = calling(request) {
        body.insert("toolConfig".to_owned(), json!({"functionCallingConfig": config}));
    }
    let mut config = generation_config(request)?;
    if let Some(resolution) = contents.resolution {
        config.insert("mediaResolution".to_owned(), Value::from(resolution));
    }
    if !config.is_empty() {
        body.insert("generationConfig".to_owned(), Value::Object(config));
    }
    let (verb, query) = match request.stream {
        true => ("streamGenerateContent", Some("alt=sse")),
        false => ("generateContent", None),
    };
    Ok(Outgoing {
        path: format!("/v1beta/{}:{verb}", resource(&request.model)),
        query,
        headers: Vec::new(),
        body: Value::Object(body),
        answer_tool: None,
        one_call: request.parallel == Some(false),
    })
}

/// The model's name as a resource: tuned models say of which kind they are.
fn resource(model: &str) -> String {
    let kind = if model.starts_with("tunedModels/") { "tunedModels/" } else { "models/" };
    let name = model.strip_prefix(kind).unwrap_or(model);
    format!("{kind}{}", utf8_percent_encode(name, NAME))
}

/// A model's name comes from the body: it must not become another path.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn declaration(tool: &Tool) -> Value {
    let mut function = Map::new();
    function.insert("name".to_owned(), Value::from(tool.name.as_str()));
    if let Some(description) = &tool.description {
        function.insert("description".to_owned(), Value::from(description.as_str()));
    }
    // Not `parameters`, which is a dialect of OpenAPI that many schemas do not fit.
    if let Some(parameters) = &tool.parameters {
        function.insert("parametersJsonSchema".to_owned(), parameters.clone());
    }
    Value::Object(function)
}

/// Which tools may be called. `VALIDATED` is Gemini's `auto` with arguments that fit the schema; `ANY` always is.
fn calling(request: &Request) -> Option<Value> {
    let strict = request.tools.iter().any(|tool| tool.strict == Some(true));
    match &request.choose {
        Choose::Auto if strict => Some(json!({"mode": "VALIDATED"})),
        Choose::Auto => None,
        Choose::Never => Some(json!({"mode": "NONE"})),
        Choose::Some => Some(json!({"mode": "ANY"})),
        Choose::Named(name) => Some(json!({"mode": "ANY", "allowedFunctionNames": [name]})),
    }
}

fn generation_config(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let sampling = &request.sampling;
    let mut config = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    put("maxOutputTokens", request.max_tokens.map(Value::from));
    put("temperature", sampling.temperature.clone().map(Value::Number));
    put("topP", sampling.top_p.clone().map(Value::Number));
    put("topK", sampling.top_k.map(Value::from));
    put("frequencyPenalty", sampling.frequency_penalty.clone().map(Value::Number));
    put("presencePenalty", sampling.presence_penalty.clone().map(Value::Number));
    put("seed", seed(request)?);
    put("stopSequences", Some(&request.stop).filter(|stop| !stop.is_empty()).map(|stop| json!(stop)));
    put("candidateCount", Some(request.choices).filter(|choices| *choices > 1).map(Value::from));
    put("thinkingConfig", thinking::config(request)?);
    match &request.format {
        Format::Text => {}
        Format::Json => put("responseMimeType", Some(Value::from("application/json"))),
        Format::Schema { description, schema, .. } => {
            put("responseMimeType", Some(Value::from("application/json")));
            put("responseJsonSchema", Some(described(schema, description.as_deref())));
        }
    }
    Ok(config)
}

/// OpenAI's seed has 64 bits, Gemini's 32.
fn seed(request: &Request) -> Result<Option<Value>, Refusal> {
    let Some(seed) = &request.sampling.seed else { return Ok(None) };
    match seed.as_i64().map(i32::try_from) {
        Some(Ok(seed)) => Ok(Some(Value::from(seed))),
        _ => Err(Refusal::new("seed", "seed has to be a whole number of 32 bits for Gemini.")),
    }
}

/// The description stands beside the schema with OpenAI, within it with Gemini.
fn described(schema: &Value, description: Option<&str>) -> Value {
    let mut schema = schema.clone();
    if let (Some(members), Some(description)) = (schema.as_object_mut(), description) {
        members.entry("description").or_insert_with(|| Value::from(description));
    }
    schema
}
