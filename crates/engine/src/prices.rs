//! The prices that hold now: the tables that come with the program, those that were taken in since, and the user's own.
//! Leaves out the rules (`model::pricing`), taking a table in (`refresh`) and pricing calls again (`reprice`).

pub(crate) mod own;
pub(crate) mod refresh;
pub(crate) mod reprice;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use api::{CallSummary, PriceOrigin, PriceRefresh, PriceTables, Repricing};
use model::pricing::{BUILT_IN, Facts, PriceTable, Prices, day_begins};
use store::{Store, StoreError, StoredTable};
use tokio::sync::Notify;

/// Models that are remembered to be unknown; each sets off one refresh at most.
const REMEMBERED: usize = 1_000;

/// The prices, shared by everything that needs them.
#[derive(Clone)]
pub(crate) struct Shelf {
    inner: Arc<Inner>,
}

struct Inner {
    now: RwLock<Arc<Prices>>,
    /// What was taken in, the oldest first.
    refreshes: Mutex<Vec<PriceRefresh>>,
    own_file: PathBuf,
    /// Why the user's own prices cannot be used.
    trouble: Mutex<Option<String>>,
    /// Held while prices change: by a refresh, or by an own price.
    changing: tokio::sync::Mutex<()>,
    /// The repricing under way, or the last one.
    repricing: Mutex<Option<Repricing>>,
    /// Unknown models that were met.
    unknown: Mutex<HashSet<String>>,
    /// Told when there is a new one.
    met_unknown: Notify,
}

impl Shelf {
    /// What is stored, upon what comes with the program. What cannot be read is left out, and said so.
    pub(crate) async fn load(store: &Store, data_dir: &Path) -> Result<Self, LoadError> {
        let mut prices = Prices::new(BUILT_IN)?;
        let mut refreshes = Vec::new();
        for StoredTable { refresh, json } in store.price_tables().await? {
            let day = day_begins(&refresh.valid_from).unwrap_or(refresh.at_ms);
            match PriceTable::parse(&json, &refresh.valid_from) {
                Ok(table) => {
                    prices.add(table, day, PriceOrigin::Refreshed);
                    refreshes.push(refresh);
                }
                Err(error) => {
                    tracing::error!(%error, source = refresh.source, "a price table cannot be read");
                }
            }
        }
        let own_file = own::file(data_dir);
        let trouble = match own::load(&own_file) {
            Ok(own) => {
                prices.set_own(own);
                None
            }
            Err(reason) => {
                tracing::error!(reason, path = %own_file.display(), "the own prices cannot be used");
                Some(reason)
            }
        };
        let inner = Inner {
            now: RwLock::new(Arc::new(prices)),
            refreshes: Mutex::new(refreshes),
            own_file,
            trouble: Mutex::new(trouble),
            changing: tokio::sync::Mutex::default(),
            repricing: Mutex::default(),
            unknown: Mutex::default(),
            met_unknown: Notify::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The prices as they are now.
    pub(crate) fn now(&self) -> Arc<Prices> {
        self.inner.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Which prices these are.
    pub(crate) fn tables(&self, url: &str, refresh_unknown: bool) -> PriceTables {
        let now = self.now();
        let mut refreshes = lock(&self.inner.refreshes).clone();
        refreshes.reverse();
        PriceTables {
            date: now.date().to_owned(),
            origin: now.origin(),
            version: now.version(),
            models: now.len() as u64,
            url: url.to_owned(),
            refresh_unknown,
            refreshing: self.inner.changing.try_lock().is_err(),
            refreshes,
            own: now.own().map(own::shown).collect(),
            own_file: self.inner.own_file.display().to_string(),
            trouble: self.trouble(),
        }
    }

    /// Why the user's own prices cannot be used.
    pub(crate) fn trouble(&self) -> Option<String> {
        lock(&self.inner.trouble).clone()
    }

    /// A call was recorded. One of a model without a price may set off a refresh, once for each model.
    pub(crate) fn recorded(&self, call: &CallSummary, facts: &Facts) {
        if call.cost_source != api::CostSource::Unknown || call.usage.is_unknown() {
            return;
        }
        let Some(model) = facts.name.as_ref().or(call.model.as_ref()) else { return };
        let mut unknown = lock(&self.inner.unknown);
        if unknown.len() < REMEMBERED && unknown.insert(format!("{}/{model}", call.provider)) {
            self.inner.met_unknown.notify_one();
        }
    }

    /// Waits until a model without a price is met that was not met before.
    pub(crate) async fn met_unknown(&self) {
        self.inner.met_unknown.notified().await;
    }

    /// The repricing under way, or the last one.
    pub(crate) fn repricing(&self) -> Option<Repricing> {
        lock(&self.inner.repricing).clone()
    }

    fn set_repricing(&self, repricing: &Repricing) {
        *lock(&self.inner.repricing) = Some(repricing.clone());
    }

    /// Who changes them holds `changing`.
    fn change(&self, change: impl FnOnce(&mut Prices)) {
        let mut prices = Prices::clone(&self.now());
        change(&mut prices);
        *self.inner.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(prices);
    }
}

/// The prices cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Prices(#[from] model::pricing::PriceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
