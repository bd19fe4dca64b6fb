//! Decimal numbers as whole numbers of a small unit, from their text. Owns the parsing, the one rounding rule and the
//! text of a price. Leaves out floating point, on purpose.

use api::Money;

/// Rates are held in 10⁻²⁴ dollars: the table writes up to 23 decimals.
const RATE_DIGITS: i32 = 24;
const PICO_DIGITS: i32 = 12;
/// 10⁻²⁴ dollars in a pico-dollar.
const RATE_PER_PICO: i128 = 1_000_000_000_000;

/// A price of one token (or search), in 10⁻²⁴ dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rate(i128);

/// A factor on a rate, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Factor(u32);

impl Rate {
    /// Nothing dearer is a price: a thousand dollars a token.
    const MAX: i128 = 1_000 * 10_i128.pow(24);

    /// The rate that `text` writes in dollars; `None` when it is negative, absurd or no number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        scaled(text, RATE_DIGITS).filter(|rate| (0..=Self::MAX).contains(rate)).map(Self)
    }

    /// `count` times the rate, rounded half to even to pico-dollars.
    pub(crate) fn times(self, count: u64) -> Money {
        let exact = self.0.saturating_mul(i128::from(count));
        let pico = divide_half_even(exact, RATE_PER_PICO);
        Money::from_pico(i64::try_from(pico).unwrap_or(i64::MAX))
    }

    /// The price of a part of the unit.
    pub(crate) fn divided(self, parts: u32) -> Self {
        Self(divide_half_even(self.0, i128::from(parts.max(1))))
    }

    /// The price of a million that is written as `text`, as the price of one.
    pub(crate) fn parse_per_million(text: &str) -> Option<Self> {
        Self::parse(text).map(|rate| rate.divided(1_000_000))
    }

    /// The price of one in dollars, exactly, without needless zeros.
    pub(crate) fn text(self) -> String {
        const ONE: i128 = 10_i128.pow(24);
        let fraction = format!("{:024}", self.0 % ONE);
        match fraction.trim_end_matches('0') {
            "" => (self.0 / ONE).to_string(),
            fraction => format!("{}.{fraction}", self.0 / ONE),
        }
    }

    /// The rate times `factor`.
    pub(crate) fn scaled_by(self, factor: Factor) -> Self {
        Self(divide_half_even(self.0.saturating_mul(i128::from(factor.0)), i128::from(Factor::ONE)))
    }

    /// The price of a million in dollars, exactly, without needless zeros.
    pub(crate) fn per_million(self) -> String {
        const FRACTION: i128 = 10_i128.pow(18);
        let whole = self.0 / FRACTION;
        let fraction = format!("{:018}", self.0 % FRACTION);
        match fraction.trim_end_matches('0') {
            "" => whole.to_string(),
            fraction => format!("{whole}.{fraction}"),
        }
    }
}

impl Factor {
    const ONE: u32 = 1_000_000;

    /// The factor that `text` writes; `None` when it is zero, negative, above a thousand or no number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let factor = scaled(text, 6).filter(|factor| (1..=1_000_000_000).contains(factor))?;
        u32::try_from(factor).ok().map(Self)
    }
}

/// An amount of dollars from its decimal text.
pub(crate) fn money(text: &str) -> Option<Money> {
    let pico = scaled(text, PICO_DIGITS).filter(|pico| *pico >= 0)?;
    i64::try_from(pico).ok().map(Money::from_pico)
}

/// `text`, a JSON number, times ten to the `digits`; what is smaller is rounded half to even.
fn scaled(text: &str, digits: i32) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or((1, mantissa), |rest| (-1, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let numerals = format!("{whole}{fraction}");
    // Thirty numerals are more than any f64 writes; beyond them lies no price.
    if numerals.is_empty() || numerals.len() > 30 || !numerals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = sign * numerals.parse::<i128>().ok()?;
    let shift = digits.checked_add(exponent)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    match u32::try_from(shift) {
        _ if value == 0 => Some(0),
        Ok(up) => value.checked_mul(10_i128.checked_pow(up)?),
        Err(_) => {
            Some(10_i128.checked_pow(shift.unsigned_abs()).map_or(0, |down| divide_half_even(value, down)))
        }
    }
}

fn divide_half_even(value: i128, by: i128) -> i128 {
    let quotient = value.div_euclid(by);
    let twice_rest = value.rem_euclid(by).saturating_mul(2);
    let up = twice_rest > by || twice_rest == by && quotient % 2 != 0;
    quotient + i128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_exact_rates() {
        assert_eq!(Rate::parse("3e-06"), Some(Rate(3 * 10_i128.pow(18))));
        assert_eq!(Rate::parse("0.00000125"), Rate::parse("1.25E-6"));
        assert_eq!(Rate::parse("1.6800000000000002e-07"), Some(Rate(168_000_000_000_000_020)));
        assert_eq!(Rate::parse("0"), Some(Rate(0)));
        for text in ["-1e-6", "", "x", "1e", "1e99", "NaN", "1e999999999999", "--1", "1.2.3"] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
        assert_eq!(Rate::parse("1e-99"), Some(Rate(0)), "nothing measurable");
    }

    #[test]
    fn a_bucket_is_rounded_once_half_to_even() {
        let half = Rate(RATE_PER_PICO / 2);
        assert_eq!([1, 2, 3, 5].map(|count| half.times(count).pico()), [0, 1, 2, 2]);
        let third = Rate(RATE_PER_PICO / 3);
        assert_eq!(third.times(3).pico(), 1, "rounded after the multiplication, not before");
        assert_eq!(Rate(Rate::MAX).times(u64::MAX).pico(), i64::MAX, "held instead of wrapped");
    }

    #[test]
    fn a_million_is_written_exactly() {
        for (rate, text) in [
            ("3e-06", "3"),
            ("3.75e-06", "3.75"),
            ("0", "0"),
            ("0.01", "10000"),
            ("1e-24", "0.000000000000000001"),
        ] {
            assert_eq!(Rate::parse(rate).map(Rate::per_million).as_deref(), Some(text));
        }
    }

    #[test]
    fn factors_scale_exactly() {
        let rate = Rate::parse("3e-06").unwrap().scaled_by(Factor::parse("1.1").unwrap());
        assert_eq!(rate.per_million(), "3.3");
        assert_eq!(Factor::parse("0"), None);
    }

    #[test]
    fn dollars_become_pico_dollars() {
        assert_eq!(money("0.000612"), Some(Money::from_pico(612_000_000)));
        assert_eq!(money("1e-5"), Some(Money::from_pico(10_000_000)));
        assert_eq!(money("-1"), None);
        assert_eq!(money("1e30"), None);
    }
}
