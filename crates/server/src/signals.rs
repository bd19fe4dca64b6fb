//! What asks a program to end: Ctrl-C, and on Unix SIGTERM and SIGHUP.

use tokio::signal;

/// Listens from its creation on.
pub struct Signals {
    #[cfg(unix)]
    terminate: signal::unix::Signal,
    /// The terminal's window was closed.
    #[cfg(unix)]
    hang_up: signal::unix::Signal,
}

impl Signals {
    /// Begins to listen.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: signal::unix::signal(signal::unix::SignalKind::terminate())?,
            #[cfg(unix)]
            hang_up: signal::unix::signal(signal::unix::SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
        #[cfg(not(unix))]
        let _interrupted = signal::ctrl_c().await;
    }
}
