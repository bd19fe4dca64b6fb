//! Mistral's conversations (agents) and its reading of documents. Its chat is OpenAI's (`openai_chat`).

use api::Part;
use serde_json::Value;

use super::answer::Answer;
use super::json::{argument_text, index, list, object, owned, text};
use super::{content, openai_chat, pieces};

/// Takes a conversation's answer or one event of its stream.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    let id = owned(value, "conversation_id");
    answer.reading.response_id = id.or_else(|| answer.reading.response_id.take());
    let place = index(value, "output_index", 0);
    match text(value, "type").unwrap_or_default() {
        "message.output.delta" => {
            take_model(value, answer);
            let pieces = value.get("content").map(content::parts).unwrap_or_default();
            for (position, piece) in (0..).zip(pieces) {
                take_piece((place, index(value, "content_index", position)), piece, answer);
            }
        }
        "function.call.delta" => {
            take_model(value, answer);
            let fragment = value.get("arguments").map(argument_text).unwrap_or_default();
            answer.extend((place, 0), &fragment, || call(value, String::new()));
        }
        "conversation.response.error" => {
            answer.reading.error = super::errors::line(value, true);
        }
        "conversation.response.done" => answer.reading.complete = true,
        "" | "conversation.response" => {
            for (place, output) in (0..).zip(list(value, "outputs")) {
                take_output(place, output, answer);
            }
        }
        _ => {}
    }
    if let Some(usage) = object(value, "usage") {
        openai_chat::take_usage(usage, answer);
    }
}

/// Takes the pages that were read off a document.
pub(super) fn absorb_pages(value: &Value, answer: &mut Answer) {
    take_model(value, answer);
    for (place, page) in (0..).zip(list(value, "pages")) {
        if let Some(text) = text(page, "markdown") {
            answer.put((place, 0), Part::Text { text: text.to_owned() });
        }
    }
    let pages = object(value, "usage_info").and_then(|usage| usage.get("pages_processed"));
    answer.notes.extend(pages.map(|pages| format!("billed by the page: {pages}")));
    pieces::take_pages(value, answer);
}

fn take_model(value: &Value, answer: &mut Answer) {
    answer.reading.model = owned(value, "model").or_else(|| answer.reading.model.take());
}

fn take_piece(place: (u64, u64), piece: Part, answer: &mut Answer) {
    match piece {
        Part::Text { text } => answer.extend(place, &text, || Part::Text { text: String::new() }),
        Part::Thinking { text } => answer.extend(place, &text, || Part::Thinking { text: String::new() }),
        other => answer.put(place, other),
    }
}

fn take_output(place: u64, output: &Value, answer: &mut Answer) {
    take_model(output, answer);
    match text(output, "type").unwrap_or_default() {
        "function.call" => {
            let arguments = output.get("arguments").map(argument_text).unwrap_or_default();
            answer.put((place, 0), call(output, arguments));
        }
        "message.output" => {
            for (position, part) in (0..).zip(output.get("content").map(content::parts).unwrap_or_default()) {
                answer.put((place, position), part);
            }
        }
        kind => answer.put((place, 0), content::other(kind, output)),
    }
}

fn call(value: &Value, arguments: String) -> Part {
    let id = owned(value, "tool_call_id").or_else(|| owned(value, "id"));
    Part::ToolCall { id, name: owned(value, "name").unwrap_or_default(), arguments }
}
