//! Switching the proxy's listeners on, to paused and off while everything else runs on. One switch at a time.
//! Leaves out how a listener serves (`proxy`) and who is told (`sources`).

use std::time::Duration;

use api::{SourceState, SourceTarget};
use proxy::Proxy;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::listen::listen;
use crate::sources::Sources;

/// The proxy's name among the sources.
pub(crate) const PROXY: &str = "proxy";

/// The proxy's switch. It holds the proxy, and with it the way into the pipeline, until [`Supervisor::close`].
pub(crate) struct Supervisor {
    proxy: Mutex<Option<Switch>>,
    sources: Sources,
    tracker: TaskTracker,
    stop: CancellationToken,
    force: CancellationToken,
}

/// Why it was left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It does not listen, so there is no recording to pause or to resume.
    Off,
    /// Everything is stopping.
    Stopping,
}

struct Switch {
    proxy: Proxy,
    port: u16,
    running: Option<Running>,
}

/// One stretch of listening, from a start to a stop.
struct Running {
    addresses: Vec<String>,
    stop: CancellationToken,
    force: CancellationToken,
    connections: TaskTracker,
    /// Says that the ports are closed.
    closed: oneshot::Receiver<()>,
}

impl Supervisor {
    /// A proxy on `port` that does not listen yet. `stop` ends its listeners, `force` cuts its calls.
    pub(crate) fn new(
        proxy: Proxy,
        port: u16,
        sources: Sources,
        tracker: TaskTracker,
        stop: CancellationToken,
        force: CancellationToken,
    ) -> Self {
        sources.set(PROXY, SourceState::Stopped);
        Self { proxy: Mutex::new(Some(Switch { proxy, port, running: None })), sources, tracker, stop, force }
    }

    /// Makes it so and says how it is then. Calls under way when it is switched off have `grace` to end, after the
    /// answer.
    pub(crate) async fn switch(&self, to: SourceTarget, grace: Duration) -> Result<SourceState, Refused> {
        let mut proxy = self.proxy.lock().await;
        let switch = proxy.as_mut().ok_or(Refused::Stopping)?;
        let state = match to {
            SourceTarget::Paused | SourceTarget::Resumed if switch.running.is_none() => {
                return Err(Refused::Off);
            }
            SourceTarget::Running | SourceTarget::Resumed | SourceTarget::Paused => {
                match self.running(switch).await {
                    Ok(addresses) => {
                        let paused = to == SourceTarget::Paused;
                        switch.proxy.pause(paused);
                        match paused {
                            true => SourceState::Paused { addresses },
                            false => SourceState::Running { addresses },
                        }
                    }
                    Err(message) => SourceState::Failed { message },
                }
            }
            SourceTarget::Stopped => {
                if let Some(running) = switch.running.take() {
                    self.end(running, grace).await;
                }
                switch.proxy.pause(false);
                SourceState::Stopped
            }
        };
        self.sources.set(PROXY, state.clone());
        Ok(state)
    }

    /// The addresses it listens on, after starting it if need be.
    async fn running(&self, switch: &mut Switch) -> Result<Vec<String>, String> {
        if let Some(running) = &switch.running {
            return Ok(running.addresses.clone());
        }
        if switch.port == 0 {
            return Err(
                "proxy_port is 0 in the settings; set it, or PROXY_PORT, and start LLMFlow again".into()
            );
        }
        // Whoever switched tells it, and health does until it listens.
        let listeners = listen(switch.port, "PROXY_PORT").await.map_err(|error| error.to_string())?;
        let addresses: Vec<String> =
            listeners.iter().filter_map(|listener| Some(listener.local_addr().ok()?.to_string())).collect();
        let (stop, force) = (self.stop.child_token(), self.force.child_token());
        let (connections, (closing, closed)) = (TaskTracker::new(), oneshot::channel());
        let proxy = switch.proxy.again();
        self.tracker.spawn(run(proxy, listeners, connections.clone(), stop.clone(), force.clone(), closing));
        switch.running = Some(Running { addresses: addresses.clone(), stop, force, connections, closed });
        Ok(addresses)
    }

    /// Closes the ports, and cuts the calls that are still under way after `grace`.
    async fn end(&self, running: Running, grace: Duration) {
        let Running { stop, force, connections, closed, .. } = running;
        stop.cancel();
        // An error says that the task is gone, and the ports with it.
        let _closed = closed.await;
        self.tracker.spawn(async move {
            if tokio::time::timeout(grace, connections.wait()).await.is_err() {
                force.cancel();
            }
        });
    }

    /// No switching any more: lets the proxy go, so that the pipeline can end.
    pub(crate) async fn close(&self) {
        self.proxy.lock().await.take();
    }
}

/// Serves until `stop`, says when the ports are closed, and ends when the last call has.
async fn run(
    proxy: Proxy,
    listeners: Vec<TcpListener>,
    connections: TaskTracker,
    stop: CancellationToken,
    force: CancellationToken,
    closing: oneshot::Sender<()>,
) {
    let mut loops = JoinSet::new();
    for listener in listeners {
        loops.spawn(proxy::serve(proxy.clone(), listener, connections.clone(), stop.clone(), force.clone()));
    }
    while loops.join_next().await.is_some() {}
    connections.close();
    let _nobody_waits = closing.send(());
    connections.wait().await;
}
