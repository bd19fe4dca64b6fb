//! The questions about traces and their spans.

use api::{ApiError, CallFilter, Reply, Request, SpanDetail, TraceDetail, TracesCursor, TracesPage};

use super::{Backend, unexpected};

impl Backend {
    pub async fn traces(
        self,
        filter: CallFilter,
        limit: u32,
        after: Option<TracesCursor>,
        offset: u64,
    ) -> Result<TracesPage, ApiError> {
        match self.ask(Request::ListTraces { filter, limit, after, offset }).await? {
            Reply::Traces(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn trace(self, id: String, offset: u64, limit: u32) -> Result<TraceDetail, ApiError> {
        match self.ask(Request::GetTrace { id, offset, limit }).await? {
            Reply::Trace(trace) => Ok(*trace),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn span(self, trace_id: String, span_id: String) -> Result<SpanDetail, ApiError> {
        match self.ask(Request::GetSpan { trace_id, span_id }).await? {
            Reply::Span(span) => Ok(*span),
            other => Err(unexpected(&other)),
        }
    }
}
