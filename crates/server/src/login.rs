//! The words of an entry that starts a program at login, as each system reads them. Leaves out the entry itself
//! (`src-tauri`).

/// Where such an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginEntry {
    /// `Exec=` in a desktop entry.
    Desktop,
    /// A string in a property list.
    PropertyList,
    /// A command line in the registry.
    Registry,
}

impl LoginEntry {
    /// This system's.
    pub const HERE: Self = if cfg!(windows) {
        Self::Registry
    } else if cfg!(target_os = "macos") {
        Self::PropertyList
    } else {
        Self::Desktop
    };

    /// One word of the command, so that it is read as one word.
    pub fn word(self, word: &str) -> String {
        match self {
            Self::Desktop => desktop(word),
            Self::PropertyList => word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
            Self::Registry => registry(word),
        }
    }
}

/// Quoted as Exec wants it, then escaped like every text of the file; a percent sign would begin a field.
fn desktop(word: &str) -> String {
    const PLAIN: &str = "-_./=:,@+";
    let word = word.replace('%', "%%");
    if !word.is_empty() && word.chars().all(|letter| letter.is_alphanumeric() || PLAIN.contains(letter)) {
        return word;
    }
    let mut quoted = String::from("\"");
    for letter in word.chars() {
        match letter {
            // A backslash for Exec, written as two for the file.
            '"' | '`' | '$' => quoted.extend(["\\\\", letter.to_string().as_str()]),
            '\\' => quoted.push_str(r"\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

/// As programs take their command line apart: backslashes count only before a quotation mark.
fn registry(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '\t', '"']) {
        return word.to_owned();
    }
    let (mut quoted, mut backslashes) = (String::from("\""), 0);
    for letter in word.chars() {
        match letter {
            '\\' => backslashes += 1,
            '"' => {
                quoted.push_str(&"\\".repeat(backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        quoted.push(letter);
    }
    quoted.push_str(&"\\".repeat(backslashes));
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        for (entry, word, quoted) in [
            (LoginEntry::Desktop, "/usr/bin/llmflow-desktop", "/usr/bin/llmflow-desktop"),
            (LoginEntry::Desktop, "/home/me/My Apps/llmflow", r#""/home/me/My Apps/llmflow""#),
            (LoginEntry::Desktop, r#"a"b$c`d\e"#, r#""a\\"b\\$c\\`d\\\\e""#),
            (LoginEntry::Desktop, "100%/x y", r#""100%%/x y""#),
            (LoginEntry::Desktop, "100%", r#""100%%""#),
            (LoginEntry::Desktop, "a;b", r#""a;b""#),
            (LoginEntry::Desktop, "~/x", r#""~/x""#),
            (LoginEntry::Desktop, "", r#""""#),
            (LoginEntry::PropertyList, "/Users/me/R&D <1>", "/Users/me/R&amp;D &lt;1&gt;"),
            (LoginEntry::Registry, r"C:\Tools\llmflow.exe", r"C:\Tools\llmflow.exe"),
            (LoginEntry::Registry, r"C:\Program Files\x\", r#""C:\Program Files\x\\""#),
            (LoginEntry::Registry, r#"a "b\"c"#, r#""a \"b\\\"c""#),
        ] {
            assert_eq!(entry.word(word), quoted, "{entry:?} {word}");
        }
    }
}
