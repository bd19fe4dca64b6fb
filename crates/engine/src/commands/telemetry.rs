//! Questions about what tools report: traces, spans, log records, metrics. Leaves out a session's timeline, and how any
//! of it came in (`ingest`).

use api::{ApiError, CallId, ErrorKind, LogFilter, MetricFilter, MetricQuery, PointFilter, Reply, Request};
use model::telemetry::{ids, log_conversation, span_conversation, span_io};
use store::StoredSpan;

use super::{check_span, internal};
use crate::Engine;

const MOST_TRACES: u32 = 500;
const MOST_SPANS: u32 = 20_000;
const MOST_ROWS: u32 = 1_000;
const MOST_WHOLE: u32 = 5_000;
const MOST_BARS: u32 = 500;

impl Engine {
    /// Answers a question about what tools report.
    pub(super) async fn telemetry(&self, request: Request) -> Result<Reply, ApiError> {
        let store = &self.inner.store;
        match request {
            Request::ListTraces { filter, limit, offset, after } => {
                within("limit", limit, MOST_TRACES)?;
                let page = store.list_traces(&filter, limit, offset, after.as_ref()).await;
                page.map(Reply::Traces).map_err(internal)
            }
            Request::GetTrace { id, offset, limit } => {
                within("limit", limit, MOST_SPANS)?;
                let found = store.trace(bytes("id", &id)?, offset, limit).await.map_err(internal)?;
                let found = found.ok_or_else(|| missing("There is no trace with this id."))?;
                Ok(Reply::Trace(Box::new(found)))
            }
            Request::FindTrace { id } => self.find_trace(&id).await.map(Reply::TraceId),
            Request::ListSpans { trace_id, offset, limit } => {
                within("limit", limit, MOST_WHOLE)?;
                let found =
                    store.spans(bytes("trace_id", &trace_id)?, offset, limit).await.map_err(internal)?;
                let shown = found.into_iter().map(|StoredSpan { mut detail, span, .. }| {
                    (detail.input, detail.output) = span_io(&span);
                    detail
                });
                Ok(Reply::Spans(shown.collect()))
            }
            Request::FindSpan { id } => self.find_span(&id).await,
            Request::GetSpan { trace_id, span_id } => {
                self.span(bytes("trace_id", &trace_id)?, bytes("span_id", &span_id)?).await
            }
            Request::GetMetricUsage { from_ms, to_ms } => {
                check_span(from_ms, to_ms)?;
                store.metric_usage(from_ms, to_ms).await.map(Reply::MetricUsage).map_err(internal)
            }
            Request::ListLogs { filter, limit, offset, before } => {
                self.logs(filter, limit, offset, before.as_deref()).await
            }
            Request::ListLogDetails { filter, limit, offset, before } => {
                check_logs(&filter)?;
                within("limit", limit, MOST_ROWS)?;
                let before = before.map(|id| log_key("before", &id)).transpose()?;
                let logs = store.list_log_details(&filter, limit, offset, before).await;
                logs.map(Reply::LogDetails).map_err(internal)
            }
            Request::GetLog { id } => {
                let found = store.log(log_key("id", &id)?).await.map_err(internal)?;
                let found = found.ok_or_else(|| missing("There is no log record with this id."))?;
                Ok(Reply::Log(Box::new(found.detail)))
            }
            Request::GetLogHistogram { filter, from_ms, to_ms, bars } => {
                check_logs(&filter)?;
                check_span(from_ms, to_ms)?;
                within("bars", bars, MOST_BARS)?;
                let bars = store.log_histogram(&filter, from_ms, to_ms, bars).await;
                bars.map(Reply::LogHistogram).map_err(internal)
            }
            Request::GetLogFacets => store.log_facets().await.map(Reply::LogFacets).map_err(internal),
            Request::ListMetrics { filter } => self.metrics(&filter).await,
            Request::GetMetricChart { query } => self.metric_chart(&query).await,
            Request::ListPoints { query, limit, offset } => {
                within("limit", limit, MOST_ROWS)?;
                check_span(query.from_ms, query.to_ms)?;
                store.metric_points(&query, limit, offset).await.map(Reply::Points).map_err(internal)
            }
            Request::FindPoints { filter, limit, offset, before } => {
                self.points(&filter, limit, offset, before.as_deref()).await
            }
            Request::GetPoint { id } => {
                let found = store.point(&id).await.map_err(internal)?;
                Ok(Reply::Point(Box::new(found.ok_or_else(|| missing("There is no point with this id."))?)))
            }
            _ => Err(ApiError::new(ErrorKind::Internal, "This question is not about telemetry.")),
        }
    }

    /// The trace that a call's, a span's or a trace's id leads to.
    async fn find_trace(&self, id: &str) -> Result<String, ApiError> {
        let store = &self.inner.store;
        let none = || missing("There is no trace that this id leads to.");
        if id.len() == 36
            && let Ok(call) = id.parse::<CallId>()
        {
            let call = store.call(call).await.map_err(internal)?;
            if let Some(trace) = call.and_then(|call| call.summary.in_trace) {
                return Ok(trace);
            }
        }
        let mut trace = store.trace_of_span(ids::span_id(id)).await.map_err(internal)?;
        if trace.is_none() {
            let named = ids::trace_id(id);
            trace = store.trace_key(named).await.map_err(internal)?.map(|_| named);
        }
        let digits = trace.map(|id| format!("{:032x}", u128::from_be_bytes(id)));
        digits.ok_or_else(none)
    }

    /// The newest span with this id.
    async fn find_span(&self, id: &str) -> Result<Reply, ApiError> {
        let none = || missing("There is no span with this id.");
        let span = ids::span_id(id);
        let trace = self.inner.store.trace_of_span(span).await.map_err(internal)?;
        self.span(trace.ok_or_else(none)?, span).await
    }

    async fn span(&self, trace: [u8; 16], span: [u8; 8]) -> Result<Reply, ApiError> {
        let found = self.inner.store.span(trace, span).await.map_err(internal)?;
        let found = found.ok_or_else(|| missing("There is no span with this id in this trace."))?;
        let StoredSpan { mut detail, span: told, origin } = found;
        detail.conversation = span_conversation(&told, &origin);
        if detail.conversation.is_none() && !detail.logs.is_empty() {
            // Some tell in log records what was said in a span.
            let records = self.inner.store.span_records(trace, span).await.map_err(internal)?;
            detail.conversation = log_conversation(&records, &origin);
        }
        (detail.input, detail.output) = span_io(&told);
        Ok(Reply::Span(Box::new(detail)))
    }

    async fn logs(
        &self,
        filter: LogFilter,
        limit: u32,
        offset: u32,
        before: Option<&str>,
    ) -> Result<Reply, ApiError> {
        check_logs(&filter)?;
        within("limit", limit, MOST_ROWS)?;
        let before = before.map(|id| log_key("before", id)).transpose()?;
        let logs = self.inner.store.list_logs(&filter, limit, offset, before).await;
        logs.map(Reply::Logs).map_err(internal)
    }

    async fn metrics(&self, filter: &MetricFilter) -> Result<Reply, ApiError> {
        check_order(filter.from_ms, filter.to_ms)?;
        self.inner.store.list_metrics(filter).await.map(Reply::Metrics).map_err(internal)
    }

    async fn metric_chart(&self, query: &MetricQuery) -> Result<Reply, ApiError> {
        check_span(query.from_ms, query.to_ms)?;
        within("bars", query.bars, MOST_BARS)?;
        let chart = self.inner.store.metric_chart(query).await.map_err(internal)?;
        let chart = chart.ok_or_else(|| missing("There is no metric of this name, service and kind."))?;
        Ok(Reply::MetricChart(Box::new(chart)))
    }

    async fn points(
        &self,
        filter: &PointFilter,
        limit: u32,
        offset: u32,
        before: Option<&str>,
    ) -> Result<Reply, ApiError> {
        check_order(filter.from_ms, filter.to_ms)?;
        within("limit", limit, MOST_ROWS)?;
        let wrong = || ApiError::parameter("before", "before must be the id of a point.");
        let before = before.map(|id| store::point_key(id).ok_or_else(wrong)).transpose()?;
        let found = self.inner.store.find_points(filter, limit, offset, before).await;
        found.map(Reply::FoundPoints).map_err(internal)
    }
}

fn missing(what: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, what)
}

fn within(name: &str, value: u32, most: u32) -> Result<(), ApiError> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(ApiError::parameter(name, format!("{name} must be a whole number from 1 to {most}.")))
}

fn check_order(from_ms: Option<i64>, to_ms: Option<i64>) -> Result<(), ApiError> {
    match (from_ms, to_ms) {
        (Some(from), Some(to)) if from >= to => {
            Err(ApiError::parameter("to_ms", "to_ms must be after from_ms"))
        }
        _ => Ok(()),
    }
}

fn check_logs(filter: &LogFilter) -> Result<(), ApiError> {
    check_order(filter.from_ms, filter.to_ms)?;
    if filter.severity_min.is_some_and(|severity| severity > 24) {
        return Err(ApiError::parameter("severity_min", "severity_min must be a whole number from 0 to 24."));
    }
    for (name, id, length) in [("trace_id", &filter.trace_id, 16), ("span_id", &filter.span_id, 8)] {
        if let Some(id) = id {
            check_hex(name, id, length)?;
        }
    }
    Ok(())
}

fn check_hex(name: &str, id: &str, bytes: usize) -> Result<(), ApiError> {
    if id.len() == bytes * 2 && id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(ApiError::parameter(name, format!("{name} must be {} hexadecimal digits.", bytes * 2)))
}

/// An id of so many bytes from its hexadecimal digits.
pub(super) fn bytes<const LENGTH: usize>(name: &str, id: &str) -> Result<[u8; LENGTH], ApiError> {
    check_hex(name, id, LENGTH)?;
    let number = u128::from_str_radix(id, 16).unwrap_or_default().to_be_bytes();
    let mut bytes = [0; LENGTH];
    bytes.iter_mut().rev().zip(number.iter().rev()).for_each(|(byte, digit)| *byte = *digit);
    Ok(bytes)
}

fn log_key(name: &str, id: &str) -> Result<(i64, i64), ApiError> {
    store::log_key(id).ok_or_else(|| {
        ApiError::parameter(name, format!("{name} must be a log record's 32 hexadecimal digits."))
    })
}
