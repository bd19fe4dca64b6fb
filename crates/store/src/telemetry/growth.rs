//! What a series' points come to over stretches of time: growth, latest values, distributions. Pure; leaves out reading
//! points (`metrics`).

use std::collections::HashMap;

use api::Quantile;
use model::telemetry::wire::Number;

use super::distribution::{Distribution, Spread};
use super::points::Rest;

/// Bit 0 of a point's flags: nothing was recorded.
const NOT_RECORDED: u32 = 1;
/// The quantiles worked out of buckets.
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// How the points of a series are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The latest value counts.
    Latest,
    /// Each point is what came since the last one.
    Delta,
    /// Each point is everything since its beginning. Where nobody said which of the two, it is this one.
    Cumulative,
}

impl Reading {
    /// By the numbers that the table of series keeps.
    pub(super) fn of(kind: i64, temporality: i64, monotonic: bool) -> Self {
        match (kind, temporality) {
            (0, _) => Self::Latest,
            (1..=3, 1) => Self::Delta,
            (1, _) if !monotonic => Self::Latest,
            _ => Self::Cumulative,
        }
    }
}

/// One point of a series.
#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    pub(super) time_ns: i64,
    pub(super) start_ns: i64,
    pub(super) value: Option<f64>,
    pub(super) int: Option<i64>,
    pub(super) rest: Option<Rest>,
}

/// What one point tells.
#[derive(Clone, Debug)]
enum Told {
    Number(f64),
    Distribution(Distribution),
    /// With the quantiles as they were sent.
    Summary(Distribution, Vec<(f64, f64)>),
    /// Something that is no number.
    NoNumber,
    Nothing,
}

impl Point {
    #[expect(clippy::cast_precision_loss, reason = "charts are drawn in doubles")]
    fn told(&self, distributions: bool) -> Told {
        let (flags, told) = match &self.rest {
            // Its sum and its count stand in columns, and nobody asks for more.
            None if distributions => {
                let count = self.int.unwrap_or_default().unsigned_abs();
                (0, Told::Distribution(Distribution::bare(count, self.value)))
            }
            None => (0, self.value.or(self.int.map(|int| int as f64)).map_or(Told::Nothing, Told::Number)),
            Some(Rest::Number(point)) => {
                let told = match point.value {
                    Some(Number::Int(value)) => Told::Number(value as f64),
                    Some(Number::Double(value)) => Told::Number(value),
                    None => Told::Nothing,
                };
                (point.head.flags, told)
            }
            Some(Rest::Histogram(point)) => (point.head.flags, Told::Distribution(point.into())),
            Some(Rest::Exponential(point)) => (point.head.flags, Told::Distribution(point.into())),
            Some(Rest::Summary(point)) => {
                let told = Distribution::bare(point.count, Some(point.sum));
                (point.head.flags, Told::Summary(told, sound(&point.quantiles)))
            }
        };
        match told {
            _ if flags & NOT_RECORDED != 0 => Told::Nothing,
            Told::Number(value) if !value.is_finite() => Told::NoNumber,
            told => told,
        }
    }
}

/// What came in one stretch of time.
#[derive(Clone, Debug, Default)]
struct Bar {
    value: Option<f64>,
    sum: Option<f64>,
    spread: Spread,
    /// Quantiles as they were sent, and of how many measurements.
    sent: Option<(u64, Vec<(f64, f64)>)>,
}

impl Bar {
    fn add(&mut self, value: f64) {
        self.value = Some(self.value.unwrap_or(0.0) + value);
    }

    #[expect(clippy::cast_precision_loss, reason = "charts are drawn in doubles")]
    fn measure(&mut self, came: &Distribution) {
        self.add(came.count as f64);
        if let Some(sum) = came.sum {
            self.sum = Some(self.sum.unwrap_or(0.0) + sum);
        }
        self.spread.add(came);
    }

    fn merge(&mut self, other: &Self) {
        for (own, more) in [(&mut self.value, other.value), (&mut self.sum, other.sum)] {
            *own = match (*own, more) {
                (Some(own), Some(more)) => Some(own + more),
                (own, more) => own.or(more),
            };
        }
        self.spread.merge(&other.spread);
        // Quantiles cannot be added up: those of more measurements count.
        let of = |sent: &Option<(u64, Vec<(f64, f64)>)>| sent.as_ref().map(|(count, _)| *count);
        if of(&other.sent) > of(&self.sent) {
            self.sent.clone_from(&other.sent);
        }
    }
}

/// Equal stretches of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretches {
    pub(super) from_ms: i64,
    /// All of them together.
    pub(super) span_ms: i64,
    pub(super) count: usize,
}

impl Stretches {
    /// None at all: for sums over the whole time asked for.
    pub(super) const NONE: Self = Self { from_ms: 0, span_ms: 1, count: 0 };

    /// The number of the one that `time_ns` lies in.
    fn number(&self, time_ns: i64) -> Option<usize> {
        let offset = i128::from(time_ns.div_euclid(1_000_000)) - i128::from(self.from_ms);
        let number = (offset * self.count as i128).div_euclid(i128::from(self.span_ms.max(1)));
        usize::try_from(number).ok().filter(|number| *number < self.count)
    }
}

/// What some series come to together.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    bars: Vec<Bar>,
    pub(super) total: f64,
    /// Of distributions: what all measurements add up to.
    pub(super) sum: f64,
    pub(super) resets: u64,
    pub(super) left_out: u64,
}

impl Line {
    pub(super) fn new(stretches: usize) -> Self {
        Self { bars: vec![Bar::default(); stretches], ..Self::default() }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.bars.iter_mut().zip(&other.bars).for_each(|(bar, more)| bar.merge(more));
        self.total += other.total;
        self.sum += other.sum;
        self.resets += other.resets;
        self.left_out += other.left_out;
    }

    /// As a chart shows it.
    pub(super) fn shown(&self, value: Option<String>, distributions: bool) -> api::MetricLine {
        let mut whole = Spread::default();
        self.bars.iter().for_each(|bar| whole.merge(&bar.spread));
        api::MetricLine {
            value,
            values: self.bars.iter().map(|bar| bar.value.map(held)).collect(),
            total: held(self.total),
            sums: if distributions {
                self.bars.iter().map(|bar| bar.sum.map(held)).collect()
            } else {
                Vec::new()
            },
            quantiles: if distributions { self.quantiles() } else { Vec::new() },
            buckets: whole.buckets(),
            resets: self.resets,
            left_out: self.left_out,
        }
    }

    fn quantiles(&self) -> Vec<Quantile> {
        let mut sent: Vec<f64> = self
            .bars
            .iter()
            .filter_map(|bar| bar.sent.as_ref())
            .flat_map(|(_, sent)| sent)
            .map(|(q, _)| *q)
            .collect();
        sent.sort_unstable_by(f64::total_cmp);
        sent.dedup();
        if sent.is_empty() {
            let of = |quantile| Quantile {
                quantile,
                values: self.bars.iter().map(|bar| bar.spread.quantile(quantile)).collect(),
            };
            let all: Vec<Quantile> = QUANTILES.into_iter().map(of).collect();
            return if all.iter().any(|line| line.values.iter().any(Option::is_some)) {
                all
            } else {
                Vec::new()
            };
        }
        let value = |bar: &Bar, wanted: f64| {
            let (_, sent) = bar.sent.as_ref()?;
            sent.iter().find(|(quantile, _)| quantile.total_cmp(&wanted).is_eq()).map(|(_, value)| *value)
        };
        let of = |quantile| Quantile {
            quantile,
            values: self
                .bars
                .iter()
                .map(|bar| value(bar, quantile).filter(|value| value.is_finite()))
                .collect(),
        };
        sent.into_iter().map(of).collect()
    }
}

/// Adds up one series, whose points come in the order of their time.
#[derive(Debug)]
pub(super) struct Growth {
    reading: Reading,
    distributions: bool,
    stretches: Stretches,
    line: Line,
    /// By where its points begin: processes that cannot be told apart count on their own.
    streams: HashMap<i64, Told>,
    latest: Option<f64>,
}

impl Growth {
    pub(super) fn new(reading: Reading, distributions: bool, stretches: Stretches) -> Self {
        Self {
            reading,
            distributions,
            stretches,
            line: Line::new(stretches.count),
            streams: HashMap::new(),
            latest: None,
        }
    }

    /// The last point of a stream before the time asked for.
    pub(super) fn before(&mut self, point: &Point) {
        let told = point.told(self.distributions);
        if self.reading == Reading::Cumulative && !matches!(told, Told::Nothing | Told::NoNumber) {
            self.streams.insert(point.start_ns, told);
        }
    }

    /// The next point.
    pub(super) fn add(&mut self, point: &Point) {
        let told = match point.told(self.distributions) {
            Told::Nothing => return,
            Told::NoNumber => {
                self.line.left_out += 1;
                return;
            }
            told => told,
        };
        let came = match self.reading {
            Reading::Latest => return self.stand(point, &told),
            Reading::Delta => told,
            Reading::Cumulative => self.came(point.start_ns, told),
        };
        let number = self.stretches.number(point.time_ns);
        let bar = number.and_then(|number| self.line.bars.get_mut(number));
        match came {
            Told::Number(value) => {
                self.line.total += value;
                if let Some(bar) = bar {
                    bar.add(value);
                }
            }
            Told::Distribution(came) => measured(&mut self.line.total, &mut self.line.sum, bar, &came),
            Told::Summary(came, quantiles) => {
                let mut bar = bar;
                if let Some(bar) = &mut bar {
                    bar.sent = Some((came.count, quantiles));
                }
                measured(&mut self.line.total, &mut self.line.sum, bar, &came);
            }
            Told::NoNumber | Told::Nothing => {}
        }
    }

    /// What came since the stream's last point.
    fn came(&mut self, start_ns: i64, told: Told) -> Told {
        let Some(before) = self.streams.insert(start_ns, told.clone()) else {
            // Not the first stream of this series: it began anew.
            self.line.resets += u64::from(self.streams.len() > 1);
            return told;
        };
        let since = match (&told, &before) {
            (Told::Number(now), Told::Number(then)) => (now >= then).then(|| Told::Number(now - then)),
            (Told::Distribution(now), Told::Distribution(then)) => now.since(then).map(Told::Distribution),
            (Told::Summary(now, quantiles), Told::Summary(then, _)) => {
                now.since(then).map(|since| Told::Summary(since, quantiles.clone()))
            }
            _ => None,
        };
        since.unwrap_or_else(|| {
            self.line.resets += 1;
            told
        })
    }

    /// A value that stands until the next one.
    fn stand(&mut self, point: &Point, told: &Told) {
        let Told::Number(value) = told else { return };
        self.latest = Some(*value);
        if let Some(number) = self.stretches.number(point.time_ns)
            && let Some(bar) = self.line.bars.get_mut(number)
        {
            bar.value = Some(*value);
        }
    }

    pub(super) fn finish(mut self) -> Line {
        self.line.total += self.latest.unwrap_or(0.0);
        self.line
    }
}

/// A sum, held at the largest numbers: JSON has no endless ones.
pub(super) fn held(sum: f64) -> f64 {
    if sum.is_nan() { 0.0 } else { sum.clamp(f64::MIN, f64::MAX) }
}

/// The quantiles that are ones; what somebody reports beyond 0 to 1, or as no number, stays in the point alone.
fn sound(sent: &[(f64, f64)]) -> Vec<(f64, f64)> {
    sent.iter()
        .copied()
        .filter(|(quantile, value)| (0.0..=1.0).contains(quantile) && value.is_finite())
        .collect()
}

fn measured(total: &mut f64, sum: &mut f64, bar: Option<&mut Bar>, came: &Distribution) {
    *total += came.count as f64;
    *sum += came.sum.unwrap_or(0.0);
    if let Some(bar) = bar {
        bar.measure(came);
    }
}
