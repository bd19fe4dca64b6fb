//! Asking for a change: whether it is under way, and why it was refused. Leaves out which change.

use std::future::Future;

use api::ApiError;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// One change at a time, as its button and the line below it need to know.
#[derive(Clone, Copy)]
pub struct Change {
    pub busy: RwSignal<bool>,
    pub refused: RwSignal<Option<ApiError>>,
}

impl Change {
    pub fn new() -> Self {
        Self { busy: RwSignal::new(false), refused: RwSignal::new(None) }
    }

    /// Does `work`; `then` gets what came of it, unless it was refused. While one is under way others wait for a
    /// second press.
    pub fn run<T: 'static>(
        self,
        work: impl Future<Output = Result<T, ApiError>> + 'static,
        then: impl FnOnce(T) + 'static,
    ) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.refused.set(None);
        spawn_local(async move {
            let answer = work.await;
            // The page may be gone by now.
            self.busy.try_set(false);
            match answer {
                Ok(answer) => then(answer),
                Err(error) => {
                    self.refused.try_set(Some(error));
                }
            }
        });
    }
}
