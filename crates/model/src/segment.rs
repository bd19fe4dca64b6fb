//! Cuts a request body at the element boundaries of its big arrays, so that a conversation that is sent again and
//! again is stored once. Owns the cut and the volatile cache markers. Leaves out hashing and storage (`store`).
//!
//! The promise: the ranges of all parts, in order, are `0..body.len()` without a gap, for any bytes whatever.

use std::ops::Range;

use crate::scanner::Scanner;

mod marker;

/// Members that hold a conversation's repeated elements.
const ARRAYS: [&[u8]; 5] = [b"messages", b"system", b"tools", b"input", b"contents"];

/// A stretch of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyPart {
    /// Bytes outside the big arrays.
    Literal(Range<usize>),
    /// One big array's elements in order.
    Array(Vec<Element>),
}

/// One element of a big array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Including the separator (comma, whitespace) before it.
    pub range: Range<usize>,
    /// Absolute, ascending, disjoint ranges inside `range`: each `"cache_control"` member with the comma that goes
    /// with it. Cutting them leaves the element without the marker, still valid JSON. Clients move these markers
    /// from turn to turn, so they must not make an unchanged message look new.
    pub markers: Vec<Range<usize>>,
}

/// Cuts `body` at the elements of `messages`, `system`, `tools`, `input` and `contents`, which are members of the
/// top-level object or of its `request` member (Gemini Code Assist). Whatever is not such JSON is one literal.
pub fn scan(body: &[u8]) -> Vec<BodyPart> {
    let mut cutter = Cutter { body, parts: Vec::new(), cut_until: 0 };
    if cutter.body_object().is_none() {
        cutter.parts.clear();
        cutter.cut_until = 0;
    }
    cutter.literal_until(body.len());
    cutter.parts
}

struct Cutter<'a> {
    body: &'a [u8],
    parts: Vec<BodyPart>,
    /// Everything before this offset is in `parts`.
    cut_until: usize,
}

impl<'a> Cutter<'a> {
    fn literal_until(&mut self, end: usize) {
        if self.cut_until < end {
            self.parts.push(BodyPart::Literal(self.cut_until..end));
            self.cut_until = end;
        }
    }

    /// Cuts the whole body; `None` when it is not one JSON object.
    fn body_object(&mut self) -> Option<()> {
        let mut scanner = Scanner::new(self.body, 0);
        scanner.skip_space();
        self.object(&mut scanner, true)?;
        scanner.skip_space();
        scanner.peek().is_none().then_some(())
    }

    fn object(&mut self, scanner: &mut Scanner<'a>, outermost: bool) -> Option<()> {
        if !scanner.eat(b'{') {
            return None;
        }
        scanner.skip_space();
        if scanner.eat(b'}') {
            return Some(());
        }
        loop {
            scanner.skip_space();
            let key = scanner.key()?;
            match scanner.peek()? {
                b'[' if ARRAYS.contains(&key) => self.array(scanner)?,
                b'{' if outermost && key == b"request" => self.object(scanner, false)?,
                _ => {
                    scanner.value()?;
                }
            }
            scanner.skip_space();
            if !scanner.eat(b',') {
                return scanner.eat(b'}').then_some(());
            }
        }
    }

    fn array(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        scanner.eat(b'[');
        let mut start = scanner.at();
        let mut elements = Vec::new();
        scanner.skip_space();
        if scanner.eat(b']') {
            return Some(());
        }
        self.literal_until(start);
        loop {
            scanner.skip_space();
            let value = scanner.value()?;
            let markers = marker::markers(self.body, value.clone());
            elements.push(Element { range: start..value.end, markers });
            start = value.end;
            scanner.skip_space();
            if !scanner.eat(b',') {
                break;
            }
        }
        self.cut_until = start;
        self.parts.push(BodyPart::Array(elements));
        scanner.eat(b']').then_some(())
    }
}

#[cfg(test)]
mod tests;
