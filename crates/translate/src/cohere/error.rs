//! Cohere's errors: a message, and all else is in the status.

use serde_json::Value;

use crate::delta::Failure;
use crate::json::text;

/// The error of an answer with an error's status.
pub fn error(status: u16, body: &[u8]) -> Failure {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let failure = within(&value).unwrap_or_else(|| Failure::of_status(status, body));
    let (kind, code) = match status {
        401 | 498 => ("authentication_error", Some("invalid_api_key")),
        402 => ("billing_error", Some("insufficient_quota")),
        403 => ("permission_error", None),
        404 => ("not_found_error", Some("not_found")),
        429 => ("rate_limit_error", Some("rate_limit_exceeded")),
        400..500 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    Failure { kind: kind.to_owned(), code: code.map(str::to_owned), ..failure }
}

/// The error in a body or an event.
pub(super) fn within(value: &Value) -> Option<Failure> {
    Some(Failure { kind: "server_error".to_owned(), ..Failure::of_upstream(text(value, "message")?) })
}
