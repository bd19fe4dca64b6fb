//! A conversation as Cohere takes it: OpenAI's roles, fewer kinds of parts, and thoughts in a plan or in the content.

use serde_json::{Map, Value, json};

use crate::chat::{Call, Message, Part, Request, Source, Thought};
use crate::digits;
use crate::gemini;
use crate::refusal::Refusal;

/// The request's conversation.
pub(super) fn messages(request: &Request) -> Result<Vec<Value>, Refusal> {
    let reasons = request.model.contains("reasoning");
    request.messages.iter().map(|message| one(message, reasons)).collect()
}

fn one(message: &Message, reasons: bool) -> Result<Value, Refusal> {
    match message {
        Message::System { parts } => Ok(json!({"role": "system", "content": content(parts)?})),
        Message::User { parts } => Ok(json!({"role": "user", "content": content(parts)?})),
        Message::Assistant { parts, thoughts, calls } => assistant(parts, thoughts, calls, reasons),
        Message::Tool { id, parts, .. } => {
            let shown = parts.iter().find(|part| !matches!(part, Part::Text { .. }));
            if let Some(part) = shown {
                return Err(cannot(part, "is a picture, and Cohere takes only text from tools"));
            }
            Ok(json!({"role": "tool", "tool_call_id": gemini::bare_id(id), "content": content(parts)?}))
        }
    }
}

/// Models that reason want their thoughts in the content. The others plan before they call, and only then.
fn assistant(parts: &[Part], thoughts: &[Thought], calls: &[Call], reasons: bool) -> Result<Value, Refusal> {
    let mut message = Map::new();
    message.insert("role".to_owned(), Value::from("assistant"));
    let thought: String = thoughts.iter().filter_map(readable).collect();
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), calls.iter().map(call).collect());
        if !reasons && !thought.is_empty() {
            message.insert("tool_plan".to_owned(), Value::from(thought.as_str()));
        }
    }
    let said = content(parts)?;
    if reasons && !thought.is_empty() {
        let mut blocks = vec![json!({"type": "thinking", "thinking": thought})];
        match said {
            Value::Array(said) => blocks.extend(said),
            Value::String(said) if said.is_empty() => {}
            said => blocks.push(json!({"type": "text", "text": said})),
        }
        message.insert("content".to_owned(), Value::from(blocks));
    } else if said != "" || calls.is_empty() {
        message.insert("content".to_owned(), said);
    }
    Ok(Value::Object(message))
}

/// What is sealed, only its own provider can read.
fn readable(thought: &Thought) -> Option<&str> {
    match thought {
        Thought::Text { text, .. } => Some(text),
        Thought::Sealed(_) => None,
    }
}

fn call(call: &Call) -> Value {
    json!({
        "id": gemini::bare_id(&call.id), "type": "function",
        "function": {"name": call.name, "arguments": digits::text(&call.arguments)},
    })
}

/// A single text is written as such.
fn content(parts: &[Part]) -> Result<Value, Refusal> {
    match parts {
        [] => Ok(Value::from("")),
        [Part::Text { text, .. }] => Ok(Value::from(text.as_str())),
        parts => parts.iter().map(part).collect(),
    }
}

fn part(part: &Part) -> Result<Value, Refusal> {
    match part {
        Part::Text { text, .. } => Ok(json!({"type": "text", "text": text})),
        Part::Image { source, detail, path, .. } => {
            let mut image = json!({"url": address(source)});
            match detail.as_deref() {
                None => {}
                Some("original") => image["detail"] = Value::from("high"),
                Some(detail @ ("auto" | "low" | "high")) => image["detail"] = Value::from(detail),
                Some(other) => {
                    let field = format!("{path}.image_url.detail");
                    let why = format!("{field} is {other:?}; it can be auto, low or high.");
                    return Err(Refusal::new(field, why));
                }
            }
            Ok(json!({"type": "image_url", "image_url": image}))
        }
        Part::File { .. } => Err(cannot(part, "is a file, which Cohere does not take. Send its text")),
        Part::Audio { .. } => Err(cannot(part, "is sound, which Cohere does not take")),
    }
}

fn address(source: &Source) -> String {
    match source {
        Source::Data { media, base64 } => format!("data:{media};base64,{base64}"),
        Source::Url(url) => url.clone(),
    }
}

fn cannot(part: &Part, why: &str) -> Refusal {
    let path = match part {
        Part::Text { .. } => "messages",
        Part::Image { path, .. } | Part::File { path, .. } | Part::Audio { path, .. } => path,
    };
    Refusal::new(path, format!("{path} {why}."))
}
