//! Reading the messages of a chat request: what each role may say, and in which parts.

use serde_json::Value;

use super::{Call, Message, Part, Source, Thought};
use crate::digits;
use crate::fields::Fields;
use crate::refusal::Refusal;

/// Reads all messages.
pub(super) fn read_messages(values: Vec<(String, Value)>) -> Result<Vec<Message>, Refusal> {
    values.into_iter().map(|(path, value)| read_message(path, value)).collect()
}

fn read_message(path: String, value: Value) -> Result<Message, Refusal> {
    let mut fields = Fields::of(value, path.clone())?;
    let role = fields.text("role")?;
    let role = fields.needed("role", role)?;
    if role != "tool" && fields.text("name")?.is_some() {
        return Err(fields.refuse("name", "has no counterpart. Write the name into the text."));
    }
    let message = match role.as_str() {
        "system" | "developer" => Message::System { parts: content(&mut fields, Allowed::Text)? },
        "user" => {
            let parts = content(&mut fields, Allowed::All)?;
            if parts.is_empty() {
                return Err(fields.refuse("content", "holds nothing: a user's message has to say something."));
            }
            Message::User { parts }
        }
        "assistant" => assistant(&mut fields)?,
        "tool" => {
            // Older clients repeat the tool's name, which its call has told.
            fields.take("name");
            let id = fields.text("tool_call_id")?;
            let id = fields.needed("tool_call_id", id)?;
            Message::Tool { id, parts: content(&mut fields, Allowed::Images)?, path }
        }
        "function" => {
            return Err(
                fields.refuse("role", "\"function\" is OpenAI's former way; use tool_calls and \"tool\".")
            );
        }
        other => return Err(fields.refuse("role", &format!("is {other:?}, which is none."))),
    };
    fields.end()?;
    Ok(message)
}

fn assistant(fields: &mut Fields) -> Result<Message, Refusal> {
    // What an answer carries beside what it says: its sources.
    fields.take("annotations");
    for (name, why) in [
        ("audio", "names a spoken answer that OpenAI keeps; it has no counterpart."),
        ("function_call", "is OpenAI's former way; use tool_calls."),
    ] {
        if fields.take(name).is_some() {
            return Err(fields.refuse(name, why));
        }
    }
    let mut parts = content(fields, Allowed::Text)?;
    parts.extend(fields.text("refusal")?.map(Part::text));
    let mut calls = Vec::new();
    for (path, value) in fields.list("tool_calls")?.unwrap_or_default() {
        calls.push(read_call(path, value)?);
    }
    Ok(Message::Assistant { parts, thoughts: thoughts(fields)?, calls })
}

/// OpenRouter's names for proofs that a target here made, or may have made.
const OWN_FORMATS: &[&str] = &["anthropic-claude-v1", "unknown"];

/// Thoughts come back with their proofs in `reasoning_details` (OpenRouter's shape, which our answers have) or
/// `thinking_blocks` (LiteLLM's), else as text alone.
fn thoughts(fields: &mut Fields) -> Result<Vec<Thought>, Refusal> {
    let plain = fields.text("reasoning_content")?;
    let plain = fields.text("reasoning")?.or(plain);
    let mut thoughts = Vec::new();
    let details = fields.list("reasoning_details")?.unwrap_or_default();
    let blocks = fields.list("thinking_blocks")?.unwrap_or_default();
    for (path, value) in details.into_iter().chain(blocks) {
        let mut detail = Fields::of(value, path)?;
        let kind = detail.text("type")?.unwrap_or_default();
        // After a change of models a client sends back what another provider proved: only that one can check it.
        let foreign = detail.text("format")?.is_some_and(|format| !OWN_FORMATS.contains(&format.as_str()));
        thoughts.push(match kind.as_str() {
            "reasoning.encrypted" if foreign => continue,
            "reasoning.encrypted" | "redacted_thinking" => {
                let data = detail.text("data")?;
                Thought::Sealed(detail.needed("data", data)?)
            }
            "reasoning.text" | "thinking" => {
                let text = detail.text("text")?;
                let text = detail.text("thinking")?.or(text).unwrap_or_default();
                let signature = detail.text("signature")?;
                Thought::Text { text, signature: signature.filter(|own| !foreign && !own.is_empty()) }
            }
            "reasoning.summary" => {
                Thought::Text { text: detail.text("summary")?.unwrap_or_default(), signature: None }
            }
            _ => return Err(detail.refuse("type", "is no kind of reasoning that can go back.")),
        });
    }
    if thoughts.is_empty() {
        thoughts.extend(
            plain.filter(|text| !text.is_empty()).map(|text| Thought::Text { text, signature: None }),
        );
    }
    Ok(thoughts)
}

fn read_call(path: String, value: Value) -> Result<Call, Refusal> {
    let mut fields = Fields::of(value, path.clone())?;
    if let Some(kind) = fields.text("type")?
        && kind != "function"
    {
        return Err(fields.refuse("type", &format!("is {kind:?}; only functions can be translated.")));
    }
    // What a stream's pieces carry, and clients that keep them whole send back.
    fields.take("index");
    let id = fields.text("id")?;
    let id = fields.needed("id", id)?;
    let proof = proof(&mut fields)?;
    let function = fields.object("function")?;
    let mut function = fields.needed("function", function)?;
    let name = function.text("name")?;
    let name = function.needed("name", name)?;
    let text = function.text("arguments")?.unwrap_or_default();
    let arguments = match text.trim() {
        "" => Value::Object(serde_json::Map::new()),
        text => digits::read_all(text).ok().filter(Value::is_object).ok_or_else(|| {
            function.refuse("arguments", "is no JSON object, and the provider takes nothing else.")
        })?,
    };
    function.end()?;
    fields.end()?;
    Ok(Call { id, name, arguments, proof, path })
}

/// Gemini's thought signature, where Google's own OpenAI surface has it.
fn proof(call: &mut Fields) -> Result<Option<String>, Refusal> {
    let Some(mut extra) = call.object("extra_content")? else { return Ok(None) };
    let google = extra.object("google")?;
    extra.end()?;
    let Some(mut google) = google else { return Ok(None) };
    let proof = google.text("thought_signature")?;
    google.end()?;
    Ok(proof)
}

/// What a role's content may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Allowed {
    Text,
    Images,
    All,
}

fn content(fields: &mut Fields, allowed: Allowed) -> Result<Vec<Part>, Refusal> {
    let path = fields.at("content");
    match fields.take("content") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(values)) => {
            let parts = (0..)
                .zip(values)
                .map(|(i, value): (usize, _)| read_part(format!("{path}[{i}]"), value, allowed));
            parts.collect()
        }
        Some(_) => Err(fields.refuse("content", "has to be a string or a list of parts.")),
    }
}

fn read_part(path: String, value: Value, allowed: Allowed) -> Result<Part, Refusal> {
    let mut fields = Fields::of(value, path.clone())?;
    let kind = fields.text("type")?;
    let kind = fields.needed("type", kind)?;
    let cache = fields.take("cache_control");
    let part = match kind.as_str() {
        "text" => {
            let text = fields.text("text")?;
            Part::Text { text: fields.needed("text", text)?, cache }
        }
        "refusal" => {
            let text = fields.text("refusal")?;
            Part::Text { text: fields.needed("refusal", text)?, cache }
        }
        "image_url" if allowed != Allowed::Text => image(&mut fields, path, cache)?,
        "file" if allowed == Allowed::All => file(&mut fields, path, cache)?,
        "input_audio" if allowed == Allowed::All => {
            let audio = fields.object("input_audio")?;
            let mut audio = fields.needed("input_audio", audio)?;
            let (data, format) = (audio.text("data")?, audio.text("format")?);
            let part = Part::Audio {
                data: audio.needed("data", data)?,
                format: audio.needed("format", format)?,
                path,
            };
            audio.end()?;
            part
        }
        other => {
            return Err(fields.refuse("type", &format!("is {other:?}, which cannot be translated here.")));
        }
    };
    fields.end()?;
    Ok(part)
}

fn image(fields: &mut Fields, path: String, cache: Option<Value>) -> Result<Part, Refusal> {
    // Some clients give the address alone.
    if let Some(Value::String(url)) = fields.peek("image_url") {
        let source = Source::of(url.clone());
        fields.take("image_url");
        return Ok(Part::Image { source, detail: None, cache, path });
    }
    let image = fields.object("image_url")?;
    let mut image = fields.needed("image_url", image)?;
    let url = image.text("url")?;
    let url = image.needed("url", url)?;
    let detail = image.text("detail")?.filter(|detail| detail != "auto");
    image.end()?;
    Ok(Part::Image { source: Source::of(url), detail, cache, path })
}

fn file(fields: &mut Fields, path: String, cache: Option<Value>) -> Result<Part, Refusal> {
    let file = fields.object("file")?;
    let mut file = fields.needed("file", file)?;
    if file.text("file_id")?.is_some() {
        return Err(file.refuse("file_id", "names a file that OpenAI keeps. Send it as file_data."));
    }
    let data = file.text("file_data")?;
    let name = file.text("filename")?;
    let source = match Source::of(file.needed("file_data", data)?) {
        Source::Data { media, base64 } => Source::Data { media, base64 },
        Source::Url(_) => {
            return Err(file.refuse("file_data", "has to be a data URL (data:application/pdf;base64,…)."));
        }
    };
    file.end()?;
    Ok(Part::File { source, name, cache, path })
}
