//! What is stored, over REST: what takes space, and deleting.

use api::{ApiError, Erase, Erased, ErrorKind, Reply, Request, Storage};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, RawQuery, State};
use serde::Deserialize;

use super::query;
use crate::Host;
use crate::error::{Failure, mismatch};

/// `GET /api/storage`.
pub(crate) async fn storage(State(host): State<Host>) -> Result<Json<Storage>, Failure> {
    match host.engine.dispatch(Request::GetStorage).await? {
        Reply::Storage(storage) => Ok(Json(*storage)),
        _ => Err(mismatch()),
    }
}

/// `{"what": …, "which": …, "dry_run": true}`.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(flatten)]
    what: Erase,
    /// Only says how much that would be.
    #[serde(default)]
    dry_run: bool,
}

/// `POST /api/erase`: deletes anything, or says how much that would be.
pub(crate) async fn erase(
    State(host): State<Host>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Erased>, Failure> {
    let Json(Wanted { what, dry_run }) =
        wanted.map_err(|rejection| ApiError::new(ErrorKind::BadRequest, rejection.body_text()))?;
    let request = if dry_run { Request::CountErase { what } } else { Request::Erase { what } };
    erased(&host, request).await
}

/// `DELETE /api/traces/:id`: one call, or a trace by its id.
pub(crate) async fn delete_trace(
    State(host): State<Host>,
    Path(id): Path<String>,
) -> Result<Json<Erased>, Failure> {
    let what = match id.parse() {
        Ok(call) => Erase::Call(call),
        Err(_) => Erase::Trace(id.clone()),
    };
    let found = erased(&host, Request::Erase { what }).await?;
    // A trace's id may be written as a call's.
    if !found.0.is_nothing() || id.parse::<api::CallId>().is_err() {
        return there(found);
    }
    there(erased(&host, Request::Erase { what: Erase::Trace(id.replace('-', "")) }).await?)
}

/// `DELETE /api/sessions/:id`; `key` tells sessions with one id apart.
pub(crate) async fn delete_session(
    State(host): State<Host>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Erased>, Failure> {
    let session = query::session(id, query.as_deref().unwrap_or_default())?;
    there(erased(&host, Request::Erase { what: Erase::Session(session) }).await?)
}

async fn erased(host: &Host, request: Request) -> Result<Json<Erased>, Failure> {
    match host.engine.dispatch(request).await? {
        Reply::Erased(erased) => Ok(Json(erased)),
        _ => Err(mismatch()),
    }
}

fn there(erased: Json<Erased>) -> Result<Json<Erased>, Failure> {
    match erased.0.is_nothing() {
        true => Err(ApiError::new(ErrorKind::NotFound, "There is nothing of this id.").into()),
        false => Ok(erased),
    }
}
