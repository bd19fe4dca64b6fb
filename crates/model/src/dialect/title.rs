//! A call's title: the last thing the user said, on one line. Owns what a client adds to the user's words.
//! Leaves out reading messages (`prompt`).

use std::borrow::Cow;

use api::{Message, Part, Role};
use memchr::memmem;
use serde_json::Value;

use super::{Dialect, prompt};

const MAX_CHARS: usize = 120;
const REMINDER: (&str, &str) = ("<system-reminder>", "</system-reminder>");

/// The last thing the user said; a tool's result only if the user said nothing.
pub(super) fn title(dialect: Dialect, request: &Value) -> Option<String> {
    let mut fallback = None;
    for turn in prompt::turns(dialect, request).iter().rev() {
        let Some(message) = prompt::message(dialect, turn) else { continue };
        if let Some(line) = spoken(&message) {
            return Some(line);
        }
        fallback = fallback.or_else(|| anything(&message));
    }
    prompt::bare_prompt(request)
        .map(|text| fold(text, MAX_CHARS))
        .filter(|line| !line.is_empty())
        .or(fallback)
}

fn spoken(message: &Message) -> Option<String> {
    if message.role != Role::User {
        return None;
    }
    message.parts.iter().rev().find_map(|part| match part {
        Part::Text { text } => {
            Some(fold(&without_reminders(text), MAX_CHARS)).filter(|line| !line.is_empty())
        }
        _ => None,
    })
}

fn anything(message: &Message) -> Option<String> {
    let text = message.parts.iter().rev().find_map(|part| match (part, message.role) {
        (Part::ToolResult { text, .. }, _) | (Part::Text { text }, Role::User) => Some(text),
        _ => None,
    })?;
    Some(fold(text, MAX_CHARS)).filter(|line| !line.is_empty())
}

/// `text` without the blocks that Claude Code writes into the user's messages.
pub(crate) fn without_reminders(text: &str) -> Cow<'_, str> {
    if memmem::find(text.as_bytes(), REMINDER.0.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(REMINDER.0) {
        kept.push_str(before);
        // A block that does not end takes the rest.
        rest = after.split_once(REMINDER.1).map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// `text` on one line: runs of whitespace and control characters become one space, cut after `limit` characters.
pub(crate) fn fold(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        let gap = usize::from(length > 0);
        if length + gap >= limit {
            break;
        }
        if gap == 1 {
            line.push(' ');
        }
        length += gap;
        for c in word.chars().take(limit - length) {
            line.push(c);
            length += 1;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_folded_and_cut_at_a_character() {
        assert_eq!(fold(" a\n\t b\0c ", 10), "a b c");
        assert_eq!(fold("äöü äöü", 5), "äöü ä");
        assert_eq!(fold("äöü x", 4), "äöü");
        assert_eq!(fold(&"x".repeat(500), 120).len(), 120);
    }

    #[test]
    fn reminders_and_tool_results_are_passed_over() {
        let request = json!({"messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "<system-reminder>be nice</system-reminder>"},
                {"type": "text", "text": "fix the\nbug"},
                {"type": "text", "text": "<system-reminder>never ends"},
            ]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}]},
        ]});
        assert_eq!(title(Dialect::Anthropic, &request).as_deref(), Some("fix the bug"));
    }

    #[test]
    fn a_tool_result_is_better_than_nothing() {
        let request = json!({"messages": [{"role": "tool", "tool_call_id": "t", "content": "42"}]});
        assert_eq!(title(Dialect::OpenaiChat, &request).as_deref(), Some("42"));
    }

    #[test]
    fn prompts_of_every_kind_have_a_title() {
        for (dialect, request) in [
            (Dialect::OpenaiResponses, json!({"input": "hello"})),
            (
                Dialect::OpenaiResponses,
                json!({"input": [{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}]}),
            ),
            (Dialect::Gemini, json!({"contents": [{"parts": [{"text": "hello"}]}]})),
            (
                Dialect::Gemini,
                json!({"request": {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}}),
            ),
            (Dialect::OpenaiCompletions, json!({"prompt": "hello"})),
            (Dialect::OpenaiCompletions, json!({"prompt": ["hello", "world"]})),
            (Dialect::OllamaGenerate, json!({"prompt": "hello"})),
            (Dialect::OpenaiEmbeddings, json!({"input": ["hello"]})),
            (Dialect::GeminiEmbeddings, json!({"content": {"parts": [{"text": "hello"}]}})),
            (Dialect::GeminiEmbeddings, json!({"requests": [{"content": {"parts": [{"text": "hello"}]}}]})),
            (Dialect::CohereChat, json!({"messages": [{"role": "user", "content": "hello"}]})),
            (Dialect::CohereChat, json!({"message": "hello"})),
        ] {
            assert_eq!(title(dialect, &request).as_deref(), Some("hello"), "{dialect:?} {request}");
        }
    }
}
