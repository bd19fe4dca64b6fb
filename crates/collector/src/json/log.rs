//! Log records.

use model::telemetry::wire::{Attributes, LogRecord};

use crate::decode::{Intake, Unreadable, says_something};

use super::common::{any, attributes};
use super::reader::Reader;

pub(super) fn record(json: &mut Reader<'_>, intake: &mut Intake) -> Result<Option<LogRecord>, Unreadable> {
    let mut record =
        LogRecord { attributes: Attributes(Vec::with_capacity(intake.room())), ..LogRecord::default() };
    json.object(|json, key| {
        match key {
            "timeUnixNano" | "time_unix_nano" => json.unsigned(&mut record.time_ns)?,
            "observedTimeUnixNano" | "observed_time_unix_nano" => json.unsigned(&mut record.observed_ns)?,
            "severityNumber" | "severity_number" => {
                json.choice(&mut record.severity_number, "SEVERITY_NUMBER_", severity)?;
            }
            "severityText" | "severity_text" => json.string(&mut record.severity_text)?,
            "body" => record.body = any(json, 0, intake)?,
            "attributes" => attributes(json, &mut record.attributes, 0, intake)?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                json.narrow(&mut record.dropped_attributes)?;
            }
            "flags" => json.narrow(&mut record.flags)?,
            "traceId" | "trace_id" => record.trace_id = json.maybe_id()?,
            "spanId" | "span_id" => record.span_id = json.maybe_id()?,
            "eventName" | "event_name" => json.string(&mut record.event_name)?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    intake.attributes = record.attributes.0.len();
    if !says_something(&record) {
        intake.reject(|| "an empty log record".to_owned());
        return Ok(None);
    }
    Ok(Some(record))
}

/// `WARN` and `WARN1` are 13, `WARN2` is 14.
fn severity(name: &str) -> Option<i32> {
    let level = name.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let step: i32 =
        name.get(level.len()..).filter(|digits| !digits.is_empty()).unwrap_or("1").parse().ok()?;
    let first = match level {
        "UNSPECIFIED" => return Some(0),
        "TRACE" => 1,
        "DEBUG" => 5,
        "INFO" => 9,
        "WARN" | "WARNING" => 13,
        "ERROR" => 17,
        "FATAL" => 21,
        _ => return None,
    };
    (1..=4).contains(&step).then_some(first + step - 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn severities_have_names() {
        for (name, wanted) in [
            ("TRACE", Some(1)),
            ("INFO", Some(9)),
            ("INFO4", Some(12)),
            ("WARNING", Some(13)),
            ("FATAL4", Some(24)),
            ("FATAL5", None),
            ("UNSPECIFIED", Some(0)),
            ("LOUD", None),
        ] {
            assert_eq!(super::severity(name), wanted, "{name}");
        }
    }
}
