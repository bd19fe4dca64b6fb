//! Clock times and dates from milliseconds since 1970, given the local offset. Pure; the clock is an argument.

const DAY_MS: i64 = 86_400_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment in one time zone, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub milli: i64,
    /// Days since 1970.
    days: i64,
}

impl Stamp {
    /// `ms` since 1970 (UTC), `offset` minutes east of UTC.
    pub fn new(ms: i64, offset: i32) -> Self {
        let local = ms + i64::from(offset) * 60_000;
        let (days, rest) = (local.div_euclid(DAY_MS), local.rem_euclid(DAY_MS));
        let (year, month, day) = civil(days);
        Self {
            year,
            month,
            day,
            hour: rest / 3_600_000,
            minute: rest / 60_000 % 60,
            second: rest / 1_000 % 60,
            milli: rest % 1_000,
            days,
        }
    }

    /// `15:39:58`.
    pub fn clock(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }

    /// `15:39`.
    pub fn short_clock(&self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    /// `15:39:58.207`.
    pub fn exact_clock(&self) -> String {
        format!("{}.{:03}", self.clock(), self.milli)
    }

    /// `21 Nov`.
    pub fn day_month(&self) -> String {
        format!("{} {}", self.day, self.month_name())
    }

    /// `Sat 21 Nov`.
    pub fn weekday_date(&self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        let day = usize::try_from(self.days.rem_euclid(7)).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"?");
        format!("{day} {}", self.day_month())
    }

    /// `21 Nov 2026`.
    pub fn date(&self) -> String {
        format!("{} {} {}", self.day, self.month_name(), self.year)
    }

    /// `Nov 2026`.
    pub fn month_year(&self) -> String {
        format!("{} {}", self.month_name(), self.year)
    }

    /// `21 Nov 15:39`.
    pub fn chip(&self) -> String {
        format!("{} {}", self.day_month(), self.short_clock())
    }

    /// `2026-11-21 15:39:58.207`.
    pub fn iso(&self) -> String {
        format!("{}-{:02}-{:02} {}", self.year, self.month, self.day, self.exact_clock())
    }

    fn month_name(&self) -> &'static str {
        usize::try_from(self.month - 1).ok().and_then(|index| MONTHS.get(index)).copied().unwrap_or("?")
    }

    fn same_day(&self, other: &Self) -> bool {
        (self.year, self.month, self.day) == (other.year, other.month, other.day)
    }
}

/// A stamp for a list: the clock today, the day and the clock before, the date in another year.
pub fn list_stamp(ms: i64, now_ms: i64, offset: i32) -> String {
    let (then, now) = (Stamp::new(ms, offset), Stamp::new(now_ms, offset));
    match (then.same_day(&now), then.year == now.year) {
        (true, _) => then.clock(),
        (false, true) => format!("{} {}", then.day_month(), then.short_clock()),
        (false, false) => then.date(),
    }
}

/// How long ago: `just now`, `24 s ago`, `16 m ago`, `3 h ago`; days above two.
pub fn ago(ms: i64, now_ms: i64) -> String {
    match (now_ms - ms).max(0) / 1_000 {
        0..5 => "just now".to_owned(),
        seconds @ 5..60 => format!("{seconds} s ago"),
        seconds @ 60..3_600 => format!("{} m ago", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

/// The start of the local day that `ms` falls in.
pub fn day_start(ms: i64, offset: i32) -> i64 {
    let east = i64::from(offset) * 60_000;
    (ms + east).div_euclid(DAY_MS) * DAY_MS - east
}

/// A price table's date, `2026-11-12`, as `12 Nov 2026`; anything else stays as it is.
pub fn plain_date(text: &str) -> String {
    let parts: Vec<i64> =
        text.get(..10).unwrap_or(text).split('-').filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [year, month @ 1..=12, day] => {
            let stamp = Stamp {
                year: *year,
                month: *month,
                day: *day,
                hour: 0,
                minute: 0,
                second: 0,
                milli: 0,
                days: 0,
            };
            stamp.date()
        }
        _ => text.to_owned(),
    }
}

/// Year, month and day of a day counted from 1970 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_275_598_207; // 2026-11-21 15:39:58.207 UTC

    #[test]
    fn a_moment_is_taken_apart() {
        let stamp = Stamp::new(NOW, 0);
        assert_eq!(stamp.iso(), "2026-11-21 15:39:58.207");
        assert_eq!(stamp.weekday_date(), "Sat 21 Nov");
        assert_eq!(Stamp::new(NOW, 600).iso(), "2026-11-22 01:39:58.207");
        assert_eq!(Stamp::new(951_782_400_000, 0).date(), "29 Feb 2000");
        assert_eq!(Stamp::new(-1, 0).iso(), "1969-12-31 23:59:59.999");
    }

    #[test]
    fn lists_show_the_day_only_when_it_is_another() {
        assert_eq!(list_stamp(NOW - 60_000, NOW, 0), "15:38:58");
        assert_eq!(list_stamp(NOW - 86_400_000, NOW, 0), "20 Nov 15:39");
        assert_eq!(list_stamp(NOW - 366 * 86_400_000, NOW, 0), "20 Nov 2025");
    }

    #[test]
    fn what_was_heard_is_told_in_one_unit() {
        let cases =
            [(-9, "just now"), (4, "just now"), (24, "24 s ago"), (60, "1 m ago"), (7_300, "2 h ago")];
        for (seconds, text) in cases {
            assert_eq!(ago(NOW - seconds * 1_000, NOW), text);
        }
        assert_eq!(ago(NOW - 3 * DAY_MS, NOW), "3 d ago");
    }

    #[test]
    fn days_start_at_local_midnight() {
        assert_eq!(Stamp::new(day_start(NOW, 120), 120).clock(), "00:00:00");
        assert_eq!(Stamp::new(day_start(NOW, -300), -300).date(), "21 Nov 2026");
    }

    #[test]
    fn price_dates_are_spelled_out() {
        assert_eq!(plain_date("2026-11-12"), "12 Nov 2026");
        assert_eq!(plain_date("yesterday"), "yesterday");
    }
}
