//! Figures as people read them: money, tokens, durations, sizes. Pure; leaves out clock times (`time`).

pub mod axis;
pub mod quantity;
pub mod severity;
pub mod time;

use api::{CostSource, Money};

/// What stands in a cost column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CostText {
    /// A known amount; partial when the provider did not finish reporting.
    Amount { text: String, partial: bool },
    /// No price or no usage is known. Never shown as zero.
    Unknown,
    /// Runs on the user's own hardware.
    Local,
    /// A subscription pays for it.
    Plan,
    /// Not billed by nature, or not ended yet.
    None,
}

/// The cost of one call: always four decimals, so that a column aligns.
pub fn call_cost(cost: Option<Money>, source: CostSource, open: bool) -> CostText {
    match (source, cost) {
        (CostSource::Local, _) => CostText::Local,
        (CostSource::NotBilled, _) => CostText::None,
        (CostSource::Subscription, _) => CostText::Plan,
        (CostSource::Partial, Some(cost)) => CostText::Amount { text: money(cost, 4), partial: true },
        (CostSource::Estimated, Some(cost)) => {
            CostText::Amount { text: format!("~{}", money(cost, 4)), partial: false }
        }
        (_, Some(cost)) => CostText::Amount { text: money(cost, 4), partial: open },
        (_, None) if open => CostText::None,
        (_, None) => CostText::Unknown,
    }
}

/// Dollars with `decimals` (1 to 12) digits, rounded half away from zero. What would round to nothing says so.
pub fn money(amount: Money, decimals: u32) -> String {
    let pico = amount.pico();
    let step = 10_u64.pow(12_u32.saturating_sub(decimals));
    let magnitude = pico.unsigned_abs();
    let sign = if pico < 0 { "-" } else { "" };
    if magnitude > 0 && magnitude < step {
        return format!("{sign}<$0.{:0>width$}", 1, width = decimals as usize);
    }
    let rounded = (magnitude + step / 2) / step;
    let unit = 10_u64.pow(decimals);
    let (whole, part) = (rounded / unit, rounded % unit);
    format!("{sign}${}.{part:0>width$}", thousands(whole), width = decimals as usize)
}

/// A price per million tokens: at least two decimals, more only when it has them.
pub fn price(per_million: &str) -> String {
    let (whole, part) = per_million.split_once('.').unwrap_or((per_million, ""));
    let part = part.trim_end_matches('0');
    format!("${whole}.{part:0<2}")
}

/// A count in three digits: `812`, `4.76k`, `82.3k`, `455k`, `31.4M`.
pub fn short(count: u64) -> String {
    if count < 1_000 {
        return count.to_string();
    }
    let mut scaled = count as f64;
    let mut unit = "";
    for next in ["k", "M", "G", "T"] {
        if scaled < 999.5 {
            break;
        }
        scaled /= 1_000.0;
        unit = next;
    }
    format!("{}{unit}", three_digits(scaled))
}

/// A count in full: `1,284`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count that stops being exact at ten thousand: `10k+`.
pub fn capped(count: u64) -> String {
    if count > 10_000 { format!("{}+", short(count / 1_000 * 1_000)) } else { thousands(count) }
}

/// A duration: `38 ms`, `1.18 s`, `31.4 s`, `1 m 58 s`, `2 h 05 m`.
pub fn duration(us: u64) -> String {
    let ms = us as f64 / 1_000.0;
    if us < 1_000 {
        return if us == 0 { "0 ms".to_owned() } else { "<1 ms".to_owned() };
    }
    if ms < 999.5 {
        return format!("{ms:.0} ms");
    }
    if ms < 59_950.0 {
        return format!("{} s", three_digits(ms / 1_000.0));
    }
    let seconds = (ms / 1_000.0).round() as u64;
    match seconds {
        0..3_600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A size on disk or on the wire: `812 B`, `4.8 KB`, `14 MB`, `1.8 GB`.
pub fn bytes(count: u64) -> String {
    if count < 1_000 {
        return format!("{count} B");
    }
    let mut scaled = count as f64;
    let mut unit = "B";
    for next in ["KB", "MB", "GB", "TB"] {
        if scaled < 999.5 {
            break;
        }
        scaled /= 1_000.0;
        unit = next;
    }
    if scaled < 9.95 { format!("{scaled:.1} {unit}") } else { format!("{scaled:.0} {unit}") }
}

/// Tokens a second between the first token and the end; `None` when either is unknown or the span is nothing.
pub fn tokens_per_second(
    output: Option<u64>,
    first_token_us: Option<u64>,
    end_us: Option<u64>,
) -> Option<f64> {
    let span = end_us?.checked_sub(first_token_us?).filter(|span| *span > 0)?;
    let output = output.filter(|tokens| *tokens > 0)?;
    Some(output as f64 / (span as f64 / 1e6))
}

/// A speed: `71 tok/s`, `8.2 tok/s`.
pub fn speed(per_second: f64) -> String {
    if per_second < 9.95 { format!("{per_second:.1} tok/s") } else { format!("{per_second:.0} tok/s") }
}

/// `part` of `whole` in percent; `<1%` and `>99%` rather than rounded down to nothing or up to all.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0%".to_owned();
    }
    let exact = part as f64 * 100.0 / whole as f64;
    match exact {
        _ if part == 0 => "0%".to_owned(),
        _ if exact < 0.5 => "<1%".to_owned(),
        _ if part < whole && exact >= 99.5 => ">99%".to_owned(),
        _ => format!("{exact:.0}%"),
    }
}

/// `part` of `whole` in percent with one decimal, never rounded up to 100 or down to 0.
pub fn share(part: u64, whole: u64) -> String {
    match (part, whole) {
        (_, 0) => "–".to_owned(),
        (0, _) => "0%".to_owned(),
        _ if part >= whole => "100%".to_owned(),
        _ => match part as f64 * 100.0 / whole as f64 {
            exact if exact < 0.05 => "<0.1%".to_owned(),
            exact if exact >= 99.95 => ">99.9%".to_owned(),
            exact => format!("{exact:.1}%"),
        },
    }
}

/// `1 call`, `2 calls`.
pub fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(count), if count == 1 { one } else { many })
}

fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(text: &str) -> Money {
        Money::from_pico((text.parse::<f64>().unwrap() * 1e12).round() as i64)
    }

    #[test]
    fn one_call_has_four_decimals_and_never_looks_free_when_it_is_not() {
        assert_eq!(money(dollars("0.5194"), 4), "$0.5194");
        assert_eq!(money(dollars("0.00496"), 4), "$0.0050");
        assert_eq!(money(dollars("0.00004"), 4), "<$0.0001");
        assert_eq!(money(Money::ZERO, 4), "$0.0000");
        assert_eq!(money(dollars("1284.5"), 2), "$1,284.50");
        assert_eq!(money(dollars("0.004"), 2), "<$0.01");
    }

    #[test]
    fn an_unknown_cost_is_not_zero() {
        assert_eq!(call_cost(None, CostSource::Unknown, false), CostText::Unknown);
        assert_eq!(call_cost(None, CostSource::NotBilled, false), CostText::None);
        assert_eq!(call_cost(None, CostSource::Local, false), CostText::Local);
        assert_eq!(call_cost(None, CostSource::Unknown, true), CostText::None);
        assert_eq!(call_cost(Some(dollars("0")), CostSource::Subscription, false), CostText::Plan);
        let partial = call_cost(Some(dollars("0.0461")), CostSource::Partial, false);
        assert_eq!(partial, CostText::Amount { text: "$0.0461".into(), partial: true });
        let estimated = call_cost(Some(dollars("0.0461")), CostSource::Estimated, false);
        assert_eq!(estimated, CostText::Amount { text: "~$0.0461".into(), partial: false });
    }

    #[test]
    fn prices_keep_their_decimals() {
        assert_eq!(price("5"), "$5.00");
        assert_eq!(price("0.50"), "$0.50");
        assert_eq!(price("0.0375000"), "$0.0375");
    }

    #[test]
    fn counts_have_three_digits() {
        let cases =
            [(812, "812"), (4_760, "4.76k"), (82_300, "82.3k"), (455_120, "455k"), (31_400_000, "31.4M")];
        for (count, text) in cases {
            assert_eq!(short(count), text);
        }
        assert_eq!(short(999_600), "1.00M", "rounding moves to the next unit");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(capped(412), "412");
        assert_eq!(capped(10_412), "10.0k+");
    }

    #[test]
    fn durations_read_like_people_say_them() {
        let cases = [
            (38_000, "38 ms"),
            (1_180_000, "1.18 s"),
            (31_400_000, "31.4 s"),
            (59_990_000, "1 m 00 s"),
            (118_000_000, "1 m 58 s"),
            (7_500_000_000, "2 h 05 m"),
            (400, "<1 ms"),
            (999_700, "1.00 s"),
        ];
        for (us, text) in cases {
            assert_eq!(duration(us), text);
        }
    }

    #[test]
    fn sizes_speeds_and_shares() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(14_200_000), "14 MB");
        assert_eq!(bytes(1_800_000_000), "1.8 GB");
        assert_eq!(
            tokens_per_second(Some(710), Some(1_000_000), Some(11_000_000)).map(speed).as_deref(),
            Some("71 tok/s")
        );
        assert_eq!(tokens_per_second(Some(710), Some(5), Some(5)), None);
        assert_eq!(percent(999, 1_000), ">99%", "not all of it");
        assert_eq!((percent(4, 1_000), percent(6, 1_000)), ("<1%".to_owned(), "1%".to_owned()));
        assert_eq!(percent(0, 0), "0%");
        assert_eq!(
            [share(9, 1_284), share(1_271, 1_284), share(9_999, 10_000), share(5, 5)],
            ["0.7%", "99.0%", ">99.9%", "100%"]
        );
    }
}
