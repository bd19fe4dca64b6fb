//! Google's errors.

use serde_json::Value;

use crate::delta::Failure;
use crate::json::{list, text};

/// The error of an answer with an error's status.
pub fn error(status: u16, body: &[u8]) -> Failure {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    found(&value, Some(status)).unwrap_or_else(|| Failure::of_status(status, body))
}

/// The error in a body or an event. Where a stream was asked for it may stand in a list.
pub(super) fn within(value: &Value) -> Option<Failure> {
    found(value, None)
}

/// `answered` is the status of the answer around it, which counts where the error itself names none: gateways say an
/// error in fewer words than Google, or in text alone.
fn found(value: &Value, answered: Option<u16>) -> Option<Failure> {
    let error = value.get("error").or_else(|| value.get(0)?.get("error")).filter(|error| !error.is_null())?;
    let said = error.as_str().or_else(|| text(error, "message")).filter(|said| !said.trim().is_empty());
    let message = said.unwrap_or("Gemini failed without a word.").to_owned();
    let status = text(error, "status");
    let code = error.get("code").and_then(Value::as_u64).or(answered.map(u64::from));
    Some(Failure {
        message,
        kind: kind(status, code).to_owned(),
        param: field(error),
        code: reason(error).or(status).map(str::to_owned),
    })
}

/// OpenAI's word for a kind of error.
fn kind(status: Option<&str>, code: Option<u64>) -> &'static str {
    match (status.unwrap_or_default(), code) {
        ("RESOURCE_EXHAUSTED", _) | (_, Some(429)) => "rate_limit_error",
        ("UNAUTHENTICATED", _) | (_, Some(401)) => "authentication_error",
        ("PERMISSION_DENIED", _) | (_, Some(403)) => "permission_error",
        ("NOT_FOUND", _) | (_, Some(404)) => "not_found_error",
        ("INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE", _) | (_, Some(400..500)) => {
            "invalid_request_error"
        }
        _ => "server_error",
    }
}

/// When to ask again, in seconds: other providers have a header for that.
pub(crate) fn retry_after(body: &[u8]) -> Option<u64> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let error = value.get("error").or_else(|| value.get(0)?.get("error"))?;
    let delay = text(details(error, "RetryInfo")?, "retryDelay")?;
    let (whole, rest) = delay.strip_suffix('s')?.split_once('.').unwrap_or((delay.strip_suffix('s')?, ""));
    let more = u64::from(rest.bytes().any(|digit| digit != b'0'));
    whole.parse::<u64>().ok()?.checked_add(more)
}

fn details<'a>(error: &'a Value, kind: &str) -> Option<&'a Value> {
    let suffix = format!("google.rpc.{kind}");
    list(error, "details")
        .iter()
        .find(|detail| text(detail, "@type").is_some_and(|own| own.ends_with(&suffix)))
}

/// `API_KEY_INVALID` says more than `INVALID_ARGUMENT`.
fn reason(error: &Value) -> Option<&str> {
    text(details(error, "ErrorInfo")?, "reason")
}

fn field(error: &Value) -> Option<String> {
    let violation = list(details(error, "BadRequest")?, "fieldViolations").first()?;
    text(violation, "field").map(str::to_owned)
}
