//! What is stored, over REST: what takes space, deleting, and calls as files.

use api::{ApiError, BodySide, Erase, Erased, ErrorKind, Page, Reply, Request, Storage};
use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{query, shape};
use crate::Host;
use crate::error::{Failure, mismatch};

/// Calls in a file, if nobody says how many.
const EXPORTED: u32 = 1_000;
/// Calls that are asked for at once.
const PAGE: u32 = 200;

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

/// `GET /api/export/calls`: every call with its bodies, a line of JSON each, as `llmflow import` takes them.
pub(crate) async fn export_calls(State(host): State<Host>) -> Response {
    let pages = stream::try_unfold((host, 0), async |(host, after)| {
        let next =
            host.engine.export_some(after).await.map_err(|error| std::io::Error::other(error.error))?;
        Ok::<_, std::io::Error>(next.map(|(lines, last)| (Bytes::from(lines), (host, last))))
    });
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("content-disposition", "attachment; filename=\"llmflow-calls.jsonl\""),
    ];
    (headers, Body::from_stream(pages)).into_response()
}

/// `GET /api/traces/export`: the calls that match as one JSON document, or a line each with `format=jsonl`.
pub(crate) async fn export_traces(
    State(host): State<Host>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    let (filter, asked) = query::read(&query)?;
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let said = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let lines = match said("format") {
        None | Some("json") => false,
        Some("jsonl" | "ndjson") => true,
        Some(_) => return Err(ApiError::parameter("format", "format is json or jsonl").into()),
    };
    let most = if said("limit").is_some() { asked.limit } else { EXPORTED };
    let (mut rows, mut before) = (Vec::new(), None);
    while (rows.len() as u64) < u64::from(most) {
        let left = most.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        let page =
            Page { limit: left.min(PAGE), offset: if before.is_none() { asked.offset } else { 0 }, before };
        let Reply::Calls(found) =
            host.engine.dispatch(Request::ListCalls { filter: filter.clone(), page }).await?
        else {
            return Err(mismatch());
        };
        let Some(last) = found.calls.last() else { break };
        before = Some(last.id);
        for call in &found.calls {
            let mut row = shape::row(call);
            if let Some(row) = row.as_object_mut() {
                for (name, side) in
                    [("request_body", BodySide::Request), ("response_body", BodySide::Response)]
                {
                    let body = host.engine.whole_body(call.id, side).await?;
                    row.insert(name.to_owned(), body.into());
                }
            }
            rows.push(row);
        }
    }
    if lines {
        let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
        let headers = [
            ("content-type", "application/x-ndjson"),
            ("content-disposition", "attachment; filename=\"llmflow-traces.jsonl\""),
        ];
        return Ok((headers, text).into_response());
    }
    let filters: serde_json::Map<String, Value> = pairs
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "format" | "limit" | "offset"))
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let document = json!({
        "exported_at": engine::days_ago(0),
        "count": rows.len(),
        "filters": filters,
        "traces": rows,
    });
    let headers = [("content-disposition", "attachment; filename=\"llmflow-traces.json\"")];
    Ok((headers, Json(document)).into_response())
}
