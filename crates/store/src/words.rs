//! What a word is: cutting text into words and folding them, for the index and for what is looked for. Pure.
//! Leaves out the index (`text`), what of a call is searched (`record`) and what people type (`search`).

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Bytes of a word that count: what is longer is data, and nobody types all of it.
pub(crate) const LONGEST: usize = 48;

/// Calls `each` with every word of `text`, without case and diacritics, in order.
pub(crate) fn words(text: &str, mut each: impl FnMut(&str)) {
    words_at(text, |word, _| each(word));
}

/// Calls `each` with every word of `text` and where it stands.
///
/// Scripts that put no spaces between words are cut into pairs of letters that overlap, and the last letter alone: what
/// is looked for stands at any place in them. A sign that is no letter and means something (an arrow, a face) is a word.
pub(crate) fn words_at(text: &str, mut each: impl FnMut(&str, Range<usize>)) {
    let mut word = String::with_capacity(LONGEST * 2);
    let (bytes, mut at, mut began) = (text.as_bytes(), 0, 0);
    // The letter before, of a script without spaces.
    let mut letter_before: Option<(String, usize)> = None;
    while let Some(byte) = bytes.get(at) {
        let next = if byte.is_ascii() { None } else { text.get(at..).and_then(|rest| rest.chars().next()) };
        if let Some(letter) = next.filter(|letter| is_unspaced(*letter)) {
            end(&mut word, began..at, &mut each);
            let mut folded = String::new();
            fold(letter, &mut folded);
            if let Some((before, from)) = letter_before.replace((folded.clone(), at)) {
                each(&format!("{before}{folded}"), from..at + letter.len_utf8());
            }
            at += letter.len_utf8();
            continue;
        }
        if next.is_none_or(|letter| !is_combining_mark(letter))
            && let Some((before, from)) = letter_before.take()
        {
            each(&before, from..at);
        }
        if word.is_empty() {
            began = at;
        }
        if byte.is_ascii_alphanumeric() {
            // Nearly all text: a run of plain letters is taken as it is.
            let rest = bytes.get(at..).unwrap_or_default();
            let run = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let kept = run.min(LONGEST.saturating_sub(word.len()));
            let from = word.len();
            word.push_str(text.get(at..at + kept).unwrap_or_default());
            if let Some(added) = word.get_mut(from..) {
                added.make_ascii_lowercase();
            }
            at += run;
        } else if byte.is_ascii() {
            end(&mut word, began..at, &mut each);
            at += 1;
        } else {
            let Some(letter) = next else { break };
            if letter.is_alphanumeric() {
                fold(letter, &mut word);
            } else if is_sign(letter) {
                end(&mut word, began..at, &mut each);
                word.push(letter);
                end(&mut word, at..at + letter.len_utf8(), &mut each);
            } else if !is_combining_mark(letter) {
                end(&mut word, began..at, &mut each);
            }
            at += letter.len_utf8();
        }
    }
    if let Some((before, from)) = letter_before {
        each(&before, from..at);
    }
    end(&mut word, began..at, &mut each);
}

fn end(word: &mut String, place: Range<usize>, each: &mut impl FnMut(&str, Range<usize>)) {
    if !word.is_empty() {
        each(word, place);
        word.clear();
    }
}

fn fold(letter: char, word: &mut String) {
    // Compatible forms are alike (full width, ligatures); a syllable of Hangul is one letter again.
    let folded = letter.to_lowercase().nfkd().filter(|part| !is_combining_mark(*part)).nfc();
    for part in folded.filter(|part| part.is_alphanumeric()) {
        if word.len() + part.len_utf8() <= LONGEST {
            word.push(part);
        }
    }
}

/// Whether a letter is of a script that puts no spaces between words, or joins them to what stands behind.
pub(crate) fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{e01}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
        && letter.is_alphanumeric()
}

/// Whether a sign is looked for by itself: money, arrows, faces.
fn is_sign(letter: char) -> bool {
    matches!(letter, '\u{20a0}'..='\u{20cf}' | '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a letter or sign is a word or a part of one.
pub(crate) fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter) || is_sign(letter)
}

/// All words of `text`.
pub(crate) fn all(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    words(text, |word| all.push(word.to_owned()));
    all
}

/// A text as literal searches see it: without case and diacritics, one space for any gap, plain quotes. With it, for
/// each of its bytes, where it comes from.
pub(crate) fn plain(text: &str) -> (String, Vec<usize>) {
    let (mut plain, mut from) = (String::with_capacity(text.len()), Vec::with_capacity(text.len()));
    for (at, letter) in text.char_indices() {
        let before = plain.len();
        match letter {
            _ if letter.is_whitespace() => {
                if !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            '\u{2018}' | '\u{2019}' => plain.push('\''),
            '\u{201c}' | '\u{201d}' => plain.push('"'),
            _ if letter.is_ascii() => plain.push(letter.to_ascii_lowercase()),
            _ if is_combining_mark(letter) => {}
            _ => plain.extend(letter.to_lowercase().nfkd().filter(|part| !is_combining_mark(*part)).nfc()),
        }
        from.resize(from.len() + plain.len() - before, at);
    }
    from.push(text.len());
    (plain, from)
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
    fn text_without_spaces_is_cut_into_pairs() {
        assert_eq!(all("日本語 ok"), ["日本", "本語", "語", "ok"]);
        assert_eq!(all("GPT模型v2"), ["gpt", "模型", "型", "v2"]);
        assert_eq!(all("인공지능"), ["인공", "공지", "지능", "능"]);
        assert_eq!(all("ガード"), all("カ\u{3099}ード"));
        assert_eq!(all("ok 🚀→ 5€ ＡＢ"), ["ok", "🚀", "→", "5", "€", "ab"]);
    }

    #[test]
    fn words_stand_where_they_say() {
        let text = "É, été 日本語x";
        let mut found = Vec::new();
        words_at(text, |_, place| found.push(&text[place]));
        assert_eq!(found, ["É", "été", "日本", "本語", "語", "x"]);
    }

    proptest! {
        #[test]
        fn every_word_of_a_text_is_indexed(text in ".{0,80}") {
            let mut distinct = Distinct::default();
            distinct.add(&text);
            let indexed: HashSet<String> = distinct.take().split(' ').map(str::to_owned).collect();
            prop_assert!(all(&text).iter().all(|word| indexed.contains(word)));
        }
    }
}
