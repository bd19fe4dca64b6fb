//! Gemini Live: a turn begins with what the client says to its end, or with the model's first word, and ends with
//! `turnComplete`.

use serde_json::Value;

use super::{Side, Step, Turns};
use crate::scanner::member;

impl Turns {
    pub(super) fn take_live(&mut self, side: Side, text: &[u8], step: &mut impl FnMut(Step)) {
        let has = |name: &str| member(text, name).is_some();
        match side {
            Side::Client if has("setup") => self.set_up(side, text, step),
            Side::Client if self.open.is_empty() && asks(text) => {
                self.begin_with_lines(Some(text), step);
            }
            Side::Client => self.said(self.last(), side, text, step),
            Side::Server => {
                let answers = has("toolCall") || member(text, "serverContent").is_some_and(is_output);
                if self.open.is_empty() && answers {
                    self.begin_with_lines(None, step);
                }
                self.said(self.last(), side, text, step);
                let over = member(text, "serverContent").and_then(|content| member(content, "turnComplete"));
                if over == Some(b"true") {
                    self.end(0, step);
                }
            }
        }
    }
}

/// Whether the client has said everything and waits.
fn asks(text: &[u8]) -> bool {
    let content = member(text, "clientContent");
    content.and_then(|content| member(content, "turnComplete")) == Some(b"true")
        || member(text, "toolResponse").is_some()
}

/// Whether the model says something; that it was heard is no answer.
fn is_output(content: &[u8]) -> bool {
    let content: Value = serde_json::from_slice(content).unwrap_or_default();
    ["modelTurn", "outputTranscription"].iter().any(|name| content.get(name).is_some())
}
