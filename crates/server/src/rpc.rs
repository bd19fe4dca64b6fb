//! `POST /api/rpc`: one question in, one answer out, in the types of `api`.

use api::{Reply, Request};
use axum::Json;
use axum::extract::State;

use crate::Host;
use crate::error::Failure;
use crate::unpack::{Edited, Most};

/// Asks the engine.
pub(crate) async fn call(
    State(host): State<Host>,
    Edited { said: request, bytes }: Edited<Request>,
) -> Result<Json<Reply>, Failure> {
    if !matches!(request, Request::Replay { .. }) {
        Most::Usual.check(bytes)?;
    }
    Ok(Json(host.engine.dispatch(request).await?))
}
