//! Who made a call: the tool from its user agent or its prompt, the session from what it sends. Leaves out credentials and trace
//! headers (`proxy`).

use serde_json::Value;

use crate::scanner::{member, string_member};

mod agents;

pub use agents::{client, is_tool, tool_in_prompt};

/// Headers that name a session, before and after the ones in the body that are more exact.
const HEADERS_FIRST: [&str; 2] = ["x-llmflow-session", "x-claude-code-session-id"];
const HEADERS_THEN: [&str; 5] =
    ["session-id", "session_id", "x-session-id", "x-opencode-session", "x-session-affinity"];

/// The client's session. What changes with every request (`x-client-request-id`, `previous_response_id`) or never
/// changes for a person (`user`) is none.
pub fn session(header: &dyn Fn(&str) -> Option<String>, request: &[u8]) -> Option<String> {
    let from_headers = |names: &[&str]| names.iter().find_map(|name| header(name).and_then(valid));
    from_headers(&HEADERS_FIRST)
        .or_else(|| claude_code(request))
        .or_else(|| from_headers(&HEADERS_THEN))
        .or_else(|| string_member(request, "prompt_cache_key").and_then(valid))
        .or_else(|| conversation(request))
        .or_else(|| string_member(member(request, "metadata")?, "session_id").and_then(valid))
}

/// Claude Code's `metadata.user_id`: JSON with a session in it, or in older versions an id that ends with one.
fn claude_code(request: &[u8]) -> Option<String> {
    let user = string_member(member(request, "metadata")?, "user_id")?;
    if user.starts_with('{') {
        return string_member(user.as_bytes(), "session_id").and_then(valid);
    }
    let (_, session) = user.rsplit_once("_session_")?;
    valid(session.to_owned())
}

fn conversation(request: &[u8]) -> Option<String> {
    let id = match serde_json::from_slice(member(request, "conversation")?).ok()? {
        Value::String(id) => id,
        other => other.get("id")?.as_str()?.to_owned(),
    };
    valid(id)
}

/// Ids go into URLs, file names and filters: others are skipped.
fn valid(id: String) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    ((1..=255).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)], body: &str) -> Option<String> {
        let header = |name: &str| {
            headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        session(&header, body.as_bytes())
    }

    #[test]
    fn the_order_is_the_contracts() {
        let headers = [("x-llmflow-session", "a"), ("x-claude-code-session-id", "b"), ("session-id", "d")];
        let body = r#"{"metadata":{"user_id":"user_x_account_y_session_c","session_id":"g"},"prompt_cache_key":"e","conversation":{"id":"f"}}"#;
        assert_eq!(of(&headers, body).as_deref(), Some("a"));
        assert_eq!(of(&headers[1..], body).as_deref(), Some("b"));
        assert_eq!(of(&headers[2..], body).as_deref(), Some("c"));
        assert_eq!(of(&headers[2..], "{}").as_deref(), Some("d"));
        assert_eq!(of(&[], r#"{"prompt_cache_key":"e","conversation":{"id":"f"}}"#).as_deref(), Some("e"));
        assert_eq!(
            of(&[], r#"{"conversation":{"id":"f"},"metadata":{"session_id":"g"}}"#).as_deref(),
            Some("f")
        );
        assert_eq!(of(&[], r#"{"conversation":"f"}"#).as_deref(), Some("f"));
        assert_eq!(of(&[], r#"{"metadata":{"user_id":"person","session_id":"g"}}"#).as_deref(), Some("g"));
    }

    #[test]
    fn claude_codes_json_form_is_read() {
        let body = r#"{"metadata":{"user_id":"{\"device_id\":\"d\",\"session_id\":\"11-22\"}"}}"#;
        assert_eq!(of(&[], body).as_deref(), Some("11-22"));
    }

    #[test]
    fn what_is_no_session_is_skipped() {
        assert_eq!(of(&[("x-client-request-id", "r")], r#"{"user":"u","previous_response_id":"p"}"#), None);
        assert_eq!(of(&[("x-llmflow-session", "a b"), ("session-id", "ok")], "").as_deref(), Some("ok"));
        assert_eq!(of(&[("session-id", &"x".repeat(256))], "not json"), None);
    }
}
