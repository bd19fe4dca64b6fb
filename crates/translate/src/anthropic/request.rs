//! A request as `POST /v1/messages` takes it.

use serde_json::{Map, Value, json};

use super::messages::{conversation, map_of, put, short};
use super::schema::closed;
use super::version::{Abilities, Thinking, abilities};
use crate::chat::{Choose, Effort, Format, Message, Request, Thought, Tool};
use crate::gemini;
use crate::outgoing::Outgoing;
use crate::refusal::Refusal;

/// The version of the API that this is written for.
const VERSION: &str = "2023-06-01";
/// The least that a thinking model may be given to think.
const LEAST_BUDGET: u64 = 1_024;
/// The tool that holds an answer in JSON where nothing else can hold the model to it.
const ANSWER_TOOL: &str = "json_answer";

/// Translates a request.
pub fn request(request: &Request) -> Result<Outgoing, Refusal> {
    refuse_untold(request)?;
    let able = abilities(&request.model);
    let (mut system, messages) = conversation(&request.messages)?;
    let max_tokens = request.max_tokens.unwrap_or(able.max_tokens);
    let thinking = thinking(request, able, max_tokens)?;
    let form = form(request, able, thinking.is_some())?;
    if let Form::Words(words) = &form {
        system.push(json!({"type": "text", "text": words}));
    }
    let (tools, choice) = match &form {
        Form::Tool(tool) => {
            let choice = json!({"type": "tool", "name": ANSWER_TOOL, "disable_parallel_tool_use": true});
            (Some(json!([tool])), Some(choice))
        }
        Form::Free | Form::Config(_) | Form::Words(_) => (tools(&request.tools), choice(request)),
    };
    let sampling = &request.sampling;
    let body = map_of([
        ("model", Some(Value::from(request.model.as_str()))),
        ("max_tokens", Some(Value::from(max_tokens))),
        (
            "system",
            Some(short(system)).filter(|system| system.as_array().is_none_or(|list| !list.is_empty())),
        ),
        ("messages", Some(Value::from(messages))),
        ("tools", tools),
        ("tool_choice", choice),
        ("temperature", sampling.temperature.clone().map(Value::Number)),
        ("top_p", sampling.top_p.clone().map(Value::Number)),
        ("top_k", sampling.top_k.map(Value::from)),
        ("stop_sequences", (!request.stop.is_empty()).then(|| Value::from(request.stop.clone()))),
        ("thinking", thinking),
        ("output_config", output_config(request, able, &form)),
        ("metadata", request.user.as_ref().map(|user| json!({"user_id": user}))),
        ("stream", request.stream.then_some(Value::Bool(true))),
    ]);
    Ok(Outgoing {
        path: "/v1/messages".to_owned(),
        query: None,
        headers: vec![("anthropic-version", VERSION.to_owned())],
        body: Value::Object(body),
        answer_tool: matches!(form, Form::Tool(_)).then(|| ANSWER_TOOL.to_owned()),
        one_call: false,
    })
}

/// What has no counterpart at Anthropic.
fn refuse_untold(request: &Request) -> Result<(), Refusal> {
    let sampling = &request.sampling;
    let no = |field: &str, why: &str| Err(Refusal::new(field, format!("{field} {why}")));
    if request.choices > 1 {
        return no("n", "has to be 1: Anthropic gives one answer to a call.");
    }
    if sampling.seed.is_some() {
        return no("seed", "has no counterpart at Anthropic. Leave it out.");
    }
    if sampling.frequency_penalty.is_some() {
        return no("frequency_penalty", "has no counterpart at Anthropic. Leave it out.");
    }
    if sampling.presence_penalty.is_some() {
        return no("presence_penalty", "has no counterpart at Anthropic. Leave it out.");
    }
    if sampling.temperature.as_ref().and_then(serde_json::Number::as_f64).is_some_and(|warm| warm > 1.0) {
        return no("temperature", "is above 1, which is the most at Anthropic.");
    }
    Ok(())
}

/// How the model is held to the answer's form.
enum Form {
    /// It is not.
    Free,
    /// By `output_config.format`.
    Config(Value),
    /// By a tool that it has to call, and nothing else.
    Tool(Value),
    /// By words only.
    Words(&'static str),
}

const ONLY_JSON: &str =
    "Answer with one JSON object and nothing else: no words before or after it, no code fence.";

fn form(request: &Request, able: Abilities, thinks: bool) -> Result<Form, Refusal> {
    let can_force = able.forces_tools && !thinks && request.tools.is_empty();
    let tool = |description: &str, schema: &Value| {
        Form::Tool(json!({"name": ANSWER_TOOL, "description": description, "input_schema": schema}))
    };
    Ok(match &request.format {
        Format::Text => Form::Free,
        Format::Json if can_force => {
            tool("Takes the whole answer: the JSON object that was asked for.", &json!({"type": "object"}))
        }
        Format::Json => Form::Words(ONLY_JSON),
        Format::Schema { schema, .. } if able.formats => {
            Form::Config(json!({"type": "json_schema", "schema": closed(schema)}))
        }
        Format::Schema { description, schema, .. } if can_force => {
            tool(description.as_deref().unwrap_or("Takes the whole answer."), schema)
        }
        Format::Schema { .. } => {
            return Err(Refusal::new(
                "response_format",
                format!(
                    "response_format cannot hold {} to a schema beside tools or reasoning.",
                    request.model
                ),
            ));
        }
    })
}

/// The way to think, by the effort asked for.
fn thinking(request: &Request, able: Abilities, max_tokens: u64) -> Result<Option<Value>, Refusal> {
    let Some(effort) = request.effort else {
        // Who wants to be told thoughts wants the model to have some.
        let adaptive = matches!(able.thinking, Thinking::Adaptive { .. });
        return Ok((request.tell_thoughts && adaptive).then(shown));
    };
    match able.thinking {
        Thinking::Adaptive { .. } if effort == Effort::None => Ok(Some(json!({"type": "disabled"}))),
        Thinking::Adaptive { .. } => Ok(Some(shown())),
        _ if effort == Effort::None => Ok(None),
        Thinking::Never => Err(Refusal::new(
            "reasoning_effort",
            format!("reasoning_effort cannot be asked of {}, which does not reason.", request.model),
        )),
        Thinking::Budget if !can_resume(&request.messages) => Err(Refusal::new(
            "reasoning_effort",
            format!(
                "reasoning_effort cannot be asked of {} in the middle of its calling tools, unless the assistant's \
                 message has the reasoning_details it came with. Send them back, or leave reasoning_effort out.",
                request.model
            ),
        )),
        Thinking::Budget if max_tokens <= LEAST_BUDGET => Err(Refusal::new(
            request.max_tokens_field,
            format!(
                "{} has to be more than {LEAST_BUDGET} when the model shall reason.",
                request.max_tokens_field
            ),
        )),
        Thinking::Budget => {
            let budget = budget(effort).min(max_tokens - 1).max(LEAST_BUDGET);
            Ok(Some(json!({"type": "enabled", "budget_tokens": budget})))
        }
    }
}

/// Newer models would think without showing it.
fn shown() -> Value {
    json!({"type": "adaptive", "display": "summarized"})
}

/// Tokens to think with.
fn budget(effort: Effort) -> u64 {
    match effort {
        Effort::None | Effort::Minimal => LEAST_BUDGET,
        Effort::Low => 2_048,
        Effort::Medium => 8_192,
        Effort::High => 16_384,
        Effort::Xhigh | Effort::Max => 32_000,
    }
}

/// While tools are being called, a model that thinks on a budget wants its last answer to begin with its thoughts.
fn can_resume(messages: &[Message]) -> bool {
    let proven = |thought: &Thought| match thought {
        Thought::Text { signature, .. } => signature.as_deref().is_some_and(|own| !gemini::signed(own)),
        Thought::Sealed(_) => true,
    };
    let mut results = false;
    for message in messages.iter().rev() {
        match message {
            Message::Tool { .. } => results = true,
            Message::Assistant { thoughts, .. } if results => return thoughts.iter().any(proven),
            Message::System { .. } => {}
            Message::User { .. } | Message::Assistant { .. } => return true,
        }
    }
    true
}

fn output_config(request: &Request, able: Abilities, form: &Form) -> Option<Value> {
    let effort = request.effort.and_then(|effort| match (able.thinking, effort) {
        (Thinking::Never | Thinking::Budget, _) | (_, Effort::None) => None,
        (_, Effort::Minimal | Effort::Low) => Some("low"),
        (_, Effort::Medium) => Some("medium"),
        (_, Effort::High) => Some("high"),
        (Thinking::Adaptive { xhigh: true }, Effort::Xhigh) => Some("xhigh"),
        (Thinking::Adaptive { .. }, Effort::Xhigh | Effort::Max) => Some("max"),
    });
    let format = match form {
        Form::Config(format) => Some(format.clone()),
        Form::Free | Form::Tool(_) | Form::Words(_) => None,
    };
    let config = map_of([("effort", effort.map(Value::from)), ("format", format)]);
    (!config.is_empty()).then_some(Value::Object(config))
}

fn tools(tools: &[Tool]) -> Option<Value> {
    let tools: Vec<Value> = tools
        .iter()
        .map(|tool| {
            let mut told = json!({"name": tool.name});
            put(&mut told, "description", tool.description.as_deref().map(Value::from));
            put(&mut told, "input_schema", Some(schema(tool.parameters.as_ref())));
            put(&mut told, "strict", tool.strict.filter(|strict| *strict).map(Value::Bool));
            put(&mut told, "cache_control", tool.cache.clone());
            told
        })
        .collect();
    (!tools.is_empty()).then(|| Value::from(tools))
}

/// OpenAI takes a tool without a schema, or with an empty one; Anthropic wants an object's.
fn schema(parameters: Option<&Value>) -> Value {
    let mut schema: Map<String, Value> = parameters.and_then(Value::as_object).cloned().unwrap_or_default();
    if !schema.contains_key("type") {
        schema.insert("type".to_owned(), Value::from("object"));
    }
    Value::Object(schema)
}

fn choice(request: &Request) -> Option<Value> {
    if request.tools.is_empty() {
        return None;
    }
    let single = (request.parallel == Some(false)).then_some(Value::Bool(true));
    let mut choice = match &request.choose {
        Choose::Auto if single.is_none() => return None,
        Choose::Auto => json!({"type": "auto"}),
        Choose::Never => return Some(json!({"type": "none"})),
        Choose::Some => json!({"type": "any"}),
        Choose::Named(name) => json!({"type": "tool", "name": name}),
    };
    put(&mut choice, "disable_parallel_tool_use", single);
    Some(choice)
}
