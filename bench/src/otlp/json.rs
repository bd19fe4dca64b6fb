//! Spans as OTLP's JSON, as the JavaScript SDK writes it: times as texts, integers as numbers. Leaves out what varies
//! (`otlp`).

use serde_json::{Value, json};

use super::spans::{Said, Span};
use super::{Put, hex, stand_in, text_in, time_in, trace_bytes};

/// A span, after a comma but for the first one.
pub(super) fn span(span: &Span, first: bool) -> Vec<u8> {
    let attributes: Vec<Value> =
        span.said.iter().map(|(key, said)| json!({"key": key, "value": value(said, span.number)})).collect();
    let mut written = json!({
        "traceId": hex(&trace_bytes(Put::Trace(span.trace))),
        "spanId": format!("{:016x}", stand_in(Put::Span(span.number))),
        "name": span.name, "kind": span.kind, "attributes": attributes, "droppedAttributesCount": 0,
        "startTimeUnixNano": time_in(Put::Start(span.number)).to_string(),
        "endTimeUnixNano": time_in(Put::End(span.number)).to_string(),
        "events": [], "droppedEventsCount": 0, "status": {"code": 0}, "links": [], "droppedLinksCount": 0, "flags": 1,
    });
    if let (Some(parent), Some(fields)) = (span.parent, written.as_object_mut()) {
        fields.insert("parentSpanId".to_owned(), json!(format!("{:016x}", stand_in(Put::Span(parent)))));
    }
    format!("{}{written}", if first { "" } else { "," }).into_bytes()
}

/// A request with these scopes' spans, and where each scope's spans begin in it.
pub(super) fn request(groups: &[(&str, Vec<u8>)]) -> (Vec<u8>, Vec<usize>) {
    let text = |key: &str, text: &str| json!({"key": key, "value": {"stringValue": text}});
    let resource = json!({"attributes": [
        text("service.name", "bench"), text("service.version", "1.2.3"), text("telemetry.sdk.language", "nodejs"),
    ], "droppedAttributesCount": 0});
    let mut out = format!(r#"{{"resourceSpans":[{{"resource":{resource},"scopeSpans":["#).into_bytes();
    let mut begins = Vec::new();
    for (name, spans) in groups {
        if !begins.is_empty() {
            out.push(b',');
        }
        out.extend(format!(r#"{{"scope":{{"name":"{name}","version":"0.9.1"}},"spans":["#).into_bytes());
        begins.push(out.len());
        out.extend(spans);
        out.extend(b"]}");
    }
    out.extend(b"]}]}");
    (out, begins)
}

fn value(said: &Said, span: usize) -> Value {
    match said {
        Said::Word(text) => json!({"stringValue": text}),
        Said::Mark(before) => json!({"stringValue": format!("{before}{:016x}", stand_in(Put::Mark(span)))}),
        Said::Text(before, after) => json!({"stringValue": format!("{before}{}{after}", text_in())}),
        Said::Bool(yes) => json!({"boolValue": yes}),
        Said::Int(int) => json!({"intValue": int}),
        Said::Double(double) => json!({"doubleValue": double}),
        Said::Words(words) => {
            let values: Vec<Value> = words.iter().map(|word| json!({"stringValue": word})).collect();
            json!({"arrayValue": {"values": values}})
        }
    }
}
