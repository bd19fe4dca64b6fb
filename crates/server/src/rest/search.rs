//! Searching over REST, with the filters of `/api/traces`. Leaves out what a text asks for (`store`).

use api::{ApiError, Reply, Request, SearchLag, SearchOrder};
use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Value, json};

use super::{query, shape};
use crate::Host;
use crate::error::{Failure, mismatch};

/// `GET /api/search?q=…`: a page of calls, with where they say it; `order=best` for the best of the newest that match.
pub(crate) async fn search(
    State(host): State<Host>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Failure> {
    let query = query.unwrap_or_default();
    let (filter, page) = query::read(&query)?;
    let order = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "order");
    let order = match order.as_ref().map(|(_, order)| order.as_ref()) {
        None | Some("" | "newest") => SearchOrder::Newest,
        Some("best") => SearchOrder::Best,
        Some(_) => return Err(ApiError::parameter("order", "order is newest or best").into()),
    };
    let request = Request::Search { filter, order, limit: page.limit, offset: page.offset };
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
    Ok(Json(json!({ "hits": hits, "total": found.total, "compared": found.compared, "lag": found.lag })))
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
