//! A call's credentials in memory, and cutting them out of whatever is about to be kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Shorter values are replaced where they were sent, but not searched for: `test` stands in many honest texts.
const SHORTEST_SEARCHED: usize = 8;

/// The credentials of one call with the marks that replace them. Not printable, not serialisable.
#[derive(Clone, Default)]
pub struct Secrets {
    entries: Vec<(Vec<u8>, String)>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.entries.len())
    }
}

impl Secrets {
    /// Whether there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Remembers a credential in the spellings an echo can take: as it is, in JSON, percent-encoded.
    pub(crate) fn add(&mut self, secret: &str, mark: &str) {
        let secret = secret.trim();
        if secret.len() < SHORTEST_SEARCHED {
            return;
        }
        for spelling in spellings(secret) {
            if !self.entries.iter().any(|(known, _)| known == spelling.as_bytes()) {
                self.entries.push((spelling.into_bytes(), mark.to_owned()));
            }
        }
        // The longest first, so that a secret that contains another is cut whole.
        self.entries.sort_by_key(|(spelling, _)| std::cmp::Reverse(spelling.len()));
    }

    /// `bytes` without the credentials; `None` when none stands there.
    pub fn scrub(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut scrubbed: Option<Vec<u8>> = None;
        for (spelling, mark) in &self.entries {
            let current = scrubbed.as_deref().unwrap_or(bytes);
            if let Some(replaced) = replace(current, spelling, mark.as_bytes()) {
                scrubbed = Some(replaced);
            }
        }
        scrubbed
    }

    /// How much of the end of `bytes` is the beginning of a credential that was cut in two.
    pub fn straddling(&self, bytes: &[u8]) -> usize {
        let longest = |spelling: &Vec<u8>| {
            (1..spelling.len())
                .rev()
                .find(|length| spelling.get(..*length).is_some_and(|start| bytes.ends_with(start)))
        };
        self.entries.iter().filter_map(|(spelling, _)| longest(spelling)).max().unwrap_or(0)
    }

    /// `text` without the credentials.
    pub fn scrub_text(&self, text: String) -> String {
        match self.scrub(text.as_bytes()) {
            Some(scrubbed) => String::from_utf8_lossy(&scrubbed).into_owned(),
            None => text,
        }
    }
}

fn replace(bytes: &[u8], needle: &[u8], replacement: &[u8]) -> Option<Vec<u8>> {
    // Most of what is searched is a header's value, and for those making a finder costs more than looking.
    memmem::find(bytes, needle)?;
    let found = memmem::find_iter(bytes, needle);
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in found {
        replaced.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        replaced.extend_from_slice(replacement);
        from = at + needle.len();
    }
    replaced.extend_from_slice(bytes.get(from..).unwrap_or_default());
    Some(replaced)
}

/// The spellings an echo can take.
fn spellings(secret: &str) -> [String; 5] {
    let percent = percent_encoded(secret);
    [secret.to_owned(), json_escaped(secret), json_escaped_slash(secret), lower_escapes(&percent), percent]
}

/// `%2F` as `%2f`, the way some platforms write it.
fn lower_escapes(percent: &str) -> String {
    let mut pieces = percent.split('%');
    let mut lowered = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        lowered.push('%');
        lowered.push_str(&digits.to_ascii_lowercase());
        lowered.push_str(rest);
    }
    lowered
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

fn json_escaped_slash(text: &str) -> String {
    json_escaped(text).replace('/', "\\/")
}

fn percent_encoded(text: &str) -> String {
    const UNRESERVED_STAY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, UNRESERVED_STAY).to_string()
}

/// The text behind percent-encoding; malformed escapes stay as they are.
pub(crate) fn decode_percent(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Decodes standard base64 with or without padding; `None` when it is not base64.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_echo_is_cut() {
        let mut secrets = Secrets::default();
        secrets.add("ab/cd\"ef+gh12", "[key:1]");
        for echo in [
            "ab/cd\"ef+gh12",
            "ab/cd\\\"ef+gh12",
            "ab\\/cd\\\"ef+gh12",
            "ab%2Fcd%22ef%2Bgh12",
            "ab%2fcd%22ef%2bgh12",
        ] {
            let body = format!("{{\"error\":\"wrong key {echo}.\"}}");
            let scrubbed = String::from_utf8(secrets.scrub(body.as_bytes()).unwrap()).unwrap();
            assert_eq!(scrubbed, "{\"error\":\"wrong key [key:1].\"}");
        }
        assert_eq!(secrets.scrub(b"nothing here"), None);
    }

    #[test]
    fn short_values_do_not_spoil_honest_text() {
        let mut secrets = Secrets::default();
        secrets.add("test", "[key:1]");
        assert_eq!(secrets.scrub(b"a test"), None);
    }

    #[test]
    fn basic_and_percent_decode() {
        assert_eq!(decode_base64("dXNlcjpwYXNzd29yZA=="), Some(b"user:password".to_vec()));
        assert_eq!(decode_base64("not base64!"), None);
        assert_eq!(decode_percent("a%2Fb%zz+%4"), "a/b%zz+%4");
    }
}
