//! The former LLMFlow's JSON shapes of trees, log records and metric points. Later fields stand beside them.

use std::collections::HashMap;

use api::{
    Attribute, AttributeValue, FoundPoint, LogDetail, MetricKind, MetricSummary, MetricUsage, Money,
    SpanDetail, SpanRow, TraceSummary,
};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::millis;

/// Characters of a log record's body that are told when it comes.
const LIVE_BODY: usize = 200;
/// Characters of any other text that are.
const LIVE_TEXT: usize = 500;
/// Bytes of attributes, of a resource or of a distribution that are told when they come; more is asked for.
const LIVE_OBJECT: usize = 2_048;

/// Names to values; of a name that stands twice the later value counts.
fn object(attributes: &[Attribute]) -> Value {
    Value::Object(attributes.iter().map(|said| (said.key.clone(), value(&said.value))).collect())
}

fn value(said: &AttributeValue) -> Value {
    match said {
        AttributeValue::Empty => Value::Null,
        AttributeValue::Text(text) | AttributeValue::NotFinite(text) | AttributeValue::Bytes(text) => {
            text.clone().into()
        }
        AttributeValue::Bool(value) => (*value).into(),
        AttributeValue::Int(value) => (*value).into(),
        AttributeValue::Double(value) => (*value).into(),
        AttributeValue::List(values) => values.iter().map(self::value).collect(),
        AttributeValue::Map(values) => object(values),
    }
}

/// Whether attributes are shown as JSON, or as text that is JSON, as the former LLMFlow's lists do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Json {
    Text,
    Parsed,
}

impl Json {
    fn of(self, attributes: &[Attribute]) -> Value {
        match self {
            Self::Parsed => object(attributes),
            Self::Text => object(attributes).to_string().into(),
        }
    }
}

/// One log record.
pub(in crate::rest) fn log(log: &LogDetail, form: Json) -> Value {
    let row = &log.row;
    let body = match &log.body {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::Empty => String::new(),
        other => value(other).to_string(),
    };
    json!({
        "id": row.id,
        "timestamp": row.time_ns / 1_000_000,
        "observed_timestamp": (log.observed_ns != 0).then_some(log.observed_ns / 1_000_000),
        "severity_number": row.severity,
        "severity_text": severity(row.severity, &log.severity_text),
        "body": body,
        "trace_id": row.trace_id,
        "span_id": row.span_id,
        "event_name": row.event,
        "service_name": row.service,
        "scope_name": log.reporter.scope_name,
        "attributes": form.of(&log.attributes),
        "resource_attributes": form.of(&log.reporter.resource),
        "title": row.text,
        "session_id": row.session_id,
        "call": row.call,
    })
}

/// The sender's word, else that of the number's block of four.
fn severity(number: u8, text: &str) -> Option<&str> {
    const WORDS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    if !text.is_empty() {
        return Some(text);
    }
    let block = usize::from(number.checked_sub(1)?) / 4;
    WORDS.get(block).copied()
}

/// One point.
pub(crate) fn point(found: &FoundPoint, form: Json) -> Value {
    let point = &found.point;
    let fields = object(&point.fields);
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let distribution = !matches!(found.kind, MetricKind::Gauge | MetricKind::Sum);
    let (int, double) = match distribution {
        true => (field("count"), field("sum")),
        false => (field("asInt"), field("asDouble")),
    };
    json!({
        "id": point.id,
        "timestamp": point.time_ns / 1_000_000,
        "start_timestamp": (point.start_ns != 0).then_some(point.start_ns / 1_000_000),
        "name": found.name,
        "description": found.description,
        "unit": found.unit,
        "metric_type": found.kind,
        "temporality": found.temporality,
        "is_monotonic": found.monotonic,
        "value_int": int,
        "value_double": double,
        "histogram_data": if distribution { fields } else { Value::Null },
        "service_name": found.service,
        "scope_name": point.reporter.scope_name,
        "attributes": form.of(&point.attributes),
        "resource_attributes": form.of(&point.reporter.resource),
        "shortened": point.shortened,
    })
}

/// One metric, added up. `sum` is what it comes to, deltas and what accumulates each in its own way.
pub(in crate::rest) fn metric(metric: &MetricSummary) -> Value {
    let range = metric.range;
    json!({
        "name": metric.name,
        "service_name": metric.service,
        "metric_type": metric.kind,
        "unit": metric.unit,
        "temporality": metric.temporality,
        "data_points": metric.points,
        "series": metric.series,
        "first_seen": metric.first_ms,
        "last_seen": metric.last_ms,
        "sum": metric.total,
        "sum_int": whole(metric.total),
        "avg_double": range.map(|[_, _, mean]| mean),
        "max_int": range.map(|[_, most, _]| most),
        "min_int": range.map(|[least, _, _]| least),
    })
}

/// What metrics say of tokens.
pub(in crate::rest) fn tokens(usage: &[MetricUsage]) -> Vec<Value> {
    let tokens = usage.iter().filter(|usage| usage.token_type != "cost");
    let row = |usage: &MetricUsage| {
        json!({
            "service_name": usage.service,
            "model": usage.model,
            "token_type": usage.token_type,
            "total_tokens": whole(usage.total),
            "metric": usage.metric,
            "calls_tokens": usage.calls.map(whole),
        })
    };
    tokens.map(row).collect()
}

/// As an integer where it is one.
#[expect(clippy::cast_possible_truncation, reason = "whole and within the bounds")]
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9.0e15 { (number as i64).into() } else { number.into() }
}

/// A trace as a tree of its spans.
#[derive(Serialize)]
pub(in crate::rest) struct Tree {
    pub(super) trace: Value,
    /// Each with its children, written already: however deep they nest, nobody walks down them by recursion.
    pub(super) spans: Box<RawValue>,
    pub(super) partial: bool,
    pub(super) missing_parent_ids: Vec<String>,
}

/// A trace as a tree of its spans, each with its children.
pub(in crate::rest) fn tree(
    trace: &TraceSummary,
    spans: &[SpanRow],
    details: &[SpanDetail],
) -> serde_json::Result<Tree> {
    let by_id: HashMap<&str, usize> =
        spans.iter().enumerate().map(|(number, span)| (span.id.as_str(), number)).collect();
    let detail_of: HashMap<&str, &SpanDetail> =
        details.iter().map(|detail| (detail.row.id.as_str(), detail)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
    let (mut roots, mut missing) = (Vec::new(), Vec::new());
    for (number, span) in spans.iter().enumerate() {
        match span.parent.as_deref().map(|parent| (parent, by_id.get(parent))) {
            Some((_, Some(parent))) if *parent != number => {
                if let Some(of_parent) = children.get_mut(*parent) {
                    of_parent.push(number);
                }
            }
            Some((parent, _)) => {
                missing.push(parent.to_owned());
                roots.push(number);
            }
            None => roots.push(number),
        }
    }
    let told = |number: usize| {
        let span = spans.get(number)?;
        let detail = detail_of.get(span.id.as_str()).copied();
        let mut row = span_row(&trace.id, trace.session_id.as_deref(), span, detail);
        // Those that it has are written behind it.
        row.remove("children");
        Some(Value::Object(row))
    };
    let spans_json = nested(roots, &children, told)?;
    missing.sort_unstable();
    missing.dedup();
    let ended = trace.started_ms.saturating_add(i64::try_from(trace.duration_us / 1_000).unwrap_or(i64::MAX));
    Ok(Tree {
        trace: json!({
            "trace_id": trace.id,
            "start_time": trace.started_ms,
            "end_time": ended,
            "duration_ms": millis(Some(trace.duration_us)),
            "total_cost": trace.cost.dollars(),
            "total_tokens": trace.usage.total().unwrap_or(0),
            "span_count": trace.spans,
            "call_count": trace.calls,
            "unpriced_count": trace.unpriced,
        }),
        spans: RawValue::from_string(spans_json)?,
        partial: !missing.is_empty(),
        missing_parent_ids: missing,
    })
}

/// An array of objects, each with its children in it. Those that are their own ancestors hang from nowhere, and stand
/// behind the roots.
pub(super) fn nested(
    roots: Vec<usize>,
    children: &[Vec<usize>],
    told: impl Fn(usize) -> Option<Value>,
) -> serde_json::Result<String> {
    let mut written = vec![false; children.len()];
    let mut json = String::from("[");
    // Arrays that are open: what is still to stand in each.
    let mut open = vec![roots.into_iter()];
    let mut circular = 0..children.len();
    let mut first = true;
    while let Some(level) = open.last_mut() {
        let next = level.next().or_else(|| match open.len() {
            1 => circular.find(|number| written.get(*number) == Some(&false)),
            _ => None,
        });
        let Some(number) = next else {
            json.push(']');
            open.pop();
            if !open.is_empty() {
                json.push('}');
            }
            first = false;
            continue;
        };
        let Some(seen) = written.get_mut(number).filter(|seen| !**seen) else { continue };
        *seen = true;
        let Some(object) = told(number) else { continue };
        if !first {
            json.push(',');
        }
        let text = serde_json::to_string(&object)?;
        json.push_str(text.strip_suffix('}').unwrap_or(&text));
        json.push_str(if text.len() > 2 { ",\"children\":[" } else { "\"children\":[" });
        open.push(children.get(number).cloned().unwrap_or_default().into_iter());
        first = true;
    }
    Ok(json)
}

fn span_row(
    trace_id: &str,
    session_id: Option<&str>,
    span: &SpanRow,
    detail: Option<&SpanDetail>,
) -> Map<String, Value> {
    let call = span.call.as_ref();
    let usage = call.map(|call| call.usage).unwrap_or_default();
    let error = detail.map(|detail| &detail.status_message).filter(|message| !message.is_empty());
    let shape = json!({
        "id": span.id,
        "timestamp": span.start_ns / 1_000_000,
        "duration_ms": (span.duration_ns >= 0)
            .then(|| millis(Some(span.duration_ns.unsigned_abs() / 1_000))).flatten(),
        "model": call.and_then(|call| call.model.as_ref()),
        "prompt_tokens": usage.prompt_total(),
        "completion_tokens": usage.output,
        "total_tokens": usage.total(),
        "estimated_cost": call.and_then(|call| call.cost).map(Money::dollars),
        "status": if span.failed { 500 } else { 200 },
        "error": error,
        "trace_id": trace_id,
        "parent_id": span.parent,
        "span_type": span.span_type,
        "span_name": span.name,
        "label": span.label,
        "infrastructure": span.infrastructure,
        "service_name": span.service,
        "session_id": session_id,
        "call_id": call.map(|call| call.id),
        "input": detail.and_then(|detail| detail.input.as_deref()).map(parsed),
        "output": detail.and_then(|detail| detail.output.as_deref()).map(parsed),
        "attributes": detail.map(|detail| object(&detail.attributes)),
        "children": [],
    });
    match shape {
        Value::Object(shape) => shape,
        _ => Map::new(),
    }
}

/// JSON as itself, everything else as text.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// One span as `/api/traces/:id` tells of a call.
pub(in crate::rest) fn span(trace: &TraceSummary, detail: &SpanDetail) -> Value {
    let row = span_row(&trace.id, trace.session_id.as_deref(), &detail.row, Some(detail));
    json!({
        "trace": row,
        "request": {"method": null, "path": null, "headers": {}, "body": null},
        "response": {"status": null, "headers": {}, "body": null},
    })
}

/// A span as it is told when it comes: as in a list, without what was said in it.
pub(crate) fn live_span(detail: &SpanDetail) -> Value {
    let mut row = span_row(&detail.trace_id, None, &detail.row, Some(detail));
    for large in ["input", "output", "attributes", "children"] {
        row.remove(large);
    }
    brief(row.into())
}

/// A log record as it is told when it comes: its body cut to 200 characters, large attributes left out.
pub(crate) fn live_log(record: &LogDetail) -> Value {
    let mut row = log(record, Json::Parsed);
    if let Some(Value::String(body)) = row.get_mut("body") {
        cut(body, LIVE_BODY);
    }
    brief(row)
}

/// A point as it is told when it comes: without large attributes and buckets.
pub(crate) fn live_point(found: &FoundPoint) -> Value {
    brief(point(found, Json::Parsed))
}

/// A row without what is large in it: every listener of `/ws` is told, whether it wants to know or not.
fn brief(mut row: Value) -> Value {
    for value in row.as_object_mut().into_iter().flat_map(Map::values_mut) {
        match value {
            Value::String(text) => cut(text, LIVE_TEXT),
            Value::Object(_) | Value::Array(_) if value.to_string().len() > LIVE_OBJECT => {
                *value = Value::Null;
            }
            _ => {}
        }
    }
    row
}

fn cut(text: &mut String, characters: usize) {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: Option<&str>) -> SpanRow {
        SpanRow {
            id: id.into(),
            parent: parent.map(Into::into),
            name: id.into(),
            label: None,
            span_type: api::SpanType::Custom,
            infrastructure: false,
            start_ns: 0,
            duration_ns: -1,
            failed: false,
            service: None,
            call: None,
        }
    }

    fn trace() -> TraceSummary {
        TraceSummary {
            id: "t".into(),
            started_ms: 0,
            duration_us: 0,
            name: String::new(),
            label: None,
            span_type: api::SpanType::Custom,
            service: None,
            client: None,
            session_id: None,
            spans: 0,
            infrastructure: 0,
            errors: 0,
            orphans: 0,
            calls: 0,
            models: Vec::new(),
            usage: api::Usage::default(),
            cost: Money::ZERO,
            costs: api::BucketCosts::default(),
            unpriced: 0,
        }
    }

    #[test]
    fn every_span_is_told_once_whatever_its_parents_are() {
        let spans = [
            span("child", Some("root")),
            span("grandchild", Some("child")),
            span("root", None),
            span("orphan", Some("nobody")),
            span("self", Some("self")),
            span("a", Some("b")),
            span("b", Some("a")),
        ];
        let tree = serde_json::to_value(tree(&trace(), &spans, &[]).unwrap()).unwrap();
        let roots: Vec<&str> =
            tree["spans"].as_array().unwrap().iter().map(|span| span["id"].as_str().unwrap()).collect();
        assert_eq!(roots, ["root", "orphan", "self", "a"]);
        assert_eq!(tree["spans"][3]["children"][0]["id"], "b", "of a circle, below whichever stands first");
        assert_eq!(tree["spans"][0]["children"][0]["children"][0]["id"], "grandchild");
        assert_eq!(tree["missing_parent_ids"], json!(["nobody", "self"]));
        assert_eq!(tree["spans"][0]["duration_ms"], Value::Null);
    }

    #[test]
    fn a_deep_tree_is_told() {
        let spans: Vec<SpanRow> = (0..100_000)
            .map(|n: u32| span(&n.to_string(), n.checked_sub(1).map(|n| n.to_string()).as_deref()))
            .collect();
        let tree = tree(&trace(), &spans, &[]).unwrap();
        assert_eq!(tree.spans.get().matches("\"children\":[{").count(), 99_999);
        assert!(tree.spans.get().ends_with("}]}]"));
    }

    #[test]
    fn severities_have_their_words() {
        assert_eq!(severity(0, ""), None);
        assert_eq!(severity(17, ""), Some("ERROR"));
        assert_eq!(severity(4, ""), Some("TRACE"));
        assert_eq!(severity(9, "notice"), Some("notice"));
    }
}
