//! The bench's own arithmetic: percentiles, medians, and when an open-loop load intends to send. Pure.

use std::time::Duration;

/// Measured durations, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    sorted: Vec<Duration>,
}

impl Samples {
    /// Takes the measurements in any order.
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self { sorted: durations }
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The smallest duration that at least `percent` of all do not exceed (nearest rank).
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        let rank = rank(self.sorted.len(), percent);
        self.sorted.get(rank).copied().unwrap_or_default()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "counts are far below 2^52, and the cast saturates"
)]
fn rank(count: usize, percent: f64) -> usize {
    let rank = (percent / 100.0 * count as f64).ceil() as usize;
    rank.clamp(1, count.max(1)) - 1
}

/// The middle of some figures; of an even number, the mean of the two in the middle.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    if sorted.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.wrapping_sub(1)), at(middle)) }
}

/// When each request of an open-loop load is meant to go out. A request that goes out late is still measured from
/// here, so that a stall is charged to every request it held up, and not to one of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// Requests in a second.
    pub(crate) rate: u32,
    /// How long.
    pub(crate) duration: Duration,
}

impl Schedule {
    /// When request `index` goes out, after the start; `None` after the last.
    pub(crate) fn due(&self, index: u64) -> Option<Duration> {
        let nanos = u128::from(index) * 1_000_000_000 / u128::from(self.rate.max(1));
        let due = Duration::from_nanos(u64::try_from(nanos).ok()?);
        (due < self.duration).then_some(due)
    }
}

/// Microseconds as a number to reckon with.
pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(millis: impl IntoIterator<Item = u64>) -> Samples {
        Samples::new(millis.into_iter().map(Duration::from_millis).collect())
    }

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let hundred = samples((1..=100).rev());
        assert_eq!(hundred.percentile(50.0), Duration::from_millis(50));
        assert_eq!(hundred.percentile(99.0), Duration::from_millis(99));
        assert_eq!(hundred.percentile(99.1), Duration::from_millis(100));
        assert_eq!(hundred.percentile(100.0), Duration::from_millis(100));
        assert_eq!(hundred.percentile(0.0), Duration::from_millis(1));
        assert_eq!(samples([7]).percentile(99.0), Duration::from_millis(7));
        assert_eq!(samples([]).percentile(50.0), Duration::ZERO, "nothing measured");
    }

    #[test]
    fn one_outlier_in_a_hundred_shows_beyond_p99_only() {
        let skewed = samples((0..99).map(|_| 1).chain([500]));
        assert_eq!(skewed.percentile(99.0), Duration::from_millis(1));
        assert_eq!(skewed.percentile(99.9), Duration::from_millis(500));
    }

    #[test]
    fn the_median_ignores_one_bad_round() {
        assert!((median(&[10.0, 11.0, 900.0]) - 11.0).abs() < 1e-9);
        assert!((median(&[1.0, 2.0, 3.0, 10.0]) - 2.5).abs() < 1e-9);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_schedule_is_even_and_ends() {
        let schedule = Schedule { rate: 1_000, duration: Duration::from_secs(2) };
        assert_eq!(schedule.due(0), Some(Duration::ZERO));
        assert_eq!(schedule.due(1), Some(Duration::from_millis(1)));
        assert_eq!(schedule.due(1_999), Some(Duration::from_millis(1_999)));
        assert_eq!(schedule.due(2_000), None);
        let uneven = Schedule { rate: 3, duration: Duration::from_secs(1) };
        assert_eq!((0..).map_while(|index| uneven.due(index)).count(), 3, "rounding must not lose a request");
    }
}
