//! An item of an answer while it is told: its beginning, its pieces and its end, as events. Leaves out the response
//! around it (`writer`).

use serde_json::{Value, json};

use super::event::Events;

/// What kind of thing is being told.
#[derive(Debug)]
pub(super) enum Kind {
    /// A message; a part of it may be open.
    Message {
        /// The parts that are over.
        parts: Vec<Value>,
        /// The part that is told: a refusal or text, so far.
        open: Option<(Said, String)>,
    },
    /// A thought.
    Reasoning {
        /// Its text so far; `None` while there is none.
        text: Option<String>,
        /// What proves it.
        proof: Option<String>,
    },
    /// A tool's call.
    Call {
        /// The id that its result will name.
        call_id: String,
        /// The tool's namespace, if it is in one.
        namespace: Option<String>,
        /// The tool.
        name: String,
        /// The arguments so far.
        arguments: String,
    },
}

/// What a message's part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Text,
    Refusal,
}

/// An item and its place.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) index: usize,
    pub(super) kind: Kind,
}

impl Item {
    /// Says that it begins.
    pub(super) fn begin(&self, events: &mut Events, out: &mut Vec<u8>) {
        let item = self.object("in_progress");
        events.write("response.output_item.added", json!({"output_index": self.index, "item": item}), out);
    }

    /// More of a message.
    pub(super) fn say(&mut self, said: Said, piece: &str, events: &mut Events, out: &mut Vec<u8>) {
        if !matches!(&self.kind, Kind::Message { open: Some((open, _)), .. } if *open == said) {
            self.end_part(events, out);
            self.begin_part(said, events, out);
        }
        let place = self.place();
        let Kind::Message { open: Some((_, text)), .. } = &mut self.kind else { return };
        text.push_str(piece);
        match said {
            Said::Text => {
                let event = with(place, json!({"delta": piece, "logprobs": []}));
                events.write("response.output_text.delta", event, out);
            }
            Said::Refusal => {
                events.write("response.refusal.delta", with(place, json!({"delta": piece})), out);
            }
        }
    }

    /// More of a thought.
    pub(super) fn think(&mut self, piece: &str, events: &mut Events, out: &mut Vec<u8>) {
        let place = self.summary_place();
        let Kind::Reasoning { text, .. } = &mut self.kind else { return };
        if text.is_none() {
            let event = with(place.clone(), json!({"part": {"type": "summary_text", "text": ""}}));
            events.write("response.reasoning_summary_part.added", event, out);
        }
        text.get_or_insert_default().push_str(piece);
        events.write("response.reasoning_summary_text.delta", with(place, json!({"delta": piece})), out);
    }

    /// More of a call's arguments.
    pub(super) fn argue(&mut self, piece: &str, events: &mut Events, out: &mut Vec<u8>) {
        let Kind::Call { arguments, .. } = &mut self.kind else { return };
        arguments.push_str(piece);
        let event = json!({"item_id": self.id, "output_index": self.index, "delta": piece});
        events.write("response.function_call_arguments.delta", event, out);
    }

    /// Says that it is over, and how it reads as a whole.
    pub(super) fn end(mut self, status: &str, events: &mut Events, out: &mut Vec<u8>) -> Value {
        self.end_part(events, out);
        match &self.kind {
            Kind::Reasoning { text: Some(text), .. } => {
                let place = self.summary_place();
                let done = with(place.clone(), json!({"text": text}));
                events.write("response.reasoning_summary_text.done", done, out);
                let part = with(place, json!({"part": {"type": "summary_text", "text": text}}));
                events.write("response.reasoning_summary_part.done", part, out);
            }
            Kind::Call { name, arguments, .. } => {
                let done = json!({"item_id": self.id, "output_index": self.index, "name": name, "arguments": arguments});
                events.write("response.function_call_arguments.done", done, out);
            }
            Kind::Message { .. } | Kind::Reasoning { text: None, .. } => {}
        }
        let item = self.object(status);
        events.write("response.output_item.done", json!({"output_index": self.index, "item": item}), out);
        item
    }

    fn begin_part(&mut self, said: Said, events: &mut Events, out: &mut Vec<u8>) {
        if let Kind::Message { open, .. } = &mut self.kind {
            *open = Some((said, String::new()));
            let event = with(self.place(), json!({"part": part(said, "")}));
            events.write("response.content_part.added", event, out);
        }
    }

    fn end_part(&mut self, events: &mut Events, out: &mut Vec<u8>) {
        let place = self.place();
        let Kind::Message { parts, open } = &mut self.kind else { return };
        let Some((said, text)) = open.take() else { return };
        let whole = part(said, &text);
        match said {
            Said::Text => {
                let event = with(place.clone(), json!({"text": text, "logprobs": []}));
                events.write("response.output_text.done", event, out);
            }
            Said::Refusal => {
                events.write("response.refusal.done", with(place.clone(), json!({"refusal": text})), out);
            }
        }
        events.write("response.content_part.done", with(place, json!({"part": whole})), out);
        parts.push(whole);
    }

    fn place(&self) -> Value {
        let content = match &self.kind {
            Kind::Message { parts, .. } => parts.len(),
            Kind::Reasoning { .. } | Kind::Call { .. } => 0,
        };
        json!({"item_id": self.id, "output_index": self.index, "content_index": content})
    }

    fn summary_place(&self) -> Value {
        json!({"item_id": self.id, "output_index": self.index, "summary_index": 0})
    }

    fn object(&self, status: &str) -> Value {
        match &self.kind {
            Kind::Message { parts, .. } => {
                json!({"id": self.id, "type": "message", "status": status, "role": "assistant", "content": parts})
            }
            Kind::Reasoning { text, proof } => {
                let summary: Vec<Value> =
                    text.iter().map(|text| json!({"type": "summary_text", "text": text})).collect();
                json!({"id": self.id, "type": "reasoning", "summary": summary, "encrypted_content": proof})
            }
            Kind::Call { call_id, namespace, name, arguments } => {
                let mut call = json!({
                    "id": self.id, "type": "function_call", "status": status, "call_id": call_id, "name": name,
                    "arguments": arguments,
                });
                if let Some(namespace) = namespace {
                    call["namespace"] = Value::from(namespace.as_str());
                }
                call
            }
        }
    }
}

fn part(said: Said, text: &str) -> Value {
    match said {
        Said::Text => json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []}),
        Said::Refusal => json!({"type": "refusal", "refusal": text}),
    }
}

fn with(mut place: Value, more: Value) -> Value {
    if let (Some(place), Value::Object(more)) = (place.as_object_mut(), more) {
        place.extend(more);
    }
    place
}
