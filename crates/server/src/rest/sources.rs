//! The listeners over REST: how they are, switching one, and whom that strands.

use api::{Reply, Request, SourceStatus, SourceTarget, Stranded};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::Host;
use crate::error::{Failure, mismatch};
use crate::unpack::{Body, Segment};

/// `{"to": "running" | "paused" | "resumed" | "stopped"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    to: SourceTarget,
}

/// `GET /api/sources`.
pub(crate) async fn list(State(host): State<Host>) -> Result<Json<Vec<SourceStatus>>, Failure> {
    match host.engine.dispatch(Request::GetHealth).await? {
        Reply::Health(health) => Ok(Json(health.sources)),
        _ => Err(mismatch()),
    }
}

/// `PUT /api/sources/:name`: answers once it is so.
pub(crate) async fn switch(
    State(host): State<Host>,
    Segment(name): Segment,
    Body(Switch { to }): Body<Switch>,
) -> Result<Json<SourceStatus>, Failure> {
    match host.engine.dispatch(Request::SetSource { name, to }).await? {
        Reply::Source(source) => Ok(Json(source)),
        _ => Err(mismatch()),
    }
}

/// `GET /api/sources/:name/stranded`.
pub(crate) async fn stranded(
    State(host): State<Host>,
    Segment(name): Segment,
) -> Result<Json<Vec<Stranded>>, Failure> {
    match host.engine.dispatch(Request::GetStranded { name }).await? {
        Reply::Stranded(tools) => Ok(Json(tools)),
        _ => Err(mismatch()),
    }
}
