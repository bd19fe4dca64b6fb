//! Calls that did not go through the proxy, as far as they are told of: what was said in them stands in the spans and log
//! records that tell of them. Leaves out reading those (`model::telemetry`).

use api::{ApiError, BodySide, CallDetail, CallId, CallReport, Conversation, ReportSource};
use model::pricing::{Facts, Prices};
use model::telemetry::{log_conversation, span_conversation};

use super::internal;
use super::telemetry::bytes;
use crate::Engine;

/// What Claude Code's records of one call have in common.
const REQUEST: &str = "request_id";

impl Engine {
    /// What was said in a call, as the first of its reports that knows tells it.
    pub(super) async fn reported_conversation(&self, call: &CallDetail) -> Result<Conversation, ApiError> {
        if call.reports.is_empty() {
            return self.conversation_from_elsewhere(call.summary.id).await;
        }
        let mut reports: Vec<&CallReport> = call.reports.iter().collect();
        reports.sort_by_key(|report| report.source);
        for report in reports {
            if let Some(said) = self.said_in(report).await? {
                return Ok(said);
            }
        }
        Ok(Conversation::default())
    }

    /// What was said in a call that was taken in from a file: what reports told where it came from stands in the place of
    /// bodies.
    async fn conversation_from_elsewhere(&self, id: CallId) -> Result<Conversation, ApiError> {
        let said = |body: Vec<u8>| serde_json::from_slice::<Conversation>(&body).unwrap_or_default();
        let asked = said(self.body(id, BodySide::Request).await?);
        let answered = said(self.body(id, BodySide::Response).await?);
        Ok(Conversation { answer: answered.answer, ..asked })
    }

    async fn said_in(&self, report: &CallReport) -> Result<Option<Conversation>, ApiError> {
        let store = &self.inner.store;
        let mut request = None;
        if let Some(log) = report.log_id.as_deref().and_then(store::log_key)
            && let Some(found) = store.log(log).await.map_err(internal)?
        {
            request = found.record.attributes.text(REQUEST).map(str::to_owned);
            if let Some(said) = log_conversation(&[found.record], &found.origin) {
                return Ok(Some(said));
            }
        }
        let (Some(trace), Some(span)) = (&report.trace_id, &report.span_id) else { return Ok(None) };
        let (trace, span) = (bytes("trace_id", trace)?, bytes("span_id", span)?);
        let Some(found) = store.span(trace, span).await.map_err(internal)? else { return Ok(None) };
        // An event stands in a span that may be much more than the call.
        if report.source == ReportSource::Span
            && let Some(said) = span_conversation(&found.span, &found.origin)
        {
            return Ok(Some(said));
        }
        let mut records = store.span_records(trace, span).await.map_err(internal)?;
        // A span that several calls were made in holds the answers of all of them.
        records.retain(|record| {
            let other = record.attributes.text(REQUEST);
            other.is_none() || other == request.as_deref() || request.is_none()
        });
        Ok(log_conversation(&records, &found.origin))
    }

    /// A call that did not go through the proxy with what its cost is made of, where the prices are what they were.
    pub(crate) fn explained(&self, call: CallDetail) -> CallDetail {
        explained(&self.inner.prices.now(), call)
    }
}

/// As [`Engine::explained`], by these prices.
pub(crate) fn explained(prices: &Prices, mut call: CallDetail) -> CallDetail {
    if call.summary.sources.contains(&ReportSource::Proxy) {
        return call;
    }
    let name = call.requested_model.clone().filter(|_| call.summary.model.is_none());
    let cost = prices.price(&call.summary, &Facts { name, ..Facts::default() });
    if cost.total == call.summary.cost && cost.source == call.summary.cost_source {
        call.cost = cost;
    }
    call
}
