//! The `response` object: what of a request it repeats, and what of an answer it tells.

use serde_json::{Map, Value, json};

use super::tools::Namespaced;
use crate::delta::{Failure, Usage};

/// What a response repeats of its request, with what stands there when nothing was said.
const REPEATED: &[(&str, &str)] = &[
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("prompt_cache_key", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("temperature", "null"),
    ("text", r#"{"format":{"type":"text"},"verbosity":"medium"}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_p", "null"),
    ("user", "null"),
];

/// What the answer repeats.
#[derive(Clone, Debug, Default)]
pub(crate) struct Echo {
    repeated: Map<String, Value>,
    /// Functions whose namespace is to be told apart from their names.
    pub(super) namespaced: Vec<Namespaced>,
}

impl Echo {
    /// Of a request's body.
    pub(super) fn of(body: &Value) -> Self {
        let repeated = REPEATED.iter().map(|(name, default)| {
            let own = body.get(name).filter(|value| !value.is_null()).cloned();
            let value = own.unwrap_or_else(|| serde_json::from_str(default).unwrap_or_default());
            ((*name).to_owned(), value)
        });
        Self { repeated: repeated.collect(), namespaced: Vec::new() }
    }

    /// A function's namespace and its name in there.
    pub(super) fn apart(&self, name: String) -> (Option<String>, String) {
        match self.namespaced.iter().find(|known| known.flat == name) {
            Some(known) => (Some(known.namespace.clone()), known.name.clone()),
            None => (None, name),
        }
    }
}

/// How a response stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It is being told.
    InProgress,
    /// It is whole.
    Completed,
    /// It ended early, for this reason.
    Incomplete(&'static str),
    /// It failed.
    Failed(Failure),
}

impl Status {
    /// OpenAI's word.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }
}

/// What is the same in every event of one response.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) created: u64,
    pub(super) echo: Echo,
}

/// The object.
pub(super) fn response(head: &Head, status: &Status, output: &[Value], usage: Option<&Usage>) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| _ = object.insert(name.to_owned(), value);
    put("id", Value::from(head.id.as_str()));
    put("object", Value::from("response"));
    put("created_at", Value::from(head.created));
    put("status", Value::from(status.word()));
    put("background", Value::Bool(false));
    put("error", if let Status::Failed(failure) = status { error(failure) } else { Value::Null });
    put(
        "incomplete_details",
        if let Status::Incomplete(reason) = status { json!({"reason": reason}) } else { Value::Null },
    );
    put("model", Value::from(head.model.as_str()));
    put("output", Value::from(output));
    put("previous_response_id", Value::Null);
    put("service_tier", Value::from("default"));
    put("store", Value::Bool(false));
    put("top_logprobs", Value::from(0));
    put("truncation", Value::from("disabled"));
    for (name, value) in &head.echo.repeated {
        put(name, value.clone());
    }
    put("usage", usage.map_or(Value::Null, counted));
    Value::Object(object)
}

/// OpenAI has few codes here; the provider's own word is in the message.
fn error(failure: &Failure) -> Value {
    let code = match failure.kind.as_str() {
        "rate_limit_error" => "rate_limit_exceeded",
        "invalid_request_error" => "invalid_prompt",
        _ => "server_error",
    };
    json!({"code": code, "message": failure.message})
}

fn counted(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cached.unwrap_or(0), "cache_write_tokens": usage.cache_written.unwrap_or(0),
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning.unwrap_or(0)},
        "total_tokens": usage.input.saturating_add(usage.output),
    })
}
