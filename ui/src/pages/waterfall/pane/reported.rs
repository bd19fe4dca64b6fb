//! The Raw tab: the span as OTLP's JSON writes it, and the bodies of its call as they went over the wire.

use api::{Attribute, AttributeValue, ReportSource, SpanDetail};
use leptos::prelude::*;
use serde_json::{Value, json};

use super::Known;
use crate::components::code::Code;
use crate::components::copy_button::CopyButton;
use crate::pages::trace::parts;

/// The tab.
#[component]
pub fn Raw(known: Known) -> impl IntoView {
    let span = move || {
        known.span.and_then(|span| {
            span.with(|span| {
                let text = serde_json::to_string(&otlp(span?)).unwrap_or_default();
                let copied = text.clone();
                Some(view! {
                    <div class="http" data-testid="span-raw">
                        <h3 class="row">"The span as reported"<span class="end"></span>
                            <CopyButton text=move |()| copied.clone() title="Copy" class="cpb tiny" /></h3>
                        <Code text=text />
                    </div>
                })
            })
        })
    };
    let call = move || {
        known.call.with(|call| {
            let call = call.filter(|call| call.summary.sources.contains(&ReportSource::Proxy))?;
            Some(view! { <parts::Raw call=call.clone() /> })
        })
    };
    view! { {span}{call} }
}

/// The span in OTLP's JSON: 64-bit numbers are strings there.
fn otlp(span: &SpanDetail) -> Value {
    let row = &span.row;
    let events: Vec<Value> = span
        .events
        .iter()
        .map(|event| {
            json!({
                "timeUnixNano": event.time_ns.to_string(),
                "name": event.name,
                "attributes": attributes(&event.attributes),
                "droppedAttributesCount": event.dropped_attributes,
            })
        })
        .collect();
    let links: Vec<Value> = span
        .links
        .iter()
        .map(|link| {
            json!({
                "traceId": link.trace_id,
                "spanId": link.span_id,
                "traceState": link.trace_state,
                "flags": link.flags,
                "attributes": attributes(&link.attributes),
                "droppedAttributesCount": link.dropped_attributes,
            })
        })
        .collect();
    let reporter = &span.reporter;
    json!({
        "resource": {
            "attributes": attributes(&reporter.resource),
            "droppedAttributesCount": reporter.resource_dropped,
            "schemaUrl": reporter.resource_schema_url,
        },
        "scope": {
            "name": reporter.scope_name,
            "version": reporter.scope_version,
            "attributes": attributes(&reporter.scope),
        },
        "span": {
            "traceId": span.trace_id,
            "spanId": row.id,
            "parentSpanId": row.parent,
            "traceState": span.trace_state,
            "flags": span.flags,
            "name": row.name,
            "kind": span.kind,
            "startTimeUnixNano": row.start_ns.to_string(),
            "endTimeUnixNano": row.start_ns.saturating_add(row.duration_ns).to_string(),
            "status": {"code": span.status_code, "message": span.status_message},
            "attributes": attributes(&span.attributes),
            "droppedAttributesCount": span.dropped_attributes,
            "events": events,
            "droppedEventsCount": span.dropped_events,
            "links": links,
            "droppedLinksCount": span.dropped_links,
        },
    })
}

fn attributes(attributes: &[Attribute]) -> Vec<Value> {
    attributes.iter().map(|one| json!({"key": one.key, "value": value(&one.value)})).collect()
}

fn value(of: &AttributeValue) -> Value {
    match of {
        AttributeValue::Empty => json!({}),
        AttributeValue::Text(text) => json!({"stringValue": text}),
        AttributeValue::Bool(is) => json!({"boolValue": is}),
        AttributeValue::Int(number) => json!({"intValue": number.to_string()}),
        AttributeValue::Double(number) => json!({"doubleValue": number}),
        AttributeValue::NotFinite(word) => json!({"doubleValue": word}),
        AttributeValue::Bytes(base64) => json!({"bytesValue": base64}),
        AttributeValue::List(values) => {
            json!({"arrayValue": {"values": values.iter().map(value).collect::<Vec<_>>()}})
        }
        AttributeValue::Map(values) => json!({"kvlistValue": {"values": attributes(values)}}),
    }
}
