//! Invented log records, metrics and timelines, made to agree with the invented calls.

mod logs;
mod metrics;
mod reports;
mod timeline;

use api::{ApiError, CallDetail, ErrorKind, LogHistogram, LogRow, Reply, Request};

pub(super) use logs::{arrive, make};
pub(super) use reports::add as add_reports;

/// The answer to a question about logs, metrics or timelines; `None` to any other.
pub(super) fn answer(
    details: &[CallDetail],
    logs: &[LogRow],
    now: i64,
    request: &Request,
) -> Option<Result<Reply, ApiError>> {
    let gone = |what: &str| ApiError::new(ErrorKind::NotFound, format!("There is no such {what}."));
    Some(Ok(match request {
        Request::ListLogs { filter, limit, offset, before } => {
            Reply::Logs(logs::page(logs, filter, *limit, *offset, before.as_deref()))
        }
        Request::GetLog { id } => match logs.iter().find(|log| log.id == *id) {
            Some(log) => Reply::Log(Box::new(logs::detail(log, details))),
            None => return Some(Err(gone("log record"))),
        },
        Request::GetLogHistogram { filter, from_ms, to_ms, bars } => {
            let bars = logs::histogram(logs, filter, *from_ms, *to_ms, *bars);
            Reply::LogHistogram(LogHistogram { bars, read_back_to_ms: None })
        }
        Request::GetLogFacets => Reply::LogFacets(logs::facets(logs)),
        Request::ListMetrics { filter } => Reply::Metrics(metrics::list(filter, !details.is_empty(), now)),
        Request::GetMetricChart { query } => match metrics::chart(query, now) {
            Some(chart) => Reply::MetricChart(Box::new(chart)),
            None => return Some(Err(gone("metric"))),
        },
        Request::ListPoints { query, limit, offset } => {
            Reply::Points(metrics::points(query, *limit, *offset, now))
        }
        Request::GetMetricUsage { .. } => Reply::MetricUsage(metrics::usage(!details.is_empty())),
        Request::GetTimeline { session } => match super::sessions::one(details, session) {
            Some(found) => Reply::Timeline(timeline::of(&found, logs)),
            None => return Some(Err(gone("session"))),
        },
        _ => return None,
    }))
}
