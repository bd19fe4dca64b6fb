//! A request as `POST /v2/chat` takes it. Leaves out the conversation (`messages`).

use serde_json::{Map, Number, Value, json};

use super::messages;
use crate::chat::{Choose, Effort, Format, Request, Tool};
use crate::outgoing::Outgoing;
use crate::refusal::Refusal;

/// The most that Cohere takes as `p`; OpenAI's 1 means to cut nothing off.
const MOST_P: f64 = 0.99;

/// Translates a request.
pub fn request(request: &Request) -> Result<Outgoing, Refusal> {
    if request.choices > 1 {
        return Err(Refusal::new("n", "n has to be 1: Cohere gives one answer to a call."));
    }
    let sampling = &request.sampling;
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("model", Some(Value::from(request.model.as_str())));
    put("messages", Some(Value::from(messages::messages(request)?)));
    put("stream", request.stream.then_some(Value::Bool(true)));
    put("tools", tools(request));
    put("tool_choice", choice(&request.choose).map(Value::from));
    put(
        "strict_tools",
        request.tools.iter().any(|tool| tool.strict == Some(true)).then_some(Value::Bool(true)),
    );
    put("response_format", format(&request.format));
    put("thinking", request.effort.map(thinking));
    put("max_tokens", request.max_tokens.map(Value::from));
    put("stop_sequences", Some(&request.stop).filter(|stop| !stop.is_empty()).map(|stop| json!(stop)));
    put("temperature", sampling.temperature.clone().map(Value::Number));
    put("p", sampling.top_p.clone().map(most_p));
    put("k", sampling.top_k.map(Value::from));
    put("seed", sampling.seed.clone().map(Value::Number));
    put("frequency_penalty", penalty("frequency_penalty", sampling.frequency_penalty.as_ref())?);
    put("presence_penalty", penalty("presence_penalty", sampling.presence_penalty.as_ref())?);
    Ok(Outgoing {
        path: "/v2/chat".to_owned(),
        query: None,
        headers: Vec::new(),
        body: Value::Object(body),
        answer_tool: None,
        one_call: request.parallel == Some(false),
    })
}

/// A tool cannot be named by the choice: the one that shall be called is the only one offered.
fn tools(request: &Request) -> Option<Value> {
    let offered = request.tools.iter().filter(|tool| match &request.choose {
        Choose::Named(name) => tool.name == *name,
        Choose::Auto | Choose::Never | Choose::Some => true,
    });
    let offered: Vec<Value> = offered.map(tool).collect();
    (!offered.is_empty()).then(|| Value::from(offered))
}

fn tool(tool: &Tool) -> Value {
    let mut function = Map::new();
    function.insert("name".to_owned(), Value::from(tool.name.as_str()));
    if let Some(description) = &tool.description {
        function.insert("description".to_owned(), Value::from(description.as_str()));
    }
    // It has to be there, also where there is nothing to give.
    let parameters = tool.parameters.clone().unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    function.insert("parameters".to_owned(), parameters);
    json!({"type": "function", "function": function})
}

fn choice(choose: &Choose) -> Option<&'static str> {
    match choose {
        Choose::Auto => None,
        Choose::Never => Some("NONE"),
        Choose::Some | Choose::Named(_) => Some("REQUIRED"),
    }
}

fn format(format: &Format) -> Option<Value> {
    match format {
        Format::Text => None,
        Format::Json => Some(json!({"type": "json_object"})),
        Format::Schema { schema, .. } => Some(json!({"type": "json_object", "json_schema": schema})),
    }
}

/// Cohere counts tokens; at the most there is no limit but the answer's own.
fn thinking(effort: Effort) -> Value {
    let budget = match effort {
        Effort::None => return json!({"type": "disabled"}),
        Effort::Xhigh | Effort::Max => return json!({"type": "enabled"}),
        Effort::Minimal => 1_024,
        Effort::Low => 2_048,
        Effort::Medium => 8_192,
        Effort::High => 16_384,
    };
    json!({"type": "enabled", "token_budget": budget})
}

fn most_p(top_p: Number) -> Value {
    match top_p.as_f64() {
        Some(p) if p > MOST_P && p <= 1.0 => Value::from(MOST_P),
        _ => Value::Number(top_p),
    }
}

/// OpenAI's penalties go from -2 to 2, Cohere's from 0 to 1; a quiet other value would be another penalty.
fn penalty(field: &str, penalty: Option<&Number>) -> Result<Option<Value>, Refusal> {
    match penalty {
        Some(number) if !number.as_f64().is_some_and(|penalty| (0.0..=1.0).contains(&penalty)) => {
            Err(Refusal::new(field, format!("{field} has to be between 0 and 1 for Cohere.")))
        }
        penalty => Ok(penalty.cloned().map(Value::Number)),
    }
}
