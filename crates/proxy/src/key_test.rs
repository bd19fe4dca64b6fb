//! Asking a provider whether it takes a key, by a call that costs nothing. Leaves out where keys are kept.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use serde_json::Value;

use crate::auth::Placed;
use crate::client::client;
use crate::outbound::Outbound;
use crate::provider::Provider;
use crate::upstream::Upstreams;

const PATIENCE: Duration = Duration::from_secs(20);
const LARGEST_ANSWER: usize = 8 << 20;

/// What a provider said to a key.
#[derive(Debug, PartialEq, Eq)]
pub struct TestedKey {
    /// It was accepted.
    pub accepted: bool,
    /// The provider's status; `None` when it could not be reached.
    pub status: Option<u16>,
    /// What that means, in a sentence.
    pub message: String,
    /// How many models the key may use, where the provider lists them.
    pub models: Option<u64>,
}

/// Asks `provider` whether it takes `key`. An error says why it cannot be asked.
pub async fn test_key(
    upstreams: &Upstreams,
    outbound: &Outbound,
    provider: &Provider,
    key: &str,
) -> Result<TestedKey, String> {
    let name = provider.display_name.as_str();
    let Some(path) = provider.key.check else {
        return Err(format!(
            "{name} has no call that tells whether a key is good and costs nothing. The first real call will show it."
        ));
    };
    let base = &upstreams.settled_base(provider).ok_or_else(|| {
        format!(
            "{name} has no address before its resource is set: providers.{}.resource in the settings.",
            provider.name
        )
    })?;
    if !base.keeps_secrets() {
        return Err(format!(
            "{} is asked by http: LLMFlow sends no key in clear over a network.",
            base.authority
        ));
    }
    let path = provider.upstream_path(path);
    let path = path.as_str();
    let uri = base.uri(path).ok_or("The provider's address is not valid.")?;
    let placed = Placed::new(key, provider, path).ok_or("The key cannot stand in a header.")?;
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = uri;
    let authorization = outbound.authorization(request.uri());
    let headers = request.headers_mut();
    headers.extend(authorization.map(|value| (header::PROXY_AUTHORIZATION, value)));
    headers.insert(placed.header, placed.value);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers
        .insert(header::USER_AGENT, HeaderValue::from_static(concat!("llmflow/", env!("CARGO_PKG_VERSION"))));
    if provider.speaks == "anthropic" {
        headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    }
    let answer = async {
        let client = client(outbound, upstreams.own_ports()).map_err(|error| error.to_string())?;
        let response = client
            .request(request)
            .await
            .map_err(|error| crate::unreachable::explain(&error, base.authority.as_str()))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
        // The status says enough when the list breaks off.
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok::<_, String>((status, body))
    };
    let unreachable = |message: String| TestedKey { accepted: false, status: None, message, models: None };
    Ok(match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok((status, body))) => judge(name, status, &body),
        Ok(Err(reason)) => unreachable(reason),
        Err(_) => unreachable(format!("{name} did not answer within {} seconds.", PATIENCE.as_secs())),
    })
}

fn judge(name: &str, status: StatusCode, body: &[u8]) -> TestedKey {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = status.as_u16();
    // Gemini answers a wrong key with 400.
    let invalid = code == 400 && body.to_string().contains("API_KEY_INVALID");
    let models = status.is_success().then(|| models(&body)).flatten();
    let (accepted, message) = match code {
        200..=299 => (
            true,
            match models {
                Some(1) => format!("{name} accepts the key. It may use 1 model."),
                Some(count) => format!("{name} accepts the key. It may use {count} models."),
                None => format!("{name} accepts the key."),
            },
        ),
        400 if !invalid => (false, format!("{name} answered 400, which says nothing about the key.")),
        400 | 401 => (
            false,
            format!("{name} refuses the key ({code}). Check that it was copied whole, or make a new one."),
        ),
        403 => {
            (false, format!("{name} knows the key but forbids this ({code}). Check the key's permissions."))
        }
        429 => (true, format!("{name} accepts the key, but limits its calls for now (429).")),
        _ => (false, format!("{name} answered {code}, which says nothing about the key. Try again later.")),
    };
    TestedKey { accepted, status: Some(code), message, models }
}

/// The length of the list, wherever the provider puts it.
fn models(body: &Value) -> Option<u64> {
    let list =
        [Some(body), body.get("data"), body.get("models")].into_iter().flatten().find_map(Value::as_array);
    list.map(|list| list.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_one_honest_sentence() {
        for (status, body, accepted, models, part) in [
            (200, r#"{"data":[{},{}]}"#, true, Some(2), "2 models"),
            (200, r#"{"models":[{}]}"#, true, Some(1), "1 model."),
            (200, "[{},{},{}]", true, Some(3), "3 models"),
            (200, r#"{"data":{"label":"x"}}"#, true, None, "accepts the key."),
            (401, "{}", false, None, "refuses"),
            (400, r#"{"error":{"details":[{"reason":"API_KEY_INVALID"}]}}"#, false, None, "refuses"),
            (400, "{}", false, None, "says nothing"),
            (403, "{}", false, None, "permissions"),
            (429, "", true, None, "limits"),
            (503, "<html>", false, None, "503"),
        ] {
            let tested = judge("X", StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert_eq!((tested.accepted, tested.models), (accepted, models), "{status} {body}");
            assert!(tested.message.contains(part), "{status}: {}", tested.message);
        }
    }
}
