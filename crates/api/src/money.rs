//! Money as whole pico-dollars. Leaves out how a price becomes an amount (`model::pricing`).

use serde::{Deserialize, Serialize};

/// An amount in US pico-dollars (10⁻¹² USD). An unknown amount is `Option::None`, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing at all: a price that is known to be zero.
    pub const ZERO: Self = Self(0);
    const PICO_PER_DOLLAR: i64 = 1_000_000_000_000;

    /// `pico` US pico-dollars.
    pub const fn from_pico(pico: i64) -> Self {
        Self(pico)
    }

    /// The amount in US pico-dollars.
    pub const fn pico(self) -> i64 {
        self.0
    }

    /// The amount in dollars, for display and for JSON that promises dollars. Exact below about $9,000.
    #[expect(clippy::cast_precision_loss, reason = "dollars are for people; the ledger keeps pico-dollars")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / Self::PICO_PER_DOLLAR as f64
    }

    /// The difference, held at the largest amounts instead of wrapping.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The sum, held at the largest amount instead of wrapping.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::saturating_add)
    }
}
