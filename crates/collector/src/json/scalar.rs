//! Single values in every shape in which senders write them. A `null`, and a value of a wrong type, is as if it were not
//! there.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use model::telemetry::wire::Number;

use crate::decode::{Id, Unreadable, optional};

use super::reader::{Next, Reader};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);

impl Reader<'_> {
    /// A text, put into `into`.
    pub(super) fn string(&mut self, into: &mut String) -> Result<(), Unreadable> {
        if let Some(text) = self.maybe_text()? {
            *into = text;
        }
        Ok(())
    }

    /// A text; a number where a text belongs is its digits.
    pub(super) fn maybe_text(&mut self) -> Result<Option<String>, Unreadable> {
        Ok(match self.next()? {
            Next::Text => Some(self.text()?.into_owned()),
            Next::Word => Some(self.word()?.to_owned()),
            Next::Object | Next::List | Next::Null => self.nothing()?,
        })
    }

    pub(super) fn nothing<T>(&mut self) -> Result<Option<T>, Unreadable> {
        self.skip().map(|()| None)
    }

    /// What `parse` makes of a number, or of a text.
    fn parsed<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Unreadable> {
        Ok(match self.next()? {
            Next::Text => parse(self.text()?.trim()),
            Next::Word => parse(self.word()?),
            Next::Object | Next::List | Next::Null => self.nothing()?,
        })
    }

    /// A count or a time, put into `into`.
    pub(super) fn unsigned(&mut self, into: &mut u64) -> Result<(), Unreadable> {
        if let Some(value) = self.parsed(unsigned)? {
            *into = value;
        }
        Ok(())
    }

    /// A narrow count or flags, put into `into`.
    pub(super) fn narrow(&mut self, into: &mut u32) -> Result<(), Unreadable> {
        if let Some(value) = self.parsed(unsigned)? {
            *into = u32::try_from(value).unwrap_or(u32::MAX);
        }
        Ok(())
    }

    /// A signed number, put into `into`.
    pub(super) fn signed(&mut self, into: &mut i32) -> Result<(), Unreadable> {
        if let Some(Number::Int(value)) = self.integer()? {
            *into = i32::try_from(value).unwrap_or_default();
        }
        Ok(())
    }

    /// An integer, or what somebody wrote in its place.
    pub(super) fn integer(&mut self) -> Result<Option<Number>, Unreadable> {
        self.parsed(integer)
    }

    /// A floating-point number.
    pub(super) fn double(&mut self) -> Result<Option<f64>, Unreadable> {
        self.parsed(double)
    }

    /// A floating-point number, put into `into`.
    pub(super) fn plain_double(&mut self, into: &mut f64) -> Result<(), Unreadable> {
        if let Some(value) = self.double()? {
            *into = value;
        }
        Ok(())
    }

    /// A truth value.
    pub(super) fn truth(&mut self) -> Result<Option<bool>, Unreadable> {
        self.parsed(|word| match word {
            "true" | "True" | "TRUE" | "1" => Some(true),
            "false" | "False" | "FALSE" | "0" => Some(false),
            _ => None,
        })
    }

    /// An enum's number, put into `into`; `named` knows the names without their prefix.
    pub(super) fn choice(
        &mut self,
        into: &mut i32,
        prefix: &str,
        named: fn(&str) -> Option<i32>,
    ) -> Result<(), Unreadable> {
        let read = |word: &str| {
            word.parse().ok().or_else(|| {
                let word = word.to_ascii_uppercase();
                named(word.strip_prefix(prefix).unwrap_or(&word))
            })
        };
        if let Some(value) = self.parsed(read)? {
            *into = value;
        }
        Ok(())
    }

    /// An id's bytes.
    pub(super) fn id<const N: usize>(&mut self) -> Result<(Id, [u8; N]), Unreadable> {
        Ok(match self.next()? {
            Next::Text => id_of(self.text()?.trim()),
            Next::Object | Next::List | Next::Word | Next::Null => {
                self.skip()?;
                (Id::Missing, [0; N])
            }
        })
    }

    /// The bytes of an id that may be left out.
    pub(super) fn maybe_id<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Unreadable> {
        let (found, id) = self.id::<N>()?;
        Ok((found == Id::Good).then_some(id))
    }
}

/// Bytes; `None` when it is no base64.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

/// Hex digits in any case, with dashes or without; or base64, which protobuf's own writers of JSON make of bytes.
fn id_of<const N: usize>(text: &str) -> (Id, [u8; N]) {
    if text.is_empty() {
        return (Id::Missing, [0; N]);
    }
    let mut id = [0; N];
    if let (pairs, []) = text.as_bytes().as_chunks::<2>()
        && pairs.len() == N
        && pairs.iter().zip(&mut id).all(|(pair, byte)| hex(*pair).map(|value| *byte = value).is_some())
    {
        return Id::of(&id);
    }
    let bare: String = text.chars().filter(|character| *character != '-').collect();
    if bare.len() != text.len() && bare.len() == 2 * N {
        return id_of(&bare);
    }
    match base64(text).and_then(|bytes| optional::<N>(&bytes)) {
        Some(id) => (Id::Good, id),
        None => (Id::Odd, [0; N]),
    }
}

#[inline]
fn hex([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    Some(digit(high)? << 4 | digit(low)?)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a saturating cast is what is meant"
)]
fn unsigned(word: &str) -> Option<u64> {
    word.parse().ok().or_else(|| double(word).filter(|value| value.is_finite()).map(|value| value as u64))
}

/// An integer; what has a fraction or is too large stays the number that it is.
#[expect(clippy::cast_possible_truncation, reason = "whole and within the bounds")]
fn integer(word: &str) -> Option<Number> {
    if let Ok(value) = word.parse() {
        return Some(Number::Int(value));
    }
    let value = double(word)?;
    let whole = value.fract() == 0.0 && value.abs() < 9.2e18;
    Some(if whole { Number::Int(value as i64) } else { Number::Double(value) })
}

/// Also what JSON has no word for.
fn double(word: &str) -> Option<f64> {
    match word {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => word.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(body: &str) -> Reader<'_> {
        Reader::new(body.as_bytes())
    }

    #[test]
    fn numbers_are_read_as_numbers_and_as_texts() {
        for (body, wanted) in [
            ("5", Some(Number::Int(5))),
            ("\"5\"", Some(Number::Int(5))),
            ("\"-9223372036854775808\"", Some(Number::Int(i64::MIN))),
            ("5.0", Some(Number::Int(5))),
            ("1e3", Some(Number::Int(1000))),
            ("0.5", Some(Number::Double(0.5))),
            ("18446744073709551615", Some(Number::Double(18_446_744_073_709_551_615.0))),
            ("null", None),
            ("[1]", None),
            ("\"five\"", None),
        ] {
            assert_eq!(json(body).integer().unwrap(), wanted, "{body}");
        }
        for (body, wanted) in [
            ("\"1700000000000000001\"", 1_700_000_000_000_000_001),
            ("17e17", 17 * 10_u64.pow(17)),
            ("-1", 0),
        ] {
            let mut time = 9;
            json(body).unsigned(&mut time).unwrap();
            assert_eq!(time, wanted, "{body}");
        }
        assert_eq!(json("\"-Infinity\"").double().unwrap(), Some(f64::NEG_INFINITY));
        assert!(json("NaN").double().unwrap().is_some_and(f64::is_nan));
        assert_eq!(json("\"1.5\"").double().unwrap(), Some(1.5));
    }

    #[test]
    fn ids_are_read_in_every_form() {
        let wanted = (Id::Good, [0xab, 0xcd, 0, 0, 0, 0, 0, 1]);
        for body in
            ["\"abcd000000000001\"", "\"ABCD000000000001\"", "\"abcd-0000-00000001\"", "\"q80AAAAAAAE=\""]
        {
            assert_eq!(json(body).id::<8>().unwrap(), wanted, "{body}");
        }
        for (body, wanted) in [
            ("\"\"", Id::Missing),
            ("null", Id::Missing),
            ("\"0000000000000000\"", Id::Zero),
            ("\"abcd\"", Id::Odd),
            ("\"xbcd000000000001\"", Id::Odd),
        ] {
            assert_eq!(json(body).id::<8>().unwrap().0, wanted, "{body}");
        }
    }

    #[test]
    fn bytes_are_base64_of_either_alphabet() {
        for text in ["+/8=", "-_8=", "+/8", "-_8"] {
            assert_eq!(base64(text), Some(vec![0xfb, 0xff]), "{text}");
        }
        assert_eq!(base64("not base64!"), None);
    }
}
