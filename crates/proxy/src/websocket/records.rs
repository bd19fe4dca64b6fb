//! The records of one WebSocket: each turn is a call of its own; a connection without any is one call. Leaves out how
//! turns are told apart (`model::websocket`).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use api::{CallId, Header};
use http::header::{self, HeaderMap, HeaderValue};
use model::dialect::{WEBSOCKET, classify};
use model::websocket::{Broken, Extensions, Kind, Message, Messages, Protocol, Side, Step, Turns};

use crate::capture::{Ending, Head};
use crate::recorder::{Lease, Recorder, Tap};

/// The status of a handshake that both sides agreed on.
const SWITCHED: u16 = 101;
/// Close codes that say nothing went wrong.
const WELL: [u16; 3] = [1000, 1001, 1005];
/// What the record of a turn holds while it goes on, beside headers and bodies.
const TURN: usize = 4096;
/// What is said of what nobody saw.
const UNSEEN: &str = "LLMFlow had no memory left to follow this WebSocket: what came after is not recorded";
/// Under this name a connection's record tells how it was closed.
const CLOSED: header::HeaderName = header::HeaderName::from_static("websocket-close");

/// How a tunnel ended.
#[derive(Clone, Debug)]
pub(super) enum Over {
    /// The client left.
    Client,
    /// The upstream left, for this reason.
    Upstream(String),
    /// We stopped.
    Stopped,
    /// Nobody saw: there was no memory left to follow it.
    Unseen,
}

/// What is recorded of one connection.
pub(super) struct Records {
    tap: Tap,
    head: Head,
    origin: Instant,
    agreed: Instant,
    answer: HeaderMap,
    protocol: Option<Protocol>,
    client: Messages,
    server: Messages,
    /// Why nothing is read any more.
    unreadable: Option<String>,
    /// No turn was under way then, whose record could tell it.
    untold: bool,
    turns: Turns,
    /// The turns under way; those that began while recording was paused have no record.
    open: BTreeMap<u64, Option<Recorder>>,
    /// The first close frame.
    closed: Option<(Side, u16, String)>,
    held: usize,
    lease: Lease,
}

impl Records {
    pub(super) fn new(tap: &Tap, head: Head, origin: Instant, answer: &HeaderMap) -> Self {
        let agreed = answer.get_all(header::SEC_WEBSOCKET_EXTENSIONS);
        let extensions = Extensions::agreed(agreed.iter().filter_map(|value| value.to_str().ok()));
        let protocol = Protocol::of(classify(&head.provider.speaks, WEBSOCKET, &head.upstream_path));
        let limit = tap.limits.body;
        Self {
            tap: tap.clone(),
            head,
            origin,
            agreed: Instant::now(),
            answer: answer.clone(),
            protocol,
            client: Messages::new(Side::Client, extensions, limit),
            server: Messages::new(Side::Server, extensions, limit),
            unreadable: (!extensions.are_known())
                .then(|| "it uses an extension that LLMFlow does not know".to_owned()),
            untold: false,
            turns: Turns::new(protocol),
            open: BTreeMap::new(),
            closed: None,
            held: 0,
            lease: tap.budget.lease(),
        }
    }

    /// Whether it can be told that nothing is under way: one turn follows the other, and nothing is said between them.
    pub(super) fn knows_when_idle(&self) -> bool {
        self.protocol == Some(Protocol::Responses) && self.unreadable.is_none()
    }

    pub(super) fn has_turns(&self) -> bool {
        self.unreadable.is_none() && self.turns.are_under_way()
    }

    /// Bytes unpacked so far.
    pub(super) fn unpacked(&self) -> u64 {
        self.client.unpacked() + self.server.unpacked()
    }

    /// Takes bytes that `side` sent at `at`.
    pub(super) fn take(&mut self, side: Side, bytes: &[u8], at: Instant) {
        if self.unreadable.is_some() {
            return;
        }
        let mut messages = Vec::new();
        let direction = if side == Side::Client { &mut self.client } else { &mut self.server };
        let read = direction.push(bytes, &mut |message| messages.push(message));
        let told = messages.into_iter().try_for_each(|message| self.message(side, message, at));
        if let Err(error) = told.and(read).and_then(|()| self.account()) {
            tracing::debug!(%error, "a WebSocket is not read any further");
            self.unreadable = Some(error.to_string());
            self.untold = !self.open.values().any(Option::is_some);
            self.end_turns(&Ending::Truncated(no_further(&error.to_string())), at);
        }
    }

    /// Takes the memory of messages that are not over, and of what is kept for the next turn, from the budget of all copies.
    fn account(&mut self) -> Result<(), Broken> {
        let held = self.client.held() + self.server.held() + self.turns.held();
        if held < self.held {
            (self.held, self.lease) = (0, self.tap.budget.lease());
        }
        let more = held - self.held;
        if more > 0 && !self.lease.take(more) {
            return Err(Broken::Room);
        }
        self.held = held;
        Ok(())
    }

    fn message(&mut self, side: Side, message: Message, at: Instant) -> Result<(), Broken> {
        match message.kind {
            Kind::Ping | Kind::Pong => {}
            Kind::Close => {
                let (code, reason) = message.close().unwrap_or((1005, String::new()));
                self.closed.get_or_insert((side, code, reason));
            }
            Kind::Text | Kind::Binary => {
                let is_json = message.data.trim_ascii_start().starts_with(b"{");
                let size = message.data.len();
                let other = || format!("{{\"type\":\"llmflow.no_json\",\"bytes\":{size}}}").into_bytes();
                let text = if is_json { message.data } else { other() };
                let mut steps = Vec::new();
                self.turns.take(side, &text, &mut |step| steps.push(step));
                steps.into_iter().try_for_each(|step| self.step(step, at))?;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: Step, at: Instant) -> Result<(), Broken> {
        match step {
            Step::Begin(turn) => {
                let recorder = self.begin(at)?;
                self.open.insert(turn, recorder);
            }
            Step::Asked(turn, bytes) => {
                if let Some(recorder) = self.recorder(turn) {
                    recorder.request().push(&bytes.into());
                }
            }
            Step::Sent(turn) => {
                if let Some(recorder) = self.recorder(turn) {
                    recorder.request().sent_at(at);
                }
            }
            Step::Said { turn, bytes, answers } => {
                if let Some(recorder) = self.recorder(turn) {
                    if answers {
                        recorder.began_at(at);
                    }
                    recorder.piece(&bytes.into(), at);
                }
            }
            Step::Ended(turn) => {
                if let Some(mut recorder) = self.open.remove(&turn).flatten() {
                    recorder.ended_at(at);
                    recorder.end(Ending::Complete);
                }
            }
        }
        Ok(())
    }

    fn recorder(&mut self, turn: u64) -> Option<&mut Recorder> {
        self.open.get_mut(&turn)?.as_mut()
    }

    /// The record of a turn that begins at `at`.
    fn begin(&self, at: Instant) -> Result<Option<Recorder>, Broken> {
        if self.is_paused() {
            return Ok(None);
        }
        let mut lease = self.tap.budget.lease();
        if !lease.take(self.size_of_turn()) {
            return Err(Broken::Room);
        }
        let started = SystemTime::now().checked_sub(at.elapsed()).unwrap_or_else(SystemTime::now);
        let id = CallId::new(uuid::Uuid::now_v7());
        let head = Head { id, started, method: WEBSOCKET.to_owned(), ..self.head.clone() };
        let mut recorder = Recorder::open(&self.tap, head, at, None);
        recorder.hold(lease);
        recorder.answered_at(SWITCHED, &self.answer, None);
        Ok(Some(recorder))
    }

    /// What the record of one more turn takes before anything is said: each has the connection's headers.
    fn size_of_turn(&self) -> usize {
        let asked = self.head.headers.iter().map(|header| header.name.len() + header.value.len());
        let answered = self.answer.iter().map(|(name, value)| name.as_str().len() + value.len());
        asked.chain(answered).map(|size| size + size_of::<Header>()).sum::<usize>() + TURN
    }

    fn is_paused(&self) -> bool {
        let paused = self.tap.paused.load(Ordering::Relaxed);
        self.tap.counters.paused.fetch_add(u64::from(paused), Ordering::Relaxed);
        paused
    }

    fn end_turns(&mut self, ending: &Ending, at: Instant) {
        for mut recorder in std::mem::take(&mut self.open).into_values().flatten() {
            recorder.ended_at(at);
            recorder.end(ending.clone());
        }
    }

    /// The tunnel ended.
    pub(super) fn over(mut self, over: &Over, at: Instant) {
        let (ending, untold) = (self.ending(over), self.untold(over));
        let well = self.closed.as_ref().is_some_and(|(_, code, _)| WELL.contains(code));
        self.end_turns(&ending, at);
        if (self.turns.begun() > 0 && untold.is_none()) || self.is_paused() {
            return;
        }
        let (asked, said) = self.turns.rest();
        let mut recorder = Recorder::open(&self.tap, self.head, self.origin, None);
        recorder.request().push(&asked.into());
        recorder.request().sent_at(self.agreed);
        recorder.answered_at(SWITCHED, &self.answer, Some(self.agreed));
        if !said.is_empty() {
            recorder.piece(&said.into(), at);
        }
        if let Some((_, code, reason)) = &self.closed {
            let said = HeaderValue::from_str(format!("{code} {reason}").trim());
            let said = said.unwrap_or_else(|_| HeaderValue::from(*code));
            recorder.trailers(&HeaderMap::from_iter([(CLOSED, said)]));
        }
        recorder.ended_at(at);
        recorder.end(match untold {
            Some(reason) => Ending::Truncated(reason),
            // Outside of a turn a close is how such a connection ends.
            None if well => Ending::Complete,
            None => ending,
        });
    }

    /// Why something that was said here is in the record of no turn.
    fn untold(&self, over: &Over) -> Option<String> {
        let passed_over = self.turns.passed_over();
        if passed_over > 0 {
            return Some(format!(
                "too many turns were under way on this WebSocket at once: {passed_over} of them are not recorded"
            ));
        }
        if matches!(over, Over::Unseen) && self.unreadable.is_none() && self.open.is_empty() {
            return Some(UNSEEN.to_owned());
        }
        self.unreadable.as_deref().filter(|_| self.untold).map(no_further)
    }

    /// How what is under way ended. Who sent the first close frame ended it, whoever then left first.
    fn ending(&self, over: &Over) -> Ending {
        match (&self.closed, over) {
            (_, Over::Stopped) => {
                Ending::Truncated("LLMFlow was stopped while the call was under way".to_owned())
            }
            (_, Over::Unseen) => Ending::Truncated(UNSEEN.to_owned()),
            (Some((Side::Server, code, reason)), _) => {
                let said = format!("the upstream closed the WebSocket: {code} {reason}");
                Ending::Truncated(said.trim_end().to_owned())
            }
            (Some((Side::Client, ..)), _) | (None, Over::Client) => Ending::Cancelled,
            (None, Over::Upstream(reason)) => {
                Ending::Truncated(format!("the upstream's WebSocket broke off: {reason}"))
            }
        }
    }
}

fn no_further(reason: &str) -> String {
    format!("LLMFlow cannot read this WebSocket any further: {reason}")
}
