//! How severe a log record is: OTLP's numbers as words. Pure.

/// Where each word begins, the mildest first.
pub const WORDS: [(u8, &str); 6] =
    [(1, "trace"), (5, "debug"), (9, "info"), (13, "warn"), (17, "error"), (21, "fatal")];

/// The word for a number; `none` when nobody said.
pub fn word(number: u8) -> &'static str {
    WORDS.iter().rev().find(|(from, _)| number >= *from).map_or("none", |(_, word)| word)
}

/// The number from which on records are at least that severe.
pub fn at_least(wanted: &str) -> Option<u8> {
    let wanted = wanted.to_ascii_lowercase();
    WORDS.iter().find(|(_, word)| *word == wanted).map(|(from, _)| *from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_words_and_words_have_numbers() {
        let said = [
            (0, "none"),
            (1, "trace"),
            (4, "trace"),
            (9, "info"),
            (16, "warn"),
            (17, "error"),
            (255, "fatal"),
        ];
        for (number, text) in said {
            assert_eq!(word(number), text);
        }
        for (from, text) in WORDS {
            assert_eq!((at_least(text), word(from)), (Some(from), text));
        }
        assert_eq!(at_least("WARN"), Some(13));
        assert_eq!(at_least("loud"), None);
    }
}
