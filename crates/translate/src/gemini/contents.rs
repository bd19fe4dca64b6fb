//! A conversation as Gemini takes it: instructions apart, turns of `user` and `model`, and parts.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{signature, thinking};
use crate::chat::{Call, Message, Part, Request, Source, Thought};
use crate::media;
use crate::refusal::Refusal;

/// What Google gives to conversations that another model began: it stands for a signature that never was.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// A conversation.
pub(super) struct Contents {
    /// The parts of `systemInstruction`.
    pub(super) system: Vec<Value>,
    /// `contents`.
    pub(super) turns: Vec<Value>,
    /// One resolution for all pictures, where a picture cannot have its own.
    pub(super) resolution: Option<&'static str>,
}

/// The request's conversation.
pub(super) fn contents(request: &Request) -> Result<Contents, Refusal> {
    let mut builder = Builder {
        signed: !matches!(thinking::generation(&request.model), Some(1 | 2)),
        known: HashMap::new(),
        resolutions: Vec::new(),
        contents: Contents { system: Vec::new(), turns: Vec::new(), resolution: None },
        results: false,
    };
    for message in &request.messages {
        builder.message(message)?;
    }
    builder.settle_resolution()?;
    Ok(builder.contents)
}

struct Builder<'a> {
    /// The model demands signatures, and takes a resolution for each picture.
    signed: bool,
    /// The calls so far: a result names its tool.
    known: HashMap<&'a str, &'a str>,
    /// Each picture's resolution, and where it was said.
    resolutions: Vec<(Option<&'static str>, &'a str)>,
    contents: Contents,
    /// The last turn holds results, and takes more of them.
    results: bool,
}

impl<'a> Builder<'a> {
    fn message(&mut self, message: &'a Message) -> Result<(), Refusal> {
        let results = std::mem::take(&mut self.results);
        match message {
            Message::System { parts } => {
                let parts = self.parts(parts)?;
                self.contents.system.extend(parts);
                self.results = results;
            }
            Message::User { parts } => {
                let parts = self.parts(parts)?;
                self.turn("user", &parts);
            }
            Message::Assistant { parts, thoughts, calls } => {
                let mut turn = thoughts.iter().filter_map(thought).collect::<Vec<_>>();
                turn.extend(self.parts(parts)?);
                turn.extend(thoughts.iter().filter_map(text_signature));
                for (place, call) in (0_usize..).zip(calls) {
                    self.known.insert(&call.id, &call.name);
                    turn.push(self.call(call, place == 0));
                }
                self.turn("model", &turn);
            }
            Message::Tool { id, parts, path } => {
                let result = self.result(id, parts, path)?;
                self.results = true;
                // The results of calls that came together go back together.
                let last = self.contents.turns.last_mut().filter(|_| results);
                match last.and_then(|turn| turn["parts"].as_array_mut()) {
                    Some(turn) => turn.push(result),
                    None => self.turn("user", &[result]),
                }
            }
        }
        Ok(())
    }

    /// A turn without parts is refused by Gemini and says nothing.
    fn turn(&mut self, role: &str, parts: &[Value]) {
        if !parts.is_empty() {
            self.contents.turns.push(json!({"role": role, "parts": parts}));
        }
    }

    fn call(&self, call: &Call, first: bool) -> Value {
        let (id, signed) = signature::split(&call.id);
        let mut part = json!({"functionCall": {"id": id, "name": call.name, "args": call.arguments}});
        let none = || Some(NO_SIGNATURE.to_owned()).filter(|_| self.signed && first);
        let proof = call.proof.clone().or(signed).or_else(none);
        if let (Some(members), Some(proof)) = (part.as_object_mut(), proof) {
            members.insert("thoughtSignature".to_owned(), Value::from(proof));
        }
        part
    }

    fn result(&mut self, id: &'a str, parts: &'a [Part], path: &str) -> Result<Value, Refusal> {
        let Some(name) = self.known.get(id).copied() else {
            let field = format!("{path}.tool_call_id");
            let why =
                format!("{field} names no tool call of an earlier message; Gemini needs the tool's name.");
            return Err(Refusal::new(field, why));
        };
        let (id, _) = signature::split(id);
        let mut response = json!({"id": id, "name": name, "response": {"output": Message::text_of(parts)}});
        let shown: Vec<&'a Part> = parts.iter().filter(|part| !matches!(part, Part::Text { .. })).collect();
        if !shown.is_empty() {
            let shown = shown.into_iter().map(|part| self.part(part)).collect::<Result<Vec<_>, _>>()?;
            response["parts"] = Value::from(shown);
        }
        Ok(json!({"functionResponse": response}))
    }

    fn parts(&mut self, parts: &'a [Part]) -> Result<Vec<Value>, Refusal> {
        let said = parts.iter().filter(|part| !matches!(part, Part::Text { text, .. } if text.is_empty()));
        said.map(|part| self.part(part)).collect()
    }

    fn part(&mut self, part: &'a Part) -> Result<Value, Refusal> {
        match part {
            Part::Text { text, .. } => Ok(json!({"text": text})),
            Part::Image { source, detail, path, .. } => {
                let mut image = blob(source, "image/jpeg");
                let resolution = resolution(detail.as_deref(), path)?;
                self.resolutions.push((resolution, path));
                if let Some(resolution) = resolution.filter(|_| self.signed) {
                    image["mediaResolution"] = json!({"level": resolution});
                }
                Ok(image)
            }
            Part::File { source, .. } => Ok(blob(source, "application/pdf")),
            Part::Audio { data, format, .. } => {
                Ok(json!({"inlineData": {"mimeType": format!("audio/{format}"), "data": data}}))
            }
        }
    }

    /// Before version 3 there is one resolution for all pictures.
    fn settle_resolution(&mut self) -> Result<(), Refusal> {
        let Some(((first, _), rest)) = self.resolutions.split_first().filter(|_| !self.signed) else {
            return Ok(());
        };
        if let Some((_, path)) = rest.iter().find(|(other, _)| other != first) {
            let why = format!(
                "{path}.image_url.detail differs from that of an earlier picture; this model has one for all."
            );
            return Err(Refusal::new(format!("{path}.image_url.detail"), why));
        }
        self.contents.resolution = *first;
        Ok(())
    }
}

fn resolution(detail: Option<&str>, path: &str) -> Result<Option<&'static str>, Refusal> {
    match detail {
        None | Some("auto") => Ok(None),
        Some("low") => Ok(Some("MEDIA_RESOLUTION_LOW")),
        Some("high" | "original") => Ok(Some("MEDIA_RESOLUTION_HIGH")),
        Some(other) => {
            let field = format!("{path}.image_url.detail");
            Err(Refusal::new(field.clone(), format!("{field} is {other:?}; it can be auto, low or high.")))
        }
    }
}

/// Gemini fetches addresses itself, but wants to be told what it will find.
fn blob(source: &Source, guess: &str) -> Value {
    match source {
        Source::Data { media, base64 } => json!({"inlineData": {"mimeType": media, "data": base64}}),
        Source::Url(url) => {
            json!({"fileData": {"fileUri": url, "mimeType": media::of_url(url).unwrap_or(guess)}})
        }
    }
}

/// A thought that can be read. Sealed ones are of other providers, who alone can read them.
fn thought(thought: &Thought) -> Option<Value> {
    match thought {
        Thought::Text { text, .. } if !text.is_empty() => Some(json!({"text": text, "thought": true})),
        Thought::Text { .. } | Thought::Sealed(_) => None,
    }
}

/// The signature of a text comes back in a part of its own, as it comes in a stream.
fn text_signature(thought: &Thought) -> Option<Value> {
    match thought {
        Thought::Text { signature: Some(signature), .. } => {
            let own = signature::of_own(signature)?;
            Some(json!({"text": "", "thoughtSignature": own}))
        }
        Thought::Text { signature: None, .. } | Thought::Sealed(_) => None,
    }
}
