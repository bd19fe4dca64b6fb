//! Turns of a model among a connection's messages: which begin one, which belong to it, which end it. What is said
//! between turns goes to the next one. Leaves out what a turn says (`dialect`).

mod lighten;
mod live;
mod realtime;
mod responses;

use super::Side;
use crate::dialect::Dialect;
use lighten::Recordings;

/// Bytes of what is said between two turns that are kept.
const BESIDE: usize = 1 << 20;
/// A session's settings are repeated in each turn's record up to this size.
const SESSION: usize = 256 << 10;
/// Turns that are followed at once. Providers answer one at a time, or a few beside each other.
const UNDER_WAY: usize = 64;
/// What a line that is kept costs beside its bytes.
const LINE: usize = 64;
/// An id that is longer is none (OpenAI's are 512 bytes at most).
const ID: usize = 1024;

/// How turns are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OpenAI's Responses, one JSON event a message.
    Responses,
    /// OpenAI's Realtime.
    Realtime,
    /// Gemini Live.
    Live,
}

impl Protocol {
    /// What is spoken where `dialect` is; `None` when it has no turns that are known.
    pub fn of(dialect: Dialect) -> Option<Self> {
        match dialect {
            Dialect::OpenaiResponses => Some(Self::Responses),
            Dialect::OpenaiRealtime => Some(Self::Realtime),
            Dialect::Gemini => Some(Self::Live),
            _ => None,
        }
    }
}

/// What a message means for the records of turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A turn begins.
    Begin(u64),
    /// It is asked this: the next bytes of its request.
    Asked(u64, Vec<u8>),
    /// Everything was asked.
    Sent(u64),
    /// This was said while it went on, as an event of a stream: the next bytes of its answer's record.
    Said {
        /// The turn.
        turn: u64,
        /// The event.
        bytes: Vec<u8>,
        /// The server says it, in answer to this turn.
        answers: bool,
    },
    /// It is over.
    Ended(u64),
}

/// The turns of one connection.
#[derive(Debug)]
pub struct Turns {
    protocol: Option<Protocol>,
    begun: u64,
    /// Turns under way, oldest first; never more than [`UNDER_WAY`].
    open: Vec<Open>,
    /// Turns that were asked for while as many were under way: nothing is told of them.
    passed_over: u64,
    /// Of them, those without an answer. They come after all that are open.
    unanswered: u64,
    beside: Beside,
    /// The last word on how the session is set up, and whose it is.
    session: Option<(Side, Vec<u8>)>,
    recordings: Recordings,
}

#[derive(Debug)]
struct Open {
    turn: u64,
    /// The answer's id, once the server gave one.
    response: Option<String>,
    /// What the client called its question.
    event: Option<String>,
}

/// What was said since the last turn, in order.
#[derive(Debug, Default)]
struct Beside {
    lines: Vec<(Side, Vec<u8>)>,
    bytes: usize,
    left_out: u64,
}

impl Beside {
    fn push(&mut self, side: Side, text: Vec<u8>) {
        let size = text.len() + LINE;
        if self.bytes + size > BESIDE {
            self.left_out += 1;
            return;
        }
        self.bytes += size;
        self.lines.push((side, text));
    }
}

impl Turns {
    /// The turns of a connection that speaks `protocol`.
    pub fn new(protocol: Option<Protocol>) -> Self {
        Self {
            protocol,
            begun: 0,
            open: Vec::new(),
            passed_over: 0,
            unanswered: 0,
            beside: Beside::default(),
            session: None,
            recordings: Recordings::default(),
        }
    }

    /// Turns that began so far.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Turns that nothing was told of, since too many were under way.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Whether an answer is due, be it one that nothing is told of.
    pub fn are_under_way(&self) -> bool {
        !self.open.is_empty() || self.unanswered > 0
    }

    /// Bytes kept of what was said.
    pub fn held(&self) -> usize {
        self.beside.bytes + self.session.as_ref().map_or(0, |(_, said)| said.len())
    }

    /// Takes the message that `side` sends next.
    pub fn take(&mut self, side: Side, text: &[u8], step: &mut impl FnMut(Step)) {
        match self.protocol {
            Some(Protocol::Responses) => self.take_responses(side, text, step),
            Some(Protocol::Realtime) => self.take_realtime(side, text, step),
            Some(Protocol::Live) => self.take_live(side, text, step),
            None => self.beside(side, text),
        }
    }

    /// What belongs to no turn, as lines: the client's, the server's.
    pub fn rest(&mut self) -> (Vec<u8>, Vec<u8>) {
        let (mut client, mut server) = (Vec::new(), Vec::new());
        let beside = std::mem::take(&mut self.beside);
        for (side, text) in self.session.take().into_iter().chain(beside.lines) {
            line(if side == Side::Client { &mut client } else { &mut server }, &text);
        }
        if beside.left_out > 0 {
            line(&mut client, &left_out(beside.left_out));
        }
        (client, server)
    }

    fn beside(&mut self, side: Side, text: &[u8]) {
        let text = self.recordings.lighten(text).into_owned();
        self.beside.push(side, text);
    }

    /// Whether one more turn can be followed. Answers come in order, so one that is passed over waits for its own first.
    fn has_room(&self) -> bool {
        self.open.len() < UNDER_WAY && self.unanswered == 0
    }

    /// A turn is asked for, and there is no room.
    fn pass_over(&mut self) {
        self.passed_over += 1;
        self.unanswered += 1;
        self.leave_out();
    }

    /// What is said belongs to a turn that was passed over.
    fn leave_out(&mut self) {
        self.beside.left_out += 1;
    }

    /// A new turn; it stays open until it is ended.
    fn begin(&mut self, step: &mut impl FnMut(Step)) -> u64 {
        let turn = self.begun;
        self.begun += 1;
        self.recordings = Recordings::default();
        self.open.push(Open { turn, response: None, event: None });
        step(Step::Begin(turn));
        turn
    }

    /// A turn whose request is everything since the last one, as lines: how the session is set up, what was said, and
    /// at last `text`.
    fn begin_with_lines(&mut self, text: Option<&[u8]>, step: &mut impl FnMut(Step)) -> u64 {
        let turn = self.begin(step);
        let beside = std::mem::take(&mut self.beside);
        let mut request = Vec::new();
        if let Some((_, session)) = &self.session {
            line(&mut request, session);
        }
        beside.lines.iter().for_each(|(_, said)| line(&mut request, said));
        if beside.left_out > 0 {
            line(&mut request, &left_out(beside.left_out));
        }
        text.iter().for_each(|text| line(&mut request, text));
        step(Step::Asked(turn, request));
        step(Step::Sent(turn));
        turn
    }

    /// Somebody says how the session is set up: that stands before everything else in what the next turns are asked.
    fn set_up(&mut self, side: Side, text: &[u8], step: &mut impl FnMut(Step)) {
        let fits = text.len() <= SESSION;
        self.session = fits.then(|| (side, text.to_vec()));
        if !fits || !self.open.is_empty() {
            self.said(self.last(), side, text, step);
        }
    }

    /// Something is said in the turn at `place` of those under way, or beside all of them.
    fn said(&mut self, place: Option<usize>, side: Side, text: &[u8], step: &mut impl FnMut(Step)) {
        let Some(open) = place.and_then(|place| self.open.get(place)) else { return self.beside(side, text) };
        let bytes = event(side, &self.recordings.lighten(text));
        step(Step::Said { turn: open.turn, bytes, answers: side == Side::Server });
    }

    fn end(&mut self, place: usize, step: &mut impl FnMut(Step)) {
        if place < self.open.len() {
            step(Step::Ended(self.open.remove(place).turn));
        }
    }

    fn last(&self) -> Option<usize> {
        self.open.len().checked_sub(1)
    }
}

fn left_out(count: u64) -> Vec<u8> {
    serde_json::json!({"type": "llmflow.left_out", "messages": count}).to_string().into_bytes()
}

/// JSON on one line: outside of strings a line's end means nothing, and inside there is none.
fn line(lines: &mut Vec<u8>, text: &[u8]) {
    lines.extend(text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    lines.push(b'\n');
}

/// A message as an event of a stream, the client's marked as such.
fn event(side: Side, text: &[u8]) -> Vec<u8> {
    let mut event = Vec::with_capacity(text.len() + 32);
    if side == Side::Client {
        event.extend_from_slice(b"event: client\n");
    }
    event.extend_from_slice(b"data: ");
    line(&mut event, text);
    event.push(b'\n');
    event
}
