//! When a span began and ended, in every form in which scripts say it. What says a time that cannot be read is refused:
//! a moment that somebody made up looks like any other. Pure.

use model::telemetry::wire::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::fields::Fields;
use crate::decode::shown;

/// Beginning and end, from as much as is said; an error names the field that cannot be read.
pub(super) fn times(fields: &mut Fields, now_ns: u64) -> Result<(u64, u64), String> {
    let start = said(fields, &["start_time", "timestamp"])?;
    let end = said(fields, &["end_time"])?;
    let duration = duration(fields)?;
    Ok(match (start, end, duration) {
        (Some(start), Some(end), _) => (start, end),
        (Some(start), None, duration) => (start, start.saturating_add(duration.unwrap_or_default())),
        (None, end, duration) => {
            let end = end.unwrap_or(now_ns);
            (end.saturating_sub(duration.unwrap_or_default()), end)
        }
    })
}

/// A zero and an empty text say nothing, as elsewhere.
fn said(fields: &mut Fields, names: &[&'static str]) -> Result<Option<u64>, String> {
    let Some((name, value)) = fields.value(names) else { return Ok(None) };
    let is_nothing =
        value.as_double() == Some(0.0) || value.text().is_some_and(|text| text.trim().is_empty());
    if is_nothing {
        return Ok(None);
    }
    let unreadable = || {
        format!(
            "{name} is {}, which is neither a date like 2026-11-22T01:00:00Z nor a number since 1970",
            named(&value)
        )
    };
    moment(&value).map(Some).ok_or_else(unreadable)
}

fn duration(fields: &mut Fields) -> Result<Option<u64>, String> {
    let Some((name, value)) = fields.value(&["duration_ms"]) else { return Ok(None) };
    match value.as_double() {
        Some(of) if of >= 0.0 => Ok(Some(nanoseconds(of))),
        _ => Err(format!("{name} is {}, which is no number of milliseconds", named(&value))),
    }
}

/// A value in a sentence.
fn named(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{:?}", shown(text)),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Bool(bit) => bit.to_string(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "an object".to_owned(),
        Value::Empty | Value::Bytes(_) => "something else".to_owned(),
    }
}

/// A moment as a date, or as a number since 1970 in the unit that its size tells.
fn moment(of: &Value) -> Option<u64> {
    let Some(number) = of.as_double() else { return date(of.text()?.trim()) };
    let milliseconds = match number {
        number if number <= 0.0 => return None,
        number if number < 1e11 => number * 1e3,
        number if number < 1e14 => number,
        number if number < 1e17 => number / 1e3,
        // The last digits of nanoseconds are beyond a double.
        number => return whole(of).or_else(|| (number < MAX).then(|| nanoseconds(number / 1e6))),
    };
    Some(nanoseconds(milliseconds))
}

/// What 64 bits of nanoseconds hold.
const MAX: f64 = 1.8e19;

fn whole(of: &Value) -> Option<u64> {
    match of {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and saturating is meant"
)]
fn nanoseconds(milliseconds: f64) -> u64 {
    (milliseconds * 1e6) as u64
}

/// A date with a zone, or in UTC: RFC 3339, and what languages write beside it: no zone, no seconds, no time, a space
/// between date and time, a comma before the fraction, a zone without a colon.
fn date(text: &str) -> Option<u64> {
    let mut text = text.replacen(' ', "T", 1).replace(',', ".");
    let zone = text.len().checked_sub(4).filter(|at| text.is_char_boundary(*at) && text.contains('T'));
    if let Some(at) = zone
        && text.get(..at).is_some_and(|before| before.ends_with(['+', '-']))
        && text.get(at..).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
    {
        text.insert(at + 2, ':');
    }
    let read = |rest: &str| OffsetDateTime::parse(&format!("{text}{rest}"), &Rfc3339).ok();
    let date = ["", "Z", ":00Z", "T00:00:00Z"].into_iter().find_map(read)?;
    u64::try_from(date.unix_timestamp_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOV_22: u64 = 1_795_309_200_000_000_000;

    fn of(text: &str) -> Option<u64> {
        moment(&Value::Text(text.to_owned()))
    }

    #[test]
    fn a_date_without_a_zone_is_utc() {
        for text in [
            "2026-11-22T01:00:00",
            "2026-11-22T01:00:00.000000",
            "2026-11-22 01:00:00",
            "2026-11-22 01:00:00,000",
            "2026-11-22T01:00",
            "2026-11-22T01:00:00Z",
            "2026-11-22T01:00:00+00:00",
            "2026-11-22T02:00:00+0100",
            "2026-11-21 20:00:00.0-0500",
            " 2026-11-22T01:00:00z ",
        ] {
            assert_eq!(of(text), Some(NOV_22), "{text}");
        }
        assert_eq!(of("2026-11-22"), Some(NOV_22 - 3_600_000_000_000));
        assert_eq!(of("2026-11-22T01:00:00.25"), Some(NOV_22 + 250_000_000));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "yesterday",
            "2026-13-01T00:00:00",
            "2026-11-22T25:00:00",
            "22.11.2026",
            "-1",
            "NaN",
            "1e30",
            "1969-12-31",
            "é+0000",
            "T+0000",
            "2026-11-22T01:00:00 UTC",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
        for value in [Value::Bool(true), Value::List(vec![]), Value::Double(f64::INFINITY), Value::Int(-5)] {
            assert_eq!(moment(&value), None, "{value:?}");
        }
    }
}
