//! What takes space, deleting by hand, and adding up again.

use api::{ApiError, CallFilter, CallSummary, Erase, Erased, ErrorKind, Event, Page, Reply, Storage};

use super::{explained, internal};
use crate::Engine;

impl Engine {
    pub(super) async fn storage(&self) -> Result<Storage, ApiError> {
        let storage = self.inner.store.storage().await.map_err(internal)?;
        Ok(Storage { retention: self.inner.upkeep.retention(self.inner.limits()), ..storage })
    }

    pub(super) async fn count_erase(&self, what: &Erase) -> Result<Erased, ApiError> {
        check(what)?;
        self.inner.store.count_erase(what).await.map_err(internal)
    }

    /// Adds up all calls again, on a task of its own as deleting is.
    pub(super) async fn rebuild(&self) -> Result<Reply, ApiError> {
        let engine = self.clone();
        let rebuilding = self.inner.tracker.spawn(async move { engine.inner.store.rebuild_rollups().await });
        let check = rebuilding.await.map_err(|_| stopping())?.map_err(internal)?;
        if check.wrong > 0 {
            self.inner.events.send(Event::Resync);
        }
        Ok(Reply::Rebuilt { sums: check.sums, wrong: check.wrong })
    }

    /// Deletes on a task of its own: whoever asked may leave, what was begun comes to its end.
    pub(super) async fn erase(&self, what: Erase) -> Result<Erased, ApiError> {
        check(&what)?;
        let engine = self.clone();
        let erasing = self.inner.tracker.spawn(async move {
            let erased = engine.inner.store.erase(&what).await;
            store::drop_copies(&engine.inner.settings.data_dir);
            engine.inner.upkeep.wake();
            engine.forget_loops().await;
            engine.inner.events.send(Event::Resync);
            erased
        });
        erasing.await.map_err(|_| stopping())?.map_err(internal)
    }
}

fn stopping() -> ApiError {
    ApiError::new(ErrorKind::Unavailable, "LLMFlow is stopping.")
}

/// Who means everything has to say so.
fn check(what: &Erase) -> Result<(), ApiError> {
    match what {
        Erase::Calls(filter) if !store::restricts(filter) => Err(ApiError::parameter(
            "filter",
            "a filter that asks for nothing deletes nothing; say everything if that is meant",
        )),
        Erase::Trace(id) if id.is_empty() => {
            Err(ApiError::parameter("trace", "the trace's id or name is missing"))
        }
        Erase::Client(client) if client.is_empty() => {
            Err(ApiError::parameter("client", "the tool's name is missing"))
        }
        _ => Ok(()),
    }
}

impl Engine {
    /// Some calls as lines of JSON, for answers that carry all of them: those after the one with the number `after`, and
    /// the last one's number.
    pub async fn export_some(&self, after: i64) -> Result<Option<(String, i64)>, ApiError> {
        let prices = self.inner.prices.now();
        let explained = |call| explained(&prices, call);
        self.inner.store.export_some(after, &explained).await.map_err(internal)
    }

    /// A page of the calls that match, for answers that carry all of them.
    pub async fn calls_page(&self, filter: &CallFilter, page: Page) -> Result<Vec<CallSummary>, ApiError> {
        self.inner.store.calls_page(filter, page).await.map_err(internal)
    }
}
