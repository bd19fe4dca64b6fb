//! Realtime: a turn is one `response`, which the client asks for or the server begins when it has heard enough.

use super::{Side, Step, Turns};
use crate::scanner::{member, string_member};

impl Turns {
    pub(super) fn take_realtime(&mut self, side: Side, text: &[u8], step: &mut impl FnMut(Step)) {
        let kind = string_member(text, "type").unwrap_or_default();
        match side {
            Side::Client if kind == "response.create" => {
                self.begin_with_lines(Some(text), step);
                if let Some(open) = self.open.last_mut() {
                    open.event = string_member(text, "event_id");
                }
            }
            Side::Client => self.said(self.last(), side, text, step),
            Side::Server => self.hear(&kind, text, step),
        }
    }

    fn hear(&mut self, kind: &str, text: &[u8], step: &mut impl FnMut(Step)) {
        let inner = member(text, "response").and_then(|response| string_member(response, "id"));
        let response = string_member(text, "response_id").or(inner);
        match kind {
            "session.created" | "session.updated" | "transcription_session.updated" => {
                self.set_up(Side::Server, text, step);
            }
            "response.created" => {
                let waiting = self.open.iter().position(|open| open.response.is_none());
                let place = waiting.unwrap_or_else(|| {
                    self.begin_with_lines(None, step);
                    self.open.len() - 1
                });
                if let Some(open) = self.open.get_mut(place) {
                    open.response = response;
                }
                self.said(Some(place), Side::Server, text, step);
            }
            "error" => {
                let refused = member(text, "error").and_then(|error| string_member(error, "event_id"));
                // A question that has no answer yet was refused, unless another message was meant.
                let waiting = self
                    .open
                    .iter()
                    .position(|open| open.response.is_none() && (refused.is_none() || open.event == refused));
                self.said(waiting.or(self.last()), Side::Server, text, step);
                if let Some(place) = waiting {
                    self.end(place, step);
                }
            }
            _ => {
                let of = |id: &String| self.open.iter().position(|open| open.response.as_ref() == Some(id));
                let place = response.as_ref().and_then(of);
                self.said(place.or(self.last()), Side::Server, text, step);
                if let Some(place) = place.filter(|_| kind == "response.done") {
                    self.end(place, step);
                }
            }
        }
    }
}
