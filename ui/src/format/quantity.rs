//! What a metric measures, as people read it: UCUM's units, counts, money. Pure.

use super::bytes;

/// A value in a metric's unit: `4.2 s`, `1.8 GB`, `$0.42`, `12.4k`. Units that are only words stand in headings.
pub fn amount(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    match kind(unit) {
        Kind::Seconds(factor) => format!("{sign}{}", seconds(size * factor)),
        Kind::Bytes(factor) => format!("{sign}{}", bytes((size * factor).round() as u64)),
        Kind::Dollars => format!("{sign}{}", dollars(size)),
        Kind::Percent(factor) => format!("{sign}{}%", number(size * factor)),
        Kind::Word => format!("{sign}{}", number(size)),
    }
}

/// The same for the lines of a chart, which are round.
pub fn tick(value: f64, unit: &str) -> String {
    let text = amount(value, unit);
    let digits = text
        .find(|letter: char| letter.is_ascii_alphabetic() || letter == ' ' || letter == '%')
        .unwrap_or(text.len());
    let (number, after) = text.split_at(digits);
    match number.contains('.') && !number.starts_with('<') {
        true => format!("{}{after}", number.trim_end_matches('0').trim_end_matches('.')),
        false => text,
    }
}

/// The unit as a word for a heading: `token`, `request`; nothing where the values say it themselves.
pub fn unit_word(unit: &str) -> Option<String> {
    match kind(unit) {
        Kind::Word if !unit.is_empty() && unit != "1" => {
            Some(unit.trim_start_matches('{').trim_end_matches('}').to_owned())
        }
        _ => None,
    }
}

/// A number in at most three digits and a unit of thousands; small ones keep two that count.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".to_owned();
    }
    if size == 0.0 {
        return "0".to_owned();
    }
    if size < 0.000_1 {
        return format!("{value:.1e}");
    }
    if size < 1.0 {
        let decimals = (1 - size.log10().floor() as i32).clamp(1, 6) as usize;
        return trimmed(format!("{value:.decimals$}"));
    }
    if size < 999.5 {
        return trimmed(three(value));
    }
    let mut scaled = value;
    let mut unit = "";
    for next in ["k", "M", "G", "T", "P"] {
        if scaled.abs() < 999.5 {
            break;
        }
        scaled /= 1_000.0;
        unit = next;
    }
    if scaled.abs() < 999.5 { format!("{}{unit}", three(scaled)) } else { format!("{value:.2e}") }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Seconds(f64),
    Bytes(f64),
    Dollars,
    Percent(f64),
    Word,
}

fn kind(unit: &str) -> Kind {
    match unit {
        "s" | "seconds" | "{second}" => Kind::Seconds(1.0),
        "ms" | "milliseconds" => Kind::Seconds(1e-3),
        "us" | "µs" => Kind::Seconds(1e-6),
        "ns" => Kind::Seconds(1e-9),
        "min" => Kind::Seconds(60.0),
        "h" => Kind::Seconds(3_600.0),
        "By" | "bytes" | "byte" => Kind::Bytes(1.0),
        "kBy" => Kind::Bytes(1e3),
        "KiBy" => Kind::Bytes(1_024.0),
        "MBy" => Kind::Bytes(1e6),
        "MiBy" => Kind::Bytes(1_048_576.0),
        "USD" | "usd" | "{USD}" | "$" => Kind::Dollars,
        "%" | "percent" => Kind::Percent(1.0),
        _ => Kind::Word,
    }
}

fn seconds(value: f64) -> String {
    match value {
        0.0 => "0 s".to_owned(),
        v if v < 0.000_999_5 => format!("{} µs", trimmed(three(v * 1e6))),
        v if v < 0.999_5 => format!("{} ms", trimmed(three(v * 1e3))),
        v if v < 59.95 => format!("{} s", trimmed(three(v))),
        v if v < 3_599.5 => format!("{} m {:02} s", v.round() as u64 / 60, v.round() as u64 % 60),
        v => format!("{} h {:02} m", thousands_of_hours(v), v.round() as u64 % 3_600 / 60),
    }
}

fn thousands_of_hours(seconds: f64) -> String {
    super::thousands(seconds.round() as u64 / 3_600)
}

fn dollars(value: f64) -> String {
    match value {
        0.0 => "$0.00".to_owned(),
        v if v < 0.000_1 => "<$0.0001".to_owned(),
        v if v < 1.0 => format!("${v:.4}"),
        v if v < 9_999.5 => format!("${v:.2}"),
        v => format!("${}", number(v)),
    }
}

fn three(value: f64) -> String {
    match value.abs() {
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Without zeros at the end of its decimals.
fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_count() {
        let said = [
            (0.0, "0"),
            (5.0, "5"),
            (0.25, "0.25"),
            (0.042, "0.042"),
            (12.34, "12.3"),
            (812.0, "812"),
            (12_400.0, "12.4k"),
            (999_700.0, "1.00M"),
            (-3.5, "-3.5"),
            (0.000_012, "1.2e-5"),
            (3e20, "3.00e20"),
            (f64::NAN, "–"),
        ];
        for (value, text) in said {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn units_are_read() {
        let said = [
            (4.2, "s", "4.2 s"),
            (0.0123, "s", "12.3 ms"),
            (250.0, "ms", "250 ms"),
            (118.0, "s", "1 m 58 s"),
            (7_500.0, "s", "2 h 05 m"),
            (1.8e9, "By", "1.8 GB"),
            (0.4211, "USD", "$0.4211"),
            (12.0, "USD", "$12.00"),
            (-2.0, "USD", "-$2.00"),
            (31.0, "%", "31%"),
            (4_760.0, "{token}", "4.76k"),
            (f64::INFINITY, "s", "–"),
            (0.000_2, "s", "200 µs"),
        ];
        for (value, unit, text) in said {
            assert_eq!(amount(value, unit), text, "{value} {unit}");
        }
        let ticks = [
            (80_000.0, "", "80k"),
            (2.0, "USD", "$2"),
            (1_500_000.0, "", "1.5M"),
            (0.0, "s", "0 s"),
            (4e9, "By", "4 GB"),
            (0.25, "USD", "$0.25"),
            (100.0, "", "100"),
        ];
        for (value, unit, text) in ticks {
            assert_eq!(tick(value, unit), text);
        }
        assert_eq!(unit_word("{token}").as_deref(), Some("token"));
        assert_eq!((unit_word("1"), unit_word("ms"), unit_word("")), (None, None, None));
    }
}
