//! The questions about searching.

use api::{ApiError, CallFilter, CallId, Reply, Request, SearchLag, SearchOrder, SearchPage, Snippets};

use super::{Backend, unexpected};

impl Backend {
    /// The best calls, from `offset` on.
    pub async fn best(self, filter: CallFilter, limit: u32, offset: u32) -> Result<SearchPage, ApiError> {
        match self
            .ask(Request::Search { filter, order: SearchOrder::Best, limit, offset, before: None })
            .await?
        {
            Reply::Found(page) => Ok(*page),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn snippets(
        self,
        text: String,
        calls: Vec<CallId>,
        traces: Vec<String>,
        logs: Vec<String>,
    ) -> Result<Snippets, ApiError> {
        match self.ask(Request::GetSnippets { text, calls, traces, logs }).await? {
            Reply::Snippets(snippets) => Ok(snippets),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn search_lag(self) -> Result<SearchLag, ApiError> {
        match self.ask(Request::GetSearchLag).await? {
            Reply::SearchLag(lag) => Ok(lag),
            other => Err(unexpected(&other)),
        }
    }
}
