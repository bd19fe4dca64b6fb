//! Asking for what a page shows, again whenever its key changes. Owns the four states: loading, late, error, data.
//! Leaves out drawing them (`components::states`).

use std::future::Future;
use std::time::Duration;

use api::{ApiError, ErrorKind};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Waiting shorter than this shows nothing.
const LATE: Duration = Duration::from_millis(150);

/// An answer that is asked for again when its key changes. The old answer stays until the new one is there.
pub struct Fetched<T: Send + Sync + 'static> {
    answer: RwSignal<Option<Result<T, ApiError>>>,
    late: RwSignal<bool>,
    again: RwSignal<u64>,
}

impl<T: Send + Sync + 'static> Clone for Fetched<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Fetched<T> {}

/// Asks `ask` with `key`, now and whenever the key changes; `None` asks nothing.
/// With `keep`, an answer stays in view while the next one is under way.
pub fn fetch<K, T, F>(
    keep: bool,
    key: impl Fn() -> Option<K> + 'static,
    ask: impl Fn(K) -> F + 'static,
) -> Fetched<T>
where
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let fetched =
        Fetched { answer: RwSignal::new(None), late: RwSignal::new(false), again: RwSignal::new(0) };
    let turn = StoredValue::new(0_u64);
    Effect::new(move |_| {
        fetched.again.track();
        let key = key();
        let this_turn = turn.get_value() + 1;
        turn.set_value(this_turn);
        if !keep || key.is_none() {
            fetched.answer.set(None);
        }
        let Some(key) = key else {
            return;
        };
        let asked = ask(key);
        spawn_local(async move {
            let answer = asked.await;
            if turn.try_get_value() == Some(this_turn) {
                fetched.late.set(false);
                fetched.take(answer);
            }
        });
        set_timeout(
            move || {
                let waiting = turn.try_get_value() == Some(this_turn)
                    && fetched.answer.try_with_untracked(Option::is_none) == Some(true);
                if waiting {
                    fetched.late.set(true);
                }
            },
            LATE,
        );
    });
    fetched
}

impl<T: Send + Sync + 'static> Fetched<T> {
    /// Looks at the answer, if there is a good one.
    pub fn with<R>(self, look: impl FnOnce(Option<&T>) -> R) -> R {
        self.answer.with(|answer| look(answer.as_ref().and_then(|answer| answer.as_ref().ok())))
    }

    /// The same without being told of changes.
    pub fn with_untracked<R>(self, look: impl FnOnce(Option<&T>) -> R) -> R {
        self.answer.with_untracked(|answer| look(answer.as_ref().and_then(|answer| answer.as_ref().ok())))
    }

    /// Why there is no answer.
    pub fn error(self) -> Option<ApiError> {
        self.answer.with(|answer| answer.as_ref().and_then(|answer| answer.as_ref().err().cloned()))
    }

    /// Whether it has been loading long enough to say so.
    pub fn is_late(self) -> bool {
        self.late.get() && self.answer.with(Option::is_none)
    }

    /// Takes an answer. Data that is there outlives a lost connection: the status bar says how old it is.
    fn take(self, answer: Result<T, ApiError>) {
        let lost = matches!(&answer, Err(error) if error.kind == ErrorKind::Unavailable);
        let has_data = self.answer.with_untracked(|answer| matches!(answer, Some(Ok(_))));
        if !(lost && has_data) {
            self.answer.set(Some(answer));
        }
    }

    /// An answer that came another way, such as that to a change.
    pub fn put(self, answer: T) {
        self.answer.set(Some(Ok(answer)));
    }

    /// Asks again.
    pub fn retry(self) {
        self.again.update(|again| *again += 1);
    }
}
