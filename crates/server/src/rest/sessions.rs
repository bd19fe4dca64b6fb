//! The endpoints of sessions.

use api::{Reply, Request};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{query, shape};
use crate::Host;
use crate::error::{Failure, mismatch};

/// `GET /api/sessions`: a page of sessions, the latest used first.
pub(crate) async fn list(State(host): State<Host>, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let (filter, limit, offset) = query::sessions(query.as_deref().unwrap_or_default())?;
    match host.engine.dispatch(Request::ListSessions { filter, limit, offset }).await? {
        Reply::Sessions(page) => {
            let total = [("x-total-count", page.total.to_string())];
            Ok((total, Json(shape::sessions(&page))).into_response())
        }
        _ => Err(mismatch()),
    }
}

/// `GET /api/sessions/:id`: one session with its calls in order; `key` tells sessions with one id apart.
pub(crate) async fn one(
    State(host): State<Host>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Failure> {
    let session = query::session(id, query.as_deref().unwrap_or_default())?;
    match host.engine.dispatch(Request::GetSession { session }).await? {
        Reply::Session(session) => Ok(Json(shape::session(&session))),
        _ => Err(mismatch()),
    }
}
