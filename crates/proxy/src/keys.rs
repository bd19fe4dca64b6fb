//! The keys that calls may be lent, as whoever keeps them last published them. Reading them never waits for a
//! keychain. Leaves out keeping them (the engine) and who is lent one (`auth`).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use crate::provider::Provider;

/// How every local key begins: what has this form is never sent to a provider.
pub const LOCAL_PREFIX: &str = "lf-";

/// What is kept of a local key instead of the key. It is random and long, so that nobody finds it by trying.
pub fn local_hash(key: &str) -> [u8; 32] {
    *blake3::hash(key.as_bytes()).as_bytes()
}

/// The keys in use; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    current: Arc<RwLock<Arc<KeyRing>>>,
}

impl Keys {
    /// From now on calls are lent these.
    pub fn publish(&self, ring: KeyRing) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    pub(crate) fn current(&self) -> Arc<KeyRing> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Providers' keys and the local keys that stand for them.
#[derive(Debug, Default)]
pub struct KeyRing {
    stored: BTreeMap<String, Arc<StoredKey>>,
    /// By hash: finding one takes the same time whether a guess is nearly right or all wrong.
    local: HashMap<[u8; 32], Arc<LocalUser>>,
    /// A stored key is lent only to calls that carry a local key.
    pub local_required: bool,
}

impl KeyRing {
    /// Adds a provider's key and the fingerprint under which calls record it.
    pub fn store(&mut self, provider: &Provider, key: &str, mark: String) {
        let key = StoredKey { key: Zeroizing::new(key.to_owned()), mark };
        self.stored.insert(provider.name.clone(), Arc::new(key));
    }

    /// Adds the local key that has this [`local_hash`], and whom it stands for.
    pub fn allow(&mut self, hash: [u8; 32], user: Arc<LocalUser>) {
        self.local.insert(hash, user);
    }

    pub(crate) fn stored(&self, provider: &Provider) -> Option<&Arc<StoredKey>> {
        self.stored.get(&provider.name)
    }

    pub(crate) fn local(&self, key: &str) -> Option<&Arc<LocalUser>> {
        self.local.get(&local_hash(key))
    }
}

/// A provider's key. It never shows itself.
pub(crate) struct StoredKey {
    pub(crate) key: Zeroizing<String>,
    pub(crate) mark: String,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mark)
    }
}

/// Whom a local key stands for, and when a call last carried it.
#[derive(Debug)]
pub struct LocalUser {
    /// The tool.
    pub name: String,
    last_used_ms: AtomicI64,
}

impl LocalUser {
    /// A tool that has not called yet.
    pub fn new(name: String) -> Self {
        Self { name, last_used_ms: AtomicI64::new(0) }
    }

    /// When a call last carried its key, in milliseconds since 1970 (UTC).
    pub fn last_used_ms(&self) -> Option<i64> {
        Some(self.last_used_ms.load(Ordering::Relaxed)).filter(|last| *last > 0)
    }

    pub(crate) fn calls_now(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        self.last_used_ms.store(i64::try_from(now).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}
