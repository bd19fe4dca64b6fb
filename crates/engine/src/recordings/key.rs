//! By what a request is known again: all it asks, the conversation it goes on with, or only who is asked. Pure.

use bytes::Bytes;
use model::dialect::{self, ByHeaders, Dialect, Exchange, classify};
use model::identity::{self, Scope};
use proxy::Providers;
use serde_json::Value;

/// A digest.
pub(super) type Key = [u8; 32];

/// Outermost members that say who asks, or how the answer is kept and counted: not what is asked.
const VOLATILE: [&str; 7] = [
    "client_metadata",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "stream_options",
    "user",
];
/// Cache markers move from turn to turn.
const MARKER: &str = "cache_control";

/// A request as it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Method, path and body, but for what is volatile.
    pub(super) exact: Key,
    /// Method, path and the words said so far; `None` where nothing is said.
    pub(super) prompt: Option<Key>,
    /// Method, path and model.
    pub(super) model: Key,
    /// The model, for a sentence.
    pub(super) named: Option<String>,
    /// It asks for a stream, for a sentence.
    pub(super) streams: bool,
}

impl Asked {
    /// Reads a request whose path begins with a provider's name or not.
    pub(super) fn of(providers: &Providers, method: &str, path: &str, body: &Bytes) -> Self {
        let (provider, bare) = split(providers, path);
        let speaks = provider.map_or("openai", |provider| provider.speaks.as_str());
        // OpenAI's shape is OpenAI's, whoever translates it.
        let dialect = match classify(speaks, method, bare) {
            Dialect::Unknown => classify("openai", method, bare),
            known => known,
        };
        let value: Option<Value> = serde_json::from_slice(body).ok();
        let streams = value.as_ref().and_then(|value| value.get("stream")?.as_bool()).unwrap_or_default();
        let begin = |kind: &str| {
            let mut hasher = blake3::Hasher::new();
            for part in [kind, &method.to_ascii_uppercase(), bare] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            }
            hasher.update(&[u8::from(streams)]);
            hasher
        };
        let mut exact = begin("exact");
        match &value {
            Some(value) => canonical(value, true, &mut exact),
            None => _ = exact.update(body),
        }
        let named = dialect::requested_model(dialect, bare, body);
        let mut model = begin("model");
        model.update(named.as_deref().unwrap_or_default().as_bytes());
        let said = said(dialect, speaks, bare, body);
        let prompt = said.map(|end| *begin("prompt").update(&end.to_le_bytes()).finalize().as_bytes());
        Self {
            exact: *exact.finalize().as_bytes(),
            prompt,
            model: *model.finalize().as_bytes(),
            named,
            streams,
        }
    }
}

/// The digest of everything said before the answer.
fn said(dialect: Dialect, speaks: &str, path: &str, body: &Bytes) -> Option<i64> {
    let exchange = Exchange {
        dialect,
        provider: speaks,
        path,
        request: body,
        response: b"",
        status: None,
        content_type: None,
        by_headers: ByHeaders::of(|_| None),
    };
    let (_, spoken) = dialect::read_with_spoken(&exchange);
    identity::chain(&Scope::new("", "", None), &spoken).map(|chain| chain.end)
}

/// The provider that a path begins with, and what follows it.
fn split<'a, 'p>(providers: &'p Providers, path: &'a str) -> (Option<&'p proxy::Provider>, &'a str) {
    let own = path.strip_prefix("/passthrough").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let Some(rest) = own.strip_prefix('/') else { return (None, path) };
    let (first, _) = rest.split_once('/').unwrap_or((rest, ""));
    match providers.find(first) {
        Some(provider) => (Some(provider), rest.get(first.len()..).unwrap_or_default()),
        None => (None, path),
    }
}

/// A value whatever the order of its members and its spaces are.
fn canonical(value: &Value, outermost: bool, hasher: &mut blake3::Hasher) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.retain(|(name, _)| {
                name.as_str() != MARKER && !(outermost && VOLATILE.contains(&name.as_str()))
            });
            members.sort_by_key(|(name, _)| *name);
            hasher.update(b"{").update(&(members.len() as u64).to_le_bytes());
            for (name, value) in members {
                hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
                canonical(value, false, hasher);
            }
        }
        Value::Array(elements) => {
            hasher.update(b"[").update(&(elements.len() as u64).to_le_bytes());
            elements.iter().for_each(|element| canonical(element, false, hasher));
        }
        Value::String(text) => {
            hasher.update(b"\"").update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let text = value.to_string();
            hasher.update(b"=").update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, body: &str) -> Asked {
        Asked::of(&Providers::built_in(), "POST", path, &Bytes::from(body.to_owned()))
    }

    #[test]
    fn what_is_volatile_tells_no_requests_apart() {
        let one = asked(
            "/anthropic/v1/messages",
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Hello there","cache_control":{}}]}]}"#,
        );
        let same = asked(
            "/v1/messages",
            r#"{ "messages":[{"content":[{"text":"Hello there","type":"text"}],"role":"user"}],"metadata":{"user_id":"x"},
                "model":"m"}"#,
        );
        assert_eq!(one.exact, same.exact);
        let other =
            asked("/v1/messages", r#"{"model":"n","messages":[{"role":"user","content":"Hello there"}]}"#);
        assert!(one.exact != other.exact && one.model != other.model);
        assert_eq!(one.prompt, other.prompt, "the same words");
        let streamed = asked(
            "/v1/messages",
            r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Hello there"}]}"#,
        );
        assert!(streamed.prompt != one.prompt && streamed.model != one.model, "its answer has another shape");
    }

    #[test]
    fn what_is_no_json_is_known_by_its_bytes() {
        assert_eq!(asked("/v1/x", "{broken").exact, asked("/v1/x", "{broken").exact);
        assert!(asked("/v1/x", "{broken").exact != asked("/v1/y", "{broken").exact);
        assert_eq!(asked("/v1/x", "").prompt, None);
    }
}
