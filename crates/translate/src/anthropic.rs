//! The target Anthropic Messages: its requests, its answers, its errors.

mod answer;
mod messages;
mod request;
mod schema;
mod version;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub(crate) use answer::Answer;
pub use request::request;

use crate::delta::Failure;

/// An error body in OpenAI's terms. Anthropic's word stays the type: clients branch on it less than on the status.
pub fn error(status: u16, body: &[u8]) -> Failure {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    failure(&value).unwrap_or_else(|| {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let message = if text.is_empty() {
            format!("Anthropic answered with status {status}.")
        } else {
            text.to_owned()
        };
        Failure { message, ..Failure::of_upstream("") }
    })
}

fn failure(value: &Value) -> Option<Failure> {
    let error = value.get("error")?;
    let message = error.get("message")?.as_str()?.to_owned();
    let kind = error.get("type").and_then(Value::as_str).unwrap_or("api_error").to_owned();
    let code = match kind.as_str() {
        "authentication_error" => Some("invalid_api_key"),
        "rate_limit_error" => Some("rate_limit_exceeded"),
        "not_found_error" => Some("not_found"),
        "invalid_request_error" if message.contains("prompt is too long") => Some("context_length_exceeded"),
        _ => None,
    };
    Some(Failure { message, kind, param: None, code: code.map(str::to_owned) })
}
