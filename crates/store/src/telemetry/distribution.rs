//! Distributions: what came between two points of one, several as one, quantiles of it. Pure.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::telemetry::wire::{Buckets, ExponentialPoint, HistogramPoint};

/// Measurements in buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Distribution {
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    shape: Shape,
}

/// The buckets.
#[derive(Clone, Debug, Default, PartialEq)]
enum Shape {
    /// None were told.
    #[default]
    None,
    /// Bounds that the sender chose; the last bucket is endless.
    Explicit { bounds: Vec<f64>, counts: Vec<u64> },
    /// Buckets that grow: number to count, at one scale.
    Exponential {
        scale: i32,
        zero: u64,
        threshold: f64,
        positive: BTreeMap<i64, u64>,
        negative: BTreeMap<i64, u64>,
    },
}

impl From<&HistogramPoint> for Distribution {
    fn from(point: &HistogramPoint) -> Self {
        let fits = point.bucket_counts.len() == point.bounds.len() + 1;
        let ordered = point.bounds.is_sorted_by(|one, other| one < other);
        let shape = if fits && ordered && !point.bounds.iter().any(|bound| bound.is_nan()) {
            Shape::Explicit { bounds: point.bounds.clone(), counts: point.bucket_counts.clone() }
        } else {
            Shape::None
        };
        Self {
            count: point.count,
            sum: finite(point.sum),
            min: finite(point.min),
            max: finite(point.max),
            shape,
        }
    }
}

impl From<&ExponentialPoint> for Distribution {
    fn from(point: &ExponentialPoint) -> Self {
        let numbered = |buckets: &Buckets| {
            let numbers = i64::from(buckets.offset)..;
            numbers.zip(buckets.counts.iter().copied()).filter(|(_, count)| *count > 0).collect()
        };
        let shape = Shape::Exponential {
            scale: point.scale,
            zero: point.zero_count,
            threshold: finite(Some(point.zero_threshold)).unwrap_or_default().abs(),
            positive: numbered(&point.positive),
            negative: numbered(&point.negative),
        };
        Self {
            count: point.count,
            sum: finite(point.sum),
            min: finite(point.min),
            max: finite(point.max),
            shape,
        }
    }
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

impl Distribution {
    /// A distribution of which only this is known.
    pub(super) fn bare(count: u64, sum: Option<f64>) -> Self {
        Self { count, sum: finite(sum), ..Self::default() }
    }

    /// What was measured since `earlier`; `None` when it began anew in between.
    pub(super) fn since(&self, earlier: &Self) -> Option<Self> {
        let count = self.count.checked_sub(earlier.count)?;
        let sum = match (self.sum, earlier.sum) {
            (Some(now), Some(then)) => Some(now - then),
            (sum, _) => sum,
        };
        let shape = match (&self.shape, &earlier.shape) {
            (Shape::Explicit { bounds, counts }, Shape::Explicit { bounds: old, counts: then }) => {
                if bounds != old {
                    return None;
                }
                let pairs = counts.iter().zip(then);
                let counts = pairs.map(|(now, then)| now.checked_sub(*then)).collect::<Option<_>>()?;
                Shape::Explicit { bounds: bounds.clone(), counts }
            }
            (Shape::Exponential { .. }, Shape::Exponential { .. }) => {
                exponential_since(&self.shape, &earlier.shape)?
            }
            _ => Shape::None,
        };
        // The least and the most are of the whole time.
        Some(Self { count, sum, min: None, max: None, shape })
    }
}

fn exponential_since(now: &Shape, then: &Shape) -> Option<Shape> {
    let (
        Shape::Exponential { scale, zero, threshold, positive, negative },
        Shape::Exponential { scale: old, zero: zeros, positive: above, negative: below, .. },
    ) = (now, then)
    else {
        return None;
    };
    let common = *scale.min(old);
    let less = |now: &BTreeMap<i64, u64>, then: &BTreeMap<i64, u64>| {
        let mut now = coarser(now, *scale, common);
        for (number, count) in coarser(then, *old, common) {
            let left = now.get(&number).copied().unwrap_or(0).checked_sub(count)?;
            now.insert(number, left);
        }
        now.retain(|_, count| *count > 0);
        Some(now)
    };
    Some(Shape::Exponential {
        scale: common,
        zero: zero.checked_sub(*zeros)?,
        threshold: *threshold,
        positive: less(positive, above)?,
        negative: less(negative, below)?,
    })
}

/// The same buckets at a coarser scale: two of one scale are one of the next.
fn coarser(buckets: &BTreeMap<i64, u64>, scale: i32, to: i32) -> BTreeMap<i64, u64> {
    let steps = u32::try_from(scale.saturating_sub(to)).unwrap_or(0).min(40);
    let mut merged = BTreeMap::new();
    for (number, count) in buckets {
        let sum = merged.entry(number >> steps).or_insert(0_u64);
        *sum = sum.saturating_add(*count);
    }
    merged
}

/// Where a bucket ends, in an order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Edge(f64);

impl Eq for Edge {}

impl PartialOrd for Edge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Edge {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Measurements of any distributions together: how many lie between two edges, evenly as far as anybody knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Spread {
    pieces: BTreeMap<(Edge, Edge), u64>,
    min: Option<f64>,
    max: Option<f64>,
    /// Measurements of which the least and the most are not known.
    unbounded: bool,
}

impl Spread {
    pub(super) fn add(&mut self, distribution: &Distribution) {
        if distribution.count == 0 {
            return;
        }
        self.bound(distribution.min, distribution.max);
        match &distribution.shape {
            Shape::None => {}
            Shape::Explicit { bounds, counts } => {
                let lows = std::iter::once(f64::NEG_INFINITY).chain(bounds.iter().copied());
                let highs = bounds.iter().copied().chain(std::iter::once(f64::INFINITY));
                for ((low, high), count) in lows.zip(highs).zip(counts) {
                    self.piece(low, high, *count);
                }
            }
            Shape::Exponential { scale, zero, threshold, positive, negative } => {
                self.piece(-threshold, *threshold, *zero);
                for (number, count) in positive {
                    self.piece(edge(*scale, *number), edge(*scale, number.saturating_add(1)), *count);
                }
                for (number, count) in negative {
                    self.piece(-edge(*scale, number.saturating_add(1)), -edge(*scale, *number), *count);
                }
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if other.pieces.is_empty() {
            return;
        }
        let empty = self.pieces.is_empty();
        self.unbounded = (self.unbounded && !empty) || other.unbounded;
        self.min = least(self.min, other.min, f64::min);
        self.max = least(self.max, other.max, f64::max);
        for (edges, count) in &other.pieces {
            let sum = self.pieces.entry(*edges).or_insert(0);
            *sum = sum.saturating_add(*count);
        }
    }

    fn bound(&mut self, min: Option<f64>, max: Option<f64>) {
        self.unbounded |= min.is_none() || max.is_none();
        self.min = least(self.min, min, f64::min);
        self.max = least(self.max, max, f64::max);
    }

    fn piece(&mut self, low: f64, high: f64, count: u64) {
        if count > 0 {
            let sum = self.pieces.entry((Edge(low), Edge(high))).or_insert(0);
            *sum = sum.saturating_add(count);
        }
    }

    /// The value below which this share (0 to 1) of the measurements lies; `None` without buckets.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        self.lies_at(quantile).filter(|value| value.is_finite())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a quantile of more than 2^53 measurements is none the worse"
    )]
    fn lies_at(&self, quantile: f64) -> Option<f64> {
        let total = self.pieces.values().fold(0_u64, |total, count| total.saturating_add(*count));
        if total == 0 {
            return None;
        }
        let wanted = quantile * total as f64;
        let known = |bound: Option<f64>| bound.filter(|_| !self.unbounded);
        // At each edge: how the slope changes there, and what lies at that very value.
        let mut edges: BTreeMap<Edge, (f64, f64)> = BTreeMap::new();
        for ((Edge(low), Edge(high)), count) in &self.pieces {
            let (low, high) = within(*low, *high, known(self.min), known(self.max));
            let count = *count as f64;
            let width = high - low;
            if width > 0.0 && width.is_finite() {
                edges.entry(Edge(low)).or_default().0 += count / width;
                edges.entry(Edge(high)).or_default().0 -= count / width;
            } else {
                edges.entry(Edge(high)).or_default().1 += count;
            }
        }
        let (mut slope, mut below, mut at): (f64, f64, Option<f64>) = (0.0, 0.0, None);
        for (Edge(edge), (change, lump)) in &edges {
            if let Some(from) = at {
                let risen = slope * (edge - from);
                if below + risen >= wanted && slope > 0.0 {
                    return Some((from + ((wanted - below) / slope).max(0.0)).min(*edge));
                }
                below += risen;
            }
            below += lump;
            if below >= wanted && *lump > 0.0 {
                return Some(*edge);
            }
            slope = (slope + change).max(0.0);
            at = Some(*edge);
        }
        at
    }

    /// Upper bounds and counts; the last is endless (`None`).
    pub(super) fn buckets(&self) -> Vec<(Option<f64>, u64)> {
        let mut buckets: BTreeMap<Edge, u64> = BTreeMap::new();
        for ((_, high), count) in &self.pieces {
            let sum = buckets.entry(*high).or_insert(0_u64);
            *sum = sum.saturating_add(*count);
        }
        buckets
            .into_iter()
            .map(|(Edge(high), count)| (Some(high).filter(|high| high.is_finite()), count))
            .collect()
    }
}

fn least(one: Option<f64>, other: Option<f64>, pick: fn(f64, f64) -> f64) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(pick(one, other)),
        (one, other) => one.or(other),
    }
}

/// Finite edges: the least and the most where they are known; else an endless bucket is taken for as narrow as it can
/// be, but for one that begins with zero.
fn within(low: f64, high: f64, min: Option<f64>, max: Option<f64>) -> (f64, f64) {
    let low_end = if low.is_finite() { low } else { min.unwrap_or(if high > 0.0 { 0.0 } else { high }) };
    let high_end = if high.is_finite() { high } else { max.unwrap_or(low_end) };
    let low = min.map_or(low_end, |min| low_end.max(min));
    let high = max.map_or(high_end, |max| high_end.min(max));
    if low <= high { (low, high) } else { (low_end, high_end.max(low_end)) }
}

/// Where bucket `number` begins: 2^(number * 2^-scale), held within what a double can be.
#[expect(clippy::cast_precision_loss, reason = "bucket numbers are small")]
fn edge(scale: i32, number: i64) -> f64 {
    let exponent = number as f64 * 2_f64.powi(scale.saturating_neg());
    exponent.clamp(-1_022.0, 1_023.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explicit(bounds: &[f64], counts: &[u64]) -> HistogramPoint {
        HistogramPoint {
            count: counts.iter().sum(),
            bounds: bounds.to_vec(),
            bucket_counts: counts.to_vec(),
            ..HistogramPoint::default()
        }
    }

    fn spread(points: &[Distribution]) -> Spread {
        let mut spread = Spread::default();
        points.iter().for_each(|point| spread.add(point));
        spread
    }

    #[test]
    fn quantiles_lie_within_their_bucket() {
        let spread = spread(&[(&explicit(&[10.0, 20.0], &[50, 50, 0])).into()]);
        assert_eq!(spread.quantile(0.25), Some(5.0));
        assert_eq!(spread.quantile(0.5), Some(10.0));
        assert_eq!(spread.quantile(0.75), Some(15.0));
        assert_eq!(spread.quantile(1.0), Some(20.0));
        assert_eq!(spread.buckets(), [(Some(10.0), 50), (Some(20.0), 50)]);
    }

    #[test]
    fn an_endless_bucket_ends_where_the_most_was_measured() {
        let point = explicit(&[10.0], &[0, 100]);
        let known = HistogramPoint { min: Some(10.0), max: Some(110.0), ..point.clone() };
        assert_eq!(spread(&[(&known).into()]).quantile(0.5), Some(60.0));
        assert_eq!(spread(&[(&point).into()]).quantile(0.99), Some(10.0), "unknown: its beginning");
    }

    #[test]
    fn different_bounds_are_one_distribution() {
        let points = [(&explicit(&[10.0], &[10, 0])).into(), (&explicit(&[5.0, 10.0], &[10, 0, 0])).into()];
        let spread = spread(&points);
        // Ten evenly up to 10, ten evenly up to 5: three quarters of all lie below 5.
        assert_eq!(spread.quantile(0.75), Some(5.0));
        assert_eq!(spread.buckets(), [(Some(5.0), 10), (Some(10.0), 10)]);
    }

    #[test]
    fn buckets_that_grow_are_read_on_both_sides_of_zero() {
        let buckets = |offset, counts: &[u64]| Buckets { offset, counts: counts.to_vec() };
        let point = ExponentialPoint {
            count: 30,
            scale: 0,
            zero_count: 10,
            positive: buckets(0, &[10]),
            negative: buckets(1, &[10]),
            ..ExponentialPoint::default()
        };
        let spread = spread(&[(&point).into()]);
        assert_eq!(spread.quantile(1.0 / 6.0), Some(-3.0), "the middle of -4 to -2");
        assert_eq!(spread.quantile(0.5), Some(0.0));
        assert_eq!(spread.quantile(5.0 / 6.0), Some(1.5));
    }

    #[test]
    fn what_accumulates_is_told_apart_at_the_coarser_scale() {
        let of = |scale, offset, counts: &[u64]| {
            let positive = Buckets { offset, counts: counts.to_vec() };
            let count = counts.iter().sum();
            Distribution::from(&ExponentialPoint { count, scale, positive, ..ExponentialPoint::default() })
        };
        let since = of(0, 0, &[5, 1]).since(&of(1, 0, &[1, 2, 0, 1])).unwrap();
        assert_eq!((since.count, spread(&[since]).buckets()), (2, vec![(Some(2.0), 2)]));
        assert_eq!(of(0, 0, &[1]).since(&of(0, 0, &[2])), None, "it began anew");
    }
}
