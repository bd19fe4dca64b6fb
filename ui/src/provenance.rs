//! What a sum of money stands on, in words, and how it is shown. Pure; leaves out single calls (`format::call_cost`).

use api::Totals;

use crate::format::time::plain_date;
use crate::format::{money, plural, thousands};

/// A sum of calls' costs as a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SumText {
    /// What is known of it; `partial` when some of it is only a part.
    Amount { text: String, partial: bool },
    /// There are calls, and no price of any of them is known. Never shown as zero.
    Unknown,
    /// All of them run on the user's own hardware.
    Local,
}

/// The figure for `totals`.
pub fn sum_text(totals: &Totals) -> SumText {
    let ended = totals.calls.saturating_sub(totals.open);
    let known = ended.saturating_sub(totals.unpriced).saturating_sub(totals.local);
    match (known, totals.unpriced, totals.local) {
        (0, 0, local) if local > 0 => SumText::Local,
        (0, unpriced, _) if unpriced > 0 && totals.cost.pico() == 0 => SumText::Unknown,
        _ => SumText::Amount { text: money(totals.cost, 2), partial: totals.not_fully_priced > 0 },
    }
}

/// Where a sum comes from: how many calls, who said so, at which prices, and what it leaves out.
pub fn of_sum(totals: &Totals, when: &str, price_date: &str) -> String {
    let mut lines = vec![format!("{} {when}", plural(totals.calls, "call", "calls"))];
    let ended = totals.calls.saturating_sub(totals.open);
    let computed = ended
        .saturating_sub(totals.not_fully_priced)
        .saturating_sub(totals.local)
        .saturating_sub(totals.subscription)
        .saturating_sub(totals.provider_priced);
    if computed > 0 {
        let date =
            if price_date.is_empty() { String::new() } else { format!(" of {}", plain_date(price_date)) };
        lines.push(format!(
            "{}: tokens reported by the provider × prices{date}, or not billed",
            thousands(computed)
        ));
    }
    for (count, words) in [
        (totals.provider_priced, "the provider said what it charged"),
        (
            totals.not_fully_priced.saturating_sub(totals.unpriced).saturating_sub(totals.estimated),
            "partial, as far as usage had been reported",
        ),
        (totals.estimated, "estimated from the text, for want of reported usage"),
        (totals.local, "local, without a price"),
        (totals.subscription, "a subscription pays, nothing spent"),
        (totals.unpriced, "unknown price or usage, not in the sum"),
        (totals.open, "in flight, not in the sum yet"),
    ] {
        if count > 0 {
            lines.push(format!("{}: {words}", thousands(count)));
        }
    }
    if totals.subscription > 0 {
        lines.push(format!("{} by the API for what subscriptions pay", money(totals.equivalent, 2)));
    }
    lines.join("\n")
}

/// How much more or less than before, in percent; `None` without anything to compare with.
pub fn change(now: i64, before: i64) -> Option<i64> {
    if before <= 0 {
        return None;
    }
    let percent = (i128::from(now) - i128::from(before)) * 100 / i128::from(before);
    Some(i64::try_from(percent).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use api::Money;

    use super::*;

    fn totals(calls: u64, unpriced: u64, local: u64, pico: i64) -> Totals {
        Totals {
            calls,
            unpriced,
            not_fully_priced: unpriced,
            local,
            cost: Money::from_pico(pico),
            ..Totals::default()
        }
    }

    #[test]
    fn unknown_is_never_zero() {
        assert_eq!(sum_text(&totals(9, 9, 0, 0)), SumText::Unknown);
        assert_eq!(sum_text(&totals(9, 5, 4, 0)), SumText::Unknown);
        assert_eq!(sum_text(&totals(9, 0, 9, 0)), SumText::Local);
        let none = SumText::Amount { text: "$0.00".into(), partial: false };
        assert_eq!(sum_text(&totals(0, 0, 0, 0)), none);
        let some = SumText::Amount { text: "$2.00".into(), partial: true };
        assert_eq!(sum_text(&totals(9, 5, 0, 2_000_000_000_000)), some);
    }

    #[test]
    fn a_sum_says_what_it_stands_on() {
        let sum = Totals { partial: 4, not_fully_priced: 13, open: 1, ..totals(1_284, 9, 0, 1) };
        assert_eq!(
            of_sum(&sum, "today", "2026-11-12"),
            "1,284 calls today\n1,270: tokens reported by the provider × prices of 12 Nov 2026, or not billed\n\
             4: partial, as far as usage had been reported\n9: unknown price or usage, not in the sum\n\
             1: in flight, not in the sum yet"
        );
    }

    #[test]
    fn changes_need_something_before() {
        assert_eq!(change(131, 100), Some(31));
        assert_eq!(change(92, 100), Some(-8));
        assert_eq!(change(5, 0), None);
        assert_eq!(change(i64::MAX, 1), Some(i64::MAX), "held instead of wrapped");
    }
}
