//! Where the lines of a chart stand: 1, 2 or 5 times a power of ten apart. Pure.

/// Larger values than this have no chart.
const MOST: f64 = 1e300;
/// Lines at most, whatever the figures are.
const LINES: usize = 12;

/// The height of a chart and the step of its lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    pub bottom: f64,
    pub top: f64,
    pub step: f64,
}

impl Axis {
    /// From zero, or from `least` when that is below, to a little above `most`, so that three to eight lines are drawn.
    pub fn new(least: f64, most: f64) -> Self {
        let within = |value: f64| if value.is_finite() { value.clamp(-MOST, MOST) } else { 0.0 };
        let (least, most) = (within(least).min(0.0), within(most).max(0.0));
        let range = if most - least > f64::MIN_POSITIVE { (most - least) * 1.1 } else { 1.0 };
        let rough = range / 3.5;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0].map(|times| times * power).into_iter().rfind(|step| *step <= rough);
        let bottom = if least < 0.0 { least - range / 22.0 } else { 0.0 };
        let top = if least < 0.0 { most + range / 22.0 } else { range };
        Self { bottom, top, step: step.unwrap_or(power) }
    }

    /// How far up a value stands, 0 to 1; what lies outside is put at the edge.
    pub fn share(&self, value: f64) -> f64 {
        ((value - self.bottom) / (self.top - self.bottom)).clamp(0.0, 1.0)
    }

    /// The values at which lines stand, zero not among them unless there is something below it.
    pub fn ticks(&self) -> Vec<f64> {
        let first = (self.bottom / self.step).ceil() as i64;
        let last = (self.top / self.step).floor() as i64;
        let shown = (first..=last).take(LINES).filter(|n| *n != 0 || self.bottom < 0.0);
        shown.map(|n| n as f64 * self.step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_round_and_neither_few_nor_many() {
        for most in [1e-9, 0.0004, 0.07, 0.9, 3.0, 29.1, 480.0, 99_000.0, 4e15] {
            let axis = Axis::new(0.0, most);
            assert!((3..=8).contains(&axis.ticks().len()), "{most}: {:?}", axis.ticks());
            assert!(axis.top > most && axis.share(most) > 0.5);
        }
        assert_eq!(Axis::new(0.0, 29.1).step, 5.0);
        assert_eq!(Axis::new(0.0, 0.0).ticks().len(), 5);
        for (least, most) in
            [(f64::NEG_INFINITY, f64::INFINITY), (f64::NAN, 1.0), (f64::MIN, f64::MAX), (0.0, 1e-320)]
        {
            let axis = Axis::new(least, most);
            assert!((1..=LINES).contains(&axis.ticks().len()), "{axis:?}");
            assert!(axis.share(most).is_finite() || most.is_nan());
        }
    }

    #[test]
    fn what_is_below_zero_has_its_place() {
        let axis = Axis::new(-40.0, 60.0);
        assert!(axis.ticks().contains(&0.0) && axis.bottom < -40.0 && axis.top > 60.0);
        assert!(axis.share(-40.0) > 0.0 && axis.share(0.0) < axis.share(60.0));
        assert_eq!((axis.share(1e9), axis.share(-1e9)), (1.0, 0.0));
    }
}
