//! What the proxy says itself: its health, its providers, and errors a client's SDK can show.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::bedrock::BedrockState;
use crate::body::ResponseBody;
use crate::provider::Providers;

/// An error in the shape of the dialect that is spoken, so that SDKs show its sentence.
pub(crate) fn error(status: StatusCode, speaks: &str, kind: &str, message: &str) -> Response<ResponseBody> {
    let body = match speaks {
        "anthropic" => json!({"type": "error", "error": {"type": kind, "message": message}}),
        "gemini" => json!({"error": {"code": status.as_u16(), "message": message, "status": kind}}),
        "ollama" => json!({"error": message}),
        "mistral" => {
            json!({"object": "error", "message": message, "type": kind, "param": null, "code": kind})
        }
        "cohere" | "bedrock" => json!({"message": message}),
        _ => json!({"error": {"message": message, "type": kind, "param": null, "code": kind}}),
    };
    let mut response = json_response(status, &body);
    if speaks == "bedrock" {
        let kind = HeaderValue::from_static(aws_error(status));
        response.headers_mut().insert("x-amzn-errortype", kind);
    }
    // Tells our errors from the upstream's.
    response.headers_mut().insert("x-llmflow-error", HeaderValue::from_static("1"));
    response
}

/// The name of AWS's exception for a status, by which its SDKs decide.
fn aws_error(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 | 413 => "ValidationException",
        401 => "UnrecognizedClientException",
        403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        _ => "InternalServerException",
    }
}

/// `GET /health/bedrock`, in llm-proxy's words and some more.
pub(crate) fn bedrock_health(state: &BedrockState, decode_errors: u64) -> Response<ResponseBody> {
    let (status, credentials) = match (state.enabled, &state.credentials) {
        (false, _) => ("disabled", Value::Null),
        (true, Some(Ok(found))) => (
            if state.region.is_some() { "ok" } else { "error" },
            json!({"source": found.source, "id": format!("…{}", found.hint), "expires_ms": found.expires_ms}),
        ),
        (true, Some(Err(reason))) => ("error", json!({"error": reason})),
        (true, None) => ("error", Value::Null),
    };
    json_response(
        StatusCode::OK,
        &json!({
            "status": status, "service": "bedrock", "region": state.region, "credentials": credentials, "decode_errors": decode_errors,
            "clock_ahead_s": state.clock_ahead_s,
        }),
    )
}

/// `GET /health`.
pub(crate) fn health(
    ok: bool,
    recording: bool,
    seen: u64,
    open: u64,
    uptime_s: u64,
    providers: &Providers,
) -> Response<ResponseBody> {
    let providers: Vec<_> = providers.iter().map(|provider| provider.name.as_str()).collect();
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
pub(crate) fn providers(providers: &Providers) -> Response<ResponseBody> {
    let default = providers.default_one();
    let own: Vec<Value> = providers
        .iter()
        .map(|provider| {
            let is_default = provider.name == default.name;
            let prefix = if is_default { "/v1/*".to_owned() } else { format!("/{}/v1/*", provider.name) };
            json!({"name": provider.name, "displayName": provider.display_name, "prefix": prefix, "default": is_default})
        })
        .collect();
    let passthrough: Vec<Value> = providers
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
                "custom": "Use /{provider}/v1/* for another provider, e.g. /groq/v1/chat/completions; its own paths work too, e.g. /anthropic/v1/messages",
                "header": "Or name it in the header X-LLMFlow-Provider",
                "passthrough": "Use /passthrough/{provider}/* as the base URL of the provider's own SDK",
            },
        }),
    )
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::Own(Full::new(Bytes::new())));
    *response.status_mut() = status;
    response
}

fn json_response(status: StatusCode, body: &Value) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::Own(Full::new(Bytes::from(body.to_string()))));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
