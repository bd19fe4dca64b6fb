//! Query strings taken apart and put together. Leaves out what the words mean.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The decoded pairs of a query string, with or without its `?`; pairs without a value are left out.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let query = query.strip_prefix('?').unwrap_or(query);
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decode(key), decode(value)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Pairs as a query string.
pub fn join(pairs: &[(&str, String)]) -> String {
    let encoded: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
    encoded.join("&")
}

/// What is escaped: all but what reads well in an address and means nothing there.
const VALUE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b'/');

fn encode(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_the_round_trip() {
        for text in ["a b", "ü&=%+", "100%", "x/y:z"] {
            assert_eq!(decode(&encode(text)), text);
        }
        assert_eq!(decode("50%"), "50%", "a lone percent sign is itself");
        assert_eq!(decode("a+b"), "a b");
    }
}
