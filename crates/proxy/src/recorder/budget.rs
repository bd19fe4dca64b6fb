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

    /// Takes `bytes` more, or as many of them as there are.
    pub(crate) fn take_what_is_left(&mut self, bytes: usize) {
        let Some(budget) = &self.budget else { return };
        let less = |free: usize| Some(free.saturating_sub(bytes));
        let before = budget.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        self.taken += before.unwrap_or_default().min(bytes);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(budget) = &self.budget {
            budget.free.fetch_add(self.taken, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_what_was_taken() {
        let budget = Budget::new(100);
        let (mut one, mut other) = (budget.lease(), budget.lease());
        assert!(one.take(80));
        assert!(!other.take(40), "there are not enough");
        other.take_what_is_left(40);
        assert_eq!(budget.free(), 0);
        drop(other);
        assert_eq!(budget.free(), 20);
        drop(one);
        assert_eq!(budget.free(), 100);
    }
}
