//! The REST endpoints. Each unpacks its query, asks the engine and gives the answer the former LLMFlow's shape.

pub(crate) mod analytics;
pub(crate) mod budgets;
pub(crate) mod cache;
pub(crate) mod export;
pub(crate) mod models;
mod paging;
pub(crate) mod providers;
mod query;
pub(crate) mod replay;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod shape;
pub(crate) mod sources;
pub(crate) mod telemetry;
pub(crate) mod timeline;
pub(crate) mod upkeep;

use api::{BodySide, ErrorKind, Reply, Request};
use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::Uri;
use serde_json::Value;

use crate::Host;
use crate::error::{Failure, mismatch};
use crate::guard::Trusted;
use crate::unpack::Segment;
use paging::Shown;
pub use query::{Chosen, chosen};

/// `GET /api/health`; with `?challenge=` it proves whose data folder it is. Who shows no token where one is asked for learns
/// no more than that.
pub(crate) async fn health(
    State(host): State<Host>,
    Extension(Trusted(trusted)): Extension<Trusted>,
    uri: Uri,
) -> Result<Json<Value>, Failure> {
    let challenge = query::challenge(uri.query().unwrap_or_default())?;
    let Reply::Health(health) = host.engine.dispatch(Request::GetHealth).await? else {
        return Err(mismatch());
    };
    let proof = challenge.and_then(|challenge| host.engine.prove(&challenge));
    if !trusted {
        return Ok(Json(shape::bare_health(&health, proof)));
    }
    Ok(Json(shape::health(&health, host.engine.settings().dashboard_port, proof)))
}

/// `GET /api/stats`: totals over the calls that match the filters of `/api/traces`.
pub(crate) async fn stats(State(host): State<Host>, uri: Uri) -> Result<Json<Value>, Failure> {
    let filter = query::calls(uri.query().unwrap_or_default())?;
    match host.engine.dispatch(Request::GetStats { filter }).await? {
        Reply::Stats(stats) => Ok(Json(shape::stats(&stats))),
        _ => Err(mismatch()),
    }
}

/// `GET /api/traces`: a page of calls, newest first; `X-Total-Count` says how many match.
pub(crate) async fn traces(State(host): State<Host>, uri: Uri) -> Result<Response, Failure> {
    let (filter, page) = query::page_of_calls(uri.query().unwrap_or_default())?;
    let Reply::Calls(found) = host.engine.dispatch(Request::ListCalls { filter, page }).await? else {
        return Err(mismatch());
    };
    let shown = Shown {
        uri: &uri,
        total: found.total,
        rows: found.calls.len(),
        limit: page.limit,
        offset: page.offset,
        placed: page.before.is_some(),
        last: found.calls.last().map(|call| call.id.to_string()),
    };
    let rows: Vec<Value> = found.calls.iter().map(shape::row).collect();
    Ok((shown.headers(), Json(rows)).into_response())
}

/// `GET /api/traces/:id`: one call with headers and bodies; of a span what it says.
pub(crate) async fn trace(State(host): State<Host>, Segment(id): Segment) -> Result<Json<Value>, Failure> {
    let Ok(call) = id.parse() else { return telemetry::span(&host, &id).await };
    let found = match host.engine.dispatch(Request::GetCall { id: call }).await {
        Err(error) if error.kind == ErrorKind::NotFound => return telemetry::span(&host, &id).await,
        found => found?,
    };
    let (Reply::Call(call), id) = (found, call) else { return Err(mismatch()) };
    let request = host.engine.whole_body(id, BodySide::Request).await?;
    let response = host.engine.whole_body(id, BodySide::Response).await?;
    let client = match &call.translated {
        Some(translated) => {
            let request = host.engine.whole_body(id, BodySide::ClientRequest).await?;
            let response = host.engine.whole_body(id, BodySide::ClientResponse).await?;
            shape::translated(translated, request, response)
        }
        None => Value::Null,
    };
    Ok(Json(shape::trace(&call, request, response, &client)))
}
