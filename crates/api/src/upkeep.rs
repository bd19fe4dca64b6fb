//! Looking after what is stored: what takes space, what is deleted and when, copies of it. Leaves out doing it.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{CallFilter, CallId, SessionRef};

/// What is to be deleted, for good. Calls under way are never deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", content = "which", rename_all = "snake_case")]
pub enum Erase {
    /// One call, with what others told of it.
    Call(CallId),
    /// A session: its calls, traces and log records.
    Session(SessionRef),
    /// A trace, by its id in hex: its spans, log records and calls.
    Trace(String),
    /// Everything that a tool or SDK sent or told of, by its name.
    Client(String),
    /// The calls that match, with what others told of them. A filter that asks for nothing matches none.
    #[serde(deserialize_with = "named")]
    Calls(Box<CallFilter>),
    /// Everything from before this moment, in milliseconds since 1970 (UTC). What began before and went on stays.
    Before(i64),
    /// Everything.
    Everything,
}

/// A filter by the names of what it asks for. In an array it would be read by position, and a name that nobody knows would
/// be passed over: either deletes more than was meant.
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<CallFilter>, D::Error> {
    let said = Map::<String, Value>::deserialize(deserializer)?;
    let known = serde_json::to_value(CallFilter::default()).map_err(D::Error::custom)?;
    match said.keys().find(|name| known.get(name.as_str()).is_none()) {
        Some(name) => Err(D::Error::custom(format!("there is no filter {name:?}"))),
        None => Box::deserialize(Value::Object(said)).map_err(D::Error::custom),
    }
}

/// What is deleted, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Erased {
    /// Calls.
    pub calls: u64,
    /// Traces.
    pub traces: u64,
    /// Spans.
    pub spans: u64,
    /// Log records.
    pub logs: u64,
    /// Metric points.
    pub points: u64,
}

impl Erased {
    /// Whether there is nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what went with another step.
    pub fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.traces += more.traces;
        self.spans += more.spans;
        self.logs += more.logs;
        self.points += more.points;
    }
}

/// What the database holds, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Storage {
    /// Bytes of the database files.
    pub disk_bytes: u64,
    /// Of them, free and to be given back.
    pub free_bytes: u64,
    /// What takes the space, the largest first.
    pub parts: Vec<StoragePart>,
    /// When the oldest call began, in milliseconds since 1970 (UTC).
    pub oldest_ms: Option<i64>,
    /// What is kept, and what goes when.
    pub retention: Retention,
}

/// What is kept, and what goes when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// What is kept.
    pub limits: Limits,
    /// When it is looked next whether something is to go, in milliseconds since 1970 (UTC).
    pub next_ms: Option<i64>,
    /// When something went last.
    pub last: Option<LastErased>,
    /// Deleted things are being overwritten and their space is given back right now.
    pub tidying: bool,
}

/// Something that takes space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoragePart {
    /// What: `bodies`, `calls`, `search`, `reports`, `spans`, `logs`, `metrics`, `former` or `other`.
    pub name: String,
    /// Bytes in the database.
    pub bytes: u64,
    /// How many there are, where that can be said.
    pub rows: Option<u64>,
}

/// What is kept. `None`: without a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Days.
    pub days: Option<u64>,
    /// Bytes of the database files.
    pub bytes: Option<u64>,
    /// Traces, and calls that are in none.
    pub traces: Option<u64>,
    /// Log records.
    pub logs: Option<u64>,
    /// Metric points.
    pub metrics: Option<u64>,
}

/// What retention deleted last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastErased {
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// What.
    pub erased: Erased,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn which_calls_go_is_said_by_names_that_are_known() {
        let read = |which: Value| serde_json::from_value::<Erase>(json!({"what": "calls", "which": which}));
        let filter = CallFilter { model: Some("m".into()), session: Some(u64::MAX), ..CallFilter::default() };
        let what = Erase::Calls(Box::new(filter));
        assert_eq!(serde_json::from_value::<Erase>(serde_json::to_value(&what).unwrap()).unwrap(), what);
        assert!(read(json!({"from_mss": 5, "model": "m"})).unwrap_err().to_string().contains("\"from_mss\""));
        assert!(read(json!(["m"])).is_err(), "not by position");
        assert!(read(json!(null)).is_err());
    }
}
