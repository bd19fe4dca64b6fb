//! The threads that record. They give way to those that forward calls: on Linux they run at a lower priority, which
//! still leaves them a share of a machine that is busy for good.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// How far recording stands back, in steps of `nice`: beside a thread that forwards it gets a third of the time.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// The runtime of the threads that record.
pub(crate) struct Background {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Background {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("recorder")
            .on_thread_start(give_way)
            .enable_time()
            .build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// What is spawned here, and every thread that it starts, gives way.
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

#[cfg(target_os = "linux")]
fn give_way() {
    // Of this thread alone, on Linux; threads that it starts inherit it.
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "recording runs at the same priority as forwarding");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}
