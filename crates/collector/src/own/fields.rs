//! A span's members, read into what they are told in, each paid for while it is made. Pure. Leaves out what they mean.

use model::telemetry::wire::{Attributes, Value};
use serde_json::Number;

use crate::decode::{Intake, MAX_DEPTH, Unreadable};
use crate::json::reader::{Next, Reader};

/// Members that are texts; what else they are is written as JSON.
const TEXTS: [&str; 17] = [
    "id",
    "span_id",
    "parent_id",
    "parent_span_id",
    "trace_id",
    "span_type",
    "type",
    "span_name",
    "name",
    "service_name",
    "model",
    "provider",
    "input",
    "output",
    "session_id",
    "user_id",
    "agent_name",
];
/// Members that are kept as they are.
const VALUES: [&str; 15] = [
    "status",
    "start_time",
    "timestamp",
    "end_time",
    "duration_ms",
    "prompt_tokens",
    "input_tokens",
    "completion_tokens",
    "output_tokens",
    "total_tokens",
    "estimated_cost",
    "cost",
    "cost_usd",
    "tags",
    "attributes",
];

/// What a span says of itself; each member is taken out as it is understood.
#[derive(Default)]
pub(super) struct Fields {
    texts: Vec<(&'static str, String)>,
    values: Vec<(&'static str, Value)>,
    /// What went wrong, in words.
    pub(super) error: Option<String>,
    /// What nobody knows here, and may be known to who reads it.
    pub(super) others: Vec<(String, Value)>,
}

impl Fields {
    /// Reads an object.
    pub(super) fn read(json: &mut Reader<'_>, intake: &mut Intake) -> Result<Self, Unreadable> {
        if json.next()? != Next::Object {
            return Err(Unreadable::Malformed("a span is not an object".to_owned()));
        }
        let mut fields = Self::default();
        json.object(|json, key| fields.member(json, key, intake))?;
        Ok(fields)
    }

    fn member(&mut self, json: &mut Reader<'_>, key: &str, intake: &mut Intake) -> Result<(), Unreadable> {
        let known = |names: &[&'static str]| names.iter().copied().find(|name| *name == key);
        if let Some(name) = known(&TEXTS) {
            if let Some(text) = text(json, intake)? {
                put(&mut self.texts, name, text);
            }
        } else if key == "error" {
            self.error = message(json, intake)?.or(self.error.take());
        } else if matches!(key, "attributes" | "metadata") && json.next()? == Next::Object {
            json.object(|json, key| self.other(json, key, intake))?;
        } else if let Some(name) = known(&VALUES).or((key == "metadata").then_some("attributes")) {
            match value(json, 0, intake)? {
                Value::Empty => {}
                value => put(&mut self.values, name, value),
            }
        } else {
            self.other(json, key, intake)?;
        }
        Ok(())
    }

    fn other(&mut self, json: &mut Reader<'_>, key: &str, intake: &mut Intake) -> Result<(), Unreadable> {
        intake.pay::<(String, Value)>()?;
        self.others.push((key.to_owned(), value(json, 0, intake)?));
        Ok(())
    }

    /// The first of these names that is there and not empty.
    pub(super) fn text(&mut self, names: &[&'static str]) -> Option<String> {
        take(&mut self.texts, names).map(|(_, text)| text)
    }

    /// The first of these names that is there, and which it is.
    pub(super) fn value(&mut self, names: &[&'static str]) -> Option<(&'static str, Value)> {
        take(&mut self.values, names)
    }
}

fn put<T>(into: &mut Vec<(&'static str, T)>, name: &'static str, value: T) {
    match into.iter_mut().find(|(known, _)| *known == name) {
        Some((_, before)) => *before = value,
        None => into.push((name, value)),
    }
}

fn take<T>(from: &mut Vec<(&'static str, T)>, names: &[&'static str]) -> Option<(&'static str, T)> {
    let place = |name: &&str| from.iter().position(|(known, _)| known == name);
    let at = names.iter().find_map(place)?;
    Some(from.swap_remove(at))
}

/// A text, or what else there is as JSON; `None` for nothing.
fn text(json: &mut Reader<'_>, intake: &mut Intake) -> Result<Option<String>, Unreadable> {
    let text = match json.next()? {
        Next::Null => return nothing(json).map(|()| None),
        Next::Text => json.text()?.into_owned(),
        Next::Word | Next::Object | Next::List => {
            let mut text = String::new();
            write(json, 0, &mut text, intake)?;
            text
        }
    };
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// What an error says: its message, or all of it.
fn message(json: &mut Reader<'_>, intake: &mut Intake) -> Result<Option<String>, Unreadable> {
    let mut found = None;
    if json.next()? == Next::Object {
        json.clone().object(|json, key| match key {
            "message" => {
                found = text(json, intake)?;
                Ok(())
            }
            _ => json.skip(),
        })?;
    }
    let whole = text(json, intake)?;
    Ok(found.or(whole))
}

/// JSON as OTLP has it.
fn value(json: &mut Reader<'_>, depth: u32, intake: &mut Intake) -> Result<Value, Unreadable> {
    sound(depth)?;
    Ok(match json.next()? {
        Next::Null => nothing(json).map(|()| Value::Empty)?,
        Next::Text => Value::Text(json.text()?.into_owned()),
        Next::Word => match word(json)? {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            word => match word.parse() {
                Ok(whole) => Value::Int(whole),
                Err(_) => Value::Double(word.parse().unwrap_or_default()),
            },
        },
        Next::List => {
            let mut values = Vec::new();
            json.list(|json| {
                intake.pay::<Value>()?;
                values.push(value(json, depth + 1, intake)?);
                Ok(())
            })?;
            Value::List(values)
        }
        Next::Object => {
            let mut members = Vec::new();
            json.object(|json, key| {
                intake.pay::<(String, Value)>()?;
                members.push((key.to_owned(), value(json, depth + 1, intake)?));
                Ok(())
            })?;
            Value::Map(Attributes(members))
        }
    })
}

/// Copies a value without the space in it; numbers to the digit.
fn write(
    json: &mut Reader<'_>,
    depth: u32,
    into: &mut String,
    intake: &mut Intake,
) -> Result<(), Unreadable> {
    sound(depth)?;
    let before = into.len();
    match json.next()? {
        Next::Null => {
            nothing(json)?;
            into.push_str("null");
        }
        Next::Text => quote(&json.text()?, into),
        Next::Word => into.push_str(match word(json)? {
            word @ ("true" | "false") => word,
            word if serde_json::from_str::<Number>(word).is_ok() => word,
            // As JavaScript does with what is no number in JSON.
            _ => "null",
        }),
        Next::List => {
            into.push('[');
            let mut first = true;
            json.list(|json| {
                separate(&mut first, into);
                write(json, depth + 1, into, intake)
            })?;
            into.push(']');
            return intake.pay_bytes(2);
        }
        Next::Object => {
            into.push('{');
            let mut first = true;
            json.object(|json, key| {
                separate(&mut first, into);
                let before = into.len();
                quote(key, into);
                into.push(':');
                intake.pay_bytes(into.len() - before)?;
                write(json, depth + 1, into, intake)
            })?;
            into.push('}');
            return intake.pay_bytes(2);
        }
    }
    intake.pay_bytes(into.len() - before + 1)
}

fn separate(first: &mut bool, into: &mut String) {
    if !std::mem::take(first) {
        into.push(',');
    }
}

/// A text as JSON.
pub(super) fn quote(text: &str, into: &mut String) {
    // Text is always JSON.
    into.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// A number or a truth value; the bare `NaN` that Python writes too.
fn word<'a>(json: &mut Reader<'a>) -> Result<&'a str, Unreadable> {
    let word = json.word()?;
    match matches!(word, "true" | "false") || word.parse::<f64>().is_ok() {
        true => Ok(word),
        false => Err(json.wrong("there is no value")),
    }
}

fn nothing(json: &mut Reader<'_>) -> Result<(), Unreadable> {
    match json.word()? {
        "null" => Ok(()),
        _ => Err(json.wrong("there is no value")),
    }
}

fn sound(depth: u32) -> Result<(), Unreadable> {
    match depth > MAX_DEPTH {
        true => Err(Unreadable::Malformed(format!("values are nested deeper than {MAX_DEPTH} levels"))),
        false => Ok(()),
    }
}
