//! Searching, and the index behind it. Leaves out what a text asks for (`store`) and filling the index (`indexer`).

use api::{ApiError, Reply, Request};

use super::internal;
use crate::Engine;

impl Engine {
    pub(super) async fn search(&self, request: Request) -> Result<Reply, ApiError> {
        let store = &self.inner.store;
        match request {
            Request::Search { filter, order, limit, offset, before } => {
                let found = store.search(&filter, order, limit, offset, before).await;
                found.map(|found| Reply::Found(Box::new(found))).map_err(internal)
            }
            Request::GetSnippets { text, calls, traces, logs } => {
                store.snippets(&text, &calls, &traces, &logs).await.map(Reply::Snippets).map_err(internal)
            }
            Request::RebuildSearch => {
                store.rebuild_search().await.map_err(internal)?;
                store.search_lag().await.map(Reply::SearchLag).map_err(internal)
            }
            _ => store.search_lag().await.map(Reply::SearchLag).map_err(internal),
        }
    }
}
