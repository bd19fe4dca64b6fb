//! Where an element's cache markers stand, each with the comma that must go with it. Leaves out the cutting.

use std::ops::Range;

use memchr::memmem;

use crate::scanner::Scanner;

const MARKER: &[u8] = b"cache_control";

/// One open bracket on the way to the current position.
struct Level {
    object: bool,
    /// A member that stays has been seen: later members are preceded by a comma that stays.
    kept: bool,
    /// The comma since this level's last member.
    comma: Option<usize>,
}

/// The marker members inside the value at `range`; none when the value is malformed.
pub(super) fn markers(body: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
    let Some(value) = body.get(range.clone()) else { return Vec::new() };
    if memmem::find(value, b"\"cache_control\"").is_none() {
        return Vec::new();
    }
    find(body, range).unwrap_or_default()
}

fn find(body: &[u8], range: Range<usize>) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let mut levels: Vec<Level> = Vec::new();
    let mut scanner = Scanner::new(body.get(..range.end)?, range.start);
    loop {
        scanner.skip_space();
        let at = scanner.at();
        match scanner.peek() {
            None => return Some(found),
            Some(open @ (b'{' | b'[')) => {
                scanner.eat(open);
                levels.push(Level { object: open == b'{', kept: false, comma: None });
            }
            Some(close @ (b'}' | b']')) => {
                scanner.eat(close);
                levels.pop()?;
            }
            Some(b',') => {
                scanner.eat(b',');
                levels.last_mut()?.comma = Some(at);
            }
            Some(_) => match levels.last_mut() {
                Some(level) if level.object => found.extend(member(&mut scanner, level)?),
                _ => {
                    scanner.value()?;
                }
            },
        }
    }
}

/// Steps over a key, and over its value too when that is a plain one or a marker's; gives the marker's range.
fn member(scanner: &mut Scanner<'_>, level: &mut Level) -> Option<Option<Range<usize>>> {
    let start = scanner.at();
    let comma = level.comma.take();
    if level.kept && comma.is_none() {
        // Members without a comma between them are no JSON, and their ranges would overlap.
        return None;
    }
    if scanner.key()? != MARKER {
        level.kept = true;
        if !matches!(scanner.peek()?, b'{' | b'[') {
            scanner.value()?;
        }
        return Some(None);
    }
    let end = scanner.value()?.end;
    if let Some(comma) = comma.filter(|_| level.kept) {
        return Some(Some(comma..end));
    }
    // The first members of an object take the comma behind them.
    let mut after = *scanner;
    after.skip_space();
    if after.eat(b',') {
        *scanner = after;
        return Some(Some(start..after.at()));
    }
    Some(Some(start..end))
}
