//! One line for an error, from any provider's shape. Owns the shapes of error bodies and events.
//! Leaves out statuses and what a caller should do.

use serde_json::Value;

use super::json::{list, object, text};
use super::title::fold;

const MAX_CHARS: usize = 500;

/// The error that `value` tells of, if any. `failed` says that the status already promises one, so that shapes
/// which are no error elsewhere (`{"message": …}`) count too.
pub(crate) fn line(value: &Value, failed: bool) -> Option<String> {
    let value = value.as_array().and_then(|values| values.first()).unwrap_or(value);
    let is_error = |key: &str| matches!(text(value, key), Some("error" | "exception"));
    let bare = failed || is_error("object") || is_error("type") && object(value, "error").is_none();
    value
        .get("error")
        .and_then(|error| named(error, text(value, "error_description").or_else(|| text(value, "message"))))
        .or_else(|| object(value, "x_groq").and_then(|groq| text(groq, "error")).map(folded))
        .or_else(|| bare.then(|| bare_line(value)).flatten())
}

/// What stands under `error`: an object, or the message itself.
pub(super) fn named(error: &Value, description: Option<&str>) -> Option<String> {
    match error {
        Value::String(message) if message.is_empty() => None,
        Value::String(message) => {
            Some(join(description.map(|_| message.clone()), description.unwrap_or(message)))
        }
        Value::Object(_) => bare_line(error).or_else(|| Some(folded(&error.to_string()))),
        _ => None,
    }
}

/// An error that its protocol names.
pub(super) fn told(kind: &str, message: Option<&str>) -> String {
    message.map_or_else(|| folded(kind), |message| join(Some(kind.to_owned()), message))
}

fn bare_line(value: &Value) -> Option<String> {
    let message = text(value, "message").or_else(|| text(value, "msg")).or_else(|| text(value, "detail"));
    match (kind(value), message) {
        (kind, Some(message)) => Some(join(kind, message)),
        (kind, None) => details(value).or_else(|| kind.as_deref().map(folded)),
    }
}

/// The most telling of code, status and type; a bare number only if there is nothing else.
fn kind(value: &Value) -> Option<String> {
    let code = text(value, "code").filter(|code| !code.bytes().all(|byte| byte.is_ascii_digit()));
    let word = code.or_else(|| text(value, "status"));
    let word = word.or_else(|| text(value, "type").filter(|kind| *kind != "error"));
    word.map(str::to_owned).or_else(|| match value.get("code") {
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::String(code)) if !code.is_empty() => Some(code.clone()),
        _ => None,
    })
}

/// The cause in a line that this module wrote: the provider's word before the colon, else the line's beginning.
pub fn error_kind(line: &str) -> &str {
    const LONGEST: usize = 80;
    match line.split_once(": ") {
        Some((word, _)) if (1..=64).contains(&word.len()) && !word.contains(' ') => word,
        _ => line.char_indices().nth(LONGEST).map_or(line, |(end, _)| line.get(..end).unwrap_or(line)),
    }
}

/// Validation errors in a list, as FastAPI servers send them.
fn details(value: &Value) -> Option<String> {
    let first = list(value, "detail").first().or_else(|| list(value, "errors").first())?;
    let message = text(first, "msg").or_else(|| text(first, "message")).or_else(|| first.as_str())?;
    let place: Vec<String> = list(first, "loc")
        .iter()
        .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
        .collect();
    let place = if place.is_empty() { String::new() } else { format!(" ({})", place.join(".")) };
    Some(join(kind(first), &format!("{message}{place}")))
}

/// The line for an error body that is not JSON: a page's title, else its text.
pub(super) fn line_of_text(body: &[u8]) -> Option<String> {
    let beginning = String::from_utf8_lossy(body.get(..8192).unwrap_or(body));
    let title = beginning
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map(|(title, _)| title);
    let text = folded(title.unwrap_or(&beginning));
    (!text.is_empty()).then_some(text)
}

fn join(kind: Option<String>, message: &str) -> String {
    match kind {
        Some(kind) => folded(&format!("{kind}: {message}")),
        None => folded(message),
    }
}

fn folded(text: &str) -> String {
    fold(text, MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_providers_error_body_is_one_line() {
        for (body, expected) in [
            (
                json!({"error": {"message": "Slow  down", "type": "requests", "code": "rate_limited"}}),
                "rate_limited: Slow down",
            ),
            (
                json!({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}),
                "overloaded_error: Busy",
            ),
            (
                json!({"error": {"code": 429, "message": "Gone", "status": "RESOURCE_EXHAUSTED"}}),
                "RESOURCE_EXHAUSTED: Gone",
            ),
            (
                json!([{"error": {"code": 400, "message": "Bad", "status": "INVALID_ARGUMENT"}}]),
                "INVALID_ARGUMENT: Bad",
            ),
            (json!({"error": {"code": 502, "message": "Upstream"}}), "502: Upstream"),
            (json!({"error": "no such model"}), "no such model"),
            (json!({"error": "invalid_grant", "error_description": "expired"}), "invalid_grant: expired"),
            (json!({"message": "bad token"}), "bad token"),
            (json!({"object": "error", "message": "No", "type": "invalid", "code": "1500"}), "invalid: No"),
            (
                json!({"detail": [{"type": "missing", "loc": ["body", 0, "x"], "msg": "Required"}]}),
                "missing: Required (body.0.x)",
            ),
            (json!({"detail": "Not Found"}), "Not Found"),
            (json!({"error": {"odd": 1}}), r#"{"odd":1}"#),
            (json!({"type": "two\nlines"}), "two lines"),
        ] {
            assert_eq!(line(&body, true).as_deref(), Some(expected), "{body}");
        }
    }

    #[test]
    fn what_is_no_error_is_none() {
        for body in
            [json!({"error": null, "message": "hi"}), json!({"message": {"role": "x"}}), json!([]), json!(1)]
        {
            assert_eq!(line(&body, false), None, "{body}");
        }
    }

    #[test]
    fn the_cause_is_the_providers_word() {
        assert_eq!(error_kind("overloaded_error: Busy: try later"), "overloaded_error");
        assert_eq!(error_kind("upstream closed: early"), "upstream closed: early", "no single word");
        assert_eq!(error_kind(&"ü".repeat(200)).chars().count(), 80);
    }

    #[test]
    fn a_page_is_its_title() {
        let page = b"<html><head><title>503\n Unavailable</title></head>";
        assert_eq!(line_of_text(page).as_deref(), Some("503 Unavailable"));
        assert_eq!(line_of_text(b" plain\ntext \xff").as_deref(), Some("plain text \u{fffd}"));
    }
}
