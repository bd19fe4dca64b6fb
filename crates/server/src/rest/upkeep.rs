//! What is stored, over REST: what takes space, deleting, and calls as files.

use api::{ApiError, BodySide, CallFilter, Erase, Erased, ErrorKind, Page, Reply, Request, Storage};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::Uri;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{query, shape};
use crate::Host;
use crate::error::{Failure, mismatch};
use crate::unpack::{Body as Posted, Segment};

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
    // A trace's id may be written as a call's; one that is no id names nothing.
    let trace = id.replace('-', "");
    if trace.is_empty() || !trace.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return there(Json(Erased::default()));
    }
    there(erased(&host, Request::Erase { what: Erase::Trace(trace) }).await?)
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
pub(crate) async fn export_traces(State(host): State<Host>, uri: Uri) -> Result<Response, Failure> {
    let query = uri.query().unwrap_or_default();
    let (filter, limit, skipped, lines) = query::export(query)?;
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let most = limit.unwrap_or(EXPORTED);
    let (mut rows, mut before) = (Vec::new(), None);
    while (rows.len() as u64) < u64::from(most) {
        let left = most.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        let page = Page { limit: left.min(PAGE), offset: if before.is_none() { skipped } else { 0 }, before };
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
