//! What differs between two runs of the same client by its own doing, made equal. The only such place.

use tests::HeaderLine;

const UUID: &[usize] = &[8, 4, 4, 4, 12];

/// Bytes with these replaced by one letter each: UUIDs (session, device and request ids), numbers after a loopback
/// address (ports, which stand in URLs).
pub(super) fn normal(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = replace_after(&text, "127.0.0.1:", |byte| byte.is_ascii_digit());
    uuids(&text)
}

/// The end-to-end headers, sorted by name (their order is checked with raw bytes elsewhere), values made equal.
pub(super) fn normal_headers(headers: &[HeaderLine]) -> Vec<String> {
    // A body whose ids are of another length has another length itself; the bodies are compared.
    let counted = |header: &&HeaderLine| !header.name.eq_ignore_ascii_case("content-length");
    let line = |header: &HeaderLine| format!("{}: {}", header.name, normal(&header.value));
    let mut lines: Vec<String> = headers.iter().filter(counted).map(line).collect();
    // The sort is stable: values of one name stay in order.
    lines.sort_by_key(|line| line.split(':').next().unwrap_or_default().to_ascii_lowercase());
    lines
}

fn replace_after(text: &str, mark: &str, is_random: impl Fn(u8) -> bool) -> String {
    let mut pieces = text.split(mark);
    let mut result = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.bytes().position(|byte| !is_random(byte)).unwrap_or(piece.len());
        result.push_str(mark);
        result.push('N');
        result.push_str(&piece[end..]);
    }
    result
}

fn uuids(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match uuid_length(rest.as_bytes()) {
            Some(length) => {
                result.push('U');
                rest = &rest[length..];
            }
            None => {
                result.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    result
}

fn uuid_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (index, length) in UUID.iter().enumerate() {
        if index > 0 {
            (bytes.get(at) == Some(&b'-')).then_some(())?;
            at += 1;
        }
        let group = bytes.get(at..at + length)?;
        group.iter().all(u8::is_ascii_hexdigit).then_some(())?;
        at += length;
    }
    Some(at)
}

#[test]
fn ids_and_ports_are_made_equal_and_nothing_else() {
    let text = b"u=0a1b2c3d-0000-4000-8000-0123456789ab; http://127.0.0.1:4567/v1 0a1b2c3d-00 \xc3\xa9";
    assert_eq!(normal(text), "u=U; http://127.0.0.1:N/v1 0a1b2c3d-00 é");
}
