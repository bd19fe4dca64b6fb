//! Questions over HTTP: `POST /api/rpc`, JSON both ways. Leaves out events (`events`).

use api::{ApiError, ErrorKind, Reply, Request};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Sends one question. Numbers stay text until `serde_json` reads them: JavaScript would round large ones.
pub(super) async fn ask(request: &Request) -> Result<Reply, ApiError> {
    let question = serde_json::to_string(request).map_err(|error| unreadable(&error))?;
    let (ok, answer) = post(&question).await.map_err(|_| unreachable())?;
    if ok {
        return serde_json::from_str(&answer).map_err(|error| unreadable(&error));
    }
    Err(serde_json::from_str(&answer).unwrap_or_else(|_| unreachable()))
}

async fn post(question: &str) -> Result<(bool, String), JsValue> {
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(&JsValue::from_str(question));
    let request = web_sys::Request::new_with_str_and_init("/api/rpc", &init)?;
    request.headers().set("content-type", "application/json")?;
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let response: web_sys::Response =
        JsFuture::from(window.fetch_with_request(&request)).await?.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    Ok((response.ok(), text))
}

fn unreachable() -> ApiError {
    ApiError::new(
        ErrorKind::Unavailable,
        "LLMFlow does not answer. Check that it runs; this page tries again by itself.",
    )
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        ErrorKind::Internal,
        format!("The server's answer could not be read: {error}. Reload the page."),
    )
}
