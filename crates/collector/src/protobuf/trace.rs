//! Spans.

use model::telemetry::wire::{Attributes, Link, Span, SpanEvent};

use crate::decode::{Id, Ids, Intake, Unreadable, optional};

use super::common::{attribute, int32, narrow, text};
use super::reader::{Field, Fields};

pub(super) fn span(message: &[u8], intake: &mut Intake) -> Result<Option<Span>, Unreadable> {
    let mut ids = Ids::default();
    let mut span = Span { attributes: Attributes(Vec::with_capacity(intake.room())), ..Span::default() };
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(bytes)) => (ids.trace, span.trace_id) = Id::of(bytes),
            (2, Field::Bytes(bytes)) => (ids.span, span.span_id) = Id::of(bytes),
            (3, Field::Bytes(bytes)) => span.trace_state = text(bytes),
            (4, Field::Bytes(bytes)) => span.parent = optional(bytes),
            (5, Field::Bytes(bytes)) => span.name = text(bytes),
            (6, Field::Varint(kind)) => span.kind = int32(kind),
            (7, Field::Fixed64(time)) => span.start_ns = time,
            (8, Field::Fixed64(time)) => span.end_ns = time,
            (9, Field::Bytes(message)) => attribute(message, &mut span.attributes, 0, intake)?,
            (10, Field::Varint(count)) => span.dropped_attributes = narrow(count),
            (11, Field::Bytes(message)) => {
                intake.pay::<SpanEvent>()?;
                span.events.push(event(message, intake)?);
            }
            (12, Field::Varint(count)) => span.dropped_events = narrow(count),
            (13, Field::Bytes(message)) => {
                intake.pay::<Link>()?;
                span.links.push(link(message, intake)?);
            }
            (14, Field::Varint(count)) => span.dropped_links = narrow(count),
            (15, Field::Bytes(message)) => status(message, &mut span)?,
            (16, Field::Fixed32(flags)) => span.flags = flags,
            _ => {}
        }
    }
    intake.attributes = span.attributes.0.len();
    Ok(intake.span(span, ids))
}

fn status(message: &[u8], span: &mut Span) -> Result<(), Unreadable> {
    for field in Fields::of(message) {
        match field? {
            (2, Field::Bytes(bytes)) => span.status_message = text(bytes),
            (3, Field::Varint(code)) => span.status_code = int32(code),
            _ => {}
        }
    }
    Ok(())
}

fn event(message: &[u8], intake: &mut Intake) -> Result<SpanEvent, Unreadable> {
    let mut event = SpanEvent::default();
    for field in Fields::of(message) {
        match field? {
            (1, Field::Fixed64(time)) => event.time_ns = time,
            (2, Field::Bytes(bytes)) => event.name = text(bytes),
            (3, Field::Bytes(message)) => attribute(message, &mut event.attributes, 0, intake)?,
            (4, Field::Varint(count)) => event.dropped_attributes = narrow(count),
            _ => {}
        }
    }
    Ok(event)
}

fn link(message: &[u8], intake: &mut Intake) -> Result<Link, Unreadable> {
    let mut link = Link::default();
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(bytes)) => link.trace_id = Id::of(bytes).1,
            (2, Field::Bytes(bytes)) => link.span_id = Id::of(bytes).1,
            (3, Field::Bytes(bytes)) => link.trace_state = text(bytes),
            (4, Field::Bytes(message)) => attribute(message, &mut link.attributes, 0, intake)?,
            (5, Field::Varint(count)) => link.dropped_attributes = narrow(count),
            (6, Field::Fixed32(flags)) => link.flags = flags,
            _ => {}
        }
    }
    Ok(link)
}
