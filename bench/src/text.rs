//! Text that looks like what people and models write: prose, code, listings. Deterministic, so that every run
//! measures the same, and never repeating, so that nothing is stored for free.

/// Words in no order; two of them make an identifier.
const WORDS: &str = "the of and to in is that for it as was with be by on not he his but at are this have from or had \
    an they which one you were all her she there would their we him been has when who will no more if out so up said \
    what its about than into them can only other time new some could these two may first then do any like my now over \
    such our man me even most made after also well must before great back through years where much your way down \
    should because long each just state those people too mister how little good world make very year still see own \
    work men day get here old life both between being under three never know same last another while us off might \
    against come go right used take states himself few house use during without place around however home small found \
    part school general high upon once every don does got united left number course war until always away something \
    fact public though less head put think almost hand enough far took yet government better set told nothing night \
    end why called eyes find going look asked later point knew next program city business give group toward young let \
    room days president side present several order national given possible rather second face per among form often \
    important things looked early white case john become large big need four within felt children along saw best \
    church ever least power light thing mind turned interest seems others open want didn table server request answer \
    buffer index segment stream parser token value field column reader writer handle config error result option \
    vector string number queue channel worker thread future cache prefix suffix header payload session provider model \
    price budget limit window cursor offset length digest record batch commit branch merge review patch deploy \
    rollback migrate schema query filter sort page render layout widget button panel theme colour margin border \
    listener socket timeout retry backoff jitter signal process memory profile sample trace span metric counter gauge";

/// A small random generator (xorshift64*) and what it writes.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    state: u64,
    words: Vec<&'static str>,
}

impl Writer {
    /// The same `seed` writes the same text.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed | 1, words: WORDS.split_whitespace().collect() }
    }

    /// The next random number.
    pub(crate) fn number(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.number() >> 11) % limit.max(1)
    }

    fn word(&mut self) -> &'static str {
        // Common words are common: the smaller of two draws.
        let count = self.words.len() as u64;
        let at = self.below(count).min(self.below(count));
        usize::try_from(at).ok().and_then(|at| self.words.get(at)).copied().unwrap_or_default()
    }

    fn identifier(&mut self) -> String {
        let (first, second) = (self.word(), self.word());
        match self.below(3) {
            0 => format!("{first}_{second}"),
            1 => format!("{first}_{second}_{}", self.below(100)),
            _ => second.to_owned(),
        }
    }

    /// Sentences, at least `bytes` long, in one line.
    pub(crate) fn prose(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 80);
        while text.len() < bytes {
            let words = 6 + self.below(14);
            for index in 0..words {
                let word = self.word();
                match (index, self.below(30)) {
                    (0, _) => {
                        text.push_str(&word.get(..1).unwrap_or_default().to_uppercase());
                        text.push_str(word.get(1..).unwrap_or_default());
                    }
                    (_, 0) => text.push_str(&format!("`{}`", self.identifier())),
                    (_, 1) => text.push_str(&self.below(10_000).to_string()),
                    _ => text.push_str(word),
                }
                text.push_str(if index + 1 == words { ". " } else { " " });
            }
        }
        text
    }

    /// A file's source, at least `bytes` long.
    pub(crate) fn code(&mut self, bytes: usize) -> String {
        let mut text = format!("//! {}\n\n", self.prose(60));
        while text.len() < bytes {
            let (name, argument, kind) = (self.identifier(), self.identifier(), self.word());
            text.push_str(&format!(
                "/// {}\nfn {name}({argument}: &{kind}) -> Result<u64> {{\n",
                self.prose(50)
            ));
            for _ in 0..3 + self.below(8) {
                let (left, right) = (self.identifier(), self.identifier());
                let line = match self.below(4) {
                    0 => format!("    let {left} = {argument}.{right}({})?;\n", self.below(500)),
                    1 => format!("    if {left} > {right} {{ return Err({name:?}.into()); }}\n"),
                    2 => format!("    // {}\n", self.prose(30)),
                    _ => format!("    {left}.push({right}.len() + {});\n", self.below(64)),
                };
                text.push_str(&line);
            }
            text.push_str("    Ok(count)\n}\n\n");
        }
        text
    }

    /// What a search or a test run prints, at least `bytes` long.
    pub(crate) fn listing(&mut self, bytes: usize) -> String {
        let mut text = String::new();
        while text.len() < bytes {
            let (folder, file, line) = (self.word(), self.identifier(), self.below(900));
            text.push_str(&format!("crates/{folder}/src/{file}.rs:{line}:    {}\n", self.prose(40)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_writes_the_same_and_another_one_does_not() {
        assert_eq!(Writer::new(7).code(2_000), Writer::new(7).code(2_000));
        assert_ne!(Writer::new(7).prose(200), Writer::new(9).prose(200));
    }

    #[test]
    fn text_compresses_as_text_does() {
        use std::io::Write as _;
        for text in [Writer::new(3).prose(50_000), Writer::new(3).code(50_000)] {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packer.write_all(text.as_bytes()).unwrap();
            let ratio = text.len() / packer.finish().unwrap().len();
            assert!((2..6).contains(&ratio), "English and code pack about three to one, this {ratio}");
        }
    }
}
