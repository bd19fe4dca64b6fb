//! The items of `input` as messages. What the assistant did is told item by item there, and is one message here.

use serde_json::{Map, Value};

use super::{proof, tools};
use crate::chat::{Call, Message, Part, Source, Thought};
use crate::digits;
use crate::fields::Fields;
use crate::refusal::Refusal;

/// Adds the items' messages.
pub(super) fn read(items: Vec<(String, Value)>, messages: &mut Vec<Message>) -> Result<(), Refusal> {
    // Whether the last message is an answer that goes on.
    let mut open = false;
    for (path, value) in items {
        match item(path, value)? {
            Item::Message(message) => {
                open = false;
                messages.push(message);
            }
            Item::Nothing => {}
            Item::Answer(piece) => {
                if !std::mem::replace(&mut open, true) {
                    messages.push(Message::Assistant {
                        parts: Vec::new(),
                        thoughts: Vec::new(),
                        calls: Vec::new(),
                    });
                }
                if let Some(Message::Assistant { parts, thoughts, calls }) = messages.last_mut() {
                    match piece {
                        Piece::Said(said) => parts.extend(said),
                        Piece::Thought(thought) => thoughts.push(thought),
                        Piece::Called(call) => calls.push(call),
                    }
                }
            }
        }
    }
    Ok(())
}

enum Item {
    /// A message of its own.
    Message(Message),
    /// A piece of an answer.
    Answer(Piece),
    /// Nothing that another provider could read.
    Nothing,
}

enum Piece {
    Said(Vec<Part>),
    Thought(Thought),
    Called(Call),
}

fn item(path: String, value: Value) -> Result<Item, Refusal> {
    let mut fields = Fields::of(value, path.clone())?;
    // What an item of an answer carries when it comes back; none of it says anything.
    for name in ["id", "status", "phase"] {
        if name == "id"
            && fields.peek("type").is_none_or(|kind| kind == "item_reference")
            && fields.peek("role").is_none()
        {
            return Err(fields.refuse("id", "names an item that OpenAI keeps; send the item itself."));
        }
        fields.take(name);
    }
    let kind = fields.text("type")?;
    let item = match kind.as_deref().unwrap_or("message") {
        "message" => message(&mut fields)?,
        "function_call" => Item::Answer(Piece::Called(call(&mut fields, path)?)),
        "function_call_output" => output(&mut fields, path)?,
        "reasoning" => reasoning(&mut fields)?,
        other => {
            let why = format!("is {other:?}, which only OpenAI makes or runs; it cannot be translated.");
            return Err(fields.refuse("type", &why));
        }
    };
    fields.end()?;
    Ok(item)
}

fn message(fields: &mut Fields) -> Result<Item, Refusal> {
    let role = fields.text("role")?;
    let role = fields.needed("role", role)?;
    let parts = content(fields, "content")?;
    match role.as_str() {
        "system" | "developer" => Ok(Item::Message(Message::System { parts })),
        "user" if parts.is_empty() => {
            Err(fields.refuse("content", "holds nothing: a user's message has to say something."))
        }
        "user" => Ok(Item::Message(Message::User { parts })),
        "assistant" => Ok(Item::Answer(Piece::Said(parts))),
        other => Err(fields.refuse("role", &format!("is {other:?}, which is none."))),
    }
}

fn call(fields: &mut Fields, path: String) -> Result<Call, Refusal> {
    let id = fields.text("call_id")?;
    let (namespace, name) = (fields.text("namespace")?, fields.text("name")?);
    let text = fields.text("arguments")?.unwrap_or_default();
    let arguments = match text.trim() {
        "" => Value::Object(Map::new()),
        text => digits::read_all(text).ok().filter(Value::is_object).ok_or_else(|| {
            fields.refuse("arguments", "is no JSON object, and the provider takes nothing else.")
        })?,
    };
    Ok(Call {
        id: fields.needed("call_id", id)?,
        name: tools::flat(namespace.as_deref(), &fields.needed("name", name)?),
        arguments,
        proof: None,
        path,
    })
}

fn output(fields: &mut Fields, path: String) -> Result<Item, Refusal> {
    let id = fields.text("call_id")?;
    let id = fields.needed("call_id", id)?;
    // Newer clients repeat the tool's name, which its call has told.
    for name in ["name", "namespace"] {
        fields.take(name);
    }
    let parts = content(fields, "output")?;
    Ok(Item::Message(Message::Tool { id, parts, path }))
}

fn reasoning(fields: &mut Fields) -> Result<Item, Refusal> {
    let mut texts = Vec::new();
    for name in ["summary", "content"] {
        for (path, value) in fields.list(name)?.unwrap_or_default() {
            let mut part = Fields::of(value, path)?;
            texts.extend(part.text("text")?);
        }
    }
    let encrypted = fields.text("encrypted_content")?;
    let thought = proof::unpacked(texts.join("\n\n"), encrypted.as_deref());
    Ok(thought.map_or(Item::Nothing, |thought| Item::Answer(Piece::Thought(thought))))
}

fn content(fields: &mut Fields, name: &str) -> Result<Vec<Part>, Refusal> {
    if let Some(Value::String(_)) = fields.peek(name) {
        return Ok(fields.text(name)?.map(Part::text).into_iter().collect());
    }
    let parts = fields.list(name)?;
    fields.needed(name, parts)?.into_iter().map(|(path, value)| part(path, value)).collect()
}

fn part(path: String, value: Value) -> Result<Part, Refusal> {
    let mut fields = Fields::of(value, path.clone())?;
    let kind = fields.text("type")?;
    let cache = fields.take("cache_control");
    fields.take("prompt_cache_breakpoint");
    let part = match fields.needed("type", kind)?.as_str() {
        "input_text" | "output_text" | "text" => {
            // What an answer's text carries when it comes back: its sources.
            fields.take("annotations");
            fields.take("logprobs");
            let text = fields.text("text")?;
            Part::Text { text: fields.needed("text", text)?, cache }
        }
        "refusal" => {
            let text = fields.text("refusal")?;
            Part::Text { text: fields.needed("refusal", text)?, cache }
        }
        "input_image" => {
            no_file_id(&mut fields)?;
            let url = fields.text("image_url")?;
            let source = Source::of(fields.needed("image_url", url)?);
            let detail = fields.text("detail")?.filter(|detail| detail != "auto");
            Part::Image { source, detail, cache, path }
        }
        "input_file" => {
            no_file_id(&mut fields)?;
            fields.take("detail");
            let url = fields.text("file_url")?;
            let data = fields.text("file_data")?.or(url);
            let source = Source::of(fields.needed("file_data", data)?);
            Part::File { source, name: fields.text("filename")?, cache, path }
        }
        "input_audio" => {
            let audio = fields.object("input_audio")?;
            let mut audio = fields.needed("input_audio", audio)?;
            let (data, format) = (audio.text("data")?, audio.text("format")?);
            Part::Audio { data: audio.needed("data", data)?, format: audio.needed("format", format)?, path }
        }
        other => {
            return Err(fields.refuse("type", &format!("is {other:?}, which cannot be translated here.")));
        }
    };
    fields.end()?;
    Ok(part)
}

fn no_file_id(fields: &mut Fields) -> Result<(), Refusal> {
    match fields.take("file_id") {
        None => Ok(()),
        Some(_) => Err(fields.refuse("file_id", "names a file that OpenAI keeps. Send its data or address.")),
    }
}
