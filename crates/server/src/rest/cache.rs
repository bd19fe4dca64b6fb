//! The endpoints of the prompt cache. Money is in pico-dollars, as in `POST /api/rpc`.

use api::{ApiError, CallCache, ErrorKind, Reply, Request, SessionCache};
use axum::Json;
use axum::extract::State;
use http::Uri;

use super::query;
use crate::Host;
use crate::error::{Failure, mismatch};
use crate::unpack::Segment;

/// `GET /api/calls/:id/cache`: why the cache hit or did not, what that cost, and what the context is made of.
pub(crate) async fn call(State(host): State<Host>, Segment(id): Segment) -> Result<Json<CallCache>, Failure> {
    let id = id.parse().map_err(|_| ApiError::new(ErrorKind::NotFound, "There is no call with this id."))?;
    match host.engine.dispatch(Request::GetCallCache { id }).await? {
        Reply::CallCache(cache) => Ok(Json(*cache)),
        _ => Err(mismatch()),
    }
}

/// `GET /api/sessions/:id/cache`: the same of each call, with sums; `key` tells sessions with one id apart.
pub(crate) async fn session(
    State(host): State<Host>,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Json<SessionCache>, Failure> {
    let session = query::session(id, uri.query().unwrap_or_default())?;
    match host.engine.dispatch(Request::GetSessionCache { session }).await? {
        Reply::SessionCache(cache) => Ok(Json(*cache)),
        _ => Err(mismatch()),
    }
}
