//! `POST /api/traces/:id/replay`: a recorded call once more, as it was or edited.

use api::{ApiError, ErrorKind, Money, Replay, ReplayEdit, ReplayUntil, Reply, Request};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::shape;
use crate::Host;
use crate::error::{Failure, mismatch};
use crate::unpack::{Optional, Segment};

/// What is to be different; everything may be left away.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The whole body: JSON as it is, or as text.
    body: Option<Box<RawValue>>,
    model: Option<String>,
    provider: Option<String>,
    /// Nothing is sent.
    dry_run: bool,
    /// The answer comes when the call ended; otherwise when it is under way.
    wait: Option<bool>,
}

/// Sends the call again and says what came of it.
pub(crate) async fn replay(
    State(host): State<Host>,
    Segment(id): Segment,
    Optional(wanted): Optional<Wanted>,
) -> Result<Json<Value>, Failure> {
    let id = id.parse().map_err(|_| ApiError::new(ErrorKind::NotFound, "There is no call with this id."))?;
    let Wanted { body, model, provider, dry_run, wait } = wanted.unwrap_or_default();
    let body = body.map(|body| {
        let text = body.get();
        serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned())
    });
    let until = match (dry_run, wait) {
        (true, _) => ReplayUntil::DryRun,
        (false, Some(false)) => ReplayUntil::Begun,
        (false, _) => ReplayUntil::Ended,
    };
    let edit = Box::new(ReplayEdit { body, model, provider });
    match host.engine.dispatch(Request::Replay { id, edit, until }).await? {
        Reply::Replay(replay) => Ok(Json(told(&replay, until))),
        _ => Err(mismatch()),
    }
}

fn told(replay: &Replay, until: ReplayUntil) -> Value {
    json!({
        "replay_of": replay.of,
        "id": replay.id,
        "dry_run": until == ReplayUntil::DryRun,
        "provider": replay.provider,
        "upstream": replay.upstream,
        "path": replay.path,
        "model": replay.model,
        "body_bytes": replay.body_bytes,
        "estimate_usd": replay.estimate.map(Money::to_decimal),
        "state": replay.call.as_ref().map(|call| call.state),
        "status": replay.call.as_ref().and_then(|call| call.status),
        "error": replay.call.as_ref().and_then(|call| call.error.clone()),
        "cost_usd": replay.call.as_ref().and_then(|call| call.cost).map(Money::to_decimal),
        "cost": replay.cost,
        "tools_asked": replay.tools_asked,
        "stopped_at_tools": !replay.tools_asked.is_empty(),
        "trace": replay.call.as_ref().map(|call| shape::row(call)),
    })
}
