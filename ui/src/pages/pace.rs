//! How often a page that adds things up asks again while calls come in.

use std::time::Duration;

use leptos::prelude::*;

use crate::live::use_live;

const PACE: Duration = Duration::from_secs(2);

/// Counts up when calls changed: at most once in a while, and not while live updates are paused.
pub fn paced_changes() -> RwSignal<u64> {
    let live = use_live();
    paced(move || live.changes.track())
}

/// The same for whatever `watch` reads.
pub fn paced(watch: impl Fn() + 'static) -> RwSignal<u64> {
    let live = use_live();
    let turn = RwSignal::new(0);
    let waiting = StoredValue::new(false);
    Effect::new(move |before: Option<()>| {
        watch();
        if before.is_none() || live.paused.get() || waiting.get_value() {
            return;
        }
        waiting.set_value(true);
        set_timeout(
            move || {
                // The page may be gone by then.
                if waiting.try_set_value(false).is_none() {
                    turn.try_update(|turn| *turn += 1);
                }
            },
            PACE,
        );
    });
    turn
}
