//! Keys: what the keychain and the environment hold, the local keys, and the snapshot the proxy reads.
//!
//! The keychain is never waited for on a call's path, nor at the start: what it says is published when it says it.
//! Leaves out who is lent a key (`proxy`) and how a key is tested.

mod asking;
mod key;
mod keychain;
mod local;
mod refused;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{Event, KeyOrigin, KeychainState, LocalKey, Secret};
use proxy::provider::KeyForm;
use proxy::{Fingerprinter, KeyRing, Provider, Providers};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use crate::events::Events;
use crate::settings::{EnvironmentKey, Settings};

use key::hint;
use keychain::Keychain;
use local::Local;
use refused::SWITCHED_OFF;

pub use asking::keychain_state;
pub(crate) use key::{clean, from_environment};
pub(crate) use local::is_name as is_local_name;
pub(crate) use refused::Refused;

/// All keys. Clones share them.
#[derive(Clone)]
pub(crate) struct Keys {
    shared: Arc<Shared>,
}

struct Shared {
    known: Mutex<Known>,
    providers: Providers,
    environment: BTreeMap<String, EnvironmentKey>,
    folder: PathBuf,
    published: proxy::Keys,
    fingerprinter: Fingerprinter,
    events: Events,
    tracker: TaskTracker,
    quiet: CancellationToken,
    keychain: Option<Keychain>,
}

struct Known {
    state: KeychainState,
    /// What the keychain showed last; it stays when the keychain is locked afterwards.
    stored: BTreeMap<String, Zeroizing<String>>,
    local: Vec<Local>,
    local_required: bool,
    /// Questions to the keychain without an answer yet.
    open_questions: usize,
    /// The keychain's user is being asked.
    unlocking: bool,
}

impl Keys {
    /// Publishes what the environment holds, and begins to ask the keychain.
    pub(crate) fn start(
        settings: &Settings,
        providers: Providers,
        fingerprinter: Fingerprinter,
        events: Events,
        tracker: &TaskTracker,
        quiet: &CancellationToken,
    ) -> Self {
        let (keychain, state) = match settings.keychain.then(|| Keychain::start(providers.clone())) {
            Some(Ok(keychain)) => (Some(keychain), KeychainState::Asking),
            Some(Err(error)) => (None, KeychainState::Absent { message: error.to_string() }),
            None => (None, KeychainState::Absent { message: SWITCHED_OFF.to_owned() }),
        };
        let local = local::load(&settings.data_dir);
        let keys = Self {
            shared: Arc::new(Shared {
                known: Mutex::new(Known {
                    state,
                    stored: BTreeMap::new(),
                    local,
                    local_required: settings.local_keys_required,
                    open_questions: 0,
                    unlocking: false,
                }),
                providers,
                environment: settings.origin.keys.clone(),
                folder: settings.data_dir.clone(),
                published: proxy::Keys::default(),
                fingerprinter,
                events,
                tracker: tracker.clone(),
                quiet: quiet.clone(),
                keychain,
            }),
        };
        keys.publish(&keys.known());
        if keys.shared.keychain.is_some() {
            tracker.spawn(keys.clone().watch());
        }
        keys
    }

    #[cfg(test)]
    fn with_keychain(mut self, keychain: Keychain) -> Self {
        let shared = Arc::get_mut(&mut self.shared).expect("nobody shares it yet");
        shared.keychain = Some(keychain);
        self
    }

    /// What the proxy reads.
    pub(crate) fn published(&self) -> proxy::Keys {
        self.shared.published.clone()
    }

    /// How the keychain is.
    pub(crate) fn keychain(&self) -> KeychainState {
        self.known().state.clone()
    }

    /// Whether a stored key is lent only to calls that carry a local key.
    pub(crate) fn local_required(&self) -> bool {
        self.known().local_required
    }

    /// From now on a stored key is lent only to calls that carry a local key, or no longer only to those.
    pub(crate) fn require_local(&self, required: bool) {
        let mut known = self.known();
        if known.local_required != required {
            known.local_required = required;
            self.publish(&known);
            self.shared.events.send(Event::KeysChanged);
        }
    }

    /// Where the key comes from that a provider's calls are lent.
    pub(crate) fn origin(&self, provider: &Provider) -> KeyOrigin {
        if provider.key.form == KeyForm::NotNeeded {
            return KeyOrigin::NotNeeded;
        }
        let mark = |key: &str| self.shared.fingerprinter.mark(key.as_bytes());
        if let Some(key) = self.known().stored.get(&provider.name) {
            return KeyOrigin::Keychain { hint: hint(key), mark: mark(key) };
        }
        match self.shared.environment.get(&provider.name) {
            Some(EnvironmentKey { variable, key }) => KeyOrigin::Environment {
                variable: variable.clone(),
                hint: hint(key.reveal()),
                mark: mark(key.reveal()),
            },
            None => KeyOrigin::None,
        }
    }

    /// The key that a provider's calls are lent.
    pub(crate) fn key(&self, provider: &Provider) -> Option<Zeroizing<String>> {
        let stored = self.known().stored.get(&provider.name).cloned();
        let environment = || self.shared.environment.get(&provider.name);
        stored.or_else(|| environment().map(|found| Zeroizing::new(found.key.reveal().to_owned())))
    }

    /// Every local key, in the order in which they were made.
    pub(crate) fn local(&self) -> Vec<LocalKey> {
        let known = self.known();
        let shown = |key: &Local| LocalKey {
            name: key.name.clone(),
            hint: key.hint.clone(),
            created_ms: key.created_ms,
            last_used_ms: key.user.last_used_ms(),
        };
        known.local.iter().map(shown).collect()
    }

    /// Makes a local key and gives it out, once; `None` when there is one of this name.
    pub(crate) fn add_local(&self, name: &str, now_ms: i64) -> Result<Option<Secret>, Refused> {
        let (local, key) = Local::new(name, now_ms);
        let added = self.change_local(|known| {
            let free = known.iter().all(|known| known.name != name);
            if free {
                known.push(local);
            }
            free
        });
        Ok(added?.then_some(key))
    }

    /// Takes a local key back; `false` when there is none of this name.
    pub(crate) fn remove_local(&self, name: &str) -> Result<bool, Refused> {
        self.change_local(|local| {
            let before = local.len();
            local.retain(|known| known.name != name);
            local.len() < before
        })
    }

    fn change_local(&self, change: impl FnOnce(&mut Vec<Local>) -> bool) -> Result<bool, Refused> {
        let mut known = self.known();
        let mut local = known.local.clone();
        if !change(&mut local) {
            return Ok(false);
        }
        local::save(&self.shared.folder, &local).map_err(Refused::Folder)?;
        known.local = local;
        self.publish(&known);
        self.shared.events.send(Event::KeysChanged);
        Ok(true)
    }

    fn publish(&self, known: &Known) {
        let mut ring = KeyRing::default();
        ring.local_required = known.local_required;
        for provider in self.shared.providers.iter() {
            let environment = self.shared.environment.get(&provider.name).map(|found| found.key.reveal());
            let stored = known.stored.get(&provider.name).map(|key| key.as_str());
            if let Some(key) = stored.or(environment) {
                ring.store(provider, key, self.shared.fingerprinter.mark(key.as_bytes()));
            }
        }
        for local in &known.local {
            ring.allow(local.hash, local.user.clone());
        }
        self.shared.published.publish(ring);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
