//! What a log record is called and when it happened: senders differ in where they say so. Leaves out what events mean
//! (`dialect`).

use super::keys::Key;
use super::told::Told;
use super::value::{line, moment};
use super::wire::LogRecord;

/// An event's name is no longer than this.
const MAX_NAME: usize = 128;

/// The event's real name: the attribute; else the field, unless it names a line of source as Rust's `tracing` writes
/// it; else the body, where that is a name.
pub(super) fn name(record: &LogRecord, told: &Told<'_>) -> Option<String> {
    let attribute = told.facts.first_text(&[Key::EventName, Key::LogEventName]);
    let field =
        Some(record.event_name.as_str()).filter(|name| !name.is_empty() && !name.starts_with("event "));
    let body = || record.body.text().filter(|text| is_name(text));
    let name = attribute.or(field).or_else(body)?;
    Some(name.chars().take(MAX_NAME).collect())
}

/// Words joined by dots or lines, and nothing else.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.len() <= MAX_NAME
        && text.bytes().all(plain)
        && text.contains('.')
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && !text.ends_with('.')
}

/// When it happened, in nanoseconds since 1970: the record's time, else when it was noticed, else what it says in words.
pub(super) fn time(record: &LogRecord, told: &Told<'_>) -> u64 {
    let said = || told.facts.text(Key::EventTimestamp).and_then(moment);
    Some(record.time_ns)
        .filter(|time| *time > 0)
        .or_else(|| Some(record.observed_ns).filter(|time| *time > 0))
        .or_else(said)
        .unwrap_or_default()
}

/// The stretch of time that ends with a record and took `micros`; it began at 0 when nobody knows when.
pub(super) fn stretch(end_ns: u64, micros: Option<u64>) -> (u64, u64) {
    let start = micros.and_then(|micros| end_ns.checked_sub(micros.saturating_mul(1000)));
    (start.unwrap_or_default(), end_ns)
}

/// The sentence that a record's body is.
pub(super) fn sentence(record: &LogRecord) -> Option<String> {
    line(&record.body)
}
