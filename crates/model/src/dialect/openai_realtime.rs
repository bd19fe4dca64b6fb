//! OpenAI's Realtime: one turn of a connection, from what was said since the last turn to `response.done`. Leaves out
//! telling turns apart (`websocket`).

use api::Part;
use serde_json::{Value, json};

use super::answer::Answer;
use super::json::{index, list, object, owned, text};
use super::{errors, openai_chat, openai_responses};

/// Takes one event of a turn. Those of the client are among them, and say nothing that belongs into an answer.
pub(super) fn absorb(event: &Value, answer: &mut Answer) {
    let kind = text(event, "type").unwrap_or_default();
    match kind {
        "session.created" | "session.updated" => {
            let model = object(event, "session").and_then(|session| owned(session, "model"));
            answer.reading.model = model.or_else(|| answer.reading.model.take());
        }
        "response.created" | "response.done" => {
            if let Some(response) = object(event, "response") {
                take_response(response, kind == "response.done", answer);
            }
        }
        "response.output_item.added" | "response.output_item.done" => {
            if let Some(item) = object(event, "item") {
                take_item(index(event, "output_index", 0), item, answer);
            }
        }
        // Where it is heard before anything is written, the model has begun to answer all the same.
        "response.output_audio.delta" | "response.audio.delta" => answer.has_output = true,
        "response.output_text.delta"
        | "response.text.delta"
        | "response.output_audio_transcript.delta"
        | "response.audio_transcript.delta" => {
            let place = (index(event, "output_index", 0), index(event, "content_index", 0));
            let piece = text(event, "delta").unwrap_or_default();
            answer.extend(place, piece, || Part::Text { text: String::new() });
        }
        "response.function_call_arguments.delta" => openai_responses::absorb(event, answer),
        "error" => answer.reading.complete = true,
        _ => {}
    }
}

fn take_response(response: &Value, done: bool, answer: &mut Answer) {
    let reading = &mut answer.reading;
    reading.response_id = owned(response, "id").or_else(|| reading.response_id.take());
    if !done {
        return;
    }
    // What went wrong before it was something else.
    reading.error = None;
    reading.complete = true;
    let details = object(response, "status_details");
    let status = text(response, "status");
    let reason = details.and_then(|details| text(details, "reason")).or(status);
    reading.finish_reason = reason.map(str::to_owned);
    if status == Some("failed") {
        reading.error = details.and_then(|details| errors::named(details.get("error")?, None));
    }
    if let Some(usage) = object(response, "usage") {
        openai_chat::take_usage(usage, answer);
    }
    for (place, item) in (0..).zip(list(response, "output")) {
        take_item(place, item, answer);
    }
}

fn take_item(place: u64, item: &Value, answer: &mut Answer) {
    let parts: Vec<Part> = match text(item, "type") {
        Some("message") => list(item, "content").iter().map(content).collect(),
        _ => openai_responses::item_parts(item),
    };
    if !parts.is_empty() {
        answer.replace_item(place, parts);
    }
}

/// A part of an item's content. What was spoken is read by its transcript.
fn content(part: &Value) -> Part {
    match owned(part, "transcript") {
        Some(text) => Part::Text { text },
        None => super::content::part(part),
    }
}

/// What a turn was asked, in the shape of a request of the Responses API: how the session is set up, and what was said.
pub(super) fn request(lines: &[u8]) -> Value {
    let mut setup = json!({});
    let mut input = Vec::new();
    // The sound that has no transcript yet.
    let mut heard = Vec::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
        match text(&message, "type").unwrap_or_default() {
            "session.created" | "session.updated" | "session.update" => {
                set_up(&mut setup, object(&message, "session"));
            }
            "conversation.item.create" => input.extend(object(&message, "item").map(spoken)),
            "input_audio_buffer.committed" => {
                heard.push((owned(&message, "item_id"), input.len()));
                input.push(json!({"type": "message", "role": "user", "content": [{"type": "input_audio"}]}));
            }
            "conversation.item.input_audio_transcription.completed" => {
                let said =
                    json!({"type": "message", "role": "user", "content": text(&message, "transcript")});
                let id = owned(&message, "item_id");
                let place = heard.iter().find(|(heard, _)| *heard == id).map(|(_, place)| *place);
                match place.and_then(|place| input.get_mut(place)) {
                    Some(sound) => *sound = said,
                    None => input.push(said),
                }
            }
            "response.create" => set_up(&mut setup, object(&message, "response")),
            _ => {}
        }
    }
    if let Some(setup) = setup.as_object_mut() {
        let own = setup.remove("input");
        setup.insert("input".to_owned(), own.unwrap_or(Value::Array(input)));
    }
    setup
}

fn set_up(setup: &mut Value, said: Option<&Value>) {
    for name in ["model", "instructions", "tools", "input"] {
        if let (Some(value), Some(setup)) = (said.and_then(|said| said.get(name)), setup.as_object_mut()) {
            setup.insert(name.to_owned(), value.clone());
        }
    }
}

/// An item of the conversation; spoken content is read by its transcript.
fn spoken(item: &Value) -> Value {
    let mut item = item.clone();
    if let Some(Value::Array(parts)) = item.get_mut("content") {
        for part in parts {
            if let Some(transcript) = owned(part, "transcript") {
                *part = json!({"type": "input_text", "text": transcript});
            }
        }
    }
    item
}

/// The model that a turn is asked of.
pub(super) fn model(lines: &[u8]) -> Option<String> {
    owned(&request(lines), "model")
}
