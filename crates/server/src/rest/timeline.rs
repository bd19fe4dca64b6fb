//! `GET /api/timeline`: calls and log records in one list, newest first.

use std::cmp::Reverse;

use api::{CallSummary, CallsPage, LogRow, LogsPage, Money, Page, Reply, Request};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, Uri};
use serde_json::{Value, json};

use super::paging::Shown;
use super::query::{self, Items, Timeline};
use super::shape;
use super::shape::telemetry::{Json as Form, log};
use crate::Host;
use crate::error::{Failure, mismatch};

/// Where the texts of too many log records would have to be read for what is searched for: of none before this moment.
const READ_BACK_TO: HeaderName = HeaderName::from_static("x-read-back-to");

/// What stands in the list, before it is told.
enum Item {
    Call(Box<CallSummary>),
    Log(LogRow),
}

impl Item {
    /// The time by which the lists of both kinds page. A call's is its id's: by later reports it may have begun at another
    /// moment, and in another order it would be passed over or met twice.
    fn listed_ns(&self) -> i64 {
        match self {
            Self::Call(call) => call.id.began_ms().saturating_mul(1_000_000),
            Self::Log(log) => log.time_ns,
        }
    }
}

/// `GET /api/timeline`. `X-Total-Count` says how many match; `Link` leads to the next page; `X-Read-Back-To` tells where not
/// all log records were read.
pub(crate) async fn list(State(host): State<Host>, uri: Uri) -> Result<Response, Failure> {
    let asked = query::timeline(uri.query().unwrap_or_default())?;
    let (calls, logs) = found(&host, &asked).await?;
    let (total, read_back_to_ms) = (calls.total + logs.total, logs.read_back_to_ms);
    let (calls, logs) = (calls.calls, logs.logs);
    let is_full = |length: usize| length >= asked.limit as usize;
    let mut more = is_full(calls.len()) || is_full(logs.len());
    let mut items = merged(calls, logs);
    more |= items.len() > asked.limit as usize;
    items.truncate(asked.limit as usize);

    let mut place = asked.before;
    let mut told = Vec::with_capacity(items.len());
    for item in &items {
        match item {
            Item::Call(summary) => {
                place.call = Some(summary.id);
                told.push(call_item(summary));
            }
            Item::Log(row) => {
                place.log = Some(row.id.clone());
                told.extend(log_item(&host, row).await?);
            }
        }
    }
    let shown = Shown {
        uri: &uri,
        total,
        // A page is full as long as there may be more, whatever is gone from it again.
        rows: if more { asked.limit as usize } else { 0 },
        limit: asked.limit,
        offset: 0,
        placed: true,
        last: Some(place.to_string()),
    };
    let mut headers = shown.headers();
    headers.extend(read_back_to_ms.map(|ms| (READ_BACK_TO, ms.into())));
    Ok((headers, Json(told)).into_response())
}

/// Both lists as one, each in its own order.
fn merged(calls: Vec<CallSummary>, logs: Vec<LogRow>) -> Vec<Item> {
    let calls = calls.into_iter().map(|call| Item::Call(Box::new(call)));
    let mut items: Vec<Item> = calls.chain(logs.into_iter().map(Item::Log)).collect();
    // Stable: what stands in a list before another goes on doing so.
    items.sort_by_key(|item| Reverse(item.listed_ns()));
    items
}

/// The newest of each kind.
async fn found(host: &Host, asked: &Timeline) -> Result<(CallsPage, LogsPage), Failure> {
    let (mut calls, mut logs) = (CallsPage::default(), LogsPage::default());
    if asked.items != Items::Logs {
        let page = Page { limit: asked.limit, offset: 0, before: asked.before.call };
        let request = Request::ListCalls { filter: asked.calls.clone(), page };
        let Reply::Calls(found) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
        calls = found;
    }
    if asked.items != Items::Calls {
        let request = Request::ListLogs {
            filter: asked.logs.clone(),
            limit: asked.limit,
            offset: 0,
            before: asked.before.log.clone(),
        };
        let Reply::Logs(found) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
        logs = found;
    }
    Ok((calls, logs))
}

fn call_item(call: &CallSummary) -> Value {
    let row = shape::row(call);
    let field = |name: &str| row.get(name).cloned().unwrap_or_default();
    json!({
        "id": call.id,
        "type": "trace",
        "timestamp": call.started_ms,
        "title": call.title.as_deref().or(call.model.as_deref()).unwrap_or(&call.path),
        "subtitle": format!("{} {}", call.provider, call.model.as_deref().unwrap_or(&call.path)),
        "model": call.model,
        "service_name": call.client,
        "tool": call.client.as_deref().unwrap_or("proxy"),
        "status": call.status,
        "duration_ms": field("duration_ms"),
        "tokens": call.usage.total(),
        "cost": call.cost.map(Money::dollars),
        "data": row,
    })
}

/// `None` for a record that is gone again.
async fn log_item(host: &Host, row: &LogRow) -> Result<Option<Value>, Failure> {
    let detail = match host.engine.dispatch(Request::GetLog { id: row.id.clone() }).await {
        Ok(Reply::Log(detail)) => detail,
        Ok(_) => return Err(mismatch()),
        Err(error) if error.kind == api::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let data = log(&detail, Form::Parsed);
    Ok(Some(json!({
        "id": row.id,
        "type": "log",
        "timestamp": row.time_ns / 1_000_000,
        "title": row.event.as_deref().unwrap_or(&row.text),
        "subtitle": row.text,
        "service_name": row.service,
        "tool": row.service,
        "severity_text": data.get("severity_text"),
        "data": data,
    })))
}
