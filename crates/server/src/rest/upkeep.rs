//! What is stored, over REST: what takes space, and deleting.

use api::{ApiError, CallFilter, Erase, Erased, ErrorKind, Reply, Request, Storage};
use axum::Json;
use axum::extract::State;
use http::Uri;
use serde::Deserialize;
use serde_json::{Value, json};

use super::query;
use crate::Host;
use crate::error::{Failure, mismatch};
use crate::unpack::{Body as Posted, Segment};

/// `GET /api/storage`.
pub(crate) async fn storage(State(host): State<Host>) -> Result<Json<Storage>, Failure> {
    match host.engine.dispatch(Request::GetStorage).await? {
        Reply::Storage(storage) => Ok(Json(*storage)),
        _ => Err(mismatch()),
    }
}

/// `{"what": …, "which": …, "dry_run": true}`. What it does not know is refused: a misspelt word would delete more than was
/// meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    what: String,
    #[serde(default)]
    which: Value,
    /// Only says how much that would be.
    #[serde(default)]
    dry_run: bool,
}

impl Wanted {
    fn erase(&self) -> Result<Erase, ApiError> {
        let kinds = ["call", "session", "trace", "client", "calls", "before", "everything"];
        if !kinds.contains(&self.what.as_str()) {
            return Err(ApiError::parameter("what", format!("what must be one of {}.", kinds.join(", "))));
        }
        if self.what == "calls" {
            self.knows_its_filter()?;
        }
        let wrong = |error| ApiError::parameter("which", format!("which cannot be read: {error}."));
        serde_json::from_value(json!({"what": self.what, "which": self.which})).map_err(wrong)
    }

    fn knows_its_filter(&self) -> Result<(), ApiError> {
        let known = json!(CallFilter::default());
        let mut said = self.which.as_object().into_iter().flat_map(|filter| filter.keys());
        match said.find(|name| known.get(name.as_str()).is_none()) {
            Some(name) => {
                Err(ApiError::parameter(format!("which.{name}"), format!("There is no filter {name:?}.")))
            }
            None => Ok(()),
        }
    }
}

/// `POST /api/erase`: deletes anything, or says how much that would be.
pub(crate) async fn erase(
    State(host): State<Host>,
    Posted(wanted): Posted<Wanted>,
) -> Result<Json<Erased>, Failure> {
    let what = wanted.erase()?;
    let request = if wanted.dry_run { Request::CountErase { what } } else { Request::Erase { what } };
    erased(&host, request).await
}

/// `DELETE /api/traces/:id`: one call, or a trace by its id.
pub(crate) async fn delete_trace(
    State(host): State<Host>,
    Segment(id): Segment,
) -> Result<Json<Erased>, Failure> {
    if let Ok(call) = id.parse() {
        let found = erased(&host, Request::Erase { what: Erase::Call(call) }).await?;
        if !found.0.is_nothing() {
            return Ok(found);
        }
    }
    there(erased(&host, Request::Erase { what: Erase::Trace(id) }).await?)
}

/// `DELETE /api/sessions/:id`; `key` tells sessions with one id apart.
pub(crate) async fn delete_session(
    State(host): State<Host>,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Json<Erased>, Failure> {
    let session = query::session(id, uri.query().unwrap_or_default())?;
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
