//! Keys: what the keychain and the environment hold, the local keys, and the snapshot the proxy reads.
//!
//! The keychain is never waited for on a call's path, nor at the start: what it says is published when it says it.
//! Leaves out who is lent a key (`proxy`) and how a key is tested.

mod keychain;
mod local;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use api::{Event, KeyOrigin, KeychainState, LocalKey, Secret};
use proxy::keys::LOCAL_PREFIX;
use proxy::provider::{KeyForm, PROVIDERS};
use proxy::{Fingerprinter, KeyRing, Provider};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use crate::events::Events;
use crate::settings::{EnvironmentKey, Settings};

use keychain::{Answer, Ask, Keychain, Trouble};
use local::Local;

/// A keychain that takes longer does not answer. Its later answer is taken all the same.
const DEADLINE: Duration = Duration::from_secs(5);
/// A locked keychain is looked at again after this time: its user may unlock it for another program.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The last characters of a shorter key would give too much of it away.
const SHORTEST_HINTED: usize = 16;
const LONGEST_KEY: usize = 4_096;

const SWITCHED_OFF: &str = "The keychain is switched off (keychain = false in the settings, or LLMFLOW_KEYCHAIN=off). \
    Keys come from the environment (OPENAI_API_KEY, …).";
const SILENT: &str = "The keychain does not answer. Restart its program (gnome-keyring-daemon, KWallet or KeePassXC) or \
    sign in again; until then keys come from the environment (OPENAI_API_KEY, …).";

/// All keys. Clones share them.
#[derive(Clone)]
pub(crate) struct Keys {
    shared: Arc<Shared>,
}

struct Shared {
    known: Mutex<Known>,
    environment: BTreeMap<&'static str, EnvironmentKey>,
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
    /// The keychain's user is being asked.
    unlocking: bool,
}

/// Why a key was not stored or removed.
pub(crate) enum Refused {
    /// The keychain's trouble, in a sentence for the user.
    Unavailable(String),
    /// The file of local keys cannot be written.
    Folder(std::io::Error),
}

impl Keys {
    /// Publishes what the environment holds, and begins to ask the keychain.
    pub(crate) fn start(
        settings: &Settings,
        fingerprinter: Fingerprinter,
        events: Events,
        tracker: &TaskTracker,
        quiet: &CancellationToken,
    ) -> Self {
        let (keychain, state) = match settings.keychain.then(Keychain::start) {
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
                    unlocking: false,
                }),
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
        if let Some(key) = self.known().stored.get(provider.name) {
            return KeyOrigin::Keychain { hint: hint(key), mark: mark(key) };
        }
        match self.shared.environment.get(provider.name) {
            Some(EnvironmentKey { variable, key }) => KeyOrigin::Environment {
                variable: (*variable).to_owned(),
                hint: hint(key.reveal()),
                mark: mark(key.reveal()),
            },
            None => KeyOrigin::None,
        }
    }

    /// The key that a provider's calls are lent.
    pub(crate) fn key(&self, provider: &Provider) -> Option<Zeroizing<String>> {
        let stored = self.known().stored.get(provider.name).cloned();
        let environment = || self.shared.environment.get(provider.name);
        stored.or_else(|| environment().map(|found| Zeroizing::new(found.key.reveal().to_owned())))
    }

    /// Asks the keychain again unless it answers as it should; tells everyone if something changed.
    pub(crate) fn look(&self) {
        if self.shared.keychain.is_some() && self.keychain() != KeychainState::Ready {
            let keys = self.clone();
            self.shared.tracker.spawn(async move { _ = keys.ask(Ask::Load).await });
        }
    }

    /// Lets the keychain ask its user. The user may take longer than anybody waits.
    pub(crate) async fn unlock(&self) -> Result<(), Refused> {
        self.expect_unlocking();
        self.ask(Ask::Unlock).await
    }

    /// Stores a provider's key in the keychain.
    pub(crate) async fn set(&self, provider: &'static Provider, key: &str) -> Result<(), Refused> {
        self.ask(Ask::Set(provider, Zeroizing::new(key.to_owned()))).await
    }

    /// Removes a provider's key from the keychain.
    pub(crate) async fn remove(&self, provider: &'static Provider) -> Result<(), Refused> {
        self.ask(Ask::Remove(provider)).await
    }

    /// Every local key, in the order in which they were made.
    pub(crate) fn local(&self) -> Vec<LocalKey> {
        let known = self.known();
        let shown = |key: &Local| LocalKey {
            name: key.name.clone(),
            key: key.key.clone(),
            created_ms: key.created_ms,
            last_used_ms: key.user.as_ref().and_then(|user| user.last_used_ms()),
        };
        known.local.iter().map(shown).collect()
    }

    /// Makes a local key; `false` when there is one of this name.
    pub(crate) fn add_local(&self, name: &str, now_ms: i64) -> Result<bool, Refused> {
        self.change_local(|local| {
            let free = local.iter().all(|known| known.name != name);
            if free {
                local.push(Local::new(name, now_ms));
            }
            free
        })
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

    /// Asks at the start, and then again as long as the keychain is locked.
    async fn watch(self) {
        _ = self.ask(Ask::Load).await;
        while self.shared.quiet.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_some() {
            if self.keychain() == KeychainState::Locked {
                _ = self.ask(Ask::Load).await;
            }
        }
    }

    async fn ask(&self, ask: Ask) -> Result<(), Refused> {
        let Some(keychain) = &self.shared.keychain else {
            return Err(self.unavailable());
        };
        let Some(answer) = keychain.ask(ask, Instant::now() + DEADLINE) else {
            return Err(self.silent());
        };
        let keys = self.clone();
        // A task of its own: the answer is taken whenever it comes, and whoever asked may leave.
        let taking = self.shared.tracker.spawn(async move {
            let answer = keys.shared.quiet.run_until_cancelled(answer).await?.ok()?;
            Some(keys.take(answer))
        });
        match tokio::time::timeout(DEADLINE, taking).await {
            Ok(taken) => taken.ok().flatten().unwrap_or_else(|| Err(self.unavailable())),
            Err(_) => Err(self.silent()),
        }
    }

    /// Takes what the keychain said and tells everyone what that changes.
    fn take(&self, answer: Answer) -> Result<(), Refused> {
        let mut known = self.known();
        let before = (known.state.clone(), known.stored.clone());
        known.unlocking = false;
        let trouble = match answer {
            Ok(contents) => {
                known.state = if contents.locked { KeychainState::Locked } else { KeychainState::Ready };
                if !contents.locked {
                    known.stored.clear();
                }
                known.stored.extend(contents.keys);
                None
            }
            Err(trouble) => {
                known.state = match &trouble {
                    Trouble::Locked | Trouble::Declined => KeychainState::Locked,
                    Trouble::Absent(message) => KeychainState::Absent { message: message.clone() },
                    Trouble::Failed(reason) => {
                        KeychainState::Absent { message: format!("The keychain failed: {reason}.") }
                    }
                };
                Some(trouble)
            }
        };
        if before != (known.state.clone(), known.stored.clone()) {
            self.publish(&known);
            self.shared.events.send(Event::KeysChanged);
        }
        drop(known);
        trouble.map_or(Ok(()), |trouble| Err(refused(trouble)))
    }

    fn expect_unlocking(&self) {
        let mut known = self.known();
        known.unlocking |= known.state == KeychainState::Locked;
    }

    /// Nothing came in time.
    fn silent(&self) -> Refused {
        let mut known = self.known();
        let state = match known.unlocking {
            // Its user is being asked, and may take their time.
            true => KeychainState::Asking,
            false => KeychainState::Absent { message: SILENT.to_owned() },
        };
        if known.state != state {
            tracing::warn!(?state, "the keychain does not answer in time");
            known.state = state;
            self.shared.events.send(Event::KeysChanged);
        }
        drop(known);
        self.unavailable()
    }

    fn unavailable(&self) -> Refused {
        Refused::Unavailable(match self.keychain() {
            KeychainState::Absent { message } => message,
            KeychainState::Locked => return refused(Trouble::Locked),
            KeychainState::Asking | KeychainState::Ready => {
                "The keychain is asking for its password. Answer it, then try again.".to_owned()
            }
        })
    }

    fn publish(&self, known: &Known) {
        let mut ring = KeyRing::default();
        ring.local_required = known.local_required;
        for provider in PROVIDERS {
            let environment = self.shared.environment.get(provider.name).map(|found| found.key.reveal());
            let stored = known.stored.get(provider.name).map(|key| key.as_str());
            if let Some(key) = stored.or(environment) {
                ring.store(provider, key, self.shared.fingerprinter.mark(key.as_bytes()));
            }
        }
        for local in &known.local {
            if let Some(user) = &local.user {
                ring.allow(&local.key, user.clone());
            }
        }
        self.shared.published.publish(ring);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(trouble: Trouble) -> Refused {
    Refused::Unavailable(match trouble {
        Trouble::Locked => "The keychain is locked. Unlock it, then try again.".to_owned(),
        Trouble::Declined => {
            "The keychain was not unlocked: its password was not given, or nothing here can ask for it."
                .to_owned()
        }
        Trouble::Absent(message) => message,
        Trouble::Failed(reason) => format!("The keychain failed: {reason}."),
    })
}

/// How the keychain is, asked once without anybody's engine.
pub async fn keychain_state(settings: &Settings) -> KeychainState {
    if !settings.keychain {
        return KeychainState::Absent { message: SWITCHED_OFF.to_owned() };
    }
    let silent = || KeychainState::Absent { message: SILENT.to_owned() };
    let asked =
        Keychain::start().ok().and_then(|keychain| keychain.ask(Ask::Load, Instant::now() + DEADLINE));
    let Some(answer) = asked else { return silent() };
    match tokio::time::timeout(DEADLINE, answer).await {
        Ok(Ok(Ok(contents))) if contents.locked => KeychainState::Locked,
        Ok(Ok(Ok(_))) => KeychainState::Ready,
        Ok(Ok(Err(Trouble::Locked | Trouble::Declined))) => KeychainState::Locked,
        Ok(Ok(Err(Trouble::Absent(message)))) => KeychainState::Absent { message },
        Ok(Ok(Err(Trouble::Failed(reason)))) => {
            KeychainState::Absent { message: format!("The keychain failed: {reason}.") }
        }
        Ok(Err(_)) | Err(_) => silent(),
    }
}

/// Each provider's key in the environment. A local key there is meant for tools and not for providers.
pub(crate) fn from_environment(
    get: &dyn Fn(&str) -> Option<String>,
) -> BTreeMap<&'static str, EnvironmentKey> {
    let find = |provider: &'static Provider| {
        provider.key.variables.iter().find_map(|variable| {
            let key = clean(&get(variable)?).ok()?.to_owned();
            Some(EnvironmentKey { variable, key: Secret::new(key) })
        })
    };
    PROVIDERS.iter().filter_map(|provider| Some((provider.name, find(provider)?))).collect()
}

/// A provider's key without the blanks around it, or what is wrong with it.
pub(crate) fn clean(key: &str) -> Result<&str, &'static str> {
    let key = key.trim();
    if key.is_empty() {
        return Err("The key is empty.");
    }
    if key.len() > LONGEST_KEY {
        return Err("The key is too long: no provider's has more than 4096 characters.");
    }
    if key.starts_with(LOCAL_PREFIX) {
        return Err("This is one of LLMFlow's local keys. Enter the provider's own key.");
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "The key holds blanks, line breaks or characters outside ASCII. Copy it again, without what stands around it.",
        );
    }
    Ok(key)
}

/// Whether a local key may have this name.
pub(crate) fn is_local_name(name: &str) -> bool {
    local::is_name(name)
}

/// A key's last four characters.
fn hint(key: &str) -> String {
    let long_enough = key.len() >= SHORTEST_HINTED;
    let last = key.get(key.len().saturating_sub(4)..).filter(|_| long_enough);
    last.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_cleaned_or_refused_with_a_reason() {
        assert_eq!(clean("  sk-abc\n"), Ok("sk-abc"));
        for wrong in ["", " \n", "sk a", "sk\nb", "sk-ü", "Bearer sk", "lf-aider-x", "\u{200b}sk"] {
            assert!(clean(wrong).is_err(), "{wrong:?}");
        }
        assert!(clean(&"x".repeat(5_000)).is_err());
    }

    #[test]
    fn the_environment_is_read_by_each_providers_own_names() {
        let set = [("GOOGLE_API_KEY", "g"), ("OPENAI_API_KEY", "lf-aider-1"), ("CO_API_KEY", " c ")];
        let get =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let found = from_environment(&get);
        let found: Vec<_> = found.iter().map(|(name, key)| (*name, key.variable, key.key.reveal())).collect();
        assert_eq!(found, [("cohere", "CO_API_KEY", "c"), ("gemini", "GOOGLE_API_KEY", "g")]);
    }

    #[test]
    fn a_hint_never_is_most_of_a_key() {
        assert_eq!((hint("sk-0123456789abcd").as_str(), hint("0123456789").as_str()), ("abcd", ""));
    }
}
