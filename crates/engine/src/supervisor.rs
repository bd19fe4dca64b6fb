//! Switching listeners on, to paused and off while everything else runs on. One switch at a time. Leaves out how a
//! listener serves (`service`, `proxy`, `collector`) and who is told (`sources`).

mod service;

use std::net::IpAddr;
use std::time::Duration;

use api::{SourceState, SourceTarget};
use proxy::Proxy;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::listen::listen;
use crate::sources::Sources;
pub(crate) use service::Service;

/// The proxy's name among the sources.
pub(crate) const PROXY: &str = "proxy";
/// The names of OTLP's listeners among them.
pub(crate) const OTLP_HTTP: &str = "otlp_http";
pub(crate) const OTLP_GRPC: &str = "otlp_grpc";

/// The listeners' switches. They hold the proxy, and with it the way into the pipeline, until [`Supervisor::close`].
pub(crate) struct Supervisor {
    switches: Mutex<Option<Vec<Switch>>>,
    sources: Sources,
    tracker: TaskTracker,
    /// Where listeners run, whoever switches them on.
    runtime: Handle,
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

/// One listener.
pub(crate) struct Switch {
    name: &'static str,
    service: Service,
    port: u16,
    /// Where it listens beside loopback; an error says why it may not.
    beyond: Result<Option<IpAddr>, String>,
    /// The setting of its port, and the variable that sets it.
    setting: (&'static str, &'static str),
    running: Option<Running>,
}

impl Switch {
    /// A listener on `port` that does not listen yet.
    pub(crate) fn new(
        name: &'static str,
        service: Service,
        (beyond, port): (Result<Option<IpAddr>, String>, u16),
        setting: (&'static str, &'static str),
    ) -> Self {
        Self { name, service, port, beyond, setting, running: None }
    }
}

/// The proxy as it runs.
pub(crate) struct Sending {
    /// It holds the way into the pipeline: to be dropped when the call is over.
    pub(crate) proxy: Proxy,
    /// Counts the call among those that are waited for at a stop.
    pub(crate) calls: TaskTracker,
    /// Cuts it.
    pub(crate) force: CancellationToken,
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
    /// Listeners of which none listens yet, and which will run where this is called. `stop` ends them, `force` cuts what they have under way.
    pub(crate) fn new(
        switches: Vec<Switch>,
        sources: Sources,
        tracker: TaskTracker,
        stop: CancellationToken,
        force: CancellationToken,
    ) -> Self {
        for switch in &switches {
            sources.set(switch.name, SourceState::Stopped);
        }
        let runtime = Handle::current();
        Self { switches: Mutex::new(Some(switches)), sources, tracker, runtime, stop, force }
    }

    /// Where listeners run.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Makes a listener so and says how it is then. What is under way when it is switched off has `grace` to end, after
    /// the answer.
    pub(crate) async fn switch(
        &self,
        name: &str,
        to: SourceTarget,
        grace: Duration,
    ) -> Result<SourceState, Refused> {
        let mut switches = self.switches.lock().await;
        let switches = switches.as_mut().ok_or(Refused::Stopping)?;
        let switch = switches.iter_mut().find(|switch| switch.name == name).ok_or(Refused::Off)?;
        let state = match to {
            SourceTarget::Paused | SourceTarget::Resumed if switch.running.is_none() => {
                return Err(Refused::Off);
            }
            SourceTarget::Running | SourceTarget::Resumed | SourceTarget::Paused => {
                match self.running(switch).await {
                    Ok(addresses) => {
                        let paused = to == SourceTarget::Paused;
                        switch.service.pause(paused);
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
                switch.service.pause(false);
                SourceState::Stopped
            }
        };
        self.sources.set(switch.name, state.clone());
        Ok(state)
    }

    /// The addresses it listens on, after starting it if need be.
    async fn running(&self, switch: &mut Switch) -> Result<Vec<String>, String> {
        if let Some(running) = &switch.running {
            return Ok(running.addresses.clone());
        }
        let (setting, variable) = switch.setting;
        if switch.port == 0 {
            return Err(format!(
                "{setting} is 0 in the settings; set it, or {variable}, and start LLMFlow again"
            ));
        }
        // Whoever switched tells it, and health does until it listens.
        let beyond = switch.beyond.clone()?;
        let listeners = listen(beyond, switch.port, variable).await.map_err(|error| error.to_string())?;
        let addresses: Vec<String> =
            listeners.iter().filter_map(|listener| Some(listener.local_addr().ok()?.to_string())).collect();
        let (stop, force) = (self.stop.child_token(), self.force.child_token());
        let (connections, (closing, closed)) = (TaskTracker::new(), oneshot::channel());
        let service = switch.service.again();
        self.tracker.spawn(run(
            service,
            listeners,
            connections.clone(),
            stop.clone(),
            force.clone(),
            closing,
        ));
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

    /// What sends a recorded call again: it is under way as a client's is, ends with the listener's calls, and is cut with
    /// them.
    pub(crate) async fn proxy(&self) -> Result<Sending, Refused> {
        let switches = self.switches.lock().await;
        let switches = switches.as_ref().ok_or(Refused::Stopping)?;
        let found = switches.iter().find_map(|switch| match (&switch.service, &switch.running) {
            (Service::Proxy(proxy), Some(running)) => Some((proxy, running)),
            _ => None,
        });
        let (proxy, running) = found.ok_or(Refused::Off)?;
        let (calls, force) = (running.connections.clone(), running.force.clone());
        Ok(Sending { proxy: proxy.again(), calls, force })
    }

    /// No switching any more: lets the proxy go, so that the pipeline can end.
    pub(crate) async fn close(&self) {
        self.switches.lock().await.take();
    }
}

/// Serves until `stop`, says when the ports are closed, and ends when the last call has.
async fn run(
    service: Service,
    listeners: Vec<TcpListener>,
    connections: TaskTracker,
    stop: CancellationToken,
    force: CancellationToken,
    closing: oneshot::Sender<()>,
) {
    let mut loops = JoinSet::new();
    for listener in listeners {
        loops.spawn(service.again().serve(listener, connections.clone(), stop.clone(), force.clone()));
    }
    while loops.join_next().await.is_some() {}
    connections.close();
    let _nobody_waits = closing.send(());
    connections.wait().await;
}
