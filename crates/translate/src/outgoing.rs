//! A request as the provider gets it.

use serde_json::Value;

use crate::digits;

/// A translated request.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// The provider's path, as it would be written after the provider's prefix.
    pub path: String,
    /// The query, without its question mark.
    pub query: Option<&'static str>,
    /// Headers that belong to the dialect, unless the client sends them itself.
    pub headers: Vec<(&'static str, String)>,
    /// The body; its numbers are as their author wrote them only in [`Outgoing::take_bytes`].
    pub(crate) body: Value,
    /// A tool that exists only to hold the answer as JSON: its arguments are the answer's text.
    pub answer_tool: Option<String>,
    /// The client wants one call at a time and the provider cannot be told: the answer's first is handed out.
    pub one_call: bool,
}

impl Outgoing {
    /// Takes the body as it is sent.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        digits::text(&std::mem::take(&mut self.body)).into_bytes()
    }
}
