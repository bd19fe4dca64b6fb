//! Spend of 7 and 30 days, and of the same stretches before them up to the same time of day.
//! Leaves out today's own figure, which comes with the rest of today.

use api::{ApiError, CallFilter, Series, Totals};

use crate::backend::Backend;
use crate::browser::{midnight, now_ms};
use crate::calendar::hours;

/// Comparisons move on in steps of this length, so that what was added up is used again.
pub const STEP_MS: i64 = 5 * 60_000;

/// A stretch of days and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spend {
    pub now: Totals,
    pub before: Totals,
    /// When it began.
    pub from_ms: i64,
}

/// Today, 7 days and 30 days.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spends {
    pub today: Spend,
    pub week: Spend,
    pub month: Spend,
}

/// Asks for all of it at once.
pub async fn ask(backend: Backend) -> Result<Spends, ApiError> {
    let now = now_ms();
    let elapsed = (now - midnight(now, 0)) / STEP_MS * STEP_MS;
    let at = |days: i32| midnight(now, days);
    let bounds = bounds(elapsed, at);
    let series = backend.series(CallFilter::default(), bounds.clone(), None).await?;
    Ok(spends(&bounds, &series, elapsed, at))
}

/// Midnights of sixty days, the moments at which comparisons end, and today's hours.
fn bounds(elapsed: i64, midnight: impl Fn(i32) -> i64) -> Vec<i64> {
    let mut bounds: Vec<i64> = (-59..=0).map(&midnight).collect();
    bounds.extend([-1, -7, -30].map(|day| midnight(day) + elapsed));
    bounds.extend(hours(midnight(0), midnight(1)));
    bounds.sort_unstable();
    bounds.dedup();
    bounds
}

fn spends(bounds: &[i64], series: &Series, elapsed: i64, midnight: impl Fn(i32) -> i64) -> Spends {
    let sum = |from: i64, to: i64| {
        let points = series.groups.iter().flat_map(|group| &group.points).chain(&series.rest);
        let inside = points.filter(|point| {
            let begins = bounds.get(point.interval as usize);
            begins.is_some_and(|begins| (from..to).contains(begins))
        });
        Totals::sum(inside.map(|point| &point.totals))
    };
    let spend = |days: i32| Spend {
        now: sum(midnight(1 - days), midnight(1)),
        before: sum(midnight(1 - 2 * days), midnight(-days) + elapsed),
        from_ms: midnight(1 - days),
    };
    Spends { today: spend(1), week: spend(7), month: spend(30) }
}

#[cfg(test)]
mod tests {
    use api::{Money, SeriesGroup, SeriesPoint};

    use super::*;

    const DAY: i64 = 86_400_000;
    const HOUR: i64 = 3_600_000;

    #[test]
    fn each_stretch_is_compared_with_the_one_before_up_to_the_same_time() {
        let midnight = |days: i32| i64::from(days) * DAY;
        let elapsed = 10 * HOUR;
        let bounds = bounds(elapsed, midnight);
        // A dollar an hour, until ten o'clock today.
        let points = bounds.windows(2).enumerate().filter(|(_, pair)| pair[0] < elapsed).map(|(at, pair)| {
            let cost = Money::from_pico((pair[1] - pair[0]) / HOUR);
            SeriesPoint { interval: at as u32, totals: Totals { cost, ..Totals::default() } }
        });
        let series = Series {
            groups: vec![SeriesGroup { points: points.collect(), ..SeriesGroup::default() }],
            ..Series::default()
        };
        let spends = spends(&bounds, &series, elapsed, midnight);
        let hours = |spend: Spend| (spend.now.cost.pico(), spend.before.cost.pico());
        assert_eq!(hours(spends.today), (10, 10));
        assert_eq!(hours(spends.week), (6 * 24 + 10, 6 * 24 + 10));
        assert_eq!(hours(spends.month), (29 * 24 + 10, 29 * 24 + 10));
    }
}
