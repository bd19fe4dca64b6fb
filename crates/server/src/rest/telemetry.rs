//! The endpoints of what tools report: a trace's tree, log records, metrics.

use api::{
    ApiError, CallFilter, CallId, CallSummary, ErrorKind, MetricFilter, Page, PointFilter, Reply, Request,
    SpanDetail, SpanRow, TraceSummary,
};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::Uri;
use serde_json::{Value, json};

use super::paging::{self, Shown};
use super::query;
use super::shape::calls_tree::calls_tree;
use super::shape::telemetry::{self as shape, Json as Form};
use crate::Host;
use crate::error::{Failure, mismatch};
use crate::unpack::Segment;

/// Spans of one part.
const PART: u32 = 20_000;
/// Whole spans of one part.
const WHOLE: u32 = 5_000;
/// Calls of one part.
const CALLS: u32 = 1_000;
/// Spans of a tree that are told with their attributes.
const DETAILED: u64 = 10_000;
/// The end of time, for sums over all of it.
const EVER_MS: i64 = 4_102_444_800_000;

/// `GET /api/traces/:id/tree`: the whole trace that a call, a span or a trace of this id is in.
pub(crate) async fn tree(State(host): State<Host>, Segment(id): Segment) -> Result<Response, Failure> {
    let trace_id = match trace_of(&host, &id).await {
        Ok(trace_id) => trace_id,
        Err(failure) => return calls_of(&host, &id).await?.ok_or(failure),
    };
    let ((trace, spans), details) =
        tokio::try_join!(spans_of(&host, &trace_id), details_of(&host, &trace_id))?;
    let tree = shape::tree(&trace, &spans, &details);
    tree.map(|tree| Json(tree).into_response()).map_err(|_never| mismatch())
}

/// The trace that an id leads to, in hex.
async fn trace_of(host: &Host, id: &str) -> Result<String, Failure> {
    match host.engine.dispatch(Request::FindTrace { id: id.to_owned() }).await {
        Ok(Reply::TraceId(id)) => Ok(id),
        Ok(_) => Err(mismatch()),
        Err(error) if error.kind == ErrorKind::NotFound => {
            Err(ApiError::new(ErrorKind::NotFound, "Span not found").into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Where nobody reported a span: the calls whose headers name this trace, or the one that this call names.
async fn calls_of(host: &Host, id: &str) -> Result<Option<Response>, Failure> {
    let call = match id.parse::<CallId>() {
        Ok(id) => match host.engine.dispatch(Request::GetCall { id }).await {
            Ok(Reply::Call(call)) => Some(call.summary),
            Ok(_) => return Err(mismatch()),
            Err(error) if error.kind == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        },
        Err(_) => None,
    };
    let name = match &call {
        Some(call) => call.trace_id.clone(),
        None => Some(id.to_owned()),
    };
    let mut calls = match name.filter(|name| !name.is_empty()) {
        Some(name) => named(host, name).await?,
        None => Vec::new(),
    };
    if calls.is_empty() {
        calls.extend(call);
    }
    if calls.is_empty() {
        return Ok(None);
    }
    // They came by their ids, which grow with time.
    calls.reverse();
    let tree = calls_tree(&calls).map_err(|_never| mismatch())?;
    Ok(Some(Json(tree).into_response()))
}

/// All calls whose headers name this trace, the newest first.
async fn named(host: &Host, trace_id: String) -> Result<Vec<CallSummary>, Failure> {
    let filter = CallFilter { trace_id: Some(trace_id), side_calls: true, ..CallFilter::default() };
    let (mut calls, mut before) = (Vec::<CallSummary>::new(), None);
    loop {
        let page = Page { limit: CALLS, offset: 0, before };
        let request = Request::ListCalls { filter: filter.clone(), page };
        let Reply::Calls(found) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
        let is_last = found.calls.len() < CALLS as usize;
        calls.extend(found.calls);
        if is_last {
            return Ok(calls);
        }
        before = calls.last().map(|call| call.id);
    }
}

async fn spans_of(host: &Host, id: &str) -> Result<(TraceSummary, Vec<SpanRow>), Failure> {
    let (mut spans, mut offset) = (Vec::new(), 0);
    loop {
        let request = Request::GetTrace { id: id.to_owned(), offset, limit: PART };
        let Reply::Trace(part) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
        spans.extend(part.spans);
        match part.next {
            Some(next) => offset = next,
            None => return Ok((part.trace, spans)),
        }
    }
}

async fn details_of(host: &Host, trace_id: &str) -> Result<Vec<SpanDetail>, Failure> {
    let (mut details, mut offset) = (Vec::new(), 0);
    while offset < DETAILED {
        let request = Request::ListSpans { trace_id: trace_id.to_owned(), offset, limit: WHOLE };
        let Reply::Spans(part) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
        let is_last = part.len() < WHOLE as usize;
        details.extend(part);
        if is_last {
            break;
        }
        offset += u64::from(WHOLE);
    }
    Ok(details)
}

/// One span, for `GET /api/traces/:id` with an id that is no call's.
pub(super) async fn span(host: &Host, id: &str) -> Result<Json<Value>, Failure> {
    let none = || Failure::from(ApiError::new(ErrorKind::NotFound, "Trace not found"));
    let request = Request::FindSpan { id: id.to_owned() };
    let detail = match host.engine.dispatch(request).await {
        Ok(Reply::Span(detail)) => detail,
        Ok(_) => return Err(mismatch()),
        Err(error) if error.kind == ErrorKind::NotFound => return Err(none()),
        Err(error) => return Err(error.into()),
    };
    let request = Request::GetTrace { id: detail.trace_id.clone(), offset: 0, limit: 1 };
    let Reply::Trace(part) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
    Ok(Json(shape::span(&part.trace, &detail)))
}

/// `GET /api/logs`: a page of log records, newest first, and how many match.
pub(crate) async fn logs(State(host): State<Host>, uri: Uri) -> Result<Response, Failure> {
    let (filter, query::Part { limit, offset, before }) = query::logs(uri.query().unwrap_or_default())?;
    let placed = before.is_some();
    let request = Request::ListLogDetails { filter, limit, offset, before };
    let Reply::LogDetails(found) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
    let (total, rows) = (found.total, found.logs.len());
    let last = found.logs.last().map(|log| log.row.id.clone());
    let shown = Shown { uri: &uri, total, rows, limit, offset, placed, last };
    let logs: Vec<Value> = found.logs.iter().map(|log| shape::log(log, Form::Text)).collect();
    let mut told = json!({"logs": logs, "total": total});
    if let (Some(back_to), Value::Object(told)) = (found.read_back_to_ms, &mut told) {
        told.insert("read_back_to".to_owned(), back_to.into());
    }
    Ok((shown.headers(), Json(told)).into_response())
}

/// `GET /api/logs/filters`: the values that `/api/logs` can be filtered by.
pub(crate) async fn log_filters(State(host): State<Host>) -> Result<Json<Value>, Failure> {
    match host.engine.dispatch(Request::GetLogFacets).await? {
        Reply::LogFacets(facets) => {
            Ok(Json(json!({"services": facets.services, "event_names": facets.events})))
        }
        _ => Err(mismatch()),
    }
}

/// `GET /api/logs/:id`: one log record.
pub(crate) async fn log(State(host): State<Host>, Segment(id): Segment) -> Result<Json<Value>, Failure> {
    let none = || ApiError::new(ErrorKind::NotFound, "Log not found");
    match host.engine.dispatch(Request::GetLog { id }).await {
        Ok(Reply::Log(log)) => Ok(Json(shape::log(&log, Form::Parsed))),
        Ok(_) => Err(mismatch()),
        // An id that cannot be one names nothing.
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::BadRequest) => Err(none().into()),
        Err(error) => Err(error.into()),
    }
}

/// `GET /api/metrics`: a page of points, newest first, and how many match; with `aggregation=summary` as
/// `/api/metrics/summary`, in an object.
pub(crate) async fn metrics(State(host): State<Host>, uri: Uri) -> Result<Response, Failure> {
    let query::Metrics { filter, part, summary } = query::metrics(uri.query().unwrap_or_default())?;
    if summary {
        let summary = summaries(&host, &filter).await?;
        let total = [(paging::TOTAL, summary.len().to_string())];
        return Ok((total, Json(json!({"summary": summary}))).into_response());
    }
    let query::Part { limit, offset, before } = part;
    let placed = before.is_some();
    let request = Request::FindPoints { filter, limit, offset, before };
    let Reply::FoundPoints(found) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
    let (total, rows) = (found.total, found.points.len());
    let last = found.points.last().map(|point| point.point.id.clone());
    let shown = Shown { uri: &uri, total, rows, limit, offset, placed, last };
    let points: Vec<Value> = found.points.iter().map(|point| shape::point(point, Form::Text)).collect();
    Ok((shown.headers(), Json(json!({"metrics": points, "total": total}))).into_response())
}

/// `GET /api/metrics/summary`: each metric, added up.
pub(crate) async fn metric_summary(State(host): State<Host>, uri: Uri) -> Result<Json<Vec<Value>>, Failure> {
    let filter = query::metric_summary(uri.query().unwrap_or_default())?;
    Ok(Json(summaries(&host, &filter).await?))
}

async fn summaries(host: &Host, filter: &PointFilter) -> Result<Vec<Value>, Failure> {
    let of = MetricFilter {
        text: filter.name.clone(),
        service: filter.service.clone(),
        from_ms: filter.from_ms,
        to_ms: filter.to_ms,
    };
    let Reply::Metrics(metrics) = host.engine.dispatch(Request::ListMetrics { filter: of }).await? else {
        return Err(mismatch());
    };
    let named = metrics.iter().filter(|metric| {
        filter.name.as_ref().is_none_or(|name| *name == metric.name)
            && filter.kind.is_none_or(|kind| kind == metric.kind)
    });
    Ok(named.map(shape::metric).collect())
}

/// `GET /api/metrics/filters`: the values that `/api/metrics` can be filtered by.
pub(crate) async fn metric_filters(State(host): State<Host>) -> Result<Json<Value>, Failure> {
    let Reply::Metrics(metrics) =
        host.engine.dispatch(Request::ListMetrics { filter: MetricFilter::default() }).await?
    else {
        return Err(mismatch());
    };
    let mut names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    let mut services: Vec<&str> = metrics.iter().filter_map(|metric| metric.service.as_deref()).collect();
    for list in [&mut names, &mut services] {
        list.sort_unstable();
        list.dedup();
    }
    Ok(Json(json!({"names": names, "services": services})))
}

/// `GET /api/metrics/:id`: one point.
pub(crate) async fn metric(State(host): State<Host>, Segment(id): Segment) -> Result<Json<Value>, Failure> {
    match host.engine.dispatch(Request::GetPoint { id }).await {
        Ok(Reply::Point(point)) => Ok(Json(shape::point(&point, Form::Parsed))),
        Ok(_) => Err(mismatch()),
        Err(error) if error.kind == ErrorKind::NotFound => {
            Err(ApiError::new(ErrorKind::NotFound, "Metric not found").into())
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /api/metrics/tokens`: what metrics say of tokens, in an object.
pub(crate) async fn metric_tokens(State(host): State<Host>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({"usage": tokens(&host).await?})))
}

/// `GET /api/token-usage`: the same without the object.
pub(crate) async fn token_usage(State(host): State<Host>) -> Result<Json<Vec<Value>>, Failure> {
    tokens(&host).await.map(Json)
}

async fn tokens(host: &Host) -> Result<Vec<Value>, Failure> {
    match host.engine.dispatch(Request::GetMetricUsage { from_ms: 0, to_ms: EVER_MS }).await? {
        Reply::MetricUsage(usage) => Ok(shape::tokens(&usage)),
        _ => Err(mismatch()),
    }
}
