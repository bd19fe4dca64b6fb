//! `POST /api/rpc`: one question in, one answer out, in the types of `api`.

use api::{ApiError, ErrorKind, Reply, Request};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;

use crate::Host;
use crate::error::Failure;

/// Asks the engine. Anything but `application/json` is refused, so that no form of another page can get here.
pub(crate) async fn call(
    State(host): State<Host>,
    request: Result<Json<Request>, JsonRejection>,
) -> Result<Json<Reply>, Failure> {
    let Json(request) =
        request.map_err(|rejection| ApiError::new(ErrorKind::BadRequest, rejection.body_text()))?;
    Ok(Json(host.engine.dispatch(request).await?))
}
