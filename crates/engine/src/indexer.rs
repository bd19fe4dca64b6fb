//! Takes committed calls into the full-text index: after they were acknowledged, apart from recording, and behind it.
//! Leaves out what is indexed and how (`store`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use store::Store;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::pipeline::Tally;

/// After a commit the indexer waits this long for more: every transaction of it makes a piece of the index that has to
/// be merged with others, so a few large ones cost a fraction of many small ones.
const GATHER: Duration = Duration::from_millis(700);
/// While recording has more to do than it can, the indexer leaves the database to it and looks again after this time;
const YIELD: Duration = Duration::from_millis(100);
/// but not for longer than this.
const LONGEST_YIELD: Duration = Duration::from_secs(10);

/// The indexer's connections.
pub(crate) struct Indexer {
    pub(crate) store: Store,
    pub(crate) tally: Arc<Tally>,
    /// Told after each commit.
    pub(crate) committed: Arc<Notify>,
}

impl Indexer {
    /// Runs until `stop`. What is not indexed by then stands in the backlog, for the next start.
    pub(crate) async fn run(self, stop: CancellationToken) {
        // Stopped only while it waits, never in the middle of a transaction.
        while self.index_all(&stop).await {
            let more = async {
                self.committed.notified().await;
                tokio::time::sleep(GATHER).await;
            };
            if stop.run_until_cancelled(more).await.is_none() {
                return;
            }
        }
    }

    /// Indexes what there is; `false` when it was stopped.
    async fn index_all(&self, stop: &CancellationToken) -> bool {
        loop {
            if stop.run_until_cancelled(self.yield_to_recording()).await.is_none() {
                return false;
            }
            match self.store.index_some().await {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(
                        %error,
                        "calls could not be indexed for search; trying again after the next one"
                    );
                    return true;
                }
            }
        }
    }

    async fn yield_to_recording(&self) {
        let since = Instant::now();
        while self.tally.busy.load(Ordering::Relaxed) && since.elapsed() < LONGEST_YIELD {
            tokio::time::sleep(YIELD).await;
        }
    }
}
