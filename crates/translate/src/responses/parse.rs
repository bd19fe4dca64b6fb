//! Reading the body of `POST /v1/responses`. Leaves out the items of `input` and the tools.

use serde_json::Value;

use super::object::Echo;
use super::tools::Offered;
use super::{input, tools};
use crate::chat::{Effort, Format, Message, Part, Request, Sampling};
use crate::fields::Fields;
use crate::refusal::Refusal;

/// Book-keeping with OpenAI, and hints that only make an answer faster or cheaper. `max_tool_calls` counts OpenAI's own
/// tools, of which there are none.
const HINTS: &[&str] = &[
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "max_tool_calls",
    "client_metadata",
];

/// Fields that stand for their default when they have one of these values (as JSON), and cannot be translated else.
const ONLY_DEFAULT: &[(&str, &[&str], &str)] = &[
    ("previous_response_id", &[], "names an answer that OpenAI keeps; send the conversation in input"),
    ("conversation", &[], "names a conversation that OpenAI keeps; send it in input"),
    ("prompt", &[], "names a template that OpenAI keeps; send its text"),
    ("background", &["false"], "lets OpenAI go on without a connection; other providers do not"),
    (
        "store",
        &["false"],
        "keeps the answer with OpenAI; other providers keep none. Send false or leave it out",
    ),
    (
        "truncation",
        &["\"disabled\""],
        "lets OpenAI leave parts of the conversation out; other providers do not",
    ),
    ("context_management", &["[]"], "is OpenAI's own"),
    ("moderation", &[], "is OpenAI's own"),
    ("service_tier", &["\"auto\"", "\"default\""], "chooses between OpenAI's ways of serving a call"),
    ("top_logprobs", &["0"], "has no counterpart: the provider tells no probabilities"),
];

/// What may be asked for in `include`: there is none of it in an answer here, or it is there without being asked for.
const INCLUDED: &[&str] = &[
    "reasoning.encrypted_content",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
];

/// Reads a request's body, and what of it the answer repeats.
pub(crate) fn parse(body: Value) -> Result<(Request, Echo), Refusal> {
    let mut echo = Echo::of(&body);
    let mut fields = Fields::of(body, "")?;
    HINTS.iter().for_each(|hint| _ = fields.take(hint));
    for (name, defaults, why) in ONLY_DEFAULT {
        if let Some(value) = fields.take(name)
            && !defaults.contains(&value.to_string().as_str())
        {
            return Err(fields.refuse(name, &format!("{why}.")));
        }
    }
    include(&mut fields)?;
    if let Some(mut options) = fields.object("stream_options")? {
        // The padding that OpenAI adds says nothing.
        options.take("include_obfuscation");
        options.end()?;
    }
    let model = fields.text("model")?;
    let (effort, tell_thoughts) = reasoning(&mut fields)?;
    let Offered { tools, choose, namespaced } = tools::read(&mut fields)?;
    echo.namespaced = namespaced;
    let user = fields.text("user")?;
    let request = Request {
        model: fields.needed("model", model)?,
        messages: messages(&mut fields)?,
        tools,
        choose,
        parallel: fields.flag("parallel_tool_calls")?,
        max_tokens: fields.count("max_output_tokens")?,
        max_tokens_field: "max_output_tokens",
        sampling: Sampling {
            temperature: fields.number("temperature")?,
            top_p: fields.number("top_p")?,
            ..Sampling::default()
        },
        stop: Vec::new(),
        format: format(&mut fields)?,
        effort,
        tell_thoughts,
        choices: 1,
        stream: fields.flag("stream")?.unwrap_or_default(),
        include_usage: true,
        user: fields.text("safety_identifier")?.or(user),
    };
    fields.end()?;
    Ok((request, echo))
}

/// A target's refusal in the words of this front.
pub(crate) fn renamed(refusal: Refusal) -> Refusal {
    let Refusal { field, why } = refusal;
    let own = match field.as_str() {
        "reasoning_effort" => "reasoning.effort".to_owned(),
        "response_format" => "text.format".to_owned(),
        field => field.replace(".tool_call_id", ".call_id").replace(".image_url.detail", ".detail"),
    };
    let why = if field.is_empty() { why } else { why.replace(&field, &own) };
    Refusal { field: own, why }
}

/// Reasoning is always given in the form that can come back. Of what else can be asked for, only probabilities are not
/// about OpenAI's own tools.
fn include(fields: &mut Fields) -> Result<(), Refusal> {
    for (path, value) in fields.list("include")?.unwrap_or_default() {
        let why = match value.as_str() {
            Some(name) if INCLUDED.contains(&name) => continue,
            Some("message.output_text.logprobs") => {
                "asks for probabilities, which the provider does not tell."
            }
            _ => "is not known to LLMFlow, so it cannot be translated. Leave it out.",
        };
        return Err(Refusal::new(path.clone(), format!("{path} {why}")));
    }
    Ok(())
}

fn messages(fields: &mut Fields) -> Result<Vec<Message>, Refusal> {
    let mut messages = Vec::new();
    if let Some(text) = fields.text("instructions")? {
        messages.push(Message::System { parts: vec![Part::text(text)] });
    }
    if let Some(Value::String(_)) = fields.peek("input") {
        let parts = fields.text("input")?.map(Part::text).into_iter().collect();
        messages.push(Message::User { parts });
        return Ok(messages);
    }
    let items = fields.list("input")?;
    input::read(fields.needed("input", items)?, &mut messages)?;
    Ok(messages)
}

/// The effort, and whether thoughts are to be told.
fn reasoning(fields: &mut Fields) -> Result<(Option<Effort>, bool), Refusal> {
    let Some(mut reasoning) = fields.object("reasoning")? else { return Ok((None, false)) };
    let former = reasoning.text("generate_summary")?;
    let summary = reasoning.text("summary")?.or(former);
    let effort = match reasoning.text("effort")? {
        None => None,
        Some(word) => {
            Some(Effort::of(&word).ok_or_else(|| reasoning.refuse("effort", "is none that is known."))?)
        }
    };
    reasoning.end()?;
    Ok((effort, summary.is_some()))
}

fn format(fields: &mut Fields) -> Result<Format, Refusal> {
    let Some(mut text) = fields.object("text")? else { return Ok(Format::Text) };
    if let Some(verbosity) = text.text("verbosity")?
        && verbosity != "medium"
    {
        return Err(text.refuse("verbosity", "has no counterpart; say it in the instructions."));
    }
    let format = match text.object("format")? {
        None => Format::Text,
        Some(format) => form(format)?,
    };
    text.end()?;
    Ok(format)
}

fn form(mut format: Fields) -> Result<Format, Refusal> {
    let kind = format.text("type")?;
    let read = match format.needed("type", kind)?.as_str() {
        "text" => Format::Text,
        "json_object" => Format::Json,
        "json_schema" => {
            let name = format.text("name")?;
            let schema = format.schema("schema")?;
            Format::Schema {
                name: format.needed("name", name)?,
                description: format.text("description")?,
                schema: format.needed("schema", schema)?,
                strict: format.flag("strict")?,
            }
        }
        other => return Err(format.refuse("type", &format!("is {other:?}, which has no counterpart."))),
    };
    format.end()?;
    Ok(read)
}
