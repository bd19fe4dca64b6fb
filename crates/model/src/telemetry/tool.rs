//! A tool's run in the names that all dialects share, and the line that shows it. Leaves out which reports are runs.

use serde_json::Value as Json;

use super::keys::Key;
use super::reading::ToolRun;
use super::told::{Told, unquoted};
use super::value::{self, LINE, id, one_line};
use crate::dialect::fold;
use crate::scanner::member;

const NAMES: [Key; 6] = [
    Key::GenAiToolName,
    Key::ToolName,
    Key::AiToolCallName,
    Key::ToolNamePlain,
    Key::FunctionName,
    Key::TraceloopEntity,
];
const IDS: [Key; 8] = [
    Key::GenAiToolCallId,
    Key::GenAiToolCallIdGemini,
    Key::AiToolCallId,
    Key::ToolUseId,
    Key::CallId,
    Key::ToolCallIdOpenInference,
    Key::ToolCallIdOpencode,
    Key::ToolId,
];
const ARGUMENTS: [Key; 12] = [
    Key::GenAiToolArguments,
    Key::AiToolCallArgs,
    Key::ToolInput,
    Key::ToolParametersPlain,
    Key::Arguments,
    Key::FunctionArgs,
    Key::PydanticToolArguments,
    Key::InputValue,
    Key::TraceloopInput,
    Key::LangfuseInput,
    Key::MlflowInputs,
    Key::FullCommand,
];
const RESULTS: [Key; 8] = [
    Key::GenAiToolResult,
    Key::AiToolCallResult,
    Key::PydanticToolResponse,
    Key::OutputValue,
    Key::TraceloopOutput,
    Key::LangfuseOutput,
    Key::MlflowOutputs,
    Key::Output,
];

/// Members of a tool's arguments that say what it does.
const TELLING: [&str; 15] = [
    "command",
    "full_command",
    "cmd",
    "file_path",
    "path",
    "dir_path",
    "pattern",
    "query",
    "url",
    "prompt",
    "description",
    "name",
    "city",
    "location",
    "text",
];

/// The tool's run that a report tells of.
pub(super) fn read(told: &Told<'_>) -> ToolRun {
    let facts = &told.facts;
    let text = |names: &[Key]| names.iter().find_map(|name| value::text(facts.get(*name)?));
    ToolRun {
        name: facts.first_text(&NAMES).map(unquoted).and_then(one_line),
        call_id: facts.first_text(&IDS).map(unquoted).and_then(id),
        arguments: text(&ARGUMENTS),
        result: text(&RESULTS).map(told_plainly),
        success: facts.flag(&[Key::Success]),
        duration_us: facts.milliseconds(&[Key::DurationMs]),
    }
}

/// A text that was written as JSON is the text.
fn told_plainly(result: String) -> String {
    match result.starts_with('"').then(|| serde_json::from_str(&result)) {
        Some(Ok(Json::String(text))) => text,
        _ => result,
    }
}

/// The tool and what it was asked, in one line.
pub(super) fn line(run: &ToolRun) -> Option<String> {
    let name = run.name.as_deref().unwrap_or_default();
    let asked = run.arguments.as_deref().map(asked).unwrap_or_default();
    one_line(&format!("{name} {asked}"))
}

/// The member of the arguments that says most, else all of them.
fn asked(arguments: &str) -> String {
    let telling = TELLING.iter().find_map(|name| words(member(arguments.as_bytes(), name)?));
    let shown = telling.as_deref().unwrap_or(arguments);
    match fold(shown, LINE).as_str() {
        "{}" | "[]" | "null" => String::new(),
        line => line.to_owned(),
    }
}

/// A text, or a list of them as Codex writes commands.
fn words(json: &[u8]) -> Option<String> {
    match serde_json::from_slice(json).ok()? {
        Json::String(text) => Some(text),
        Json::Array(words) => {
            let words: Option<Vec<&str>> = words.iter().map(Json::as_str).collect();
            Some(words?.join(" "))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_shown_by_what_it_was_asked() {
        for (arguments, expected) in [
            (r#"{"timeout":5,"command":"ls\n-l"}"#, "Bash ls -l"),
            (r#"{"command":["ls","-l"]}"#, "Bash ls -l"),
            (r#"{"z":1}"#, r#"Bash {"z":1}"#),
            ("{}", "Bash"),
            ("not json", "Bash not json"),
        ] {
            let run = ToolRun {
                name: Some("Bash".to_owned()),
                arguments: Some(arguments.to_owned()),
                ..ToolRun::default()
            };
            assert_eq!(line(&run).as_deref(), Some(expected));
        }
        assert_eq!(line(&ToolRun::default()), None);
    }
}
