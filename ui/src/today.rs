//! Today at a glance, as several parts of the app show it, and how often figures are asked for again.
//! Leaves out drawing them.

use std::future::Future;

use api::{ApiError, Overview};
use leptos::prelude::*;

use crate::backend::Backend;
use crate::browser::{midnight, now_ms};
use crate::calendar::hours;
use crate::fetch::{Fetched, fetch};
use crate::live::{Changes, Live};

/// Figures change at most this often.
const LEAST_MS: i64 = 1_000;
/// An answer that took long is not asked for again before so many times as long.
const SHARE: i64 = 10;

/// Beats when calls changed, and not faster than answers can be had.
#[derive(Clone, Copy)]
pub struct Pulse {
    beat: RwSignal<u64>,
    asking: StoredValue<u32>,
    took_ms: StoredValue<i64>,
}

impl Pulse {
    pub fn start(live: Live) -> Self {
        let pulse =
            Self { beat: RwSignal::new(0), asking: StoredValue::new(0), took_ms: StoredValue::new(0) };
        let told = StoredValue::new((0_u64, 0_i64));
        Effect::new(move |_| {
            let now = live.now.get();
            let turn = live.changes.with_untracked(Changes::turn);
            let (last_turn, last_ms) = told.get_value();
            let pause = LEAST_MS.max(pulse.took_ms.get_value() * SHARE);
            let rested = pulse.asking.get_value() == 0 && now - last_ms >= pause;
            if turn != last_turn && rested && !live.paused.get_untracked() {
                told.set_value((turn, now));
                pulse.beat.update(|beat| *beat += 1);
            }
        });
        pulse
    }

    /// Asks again with each beat whatever reads this.
    pub fn track(self) {
        self.beat.track();
    }

    /// Waits for an answer and heeds how long it takes.
    pub async fn heed<T>(self, answer: impl Future<Output = T>) -> T {
        let began = now_ms();
        let _page_gone = self.asking.try_update_value(|asking| *asking += 1);
        let answer = answer.await;
        let _page_gone = self.asking.try_update_value(|asking| *asking = asking.saturating_sub(1));
        let _page_gone = self.took_ms.try_update_value(|took| *took = now_ms() - began);
        answer
    }
}

/// Today, as the whole app shares it.
#[derive(Clone, Copy)]
pub struct Today {
    pub overview: Fetched<Overview>,
    /// When it began and when it ends.
    pub day: Memo<(i64, i64)>,
}

impl Today {
    pub fn start(backend: Backend, live: Live) -> Self {
        let day = Memo::new(move |_| {
            let now = live.now.get();
            (midnight(now, 0), midnight(now, 1))
        });
        let pulse = Pulse::start(live);
        let overview = fetch(
            true,
            move || {
                pulse.track();
                Some(day.get())
            },
            move |(from, to)| pulse.heed(ask(backend, from, to)),
        );
        Self { overview, day }
    }
}

async fn ask(backend: Backend, from: i64, to: i64) -> Result<Overview, ApiError> {
    backend.overview(hours(from, to)).await
}

pub fn use_today() -> Today {
    expect_context::<Today>()
}
