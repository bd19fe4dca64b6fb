//! What only the desktop app's own window can do. Leaves out how the app is asked (`invoke`).

use api::{ApiError, ErrorKind};
use wasm_bindgen::JsValue;

use super::invoke::{call, is_window};

/// The window's host, where the page runs in one.
#[derive(Clone, Copy, Debug)]
pub struct Desktop(());

/// The host, when there is one to talk to; `None` in a browser, and in a window that shows another instance.
pub fn desktop() -> Option<Desktop> {
    is_window().then_some(Desktop(()))
}

impl Desktop {
    /// Whether the app starts when its user logs in.
    pub async fn starts_at_login(self) -> Result<bool, ApiError> {
        let answer = call("autostart_get", &[]).await.map_err(|error| refused(&error))?;
        Ok(answer.as_string().as_deref() == Some("true"))
    }

    pub async fn start_at_login(self, on: bool) -> Result<(), ApiError> {
        call("autostart_set", &[("on", JsValue::from_bool(on))])
            .await
            .map(drop)
            .map_err(|error| refused(&error))
    }
}

fn refused(error: &JsValue) -> ApiError {
    let text = error.as_string();
    let silent = "The desktop app does not answer. Close its window and open it again.";
    ApiError::new(ErrorKind::Unavailable, text.unwrap_or_else(|| silent.to_owned()))
}
