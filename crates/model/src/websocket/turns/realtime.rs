//! Realtime: a turn is one `response`, which the client asks for or the server begins when it has heard enough.

use super::{ID, Side, Step, Turns};
use crate::scanner::{member, string_member};

impl Turns {
    pub(super) fn take_realtime(&mut self, side: Side, text: &[u8], step: &mut impl FnMut(Step)) {
        let kind = string_member(text, "type").unwrap_or_default();
        match side {
            Side::Client if kind == "response.create" && !self.has_room() => self.pass_over(),
            Side::Client if kind == "response.create" => {
                self.begin_with_lines(Some(text), step);
                if let Some(open) = self.open.last_mut() {
                    open.event = string_member(text, "event_id").filter(|id| id.len() <= ID);
                }
            }
            Side::Client => self.said(self.last(), side, text, step),
            Side::Server => self.hear(&kind, text, step),
        }
    }

    fn hear(&mut self, kind: &str, text: &[u8], step: &mut impl FnMut(Step)) {
        let inner = member(text, "response").and_then(|response| string_member(response, "id"));
        let response = string_member(text, "response_id").or(inner).filter(|id| id.len() <= ID);
        match kind {
            "session.created" | "session.updated" | "transcription_session.updated" => {
                self.set_up(Side::Server, text, step);
            }
            "response.created" => {
                let waiting = self.open.iter().position(|open| open.response.is_none());
                if waiting.is_none() && !self.has_room() {
                    // One that was passed over, or the server's own.
                    self.passed_over += u64::from(self.unanswered == 0);
                    self.unanswered = self.unanswered.saturating_sub(1);
                    return self.leave_out();
                }
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
                match waiting {
                    Some(place) => self.end(place, step),
                    None => self.unanswered = self.unanswered.saturating_sub(1),
                }
            }
            _ => {
                let of = |id: &String| self.open.iter().position(|open| open.response.as_ref() == Some(id));
                let place = response.as_ref().and_then(of);
                if place.is_none() && response.is_some() && self.passed_over > 0 {
                    return self.leave_out();
                }
                self.said(place.or(self.last()), Side::Server, text, step);
                if let Some(place) = place.filter(|_| kind == "response.done") {
                    self.end(place, step);
                }
            }
        }
    }
}
