//! Days of the calendar as moments. Leaves out clocks and time zones: a day begins at midnight in UTC.

const DAY_MS: i64 = 86_400_000;

/// When the day `YYYY-MM-DD` begins, in milliseconds since 1970; `None` for what is no day.
pub fn day_begins(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let mut part = |length: usize| {
        let part = parts.next()?;
        let is_number = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<i64>().ok()).flatten()
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    let is_whole = parts.next().is_none() && (1..=12).contains(&month) && (1..=31).contains(&day);
    // Years begin in March here, so that the day that is not in every year is the last.
    let years = if month <= 2 { year - 1 } else { year };
    let era = years.div_euclid(400);
    let of_era = years.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let begins = days * DAY_MS;
    // The 31st of a short month would be another day.
    (is_whole && day_of(begins) == text).then_some(begins)
}

/// The day that a moment lies in.
pub fn day_of(at_ms: i64) -> String {
    let days = at_ms.div_euclid(DAY_MS) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_agree() {
        for (day, begins) in [
            ("1970-01-01", 0),
            ("1969-12-31", -DAY_MS),
            ("2000-02-29", 951_782_400_000),
            ("2026-11-22", 1_795_305_600_000),
        ] {
            assert_eq!(day_begins(day), Some(begins), "{day}");
            assert_eq!(day_of(begins), day);
            assert_eq!(day_of(begins + DAY_MS - 1), day);
        }
        for text in ["2026-02-29", "2026-13-01", "2026-00-10", "26-1-1", "2026-01-01-01", "today", ""] {
            assert_eq!(day_begins(text), None, "{text}");
        }
    }
}
