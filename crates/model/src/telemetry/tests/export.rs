//! OTLP/JSON as fixtures write it, into spans, log records and metrics. Leaves out everything that the collector's
//! decoder is there for: a fixture that is wrong fails its test.

use serde_json::Value as Json;

use crate::telemetry::wire::{Attributes, LogRecord, Origin, Resource, Scope, Span, SpanEvent, Value};

/// What a request holds, as far as tests look: metrics by their names and the attributes of their points.
#[derive(Default)]
pub(super) struct Read {
    pub(super) spans: Vec<(Origin, Span)>,
    pub(super) logs: Vec<(Origin, LogRecord)>,
    pub(super) points: Vec<(String, Attributes)>,
}

pub(super) fn read(request: &Json) -> Read {
    let mut read = Read::default();
    for envelope in
        ["resourceSpans", "resourceLogs", "resourceMetrics"].iter().flat_map(|key| list(request, key))
    {
        let resource = Resource { attributes: attributes(&envelope["resource"]), ..Resource::default() };
        for group in ["scopeSpans", "scopeLogs", "scopeMetrics"].iter().flat_map(|key| list(envelope, key)) {
            let scope = Scope { name: text(&group["scope"], "name"), ..Scope::default() };
            let origin = Origin { resource: resource.clone(), scope };
            read.spans.extend(list(group, "spans").iter().map(|one| (origin.clone(), span(one))));
            read.logs.extend(list(group, "logRecords").iter().map(|one| (origin.clone(), record(one))));
            for metric in list(group, "metrics") {
                let kinds = ["sum", "gauge", "histogram", "exponentialHistogram", "summary"];
                let points = kinds.iter().flat_map(|kind| list(&metric[kind], "dataPoints"));
                read.points.extend(points.map(|point| (text(metric, "name"), attributes(point))));
            }
        }
    }
    read
}

fn span(value: &Json) -> Span {
    Span {
        trace_id: hex(&text(value, "traceId")).unwrap_or_default(),
        span_id: hex(&text(value, "spanId")).unwrap_or_default(),
        parent: hex(&text(value, "parentSpanId")),
        name: text(value, "name"),
        kind: i32::try_from(number(value, "kind")).unwrap(),
        start_ns: number(value, "startTimeUnixNano"),
        end_ns: number(value, "endTimeUnixNano"),
        attributes: attributes(value),
        events: list(value, "events").iter().map(event).collect(),
        status_code: i32::try_from(number(&value["status"], "code")).unwrap(),
        status_message: text(&value["status"], "message"),
        ..Span::default()
    }
}

fn event(value: &Json) -> SpanEvent {
    SpanEvent {
        time_ns: number(value, "timeUnixNano"),
        name: text(value, "name"),
        attributes: attributes(value),
        ..SpanEvent::default()
    }
}

fn record(value: &Json) -> LogRecord {
    LogRecord {
        time_ns: number(value, "timeUnixNano"),
        observed_ns: number(value, "observedTimeUnixNano"),
        severity_number: i32::try_from(number(value, "severityNumber")).unwrap(),
        body: any(&value["body"]),
        attributes: attributes(value),
        trace_id: hex(&text(value, "traceId")),
        span_id: hex(&text(value, "spanId")),
        event_name: text(value, "eventName"),
        ..LogRecord::default()
    }
}

fn attributes(holder: &Json) -> Attributes {
    Attributes(list(holder, "attributes").iter().map(|one| (text(one, "key"), any(&one["value"]))).collect())
}

fn any(value: &Json) -> Value {
    let Some((kind, held)) = value.as_object().and_then(|members| members.iter().next()) else {
        return Value::Empty;
    };
    match kind.as_str() {
        "stringValue" => Value::Text(held.as_str().unwrap().to_owned()),
        "boolValue" => Value::Bool(held.as_bool().unwrap()),
        "intValue" => Value::Int(held.as_i64().or_else(|| held.as_str()?.parse().ok()).unwrap()),
        "doubleValue" => Value::Double(held.as_f64().unwrap()),
        "arrayValue" => Value::List(list(held, "values").iter().map(any).collect()),
        "kvlistValue" => {
            let members = list(held, "values").iter().map(|one| (text(one, "key"), any(&one["value"])));
            Value::Map(Attributes(members.collect()))
        }
        other => panic!("{other}"),
    }
}

fn list<'a>(value: &'a Json, key: &str) -> &'a [Json] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Json, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn number(value: &Json, key: &str) -> u64 {
    let held = &value[key];
    held.as_u64().or_else(|| held.as_str()?.parse().ok()).unwrap_or_default()
}

fn hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let bytes = (0..N).map(|at| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok());
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}
