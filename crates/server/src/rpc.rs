//! `POST /api/rpc`: one question in, one answer out, in the types of `api`.

use api::{Reply, Request};
use axum::Json;
use axum::extract::State;

use crate::Host;
use crate::error::Failure;
use crate::unpack::Body;

/// Asks the engine.
pub(crate) async fn call(
    State(host): State<Host>,
    Body(request): Body<Request>,
) -> Result<Json<Reply>, Failure> {
    Ok(Json(host.engine.dispatch(request).await?))
}
