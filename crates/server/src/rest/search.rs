//! Searching over REST, with the filters of `/api/traces`. Leaves out what a text asks for (`store`).

use api::{Reply, Request, SearchLag, SearchOrder};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::Uri;
use serde_json::{Value, json};

use super::paging::Shown;
use super::{query, shape};
use crate::Host;
use crate::error::{Failure, mismatch};

/// `GET /api/search?q=…`: a page of calls, with where they say it; `order=best` for the best of the newest that match.
pub(crate) async fn search(State(host): State<Host>, uri: Uri) -> Result<Response, Failure> {
    let (filter, order, part) = query::search(uri.query().unwrap_or_default())?;
    let query::Part { limit, offset, before } = part;
    let request = Request::Search { filter, order, limit, offset, before };
    let Reply::Found(found) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
    let hits: Vec<Value> = found
        .hits
        .iter()
        .map(|hit| {
            let mut row = shape::row(&hit.call);
            if let Some(row) = row.as_object_mut() {
                row.insert("snippet".to_owned(), json!(hit.snippet.as_ref().map(|snippet| &snippet.parts)));
            }
            row
        })
        .collect();
    let last = found.hits.last().filter(|_| order == SearchOrder::Newest).map(|hit| hit.call.id.to_string());
    let more = Shown {
        uri: &uri,
        // No more than those that were compared can be paged through.
        total: found.compared.unwrap_or(found.total),
        rows: hits.len(),
        limit,
        offset,
        placed: before.is_some(),
        last,
    };
    Ok((
        more.headers(),
        Json(json!({ "hits": hits, "total": found.total, "compared": found.compared, "lag": found.lag })),
    )
        .into_response())
}

/// `GET /api/search/index`: how many calls and log records are not in the index yet.
pub(crate) async fn lag(State(host): State<Host>) -> Result<Json<SearchLag>, Failure> {
    asked(&host, Request::GetSearchLag).await
}

/// `POST /api/search/index`: makes the index again, beside everything else.
pub(crate) async fn rebuild(State(host): State<Host>) -> Result<Json<SearchLag>, Failure> {
    asked(&host, Request::RebuildSearch).await
}

async fn asked(host: &Host, request: Request) -> Result<Json<SearchLag>, Failure> {
    match host.engine.dispatch(request).await? {
        Reply::SearchLag(lag) => Ok(Json(lag)),
        _ => Err(mismatch()),
    }
}
