//! What the proxy says itself: its health, its providers, and errors a client's SDK can show.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::body::ResponseBody;
use crate::provider::{self, PROVIDERS};

/// An error in the shape of the provider's dialect, so that SDKs show its sentence.
pub(crate) fn error(status: StatusCode, provider: &str, kind: &str, message: &str) -> Response<ResponseBody> {
    let body = match provider {
        "anthropic" => json!({"type": "error", "error": {"type": kind, "message": message}}),
        "gemini" => json!({"error": {"code": status.as_u16(), "message": message, "status": kind}}),
        "cohere" => json!({"message": message}),
        _ => json!({"error": {"message": message, "type": kind, "param": null, "code": kind}}),
    };
    let mut response = json_response(status, &body);
    // Tells our errors from the upstream's.
    response.headers_mut().insert("x-llmflow-error", HeaderValue::from_static("1"));
    response
}

/// `GET /health`.
pub(crate) fn health(
    ok: bool,
    recording: bool,
    seen: u64,
    open: u64,
    uptime_s: u64,
) -> Response<ResponseBody> {
    let providers: Vec<_> = PROVIDERS.iter().map(|provider| provider.name).collect();
    let status = if ok { "ok" } else { "degraded" };
    json_response(
        StatusCode::OK,
        &json!({
            "status": status, "service": "proxy", "traces": seen, "in_flight": open, "uptime": uptime_s,
            "recording": recording, "providers": providers,
        }),
    )
}

/// `GET /providers`.
pub(crate) fn providers() -> Response<ResponseBody> {
    let default = provider::default();
    let own: Vec<Value> = PROVIDERS
        .iter()
        .map(|provider| {
            let is_default = provider.name == default.name;
            let prefix = if is_default { "/v1/*".to_owned() } else { format!("/{}/*", provider.name) };
            json!({"name": provider.name, "displayName": provider.display_name, "prefix": prefix, "default": is_default})
        })
        .collect();
    let passthrough: Vec<Value> = PROVIDERS
        .iter()
        .filter(|provider| provider.passthrough)
        .map(|provider| {
            let prefix = format!("/passthrough/{}/*", provider.name);
            json!({"name": provider.name, "displayName": provider.display_name, "prefix": prefix})
        })
        .collect();
    json_response(
        StatusCode::OK,
        &json!({
            "providers": own,
            "passthrough": passthrough,
            "usage": {
                "default": "Use /v1/* for OpenAI",
                "custom": "Use /{provider}/* for another provider, e.g. /anthropic/v1/messages",
                "header": "Or name it in the header X-LLMFlow-Provider",
                "passthrough": "Use /passthrough/{provider}/* as the base URL of the provider's own SDK",
            },
        }),
    )
}

fn json_response(status: StatusCode, body: &Value) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::Own(Full::new(Bytes::from(body.to_string()))));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
