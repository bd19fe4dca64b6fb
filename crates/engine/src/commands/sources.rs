//! Switching a listener, and whom switching it off strands.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use api::{ApiError, ErrorKind, SourceStatus, SourceTarget, Stranded};

use super::internal;
use crate::Engine;
use crate::supervisor::{OTLP_GRPC, OTLP_HTTP, PROXY, Refused};

const DAY_MS: i64 = 86_400_000;

impl Engine {
    /// Switches a listener and says how it is then.
    pub(super) async fn set_source(&self, name: &str, to: SourceTarget) -> Result<SourceStatus, ApiError> {
        let name = known(name)?;
        let engine = self.clone();
        // A task of its own: whoever asked may leave at any moment, a switch may not stop half way.
        let switching =
            async move { engine.inner.supervisor.switch(name, to, engine.shutdown_grace()).await };
        let switching = self.inner.tracker.spawn_on(switching, self.inner.supervisor.runtime());
        let switched = switching.await.unwrap_or(Err(Refused::Stopping));
        let state = switched.map_err(|refused| match refused {
            Refused::Off if name == PROXY => {
                ApiError::new(ErrorKind::BadRequest, "The proxy is off. Switch it on with: llmflow proxy on")
            }
            Refused::Off => {
                ApiError::new(ErrorKind::BadRequest, format!("{name} is off. Switch it on first."))
            }
            Refused::Stopping => ApiError::new(ErrorKind::Unavailable, "LLMFlow is stopping."),
        })?;
        Ok(SourceStatus { name: name.to_owned(), state })
    }

    /// The tools that used a listener within the last day and would fail without it, latest call first. Nothing fails
    /// for want of a collector.
    pub(super) async fn stranded(&self, name: &str) -> Result<Vec<Stranded>, ApiError> {
        if known(name)? != PROXY {
            return Ok(Vec::new());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let mut tools: BTreeMap<Option<String>, Stranded> = self
            .inner
            .store
            .recent_clients(now_ms.saturating_sub(DAY_MS))
            .await
            .map_err(internal)?
            .into_iter()
            .map(|tool| (tool.client.clone(), tool))
            .collect();
        for call in self.inner.open.list(usize::MAX) {
            let tool = tools.entry(call.client.clone()).or_insert(Stranded {
                client: call.client,
                calls: 0,
                open: 0,
                last_ms: call.started_ms,
            });
            tool.open += 1;
            // A call that has only begun may not be in the store yet.
            tool.calls = tool.calls.max(tool.open);
            tool.last_ms = tool.last_ms.max(call.started_ms);
        }
        let mut tools: Vec<Stranded> = tools.into_values().collect();
        tools.sort_by_key(|tool| std::cmp::Reverse(tool.last_ms));
        Ok(tools)
    }
}

fn known(name: &str) -> Result<&'static str, ApiError> {
    let known = [PROXY, OTLP_HTTP, OTLP_GRPC].into_iter().find(|known| *known == name);
    known.ok_or_else(|| {
        let says =
            format!("There is no listener {name:?}. There are {PROXY:?}, {OTLP_HTTP:?} and {OTLP_GRPC:?}.");
        ApiError::new(ErrorKind::NotFound, says)
    })
}
