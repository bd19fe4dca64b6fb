//! The endpoints of sessions.

use api::{Reply, Request, SessionsCursor};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::Uri;
use serde_json::Value;

use super::paging::Shown;
use super::{query, shape};
use crate::Host;
use crate::error::{Failure, mismatch};
use crate::unpack::Segment;

/// `GET /api/sessions`: a page of sessions, the latest used first.
pub(crate) async fn list(State(host): State<Host>, uri: Uri) -> Result<Response, Failure> {
    let (filter, query::Part { limit, offset, before }) = query::sessions(uri.query().unwrap_or_default())?;
    let request = Request::ListSessions { filter, limit, offset, before };
    let Reply::Sessions(page) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
    let place = page.sessions.last().map(|last| SessionsCursor { last_ms: last.last_ms, key: last.key });
    let shown = Shown {
        uri: &uri,
        total: page.total,
        rows: page.sessions.len(),
        limit,
        offset,
        placed: before.is_some(),
        last: place.map(|place| place.to_string()),
    };
    Ok((shown.headers(), Json(shape::sessions(&page))).into_response())
}

/// `GET /api/sessions/:id`: one session with its calls in order; `key` tells sessions with one id apart.
pub(crate) async fn one(
    State(host): State<Host>,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Json<Value>, Failure> {
    let session = query::session(id, uri.query().unwrap_or_default())?;
    match host.engine.dispatch(Request::GetSession { session }).await? {
        Reply::Session(session) => Ok(Json(shape::session(&session))),
        _ => Err(mismatch()),
    }
}
