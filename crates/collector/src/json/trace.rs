//! Spans.

use model::telemetry::wire::{Attributes, Link, Span, SpanEvent};

use crate::decode::{Ids, Intake, Unreadable};

use super::common::attributes;
use super::reader::Reader;

pub(super) fn span(json: &mut Reader<'_>, intake: &mut Intake) -> Result<Option<Span>, Unreadable> {
    let mut ids = Ids::default();
    let mut span = Span { attributes: Attributes(Vec::with_capacity(intake.room())), ..Span::default() };
    json.object(|json, key| {
        match key {
            "traceId" | "trace_id" => (ids.trace, span.trace_id) = json.id()?,
            "spanId" | "span_id" => (ids.span, span.span_id) = json.id()?,
            "parentSpanId" | "parent_span_id" => span.parent = json.maybe_id()?,
            "traceState" | "trace_state" => json.string(&mut span.trace_state)?,
            "flags" => json.narrow(&mut span.flags)?,
            "name" => json.string(&mut span.name)?,
            "kind" => json.choice(&mut span.kind, "SPAN_KIND_", kind)?,
            "startTimeUnixNano" | "start_time_unix_nano" => json.unsigned(&mut span.start_ns)?,
            "endTimeUnixNano" | "end_time_unix_nano" => json.unsigned(&mut span.end_ns)?,
            "attributes" => attributes(json, &mut span.attributes, 0, intake)?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                json.narrow(&mut span.dropped_attributes)?;
            }
            "events" => json.list(|json| {
                intake.pay::<SpanEvent>()?;
                span.events.push(event(json, intake)?);
                Ok(())
            })?,
            "droppedEventsCount" | "dropped_events_count" => json.narrow(&mut span.dropped_events)?,
            "links" => json.list(|json| {
                intake.pay::<Link>()?;
                span.links.push(link(json, intake)?);
                Ok(())
            })?,
            "droppedLinksCount" | "dropped_links_count" => json.narrow(&mut span.dropped_links)?,
            "status" => status(json, &mut span)?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    intake.attributes = span.attributes.0.len();
    Ok(intake.span(span, ids))
}

fn kind(name: &str) -> Option<i32> {
    ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
        .iter()
        .zip(0..)
        .find_map(|(known, number)| (*known == name).then_some(number))
}

fn status(json: &mut Reader<'_>, span: &mut Span) -> Result<(), Unreadable> {
    json.object(|json, key| match key {
        "message" => json.string(&mut span.status_message),
        "code" => json.choice(&mut span.status_code, "STATUS_CODE_", |name| match name {
            "UNSET" => Some(0),
            "OK" => Some(1),
            "ERROR" => Some(2),
            _ => None,
        }),
        _ => json.skip(),
    })
}

fn event(json: &mut Reader<'_>, intake: &mut Intake) -> Result<SpanEvent, Unreadable> {
    let mut event = SpanEvent::default();
    json.object(|json, key| match key {
        "timeUnixNano" | "time_unix_nano" => json.unsigned(&mut event.time_ns),
        "name" => json.string(&mut event.name),
        "attributes" => attributes(json, &mut event.attributes, 0, intake),
        "droppedAttributesCount" | "dropped_attributes_count" => json.narrow(&mut event.dropped_attributes),
        _ => json.skip(),
    })?;
    Ok(event)
}

fn link(json: &mut Reader<'_>, intake: &mut Intake) -> Result<Link, Unreadable> {
    let mut link = Link::default();
    json.object(|json, key| {
        match key {
            "traceId" | "trace_id" => link.trace_id = json.id()?.1,
            "spanId" | "span_id" => link.span_id = json.id()?.1,
            "traceState" | "trace_state" => json.string(&mut link.trace_state)?,
            "attributes" => attributes(json, &mut link.attributes, 0, intake)?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                json.narrow(&mut link.dropped_attributes)?;
            }
            "flags" => json.narrow(&mut link.flags)?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    Ok(link)
}
