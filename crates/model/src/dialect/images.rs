//! Images made or changed: OpenAI's answers and streams, Imagen's predictions. Leaves out the pictures themselves.

use serde_json::Value;

use super::answer::Answer;
use super::json::{list, object, owned, text};
use super::{content, openai_chat, pieces};

/// Takes an answer or one event of a stream.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    let reading = &mut answer.reading;
    reading.model = owned(value, "model").or_else(|| reading.model.take());
    let format = text(value, "output_format").map(|format| format!("image/{format}"));
    for (place, image) in (0..).zip(list(value, "data")) {
        take_image(place, image, format.clone(), answer);
    }
    for (place, image) in (0..).zip(list(value, "predictions")) {
        let bytes = text(image, "bytesBase64Encoded").map(content::decoded_size);
        answer.put((place, 0), content::inline("image", owned(image, "mimeType"), bytes));
    }
    let event = text(value, "type").unwrap_or_default();
    pieces::take_images(value, event.ends_with(".completed"), answer);
    if event.ends_with(".partial_image") || event.ends_with(".completed") {
        // Each picture takes the place of the sketch before it.
        take_image(0, value, format, answer);
    }
    answer.reading.complete |= event.ends_with(".completed");
    if let Some(usage) = object(value, "usage") {
        openai_chat::take_usage(usage, answer);
        // Nothing but pictures is made here, whether they are counted apart or not.
        answer.reading.units.only_pictures = answer.reading.units.pictures.output == 0;
    }
}

fn take_image(place: u64, image: &Value, format: Option<String>, answer: &mut Answer) {
    let bytes = text(image, "b64_json").map(content::decoded_size);
    let url = owned(image, "url");
    if bytes.is_some() || url.is_some() {
        let part = api::Part::Media { kind: "image".to_owned(), media_type: format, bytes, url };
        answer.put((place, 0), part);
    }
}
