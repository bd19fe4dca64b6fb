//! What the app has collected: traces, spans, logs and metrics, as its API tells them. Leaves out sending them (`otlp`).

use api::{
    CallFilter, LogDetail, LogFilter, LogRow, MetricFilter, MetricPoint, MetricQuery, MetricSummary, Reply,
    Request, SpanDetail, SpanRow, Timeline, TraceDetail, TraceEntry, TraceSummary,
};

use crate::app::App;
use crate::wait::wait_until;

/// As many as one question may ask for.
const MANY: u32 = 1_000;

impl App {
    /// The newest traces and lone calls.
    pub async fn entries(&self) -> Vec<TraceEntry> {
        let filter = CallFilter { side_calls: true, ..CallFilter::default() };
        match self.ask(&Request::ListTraces { filter, limit: 500, offset: 0, after: None }).await {
            Reply::Traces(page) => page.entries,
            other => panic!("{other:?}"),
        }
    }

    /// The newest traces.
    pub async fn traces(&self) -> Vec<TraceSummary> {
        let traces = self.entries().await.into_iter().filter_map(|entry| match entry {
            TraceEntry::Trace(trace) => Some(trace),
            TraceEntry::Call(_) => None,
        });
        traces.collect()
    }

    /// A trace with all its spans.
    pub async fn trace(&self, id: &str) -> TraceDetail {
        let part = async |offset| {
            let request = Request::GetTrace { id: id.to_owned(), offset, limit: 20_000 };
            match self.ask(&request).await {
                Reply::Trace(part) => *part,
                other => panic!("{other:?}"),
            }
        };
        let mut whole = part(0).await;
        while let Some(next) = whole.next {
            let more = part(next).await;
            whole.spans.extend(more.spans);
            whole.next = more.next;
        }
        whole
    }

    /// The spans of every trace that the list shows.
    pub async fn spans(&self) -> Vec<SpanRow> {
        let mut spans = Vec::new();
        for trace in self.traces().await {
            spans.extend(self.trace(&trace.id).await.spans);
        }
        spans
    }

    /// Everything about one span.
    pub async fn span(&self, trace_id: &str, span_id: &str) -> SpanDetail {
        let request = Request::GetSpan { trace_id: trace_id.to_owned(), span_id: span_id.to_owned() };
        match self.ask(&request).await {
            Reply::Span(span) => *span,
            other => panic!("{other:?}"),
        }
    }

    /// The log records that match, newest first: all of them.
    pub async fn logs(&self, filter: &LogFilter) -> Vec<LogRow> {
        let mut found: Vec<LogRow> = Vec::new();
        loop {
            let before = found.last().map(|row| row.id.clone());
            let request = Request::ListLogs { filter: filter.clone(), limit: MANY, offset: 0, before };
            let Reply::Logs(page) = self.ask(&request).await else { panic!("not logs") };
            let last = page.logs.len() < MANY as usize;
            found.extend(page.logs);
            if last {
                return found;
            }
        }
    }

    /// Everything about one log record.
    pub async fn log_record(&self, id: &str) -> LogDetail {
        match self.ask(&Request::GetLog { id: id.to_owned() }).await {
            Reply::Log(log) => *log,
            other => panic!("{other:?}"),
        }
    }

    /// The metrics of one service, or all.
    pub async fn metrics(&self, service: Option<&str>) -> Vec<MetricSummary> {
        let filter = MetricFilter { service: service.map(str::to_owned), ..MetricFilter::default() };
        match self.ask(&Request::ListMetrics { filter }).await {
            Reply::Metrics(metrics) => metrics,
            other => panic!("{other:?}"),
        }
    }

    /// A metric's points, newest first.
    pub async fn points(&self, metric: &MetricSummary) -> Vec<MetricPoint> {
        let query = MetricQuery {
            name: metric.name.clone(),
            service: metric.service.clone(),
            kind: metric.kind,
            group: None,
            from_ms: 0,
            to_ms: i64::MAX / 1_000_000,
            bars: 1,
        };
        let mut points = match self.ask(&Request::ListPoints { query, limit: MANY, offset: 0 }).await {
            Reply::Points(page) => page.points,
            other => panic!("{other:?}"),
        };
        for point in points.iter_mut().filter(|point| point.shortened) {
            *point = match self.ask(&Request::GetPoint { id: point.id.clone() }).await {
                Reply::Point(found) => found.point,
                other => panic!("{other:?}"),
            };
            assert!(!point.shortened, "{}", point.id);
        }
        points
    }

    /// What happened in a session.
    pub async fn timeline(&self, session: api::SessionRef) -> Timeline {
        match self.ask(&Request::GetTimeline { session }).await {
            Reply::Timeline(timeline) => timeline,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until everything stored is joined with calls and sessions.
    pub async fn digested(&self) {
        wait_until("the backlog to be empty", async || {
            (self.health().await.collected.waiting == 0).then_some(())
        })
        .await;
    }
}
