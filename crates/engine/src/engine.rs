//! Starting and stopping: everything is spawned on one tracker and ends in written phases.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use api::{Event, SourceTarget};
use collector::{Delivery, Inbox, Receiver};
use guard::{Guard, Tokens};
use proxy::{Budget, Capture, Counters, Gate, Limits, Proxy, Tap, Upstreams};
use store::Store;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::budgets::{self, Keeper};
use crate::clock::Clock;
use crate::digest::Digester;
use crate::events::{Events, Reported};
use crate::files;
use crate::folder::{self, Hold, HoldError, Instance};
use crate::in_flight::OpenCalls;
use crate::indexer::index;
use crate::ingest::{self, Ingest};
use crate::keys::Keys;
use crate::loops::Loops;
use crate::pipeline::{Pipeline, Tally};
use crate::prices::{LoadError, Shelf};
use crate::proof::Proof;
use crate::settings::{Reach, Settings};
use crate::sources::Sources;
use crate::supervisor::{OTLP_GRPC, OTLP_HTTP, PROXY, Service, Supervisor, Switch};
use crate::threads::Threads;
use crate::token;
use crate::upkeep::Upkeep;

/// Captures that wait to be read. When it is full the proxy drops records and counts them; their bodies' bytes are
/// bounded on their own, by the budget.
const QUEUE: usize = 65_536;
/// After everything was cut the pipeline has this long to commit what it holds, a locked database included.
const LAST_COMMITS: Duration = Duration::from_secs(60);
const MEGABYTE: usize = 1 << 20;
/// Bytes of OTLP requests that may be on their way to the disk at once; decoded they take a few times as many.
const OTLP_WAITING: usize = 64 * MEGABYTE;

/// The engine could not start. Each says its cause itself, and so has no source that would be told again behind it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another instance holds the data folder.
    #[error("another LLMFlow uses {folder}{}; stop it, or set DATA_DIR to another folder", about(.instance.as_ref()))]
    Running {
        /// The folder.
        folder: String,
        /// The other one.
        instance: Option<Instance>,
    },
    /// The data folder cannot be used.
    #[error(
        "{path} cannot be used: {cause}; check its owner and free space, or set DATA_DIR to another folder"
    )]
    Folder {
        /// The file or folder.
        path: String,
        /// Why.
        cause: std::io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// A provider's address cannot be used.
    #[error(transparent)]
    Upstream(#[from] proxy::UpstreamError),
    /// A provider's address is our own.
    #[error(
        "the base URL of {provider} points at LLMFlow's own port {port}, so calls would go in circles; set providers.{provider}.base_url to the provider, or move LLMFlow with PROXY_PORT"
    )]
    Loop {
        /// The provider.
        provider: String,
        /// The port.
        port: u16,
    },
    /// The system gives no more threads.
    #[error("no thread can be started: {0}; raise the limit of processes (ulimit -u)")]
    Threads(std::io::Error),
    /// TLS cannot be set up, or the price table that was built in is broken.
    #[error("{0}")]
    Other(String),
}

fn about(instance: Option<&Instance>) -> String {
    instance
        .map(|instance| {
            format!(" (process {}, dashboard on http://localhost:{})", instance.pid, instance.dashboard_port)
        })
        .unwrap_or_default()
}

/// The running engine. Clones share it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    /// The settings as the file has them now, for those that take effect at once.
    pub(crate) live: Arc<RwLock<Arc<Settings>>>,
    /// Held while the settings file is changed.
    pub(crate) changing: Mutex<()>,
    pub(crate) store: Store,
    pub(crate) prices: Shelf,
    pub(crate) budgets: budgets::Kept,
    pub(crate) loops: Loops,
    pub(crate) events: Events,
    pub(crate) open: OpenCalls,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) inbox: Inbox,
    /// What the listener for OTLP over HTTP takes in, and the dashboard's port too.
    otlp: Receiver,
    pub(crate) collected: Arc<ingest::Tally>,
    pub(crate) sources: Sources,
    pub(crate) keys: Keys,
    pub(crate) upstreams: Upstreams,
    pub(crate) bedrock: proxy::Bedrock,
    pub(crate) supervisor: Supervisor,
    pub(crate) started: Instant,
    pub(crate) notices: Mutex<Vec<String>>,
    pub(crate) proof: Proof,
    pub(crate) guard: Guard,
    /// Ends when the token is replaced, and is another one then.
    pub(crate) entrance: Mutex<CancellationToken>,
    pub(crate) tracker: TaskTracker,
    /// Ends the listeners.
    stop: CancellationToken,
    /// Cuts calls that outlive the grace.
    force: CancellationToken,
    /// Ends what runs beside the pipeline.
    pub(crate) quiet: CancellationToken,
    pub(crate) background: Threads,
    pub(crate) upkeep: Upkeep,
    pub(crate) clock: Clock,
    hold: Hold,
}

impl Inner {
    /// What is kept, as the settings say now.
    pub(crate) fn limits(&self) -> api::Limits {
        self.live.read().unwrap_or_else(PoisonError::into_inner).limits()
    }
}

impl Engine {
    /// Starts everything. A port that is taken is a stated fact, not an error: the rest runs.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let upstreams = upstreams(&settings)?;
        let hold = hold(&settings)?;
        files::allow_many();
        let fingerprinter = folder::fingerprinter(&settings.data_dir)
            .map_err(|(path, cause)| StartError::Folder { path: path.display().to_string(), cause })?;
        let proof = Proof::of(&settings.data_dir)
            .ok_or_else(|| StartError::Other("the data folder's key cannot be read".to_owned()))?;
        let token = token::load_token(&settings.data_dir).map_err(|cause| StartError::Folder {
            path: settings.data_dir.join("token").display().to_string(),
            cause,
        })?;
        let guard = Guard::new(settings.rules(), Tokens::new(token.reveal()));
        let background = Threads::start("recorder", 1).map_err(StartError::Threads)?;
        // Opened there, so that the thread that writes gives way too.
        let database = settings.data_dir.join("data.db");
        let (opener, runtime) = (background.handle(), background.handle());
        let opening = opener.spawn_blocking(move || runtime.block_on(Store::open_or_begin_anew(&database)));
        let (store, opened) = opening.await.map_err(|error| StartError::Other(error.to_string()))??;
        let former = opened.moved_aside.clone();
        let prices = Shelf::load(&store, &settings.data_dir).await.map_err(|error| match error {
            LoadError::Store(error) => StartError::Store(error),
            LoadError::Prices(error) => StartError::Other(error.to_string()),
        })?;

        let (sender, receiver) = mpsc::channel(QUEUE);
        let queue = sender.downgrade();
        let tap = Tap {
            sender,
            counters: Arc::default(),
            budget: Budget::new(settings.memory_mb as usize * MEGABYTE),
            held: Budget::new(settings.memory_mb as usize * MEGABYTE),
            limits: Limits { body: settings.max_body_mb as usize * MEGABYTE },
            fingerprinter,
            paused: Arc::default(),
            stopping: Arc::default(),
        };
        let (events, tracker) = (Events::new(), TaskTracker::new());
        let (stop, force) = (CancellationToken::new(), CancellationToken::new());
        let quiet = CancellationToken::new();
        let providers = upstreams.providers().clone();
        let keys =
            Keys::start(&settings, providers, tap.fingerprinter.clone(), events.clone(), &tracker, &quiet);
        let counters = tap.counters.clone();
        let outbound = settings
            .outbound()
            .map_err(|wanted| StartError::Other(format!("upstream_proxy is not {wanted}")))?;
        let bounds = settings.bounds();
        let proxy = Proxy::new(tap, guard.clone(), upstreams.clone(), outbound, keys.published(), bounds)
            .map_err(|error| StartError::Other(format!("TLS cannot be set up: {error}")))?;
        let (bedrock, gate) = (proxy.bedrock(), proxy.gate());
        let sources = Sources::new(events.clone());
        let (reports, deliveries) = mpsc::channel(ingest::DELIVERIES);
        let body = settings.otlp_max_body_mb as usize * MEGABYTE;
        let limits = collector::Limits { body, waiting: OTLP_WAITING.max(body) };
        let inbox = Inbox::new(reports, limits, Arc::default());
        let otlp = Receiver::new(inbox.clone());
        let switches = vec![
            Switch::new(
                PROXY,
                Service::Proxy(proxy),
                (settings.beyond(Reach::Proxy), settings.proxy_port),
                ("proxy_port", "PROXY_PORT"),
            ),
            Switch::new(
                OTLP_HTTP,
                Service::Collector(otlp.clone(), guard.clone()),
                (settings.beyond(Reach::Otlp), settings.otlp_http_port),
                ("otlp_http_port", "OTLP_HTTP_PORT"),
            ),
            Switch::new(
                OTLP_GRPC,
                Service::Collector(otlp.again(), guard.clone()),
                (settings.beyond(Reach::Otlp), settings.otlp_grpc_port),
                ("otlp_grpc_port", "OTLP_GRPC_PORT"),
            ),
        ];
        let supervisor =
            Supervisor::new(switches, sources.clone(), tracker.clone(), stop.clone(), force.clone());
        let inner = Inner {
            store,
            inbox,
            otlp,
            collected: Arc::default(),
            prices,
            sources,
            keys,
            upstreams,
            bedrock,
            supervisor,
            events,
            open: OpenCalls::default(),
            counters,
            tally: Arc::default(),
            started: Instant::now(),
            notices: Mutex::new(notices(&opened)),
            proof,
            guard,
            entrance: Mutex::default(),
            tracker,
            stop,
            force,
            quiet,
            changing: Mutex::default(),
            live: Arc::new(RwLock::new(Arc::new(settings.clone()))),
            budgets: budgets::Kept::default(),
            loops: Loops::default(),
            settings,
            background,
            upkeep: Upkeep::default(),
            clock: Clock::watch(),
            hold,
        };
        let engine = Self { inner: Arc::new(inner) };
        engine.spawn_pipeline(queue, receiver);
        engine.spawn_ingest(deliveries);
        engine.spawn_budgets(gate).await;
        if let Some(former) = former {
            engine.spawn_import(former);
        }
        engine.inner.tracker.spawn(engine.clone().refresh_for_unknown());
        // Whether it records is never remembered: a pause somebody forgot would lose data without a word.
        let settings = &engine.inner.settings;
        let ports = [
            (PROXY, settings.proxy_port),
            (OTLP_HTTP, settings.otlp_http_port),
            (OTLP_GRPC, settings.otlp_grpc_port),
        ];
        for (name, _) in ports.into_iter().filter(|(_, port)| *port != 0) {
            // Its state says how that went.
            let _stated = engine.inner.supervisor.switch(name, SourceTarget::Running, Duration::ZERO).await;
        }
        Ok(engine)
    }

    fn spawn_pipeline(&self, queue: mpsc::WeakSender<Capture>, captures: mpsc::Receiver<Capture>) {
        let inner = &self.inner;
        let pipeline = Pipeline {
            store: inner.store.clone(),
            prices: inner.prices.clone(),
            events: inner.events.clone(),
            open: inner.open.clone(),
            heads: HashMap::new(),
            ended_unseen: HashSet::new(),
            earlier: Arc::default(),
            counters: inner.counters.clone(),
            tally: inner.tally.clone(),
            loops: inner.loops.clone(),
            budgets: inner.budgets.clone(),
            settings: inner.live.clone(),
        };
        // On threads of its own: what it does between two waits would hold up the calls on a shared one.
        let background = inner.background.handle();
        inner.tracker.spawn_on(pipeline.run(queue, captures), &background);
        inner.tracker.spawn_on(index(inner.store.clone(), inner.quiet.clone()), &background);
        let upkeep = inner.upkeep.clone();
        let upkeep = upkeep.run(Arc::downgrade(inner), inner.store.clone(), inner.quiet.clone());
        inner.tracker.spawn_on(upkeep, &background);
        inner.tracker.spawn(inner.open.clone().beat(inner.events.clone(), inner.quiet.clone()));
    }

    /// Budgets are kept, and the proxy is told of them before it listens.
    async fn spawn_budgets(&self, gate: Gate) {
        let inner = &self.inner;
        let keeper = Keeper {
            kept: inner.budgets.clone(),
            loops: inner.loops.clone(),
            store: inner.store.clone(),
            events: inner.events.clone(),
            gate,
            settings: inner.live.clone(),
        };
        inner.tracker.spawn_on(keeper.run(inner.quiet.clone()), &inner.background.handle());
        if !inner.settings.budgets.is_empty() {
            inner.budgets.looked().await;
        }
    }

    /// What the former LLMFlow recorded in the same place is taken in, beside everything else.
    fn spawn_import(&self, former: std::path::PathBuf) {
        let engine = self.clone();
        let importing = async move {
            if !store::is_former_llmflow(&former).await {
                return;
            }
            let path = former.display();
            match engine.inner.store.import_former(&former).await {
                Ok(imported) => {
                    tracing::info!(%path, calls = imported.calls, "the former LLMFlow's calls are taken in");
                    engine.note(format!(
                        "{} calls of the former LLMFlow were taken in from {path}.",
                        imported.calls
                    ));
                    engine.inner.events.send(Event::Resync);
                }
                Err(error) => {
                    tracing::warn!(%error, %path, "the former LLMFlow's calls could not be taken in");
                    engine.note(format!(
                        "The former LLMFlow's calls could not be taken in ({}). Stop LLMFlow and try: llmflow import {path}",
                        error.reason()
                    ));
                }
            }
        };
        let background = self.inner.background.handle();
        self.inner.tracker.spawn_on(importing, &background);
    }

    /// What comes over OTLP: in, stored and acknowledged; then joined with the calls.
    fn spawn_ingest(&self, deliveries: mpsc::Receiver<Delivery>) {
        let inner = &self.inner;
        let digest = Arc::new(Notify::new());
        let ingest = Ingest {
            store: inner.store.clone(),
            events: inner.events.clone(),
            tally: inner.collected.clone(),
            digest: digest.clone(),
        };
        let digester = Digester {
            store: inner.store.clone(),
            prices: inner.prices.clone(),
            events: inner.events.clone(),
            wake: digest,
            tally: inner.collected.clone(),
        };
        let background = inner.background.handle();
        inner.tracker.spawn_on(ingest.run(deliveries, inner.quiet.clone()), &background);
        inner.tracker.spawn_on(digester.run(inner.quiet.clone()), &background);
    }

    /// Where decoded OTLP requests go.
    pub fn inbox(&self) -> Inbox {
        self.inner.inbox.clone()
    }

    /// What takes OTLP requests in, for the dashboard's port. It is paused with the listener for OTLP over HTTP.
    pub fn otlp(&self) -> Receiver {
        self.inner.otlp.clone()
    }

    /// Stops everything: (1) no new calls; (2) calls under way end, or are cut after `grace`; (3) the pipeline
    /// drains and commits; (4) the database is checkpointed and closed.
    ///
    /// Says how many calls since start went through without being stored; an error when the database could not be
    /// closed cleanly.
    pub async fn shutdown(&self, grace: Duration) -> Result<u64, store::StoreError> {
        let inner = &self.inner;
        if let Err(error) = inner.hold.tell(&Instance { stopping: true, ..instance(&inner.settings) }) {
            tracing::debug!(%error, "nobody is told that it is stopping");
        }
        inner.store.stop_upkeep();
        inner.supervisor.close().await;
        inner.stop.cancel();
        let under_way = || inner.counters.open.load(Ordering::Relaxed) > 0 || !inner.inbox.is_idle();
        let deadline = Instant::now() + grace;
        while under_way() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        inner.force.cancel();
        inner.quiet.cancel();
        inner.tracker.close();
        if tokio::time::timeout(LAST_COMMITS, inner.tracker.wait()).await.is_err() {
            tracing::error!("some calls could not be written in time");
        }
        inner.store.close().await?;
        Ok(self.completeness().lost)
    }

    /// Everything that changes from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// What tools report from now on, by name; of much that comes at once only the latest.
    pub fn reports(&self) -> broadcast::Receiver<Arc<Reported>> {
        self.inner.events.reports()
    }

    /// States a problem that the engine does not see itself: health tells it from now on.
    pub fn note(&self, problem: String) {
        self.inner.notices.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
    }

    /// Calls under way, whether they are recorded or not. Known without the store.
    pub fn calls_under_way(&self) -> u64 {
        self.inner.counters.open.load(Ordering::Relaxed)
    }

    /// The settings it runs with.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The answer to a challenge to prove that this engine holds its data folder; `None` to what is no challenge.
    pub fn prove(&self, challenge: &str) -> Option<String> {
        self.inner.proof.answer(challenge, self.inner.settings.dashboard_port)
    }

    /// Who may talk to this machine's listeners.
    pub fn guard(&self) -> Guard {
        self.inner.guard.clone()
    }

    /// Ends when the token that counts now is replaced. To be asked for before a token is judged, so that whoever is let
    /// in by the one before is told.
    pub fn entrance(&self) -> CancellationToken {
        self.inner.entrance.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is told of this instance.
fn instance(settings: &Settings) -> Instance {
    Instance {
        pid: std::process::id(),
        proxy_port: settings.proxy_port,
        dashboard_port: settings.dashboard_port,
        otlp_http_port: settings.otlp_http_port,
        otlp_grpc_port: settings.otlp_grpc_port,
        stopping: false,
    }
}

pub(crate) fn hold(settings: &Settings) -> Result<Hold, StartError> {
    folder::hold(&settings.data_dir, &instance(settings)).map_err(|error| match error {
        HoldError::Held(instance) => {
            StartError::Running { folder: settings.data_dir.display().to_string(), instance }
        }
        HoldError::Io(path, cause) => StartError::Folder { path: path.display().to_string(), cause },
    })
}

/// The providers' addresses, none of which may be our own.
pub(crate) fn upstreams(settings: &Settings) -> Result<Upstreams, StartError> {
    let upstreams = Upstreams::new(settings.choices())?;
    match upstreams.looped() {
        Some((provider, port)) => Err(StartError::Loop { provider: provider.to_owned(), port }),
        None => Ok(upstreams),
    }
}

fn notices(opened: &store::Opened) -> Vec<String> {
    let mut notices = Vec::new();
    if opened.lost > 0 {
        tracing::warn!(
            calls = opened.lost,
            "LLMFlow ended without warning last time; calls under way are marked lost"
        );
    }
    if let Some(path) = &opened.copied {
        tracing::info!(path = %path.display(), "the database was copied before its schema changed");
    }
    if let Some(path) = &opened.moved_aside {
        let path = path.display();
        tracing::warn!(%path, "a database of another program lay in the data folder and was moved aside");
        notices.push(format!(
            "A database of another program lay in the data folder. It is untouched, at {path}."
        ));
    }
    if let Some(path) = &opened.damaged {
        let path = path.display();
        tracing::error!(%path, "the database was damaged and was moved aside; a new one is begun");
        notices.push(format!(
            "The database was damaged. It is kept at {path}, and what comes now is recorded into a new one. A copy that \
             was made before is put back with: llmflow restore FILE"
        ));
    }
    if let Some(path) = &opened.read_only {
        let path = path.display();
        tracing::error!(%path, "the database may not be written and was moved aside; a new one is begun");
        notices.push(format!(
            "The database belongs to somebody else and may not be written. It is kept at {path}, and what comes now is \
             recorded into a new one. Have its owner give it to you (chown), then put it back with: llmflow restore {path}"
        ));
    }
    notices
}
