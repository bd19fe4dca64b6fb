//! Where in a text the terms of a search stand. Leaves out what is done with it (`text`, `snippet`).

use std::cell::OnceCell;
use std::ops::Range;

use super::{Search, Term};
use crate::words::{is_part, is_unspaced, plain, words_at};

/// A text that is looked through, cut into words or made plain once if a term asks for it.
pub(crate) struct Text<'a> {
    text: &'a str,
    words: OnceCell<Cut>,
    plain: OnceCell<(String, Vec<usize>)>,
}

/// A text cut into words.
#[derive(Default)]
struct Cut {
    /// All words, one behind the other.
    folded: String,
    /// Of each, where it stands there and in the text.
    words: Vec<(Range<usize>, Range<usize>)>,
}

/// Where a term stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) place: Range<usize>,
    /// To the end of its last word.
    pub(crate) whole: bool,
}

impl Search {
    /// Whether every term stands in one of `texts`.
    pub(crate) fn stands_in(&self, texts: &[String]) -> bool {
        let texts: Vec<Text<'_>> = texts.iter().map(|text| Text::new(text)).collect();
        self.terms.iter().all(|term| texts.iter().any(|text| text.has(term)))
    }

    /// Whether that is so, and nothing stands there that is to be absent.
    pub(crate) fn matches(&self, texts: &[String]) -> bool {
        let absent = |term| !texts.iter().any(|text| Text::new(text).has(term));
        self.stands_in(texts) && self.without.iter().all(absent)
    }
}

impl<'a> Text<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, words: OnceCell::new(), plain: OnceCell::new() }
    }

    pub(crate) fn has(&self, term: &Term) -> bool {
        !self.find(term, 1).is_empty()
    }

    /// The first `most` places of a term.
    pub(crate) fn find(&self, term: &Term, most: usize) -> Vec<Match> {
        match &term.literal {
            Some(literal) => self.find_exactly(literal, term.begun, most),
            None => self.find_words(term, most),
        }
    }

    fn find_words(&self, term: &Term, most: usize) -> Vec<Match> {
        let Cut { folded, words } = self.words.get_or_init(|| {
            let mut cut = Cut::default();
            words_at(self.text, |word, place| {
                let from = cut.folded.len();
                cut.folded.push_str(word);
                cut.words.push((from..cut.folded.len(), place));
            });
            cut
        });
        let Some((last, before)) = term.words.split_last() else { return Vec::new() };
        let word = |at: &Range<usize>| folded.get(at.clone()).unwrap_or_default();
        let found = words.windows(term.words.len()).filter_map(|window| {
            let ((end, place), start) = window.split_last()?;
            let end = word(end);
            let whole = end == last;
            if !(whole || term.begun && end.starts_with(last.as_str()))
                || !start.iter().map(|(at, _)| word(at)).eq(before)
            {
                return None;
            }
            let from = start.first().map_or(place.start, |(_, place)| place.start);
            // Of a pair of letters only the one that was looked for.
            let first = self.text.get(place.clone())?.chars().next()?;
            let to = if !whole && is_unspaced(first) { place.start + first.len_utf8() } else { place.end };
            Some(Match { place: from..to, whole })
        });
        found.take(most).collect()
    }

    fn find_exactly(&self, literal: &str, begun: bool, most: usize) -> Vec<Match> {
        let (plain, from) = self.plain.get_or_init(|| plain(self.text));
        let begins = literal.chars().next().is_some_and(is_word);
        let ends = literal.chars().next_back().is_some_and(is_word);
        let found = plain.match_indices(literal).filter_map(|(at, _)| {
            let before = plain.get(..at)?.chars().next_back();
            let after = plain.get(at + literal.len()..)?.chars().next();
            if begins && before.is_some_and(is_word) {
                return None;
            }
            let whole = !(ends && after.is_some_and(is_word));
            let place = *from.get(at)?..*from.get(at + literal.len())?;
            (whole || begun).then_some(Match { place, whole })
        });
        found.take(most).collect()
    }
}

/// What a word is made of where words are apart.
fn is_word(letter: char) -> bool {
    is_part(letter) && !is_unspaced(letter)
}
