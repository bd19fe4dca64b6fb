//! The questions about traces and their spans.

use api::{
    ApiError, CallCache, CallFilter, CallId, Reply, Request, SessionCache, SessionRef, SpanDetail,
    TraceDetail, TracesCursor, TracesPage,
};

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

    pub async fn call_cache(self, id: CallId) -> Result<CallCache, ApiError> {
        match self.ask(Request::GetCallCache { id }).await? {
            Reply::CallCache(cache) => Ok(*cache),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn session_cache(self, session: SessionRef) -> Result<SessionCache, ApiError> {
        match self.ask(Request::GetSessionCache { session }).await? {
            Reply::SessionCache(cache) => Ok(*cache),
            other => Err(unexpected(&other)),
        }
    }
}
