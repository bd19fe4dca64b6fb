//! What a person would search for in a body's segment. Owns which strings are words and which are machinery.
//! Leaves out indexing and the query language (`store`).

use std::borrow::Cow;

use crate::scanner::Scanner;

/// A string this long without a gap, of base64's letters only, is data.
const MIN_BASE64: usize = 256;

/// Members whose strings nobody wrote to be read.
const MACHINERY: [&[u8]; 17] = [
    b"type",
    b"role",
    b"object",
    b"model",
    b"status",
    b"signature",
    b"thoughtSignature",
    b"encrypted_content",
    b"obfuscation",
    b"media_type",
    b"mimeType",
    b"mime_type",
    b"ttl",
    b"finish_reason",
    b"stop_reason",
    b"service_tier",
    b"system_fingerprint",
];

/// The human text of `segment`, one string a line, at most `limit` bytes. A segment is JSON or a piece of it: it may
/// begin with the comma before an array's element, or lack its end. Other UTF-8 is text itself; other bytes are none.
pub fn searchable(segment: &[u8], limit: usize) -> String {
    let start = segment.trim_ascii_start();
    let start = start.strip_prefix(b",").unwrap_or(start).trim_ascii_start();
    match start.first() {
        Some(b'{' | b'[' | b'"' | b'}' | b']') => strings(start, limit),
        Some(_) => prefix(whole_letters(segment).trim(), limit).to_owned(),
        None => String::new(),
    }
}

/// The text that bytes are; empty where they are none. A piece of a text may begin and end within a letter.
fn whole_letters(bytes: &[u8]) -> &str {
    let begins = bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    let rest = bytes.get(begins..).unwrap_or_default();
    match std::str::from_utf8(rest) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => rest
            .get(..error.valid_up_to())
            .and_then(|whole| std::str::from_utf8(whole).ok())
            .unwrap_or_default(),
        Err(_) => "",
    }
}

/// The strings of JSON or of a fragment of it: a string before a colon is a key, any other a value.
fn strings(json: &[u8], limit: usize) -> String {
    let mut found = String::new();
    let mut scanner = Scanner::new(json, 0);
    let mut key: Option<&[u8]> = None;
    while let Some(byte) = scanner.peek() {
        if byte != b'"' {
            // A value that is not a string uses its key up.
            if matches!(byte, b',' | b'{' | b'[') {
                key = None;
            }
            scanner.eat(byte);
            continue;
        }
        let Some(range) = scanner.string() else { break };
        scanner.skip_space();
        let inner = json.get(range.start + 1..range.end - 1).unwrap_or_default();
        if scanner.eat(b':') {
            key = Some(inner);
        } else if !key.is_some_and(is_machinery) && !add(&mut found, inner, limit) {
            break;
        }
    }
    found
}

fn is_machinery(key: &[u8]) -> bool {
    MACHINERY.contains(&key)
}

/// Adds one string; `false` when there is no room for more.
fn add(found: &mut String, escaped: &[u8], limit: usize) -> bool {
    if escaped.starts_with(b"data:") || is_base64(escaped) {
        return true;
    }
    let text = unescape(escaped);
    let text = text.trim();
    if text.is_empty() {
        return true;
    }
    let gap = usize::from(!found.is_empty());
    let room = limit.saturating_sub(found.len() + gap);
    let kept = prefix(text, room);
    if !kept.is_empty() {
        if gap == 1 {
            found.push('\n');
        }
        found.push_str(kept);
    }
    kept.len() == text.len()
}

fn is_base64(text: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    text.len() >= MIN_BASE64 && text.iter().all(letter)
}

fn unescape(escaped: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(escaped);
    if !text.contains('\\') {
        return text;
    }
    match serde_json::from_str(&format!("\"{text}\"")) {
        Ok(plain) => Cow::Owned(plain),
        Err(_) => text,
    }
}

/// The longest beginning of `text` that fits into `limit` bytes.
fn prefix(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_kept_and_machinery_is_not() {
        let segment = br#" , {"role":"user","id":"msg_1","content":[{"type":"text","text":"a\nb \u00e9"},{"tool_use_id":"t","n":1,"x":["y"]}]}"#;
        assert_eq!(searchable(segment, 100), "msg_1\na\nb \u{e9}\nt\ny");
    }

    #[test]
    fn data_is_left_out() {
        let data = "QUJD".repeat(80);
        let segment = format!(r#"{{"data":"{data}","url":"data:image/png;base64,AA","text":"seen"}}"#);
        assert_eq!(searchable(segment.as_bytes(), 100), "seen");
    }

    #[test]
    fn fragments_of_json_and_plain_text_are_read() {
        assert_eq!(searchable(br#"],"stop":"END","cut":"never en"#, 100), "END");
        assert_eq!(searchable("  grüße \n".as_bytes(), 100), "grüße");
        assert_eq!(searchable(b"\xff\xfe", 100), "");
        assert_eq!(searchable(b"", 100), "");
        let cut = "ü日本é".as_bytes();
        assert_eq!(searchable(&cut[1..cut.len() - 1], 100), "日本");
    }

    #[test]
    fn the_limit_is_in_bytes_and_never_splits_a_character() {
        assert_eq!(searchable(r#"["üü","b"]"#.as_bytes(), 3), "ü");
        assert_eq!(searchable(r#"["ab","cd"]"#.as_bytes(), 4), "ab\nc");
        assert_eq!(searchable("üü".as_bytes(), 3), "ü");
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe(segment in prop::collection::vec(any::<u8>(), 0..100), limit in 0usize..50) {
            prop_assert!(searchable(&segment, limit).len() <= limit);
        }
    }
}
