//! JSON, pulled value by value: nothing is built that is not kept, and nothing calls itself, so that no depth of what is
//! passed over can do harm. Knows no message.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use crate::decode::Unreadable;

/// A place in a JSON text.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What the sender should look at when something is wrong.
    advice: &'static str,
}

/// For who sends OTLP.
const EXPORTER: &str = "; check that the exporter speaks OTLP/JSON, and that its Content-Type and Content-Encoding say what it sends";

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Object,
    List,
    Text,
    /// A number, a truth value, a bare `NaN`.
    Word,
    Null,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { advice: EXPORTER, ..Self::plain(bytes) }
    }

    /// For what is not OTLP.
    pub(crate) fn plain(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes), at: 0, advice: "" }
    }

    /// How far it is.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn wrong(&self, what: &str) -> Unreadable {
        Unreadable::Malformed(format!(
            "the body is not the JSON that this path takes: {what} at byte {}{}",
            self.at, self.advice
        ))
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Unreadable> {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Ok(*byte),
            }
        }
        Err(self.wrong("it ends too early"))
    }

    #[inline]
    fn take(&mut self, wanted: u8, what: &str) -> Result<(), Unreadable> {
        if self.byte()? == wanted {
            self.at += 1;
            return Ok(());
        }
        Err(self.wrong(what))
    }

    /// What comes next.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Next, Unreadable> {
        Ok(match self.byte()? {
            b'{' => Next::Object,
            b'[' => Next::List,
            b'"' => Next::Text,
            b'n' => Next::Null,
            b'0'..=b'9' | b'-' | b'+' | b'.' | b't' | b'f' | b'N' | b'I' => Next::Word,
            _ => return Err(self.wrong("there is no value")),
        })
    }

    /// Nothing but white space follows.
    pub(crate) fn end(&mut self) -> Result<(), Unreadable> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.iter().all(u8::is_ascii_whitespace) {
            true => Ok(()),
            false => Err(self.wrong("there is more after its end")),
        }
    }

    /// The outermost value, which has to be an object.
    pub(crate) fn whole_object(
        &mut self,
        member: impl FnMut(&mut Self, &str) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        match self.next()? {
            Next::Object => self.object(member),
            Next::List | Next::Text | Next::Word | Next::Null => Err(self.wrong("there is no object")),
        }
    }

    /// An object's members; `member` reads or skips each value. What is no object has none.
    #[inline]
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        if self.next()? != Next::Object {
            return self.skip();
        }
        self.at += 1;
        if self.byte()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.byte()? != b'"' {
                return Err(self.wrong("a member has no name"));
            }
            let key = self.text()?;
            self.take(b':', "a colon is missing")?;
            member(self, &key)?;
            match self.byte()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.wrong("a comma is missing")),
            }
        }
    }

    /// A list's entries; `entry` reads or skips each. What is no list has none.
    #[inline]
    pub(crate) fn list(
        &mut self,
        mut entry: impl FnMut(&mut Self) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        if self.next()? != Next::List {
            return self.skip();
        }
        self.at += 1;
        if self.byte()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            entry(self)?;
            match self.byte()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.wrong("a comma is missing")),
            }
        }
    }

    /// A number, a truth value or a bare word.
    #[inline]
    pub(crate) fn word(&mut self) -> Result<&'a str, Unreadable> {
        self.byte()?;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let word = rest.get(..length).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
        if word.is_empty() {
            return Err(self.wrong("there is no value"));
        }
        self.at += length;
        Ok(word)
    }

    /// A text, which comes next. What is no UTF-8 in it is replaced.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, Unreadable> {
        self.at += 1;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(end) = memchr2(b'"', b'\\', rest) else {
            return Err(self.wrong("a text has no end"));
        };
        let plain = rest.get(..end).unwrap_or_default();
        if rest.get(end) == Some(&b'"') {
            self.at += end + 1;
            return Ok(String::from_utf8_lossy(plain));
        }
        let mut text = Vec::with_capacity(plain.len() * 2 + 16);
        self.escaped(&mut text)?;
        Ok(Cow::Owned(match String::from_utf8(text) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }))
    }

    /// A text with escapes, up to its end.
    fn escaped(&mut self, into: &mut Vec<u8>) -> Result<(), Unreadable> {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(end) = memchr2(b'"', b'\\', rest) else {
                return Err(self.wrong("a text has no end"));
            };
            into.extend_from_slice(rest.get(..end).unwrap_or_default());
            self.at += end + 1;
            if rest.get(end) == Some(&b'"') {
                return Ok(());
            }
            let escape = rest.get(end + 1).copied();
            self.at += 1;
            let byte = match escape {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(byte @ (b'"' | b'\\' | b'/')) => byte,
                Some(b'u') => {
                    let character = self.unicode()?;
                    into.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    continue;
                }
                _ => return Err(self.wrong("a text has an unknown escape")),
            };
            into.push(byte);
        }
    }

    /// The character of `\u` and, if need be, of the `\u` behind it; half a pair is replaced.
    fn unicode(&mut self) -> Result<char, Unreadable> {
        let first = self.four_digits(self.at).ok_or_else(|| self.wrong("a text has an unknown escape"))?;
        self.at += 4;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let follows = self.bytes.get(self.at..self.at + 2) == Some(b"\\u");
        let second = follows.then(|| self.four_digits(self.at + 2)).flatten();
        let Some(second @ 0xdc00..0xe000) = second else {
            return Ok(char::REPLACEMENT_CHARACTER);
        };
        self.at += 6;
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_digits(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 4)?;
        digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
    }

    /// Passes over a value, whatever is in it.
    pub(crate) fn skip(&mut self) -> Result<(), Unreadable> {
        let mut depth = 0_usize;
        loop {
            match self.byte()? {
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b'"' => self.skip_text()?,
                _ => {
                    self.word()?;
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn skip_text(&mut self) -> Result<(), Unreadable> {
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(quote) = memchr(b'"', rest) else {
                return Err(self.wrong("a text has no end"));
            };
            let before = rest.get(..quote).unwrap_or_default();
            self.at += quote + 1;
            // Escaped when an odd number of backslashes stands before it.
            if before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Result<String, Unreadable> {
        Reader::new(json.as_bytes()).text().map(Cow::into_owned)
    }

    #[test]
    fn texts_are_read_with_every_escape() {
        assert_eq!(text(r#""plain""#).unwrap(), "plain");
        let all = r#""a\"\\\/\b\f\n\r\té\ud83d\ude00é""#;
        assert_eq!(text(all).unwrap(), "a\"\\/\u{8}\u{c}\n\r\té😀é");
        for (json, wanted) in [
            (r#""cut \ud83d""#, "cut \u{fffd}"),
            (r#""\ud83d!""#, "\u{fffd}!"),
            (r#""\ude00""#, "\u{fffd}"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
        ] {
            assert_eq!(text(json).unwrap(), wanted, "half a pair: {json}");
        }
        assert_eq!(Reader::new(b"\"\xff\"").text().unwrap(), "\u{fffd}");
        for wrong in [r#"""#, r#""a\"#, r#""\x""#, r#""\u12""#, r#""\u12zz""#, r#""\"#] {
            assert!(text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_passed_over_may_be_anything() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for value in
            [r#"{"a":[1,{"b":"]}\\\""},null,-1.5e3,true]}"#, "\"\\\\\"", "12", "null", "NaN", deep.as_str()]
        {
            let body = format!(" {value} ,");
            let mut json = Reader::new(body.as_bytes());
            json.skip().unwrap();
            assert_eq!(json.byte().unwrap(), b',', "{value:.40}");
        }
        for wrong in ["", "{", "[1", "\"a", "]", ",", ":"] {
            assert!(Reader::new(wrong.as_bytes()).skip().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn objects_and_lists_are_what_they_should_be() {
        let members = |body: &str| {
            let mut keys = Vec::new();
            let mut json = Reader::new(body.as_bytes());
            json.whole_object(|json, key| {
                keys.push(key.to_owned());
                json.list(|json| json.skip())
            })?;
            json.end().map(|()| keys)
        };
        assert_eq!(members("\u{feff} {\"a\" : [1 , 2], \"b\":[ ], \"c\":7} \n").unwrap(), ["a", "b", "c"]);
        assert_eq!(members("{}").unwrap(), [""; 0]);
        for wrong in
            ["", "[]", "{\"a\":1", "{\"a\" 1}", "{a:1}", "{\"a\":1,}", "{\"a\":[1 2]}", "{} x", "{\"a\":1}}"]
        {
            assert!(members(wrong).is_err(), "{wrong:?}");
        }
    }
}
