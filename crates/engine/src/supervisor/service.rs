//! What listens: the proxy, or the collector. Leaves out switching it (`supervisor`).

use collector::Receiver;
use guard::Guard;
use proxy::Proxy;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// One kind of listener.
pub(crate) enum Service {
    /// Calls of models.
    Proxy(Proxy),
    /// What tools report about themselves, from whom the guard lets in.
    Collector(Receiver, Guard),
}

impl Service {
    /// The same for listening once more.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Proxy(proxy) => Self::Proxy(proxy.again()),
            Self::Collector(receiver, guard) => Self::Collector(receiver.clone(), guard.clone()),
        }
    }

    /// Whether what comes from now on is let through, or answered, without being kept.
    pub(super) fn pause(&self, paused: bool) {
        match self {
            Self::Proxy(proxy) => proxy.pause(paused),
            Self::Collector(receiver, _) => receiver.pause(paused),
        }
    }

    /// Serves until `stop`; when the future ends, the port is closed.
    pub(super) async fn serve(
        self,
        listener: TcpListener,
        connections: TaskTracker,
        stop: CancellationToken,
        force: CancellationToken,
    ) {
        match self {
            Self::Proxy(proxy) => proxy::serve(proxy, listener, connections, stop, force).await,
            Self::Collector(receiver, guard) => {
                collector::serve(receiver, guard, listener, connections, stop, force).await;
            }
        }
    }
}
