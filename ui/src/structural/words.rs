//! Two texts word by word. Pure.

/// Words that are compared with each other at most, as a product: beyond, what stands between equal ends is one piece.
const MOST: usize = 4_000_000;

/// A stretch of both texts, or of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Same(String),
    Removed(String),
    Added(String),
}

/// What became of a text. Together the same and removed pieces are the old one, the same and added ones the new one.
pub fn words(old: &str, new: &str) -> Vec<Piece> {
    let (old, new) = (split(old), split(new));
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(&new).take_while(same).count();
    let room = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count().min(room);
    let (gone, come) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut pieces = Pieces::default();
    old[..head].iter().for_each(|word| pieces.same(word));
    match gone.len().saturating_mul(come.len()) <= MOST {
        true => between(gone, come, &mut pieces),
        false => {
            gone.iter().for_each(|word| pieces.removed(word));
            come.iter().for_each(|word| pieces.added(word));
        }
    }
    old[old.len() - tail..].iter().for_each(|word| pieces.same(word));
    pieces.done()
}

/// Words, and what stands between them, each on its own.
fn split(text: &str) -> Vec<&str> {
    let kind = |letter: char| (letter.is_alphanumeric() || letter == '_', letter.is_whitespace());
    let (mut words, mut from) = (Vec::new(), 0);
    let mut before: Option<char> = None;
    for (at, letter) in text.char_indices() {
        let goes_on =
            before.is_some_and(|before| kind(before) == kind(letter) && kind(letter) != (false, false));
        if at > from && !goes_on {
            words.push(&text[from..at]);
            from = at;
        }
        before = Some(letter);
    }
    if from < text.len() {
        words.push(&text[from..]);
    }
    words
}

/// The longest words that both have in the same order stay.
fn between(old: &[&str], new: &[&str], pieces: &mut Pieces) {
    let width = new.len() + 1;
    // How many words can stay from here on.
    let mut stay = vec![0_u32; (old.len() + 1) * width];
    for at in (0..old.len()).rev() {
        for other in (0..new.len()).rev() {
            stay[at * width + other] = match old[at] == new[other] {
                true => stay[(at + 1) * width + other + 1] + 1,
                false => stay[(at + 1) * width + other].max(stay[at * width + other + 1]),
            };
        }
    }
    let (mut at, mut other) = (0, 0);
    while at < old.len() && other < new.len() {
        if old[at] == new[other] {
            pieces.same(old[at]);
            (at, other) = (at + 1, other + 1);
        } else if stay[(at + 1) * width + other] >= stay[at * width + other + 1] {
            pieces.removed(old[at]);
            at += 1;
        } else {
            pieces.added(new[other]);
            other += 1;
        }
    }
    old[at..].iter().for_each(|word| pieces.removed(word));
    new[other..].iter().for_each(|word| pieces.added(word));
}

/// Pieces in the making: neighbours of one kind are one, and what goes stands before what comes.
#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
    removed: String,
    added: String,
}

impl Pieces {
    fn same(&mut self, word: &str) {
        self.settle();
        match self.done.last_mut() {
            Some(Piece::Same(text)) => text.push_str(word),
            _ => self.done.push(Piece::Same(word.to_owned())),
        }
    }

    fn removed(&mut self, word: &str) {
        self.removed.push_str(word);
    }

    fn added(&mut self, word: &str) {
        self.added.push_str(word);
    }

    fn settle(&mut self) {
        if !self.removed.is_empty() {
            self.done.push(Piece::Removed(std::mem::take(&mut self.removed)));
        }
        if !self.added.is_empty() {
            self.done.push(Piece::Added(std::mem::take(&mut self.added)));
        }
    }

    fn done(mut self) -> Vec<Piece> {
        self.settle();
        let mut whole = Self::default();
        let mut pieces = self.done.into_iter().peekable();
        let mut is_first = true;
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Removed(text) => whole.removed(&text),
                Piece::Added(text) => whole.added(&text),
                // A blank or a comma between two changes is no rest for the eye: both are one change.
                Piece::Same(text) if !is_first && pieces.peek().is_some() && is_between(&text) => {
                    whole.removed(&text);
                    whole.added(&text);
                }
                Piece::Same(text) => whole.same(&text),
            }
            is_first = false;
        }
        whole.settle();
        whole.done
    }
}

/// Nothing but marks and blanks of one line, and few of them.
fn is_between(text: &str) -> bool {
    text.len() <= 4 && !text.contains(|letter: char| letter.is_alphanumeric() || letter == '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(pieces: &[Piece]) -> (String, String) {
        let (mut old, mut new) = (String::new(), String::new());
        for piece in pieces {
            match piece {
                Piece::Same(text) => {
                    old.push_str(text);
                    new.push_str(text);
                }
                Piece::Removed(text) => old.push_str(text),
                Piece::Added(text) => new.push_str(text),
            }
        }
        (old, new)
    }

    #[test]
    fn words_that_stay_are_found() {
        let pieces = words("The quick brown fox", "The slow brown fox jumps");
        assert_eq!(
            pieces,
            [
                Piece::Same("The ".into()),
                Piece::Removed("quick".into()),
                Piece::Added("slow".into()),
                Piece::Same(" brown fox".into()),
                Piece::Added(" jumps".into()),
            ]
        );
    }

    #[test]
    fn a_sentence_that_is_another_is_one_change() {
        let pieces = words("All of it: 5,200 tokens", "All of it: 900 words");
        let (old, new) = ("5,200 tokens".to_owned(), "900 words".to_owned());
        assert_eq!(pieces, [Piece::Same("All of it: ".into()), Piece::Removed(old), Piece::Added(new)]);
        let pieces = words("a\nb", "c\nd");
        assert_eq!(pieces.len(), 5, "lines stay apart: {pieces:?}");
    }

    #[test]
    fn both_texts_can_be_read_off_the_pieces() {
        let long = "ab ".repeat(3_000);
        let other = "cd ".repeat(3_000);
        for (old, new) in [
            ("", ""),
            ("a", ""),
            ("", "é 🌍"),
            ("a b c", "c b a"),
            ("x,y;z", "x;y,z"),
            ("日本語 text", "日本 text"),
            (long.as_str(), other.as_str()),
        ] {
            assert_eq!(sides(&words(old, new)), (old.to_owned(), new.to_owned()));
        }
    }
}
