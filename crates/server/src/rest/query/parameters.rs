//! The parameters of a query string, each read as what it is to be. One that is given twice, is no text or is out of its
//! bounds is an error that names it; an empty one counts as not given, and those nobody asks for are passed over, as
//! clients add their own. Leaves out which parameters there are (`query`).

use api::ApiError;
use time::OffsetDateTime;
use time::format_description::well_known::{Iso8601, Rfc3339};

/// The longest text that is looked for, in characters.
pub(super) const LONGEST_TEXT: usize = 4_000;
const PICO_PER_DOLLAR: f64 = 1e12;
/// A hundred million days from 1970, as far as the clocks of web pages go.
const FARTHEST_MS: i64 = 8_640_000_000_000_000;

/// A query string's parameters: their names, and their values as they were written.
pub(super) struct Parameters<'a>(Vec<(String, &'a str)>);

impl<'a> Parameters<'a> {
    pub(super) fn of(query: &'a str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name).unwrap_or_default(), value)
        });
        Self(pairs.collect())
    }

    /// Their names, as often as they are given.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The text of this name.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        let mut given = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| *value);
        let Some(value) = given.next() else { return Ok(None) };
        if given.next().is_some() {
            return Err(ApiError::parameter(name, format!("{name} is given twice.")));
        }
        let wrong = |wanted: String| ApiError::parameter(name, format!("{name} must be {wanted}."));
        let text = decoded(value).ok_or_else(|| wrong("text in UTF-8, percent-encoded".to_owned()))?;
        if text.contains('\0') {
            return Err(wrong("without the character NUL".to_owned()));
        }
        if text.chars().nth(LONGEST_TEXT).is_some() {
            return Err(wrong(format!("at most {LONGEST_TEXT} characters")));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The text of the one of these names that is given: they mean the same.
    pub(super) fn text_of_any(&self, names: &[&str]) -> Result<Option<String>, ApiError> {
        let mut found: Option<(&str, String)> = None;
        for name in names {
            let Some(text) = self.text(name)? else { continue };
            if let Some((first, _)) = found {
                let says = format!("{name} means the same as {first}: give only one of them.");
                return Err(ApiError::parameter(*name, says));
            }
            found = Some((name, text));
        }
        Ok(found.map(|(_, text)| text))
    }

    /// The value of this name, in the form that `wanted` describes.
    pub(super) fn value<T>(
        &self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let wrong = || ApiError::parameter(name, format!("{name} must be {wanted}."));
        read(&text).map(Some).ok_or_else(wrong)
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, ApiError> {
        self.value(name, &format!("a whole number from {least} to {most}"), |text| {
            digits(text)?.parse().ok().filter(|number| (least..=most).contains(number))
        })
    }

    /// One of these words, each with what it stands for.
    pub(super) fn word<T: Clone>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, ApiError> {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let wanted = match known.as_slice() {
            [only] => (*only).to_owned(),
            [one, other] => format!("{one} or {other}"),
            several => format!("one of {}", several.join(", ")),
        };
        self.value(name, &wanted, |text| {
            words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| meaning.clone())
        })
    }

    /// `true` or `false`.
    pub(super) fn truth(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.word(name, &[("true", true), ("false", false)])
    }

    /// A moment: milliseconds since 1970, or an ISO 8601 date or time; a date alone is its midnight, in UTC.
    pub(super) fn moment(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.value(name, "milliseconds since 1970 or an ISO 8601 time", moment)
    }

    /// From `date_from` to `date_to`, which lies after it.
    pub(super) fn times(&self) -> Result<(Option<i64>, Option<i64>), ApiError> {
        let (from, to) = (self.moment("date_from")?, self.moment("date_to")?);
        match (from, to) {
            (Some(from_ms), Some(to_ms)) if from_ms >= to_ms => {
                Err(ApiError::parameter("date_to", "date_to must be after date_from."))
            }
            _ => Ok((from, to)),
        }
    }

    /// An amount in dollars, as pico-dollars.
    pub(super) fn dollars(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.value(name, "an amount in dollars, from 0 to less than 9000000", dollars)
    }
}

/// What a value says once its plus signs and percents are undone; `None` when that is no text.
fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The text, if there is nothing but digits in it.
fn digits(text: &str) -> Option<&str> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

fn moment(text: &str) -> Option<i64> {
    if let Some(millis) = digits(text.strip_prefix('-').unwrap_or(text)).and_then(|_| text.parse().ok()) {
        return Some(millis).filter(|millis| (-FARTHEST_MS..=FARTHEST_MS).contains(millis));
    }
    let timed = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(text, &Iso8601::PARSING))
        .or_else(|_| {
            time::PrimitiveDateTime::parse(text, &Iso8601::PARSING).map(time::PrimitiveDateTime::assume_utc)
        })
        .or_else(|_| time::Date::parse(text, &Iso8601::DATE).map(|date| date.midnight().assume_utc()));
    i64::try_from(timed.ok()?.unix_timestamp_nanos() / 1_000_000).ok()
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn dollars(text: &str) -> Option<i64> {
    let amount = text.parse().ok().filter(|amount: &f64| (0.0..9e6).contains(amount))?;
    Some((amount * PICO_PER_DOLLAR).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(query: &str, name: &str) -> String {
        let error = Parameters::of(query).text(name).unwrap_err();
        assert_eq!(error.parameter.as_deref(), Some(name), "{query}");
        error.error
    }

    #[test]
    fn texts_are_decoded_or_refused() {
        for (query, text) in [
            ("q=two+words", Some("two words")),
            ("q=a%3Ab%2b", Some("a:b+")),
            ("q=a=b&r=c", Some("a=b")),
            ("%71=x", Some("x")),
            ("q=%C3%A9%f0%9f%a4%b7", Some("é🤷")),
            ("q", None),
            ("q=", None),
            ("&&r=%zz&%ff=1", None),
            ("", None),
        ] {
            assert_eq!(Parameters::of(query).text("q").unwrap().as_deref(), text, "{query}");
        }
        for query in ["q=%zz", "q=%f", "q=%", "q=%ff", "q=%c3", "q=%+1", "q=a%00b"] {
            error(query, "q");
        }
        assert!(error("q=1&q=1", "q").contains("twice"));
        assert!(error(&format!("q={}", "é".repeat(4_001)), "q").contains("4000"));
        assert!(Parameters::of(&format!("q={}", "é".repeat(4_000))).text("q").is_ok());
    }

    #[test]
    fn values_keep_their_form() {
        let read = |query| {
            let parameters = Parameters::of(query);
            (parameters.number("n", 0, 9).ok(), parameters.moment("n").ok(), parameters.dollars("n").ok())
        };
        assert_eq!(read("n=7"), (Some(Some(7)), Some(Some(7)), Some(Some(7_000_000_000_000))));
        assert_eq!(read("n=-7"), (None, Some(Some(-7)), None));
        assert_eq!(read("n=%2B7"), (None, None, Some(Some(7_000_000_000_000))));
        assert_eq!(read("n=1970-01-02"), (None, Some(Some(86_400_000)), None));
        assert_eq!(read("n=NaN"), (None, None, None));
        let same = Parameters::of("a=1&b=2").text_of_any(&["a", "b"]).unwrap_err();
        assert_eq!(same.parameter.as_deref(), Some("b"));
    }
}
