//! Threads beside those that forward calls: a runtime of its own for those that record, and one for the dashboard, so that a
//! batch or a long answer never stands in the way of a call on the same thread. They have the priority of those that forward:
//! at a lower one a saturated machine queues calls faster than it records them, until records are lost.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// Some threads with a name, and what runs on them. They end when this is dropped.
pub struct Threads {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Threads {
    /// Starts so many.
    pub fn start(name: &str, threads: usize) -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// What is spawned here runs on these threads.
    pub fn handle(&self) -> Handle {
        self.runtime.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting for its threads is not allowed where this may be dropped.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
