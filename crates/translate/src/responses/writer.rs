//! Writing an answer as the events of a response, or as one response: the last event holds it whole.

use serde_json::{Value, json};

use super::event::Events;
use super::items::{Item, Kind, Said};
use super::object::{Echo, Head, Status, response};
use super::proof;
use crate::delta::{Delta, Failure, Finish, Usage};

/// The most of an answer that is held, in bytes: its last event repeats all of it.
const LARGEST: usize = 64 << 20;

/// A response as it is written.
#[derive(Debug)]
pub(crate) struct Writer {
    head: Head,
    events: Events,
    begun: bool,
    closed: bool,
    open: Option<Item>,
    output: Vec<Value>,
    /// Bytes that may still be told.
    pub(super) room: usize,
    refused: bool,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

impl Writer {
    /// The writer of an answer to a request for `model`, `created` at that many seconds since 1970.
    pub(crate) fn new(model: &str, echo: Echo, created: u64) -> Self {
        Self {
            head: Head { id: format!("resp_{created}"), model: model.to_owned(), created, echo },
            events: Events::default(),
            begun: false,
            closed: false,
            open: None,
            output: Vec::new(),
            room: LARGEST,
            refused: false,
            finish: None,
            usage: None,
        }
    }

    /// The whole answer, or what went wrong in it.
    pub(crate) fn whole(mut self, deltas: Vec<Delta>) -> Result<Value, Failure> {
        let mut out = Vec::new();
        for delta in deltas {
            if let Delta::Error(failure) = delta {
                return Err(failure);
            }
            self.write(delta, &mut out);
            out.clear();
        }
        let status = self.status();
        self.end_item(item_word(&status), &mut out);
        Ok(response(&self.head, &status, &self.output, self.usage.as_ref()))
    }

    /// Writes what `delta` adds.
    pub(crate) fn write(&mut self, delta: Delta, out: &mut Vec<u8>) {
        if self.closed {
            return;
        }
        let Some(room) = self.room.checked_sub(size(&delta)) else {
            let message =
                format!("The answer is larger than {} MiB, the most that LLMFlow holds.", LARGEST >> 20);
            return self.end(&Status::Failed(Failure::of_upstream(message)), out);
        };
        self.room = room;
        match delta {
            Delta::Start { id, model } => {
                if !id.is_empty() {
                    self.head.id = format!("resp_{id}");
                }
                if !model.is_empty() {
                    self.head.model = model;
                }
                self.begin(out);
            }
            Delta::Text(text) => self.message(Said::Text, &text, out),
            Delta::Refused(text) => {
                self.refused = true;
                self.message(Said::Refusal, &text, out);
            }
            Delta::Reasoning(text) => {
                let (item, events) =
                    self.item(|kind| matches!(kind, Kind::Reasoning { proof: None, .. }), new_thought, out);
                item.think(&text, events, out);
            }
            Delta::ReasoningProof(proof) => {
                let open = |kind: &Kind| matches!(kind, Kind::Reasoning { proof: None, text: Some(_) });
                let (item, _) = self.item(open, new_thought, out);
                if let Kind::Reasoning { proof: own, .. } = &mut item.kind {
                    *own = Some(proof::packed(&proof));
                }
            }
            Delta::ToolStart { id, name, .. } => {
                let (namespace, name) = self.head.echo.apart(name);
                let call = || Kind::Call { call_id: id, namespace, name, arguments: String::new() };
                self.item(|_| false, call, out);
            }
            Delta::ToolArguments { text, .. } => {
                if let Some(item) = &mut self.open {
                    item.argue(&text, &mut self.events, out);
                }
            }
            Delta::Finish(finish) => self.finish = Some(finish),
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Error(failure) => self.end(&Status::Failed(failure), out),
            Delta::End => self.close(out),
            // There is one answer to a response.
            Delta::Choice(_) => {}
        }
    }

    /// Ends the stream: there is nothing more from the provider.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) {
        if !self.closed {
            let status = self.status();
            self.end(&status, out);
        }
    }

    fn status(&self) -> Status {
        match self.finish {
            None => {
                Status::Failed(Failure::of_upstream("The provider's stream ended before its last event."))
            }
            Some(Finish::Length) => Status::Incomplete("max_output_tokens"),
            Some(Finish::ContentFilter) if !self.refused => Status::Incomplete("content_filter"),
            Some(Finish::Stop | Finish::ToolCalls | Finish::ContentFilter) => Status::Completed,
        }
    }

    fn end(&mut self, status: &Status, out: &mut Vec<u8>) {
        self.begin(out);
        self.end_item(item_word(status), out);
        let name = format!("response.{}", status.word());
        let whole = response(&self.head, status, &self.output, self.usage.as_ref());
        self.events.write(&name, json!({"response": whole}), out);
        self.closed = true;
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            for name in ["response.created", "response.in_progress"] {
                let begun = response(&self.head, &Status::InProgress, &[], None);
                self.events.write(name, json!({"response": begun}), out);
            }
        }
    }

    fn message(&mut self, said: Said, text: &str, out: &mut Vec<u8>) {
        let new = || Kind::Message { parts: Vec::new(), open: None };
        let (item, events) = self.item(|kind| matches!(kind, Kind::Message { .. }), new, out);
        item.say(said, text, events, out);
    }

    /// The open item if it `fits`, else a new one.
    fn item(
        &mut self,
        fits: impl Fn(&Kind) -> bool,
        new: impl FnOnce() -> Kind,
        out: &mut Vec<u8>,
    ) -> (&mut Item, &mut Events) {
        self.begin(out);
        if !self.open.as_ref().is_some_and(|item| fits(&item.kind)) {
            self.end_item("completed", out);
        }
        let (head, index) = (&self.head, self.output.len());
        let events = &mut self.events;
        let item = self.open.get_or_insert_with(|| {
            let kind = new();
            let prefix = match kind {
                Kind::Message { .. } => "msg",
                Kind::Reasoning { .. } => "rs",
                Kind::Call { .. } => "fc",
            };
            let own = head.id.strip_prefix("resp_").unwrap_or_default();
            let item = Item { id: format!("{prefix}_{own}_{index}"), index, kind };
            item.begin(events, out);
            item
        });
        (item, events)
    }

    fn end_item(&mut self, status: &str, out: &mut Vec<u8>) {
        if let Some(item) = self.open.take() {
            let whole = item.end(status, &mut self.events, out);
            self.output.push(whole);
        }
    }
}

/// What of an answer a piece adds to what is held.
fn size(delta: &Delta) -> usize {
    match delta {
        Delta::Text(text) | Delta::Refused(text) | Delta::Reasoning(text) => text.len(),
        Delta::ToolArguments { text, .. } => text.len(),
        // Each call is an item, however little it says.
        Delta::ToolStart { id, name, .. } => id.len() + name.len() + 256,
        _ => 0,
    }
}

/// How the last item stands when the response ends so.
fn item_word(status: &Status) -> &'static str {
    if *status == Status::Completed { "completed" } else { "incomplete" }
}

fn new_thought() -> Kind {
    Kind::Reasoning { text: None, proof: None }
}
