//! What changes while the page is open: the connection, calls in flight, health, and that calls changed.
//! Leaves out the calls themselves: pages ask for what they show.

use std::collections::HashSet;
use std::time::Duration;

use api::{CallId, Event, Health, InFlight, SourceState, SourceStatus};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::backend::{Backend, Signal};
use crate::browser::now_ms;

/// How the stream of events is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    Connecting,
    Connected,
    /// Since when, in milliseconds since 1970.
    Lost(i64),
}

/// Calls under way: those shown, and how many in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flying {
    pub calls: Vec<InFlight>,
    pub total: u64,
}

/// Which calls changed since a page last looked.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Counts up with each change.
    pub turn: u64,
    /// The calls of the latest change.
    pub ids: HashSet<CallId>,
    /// Nobody knows which: look at everything.
    pub all: bool,
}

/// The live facts, as the whole app shares them.
#[derive(Clone, Copy)]
pub struct Live {
    pub connection: RwSignal<Connection>,
    pub flying: RwSignal<Flying>,
    pub changes: RwSignal<Changes>,
    pub health: RwSignal<Option<Health>>,
    /// Counts up when a setting or a key was changed.
    pub configured: RwSignal<u64>,
    /// The clock, four times a second.
    pub now: RwSignal<i64>,
    pub paused: RwSignal<bool>,
    /// Where the proxy listens, or did last.
    port: RwSignal<Option<String>>,
    heard: StoredValue<i64>,
    backend: Backend,
}

/// Progress is told four times a second; silence this long means that nothing is under way any more.
const SILENCE_MS: i64 = 1_500;

impl Live {
    /// Connects, and keeps the facts fresh while the app lives.
    pub fn start(backend: Backend) -> Self {
        let live = Self {
            connection: RwSignal::new(Connection::Connecting),
            flying: RwSignal::new(Flying::default()),
            changes: RwSignal::new(Changes::default()),
            health: RwSignal::new(None),
            configured: RwSignal::new(0),
            now: RwSignal::new(now_ms()),
            paused: RwSignal::new(false),
            port: RwSignal::new(None),
            heard: StoredValue::new(0),
            backend,
        };
        let stream = backend.listen(move |signal| live.heed(signal));
        // The stream lives as long as the page.
        std::mem::forget(stream);
        set_interval(move || live.tick(), Duration::from_millis(250));
        set_interval(move || live.ask_health(), Duration::from_secs(5));
        live.ask_health();
        live
    }

    fn heed(self, signal: Signal) {
        match signal {
            Signal::Connected => {
                self.connection.set(Connection::Connected);
                self.resync();
            }
            Signal::Lost => {
                // Nobody tells when these end.
                self.flying.set(Flying::default());
                if !matches!(self.connection.get_untracked(), Connection::Lost(_)) {
                    self.connection.set(Connection::Lost(now_ms()));
                }
            }
            Signal::Event(event) => self.take(event),
        }
    }

    fn take(self, event: Event) {
        match event {
            Event::CallsChanged { ids } => {
                self.changes.update(|changes| {
                    changes.turn += 1;
                    changes.all = false;
                    changes.ids = ids.into_iter().collect();
                });
                self.ask_health();
            }
            Event::CallProgress { calls, total } => {
                self.heard.set_value(now_ms());
                self.flying.set(Flying { calls, total });
            }
            Event::SourceState { source } => self.source_changed(source),
            Event::HealthChanged => self.ask_health(),
            Event::SettingsChanged | Event::KeysChanged => self.configured.update(|turn| *turn += 1),
            Event::Resync => self.resync(),
        }
    }

    /// How a listener is; `None` until it is known.
    pub fn source(self, name: &str) -> Option<SourceState> {
        self.health.with(|health| {
            let source = health.as_ref()?.sources.iter().find(|source| source.name == name)?;
            Some(source.state.clone())
        })
    }

    /// A listener is like this now.
    pub fn source_changed(self, source: SourceStatus) {
        self.health.update(|health| {
            let sources = health.iter_mut().flat_map(|health| health.sources.iter_mut());
            for known in sources.filter(|known| known.name == source.name) {
                known.state = source.state.clone();
            }
        });
        self.ask_health();
    }

    /// Everything shown may be stale.
    pub fn resync(self) {
        self.changes.update(|changes| {
            changes.turn += 1;
            changes.all = true;
            changes.ids.clear();
        });
        self.configured.update(|turn| *turn += 1);
        self.ask_health();
        self.ask_in_flight();
    }

    fn tick(self) {
        let now = now_ms();
        self.now.set(now);
        let waiting = self.flying.with_untracked(|flying| flying.total > 0);
        if waiting && now - self.heard.get_value() > SILENCE_MS {
            self.heard.set_value(now);
            self.ask_in_flight();
        }
    }

    fn ask_in_flight(self) {
        spawn_local(async move {
            if let Ok(calls) = self.backend.in_flight().await {
                let total = calls.len() as u64;
                self.flying.set(Flying { calls, total });
            }
        });
    }

    fn ask_health(self) {
        spawn_local(async move {
            if let Ok(health) = self.backend.health().await {
                self.health.set(Some(health));
                self.learn_port();
            }
        });
    }

    /// Keeps the proxy's port in mind: it is shown while the proxy is off, too.
    fn learn_port(self) {
        let listens = self.health.with_untracked(|health| {
            let source = health.as_ref()?.sources.iter().find(|source| source.name == "proxy")?;
            match &source.state {
                SourceState::Running { addresses } | SourceState::Paused { addresses } => {
                    Some(addresses.first()?.rsplit_once(':')?.1.to_owned())
                }
                SourceState::Stopped | SourceState::Failed { .. } => None,
            }
        });
        if listens.is_some() && listens != self.port.get_untracked() {
            self.port.set(listens);
        } else if listens.is_none() && self.port.with_untracked(Option::is_none) {
            self.ask_port();
        }
    }

    /// It was off when the page was opened: the settings say where it will listen.
    fn ask_port(self) {
        spawn_local(async move {
            let Ok(shown) = self.backend.settings().await else { return };
            let port = shown.settings.into_iter().find(|setting| setting.name == "proxy_port");
            if self.port.with_untracked(Option::is_none) {
                self.port.set(port.map(|setting| setting.value));
            }
        });
    }

    /// Where the proxy listens, as `host:port`; its usual place until that is known.
    pub fn proxy_address(self) -> String {
        self.port.with(|port| format!("localhost:{}", port.as_deref().unwrap_or("8080")))
    }
}

/// The live facts that the app provides.
pub fn use_live() -> Live {
    expect_context::<Live>()
}
