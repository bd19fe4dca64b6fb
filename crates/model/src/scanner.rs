//! A byte-exact JSON scanner: where values begin and end, on bytes that may be cut short or not UTF-8.
//! Leaves out meaning and strict grammar: it finds boundaries of whatever is JSON and gives up on what is not.
//! It never recurses, so nesting cannot exhaust the stack.

use std::ops::Range;

use memchr::memchr2;

/// A position in JSON text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Steps over `byte` if it comes next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over one string and gives its range, quotes included.
    pub(crate) fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        if !self.eat(b'"') {
            return None;
        }
        loop {
            let rest = self.bytes.get(self.at..)?;
            let next = memchr2(b'"', b'\\', rest)?;
            let quote = rest.get(next) == Some(&b'"');
            self.at += next + if quote { 1 } else { 2 };
            if quote {
                return Some(start..self.at);
            }
        }
    }

    /// Steps over one value of any kind and gives its range.
    pub(crate) fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' if depth > 0 => self.at += 1,
                _ => self.word()?,
            }
            if depth == 0 {
                return Some(start..self.at);
            }
        }
    }

    /// Steps over a number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Steps over `"key" :` and gives the key without its quotes.
    pub(crate) fn key(&mut self) -> Option<&'a [u8]> {
        let range = self.string()?;
        self.skip_space();
        if !self.eat(b':') {
            return None;
        }
        self.skip_space();
        self.bytes.get(range.start + 1..range.end - 1)
    }
}

/// One member of the outermost object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) key: &'a [u8],
    /// The value; `None` when the text ends inside it.
    pub(crate) value: Option<&'a [u8]>,
    /// The text from the value's beginning.
    pub(crate) onwards: &'a [u8],
}

/// The members of the outermost object in order, as far as the text is JSON.
pub(crate) fn members(json: &[u8]) -> impl Iterator<Item = Member<'_>> {
    let mut scanner = Scanner::new(json, 0);
    scanner.skip_space();
    let mut more = scanner.eat(b'{');
    std::iter::from_fn(move || {
        if !std::mem::take(&mut more) {
            return None;
        }
        scanner.skip_space();
        let key = scanner.key()?;
        let onwards = json.get(scanner.at()..)?;
        let value = scanner.value().and_then(|range| json.get(range));
        scanner.skip_space();
        more = value.is_some() && scanner.eat(b',');
        Some(Member { key, value, onwards })
    })
}

/// The value of the first top-level member called `name`; finds it even when the text is cut off later.
pub(crate) fn member<'a>(json: &'a [u8], name: &str) -> Option<&'a [u8]> {
    members(json).find(|member| member.key == name.as_bytes())?.value
}

/// The string that the first top-level member called `name` holds.
pub(crate) fn string_member(json: &[u8], name: &str) -> Option<String> {
    serde_json::from_slice(member(json, name)?).ok()
}

/// The whole elements of a top-level array, and whether the array was closed.
pub(crate) fn elements(json: &[u8]) -> (Vec<Range<usize>>, bool) {
    let mut scanner = Scanner::new(json, 0);
    let mut found = Vec::new();
    scanner.skip_space();
    if !scanner.eat(b'[') {
        return (found, false);
    }
    loop {
        scanner.skip_space();
        if scanner.eat(b']') {
            return (found, true);
        }
        let Some(range) = scanner.value() else { return (found, false) };
        found.push(range);
        scanner.skip_space();
        if !scanner.eat(b',') {
            return (found, scanner.eat(b']'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_where_they_end() {
        for value in ["1", "-1.5e+3", "true", r#""a\"b\\""#, "{}", r#"{"a":[1,{"b":"]"}]}"#, "[ ]"] {
            let json = format!("{value} , x");
            assert_eq!(Scanner::new(json.as_bytes(), 0).value(), Some(0..value.len()), "{value}");
        }
    }

    #[test]
    fn what_is_cut_has_no_end() {
        for cut in ["\"a", "\"a\\", "{\"a\":1", "[[[", "", ",", "}"] {
            assert_eq!(Scanner::new(cut.as_bytes(), 0).value(), None, "{cut}");
        }
    }

    #[test]
    fn a_member_is_found_before_the_cut() {
        let json = br#" { "a" : {"model":"no"} , "model" : "yes", "messages": [ {"ro"#;
        assert_eq!(string_member(json, "model").as_deref(), Some("yes"));
        assert_eq!(member(json, "messages"), None);
    }

    #[test]
    fn elements_of_an_open_array_are_the_whole_ones() {
        assert_eq!(elements(b"[1,\n{}\n,{\"a\""), (vec![1..2, 4..6], false));
        assert_eq!(elements(b"[]"), (vec![], true));
        assert_eq!(elements(b"[1,2] "), (vec![1..2, 3..4], true));
    }
}
