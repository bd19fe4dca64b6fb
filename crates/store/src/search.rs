//! What people type, as what is looked for: words, "phrases", beginnings*, -without, and anything else literally.
//! Nothing typed is an error. Pure; leaves out the index (`text`) and what is shown of a match (`snippet`).

mod matching;

use std::collections::{BTreeSet, HashMap};

use crate::words::{all, is_part, is_unspaced, plain};

pub(crate) use matching::Text;

/// What ends a sentence or a remark, and nothing that one looks for.
const AFTER: &[char] =
    &['.', ',', ';', ':', '!', '?', '…', ')', ']', '}', '>', '\'', '’', '”', '»', '。', '、'];
const BEFORE: &[char] = &['(', '[', '{', '<', '\'', '‘', '“', '«', '¿', '¡'];
/// Terms that are looked for; who pastes a page looks for its beginning.
const TERMS: usize = 32;

/// For words that may go on, all words of an index that begin so. To put the lists of a few words together costs the index
/// less than to look for their beginning.
pub(crate) type Alike = HashMap<String, Vec<String>>;

/// What is searched for: all of it must occur, and nothing of what is to be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    pub(crate) terms: Vec<Term>,
    pub(crate) without: Vec<Term>,
}

/// A word, words that stand one after the other, or signs and letters exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// As it was typed.
    typed: String,
    words: Vec<String>,
    /// The last word may go on.
    begun: bool,
    /// The letters exactly, as [`plain`] has them.
    literal: Option<String>,
}

impl Search {
    /// Every word must occur, as a word or the beginning of one; what stands in quotes as it stands there.
    pub(crate) fn new(text: &str) -> Self {
        let mut search = Self::default();
        let mut rest = text.trim_start_matches(skipped);
        while !rest.is_empty() && search.terms.len() + search.without.len() < TERMS {
            let unsigned = rest.strip_prefix('-').filter(|rest| rest.starts_with(is_begun));
            let absent = unsigned.is_some();
            let from = unsigned.unwrap_or(rest);
            let (term, after) = match from.strip_prefix('"') {
                Some(quoted) => {
                    let (inner, after) = quoted.split_once('"').unwrap_or((quoted, ""));
                    (Term::quoted(inner), after)
                }
                None => {
                    let end = from.find(|letter| skipped(letter) || letter == '"').unwrap_or(from.len());
                    let (typed, after) = from.split_at(end);
                    (Term::typed(typed), after)
                }
            };
            if absent {
                search.without.extend(term);
            } else {
                search.terms.extend(term);
            }
            rest = after.trim_start_matches(skipped);
        }
        search
    }

    /// Nothing is left to search for.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.without.is_empty()
    }

    /// The expression for an index of words without positions; `None` when the index knows none of them.
    pub(crate) fn of_words(&self, alike: &Alike) -> Option<String> {
        let wanted = of_all(&self.terms, alike)?;
        // What the index alone can tell to be there.
        Some(match self.absent_words(alike) {
            Some(absent) => format!("({wanted}) NOT ({absent})"),
            None => wanted,
        })
    }

    /// The words that the index is asked for and that may go on.
    pub(crate) fn begun(&self) -> BTreeSet<&str> {
        let asked = self.terms.iter().chain(&self.without).flat_map(Term::indexed);
        asked.filter(|(_, begun)| *begun).map(|(word, _)| word).collect()
    }

    /// The expression for a former version's index, which has positions and cuts words itself.
    pub(crate) fn of_phrases(&self) -> Option<String> {
        let term = |term: &Term| {
            let text = term.typed.replace(['"', '\0'], " ");
            format!("\"{text}\"{}", if term.begun { "*" } else { "" })
        };
        let wanted: Vec<String> = self.terms.iter().filter(|term| !term.words.is_empty()).map(term).collect();
        let absent: Vec<String> =
            self.without.iter().filter(|term| !term.words.is_empty()).map(term).collect();
        let wanted = (!wanted.is_empty()).then(|| wanted.join(" AND "))?;
        Some(if absent.is_empty() { wanted } else { format!("({wanted}) NOT ({})", absent.join(" OR ")) })
    }

    /// Whether texts are to be read to know what has all terms.
    pub(crate) fn reads_texts(&self) -> bool {
        self.terms.iter().any(|term| !term.is_word())
    }

    /// The terms to be absent of which the index alone can tell.
    pub(crate) fn absent_words(&self, alike: &Alike) -> Option<String> {
        let words: Vec<String> =
            self.without.iter().filter(|term| term.is_word()).map(|term| term.of_words(alike)).collect();
        (!words.is_empty()).then(|| words.join(" OR "))
    }

    /// The terms to be absent for which texts are to be read.
    pub(crate) fn absent_texts(&self) -> impl Iterator<Item = &Term> {
        self.without.iter().filter(|term| !term.is_word())
    }
}

/// The expression for calls that have the words of all of these.
pub(crate) fn of_all<'a>(terms: impl IntoIterator<Item = &'a Term>, alike: &Alike) -> Option<String> {
    let words: Vec<String> =
        terms.into_iter().filter(|term| !term.words.is_empty()).map(|term| term.of_words(alike)).collect();
    (!words.is_empty()).then(|| words.join(" AND "))
}

impl Term {
    fn typed(text: &str) -> Option<Self> {
        // Every word may go on, so that a star says nothing new; alone it is looked for.
        let bare = text.trim_end_matches('*');
        let bare = if bare.is_empty() { text } else { bare };
        let core = bare.trim_end_matches(AFTER).trim_start_matches(BEFORE);
        let core = if core.is_empty() { bare } else { core };
        Self::new(core, !is_plain_words(core), true)
    }

    fn quoted(text: &str) -> Option<Self> {
        let mut pieces = text.split_whitespace();
        let literal = pieces.any(|piece| {
            let core = piece.trim_end_matches(AFTER).trim_start_matches(BEFORE);
            core.is_empty() || !is_plain_words(core)
        });
        Self::new(text.trim(), literal, false)
    }

    fn new(text: &str, literal: bool, begun: bool) -> Option<Self> {
        let words = all(text);
        let literal = literal || words.is_empty();
        let exact = literal.then(|| plain(text).0);
        if words.is_empty() && exact.as_ref().is_none_or(|exact| exact.trim().is_empty()) {
            return None;
        }
        // Text without spaces goes on behind what is looked for.
        let last = text.chars().next_back();
        let begun = last.is_some_and(|last| is_unspaced(last) || (begun && is_part(last)));
        Some(Self { typed: text.to_owned(), words, begun, literal: exact })
    }

    /// Words that were typed apart, as one phrase; `None` when one of them is more than a word.
    pub(crate) fn together(terms: &[Self]) -> Option<Self> {
        let words = terms.iter().all(|term| term.literal.is_none());
        let typed = terms.iter().map(|term| term.typed.as_str()).collect::<Vec<_>>().join(" ");
        words.then(|| Self::new(&typed, false, true)).flatten()
    }

    /// Whether the index alone can tell that it is there.
    fn is_word(&self) -> bool {
        self.literal.is_none() && self.indexed().len() == 1
    }

    /// The words that the index is asked for, and whether they may go on. A letter of a pair is not asked for again.
    fn indexed(&self) -> Vec<(&str, bool)> {
        let last = self.words.len().saturating_sub(1);
        let mut asked: Vec<(&str, bool)> = Vec::with_capacity(self.words.len());
        for (number, word) in self.words.iter().enumerate() {
            let alone = is_lone(word);
            let pair = number.checked_sub(1).and_then(|before| self.words.get(before));
            if alone && pair.is_some_and(|pair| pair.ends_with(word.as_str()) && is_pair(pair)) {
                continue;
            }
            asked.push((word.as_str(), alone || (self.begun && number == last)));
        }
        asked
    }

    fn of_words(&self, alike: &Alike) -> String {
        let words: Vec<String> = self
            .indexed()
            .into_iter()
            .map(|(word, begun)| match alike.get(word).filter(|_| begun) {
                Some(words) => one_of(words),
                None => format!("\"{word}\"{}", if begun { " *" } else { "" }),
            })
            .collect();
        if let [one] = words.as_slice() { one.clone() } else { format!("({})", words.join(" AND ")) }
    }
}

/// The expression for any of these words.
fn one_of(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    if let [one] = words.as_slice() { one.clone() } else { format!("({})", words.join(" OR ")) }
}

/// What separates terms; a zero byte would end an expression.
fn skipped(letter: char) -> bool {
    letter.is_whitespace() || letter == '\0'
}

/// What a word or quoted text to be absent may begin with: `--flag` and a lone dash are looked for.
fn is_begun(letter: char) -> bool {
    letter == '"' || (letter != '-' && letter != '>' && !skipped(letter))
}

/// Nothing but letters, digits and signs that are words.
fn is_plain_words(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_part)
}

/// One letter of a script without spaces.
fn is_lone(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(is_unspaced) && letters.next().is_none()
}

fn is_pair(word: &str) -> bool {
    word.chars().next().is_some_and(is_unspaced)
}

#[cfg(test)]
mod tests;
