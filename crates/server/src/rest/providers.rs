//! `GET /api/health/providers`: whether the providers can be reached and take their keys.

use api::{ProviderState, Reply, Request};
use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use crate::Host;
use crate::error::{Failure, mismatch};

/// `GET /api/health/providers`. Who has no key, and local servers that are not running, are *unconfigured* and not counted.
pub(crate) async fn health(State(host): State<Host>) -> Result<Json<Value>, Failure> {
    let Reply::ProviderChecks(checks) = host.engine.dispatch(Request::CheckProviders).await? else {
        return Err(mismatch());
    };
    let count = |wanted: ProviderState| checks.iter().filter(|check| check.state == wanted).count();
    let healthy = count(ProviderState::Ok);
    let asked = healthy + count(ProviderState::Error);
    let providers: Map<String, Value> = checks
        .iter()
        .map(|check| {
            let mut shape = json!({"status": check.state});
            if let Some(shape) = shape.as_object_mut() {
                if let Some(duration_us) = check.duration_us {
                    shape.insert("latency_ms".into(), (duration_us / 1_000).into());
                }
                if let Some(message) = &check.message {
                    shape.insert("message".into(), message.as_str().into());
                }
            }
            (check.name.clone(), shape)
        })
        .collect();
    Ok(Json(json!({"summary": format!("{healthy}/{asked} providers healthy"), "providers": providers})))
}
