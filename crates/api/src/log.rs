//! Log records and events that tools report. Leaves out storing and reading them.

use serde::{Deserialize, Serialize};

use crate::{Attribute, AttributeValue, CallId, HistogramBar, Reporter};

/// A log record as a list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRow {
    /// Names it: 32 hexadecimal digits, which sort by time.
    pub id: String,
    /// When it happened, else when it was noticed, in nanoseconds since 1970 (UTC).
    pub time_ns: i64,
    /// OTLP's number: 1 to 4 trace, to 8 debug, to 12 info, to 16 warn, to 20 error, to 24 fatal; 0 when nobody said.
    pub severity: u8,
    /// The event's name, where it is one.
    pub event: Option<String>,
    /// Who reported (`service.name`).
    pub service: Option<String>,
    /// What it says, in one line of at most 1,000 characters: what happened, where the event is one we know, else its
    /// body.
    pub text: String,
    /// The trace, in hex.
    pub trace_id: Option<String>,
    /// The span, in hex.
    pub span_id: Option<String>,
    /// The session's id as the client names it.
    pub session_id: Option<String>,
    /// The call of a model that it tells of.
    pub call: Option<CallId>,
}

/// Which log records. Every field given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogFilter {
    /// Stands in the text that the list shows, in the event's name or the service's; upper and lower case alike.
    pub text: Option<String>,
    /// Of this service.
    pub service: Option<String>,
    /// This event.
    pub event: Option<String>,
    /// At least this severe, by OTLP's number.
    pub severity_min: Option<u8>,
    /// Of this trace, in hex.
    pub trace_id: Option<String>,
    /// Of this span, in hex.
    pub span_id: Option<String>,
    /// Of this session, by the client's id.
    pub session_id: Option<String>,
    /// At or after, in milliseconds since 1970 (UTC).
    pub from_ms: Option<i64>,
    /// Before, in milliseconds since 1970 (UTC).
    pub to_ms: Option<i64>,
}

/// A page of log records, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogsPage {
    /// The records.
    pub logs: Vec<LogRow>,
    /// How many match in all.
    pub total: u64,
    /// Where the texts of too many would have to be read for what is searched for, those of the newest were: of none before
    /// this moment, in milliseconds since 1970 (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_back_to_ms: Option<i64>,
}

/// Log records over time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogHistogram {
    /// Equal bars, the empty ones too; errors are those of severity 17 and above.
    pub bars: Vec<HistogramBar>,
    /// As [`LogsPage::read_back_to_ms`]: bars before it lack records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_back_to_ms: Option<i64>,
}

/// Values that log filters can take, most used first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogFacets {
    /// Services.
    pub services: Vec<String>,
    /// Events.
    pub events: Vec<String>,
}

/// Everything about one log record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogDetail {
    /// The row.
    pub row: LogRow,
    /// When it happened, in nanoseconds since 1970 (UTC); 0 when the sender did not say.
    pub time_ns: i64,
    /// When it was noticed; 0 when the sender did not say.
    pub observed_ns: i64,
    /// The sender's word for how severe it is.
    pub severity_text: String,
    /// The field `event_name` as sent.
    pub event_name: String,
    /// The body as sent.
    pub body: AttributeValue,
    /// More about it.
    pub attributes: Vec<Attribute>,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
    /// W3C's flags.
    pub flags: u32,
    /// Who reported it.
    pub reporter: Reporter,
}

/// A page of whole log records, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogDetails {
    /// The records.
    pub logs: Vec<LogDetail>,
    /// How many match in all.
    pub total: u64,
    /// As [`LogsPage::read_back_to_ms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_back_to_ms: Option<i64>,
}
