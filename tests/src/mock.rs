//! A mock upstream on a raw socket: it keeps each request as it came and controls each byte of the answer.
//!
//! Leaves out what a provider would say (`dialect`, `plan`): here answers are scripts of bytes.

mod answer;
mod anthropic;
mod bedrock;
mod cohere;
mod connection;
mod dialect;
mod gemini;
mod ollama;
mod openai;
mod plan;
mod responses;
mod socket;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http1::Head;
use crate::wait::wait_until;

pub use answer::{Answer, Framing, Step, gzip};
pub use bedrock::frame;
pub use dialect::Dialect;
pub use plan::{Fault, Plan, Tokens};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Request line and headers.
    pub head: Head,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// Whether the body came in chunks.
    pub chunked: bool,
}

impl Received {
    /// The method.
    pub fn method(&self) -> &str {
        self.head.start.split(' ').next().unwrap_or_default()
    }

    /// The target exactly as it was written.
    pub fn target(&self) -> &str {
        self.head.start.split(' ').nth(1).unwrap_or_default()
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The body's bytes that were written.
    pub body: Vec<u8>,
    /// The script was played to its end.
    pub whole: bool,
    /// The client went away before that.
    pub client_left: bool,
}

/// A request and, once it is over, its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What came.
    pub received: Received,
    /// What went; `None` while the answer is under way.
    pub sent: Option<Sent>,
}

type Handler = Arc<dyn Fn(&Received) -> Answer + Send + Sync>;

struct State {
    handler: Mutex<Handler>,
    exchanges: Mutex<Vec<Exchange>>,
    gate: Semaphore,
}

/// The running mock. Dropping it closes every connection.
pub struct Mock {
    address: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Mock {
    /// A mock that answers like the providers do.
    pub async fn start() -> Self {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// The same at an address where one was before.
    pub async fn start_on(address: SocketAddr) -> Self {
        let bound = wait_until("the address to be free", async || TcpListener::bind(address).await.ok());
        let listener = bound.await;
        let address = listener.local_addr().unwrap();
        let plan = Plan::default();
        let state = Arc::new(State {
            handler: Mutex::new(Arc::new(move |received| plan.answer(received))),
            exchanges: Mutex::default(),
            gate: Semaphore::new(0),
        });
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, state.clone(), tasks.clone(), stop.clone()));
        Self { address, state, stop, tasks }
    }

    /// Closes every connection and the port; when it returns, nothing listens there any more.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on answers like a provider, following `plan`.
    pub fn follow(&self, plan: Plan) {
        self.answer(move |received| plan.answer(received));
    }

    /// From now on answers with what `handler` makes of a request.
    pub fn answer(&self, handler: impl Fn(&Received) -> Answer + Send + Sync + 'static) {
        *self.state.handler.lock().unwrap() = Arc::new(handler);
    }

    /// Lets `count` more [`Step::Gate`]s pass.
    pub fn open_gate(&self, count: usize) {
        self.state.gate.add_permits(count);
    }

    /// Everything until now.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state.exchanges.lock().unwrap().clone()
    }

    /// Forgets everything until now and returns it.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.state.exchanges.lock().unwrap())
    }

    /// The exchanges once `count` of them are over.
    pub async fn ended(&self, count: usize) -> Vec<Exchange> {
        wait_until(&format!("{count} exchanges at the upstream"), async || {
            let exchanges = self.exchanges();
            (exchanges.iter().filter(|exchange| exchange.sent.is_some()).count() >= count)
                .then_some(exchanges)
        })
        .await
    }

    /// The requests once `count` of them have arrived.
    pub async fn arrived(&self, count: usize) -> Vec<Exchange> {
        wait_until(&format!("{count} requests at the upstream"), async || {
            let exchanges = self.exchanges();
            (exchanges.len() >= count).then_some(exchanges)
        })
        .await
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, tasks: TaskTracker, stop: CancellationToken) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let (state, stop) = (state.clone(), stop.clone());
                tasks.spawn(async move {
                    stop.run_until_cancelled(connection::serve(stream, &state)).await;
                });
            }
            () = stop.cancelled() => return,
        }
    }
}
