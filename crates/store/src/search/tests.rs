//! What is typed, what it becomes, and that a text is found by whatever stands in it.

use proptest::prelude::*;

use super::*;

fn stands(typed: &str, texts: &[&str]) -> bool {
    Search::new(typed).stands_in(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

fn of_words(typed: &str) -> String {
    Search::new(typed).of_words(&Alike::new()).unwrap_or_default()
}

#[test]
fn words_may_go_on_and_quoted_ones_may_not() {
    assert_eq!(of_words("flaky  Test*"), "\"flaky\" * AND \"test\" *");
    assert_eq!(of_words("\"flaky\" x"), "\"flaky\" AND \"x\" *");
    assert_eq!(of_words("say \"Hello there\" now"), "\"say\" * AND (\"hello\" AND \"there\") AND \"now\" *");
    assert_eq!(of_words("a\" OR 1"), "\"a\" * AND (\"or\" AND \"1\")");
    assert_eq!(of_words("a\0b"), "\"a\" * AND \"b\" *");
    assert_eq!(Search::new("a\" OR 1").of_phrases().unwrap(), "\"a\"* AND \"OR 1\"");
    assert!(!Search::new("one two").reads_texts() && Search::new("\"one two\"").reads_texts());
}

#[test]
fn words_that_the_index_knows_stand_for_a_beginning() {
    let alike = Alike::from([("the".to_owned(), ["the", "then"].map(str::to_owned).to_vec())]);
    let search = Search::new("the \"the\" cat -the");
    assert_eq!(search.begun().into_iter().collect::<Vec<_>>(), ["cat", "the"]);
    let words = "((\"the\" OR \"then\") AND \"the\" AND \"cat\" *) NOT ((\"the\" OR \"then\"))";
    assert_eq!(search.of_words(&alike).unwrap(), words);
    assert_eq!(
        Search::new("th").of_words(&Alike::from([("th".to_owned(), vec!["the".to_owned()])])).unwrap(),
        "\"the\""
    );
}

#[test]
fn a_dash_before_a_word_means_without() {
    let search = Search::new("cat -dog -\"red fox\" -foo::bar");
    assert_eq!((search.terms.len(), search.without.len()), (1, 3));
    assert_eq!(search.of_words(&Alike::new()).unwrap(), "(\"cat\" *) NOT (\"dog\" *)");
    assert_eq!(search.absent_texts().count(), 2);
    let only = Search::new("-dog");
    assert_eq!(
        (only.of_words(&Alike::new()), only.absent_words(&Alike::new()).unwrap().as_str()),
        (None, "\"dog\" *")
    );
    for flag in ["--verbose", "-", "->", "well-known"] {
        assert_eq!((Search::new(flag).terms.len(), Search::new(flag).without.len()), (1, 0), "{flag}");
    }
}

#[test]
fn signs_are_looked_for_as_they_are() {
    let code = "use foo::bar(baz); see src/main.rs:12, mail Ann.Lee@example.com or https://x.org/a?b=c#d\nC++ isn’t C";
    for found in [
        "foo::bar(",
        "foo::bar(baz",
        "src/main.rs",
        "src/main.rs:12,",
        "ann.lee@example.com",
        "https://x.org/a?b=c#d",
        "C++",
        "isn't",
        "::",
        "\"foo::bar(baz); see\"",
        "\"mail ann.lee@example.com\"",
        "(baz)",
        "main.r",
        "Lee@Example",
        "\"or https://x.org/a\"",
        "see,",
        "(see",
        "#d",
    ] {
        assert!(stands(found, &[code]), "{found}");
    }
    for missing in
        ["foo.bar(", "foo:bar", "src/main_rs", "ann@lee.example", "a?c=b", "\"foo::bar(b\"", "oo::bar", ";;"]
    {
        assert!(!stands(missing, &[code]), "{missing}");
    }
}

#[test]
fn a_phrase_stands_in_one_text() {
    let texts = ["The quick-brown fox", "jumps over"];
    assert!(stands("\"quick brown\" \"JUMPS over\" fo", &texts));
    assert!(stands("quick-bro", &texts) && !stands("\"quick bro\"", &texts));
    assert!(!stands("\"fox jumps\"", &texts) && !stands("\"brown quick\"", &texts));
}

#[test]
fn any_language_is_found_in_the_middle() {
    let texts = [
        "東京の天気は晴れです。明日は雨。",
        "Привет, мир! Ünïcödé",
        "สวัสดีชาวโลก",
        "인공지능 모델의",
        "مرحبا بالعالم",
    ];
    for found in [
        "天気",
        "天",
        "東京の天気",
        "\"天気は晴\"",
        "です",
        "明日",
        "мир",
        "ПРИВ",
        "unicode",
        "ชาว",
        "지능",
        "모델",
        "بالعالم",
    ] {
        assert!(stands(found, &texts), "{found}");
    }
    for missing in ["気天", "東天", "\"晴れ雨\"", "мира", "능모"] {
        assert!(!stands(missing, &texts), "{missing}");
    }
    assert_eq!(of_words("天気"), "\"天気\"");
    assert_eq!(of_words("天"), "\"天\" *");
    assert_eq!(of_words("東京の"), "(\"東京\" AND \"京の\")");
}

proptest! {
    /// Whatever is typed is an expression of words, and nothing but letters stands between its quotes.
    #[test]
    fn nothing_typed_is_an_error(typed in any::<String>()) {
        let (search, alike) = (Search::new(&typed), Alike::new());
        for expression in [search.of_words(&alike), search.absent_words(&alike)].into_iter().flatten() {
            for (number, piece) in expression.split('"').enumerate() {
                let allowed = |letter: char| letter.is_alphanumeric() || !letter.is_ascii();
                let between = |letter: char| " *()ANDORT".contains(letter);
                let fits = piece.chars().all(|letter| if number % 2 == 1 { allowed(letter) } else { between(letter) });
                prop_assert!(fits, "{expression}");
            }
        }
    }

    /// A text is found by any stretch of it, typed or quoted, and each of its words.
    #[test]
    fn a_text_is_found_by_what_stands_in_it(
        text in "[a-zA-Z0-9éß日本語_:./@() -]{1,60}", from in 0usize..60, len in 1usize..30,
    ) {
        let pieces: Vec<&str> = text.split_whitespace().collect();
        prop_assume!(!pieces.is_empty());
        let first = from % pieces.len();
        let some = &pieces[first..(first + len).min(pieces.len())];
        let all_absent = |search: &Search| search.terms.is_empty();
        let quoted = Search::new(&format!("\"{}\"", some.join(" ")));
        prop_assert!(quoted.stands_in(std::slice::from_ref(&text)), "{:?}", quoted);
        for piece in some {
            let search = Search::new(piece);
            prop_assert!(all_absent(&search) || search.stands_in(std::slice::from_ref(&text)), "{:?}", search);
            // And by the index, too.
            let words = all(&text);
            for term in &search.terms {
                for (word, begun) in term.indexed() {
                    let is = |known: &String| if begun { known.starts_with(word) } else { known == word };
                    prop_assert!(words.iter().any(is), "{word}");
                }
            }
        }
    }
}
