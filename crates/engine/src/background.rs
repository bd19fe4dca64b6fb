//! The threads that record: a runtime of its own, so that a batch never stands in the way of a call on the same thread.
//! They run at the priority of those that forward: at a lower one a saturated machine queues calls faster than it
//! records them, until records are lost.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// The runtime of the threads that record.
pub(crate) struct Background {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Background {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("recorder").enable_time().build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// What is spawned here runs on those threads.
    pub(crate) fn handle(&self) -> Handle {
        self.runtime.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Waiting for its threads is not allowed where this may be dropped.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
