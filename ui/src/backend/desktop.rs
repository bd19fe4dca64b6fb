//! What only the desktop app's window can do. Asked by what the host offers, never by which host it is.

use api::{ApiError, ErrorKind};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The window's host, where the page runs in one.
#[derive(Clone, Copy, Debug)]
pub struct Desktop(());

/// The host, when there is one to talk to; `None` in a browser.
pub fn desktop() -> Option<Desktop> {
    host().map(|_| Desktop(()))
}

impl Desktop {
    /// Whether the app starts when its user logs in.
    pub async fn starts_at_login(self) -> Result<bool, ApiError> {
        let answer = invoke("autostart_get", &[]).await?;
        Ok(answer.as_bool().unwrap_or_else(|| answer.as_string().as_deref() == Some("true")))
    }

    pub async fn start_at_login(self, on: bool) -> Result<(), ApiError> {
        invoke("autostart_set", &[("on", JsValue::from_bool(on))]).await.map(drop)
    }
}

fn host() -> Option<JsValue> {
    let window = web_sys::window()?;
    let host = Reflect::get(&window, &JsValue::from_str("__TAURI_INTERNALS__")).ok()?;
    host.is_object().then_some(host)
}

/// Runs one of the host's commands.
async fn invoke(command: &str, arguments: &[(&str, JsValue)]) -> Result<JsValue, ApiError> {
    let given = Object::new();
    for (name, value) in arguments {
        Reflect::set(&given, &JsValue::from_str(name), value).map_err(|_| silent())?;
    }
    let host = host().ok_or_else(silent)?;
    let invoke: Function =
        Reflect::get(&host, &JsValue::from_str("invoke")).and_then(JsCast::dyn_into).map_err(|_| silent())?;
    let answer: Promise = invoke
        .call2(&host, &JsValue::from_str(command), &given)
        .and_then(JsCast::dyn_into)
        .map_err(|_| silent())?;
    JsFuture::from(answer).await.map_err(|error| match error.as_string() {
        Some(text) => ApiError::new(ErrorKind::Unavailable, text),
        None => silent(),
    })
}

fn silent() -> ApiError {
    ApiError::new(
        ErrorKind::Unavailable,
        "The desktop app does not answer. Close its window and open it again.",
    )
}
