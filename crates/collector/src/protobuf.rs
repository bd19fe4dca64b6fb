//! OTLP as protobuf, read straight into the wire types: no generated structs in between, so that nothing is held twice,
//! a field of a wrong type is an unknown field, and a text that is no UTF-8 does not cost the batch.
//!
//! Field numbers are opentelemetry-proto's, v1.11. Leaves out the wire format itself (`reader`).

mod common;
mod log;
mod metric;
mod reader;
mod trace;

use model::telemetry::wire::{Export, Origin, Resource};

use crate::decode::{Group, Intake, Signal, Unreadable};
use reader::{Field, Fields};

/// Reads `Export{Trace,Logs,Metrics}ServiceRequest`.
pub(crate) fn export(signal: Signal, body: &[u8], intake: &mut Intake) -> Result<Export, Unreadable> {
    match signal {
        Signal::Traces => envelopes(body, intake, trace::span).map(Export::Traces),
        Signal::Logs => envelopes(body, intake, log::record).map(Export::Logs),
        Signal::Metrics => envelopes(body, intake, metric::metric).map(Export::Metrics),
    }
}

type Read<T> = fn(&[u8], &mut Intake) -> Result<Option<T>, Unreadable>;

/// The three signals' envelopes have the same numbers.
fn envelopes<T>(
    body: &[u8],
    intake: &mut Intake,
    read: Read<T>,
) -> Result<Vec<(Origin, Vec<T>)>, Unreadable> {
    let mut all = Vec::new();
    for field in Fields::of(body) {
        if let (1, Field::Bytes(envelope)) = field? {
            let (mut resource, mut bytes, mut groups) = (Resource::default(), 0, Vec::new());
            for field in Fields::of(envelope) {
                match field? {
                    (1, Field::Bytes(message)) => {
                        bytes += message.len();
                        common::resource(message, &mut resource, intake)?;
                    }
                    (2, Field::Bytes(message)) => groups.push(group(message, intake, read)?),
                    (3, Field::Bytes(url)) => resource.schema_url = common::text(url),
                    _ => {}
                }
            }
            intake.gather(resource, bytes, groups, &mut all)?;
        }
    }
    Ok(all)
}

fn group<T>(message: &[u8], intake: &mut Intake, read: Read<T>) -> Result<Group<T>, Unreadable> {
    intake.pay::<Group<T>>()?;
    let mut group = Group::default();
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(message)) => common::scope(message, &mut group.scope, intake)?,
            (2, Field::Bytes(message)) => {
                if let Some(record) = read(message, intake)? {
                    intake.pay::<T>()?;
                    group.records.push(record);
                }
            }
            (3, Field::Bytes(url)) => group.scope.schema_url = common::text(url),
            _ => {}
        }
    }
    Ok(group)
}

/// Which signal it is, by the fields of the first record that tells: the envelopes are alike.
pub(crate) fn guess(body: &[u8]) -> Option<Signal> {
    let within = |message, number| {
        Fields::of(message).map_while(Result::ok).filter_map(move |field| match field {
            (found, Field::Bytes(inner)) if found == number => Some(inner),
            _ => None,
        })
    };
    let records = within(body, 1).flat_map(|envelope| within(envelope, 2)).flat_map(|group| within(group, 2));
    records.take(100).find_map(guess_record)
}

/// What one record is: spans have times under 7 and 8, records of logs under 1 and 11, metrics a name under 1.
fn guess_record(record: &[u8]) -> Option<Signal> {
    let fields: Vec<_> = Fields::of(record).map_while(Result::ok).take(1000).collect();
    let any = |wanted: fn(&(u32, Field<'_>)) -> bool| fields.iter().any(wanted);
    if any(|field| matches!(field, (7 | 8, Field::Fixed64(_)) | (16, Field::Fixed32(_)))) {
        return Some(Signal::Traces);
    }
    if any(|field| {
        matches!(field, (1 | 11, Field::Fixed64(_)) | (2, Field::Varint(_)) | (8, Field::Fixed32(_)))
    }) {
        return Some(Signal::Logs);
    }
    let first = fields.iter().find_map(|field| match field {
        (1, Field::Bytes(bytes)) => Some(*bytes),
        _ => None,
    });
    match first {
        Some(id) if id.len() == 16 && !id.iter().all(u8::is_ascii_graphic) => Some(Signal::Traces),
        Some(_) => Some(Signal::Metrics),
        None => {
            any(|field| matches!(field, (3 | 5 | 6 | 9 | 10 | 12, Field::Bytes(_)))).then_some(Signal::Logs)
        }
    }
}
