//! Takes into the full-text index what a former version committed and had not indexed yet. Calls of this version are
//! searchable with their commit. Leaves out what is indexed and how (`store`).

use store::Store;
use tokio_util::sync::CancellationToken;

/// Runs until there is nothing left, or until `stop`; what is not indexed by then waits for the next start.
pub(crate) async fn index_former(store: Store, stop: CancellationToken) {
    // Stopped only between two transactions.
    while !stop.is_cancelled() {
        match store.index_some().await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "calls could not be indexed for search; trying again at the next start");
                return;
            }
        }
    }
}
