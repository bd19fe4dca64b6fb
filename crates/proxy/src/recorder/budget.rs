//! The memory that all copies of bodies share, from the first byte seen until the record is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes that copies take from and give back.
#[derive(Clone, Debug)]
pub struct Budget {
    free: Arc<AtomicUsize>,
}

impl Budget {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// Bytes not taken.
    pub fn free(&self) -> usize {
        self.free.load(Ordering::Relaxed)
    }

    /// A lease that has taken nothing yet.
    pub(crate) fn lease(&self) -> Lease {
        Lease { budget: Some(self.clone()), taken: 0 }
    }
}

/// Bytes taken from a budget, given back when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    budget: Option<Budget>,
    taken: usize,
}

impl Lease {
    /// Takes `bytes` more; `false` when there are not enough.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let Some(budget) = &self.budget else { return false };
        let less = |free: usize| free.checked_sub(bytes);
        let taken = budget.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        if taken {
            self.taken += bytes;
        }
        taken
    }

    /// Takes over what `other` took from the same budget.
    pub(crate) fn join(&mut self, mut other: Self) {
        self.taken += std::mem::take(&mut other.taken);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(budget) = &self.budget {
            budget.free.fetch_add(self.taken, Ordering::Relaxed);
        }
    }
}
