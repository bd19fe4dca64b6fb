//! Texts spoken and speech written down: documents, streams, and answers that are plain text or sound.
//! Leaves out the sound itself.

use api::Part;
use serde_json::Value;

use super::answer::Answer;
use super::json::{object, owned, text};
use super::{content, openai_chat, pieces};

/// Takes an answer or one event of a stream.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    answer.reading.model = owned(value, "model").or_else(|| answer.reading.model.take());
    let new = || Part::Text { text: String::new() };
    match text(value, "type").unwrap_or_default() {
        "transcript.text.delta" => {
            answer.extend((0, 0), text(value, "delta").unwrap_or_default(), new);
        }
        "transcript.text.done" => {
            whole_text(value, answer);
            answer.reading.complete = true;
        }
        "speech.audio.delta" => take_sound(value, answer),
        "speech.audio.done" => answer.reading.complete = true,
        _ => whole_text(value, answer),
    }
    pieces::take_duration(value, answer);
    if let Some(usage) = object(value, "usage") {
        take_usage(usage, answer);
    }
}

/// An answer that is no JSON: a transcript as text, or sound.
pub(super) fn absorb_bytes(body: &[u8], content_type: Option<&str>, answer: &mut Answer) {
    let spoken = content_type.is_some_and(|kind| kind.starts_with("audio/"));
    match std::str::from_utf8(body).ok().filter(|_| !spoken) {
        Some(text) => answer.put((0, 0), Part::Text { text: text.trim().to_owned() }),
        None => {
            let media_type = content_type.map(str::to_owned);
            answer.put((0, 0), content::inline("audio", media_type, Some(body.len() as u64)));
        }
    }
    answer.reading.complete = true;
}

fn whole_text(value: &Value, answer: &mut Answer) {
    if let Some(text) = text(value, "text") {
        answer.put((0, 0), Part::Text { text: text.to_owned() });
    }
}

fn take_sound(value: &Value, answer: &mut Answer) {
    let more = text(value, "audio").map_or(0, content::decoded_size);
    let place = (0, 0);
    if let Some(Part::Media { bytes: Some(bytes), .. }) = answer.draft(0).part_mut(place) {
        *bytes = bytes.saturating_add(more);
    } else {
        answer.put(place, content::inline("audio", None, Some(more)));
    }
}

/// Tokens, or for models that bill by the minute only how long the sound was.
fn take_usage(usage: &Value, answer: &mut Answer) {
    if text(usage, "type") == Some("duration") {
        let seconds = usage.get("seconds").filter(|seconds| seconds.is_number());
        answer.notes.extend(seconds.map(|seconds| format!("billed by time: {seconds} seconds of sound")));
        pieces::take_seconds(usage, "seconds", answer);
    } else {
        openai_chat::take_usage(usage, answer);
    }
}
