//! Whether the machine's clock was set while LLMFlow ran. What is recorded has the clock's time, so that one that was set
//! ahead makes everything before look old: nothing is deleted for its age until it is clear which time is right.
//! Leaves out deleting (`upkeep`) and budgets, which count what a day or a session spent again (`budgets`).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::pipeline::millis;

/// Less than this is a clock that is kept right, not one that is set.
const SET_MS: i64 = 60_000;
/// So long after the clock was set ahead nothing is deleted for its age.
const HELD: Duration = Duration::from_secs(86_400);

/// What two clocks say: the machine's, which can be set, and one that only counts on.
#[derive(Clone, Copy, Debug)]
struct Reading {
    wall_ms: i64,
    steady_ms: i64,
}

/// How far the clock was set from where it was when LLMFlow started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Set {
    by_ms: i64,
    /// When that was noticed, by the steady clock.
    noticed_ms: i64,
}

/// The machine's clock, watched.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    state: Mutex<(Reading, Option<Set>)>,
}

impl Clock {
    /// From now on.
    pub(crate) fn watch() -> Self {
        let started = Instant::now();
        Self { started, state: Mutex::new((read(started), None)) }
    }

    /// What people should know of it, and what they can do; `None` when it was not set.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.set(read(self.started)).map(|set| words(set.by_ms))
    }

    /// Whether what the clock says may decide what is old enough to be deleted.
    pub(crate) fn tells_age(&self) -> bool {
        self.set(read(self.started)).is_none_or(|set| set.by_ms < 0)
    }

    /// Looks at the clocks: whether it was set, and not back again, and not so long ago that it is to be believed.
    fn set(&self, now: Reading) -> Option<Set> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, set) = *state;
        let drift = now.wall_ms.saturating_sub(last.wall_ms) - (now.steady_ms - last.steady_ms);
        // What went ahead may have slept, where no clock tells.
        let drift = if cfg!(target_os = "linux") { drift } else { drift.min(0) };
        let set = match set {
            _ if drift.abs() >= SET_MS => {
                let by_ms = set.map_or(0, |set| set.by_ms).saturating_add(drift);
                Some(Set { by_ms, noticed_ms: now.steady_ms }).filter(|set| set.by_ms.abs() >= SET_MS)
            }
            set => {
                set.filter(|set| i128::from(now.steady_ms - set.noticed_ms) < HELD.as_millis().cast_signed())
            }
        };
        *state = (now, set);
        set
    }
}

fn words(by_ms: i64) -> String {
    let minutes = by_ms.abs() / 60_000;
    let far = match minutes {
        0..120 => format!("{minutes} minutes"),
        120..2_880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    };
    if by_ms > 0 {
        format!(
            "This machine's clock was set {far} ahead while LLMFlow ran. Calls are recorded with its time, and for a day \
             nothing is deleted for its age. If it is wrong now, set it right: what came meanwhile keeps the wrong time."
        )
    } else {
        format!(
            "This machine's clock was set {far} back while LLMFlow ran. Calls are recorded with its time, and stand in \
             lists below what came before. If it is wrong now, set it right."
        )
    }
}

fn read(started: Instant) -> Reading {
    let wall_ms = millis(SystemTime::now());
    // A machine that slept was not set: on Linux the uptime counts that time too.
    let awake_ms = || i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    let steady_ms = if cfg!(target_os = "linux") {
        std::fs::read_to_string("/proc/uptime")
            .ok()
            .and_then(|text| uptime_ms(&text))
            .unwrap_or_else(awake_ms)
    } else {
        awake_ms()
    };
    Reading { wall_ms, steady_ms }
}

/// The first number of `/proc/uptime`: seconds since the machine started, sleep included, with two decimals.
fn uptime_ms(text: &str) -> Option<i64> {
    let (seconds, hundredths) = text.split_whitespace().next()?.split_once('.')?;
    Some(seconds.parse::<i64>().ok()? * 1_000 + hundredths.parse::<i64>().ok()? * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;
    const MINUTE_MS: i64 = 60_000;

    fn at(wall_ms: i64, steady_ms: i64) -> Reading {
        Reading { wall_ms, steady_ms }
    }

    fn clock() -> Clock {
        Clock { started: Instant::now(), state: Mutex::new((at(5 * DAY_MS, 0), None)) }
    }

    fn by(clock: &Clock, wall_ms: i64, steady_ms: i64) -> Option<i64> {
        clock.set(at(wall_ms, steady_ms)).map(|set| set.by_ms)
    }

    #[test]
    fn time_that_passes_sets_no_clock() {
        let clock = clock();
        assert_eq!(by(&clock, 5 * DAY_MS + 1_000, 1_000), None);
        // Kept right by a little, and after a night's sleep.
        assert_eq!(by(&clock, 5 * DAY_MS + 1_500 + MINUTE_MS / 2, 1_500), None);
        assert_eq!(by(&clock, 6 * DAY_MS + MINUTE_MS / 2, DAY_MS), None);
        assert!(Clock::watch().trouble().is_none() && Clock::watch().tells_age());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_clock_set_ahead_is_not_believed_for_a_day() {
        let clock = clock();
        assert_eq!(by(&clock, 3_655 * DAY_MS, 10), Some(3_650 * DAY_MS - 10));
        assert_eq!(by(&clock, 3_656 * DAY_MS - 1, DAY_MS + 9), Some(3_650 * DAY_MS - 10));
        assert_eq!(by(&clock, 3_656 * DAY_MS, DAY_MS + 10), None, "who runs it so for a day means it");
        assert!(words(3_650 * DAY_MS).contains("3650 days ahead"), "{}", words(3_650 * DAY_MS));
    }

    #[test]
    fn a_clock_set_right_again_is_believed() {
        let clock = clock();
        assert_eq!(by(&clock, 5 * DAY_MS - 3 * 3_600_000, 0), Some(-3 * 3_600_000));
        assert_eq!(by(&clock, 5 * DAY_MS + 1_000, 1_000), None);
        assert!(words(-3 * 3_600_000).contains("3 hours back"), "{}", words(-3 * 3_600_000));
    }

    #[test]
    fn uptime_is_read() {
        assert_eq!(uptime_ms("350735.47 234388.90\n"), Some(350_735_470));
        assert_eq!((uptime_ms(""), uptime_ms("x.y 1.0")), (None, None));
    }
}
