//! LLMFlow's own spans, as scripts send them: flat JSON objects, ids of any text. They become OTLP spans in OpenInference's
//! words, told from others by their scope. Pure. What comes of a body is added up as it is made and bounded, as OTLP's
//! is. Leaves out reading members (`fields`), times (`moment`), and taking spans in (`own_http`).

mod fields;
mod moment;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use model::telemetry::ids;
use model::telemetry::wire::{Attributes, Export, Origin, Resource, Scope, Span, Value};

use crate::decode::{Intake, Unreadable};
use crate::json::reader::{Next, Reader};
use fields::{Fields, quote};

/// The scope of these spans.
const SCOPE: &str = "llmflow";
/// The ids as the client said them, where they are not ids of OTLP.
const OWN_IDS: [&str; 3] = ["llmflow.id", "llmflow.trace_id", "llmflow.parent_id"];

/// Spans, and what the client is told of each: its ids in its own words.
#[derive(Debug, PartialEq)]
pub(crate) struct Own {
    pub(crate) export: Export,
    /// `{id, trace_id}`, or a list of them when several were sent, as JSON.
    pub(crate) answer: String,
    /// Bytes that both take, roughly.
    pub(crate) size: usize,
}

/// Reads a span, a list of them, or `{"spans": […]}`; what comes of it takes at most about `limit` bytes. `now_ns` is the
/// time, `fresh` makes ids for who says none.
pub(crate) fn read(
    body: &[u8],
    limit: usize,
    now_ns: u64,
    fresh: &mut dyn FnMut() -> String,
) -> Result<Own, Unreadable> {
    let mut json = Reader::plain(body);
    let mut batch = Batch::new(Intake::new(limit), now_ns, fresh);
    match json.next()? {
        Next::List => json.list(|json| batch.span(json))?,
        Next::Object if has_spans(&json)? => json.object(|json, key| match key {
            "spans" if json.next()? == Next::List => json.list(|json| batch.span(json)),
            "spans" => Err(Unreadable::Malformed("spans is not a list".to_owned())),
            _ => json.skip(),
        })?,
        Next::Object => {
            batch.several = false;
            batch.span(&mut json)?;
        }
        Next::Text | Next::Word | Next::Null => {
            return Err(Unreadable::Malformed("the body is neither a span nor a list of spans".to_owned()));
        }
    }
    json.end()?;
    let answer = if batch.several { format!("{{\"spans\":[{}]}}", batch.answers) } else { batch.answers };
    Ok(Own { export: Export::Traces(batch.groups), answer, size: batch.intake.size() + body.len() })
}

/// Whether an object holds a list of spans instead of being one.
fn has_spans(json: &Reader<'_>) -> Result<bool, Unreadable> {
    let mut found = false;
    json.clone().object(|json, key| {
        found |= key == "spans";
        json.skip()
    })?;
    Ok(found)
}

/// What is read of a body so far.
struct Batch<'a> {
    intake: Intake,
    now_ns: u64,
    fresh: &'a mut dyn FnMut() -> String,
    several: bool,
    groups: Vec<(Origin, Vec<Span>)>,
    /// Where each service's spans are.
    services: HashMap<String, usize>,
    answers: String,
    count: usize,
}

impl<'a> Batch<'a> {
    fn new(intake: Intake, now_ns: u64, fresh: &'a mut dyn FnMut() -> String) -> Self {
        Self {
            intake,
            now_ns,
            fresh,
            several: true,
            groups: Vec::new(),
            services: HashMap::new(),
            answers: String::new(),
            count: 0,
        }
    }

    fn span(&mut self, json: &mut Reader<'_>) -> Result<(), Unreadable> {
        self.count += 1;
        self.intake.pay::<Span>()?;
        let mut fields = Fields::read(json, &mut self.intake)?;
        let service = fields.text(&["service_name"]).unwrap_or_else(|| "app".to_owned());
        let times = moment::times(&mut fields, self.now_ns).map_err(|why| match self.several {
            true => Unreadable::Malformed(format!("span {}: {why}", self.count)),
            false => Unreadable::Malformed(why),
        })?;
        let span = self.build(fields, times)?;
        let group = self.group(service)?;
        if let Some((_, spans)) = self.groups.get_mut(group) {
            spans.push(span);
        }
        Ok(())
    }

    /// Where the spans of this service go.
    fn group(&mut self, service: String) -> Result<usize, Unreadable> {
        if let Some(group) = self.services.get(&service) {
            return Ok(*group);
        }
        self.intake.pay::<(Origin, Vec<Span>, String, usize)>()?;
        self.intake.pay_bytes(service.len())?;
        let group = self.groups.len();
        self.services.insert(service.clone(), group);
        let mut attributes = Vec::new();
        say(&mut attributes, &mut self.intake, "service.name", Value::Text(service))?;
        let origin = Origin {
            resource: Resource { attributes: Attributes(attributes), ..Resource::default() },
            scope: Scope { name: SCOPE.to_owned(), ..Scope::default() },
        };
        self.groups.push((origin, Vec::new()));
        Ok(group)
    }

    fn build(&mut self, mut fields: Fields, times: (u64, u64)) -> Result<Span, Unreadable> {
        let id = fields.text(&["id", "span_id"]).unwrap_or_else(&mut *self.fresh);
        let parent = fields.text(&["parent_id", "parent_span_id"]);
        // A span that names no trace is one by itself.
        let trace = fields.text(&["trace_id"]).unwrap_or_else(|| id.clone());
        self.answer(&id, &trace)?;
        let mut said = Vec::new();
        let mut say = |name: &str, value: Value| say(&mut said, &mut self.intake, name, value);
        for (name, id) in own_ids(&id, &trace, parent.as_deref()) {
            say(name, Value::Text(id.to_owned()))?;
        }
        let span_type = fields.text(&["span_type", "type"]).unwrap_or_else(|| "custom".to_owned());
        say("openinference.span.kind", Value::Text(kind(&span_type).to_owned()))?;
        let name = fields.text(&["span_name", "name"]).unwrap_or_else(|| span_type.clone());
        let status = fields.value(&["status"]).map(|(_, status)| status);
        let failed = fields.error.is_some() || status.as_ref().is_some_and(is_failure);
        if let Some(status) = status {
            say("llmflow.status", status)?;
        }
        if span_type == "tool" {
            say("tool.name", Value::Text(name.clone()))?;
        }
        for (names, attribute) in TEXTS {
            if let Some(text) = fields.text(names) {
                say(attribute, Value::Text(text))?;
            }
        }
        for (names, attribute) in VALUES {
            if let Some((_, value)) = fields.value(names) {
                say(attribute, value)?;
            }
        }
        // What is said in a name of ours stands before what is not: readers take the first.
        let mut attributes = fields.others;
        attributes.splice(0..0, said);
        Ok(Span {
            trace_id: ids::trace_id(&trace),
            span_id: ids::span_id(&id),
            parent: parent.map(|parent| ids::span_id(&parent)),
            name,
            kind: 1,
            start_ns: times.0,
            end_ns: times.1,
            attributes: Attributes(attributes),
            status_code: if failed { 2 } else { 0 },
            status_message: fields.error.unwrap_or_default(),
            ..Span::default()
        })
    }

    fn answer(&mut self, id: &str, trace: &str) -> Result<(), Unreadable> {
        let before = self.answers.len();
        self.answers.push_str(if before == 0 { "{\"id\":" } else { ",{\"id\":" });
        quote(id, &mut self.answers);
        self.answers.push_str(",\"trace_id\":");
        quote(trace, &mut self.answers);
        self.answers.push('}');
        self.intake.pay_bytes(self.answers.len() - before)
    }
}

/// One attribute more, paid for with its texts.
fn say(
    into: &mut Vec<(String, Value)>,
    intake: &mut Intake,
    name: &str,
    value: Value,
) -> Result<(), Unreadable> {
    intake.pay::<(String, Value)>()?;
    intake.pay_bytes(name.len() + value.text().map_or(0, str::len))?;
    into.push((name.to_owned(), value));
    Ok(())
}

/// What is said in words, and OpenInference's name for it.
const TEXTS: [(&[&str], &str); 7] = [
    (&["model"], "llm.model_name"),
    (&["provider"], "llm.provider"),
    (&["input"], "input.value"),
    (&["output"], "output.value"),
    (&["session_id"], "session.id"),
    (&["user_id"], "user.id"),
    (&["agent_name"], "agent.name"),
];
/// What is counted or listed.
const VALUES: [(&[&str], &str); 6] = [
    (&["prompt_tokens", "input_tokens"], "llm.token_count.prompt"),
    (&["completion_tokens", "output_tokens"], "llm.token_count.completion"),
    (&["total_tokens"], "llm.token_count.total"),
    (&["estimated_cost", "cost", "cost_usd"], "llm.cost.total"),
    (&["tags"], "tag.tags"),
    (&["attributes"], "attributes"),
];

/// What a client calls a span, in OpenInference's words.
fn kind(span_type: &str) -> &'static str {
    match span_type.to_ascii_lowercase().as_str() {
        "llm" | "generation" | "chat" => "LLM",
        "embedding" => "EMBEDDING",
        "tool" => "TOOL",
        "agent" => "AGENT",
        "retrieval" | "retriever" => "RETRIEVER",
        "chain" | "trace" | "workflow" | "task" => "CHAIN",
        _ => "UNKNOWN",
    }
}

/// The client's own words for ids that are none.
fn own_ids<'a>(
    id: &'a str,
    trace: &'a str,
    parent: Option<&'a str>,
) -> impl Iterator<Item = (&'static str, &'a str)> {
    let [own_id, own_trace, own_parent] = OWN_IDS;
    let kept = [
        (own_id, Some(id).filter(|id| !ids::is_id::<8>(id))),
        (own_trace, Some(trace).filter(|id| !ids::is_id::<16>(id))),
        (own_parent, parent.filter(|id| !ids::is_id::<8>(id))),
    ];
    kept.into_iter().filter_map(|(name, id)| Some((name, id?)))
}

fn is_failure(status: &Value) -> bool {
    match status.as_double() {
        Some(number) => number >= 400.0,
        None => status.text().is_some_and(|word| {
            ["error", "failed", "failure"].iter().any(|known| word.eq_ignore_ascii_case(known))
        }),
    }
}
