//! What a word is to the search: cutting text into words, folding them, and phrases. Pure.
//! Leaves out the index (`text`) and what of a call is searched (`record`).

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Bytes of a word that count: what is longer is data, and nobody types all of it.
const LONGEST: usize = 48;

/// Calls `each` with every word of `text`, without case and diacritics, in order.
pub(crate) fn words(text: &str, mut each: impl FnMut(&str)) {
    let mut word = String::with_capacity(LONGEST * 2);
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if byte.is_ascii_alphanumeric() {
            // Nearly all text: a run of plain letters is taken as it is.
            let rest = bytes.get(at..).unwrap_or_default();
            let run = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let kept = run.min(LONGEST - word.len());
            let from = word.len();
            word.push_str(text.get(at..at + kept).unwrap_or_default());
            if let Some(added) = word.get_mut(from..) {
                added.make_ascii_lowercase();
            }
            at += run;
        } else if byte.is_ascii() {
            end(&mut word, &mut each);
            at += 1;
        } else {
            let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
            at += letter.len_utf8();
            if letter.is_alphanumeric() {
                fold(letter, &mut word);
            } else if !is_combining_mark(letter) {
                end(&mut word, &mut each);
            }
        }
    }
    end(&mut word, &mut each);
}

fn end(word: &mut String, each: &mut impl FnMut(&str)) {
    if !word.is_empty() {
        each(word);
        word.clear();
    }
}

fn fold(letter: char, word: &mut String) {
    let folded = letter.to_lowercase().nfd().filter(|part| !is_combining_mark(*part));
    for part in folded {
        if word.len() + part.len_utf8() <= LONGEST {
            word.push(part);
        }
    }
}

/// Each word once, for the index. One is used for many texts: making its table costs more than filling it.
#[derive(Default)]
pub(crate) struct Distinct {
    met: HashSet<u64, BuildHasherDefault<AsItIs>>,
    text: String,
}

impl Distinct {
    pub(crate) fn add(&mut self, text: &str) {
        let Self { met, text: distinct } = self;
        words(text, |word| {
            if met.insert(hash(word)) {
                distinct.push_str(word);
                distinct.push(' ');
            }
        });
    }

    /// The words, leaving none behind.
    pub(crate) fn take(&mut self) -> String {
        self.met.clear();
        let text = self.text.as_str().to_owned();
        self.text.clear();
        text
    }
}

/// Among the few thousand words of one call, 64 bits are as good as the word. Eight letters at a time, each step a
/// multiplication that carries what differs upwards and a shift that brings it down again. The last eight may overlap
/// those before, and fewer than eight are two fours that may overlap: with the length that tells every word from every
/// other, and nothing is done letter by letter.
fn hash(word: &str) -> u64 {
    let letters = word.as_bytes();
    let seed = 0x9e37_79b9_7f4a_7c15_u64 ^ letters.len() as u64;
    let mix = |hash: u64, eight: u64| {
        let mixed = (hash ^ eight).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 29)
    };
    if let Some(last) = letters.last_chunk::<8>() {
        let (whole, _) = letters.as_chunks::<8>();
        let begun = whole.iter().fold(seed, |hash, eight| mix(hash, u64::from_le_bytes(*eight)));
        return mix(begun, u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (letters.first_chunk::<4>(), letters.last_chunk::<4>()) {
        return mix(seed, u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)));
    }
    mix(seed, letters.iter().fold(0, |all, letter| all << 8 | u64::from(*letter)))
}

/// What is hashed already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What is searched for: all of these must occur.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    phrases: Vec<Phrase>,
}

/// Words that stand one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Phrase {
    words: Vec<String>,
    /// The last one may go on.
    begun: bool,
}

impl Search {
    /// Every word must occur, as a word or the beginning of one; what stands in quotes must occur as a phrase.
    pub(crate) fn new(text: &str) -> Self {
        let mut phrases = Vec::new();
        for (index, piece) in text.split('"').enumerate() {
            if index % 2 == 1 {
                phrases.extend(phrase(piece, false));
            } else {
                phrases.extend(piece.split_whitespace().filter_map(|word| phrase(word, true)));
            }
        }
        Self { phrases }
    }

    /// Nothing is left to search for.
    pub(crate) fn is_empty(&self) -> bool {
        self.phrases.is_empty()
    }

    /// Whether the index alone can answer.
    pub(crate) fn is_words(&self) -> bool {
        self.phrases.iter().all(|phrase| phrase.words.len() == 1)
    }

    /// The expression for an index of words without positions.
    pub(crate) fn of_words(&self) -> String {
        let mut terms = Vec::new();
        for phrase in &self.phrases {
            let last = phrase.words.len().saturating_sub(1);
            for (number, word) in phrase.words.iter().enumerate() {
                let begun = if phrase.begun && number == last { "*" } else { "" };
                terms.push(format!("\"{word}\"{begun}"));
            }
        }
        terms.join(" AND ")
    }

    /// The expression for the former index, which has positions.
    pub(crate) fn of_phrases(&self) -> String {
        let term = |phrase: &Phrase| {
            format!("\"{}\"{}", phrase.words.join(" "), if phrase.begun { "*" } else { "" })
        };
        self.phrases.iter().map(term).collect::<Vec<_>>().join(" AND ")
    }

    /// Whether every phrase stands in one of `texts`.
    pub(crate) fn stands_in(&self, texts: &[String]) -> bool {
        let texts: Vec<Vec<String>> = texts.iter().map(|text| all(text)).collect();
        self.phrases.iter().all(|phrase| texts.iter().any(|words| phrase.stands_in(words)))
    }
}

impl Phrase {
    fn stands_in(&self, words: &[String]) -> bool {
        let Some((last, before)) = self.words.split_last() else { return true };
        words.windows(self.words.len()).any(|window| {
            let Some((end, start)) = window.split_last() else { return false };
            start == before && if self.begun { end.starts_with(last.as_str()) } else { end == last }
        })
    }
}

fn phrase(text: &str, begun: bool) -> Option<Phrase> {
    let words = all(text);
    (!words.is_empty()).then_some(Phrase { words, begun })
}

fn all(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    words(text, |word| all.push(word.to_owned()));
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_and_diacritics_do_not_count() {
        assert_eq!(
            all("Grüße, ÉTÉ e\u{301}t naïve_x9"),
            ["grusse", "ete", "et", "naive", "x9"].map(|word| {
                // Sharp s has no lower case of two letters: it stays.
                if word == "grusse" { "gruße" } else { word }
            })
        );
        assert_eq!(all("日本語 ok"), ["日本語", "ok"]);
        assert_eq!(all(" -* "), [""; 0]);
        assert_eq!(all(&"a".repeat(100)), ["a".repeat(LONGEST)]);
    }

    #[test]
    fn each_word_is_indexed_once() {
        let mut distinct = Distinct::default();
        distinct.add("The cat, the CAT");
        distinct.add("a cat");
        assert_eq!(distinct.take(), "the cat a ");
        let many: String = (0..5_000).map(|number| format!("{number} {number} ")).collect();
        distinct.add(&many);
        assert_eq!(distinct.take().split_whitespace().count(), 5_000);
        distinct.add("cat");
        assert_eq!(distinct.take(), "cat ");
    }

    #[test]
    fn words_phrases_and_nothing() {
        let search = Search::new("flaky  Retry.rs");
        assert_eq!(search.of_words(), "\"flaky\"* AND \"retry\" AND \"rs\"*");
        assert_eq!(search.of_phrases(), "\"flaky\"* AND \"retry rs\"*");
        assert!(!search.is_words());
        let search = Search::new("say \"Hello there\" now");
        assert_eq!(search.of_words(), "\"say\"* AND \"hello\" AND \"there\" AND \"now\"*");
        assert_eq!(Search::new("a\" OR 1").of_phrases(), "\"a\"* AND \"or 1\"");
        assert!(Search::new(" \" - \" * ").is_empty());
        assert!(Search::new("a\0b").of_words() == "\"a\" AND \"b\"*" && Search::new("one two").is_words());
    }

    #[test]
    fn a_phrase_stands_in_one_text() {
        let texts = ["The quick-brown fox".to_owned(), "jumps over".to_owned()];
        let found = |text: &str| Search::new(text).stands_in(&texts);
        assert!(found("\"quick brown\" \"JUMPS over\" fo"));
        assert!(found("quick-bro") && !found("\"quick bro\""));
        assert!(!found("\"fox jumps\"") && !found("\"brown quick\""));
    }

    proptest! {
        #[test]
        fn a_text_is_found_by_its_own_words(text in ".{0,80}") {
            let search = Search::new(&text.replace('"', " "));
            prop_assert!(search.stands_in(std::slice::from_ref(&text.replace('"', " "))));
            let mut distinct = Distinct::default();
            distinct.add(&text);
            let indexed: HashSet<String> = distinct.take().split(' ').map(str::to_owned).collect();
            prop_assert!(all(&text).iter().all(|word| indexed.contains(word)));
        }
    }
}
