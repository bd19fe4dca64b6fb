//! Settings over REST: every value with its origin, and changing one in the settings file.

use api::{ApiError, Reply, Request, SettingsView};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use crate::Host;
use crate::error::{Failure, mismatch};
use crate::unpack::{Body, Segment};

/// `{"value": …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    value: Value,
}

/// `GET /api/settings`.
pub(crate) async fn list(State(host): State<Host>) -> Result<Json<SettingsView>, Failure> {
    answer(&host, Request::GetSettings).await
}

/// `PUT /api/settings/:name`: a text, number, switch or list of texts, as the settings file has it.
pub(crate) async fn change(
    State(host): State<Host>,
    Segment(name): Segment,
    Body(Wanted { value }): Body<Wanted>,
) -> Result<Json<SettingsView>, Failure> {
    let value = text(&value).ok_or_else(|| {
        let wanted = "value must be a text, a number, true or false, or a list of texts of one line each.";
        ApiError::parameter("value", wanted)
    })?;
    answer(&host, Request::ChangeSetting { name, value: Some(value) }).await
}

/// `DELETE /api/settings/:name`: back to its default.
pub(crate) async fn reset(
    State(host): State<Host>,
    Segment(name): Segment,
) -> Result<Json<SettingsView>, Failure> {
    answer(&host, Request::ChangeSetting { name, value: None }).await
}

/// As a setting's row shows it; a list's values stand on lines of their own.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(list) => {
            // Of one with a line break two would be made.
            let one = |text: &&str| !text.contains(char::is_control);
            let texts = list.iter().map(|value| value.as_str().filter(one)).collect::<Option<Vec<_>>>()?;
            Some(texts.join("\n"))
        }
        Value::Null | Value::Object(_) => None,
    }
}

async fn answer(host: &Host, request: Request) -> Result<Json<SettingsView>, Failure> {
    match host.engine.dispatch(request).await? {
        Reply::Settings(view) => Ok(Json(view)),
        _ => Err(mismatch()),
    }
}
