//! Tokens estimated from text, where nobody counted them: a stream that broke off before its usage, or one that was
//! never asked for it. Owns the rule. An estimate never replaces what the provider said for good, and it is marked
//! wherever it is shown.
//!
//! The rule, in twentieths of a token: an ASCII character 5 (four characters a token), any other of two bytes in
//! UTF-8 8, of three 15, of four 40. Reasoning that the provider hides, pictures and sound count nothing.

use api::{Message, Operation, Part, Usage};
use serde_json::Value;

use super::prompt::SPOKEN;
use super::{Exchange, Reading};

/// A string this long without a blank is data, not text.
const DATA: usize = 512;

/// `reading.usage` with what is missing estimated; `None` when nothing was written or nothing is missing.
pub(super) fn usage(
    exchange: &Exchange<'_>,
    reading: &Reading,
    request: &Value,
    answer: &[Message],
) -> Option<Usage> {
    let writes = matches!(exchange.dialect.operation(), Operation::Chat | Operation::TextCompletion);
    let failed = exchange.status.is_none_or(|status| status >= 400);
    let told = reading.usage_final && reading.usage.output.is_some();
    if !writes || failed || told || reading.in_background {
        return None;
    }
    let written = tokens(answer.iter().flat_map(|message| &message.parts).map(part_units).sum());
    if written == 0 {
        return None;
    }
    let mut usage = reading.usage;
    usage.output = Some(usage.output.unwrap_or(0).max(written));
    if usage.prompt_total().is_none() {
        let given = SPOKEN.iter().filter_map(|key| request.get(key)).map(value_units).sum();
        usage.input = Some(tokens(given)).filter(|tokens| *tokens > 0);
    }
    Some(usage)
}

fn tokens(units: u64) -> u64 {
    units.div_ceil(20)
}

fn part_units(part: &Part) -> u64 {
    match part {
        Part::Text { text } | Part::Thinking { text } | Part::Refusal { text } => units(text),
        Part::ToolCall { name, arguments, .. } => units(name) + units(arguments),
        Part::ToolResult { text, .. } => units(text),
        Part::Media { .. } | Part::Other { .. } => 0,
    }
}

/// Every string of `value`, names of members included.
fn value_units(value: &Value) -> u64 {
    let mut sum = 0;
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) if text.len() < DATA || text.contains(' ') => sum += units(text),
            Value::Array(values) => rest.extend(values),
            Value::Object(members) => {
                sum += members.keys().map(|key| units(key)).sum::<u64>();
                rest.extend(members.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    sum
}

fn units(text: &str) -> u64 {
    text.chars().map(|character| [5, 8, 15, 40].get(character.len_utf8() - 1).copied().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_what_is_written_above() {
        for (text, expected) in
            [("", 0), ("a", 1), ("four", 1), ("fours", 2), ("grüß dich", 3), ("你好", 2), ("🌍", 2)]
        {
            assert_eq!(tokens(units(text)), expected, "{text}");
        }
    }

    #[test]
    fn data_in_a_request_counts_nothing() {
        let request = serde_json::json!([{"a": "QUJD".repeat(200)}, {"b": ["word word", 5, null, true]}]);
        assert_eq!(value_units(&request), 5 + 5 + 9 * 5);
    }
}
