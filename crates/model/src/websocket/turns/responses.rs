//! Responses over a WebSocket: `response.create` asks, events answer, one turn after the other.

use super::{Side, Step, Turns, event, left_out};
use crate::scanner::string_member;

/// The events that a turn ends with.
const TERMINAL: [&str; 6] = [
    "response.completed",
    "response.failed",
    "response.incomplete",
    "response.cancelled",
    "response.done",
    "error",
];

impl Turns {
    pub(super) fn take_responses(&mut self, side: Side, text: &[u8], step: &mut impl FnMut(Step)) {
        let kind = string_member(text, "type").unwrap_or_default();
        if side == Side::Client && kind == "response.create" {
            if !self.has_room() {
                return self.pass_over();
            }
            let turn = self.begin(step);
            step(Step::Asked(turn, text.to_vec()));
            step(Step::Sent(turn));
            // What was said since the last turn is no part of the request.
            let beside = std::mem::take(&mut self.beside);
            for (side, said) in &beside.lines {
                step(Step::Said { turn, bytes: event(*side, said), answers: false });
            }
            if beside.left_out > 0 {
                let bytes = event(Side::Client, &left_out(beside.left_out));
                step(Step::Said { turn, bytes, answers: false });
            }
            return;
        }
        // Answers come in the order of what was asked.
        let over = side == Side::Server && TERMINAL.contains(&kind.as_str());
        if side == Side::Server && self.open.is_empty() && self.unanswered > 0 {
            self.unanswered -= u64::from(over);
            return self.leave_out();
        }
        let place = (!self.open.is_empty()).then_some(0);
        self.said(place, side, text, step);
        if over {
            self.end(0, step);
        }
    }
}
