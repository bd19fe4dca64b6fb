//! Log records.

use model::telemetry::wire::{Attributes, LogRecord};

use crate::decode::{Intake, Unreadable, optional, says_something};

use super::common::{any, attribute, int32, narrow, text};
use super::reader::{Field, Fields};

pub(super) fn record(message: &[u8], intake: &mut Intake) -> Result<Option<LogRecord>, Unreadable> {
    let mut record =
        LogRecord { attributes: Attributes(Vec::with_capacity(intake.room())), ..LogRecord::default() };
    for field in Fields::of(message) {
        match field? {
            (1, Field::Fixed64(time)) => record.time_ns = time,
            (2, Field::Varint(number)) => record.severity_number = int32(number),
            (3, Field::Bytes(bytes)) => record.severity_text = text(bytes),
            (5, Field::Bytes(message)) => record.body = any(message, 0, intake)?,
            (6, Field::Bytes(message)) => attribute(message, &mut record.attributes, 0, intake)?,
            (7, Field::Varint(count)) => record.dropped_attributes = narrow(count),
            (8, Field::Fixed32(flags)) => record.flags = flags,
            (9, Field::Bytes(bytes)) => record.trace_id = optional(bytes),
            (10, Field::Bytes(bytes)) => record.span_id = optional(bytes),
            (11, Field::Fixed64(time)) => record.observed_ns = time,
            (12, Field::Bytes(bytes)) => record.event_name = text(bytes),
            _ => {}
        }
    }
    intake.attributes = record.attributes.0.len();
    if !says_something(&record) {
        intake.reject(|| "an empty log record".to_owned());
        return Ok(None);
    }
    Ok(Some(record))
}
