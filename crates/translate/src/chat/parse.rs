//! Reading the body of `POST /v1/chat/completions`. Every field of OpenAI's is known here; what is not is refused.

use serde_json::{Number, Value};

use super::reading::read_messages;
use super::request::{Effort, Format, Request, Sampling};
use super::tools::{read_choice, read_tools};
use crate::fields::Fields;
use crate::refusal::Refusal;

/// Fields that change nothing of the answer: book-keeping with OpenAI, and hints that only make it faster or cheaper.
const HINTS: &[&str] =
    &["metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "prediction"];

/// Fields that stand for their default when they have one of these values (as JSON), and cannot be translated else.
const ONLY_DEFAULT: &[(&str, &[&str], &str)] = &[
    ("store", &["false"], "keeps the answer with OpenAI; other providers keep none"),
    ("service_tier", &["\"auto\"", "\"default\""], "chooses between OpenAI's ways of serving a call"),
    ("verbosity", &["\"medium\""], "has no counterpart; say it in the system message"),
    ("logprobs", &["false"], "has no counterpart: the provider tells no probabilities"),
    ("top_logprobs", &["0"], "has no counterpart: the provider tells no probabilities"),
    ("logit_bias", &["{}"], "has no counterpart: its tokens are those of OpenAI's models"),
    ("modalities", &["[\"text\"]"], "can only be [\"text\"]"),
    ("audio", &[], "asks for spoken answers, which have no counterpart"),
    ("web_search_options", &[], "asks for OpenAI's own search, which has no counterpart"),
    ("functions", &["[]"], "is OpenAI's former way; use tools"),
    ("function_call", &["\"none\"", "\"auto\""], "is OpenAI's former way; use tool_choice"),
    ("moderation", &[], "is OpenAI's own"),
    ("echo", &["false"], "has no counterpart"),
];

/// Reads a request's body.
pub fn parse(body: Value) -> Result<Request, Refusal> {
    let mut fields = Fields::of(body, "")?;
    for hint in HINTS {
        fields.take(hint);
    }
    for (name, defaults, why) in ONLY_DEFAULT {
        if let Some(value) = fields.take(name)
            && !defaults.contains(&value.to_string().as_str())
        {
            return Err(fields.refuse(name, &format!("{why}.")));
        }
    }
    let model = fields.text("model")?;
    let model = fields.needed("model", model)?;
    let messages = fields.list("messages")?;
    let messages = read_messages(fields.needed("messages", messages)?)?;
    let tools = read_tools(fields.list("tools")?.unwrap_or_default())?;
    let (choose, tools) = read_choice(&mut fields, tools)?;
    let (max_tokens, max_tokens_field) = match fields.count("max_completion_tokens")? {
        Some(most) => {
            fields.take("max_tokens");
            (Some(most), "max_completion_tokens")
        }
        None => (fields.count("max_tokens")?, "max_tokens"),
    };
    let user = fields.text("user")?;
    let user = fields.text("safety_identifier")?.or(user);
    let request = Request {
        model,
        messages,
        tools,
        choose,
        parallel: fields.flag("parallel_tool_calls")?,
        max_tokens,
        max_tokens_field,
        sampling: sampling(&mut fields)?,
        stop: stop(&mut fields)?,
        format: format(&mut fields)?,
        effort: effort(&mut fields)?,
        tell_thoughts: false,
        choices: choices(&mut fields)?,
        stream: fields.flag("stream")?.unwrap_or_default(),
        include_usage: include_usage(&mut fields)?,
        user,
    };
    fields.end()?;
    Ok(request)
}

fn sampling(fields: &mut Fields) -> Result<Sampling, Refusal> {
    let not_zero = |number: &Number| number.as_f64() != Some(0.0);
    Ok(Sampling {
        temperature: fields.number("temperature")?,
        top_p: fields.number("top_p")?,
        top_k: fields.count("top_k")?,
        frequency_penalty: fields.number("frequency_penalty")?.filter(not_zero),
        presence_penalty: fields.number("presence_penalty")?.filter(not_zero),
        seed: fields.number("seed")?,
    })
}

/// One text or several.
fn stop(fields: &mut Fields) -> Result<Vec<String>, Refusal> {
    let wrong = |fields: &Fields| fields.refuse("stop", "has to be a string or a list of strings.");
    match fields.take("stop") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(texts)) => {
            let texts = texts.into_iter().map(|text| match text {
                Value::String(text) => Ok(text),
                _ => Err(wrong(fields)),
            });
            texts.collect()
        }
        Some(_) => Err(wrong(fields)),
    }
}

fn format(fields: &mut Fields) -> Result<Format, Refusal> {
    let Some(mut format) = fields.object("response_format")? else { return Ok(Format::Text) };
    let kind = format.text("type")?;
    let read = match format.needed("type", kind)?.as_str() {
        "text" => Format::Text,
        "json_object" => Format::Json,
        "json_schema" => {
            let schema = format.object("json_schema")?;
            let mut inner = format.needed("json_schema", schema)?;
            let name = inner.text("name")?;
            let schema = inner.schema("schema")?;
            let read = Format::Schema {
                name: inner.needed("name", name)?,
                description: inner.text("description")?,
                schema: inner.needed("schema", schema)?,
                strict: inner.flag("strict")?,
            };
            inner.end()?;
            read
        }
        other => return Err(format.refuse("type", &format!("is {other:?}, which has no counterpart."))),
    };
    format.end()?;
    Ok(read)
}

fn effort(fields: &mut Fields) -> Result<Option<Effort>, Refusal> {
    let Some(word) = fields.text("reasoning_effort")? else { return Ok(None) };
    Effort::of(&word).map(Some).ok_or_else(|| {
        fields.refuse("reasoning_effort", "has to be none, minimal, low, medium, high or xhigh.")
    })
}

impl Effort {
    /// The effort of this name.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::Xhigh,
            "max" => Self::Max,
            _ => return None,
        })
    }
}

fn choices(fields: &mut Fields) -> Result<u32, Refusal> {
    let choices = fields.count("n")?.unwrap_or(1);
    match u32::try_from(choices) {
        Ok(choices) if choices > 0 => Ok(choices),
        _ => Err(fields.refuse("n", "has to be at least 1.")),
    }
}

/// The padding that OpenAI adds (`include_obfuscation`) says nothing.
fn include_usage(fields: &mut Fields) -> Result<bool, Refusal> {
    let Some(mut options) = fields.object("stream_options")? else { return Ok(false) };
    options.take("include_obfuscation");
    let include = options.flag("include_usage")?.unwrap_or_default();
    options.end()?;
    Ok(include)
}
