//! Takes into the full-text index what is not in it yet: log records after they were stored, and calls that a former
//! version committed or that are to be indexed once more. Calls of this version are searchable with their commit.
//! Leaves out what is indexed and how (`store`).

use std::time::Duration;

use store::Store;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether log records came.
const EVERY: Duration = Duration::from_secs(1);
/// Between two steps whoever waits for the writer has its turn.
const PAUSE: Duration = Duration::from_millis(2);
/// After a mistake.
const LATER: Duration = Duration::from_secs(60);

/// Runs until `stop`; what is not indexed by then waits for the next start. Stopped only between two transactions.
pub(crate) async fn index(store: Store, stop: CancellationToken) {
    let mut troubled = false;
    while !stop.is_cancelled() {
        let pause = match store.index_step().await {
            Ok(true) => PAUSE,
            Ok(false) => EVERY,
            Err(error) => {
                if !troubled && !error.is_closed() {
                    tracing::warn!(%error, "what was stored cannot be indexed for search; it is tried again every minute");
                }
                troubled = true;
                LATER
            }
        };
        troubled &= pause == LATER;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
