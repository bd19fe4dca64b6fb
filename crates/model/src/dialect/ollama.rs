//! Ollama's `/api/chat` and `/api/generate`: one JSON document, or one a line. Leaves out requests (`prompt`).

use api::Part;
use serde_json::Value;

use super::answer::Answer;
use super::json::{argument_text, count, list, object, owned, text};
use super::{content, timing};

/// Takes a whole answer or one line of a stream.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    let reading = &mut answer.reading;
    reading.model = owned(value, "model").or_else(|| reading.model.take());
    // `generate` writes at the top level what `chat` puts into a message.
    let message = object(value, "message").unwrap_or(value);
    if let Some(text) = text(message, "thinking") {
        answer.add(0, Part::Thinking { text: text.to_owned() });
    }
    for part in
        message.get("content").or_else(|| value.get("response")).map(content::parts).unwrap_or_default()
    {
        answer.add(0, part);
    }
    for call in list(message, "tool_calls") {
        answer.add(0, tool_call(call));
    }
    if value.get("done").and_then(Value::as_bool) == Some(true) {
        take_end(value, answer);
    }
}

/// A tool call, in a request or an answer; the arguments are an object.
pub(super) fn tool_call(call: &Value) -> Part {
    let function = object(call, "function").unwrap_or(call);
    Part::ToolCall {
        id: owned(call, "id"),
        name: owned(function, "name").unwrap_or_default(),
        arguments: function.get("arguments").map(argument_text).unwrap_or_default(),
    }
}

fn take_end(value: &Value, answer: &mut Answer) {
    answer.reading.complete = true;
    if let Some(reason) = text(value, "done_reason") {
        answer.finish(0, reason);
    }
    // A prompt that was wholly in the server's cache has no count.
    answer.reading.usage.input = count(value, "prompt_eval_count");
    answer.reading.usage.output = count(value, "eval_count");
    timing::take_ollama(value, answer);
}
