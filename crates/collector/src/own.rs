//! LLMFlow's own spans, as scripts send them: flat JSON objects, ids of any text. They become OTLP spans in OpenInference's
//! words, told from others by their scope. Pure. Leaves out taking them in (`own_http`).

use model::telemetry::ids;
use model::telemetry::wire::{Attributes, Export, Origin, Resource, Scope, Span, Value};
use serde_json::{Map, Value as Json, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The scope of these spans.
const SCOPE: &str = "llmflow";
/// The ids as the client said them, where they are not ids of OTLP.
const OWN_IDS: [&str; 3] = ["llmflow.id", "llmflow.trace_id", "llmflow.parent_id"];

/// Spans, and what the client is told of each: its ids in its own words.
#[derive(Debug, PartialEq)]
pub(crate) struct Own {
    pub(crate) export: Export,
    /// `{id, trace_id}`, or a list of them when several were sent.
    pub(crate) answer: Json,
}

/// Reads a span, a list of them, or `{"spans": […]}`. `now_ns` is the time, `fresh` makes ids for who says none.
pub(crate) fn read(body: &[u8], now_ns: u64, mut fresh: impl FnMut() -> String) -> Result<Own, String> {
    let body: Json =
        serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let (objects, several) = match body {
        Json::Array(list) => (list, true),
        Json::Object(mut members) => match members.remove("spans") {
            Some(Json::Array(list)) => (list, true),
            Some(other) => return Err(format!("spans is {other}, which is not a list")),
            None => (vec![Json::Object(members)], false),
        },
        _ => return Err("the body is neither a span nor a list of spans".to_owned()),
    };
    let (mut groups, mut answers) = (Vec::<(Origin, Vec<Span>)>::new(), Vec::new());
    for object in objects {
        let Json::Object(members) = object else {
            return Err("a span is not an object".to_owned());
        };
        let mut fields = Fields(members);
        let origin = origin(&mut fields);
        let (span, answer) = span(fields, now_ns, &mut fresh);
        match groups.iter_mut().find(|(known, _)| *known == origin) {
            Some((_, spans)) => spans.push(span),
            None => groups.push((origin, vec![span])),
        }
        answers.push(answer);
    }
    let answer = if several { json!({ "spans": answers }) } else { answers.pop().unwrap_or_default() };
    Ok(Own { export: Export::Traces(groups), answer })
}

/// A span's members; each is taken out as it is read.
struct Fields(Map<String, Json>);

impl Fields {
    /// The first of these names that is there.
    fn take(&mut self, names: &[&str]) -> Option<Json> {
        let mut found = None;
        for name in names {
            let value = self.0.remove(*name).filter(|value| !value.is_null());
            found = found.or(value);
        }
        found
    }

    /// It as text; numbers and objects as JSON.
    fn text(&mut self, names: &[&str]) -> Option<String> {
        self.take(names).map(plain).filter(|text| !text.is_empty())
    }
}

fn plain(value: Json) -> String {
    match value {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

fn origin(fields: &mut Fields) -> Origin {
    let service = fields.text(&["service_name"]).unwrap_or_else(|| "app".to_owned());
    let attributes = Attributes(vec![("service.name".to_owned(), Value::Text(service))]);
    Origin {
        resource: Resource { attributes, ..Resource::default() },
        scope: Scope { name: SCOPE.to_owned(), ..Scope::default() },
    }
}

fn span(mut fields: Fields, now_ns: u64, fresh: &mut impl FnMut() -> String) -> (Span, Json) {
    let id = fields.text(&["id", "span_id"]).unwrap_or_else(&mut *fresh);
    let parent = fields.text(&["parent_id", "parent_span_id"]);
    // A span that names no trace is one by itself.
    let trace = fields.text(&["trace_id"]).unwrap_or_else(|| id.clone());
    let answer = json!({ "id": id, "trace_id": trace });
    let mut attributes = own_ids(&id, &trace, parent.as_deref());
    let (start_ns, end_ns) = times(&mut fields, now_ns);
    let span_type = fields.text(&["span_type", "type"]).unwrap_or_else(|| "custom".to_owned());
    let mut say = |name: &str, value: Value| attributes.push((name.to_owned(), value));
    say("openinference.span.kind", Value::Text(kind(&span_type).to_owned()));
    let name = fields.text(&["span_name", "name"]).unwrap_or_else(|| span_type.clone());
    let status = fields.take(&["status"]);
    let message = fields.take(&["error"]).map(message);
    let failed = message.is_some() || status.as_ref().is_some_and(is_failure);
    if let Some(status) = status {
        say("llmflow.status", value(status));
    }
    if span_type == "tool" {
        say("tool.name", Value::Text(name.clone()));
    }
    for (names, attribute) in TEXTS {
        if let Some(text) = fields.text(names) {
            say(attribute, Value::Text(text));
        }
    }
    for (names, attribute) in NUMBERS {
        if let Some(number) = fields.take(names) {
            say(attribute, value(number));
        }
    }
    if let Some(tags) = fields.take(&["tags"]) {
        say("tag.tags", value(tags));
    }
    let more = fields.take(&["attributes", "metadata"]);
    match more {
        Some(Json::Object(members)) => {
            attributes.extend(members.into_iter().map(|(key, of)| (key, value(of))));
        }
        Some(other) => attributes.push(("attributes".to_owned(), value(other))),
        None => {}
    }
    // What nobody knows here may be known to who reads it.
    attributes.extend(fields.0.into_iter().map(|(key, of)| (key, value(of))));
    let span = Span {
        trace_id: ids::trace_id(&trace),
        span_id: ids::span_id(&id),
        parent: parent.map(|parent| ids::span_id(&parent)),
        name,
        kind: 1,
        start_ns,
        end_ns,
        attributes: Attributes(attributes),
        status_code: if failed { 2 } else { 0 },
        status_message: message.unwrap_or_default(),
        ..Span::default()
    };
    (span, answer)
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
/// What is counted.
const NUMBERS: [(&[&str], &str); 4] = [
    (&["prompt_tokens", "input_tokens"], "llm.token_count.prompt"),
    (&["completion_tokens", "output_tokens"], "llm.token_count.completion"),
    (&["total_tokens"], "llm.token_count.total"),
    (&["estimated_cost", "cost", "cost_usd"], "llm.cost.total"),
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
fn own_ids(id: &str, trace: &str, parent: Option<&str>) -> Vec<(String, Value)> {
    let [own_id, own_trace, own_parent] = OWN_IDS;
    let kept = [
        (own_id, Some(id).filter(|id| !ids::is_id::<8>(id))),
        (own_trace, Some(trace).filter(|id| !ids::is_id::<16>(id))),
        (own_parent, parent.filter(|id| !ids::is_id::<8>(id))),
    ];
    let said = |(name, id): (&str, Option<&str>)| Some((name.to_owned(), Value::Text(id?.to_owned())));
    kept.into_iter().filter_map(said).collect()
}

/// Beginning and end, from as much as is said.
fn times(fields: &mut Fields, now_ns: u64) -> (u64, u64) {
    let start = fields.take(&["start_time", "timestamp"]).as_ref().and_then(moment);
    let end = fields.take(&["end_time"]).as_ref().and_then(moment);
    let duration = fields.take(&["duration_ms"]).and_then(|of| value(of).as_double());
    let duration = duration.filter(|of| *of >= 0.0).map(nanoseconds);
    match (start, end, duration) {
        (Some(start), Some(end), _) => (start, end),
        (Some(start), None, duration) => (start, start.saturating_add(duration.unwrap_or_default())),
        (None, end, duration) => {
            let end = end.unwrap_or(now_ns);
            (end.saturating_sub(duration.unwrap_or_default()), end)
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and saturating is meant"
)]
fn nanoseconds(milliseconds: f64) -> u64 {
    (milliseconds * 1e6) as u64
}

/// A moment as a date, or as a number since 1970 in the unit that its size tells.
fn moment(of: &Json) -> Option<u64> {
    let written = match of {
        Json::String(text) => text.trim().parse::<f64>().ok(),
        other => other.as_f64(),
    };
    let Some(number) = written.filter(|number| *number > 0.0) else {
        let date = OffsetDateTime::parse(of.as_str()?.trim(), &Rfc3339).ok()?;
        return u64::try_from(date.unix_timestamp_nanos()).ok();
    };
    let milliseconds = match number {
        number if number < 1e11 => number * 1e3,
        number if number < 1e14 => number,
        number if number < 1e17 => number / 1e3,
        _ => return of.as_u64().or_else(|| of.as_str()?.trim().parse().ok()),
    };
    Some(nanoseconds(milliseconds))
}

fn is_failure(status: &Json) -> bool {
    match value(status.clone()).as_double() {
        Some(number) => number >= 400.0,
        None => status.as_str().is_some_and(|word| {
            ["error", "failed", "failure"].iter().any(|known| word.eq_ignore_ascii_case(known))
        }),
    }
}

fn message(error: Json) -> String {
    match error {
        Json::Object(mut members) => match members.remove("message") {
            Some(message) => plain(message),
            None => Json::Object(members).to_string(),
        },
        other => plain(other),
    }
}

/// JSON as OTLP has it; as deep as `serde_json` reads.
fn value(of: Json) -> Value {
    match of {
        Json::Null => Value::Empty,
        Json::Bool(bit) => Value::Bool(bit),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Double(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(values) => Value::List(values.into_iter().map(value).collect()),
        Json::Object(members) => {
            Value::Map(Attributes(members.into_iter().map(|(key, of)| (key, value(of))).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000_000_000;

    fn spans(body: &Json) -> (Vec<(Origin, Vec<Span>)>, Json) {
        let own = read(body.to_string().as_bytes(), NOW, || "fresh".to_owned()).unwrap();
        let Export::Traces(groups) = own.export else { panic!("spans") };
        (groups, own.answer)
    }

    fn only(body: &Json) -> (Span, Json) {
        let (mut groups, answer) = spans(body);
        (groups.remove(0).1.remove(0), answer)
    }

    #[test]
    fn a_span_says_what_it_is() {
        let body = json!({
            "id": "step 1", "trace_id": "run 7", "parent_id": "b7ad6b7169203331", "span_type": "llm",
            "span_name": "ask", "start_time": 1_700_000_000_000_u64, "duration_ms": 1500.5, "status": 200,
            "model": "gpt-5", "provider": "openai", "prompt_tokens": 12, "completion_tokens": 3,
            "input": [{"role": "user", "content": "hi"}], "output": "ho", "tags": ["a", "b"],
            "attributes": {"deep": {"er": 1}}, "session_id": "s", "service_name": "mine", "odd": true,
        });
        let (span, answer) = only(&body);
        assert_eq!(answer, json!({ "id": "step 1", "trace_id": "run 7" }));
        assert_eq!((span.trace_id, span.span_id), (ids::trace_id("run 7"), ids::span_id("step 1")));
        assert_eq!(span.parent, Some(ids::span_id("b7ad6b7169203331")));
        assert_eq!((span.start_ns, span.end_ns), (NOW, NOW + 1_500_500_000));
        let said = |name: &str| span.attributes.text(name);
        assert_eq!((said("llmflow.id"), said("llmflow.trace_id")), (Some("step 1"), Some("run 7")));
        assert_eq!(said("llmflow.parent_id"), None, "it is an id already");
        assert_eq!((said("openinference.span.kind"), said("llm.model_name")), (Some("LLM"), Some("gpt-5")));
        assert_eq!(said("input.value"), Some(r#"[{"role":"user","content":"hi"}]"#));
        assert_eq!(span.attributes.int("llm.token_count.prompt"), Some(12));
        assert_eq!(span.attributes.get("odd"), Some(&Value::Bool(true)));
        assert_eq!((span.name.as_str(), span.status_code), ("ask", 0));
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let (mut groups, answer) = spans(&json!({ "duration_ms": 10 }));
        let (origin, mut list) = groups.remove(0);
        assert_eq!(origin.resource.attributes.text("service.name"), Some("app"));
        assert_eq!(answer, json!({ "id": "fresh", "trace_id": "fresh" }));
        let span = list.remove(0);
        assert_eq!((span.start_ns, span.end_ns), (NOW - 10_000_000, NOW));
        assert_eq!(span.name, "custom");
    }

    #[test]
    fn several_come_as_a_list_or_under_spans() {
        let list =
            json!([{ "id": "1", "service_name": "a" }, { "id": "2" }, { "id": "3", "service_name": "a" }]);
        for body in [list.clone(), json!({ "spans": list })] {
            let (groups, answer) = spans(&body);
            assert_eq!(groups.iter().map(|(_, spans)| spans.len()).collect::<Vec<_>>(), [2, 1]);
            assert_eq!(answer["spans"][2], json!({ "id": "3", "trace_id": "3" }));
        }
    }

    #[test]
    fn failures_and_times_are_read_in_every_form() {
        for body in [
            json!({ "status": 500 }),
            json!({ "status": "ERROR" }),
            json!({ "error": "boom" }),
            json!({ "status": 200, "error": { "message": "boom" } }),
        ] {
            assert_eq!(only(&body).0.status_code, 2, "{body}");
        }
        assert_eq!(only(&json!({ "error": { "message": "boom" } })).0.status_message, "boom");
        for time in [
            json!(1_700_000_000),
            json!(1_700_000_000_000_u64),
            json!(1_700_000_000_000_000_u64),
            json!(NOW),
            json!(NOW.to_string()),
            json!("2023-11-14T22:13:20Z"),
            json!("2023-11-14T23:13:20.000+01:00"),
        ] {
            assert_eq!(only(&json!({ "start_time": time })).0.start_ns, NOW, "{time}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused_with_a_reason() {
        for (body, word) in
            [("{", "not JSON"), ("1", "neither"), ("[1]", "not an object"), (r#"{"spans":1}"#, "not a list")]
        {
            assert!(read(body.as_bytes(), NOW, String::new).unwrap_err().contains(word), "{body}");
        }
    }
}
