//! What is shown of a match: a stretch of text around what was looked for, and which letters of it matched. Pure.
//! Leaves out how it is drawn: it is text, whatever it looks like.

use std::collections::BTreeSet;

use api::{Snippet, SnippetPart};

use crate::search::{Search, Text};

/// Bytes shown around matches.
const SHOWN: usize = 180;
/// Of them before the first match.
const BEFORE: usize = 18;
/// Places of one term that are looked at.
const PLACES: usize = 64;

/// Where a match begins and ends.
type Place = (usize, usize);

/// Matches that are shown together.
struct Stretch {
    /// Of so many terms.
    terms: usize,
    /// In this text.
    text: usize,
    places: Vec<Place>,
}

/// The stretch of `texts` that has most of what is looked for; `None` when it stands in none of them.
pub(crate) fn snippet(search: &Search, texts: &[String]) -> Option<Snippet> {
    let mut best: Option<Stretch> = None;
    for (number, text) in texts.iter().enumerate() {
        let looked = Text::new(text);
        let mut places: Vec<(Place, usize)> = Vec::new();
        for (term, wanted) in search.terms.iter().enumerate() {
            let found = looked.find(wanted, PLACES);
            places.extend(found.into_iter().map(|found| ((found.place.start, found.place.end), term)));
        }
        places.sort_unstable();
        for index in 0..places.len() {
            let stretch = from(number, places.get(index..).unwrap_or_default());
            if best.as_ref().is_none_or(|best| stretch.terms > best.terms) {
                best = Some(stretch);
            }
        }
        if best.as_ref().is_some_and(|best| best.terms == search.terms.len()) {
            break;
        }
    }
    let best = best?;
    Some(cut(texts.get(best.text)?, &best.places))
}

/// As many matches as are shown with the first of these.
fn from(text: usize, places: &[(Place, usize)]) -> Stretch {
    let end = places.first().map_or(0, |((from, _), _)| from + SHOWN - BEFORE);
    // A match may be longer than what is shown.
    let last = places.partition_point(|((from, _), _)| *from < end).max(1);
    let shown = places.get(..last).unwrap_or_default();
    let terms: BTreeSet<usize> = shown.iter().map(|(_, term)| *term).collect();
    Stretch { terms: terms.len(), text, places: shown.iter().map(|(place, _)| *place).collect() }
}

/// `text` around these places, which rise.
fn cut(text: &str, marks: &[Place]) -> Snippet {
    let first = marks.first().map_or(0, |(from, _)| *from);
    let mut from = text.floor_char_boundary(first.saturating_sub(BEFORE));
    // Not from the middle of a word, where there is a gap.
    if from > 0
        && let Some(gap) = text.get(from..first).and_then(|before| before.find(char::is_whitespace))
    {
        from += gap;
    }
    let to = text.floor_char_boundary(from.saturating_add(SHOWN).min(text.len()));
    let mut parts = Vec::new();
    let mut at = from;
    for (begin, end) in marks {
        let (begin, end) = ((*begin).max(at), (*end).min(to));
        if begin >= end {
            continue;
        }
        push(&mut parts, text.get(at..begin), false);
        push(&mut parts, text.get(begin..end), true);
        at = end;
    }
    push(&mut parts, text.get(at..to), false);
    if from > 0 {
        parts.insert(0, SnippetPart { text: "…".to_owned(), matched: false });
    }
    if to < text.len() {
        parts.push(SnippetPart { text: "…".to_owned(), matched: false });
    }
    Snippet { parts }
}

/// One line: what separates lines is a space.
fn push(parts: &mut Vec<SnippetPart>, text: Option<&str>, matched: bool) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        let text = text.replace(char::is_control, " ");
        parts.push(SnippetPart { text, matched });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(typed: &str, text: &str) -> Option<String> {
        let snippet = snippet(&Search::new(typed), &[text.to_owned()])?;
        let part = |part: SnippetPart| if part.matched { format!("[{}]", part.text) } else { part.text };
        Some(snippet.parts.into_iter().map(part).collect())
    }

    #[test]
    fn what_matched_is_marked_as_it_stands_there() {
        assert_eq!(shown("ete fox", "L’ÉTÉ\nthe <b>fox</b>").unwrap(), "L’[ÉTÉ] the <b>[fox]</b>");
        assert_eq!(shown("foo::b", "x foo::bar(1)").unwrap(), "x [foo::b]ar(1)");
        assert_eq!(shown("天気", "東京の天気は").unwrap(), "東京の[天気]は");
        assert_eq!(shown("nothing", "else"), None);
        let far = format!("{} needle {}", "hay ".repeat(100), "hay ".repeat(100));
        let far = shown("needle", &far).unwrap();
        assert!(
            far.starts_with("… hay") && far.contains("[needle]") && far.ends_with('…') && far.len() < 220,
            "{far}"
        );
    }

    #[test]
    fn the_stretch_with_most_terms_is_shown() {
        let text = format!("cat {} cat dog {}", "x ".repeat(200), "y ".repeat(100));
        assert!(shown("cat dog", &text).unwrap().contains("[cat] [dog]"));
    }

    proptest! {
        #[test]
        fn a_snippet_is_a_stretch_of_its_text(text in "[a-cé日本 \\n.]{0,400}", typed in "[a-cé日本 .]{1,6}") {
            if let Some(snippet) = snippet(&Search::new(&typed), std::slice::from_ref(&text)) {
                let whole: String = snippet.parts.iter().map(|part| part.text.as_str()).collect();
                let inner = whole.trim_start_matches('…').trim_end_matches('…');
                prop_assert!(text.replace('\n', " ").contains(inner));
                prop_assert!(snippet.parts.iter().any(|part| part.matched));
            }
        }
    }
}
