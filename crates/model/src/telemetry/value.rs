//! Attribute values as text, JSON, money and moments. Leaves out which attribute is read.

use api::Money;
use serde_json::{Map, Number, Value as Json};

use super::short::short_id;
use super::wire::Value;
use crate::dialect::{error_line, fold};

/// Deeper than this nobody means what they send.
const MAX_DEPTH: usize = 64;

/// A line that is shown beside a name.
pub(super) const LINE: usize = 200;

/// A value as JSON; texts that hold JSON are what they hold. Values nested too deep are nothing.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Text(text) => parsed(text).unwrap_or_else(|| Json::String(text.clone())),
        other => plain(other, 0),
    }
}

/// The JSON that a text holds: an object, an array, or a text in quotes.
pub(super) fn parsed(text: &str) -> Option<Json> {
    let begins = matches!(text.trim_ascii_start().as_bytes().first(), Some(b'{' | b'[' | b'"'));
    begins.then(|| serde_json::from_str(text).ok()).flatten()
}

fn plain(value: &Value, depth: usize) -> Json {
    match value {
        _ if depth > MAX_DEPTH => Json::Null,
        Value::Empty => Json::Null,
        Value::Text(text) => Json::String(text.clone()),
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => Json::from(*number),
        Value::Double(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::Bytes(bytes) => Json::String(format!("{} bytes", bytes.len())),
        Value::List(values) => values.iter().map(|value| plain(value, depth + 1)).collect(),
        Value::Map(members) => {
            let members = members.0.iter().map(|(key, value)| (key.clone(), plain(value, depth + 1)));
            Json::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// A value as text: JSON unless it is one.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Empty => None,
        Value::Text(text) => (!text.is_empty()).then(|| text.clone()),
        other => Some(plain(other, 0).to_string()),
    }
}

/// A value as one line.
pub(super) fn line(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => one_line(text),
        other => one_line(&text(other)?),
    }
}

/// A text as one line, cut; `None` when nothing is left.
pub(super) fn one_line(text: &str) -> Option<String> {
    Some(fold(text, LINE)).filter(|line| !line.is_empty())
}

/// What went wrong, in one line: of an error's JSON what it says.
pub(super) fn failure(text: &str) -> Option<String> {
    let said = parsed(text).filter(Json::is_object).and_then(|error| error_line(&error, true));
    one_line(said.as_deref().unwrap_or(text))
}

/// An id that can stand in an address and in a filter: a long one is cut.
pub(super) fn id(text: &str) -> Option<String> {
    let id = short_id(text.trim());
    let sound = !id.is_empty() && !id.chars().any(char::is_control);
    sound.then(|| id.into_owned())
}

/// Dollars as money; what is negative or beyond all sums is not believed.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
pub(super) fn dollars(amount: f64) -> Option<Money> {
    (0.0..1e6).contains(&amount).then(|| Money::from_pico((amount * 1e12).round() as i64))
}

/// A moment written as RFC 3339 in UTC (`2026-11-21T21:39:46.561Z`), in nanoseconds since 1970.
pub(super) fn moment(text: &str) -> Option<u64> {
    let (date, time) = text.trim().trim_matches('"').split_once(['T', ' '])?;
    let time = time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00"))?;
    let mut date = date.split('-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = clock.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let sound = (1970..=2261).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !sound || !digits {
        return None;
    }
    let nanos: u64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// Days from 1970 to a date: years that begin in March, so that the day of a leap year is the last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year / 4 - year / 100 + year / 400;
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_to_the_nanosecond() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-03-01T00:00:00Z", Some(951_868_800_000_000_000)),
            ("2026-11-21T21:39:46.561Z", Some(1_795_297_186_561_000_000)),
            ("2024-02-29T12:00:00.123456789+00:00", Some(1_709_208_000_123_456_789)),
            ("2026-11-21T21:39:46+02:00", None),
            ("yesterday", None),
            ("2026-13-01T00:00:00Z", None),
            ("1969-12-31T00:00:00Z", None),
        ] {
            assert_eq!(moment(text), expected, "{text}");
        }
    }

    #[test]
    fn values_nested_without_end_are_cut() {
        let mut value = Value::Int(1);
        for _ in 0..1000 {
            value = Value::List(vec![value]);
        }
        assert_eq!(json(&value).to_string(), format!("{}null{}", "[".repeat(65), "]".repeat(65)));
        assert_eq!(json(&Value::Text("[".repeat(100_000))), Json::String("[".repeat(100_000)));
    }

    #[test]
    fn only_believable_sums_are_money() {
        assert_eq!(dollars(0.09698), Some(Money::from_pico(96_980_000_000)));
        assert_eq!([dollars(-1.0), dollars(1e9), dollars(f64::NAN)], [None; 3]);
    }
}
