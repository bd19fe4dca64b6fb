//! Prices of certain hours. Owns the windows; leaves out the prices themselves (`rate`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::rate::Row;

const MINUTE_MS: i64 = 60_000;
const DAY: i64 = 24 * 60;

/// Prices that take the place of others in some hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OffPeak {
    pub(super) rows: Vec<Row>,
    windows: Vec<Window>,
    /// Minutes by which the place that names the days is ahead of UTC.
    ahead: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Window {
    /// Monday is 1; none are all.
    days: Vec<u8>,
    /// Minutes of a day in UTC; the end is after the beginning.
    hours: Vec<(i64, i64)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    hours_utc: Hours,
    weekdays: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Hours {
    One(String),
    Many(Vec<String>),
}

impl Default for Hours {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OffPeak {
    /// `None` when the windows are not understood: then the prices of the day hold.
    pub(super) fn read(members: &BTreeMap<String, &RawValue>, rows: Vec<Row>) -> Option<Self> {
        let written: Vec<Written> = serde_json::from_str(members.get("windows")?.get()).ok()?;
        let ahead = match members.get("weekday_timezone") {
            None => 0,
            Some(zone) if zone.get() == "\"Asia/Shanghai\"" => 8 * 60,
            Some(_) => return None,
        };
        let windows = written.into_iter().map(Window::read).collect::<Option<Vec<_>>>()?;
        (!rows.is_empty() && !windows.is_empty()).then_some(Self { rows, windows, ahead })
    }

    /// Whether they hold at this moment.
    pub(super) fn holds(&self, at_ms: i64) -> bool {
        let minutes = at_ms.div_euclid(MINUTE_MS);
        let minute = minutes.rem_euclid(DAY);
        // 1970 began on a Thursday.
        let day = (minutes + self.ahead).div_euclid(DAY).saturating_add(3).rem_euclid(7) + 1;
        self.windows.iter().any(|window| {
            let on = window.days.is_empty() || window.days.iter().any(|known| i64::from(*known) == day);
            on && window.hours.iter().any(|(from, to)| (*from..*to).contains(&minute))
        })
    }
}

impl Window {
    fn read(written: Written) -> Option<Self> {
        let hours = match written.hours_utc {
            Hours::One(hours) => vec![hours],
            Hours::Many(hours) => hours,
        };
        let hours = hours.iter().map(|text| span(text)).collect::<Option<Vec<_>>>()?;
        (!hours.is_empty()).then_some(Self { days: written.weekdays, hours })
    }
}

/// `04:00-06:30`; an end at midnight is the day's end.
fn span(text: &str) -> Option<(i64, i64)> {
    let minute = |text: &str| {
        let (hours, minutes) = text.trim().split_once(':')?;
        let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
        ((0..=24).contains(&hours) && (0..60).contains(&minutes)).then_some(hours * 60 + minutes)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    let to = if to == 0 { DAY } else { to };
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::super::decimal::Rate;
    use super::super::rate::RateName;
    use super::*;

    fn read(text: &str) -> Option<OffPeak> {
        let rows = vec![Row { name: RateName::parse("input_cost_per_token")?, rate: Rate::parse("1")? }];
        OffPeak::read(&serde_json::from_str(text).unwrap(), rows)
    }

    #[test]
    fn windows_hold_at_their_hours_of_their_days() {
        let night = read(
            r#"{"windows": [{"hours_utc": ["00:00-01:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
                           {"hours_utc": "00:00-00:00", "weekdays": [6, 7]}]}"#,
        )
        .unwrap();
        // Monday, 23 November 2026, at midnight.
        let monday = 1_795_392_000_000;
        let hour = 60 * MINUTE_MS;
        for (at, expected) in [
            (monday, true),
            (monday + hour, false),
            (monday + 10 * hour - 1, false),
            (monday + 10 * hour, true),
            (monday + 24 * hour - 1, true),
            (monday - 12 * hour, true),
            (monday - 22 * hour, true),
        ] {
            assert_eq!(night.holds(at), expected, "{}", (at - monday) / hour);
        }
        let there = read(
            r#"{"weekday_timezone": "Asia/Shanghai", "windows": [{"hours_utc": "00:00-00:00", "weekdays": [1]}]}"#,
        );
        let there = there.unwrap();
        assert!(there.holds(monday - 8 * hour) && !there.holds(monday + 16 * hour));
    }

    #[test]
    fn what_is_not_understood_changes_no_price() {
        for text in [
            "{}",
            r#"{"windows": []}"#,
            r#"{"windows": [{"hours_utc": "at night"}]}"#,
            r#"{"windows": [{"hours_utc": "06:00-05:00"}]}"#,
            r#"{"weekday_timezone": "Mars/Olympus", "windows": [{"hours_utc": "00:00-05:00"}]}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
