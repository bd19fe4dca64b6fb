//! Calls as lines of a table (RFC 4180), the columns always the same and in one order.

use api::{ApiError, ErrorKind};
use serde_json::Value;

const COLUMNS: [&str; 31] = [
    "id",
    "timestamp",
    "duration_ms",
    "first_byte_ms",
    "first_token_ms",
    "state",
    "provider",
    "operation",
    "model",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "usage",
    "usage_source",
    "estimated_cost",
    "cost_source",
    "api_equivalent",
    "status",
    "error",
    "finish_reason",
    "stream",
    "trace_id",
    "parent_id",
    "retry_of",
    "span_type",
    "span_name",
    "service_name",
    "session_id",
    "agent_name",
    "continues",
    "tags",
];
const BODIES: [&str; 2] = ["request_body", "response_body"];

fn columns(bodies: bool) -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().chain(BODIES.into_iter().filter(move |_| bodies))
}

/// The line of names.
pub(super) fn head(bodies: bool, to: &mut Vec<u8>) -> Result<(), ApiError> {
    line(columns(bodies).map(str::to_owned), to)
}

/// A call's line.
pub(super) fn row(row: &Value, bodies: bool, to: &mut Vec<u8>) -> Result<(), ApiError> {
    line(columns(bodies).map(|column| cell(row.get(column).unwrap_or(&Value::Null))), to)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        other => other.to_string(),
    }
}

/// What a formula begins with, also in the wide letters that some spreadsheets take for the same.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A spreadsheet takes a text that begins like a formula for one, and what a call says may come from anybody: an apostrophe
/// before it makes it a text.
fn harmless(text: &str) -> String {
    match text.starts_with(FORMULA) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn line(cells: impl Iterator<Item = String>, to: &mut Vec<u8>) -> Result<(), ApiError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
    let written = writer.write_record(cells).and_then(|()| Ok(writer.flush()?));
    written.map_err(|error| ApiError::new(ErrorKind::Internal, error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_a_text() {
        for text in ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠a"] {
            assert_eq!(harmless(text), format!("'{text}"), "{text:?}");
        }
        for text in ["", "a=1", " ", "1-2", "'=1"] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn a_table_comes_back_as_it_was() {
        let mut text = Vec::new();
        head(true, &mut text).unwrap();
        let said = json!({
            "id": "1", "estimated_cost": -0.5, "tags": ["a", "b"], "span_name": "=cmd|' /C calc'!A0",
            "request_body": "two\r\nlines, \"quoted\"", "stream": true, "model": null,
        });
        row(&said, true, &mut text).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let names = reader.headers().unwrap().clone();
        let line = reader.records().next().unwrap().unwrap();
        let of = |name: &str| line.get(names.iter().position(|known| known == name).unwrap()).unwrap();
        assert_eq!(of("id"), "1");
        assert_eq!(of("estimated_cost"), "-0.5", "a number is a number");
        assert_eq!(of("tags"), "[\"a\",\"b\"]");
        assert_eq!(of("span_name"), "'=cmd|' /C calc'!A0");
        assert_eq!(of("request_body"), "two\r\nlines, \"quoted\"");
        assert_eq!((of("stream"), of("model"), of("response_body")), ("true", "", ""));
    }
}
