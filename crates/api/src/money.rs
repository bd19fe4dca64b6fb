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

    /// The exact amount in dollars as text, without needless digits: `12.5`.
    pub fn to_decimal(self) -> String {
        let (pico, each) = (self.0.unsigned_abs(), Self::PICO_PER_DOLLAR.unsigned_abs());
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:012}", pico % each);
        match fraction.trim_end_matches('0') {
            "" => format!("{sign}{}", pico / each),
            fraction => format!("{sign}{}.{fraction}", pico / each),
        }
    }

    /// The amount that a text such as `12.50` says, exactly; `None` for what is no amount, is negative, or has parts
    /// smaller than a pico-dollar.
    pub fn from_decimal(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('$');
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) || fraction.len() > 12 {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part: i64 = format!("{fraction:0<12}").parse().ok()?;
        Some(Self(whole.checked_mul(Self::PICO_PER_DOLLAR)?.checked_add(part)?))
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

#[cfg(test)]
mod tests {
    use super::Money;

    #[test]
    fn amounts_are_read_and_written_exactly() {
        for (text, pico) in [
            ("0", 0),
            ("25", 25_000_000_000_000),
            ("12.5", 12_500_000_000_000),
            ("0.000000000001", 1),
            ("9223372.036854775807", i64::MAX),
        ] {
            assert_eq!(Money::from_decimal(text), Some(Money::from_pico(pico)), "{text}");
            assert_eq!(Money::from_pico(pico).to_decimal(), text);
        }
        for (text, pico) in
            [(" $12.50 ", 12_500_000_000_000), (".5", 500_000_000_000), ("3.", 3_000_000_000_000)]
        {
            assert_eq!(Money::from_decimal(text), Some(Money::from_pico(pico)), "{text}");
        }
        for text in ["", ".", "-1", "1,5", "1e3", "ten", "0.0000000000001", "9223372.036854775808", "1.2.3"] {
            assert_eq!(Money::from_decimal(text), None, "{text}");
        }
        assert_eq!(Money::from_pico(-1_500_000_000_000).to_decimal(), "-1.5");
    }
}
