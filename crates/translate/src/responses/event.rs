//! The frames of a stream of events: each has its name twice and its number in the stream.

use serde_json::{Map, Value};

use crate::digits;

/// Numbers events and writes them.
#[derive(Debug, Default)]
pub(super) struct Events {
    next: u64,
}

impl Events {
    /// Writes an event; `data` is an object.
    pub(super) fn write(&mut self, name: &str, data: Value, out: &mut Vec<u8>) {
        let mut event = Map::new();
        event.insert("type".to_owned(), Value::from(name));
        event.insert("sequence_number".to_owned(), Value::from(self.next));
        self.next += 1;
        if let Value::Object(members) = data {
            event.extend(members);
        }
        let frame = format!("event: {name}\ndata: {}\n\n", digits::text(&Value::Object(event)));
        out.extend_from_slice(frame.as_bytes());
    }
}
