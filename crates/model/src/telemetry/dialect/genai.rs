//! OpenTelemetry's own log events: the details of a call, and of older age its messages one by one.

use super::super::keys::Key;
use super::super::reading::{LogKind, LogReading};
use super::super::told::Told;
use super::super::value::one_line;
use super::super::wire::LogRecord;
use super::super::{call, conversation};
use super::{called, happened, told_call};

pub(super) fn log(record: &LogRecord, told: &Told<'_>, event: &str) -> LogReading {
    match event {
        // It names the span that tells of the same call, where there is one.
        "gen_ai.client.inference.operation.details" => {
            let mut call = told_call(record, told);
            if let Some(call) = &mut call {
                let word = told.facts.text(Key::GenAiOperation);
                call.operation = word.map_or(call.operation, call::operation);
                call.error = told.facts.text(Key::ErrorType).and_then(one_line);
                call.title = conversation::title(&[], told);
            }
            // The request's half of what Gemini CLI tells: no answer, no tokens.
            called(told, call.filter(|call| call.error.is_some() || call.usage != api::Usage::default()))
        }
        // A call repeats what was said before it: a user's message is no prompt of this moment.
        "gen_ai.choice" => happened(told, LogKind::Answer, conversation::body_line(record)),
        "gen_ai.client.operation.exception" => {
            let said = told.facts.first_text(&[Key::ExceptionMessage, Key::ExceptionType]);
            happened(told, LogKind::Error, said.and_then(one_line))
        }
        _ => happened(told, LogKind::Other, conversation::body_line(record)),
    }
}
