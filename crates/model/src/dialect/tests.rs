//! Every dialect on answers of its real shape, and all of them on rubbish. Owns what the cases share.
//! The answers are written for these tests; only their shapes are the providers'.

use api::{Conversation, Message, Part, Role, Usage};
use serde_json::{Value, json};

use super::*;

mod bedrock;
mod compatible;
mod failures;
mod fixtures;
mod native;
mod oracle;
mod requests;
mod rubbish;
mod wire;

/// An exchange that owns its bodies.
struct Case {
    provider: &'static str,
    path: &'static str,
    content_type: &'static str,
    status: u16,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Case {
    fn new(provider: &'static str, path: &'static str, response: impl Into<Vec<u8>>) -> Self {
        let content_type = "application/json";
        Self { provider, path, content_type, status: 200, request: Vec::new(), response: response.into() }
    }

    fn document(provider: &'static str, path: &'static str, response: &Value) -> Self {
        Self::new(provider, path, response.to_string())
    }

    fn stream(provider: &'static str, path: &'static str, events: &[Value]) -> Self {
        Self { content_type: "text/event-stream; charset=utf-8", ..Self::new(provider, path, sse(events)) }
    }

    fn exchange(&self) -> Exchange<'_> {
        Exchange {
            dialect: classify(self.provider, self.method(), self.path),
            provider: self.provider,
            path: self.path,
            request: &self.request,
            response: &self.response,
            status: Some(self.status),
            content_type: Some(self.content_type),
            by_headers: ByHeaders::default(),
        }
    }

    /// What only a WebSocket carries is a turn of one.
    fn method(&self) -> &'static str {
        if self.path.ends_with("/realtime") || self.path.ends_with(".BidiGenerateContent") {
            WEBSOCKET
        } else {
            "POST"
        }
    }

    fn read(&self) -> Reading {
        read(&self.exchange())
    }

    fn conversation(&self) -> Conversation {
        conversation(&self.exchange())
    }
}

/// A stream of `events`, each named by its type if it has one; a string is sent as it is.
fn sse(events: &[Value]) -> String {
    let line = |event: &Value| event.as_str().map_or_else(|| event.to_string(), str::to_owned);
    let name =
        |event: &Value| event.get("type").and_then(Value::as_str).map(|name| format!("event: {name}\n"));
    events
        .iter()
        .map(|event| format!("{}data: {}\n\n", name(event).unwrap_or_default(), line(event)))
        .collect()
}

fn text(text: &str) -> Part {
    Part::Text { text: text.to_owned() }
}

fn thinking(text: &str) -> Part {
    Part::Thinking { text: text.to_owned() }
}

fn call(id: Option<&str>, name: &str, arguments: &str) -> Part {
    Part::ToolCall { id: id.map(str::to_owned), name: name.to_owned(), arguments: arguments.to_owned() }
}

fn answer(case: &Case) -> Vec<Part> {
    case.conversation().answer.into_iter().flat_map(|message| message.parts).collect()
}
