//! What changes while the page is open: the connection, calls in flight, health, and that calls changed.
//! Leaves out the calls themselves: pages ask for what they show.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use api::{CallId, Event, Health, InFlight, SourceState, SourceStatus};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::backend::{Backend, Signal};
use crate::browser::now_ms;
use crate::entry::TraceId;

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

/// That calls or traces changed, and which. Each page looks when it can, so the latest changes are kept.
#[derive(Clone, Debug)]
pub struct Changes<Id> {
    turn: u64,
    /// Of changes up to this turn nobody knows which they were.
    unknown: u64,
    /// The turns after it.
    known: VecDeque<Vec<Id>>,
}

/// What changed since a page last looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed<Id: Eq + Hash> {
    /// These.
    pub ids: HashSet<Id>,
    /// Nobody knows which: look at everything.
    pub all: bool,
}

/// More turns than pass while a page gathers; a page that sleeps longer looks at everything.
const KEPT: usize = 256;

impl<Id> Default for Changes<Id> {
    fn default() -> Self {
        Self { turn: 0, unknown: 0, known: VecDeque::new() }
    }
}

impl<Id: Copy + Eq + Hash> Changes<Id> {
    /// Counts up with each change.
    pub const fn turn(&self) -> u64 {
        self.turn
    }

    /// What changed after a turn.
    pub fn since(&self, turn: u64) -> Changed<Id> {
        let skipped = usize::try_from(turn.saturating_sub(self.unknown)).unwrap_or(usize::MAX);
        Changed {
            ids: self.known.iter().skip(skipped).flatten().copied().collect(),
            all: turn < self.unknown,
        }
    }

    fn add(&mut self, ids: Vec<Id>) {
        self.turn += 1;
        self.known.push_back(ids);
        if self.known.len() > KEPT {
            self.known.pop_front();
            self.unknown += 1;
        }
    }

    fn everything(&mut self) {
        self.turn += 1;
        self.unknown = self.turn;
        self.known.clear();
    }
}

/// The live facts, as the whole app shares them.
#[derive(Clone, Copy)]
pub struct Live {
    pub connection: RwSignal<Connection>,
    pub flying: RwSignal<Flying>,
    pub changes: RwSignal<Changes<CallId>>,
    /// The same of traces.
    pub traces: RwSignal<Changes<TraceId>>,
    pub health: RwSignal<Option<Health>>,
    /// Counts up when a setting or a key was changed.
    pub configured: RwSignal<u64>,
    /// Counts up when budgets or loops may have changed.
    pub budgets: RwSignal<u64>,
    /// Counts up when log records came.
    pub logs: RwSignal<u64>,
    /// Counts up when points of metrics came.
    pub metrics: RwSignal<u64>,
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
            traces: RwSignal::new(Changes::default()),
            health: RwSignal::new(None),
            configured: RwSignal::new(0),
            budgets: RwSignal::new(0),
            logs: RwSignal::new(0),
            metrics: RwSignal::new(0),
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
                self.changes.update(|changes| changes.add(ids));
                self.ask_health();
            }
            Event::CallProgress { calls, total } => {
                self.heard.set_value(now_ms());
                self.flying.set(Flying { calls, total });
            }
            Event::SourceState { source } => self.source_changed(source),
            Event::HealthChanged => self.ask_health(),
            Event::TracesChanged { ids } => {
                let ids = ids.iter().filter_map(|id| id.parse().ok()).collect();
                self.traces.update(|changes| changes.add(ids));
            }
            Event::LogsChanged => self.logs.update(|turn| *turn += 1),
            Event::MetricsChanged => self.metrics.update(|turn| *turn += 1),
            Event::SettingsChanged | Event::KeysChanged | Event::PricesChanged => {
                self.configured.update(|turn| *turn += 1);
            }
            // What is told is shown where budgets are.
            Event::BudgetsChanged | Event::Alert { .. } => self.budgets.update(|turn| *turn += 1),
            Event::Resync => self.resync(),
        }
    }

    /// Counts up when this call may have changed.
    pub fn changed(self, id: CallId) -> RwSignal<u64> {
        counted(self.changes, id)
    }

    /// Counts up when this trace may have changed.
    pub fn trace_changed(self, id: TraceId) -> RwSignal<u64> {
        counted(self.traces, id)
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
        self.changes.update(Changes::everything);
        self.traces.update(Changes::everything);
        for stale in [self.configured, self.budgets, self.logs, self.metrics] {
            stale.update(|turn| *turn += 1);
        }
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

/// Counts up when this one may be among the changes.
fn counted<Id: Copy + Eq + Hash + Send + Sync + 'static>(
    changes: RwSignal<Changes<Id>>,
    id: Id,
) -> RwSignal<u64> {
    let looked = StoredValue::new(changes.with_untracked(Changes::turn));
    let changed = RwSignal::new(0);
    Effect::new(move |_| {
        let (turn, since) = changes.with(|changes| (changes.turn(), changes.since(looked.get_value())));
        looked.set_value(turn);
        if since.all || since.ids.contains(&id) {
            changed.update(|changed| *changed += 1);
        }
    });
    changed
}

/// The live facts that the app provides.
pub fn use_live() -> Live {
    expect_context::<Live>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u8]) -> Vec<CallId> {
        numbers.iter().filter_map(|number| CallId::from_slice(&[*number; 16])).collect()
    }

    #[test]
    fn every_change_is_told_to_who_looks_later() {
        let mut changes = Changes::default();
        let none = Changed { ids: HashSet::new(), all: false };
        assert_eq!(changes.since(0), none);
        changes.add(ids(&[1]));
        changes.add(ids(&[2, 3]));
        let set = |numbers| ids(numbers).into_iter().collect::<HashSet<_>>();
        assert_eq!(changes.since(0), Changed { ids: set(&[1, 2, 3]), all: false });
        assert_eq!(changes.since(1), Changed { ids: set(&[2, 3]), all: false });
        assert_eq!(changes.since(2), none);
        changes.everything();
        changes.add(ids(&[4]));
        assert_eq!(changes.since(2), Changed { ids: set(&[4]), all: true }, "what follows hides nothing");
        assert_eq!(changes.since(3), Changed { ids: set(&[4]), all: false });
    }

    #[test]
    fn who_sleeps_too_long_looks_at_everything() {
        let mut changes = Changes::default();
        for _ in 0..=KEPT {
            changes.add(ids(&[1]));
        }
        assert!(changes.since(0).all);
        assert!(!changes.since(1).all);
        assert_eq!(changes.turn(), 257);
        assert_eq!(changes.since(changes.turn()), Changed { ids: HashSet::new(), all: false });
    }
}
