//! Points counted and summed.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::StoreError;

/// A series' points, counted.
pub(super) struct Counted {
    pub(super) points: i64,
    pub(super) first_ns: i64,
    pub(super) last_ns: i64,
    pub(super) numbers: Numbers,
}

impl Counted {
    pub(super) fn read(row: &SqliteRow) -> Result<Self, StoreError> {
        let number = |column: usize| row.try_get_unchecked::<Option<f64>, _>(column);
        Ok(Self {
            points: row.try_get(1)?,
            first_ns: row.try_get(2)?,
            last_ns: row.try_get(3)?,
            numbers: Numbers {
                least: number(4)?,
                most: number(5)?,
                sum: number(6)?.unwrap_or(0.0),
                count: row.try_get(7)?,
            },
        })
    }
}

/// The numbers of some points.
#[derive(Clone, Copy, Default)]
pub(super) struct Numbers {
    pub(super) least: Option<f64>,
    pub(super) most: Option<f64>,
    pub(super) sum: f64,
    pub(super) count: i64,
}

impl Numbers {
    pub(super) fn add(&mut self, counted: &Counted) {
        let other = counted.numbers;
        let pick = |one: Option<f64>, other: Option<f64>, pick: fn(f64, f64) -> f64| match (one, other) {
            (Some(one), Some(other)) => Some(pick(one, other)),
            (one, other) => one.or(other),
        };
        self.least = pick(self.least, other.least, f64::min);
        self.most = pick(self.most, other.most, f64::max);
        self.sum += other.sum;
        self.count += other.count;
    }

    /// The least, the most and the mean.
    #[expect(clippy::cast_precision_loss, reason = "a mean is a double")]
    pub(super) fn range(self) -> Option<[f64; 3]> {
        let range = [self.least?, self.most?, self.sum / self.count.max(1) as f64];
        range.iter().all(|number| number.is_finite()).then_some(range)
    }
}
