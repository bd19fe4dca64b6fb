//! Values as they are written in Python and in JavaScript. What JSON escapes both read alike.

use std::fmt::Write;

use serde_json::Value;

/// Where the two languages differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    JavaScript,
}

const INDENT: usize = 4;

/// A text in double quotes. Marks that no reader sees, and that would show one program and run another, are escaped.
pub(super) fn text(text: &str) -> String {
    let mut out = String::new();
    for letter in Value::from(text).to_string().chars() {
        let hidden = matches!(u32::from(letter),
            0x7f..=0xa0 | 0xad | 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb);
        match hidden {
            true => _ = write!(out, "\\u{:04x}", u32::from(letter)),
            false => out.push(letter),
        }
    }
    out
}

/// A value over as many lines as it takes; its first begins where it is put, the others at `indent`.
pub(super) fn value(value: &Value, language: Language, indent: usize) -> String {
    let inner = " ".repeat(indent + INDENT);
    let outer = " ".repeat(indent);
    match value {
        Value::Null => word(language, "None", "null"),
        Value::Bool(true) => word(language, "True", "true"),
        Value::Bool(false) => word(language, "False", "false"),
        Value::Number(number) => number.to_string(),
        Value::String(string) => text(string),
        Value::Array(elements) if elements.is_empty() => "[]".to_owned(),
        Value::Array(elements) => {
            let lines = elements
                .iter()
                .map(|element| format!("{inner}{},\n", self::value(element, language, indent + INDENT)));
            format!("[\n{}{outer}]", lines.collect::<String>())
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let lines = members.iter().map(|(name, member)| {
                let member = self::value(member, language, indent + INDENT);
                format!("{inner}{}: {member},\n", key(name, language))
            });
            format!("{{\n{}{outer}}}", lines.collect::<String>())
        }
    }
}

fn word(language: Language, python: &str, javascript: &str) -> String {
    let word = match language {
        Language::Python => python,
        Language::JavaScript => javascript,
    };
    word.to_owned()
}

/// In JavaScript this one name, written plainly, would not be a member.
fn key(name: &str, language: Language) -> String {
    match (language, name) {
        (Language::JavaScript, "__proto__") => format!("[{}]", text(name)),
        _ => text(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_hide_is_written_out() {
        assert_eq!(text("a\"\\\n\u{202e}\u{2028}\u{0}é🌍"), "\"a\\\"\\\\\\n\\u202e\\u2028\\u0000é🌍\"");
        let json = serde_json::json!({"__proto__": [true, null, {}], "a": []});
        assert!(value(&json, Language::JavaScript, 0).contains("[\"__proto__\"]: ["));
        assert!(value(&json, Language::Python, 0).contains("True,\n        None,"));
    }
}
