//! Numbers of tools' arguments and of schemas as their author wrote them. A [`Value`] holds what fits 64 bits; an amount
//! in the smallest coin, an id of 128 bits or a decimal does not, and would come out as another number. Within the
//! members that are handed through ([`OF_REQUESTS`], [`OF_ANSWERS`]) such a number is read as a string that begins with
//! a mark, and [`text`] writes it bare again. Everywhere else numbers are serde_json's.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use serde_json::{Error, Number, Value};

/// The members of a request that hold schemas.
pub(crate) const OF_REQUESTS: &[&str] = &["parameters", "schema"];
/// The members of an answer that hold arguments.
pub(crate) const OF_ANSWERS: &[&str] = &["input", "args"];

/// What a number as it was written begins with. Nobody outside can write it: it is another in each process, and never
/// leaves it.
static MARK: LazyLock<String> = LazyLock::new(|| {
    let half = || RandomState::new().hash_one("number");
    format!("number-{:016x}{:016x}:", half(), half())
});

/// Reads JSON; within the members named `kept` numbers stay as they are written.
pub(crate) fn read(json: &[u8], kept: &[&str]) -> Result<Value, Error> {
    let Some(marked) = marked(json) else { return serde_json::from_slice(json) };
    let mut value = serde_json::from_slice(&marked)?;
    settle(&mut value, kept)?;
    Ok(value)
}

/// Reads a call's arguments: all numbers stay as they are written.
pub(crate) fn read_all(json: &str) -> Result<Value, Error> {
    match marked(json.as_bytes()) {
        None => serde_json::from_str(json),
        Some(marked) => serde_json::from_slice(&marked),
    }
}

/// Writes JSON, numbers as they were read.
pub(crate) fn text(value: &Value) -> String {
    let json = value.to_string();
    let opening = format!("\"{}", MARK.as_str());
    let mut pieces = json.split(opening.as_str());
    let Some(first) = pieces.next().filter(|first| first.len() < json.len()) else { return json };
    let mut bare = first.to_owned();
    for piece in pieces {
        let (number, rest) = piece.split_once('"').unwrap_or((piece, ""));
        bare.push_str(number);
        bare.push_str(rest);
    }
    bare
}

/// The JSON with marks; `None` when it needs none, as most does.
fn marked(json: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut told = 0;
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let start = at;
        at = match byte {
            b'"' => after_string(json, at),
            b'-' | b'0'..=b'9' => after_number(json, at),
            _ => at + 1,
        };
        let token = json.get(start..at).unwrap_or_default();
        if matches!(byte, b'-' | b'0'..=b'9') && is_number(token) && !comes_back(token) {
            out.extend_from_slice(json.get(told..start).unwrap_or_default());
            out.push(b'"');
            out.extend_from_slice(MARK.as_bytes());
            out.extend_from_slice(token);
            out.push(b'"');
            told = at;
        }
    }
    if told == 0 {
        return None;
    }
    out.extend_from_slice(json.get(told..).unwrap_or_default());
    Some(out)
}

/// Behind the string that begins at `start`.
fn after_string(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

fn after_number(json: &[u8], start: usize) -> usize {
    let rest = json.get(start..).unwrap_or_default();
    let within = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    start + rest.iter().take_while(|byte| within(byte)).count()
}

/// Whether this is a number in JSON's grammar; what is none is left to the parser to refuse.
fn is_number(token: &[u8]) -> bool {
    let unsigned = token.strip_prefix(b"-").unwrap_or(token);
    let (whole, rest) = digits(unsigned);
    let rest = match rest.strip_prefix(b".").map(digits) {
        None => rest,
        Some(([], _)) => return false,
        Some((_, rest)) => rest,
    };
    let power = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E"));
    let rest = match power {
        None => rest,
        Some(power) => match digits(power.strip_prefix(b"+").or(power.strip_prefix(b"-")).unwrap_or(power)) {
            ([], _) => return false,
            (_, rest) => rest,
        },
    };
    rest.is_empty() && !whole.is_empty() && (whole == b"0" || !whole.starts_with(b"0"))
}

fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// Whether a number is written as it was read.
fn comes_back(token: &[u8]) -> bool {
    // Short whole numbers are most of them.
    if token.len() < 16 && token.iter().all(u8::is_ascii_digit) {
        return true;
    }
    serde_json::from_slice::<Number>(token).is_ok_and(|number| number.to_string().as_bytes() == token)
}

/// Makes numbers of the marked strings again, but for the members named `kept`.
fn settle(value: &mut Value, kept: &[&str]) -> Result<(), Error> {
    match value {
        Value::String(text) => {
            if let Some(number) = text.strip_prefix(MARK.as_str()) {
                *value = Value::Number(serde_json::from_str(number)?);
            }
            Ok(())
        }
        Value::Array(values) => values.iter_mut().try_for_each(|value| settle(value, kept)),
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| !kept.contains(&name.as_str()))
            .try_for_each(|(_, value)| settle(value, kept)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ODD: &[&str] = &[
        "12345678901234567890123",
        "18446744073709551616",
        "-9223372036854775809",
        "0.1000000000000000055511151231257827",
        "1e400",
        "1E+2",
        "1e2",
        "1.10",
        "-0",
        "123456789.12345678901",
    ];

    #[test]
    fn numbers_stay_as_they_are_written() {
        for number in ODD.iter().copied().chain([
            "0",
            "1.0",
            "-0.0",
            "4.35",
            "9007199254740993",
            "18446744073709551615",
        ]) {
            let json = format!(r#"{{"a":{number},"b":[{number},"{number}"],"c":{{"d":{number}}}}}"#);
            assert_eq!(text(&read_all(&json).unwrap()), json);
            let json = format!(r#"{{"n":1,"args":{json}}}"#);
            assert_eq!(text(&read(json.as_bytes(), &["args"]).unwrap()), json);
        }
    }

    #[test]
    fn elsewhere_they_are_numbers() {
        let value = read(br#"{"n":1e2,"args":{"n":1e2},"s":"1e2 \" 1e2","l":[1.50]}"#, &["args"]).unwrap();
        assert_eq!((value["n"].as_f64(), value["l"][0].as_f64()), (Some(100.0), Some(1.5)));
        assert_eq!(text(&value), r#"{"n":100.0,"args":{"n":1e2},"s":"1e2 \" 1e2","l":[1.5]}"#);
        assert!(read(br#"{"n":1e400}"#, &["args"]).is_err(), "no number that could be told from another");
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for json in [
            "01",
            "1e",
            "1.",
            "-",
            ".5",
            "+1",
            "1.5.2",
            "1e2e3",
            "--1",
            "[1e2",
            r#"{"a":00.10}"#,
            "\"\\",
            "1e2x",
        ] {
            assert!(read_all(json).is_err(), "{json}");
            assert!(serde_json::from_str::<Value>(json).is_err(), "{json}");
        }
    }

    proptest! {
        /// Marking finds the tokens that the parser would find, in any text.
        #[test]
        fn marks_change_nothing_else(json in r#"[\[\]{}:,"\\a0-9eE.+\- ]{0,24}"#) {
            let plain = serde_json::from_str::<Value>(&json);
            let own = read(json.as_bytes(), &[]);
            prop_assert_eq!(own.is_ok(), plain.is_ok());
            if let (Ok(own), Ok(plain)) = (own, plain) {
                prop_assert_eq!(own, plain);
            }
        }
    }
}
