//! When a budget's period begins and ends, where this machine is. Pure but for the time zone it is handed.

use api::BudgetPer;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeZone};

/// Minutes after which a day is sure to have begun where clocks skip midnight.
const STEP_MINUTES: i64 = 30;

/// A budget's period in milliseconds since 1970 (UTC); for ever without ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) from_ms: Option<i64>,
    /// When the next one begins.
    pub(super) to_ms: Option<i64>,
}

impl Period {
    /// The period that `now` is in.
    pub(super) fn of<Z: TimeZone>(per: BudgetPer, now: &DateTime<Z>) -> Self {
        let day = now.date_naive();
        let (first, next) = match per {
            BudgetPer::Ever => return Self { from_ms: None, to_ms: None },
            BudgetPer::Day => (Some(day), day.checked_add_days(Days::new(1))),
            BudgetPer::Week => {
                let monday = day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()));
                (monday, monday.and_then(|monday| monday.checked_add_days(Days::new(7))))
            }
            BudgetPer::Month => {
                let first = day.with_day(1);
                (first, first.and_then(|first| first.checked_add_months(Months::new(1))))
            }
        };
        let begins = |day: Option<NaiveDate>| begins(&now.timezone(), day?);
        Self { from_ms: begins(first), to_ms: begins(next) }
    }
}

/// The first moment of a day; where clocks skip midnight, the first there is.
fn begins<Z: TimeZone>(zone: &Z, day: NaiveDate) -> Option<i64> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..48)
        .filter_map(|step| midnight.checked_add_signed(chrono::TimeDelta::minutes(step * STEP_MINUTES)))
        .find_map(|moment| zone.from_local_datetime(&moment).earliest())
        .map(|moment| moment.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    fn period(per: BudgetPer, now: &str) -> (String, String) {
        let now: DateTime<FixedOffset> = DateTime::parse_from_rfc3339(now).unwrap();
        let Period { from_ms, to_ms } = Period::of(per, &now);
        let text = |ms: Option<i64>| {
            let moment = DateTime::from_timestamp_millis(ms.unwrap()).unwrap();
            moment.with_timezone(&now.timezone()).to_rfc3339()
        };
        (text(from_ms), text(to_ms))
    }

    #[test]
    fn periods_begin_at_midnight_of_the_place() {
        for (per, now, from, to) in [
            (
                BudgetPer::Day,
                "2026-11-22T00:30:00+02:00",
                "2026-11-22T00:00:00+02:00",
                "2026-11-23T00:00:00+02:00",
            ),
            (
                BudgetPer::Day,
                "2026-11-22T23:59:59-05:30",
                "2026-11-22T00:00:00-05:30",
                "2026-11-23T00:00:00-05:30",
            ),
            // A Sunday is in the week that began on Monday.
            (
                BudgetPer::Week,
                "2026-11-22T12:00:00+01:00",
                "2026-11-16T00:00:00+01:00",
                "2026-11-23T00:00:00+01:00",
            ),
            (
                BudgetPer::Week,
                "2026-11-16T00:00:00+01:00",
                "2026-11-16T00:00:00+01:00",
                "2026-11-23T00:00:00+01:00",
            ),
            (
                BudgetPer::Month,
                "2026-12-31T23:00:00+00:00",
                "2026-12-01T00:00:00+00:00",
                "2027-01-01T00:00:00+00:00",
            ),
            (
                BudgetPer::Month,
                "2028-02-29T01:00:00+00:00",
                "2028-02-01T00:00:00+00:00",
                "2028-03-01T00:00:00+00:00",
            ),
        ] {
            assert_eq!(period(per, now), (from.to_owned(), to.to_owned()), "{per:?} {now}");
        }
        let ever = Period::of(BudgetPer::Ever, &chrono::Utc::now());
        assert_eq!(ever, Period { from_ms: None, to_ms: None });
    }

    #[test]
    fn every_period_begins_with_a_quarter_of_an_hour() {
        let now = chrono::Local::now();
        for per in [BudgetPer::Day, BudgetPer::Week, BudgetPer::Month] {
            let Period { from_ms, to_ms } = Period::of(per, &now);
            assert_eq!((from_ms.unwrap() % 900_000, to_ms.unwrap() % 900_000), (0, 0));
            assert!(from_ms.unwrap() <= now.timestamp_millis() && now.timestamp_millis() < to_ms.unwrap());
        }
    }
}
