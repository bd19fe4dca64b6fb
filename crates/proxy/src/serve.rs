//! The proxy's listeners: accept, serve, and drain when told to stop. They are handed bound sockets and bear a bounded
//! number of connections. Leaves out one connection (`connection`).

mod connection;
pub(crate) mod socket;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use guard::Guard;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bedrock::Bedrock;
use crate::client::Clients;
use crate::gate::Gate;
use crate::keys::Keys;
use crate::outbound::Outbound;
use crate::recorder::Tap;
use crate::upstream::Upstreams;

use connection::{Place, connection};

/// Headers of one message; hyper's own limit of a hundred is less than some gateways send.
pub(crate) const MAX_HEADERS: usize = 512;
/// Bytes of one message's head.
pub(crate) const MAX_HEAD: u32 = 128 * 1024;
/// After a failed accept (out of file descriptors, say) the listener waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections beyond the limit that are told so at one time; more are closed without a word.
const REFUSALS: usize = 64;

/// What the listeners bear.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections of clients at one time, and calls under way on them.
    pub connections: usize,
    /// How long a client may take until it has sent a request's head. Bodies may take any time.
    pub head_timeout: Duration,
}

/// Everything the calls share.
pub(crate) struct Shared {
    pub(crate) tap: Tap,
    pub(crate) guard: Guard,
    pub(crate) gate: Gate,
    pub(crate) upstreams: Upstreams,
    pub(crate) outbound: Outbound,
    pub(crate) keys: Keys,
    pub(crate) bedrock: Bedrock,
    pub(crate) clients: Arc<Clients>,
    pub(crate) bounds: Bounds,
    pub(crate) started: Instant,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

/// A proxy that is ready to serve.
#[derive(Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
}

impl Proxy {
    /// A proxy to `upstreams` by the way of `outbound` that answers whom `guard` lets in as far as `bounds` allow,
    /// lends them `keys`, and reports to `tap`.
    ///
    /// Fails when TLS cannot be set up.
    pub fn new(
        tap: Tap,
        guard: Guard,
        upstreams: Upstreams,
        outbound: Outbound,
        keys: Keys,
        bounds: Bounds,
    ) -> std::io::Result<Self> {
        let clients = Arc::new(Clients::new(&outbound, upstreams.own_ports())?);
        let started = Instant::now();
        let places = Arc::new(Semaphore::new(bounds.connections.min(Semaphore::MAX_PERMITS)));
        let refusals = Arc::new(Semaphore::new(REFUSALS));
        let bedrock = Bedrock::new(upstreams.bedrock().clone(), &outbound, upstreams.own_ports());
        let shared = Shared {
            tap,
            guard,
            gate: Gate::default(),
            upstreams,
            outbound,
            keys,
            bedrock,
            clients,
            bounds,
            started,
            places,
            refusals,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The same proxy for listening once more: calls that an earlier stop cuts late do not touch the new ones.
    pub fn again(&self) -> Self {
        let shared = &*self.shared;
        Self {
            shared: Arc::new(Shared {
                tap: Tap { stopping: Arc::default(), ..shared.tap.clone() },
                guard: shared.guard.clone(),
                gate: shared.gate.clone(),
                upstreams: shared.upstreams.clone(),
                outbound: shared.outbound.clone(),
                keys: shared.keys.clone(),
                bedrock: shared.bedrock.clone(),
                clients: shared.clients.clone(),
                bounds: shared.bounds,
                started: shared.started,
                places: shared.places.clone(),
                refusals: shared.refusals.clone(),
            }),
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What is not sent for now.
    pub fn gate(&self) -> Gate {
        self.shared.gate.clone()
    }

    /// How Bedrock is called.
    pub fn bedrock(&self) -> Bedrock {
        self.shared.bedrock.clone()
    }

    /// Whether calls that begin from now on are forwarded without a record.
    pub fn pause(&self, paused: bool) {
        self.shared.tap.paused.store(paused, Ordering::Relaxed);
    }
}

/// Serves `listener` until `stop`; when the future ends, the port is closed. Calls under way go on in `connections`
/// until they end or `force` is cancelled.
pub async fn serve(
    proxy: Proxy,
    listener: TcpListener,
    connections: TaskTracker,
    stop: CancellationToken,
    force: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = place(&proxy.shared) else { continue };
                connections.spawn(connection(
                    proxy.shared.clone(),
                    (stream, peer),
                    place,
                    stop.clone(),
                    force.clone(),
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Where one more connection belongs; `None` when there is not even room to refuse it with words.
fn place(shared: &Shared) -> Option<Place> {
    if let Ok(permit) = shared.places.clone().try_acquire_owned() {
        return Some(Place { refused: false, _permit: permit });
    }
    if shared.tap.counters.refused.fetch_add(1, Ordering::Relaxed) == 0 {
        tracing::warn!(
            limit = shared.bounds.connections,
            "too many connections; max_connections in the settings"
        );
    }
    let permit = shared.refusals.clone().try_acquire_owned().ok()?;
    Some(Place { refused: true, _permit: permit })
}
