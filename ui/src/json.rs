//! JSON text laid out for reading, token by token: order, numbers and duplicates stay as they were sent.
//! Pure. Leaves out understanding it, and drawing it (`components::code`).

/// What a piece of JSON is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Key,
    Text,
    Literal,
    Mark,
}

/// A piece of a line.
pub type Piece = (Kind, String);

/// The text as indented lines of coloured pieces; `None` when it is not JSON.
pub fn lines(text: &str) -> Option<Vec<Vec<Piece>>> {
    // Checking first keeps the layout below simple: it may trust what it reads.
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let mut layout = Layout::default();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest.find([',', '}', ']', ' ', '\n', '\r', '\t']).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        rest = after.trim_start();
        layout.push(token, rest);
    }
    layout.finish()
}

/// The text laid out on lines of its own; what is not JSON stays as it is.
pub fn pretty(text: &str) -> String {
    let Some(lines) = lines(text) else {
        return text.to_owned();
    };
    let joined: Vec<String> =
        lines.iter().map(|line| line.iter().map(|(_, piece)| piece.as_str()).collect()).collect();
    joined.join("\n")
}

#[derive(Default)]
struct Layout {
    lines: Vec<Vec<Piece>>,
    line: Vec<Piece>,
    depth: usize,
    after_colon: bool,
}

impl Layout {
    fn push(&mut self, token: &str, rest: &str) {
        match token {
            "{" | "[" => {
                self.add(Kind::Mark, token);
                if rest.starts_with(['}', ']']) {
                    return;
                }
                self.depth += 1;
                self.break_line();
            }
            "}" | "]" => {
                let empty = self.line.last().is_some_and(|(_, last)| last.ends_with(['{', '[']));
                if !empty {
                    self.depth = self.depth.saturating_sub(1);
                    self.break_line();
                }
                self.add(Kind::Mark, token);
            }
            "," => {
                self.add(Kind::Mark, token);
                self.break_line();
            }
            ":" => {
                self.add(Kind::Mark, ": ");
                self.after_colon = true;
            }
            _ if token.starts_with('"') => {
                let is_key = !self.after_colon && rest.starts_with(':');
                self.add(if is_key { Kind::Key } else { Kind::Text }, token);
            }
            _ => self.add(Kind::Literal, token),
        }
        if token != ":" {
            self.after_colon = false;
        }
    }

    fn add(&mut self, kind: Kind, piece: &str) {
        if self.line.is_empty() && self.depth > 0 {
            self.line.push((Kind::Mark, "  ".repeat(self.depth)));
        }
        self.line.push((kind, piece.to_owned()));
    }

    fn break_line(&mut self) {
        if !self.line.is_empty() {
            self.lines.push(std::mem::take(&mut self.line));
        }
    }

    fn finish(mut self) -> Option<Vec<Vec<Piece>>> {
        self.break_line();
        Some(self.lines)
    }
}

/// The length of the string that `text` begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_and_nothing_in_it_changes() {
        let text = r#"{"b":1.50,"a":["x\"y",{},[],null,{"k":true}],"n":12345678901234567890,"b":-1e9}"#;
        let expected = r#"{
  "b": 1.50,
  "a": [
    "x\"y",
    {},
    [],
    null,
    {
      "k": true
    }
  ],
  "n": 12345678901234567890,
  "b": -1e9
}"#;
        assert_eq!(pretty(text), expected);
        assert_eq!(pretty(expected), expected, "laying out twice changes nothing");
    }

    #[test]
    fn keys_and_texts_differ() {
        let lines = lines(r#"{"a":"b"}"#).unwrap();
        assert_eq!(lines[1][1], (Kind::Key, "\"a\"".to_owned()));
        assert_eq!(lines[1][3], (Kind::Text, "\"b\"".to_owned()));
    }

    #[test]
    fn what_is_not_json_stays_as_it_is() {
        assert_eq!(pretty("data: {\"a\":1}"), "data: {\"a\":1}");
        assert_eq!(pretty("{\"a\":"), "{\"a\":");
        assert_eq!(pretty("7"), "7");
    }
}
