//! What differs between two runs of the same client by its own doing, made equal. The only such place.
//!
//! Bytes that pass through us are compared as they are, within one run (`score`). Here one run is compared with another.

use serde_json::Value;
use tests::HeaderLine;

/// Names of ids that are not hexadecimal, and the ids' least length.
const NAMED_IDS: &[(&str, usize)] = &[("ses_", 20), ("msg_", 20), ("prt_", 20), ("call_", 20), ("conv_", 20)];

/// What Codex writes before the id of a tool's output and before how long the tool took.
const TIMED: &[&str] = &["Chunk ID: ", "Wall time: "];

/// Text with these replaced by one letter each: UUIDs, hexadecimal ids from 16 digits on (traces, spans, devices),
/// counts of seconds or milliseconds since 1970, times of ISO 8601, opencode's and Cline's ids, ports of loopback URLs, Codex's marks of a
/// tool's output.
pub(super) fn normal(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut result = String::with_capacity(text.len());
    let mut rest: &str = &text;
    let mut within_word = false;
    while let Some(first) = rest.chars().next() {
        // In JSON's text, a line's first word has the `n` of its escaped line break before it.
        let found = match within_word {
            true => timed(rest.as_bytes()),
            false => timed(rest.as_bytes()).or_else(|| random(rest.as_bytes())),
        };
        let length = match found {
            Some((letter, length)) => {
                result.push(letter);
                length
            }
            None => {
                result.push(first);
                first.len_utf8()
            }
        };
        within_word = first.is_ascii_alphanumeric();
        rest = &rest[length..];
    }
    result
}

/// Gemini CLI lists its skills in the order in which their files happened to be read: here by name.
fn with_sorted_skills(text: &str) -> String {
    const ENDS: [&str; 2] = ["<skill>", "</skill>"];
    let pieces: Vec<&str> = text.split(ENDS[0]).collect();
    let (first, rest) = pieces.split_first().unwrap();
    let Some(parts) = rest.iter().map(|piece| piece.split_once(ENDS[1])).collect::<Option<Vec<_>>>() else {
        return text.to_owned();
    };
    let mut skills: Vec<&str> = parts.iter().map(|(skill, _)| *skill).collect();
    skills.sort_unstable();
    let after = parts.iter().map(|(_, after)| *after);
    let listed = skills.into_iter().zip(after).flat_map(|(skill, after)| [ENDS[0], skill, ENDS[1], after]);
    std::iter::once(*first).chain(listed).collect()
}

/// A body as text; of JSON the members are sorted, since Codex writes some in an order of chance.
pub(super) fn normal_body(bytes: &[u8]) -> String {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(mut value) => {
            value.sort_all_objects();
            with_sorted_skills(&normal(value.to_string().as_bytes()))
        }
        Err(_) => normal(bytes),
    }
}

/// The end-to-end headers, sorted by name (their order is checked with raw bytes elsewhere), values made equal.
pub(super) fn normal_headers(headers: &[HeaderLine]) -> Vec<String> {
    // A body whose ids are of another length has another length itself; the bodies are compared. A WebSocket's key is
    // a random number.
    let counted = |header: &&HeaderLine| {
        !["content-length", "sec-websocket-key"].contains(&&*header.name.to_ascii_lowercase())
    };
    let line = |header: &HeaderLine| format!("{}: {}", header.name, normal(&header.value));
    let mut lines: Vec<String> = headers.iter().filter(counted).map(line).collect();
    // The sort is stable: values of one name stay in order.
    lines.sort_by_key(|line| line.split(':').next().unwrap_or_default().to_ascii_lowercase());
    lines
}

/// Codex's mark of a tool's output at the beginning, and its length.
fn timed(bytes: &[u8]) -> Option<(char, usize)> {
    let mark = TIMED.iter().find(|mark| bytes.starts_with(mark.as_bytes()))?;
    let value = bytes[mark.len()..].iter().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'.');
    Some(('C', mark.len() + value.count()))
}

/// What stands at the beginning and is of chance: the letter for it and its length.
fn random(bytes: &[u8]) -> Option<(char, usize)> {
    if let Some(length) = groups(bytes, b'-', &[8, 4, 4, 4, 12], u8::is_ascii_hexdigit) {
        return Some(('U', length));
    }
    if let Some(date) = groups(bytes, b'-', &[4, 2, 2], u8::is_ascii_digit) {
        let time = bytes[date..].iter().take_while(|byte| b"0123456789T:.Z".contains(byte)).count();
        return (bytes.get(date) == Some(&b'T')).then_some(('D', date + time));
    }
    if bytes.starts_with(b"127.0.0.1:") {
        let port = bytes[10..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        return Some(('N', 10 + port));
    }
    let word = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if word >= 16 && bytes[..word].iter().all(u8::is_ascii_hexdigit) {
        return Some(('H', word));
    }
    if (10..=19).contains(&word) && bytes[..word].iter().all(u8::is_ascii_digit) {
        let fraction = bytes[word..]
            .strip_prefix(b".")
            .map_or(0, |rest| 1 + rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
        return Some(('T', word + fraction));
    }
    NAMED_IDS.iter().find_map(|(name, least)| {
        let id = bytes.strip_prefix(name.as_bytes())?;
        let length = id.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        (length >= *least).then_some(('I', name.len() + length))
    })
}

/// The length of groups of so many bytes of a kind with `between` them; `None` when something else stands there.
fn groups(bytes: &[u8], between: u8, lengths: &[usize], is_kind: fn(&u8) -> bool) -> Option<usize> {
    let mut at = 0;
    for (index, length) in lengths.iter().enumerate() {
        if index > 0 {
            (bytes.get(at) == Some(&between)).then_some(())?;
            at += 1;
        }
        let group = bytes.get(at..at + length)?;
        group.iter().all(is_kind).then_some(())?;
        at += length;
    }
    Some(at)
}

#[test]
fn what_is_of_chance_is_made_equal_and_nothing_else() {
    let cases = [
        ("u=0a1b2c3d-0000-4000-8000-0123456789ab; é 0a1b2c3d-00", "u=U; é 0a1b2c3d-00"),
        ("http://127.0.0.1:4567/v1", "http://N/v1"),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-H-H-01"),
        (r#""at":1795261931.25,"n":12345.5"#, r#""at":T,"n":12345.5"#),
        (r#"{"ts":"2026-11-21T11:58:20.797Z"} on 2026-11-21"#, r#"{"ts":"D"} on 2026-11-21"#),
        ("Chunk ID: a4d641\\nWall time: 0.01 s", "C\\nC s"),
        ("ses_e020cb7b4ffe1JEL7a7LpcNOKZ msg_mock_1", "I msg_mock_1"),
    ];
    for (before, after) in cases {
        assert_eq!(normal(before.as_bytes()), after);
    }
    assert_eq!(
        with_sorted_skills("a<skill>2</skill>,<skill>1</skill>."),
        "a<skill>1</skill>,<skill>2</skill>."
    );
    assert_eq!(with_sorted_skills("a<skill>2, <skill>1</skill>"), "a<skill>2, <skill>1</skill>");
    assert_eq!(normal_body(br#"{"b":1,"a":{"d":2,"c":3}}"#), r#"{"a":{"c":3,"d":2},"b":1}"#);
}
