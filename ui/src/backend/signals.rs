//! Questions about log records, metrics and timelines. Leaves out those about calls (`backend`).

use api::{
    ApiError, HistogramBar, LogDetail, LogFacets, LogFilter, LogsPage, MetricChart, MetricFilter,
    MetricPoint, MetricQuery, MetricSummary, MetricUsage, PointsPage, Reply, Request, SessionRef, Timeline,
};

use super::{Backend, unexpected};

impl Backend {
    pub async fn logs(
        self,
        filter: LogFilter,
        limit: u32,
        offset: u32,
        before: Option<String>,
    ) -> Result<LogsPage, ApiError> {
        match self.ask(Request::ListLogs { filter, limit, offset, before }).await? {
            Reply::Logs(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn log(self, id: String) -> Result<LogDetail, ApiError> {
        match self.ask(Request::GetLog { id }).await? {
            Reply::Log(log) => Ok(*log),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn log_histogram(
        self,
        filter: LogFilter,
        from_ms: i64,
        to_ms: i64,
        bars: u32,
    ) -> Result<Vec<HistogramBar>, ApiError> {
        match self.ask(Request::GetLogHistogram { filter, from_ms, to_ms, bars }).await? {
            Reply::LogHistogram(found) => Ok(found.bars),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn log_facets(self) -> Result<LogFacets, ApiError> {
        match self.ask(Request::GetLogFacets).await? {
            Reply::LogFacets(facets) => Ok(facets),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn metrics(self, filter: MetricFilter) -> Result<Vec<MetricSummary>, ApiError> {
        match self.ask(Request::ListMetrics { filter }).await? {
            Reply::Metrics(metrics) => Ok(metrics),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn metric_chart(self, query: MetricQuery) -> Result<MetricChart, ApiError> {
        match self.ask(Request::GetMetricChart { query }).await? {
            Reply::MetricChart(chart) => Ok(*chart),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn points(self, query: MetricQuery, limit: u32, offset: u32) -> Result<PointsPage, ApiError> {
        match self.ask(Request::ListPoints { query, limit, offset }).await? {
            Reply::Points(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }

    /// A point whose list left something out.
    pub async fn point(self, id: String) -> Result<MetricPoint, ApiError> {
        match self.ask(Request::GetPoint { id }).await? {
            Reply::Point(found) => Ok(found.point),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn metric_usage(self, from_ms: i64, to_ms: i64) -> Result<Vec<MetricUsage>, ApiError> {
        match self.ask(Request::GetMetricUsage { from_ms, to_ms }).await? {
            Reply::MetricUsage(usage) => Ok(usage),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn timeline(self, session: SessionRef) -> Result<Timeline, ApiError> {
        match self.ask(Request::GetTimeline { session }).await? {
            Reply::Timeline(timeline) => Ok(timeline),
            other => Err(unexpected(&other)),
        }
    }
}
