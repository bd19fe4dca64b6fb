//! Sessions that go in circles: what their last calls asked and did, in memory, and what was found. Leaves out the rule
//! (`model::repeat`). A restart forgets it: what matters is what goes on now.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::{CallId, CallSummary, FoundLoop, Money};
use model::repeat::{Repeat, Step, looked_at, repeats};
use proxy::{Bar, Bars};

use crate::pipeline::millis;
use crate::settings::Settings;

/// Conversations that are remembered; the one that said nothing for longest is forgotten first.
const MOST: usize = 512;
/// Loops that are listed.
const LISTED: usize = 100;
/// Calls of a session in a loop are refused for so long after its last one.
const REFUSED_MS: i64 = 10 * 60 * 1_000;

/// A call that ended, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Noted {
    /// The conversation: a session's agent, or who says these first words.
    pub(crate) conversation: String,
    pub(crate) session: Option<String>,
    pub(crate) step: Step,
    pub(crate) call: CallId,
    pub(crate) client: Option<String>,
    pub(crate) started_ms: i64,
    pub(crate) cost: Money,
    pub(crate) equivalent: Money,
}

impl Noted {
    pub(crate) fn new(conversation: String, session: Option<String>, step: Step, call: &CallSummary) -> Self {
        Self {
            conversation,
            session,
            step,
            call: call.id,
            client: call.client.clone(),
            started_ms: call.started_ms,
            cost: call.cost.unwrap_or_default(),
            equivalent: call.equivalent.unwrap_or_default(),
        }
    }
}

/// What is known; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loops {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    conversations: HashMap<String, Conversation>,
    /// Counts up with each call.
    clock: u64,
    found: VecDeque<Found>,
}

#[derive(Debug, Default)]
struct Conversation {
    steps: VecDeque<Noted>,
    used: u64,
}

#[derive(Debug)]
struct Found {
    conversation: String,
    shown: FoundLoop,
    /// It is refused, and for how long.
    barred: bool,
    refused: Arc<AtomicU64>,
}

/// What is new of a loop: its title and a sentence.
pub(crate) type News = (String, String);

impl Loops {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of calls that were committed. Says whether anything changed, and what is new.
    pub(crate) fn take(&self, calls: Vec<Noted>, settings: &Settings) -> (bool, Vec<News>) {
        let mut state = self.lock();
        if settings.loop_action == "off" {
            *state = State::default();
            return (false, Vec::new());
        }
        let (mut changed, mut news) = (false, Vec::new());
        for call in calls {
            let (any, new) = state.take(call, settings.loop_calls as usize, settings.loop_action == "refuse");
            changed |= any;
            news.extend(new);
        }
        (changed, news)
    }

    /// The loops, the latest first.
    pub(crate) fn list(&self, now_ms: i64) -> Vec<FoundLoop> {
        let shown = |found: &Found| {
            let until = found.until_ms().filter(|until| now_ms < *until);
            FoundLoop { refused_until_ms: until, ..found.shown.clone() }
        };
        self.lock().found.iter().map(shown).collect()
    }

    /// Lets the session whose loop ended with this call go on, and begins anew; `false` when there is none.
    pub(crate) fn dismiss(&self, last: CallId) -> bool {
        let mut state = self.lock();
        let Some(at) = state.found.iter().position(|found| found.shown.last == last) else { return false };
        if let Some(found) = state.found.remove(at) {
            state.conversations.remove(&found.conversation);
        }
        true
    }

    /// The loops' last calls: a loop goes with what it was made of.
    pub(crate) fn last_calls(&self) -> Vec<CallId> {
        self.lock().found.iter().map(|found| found.shown.last).collect()
    }

    /// What is not sent.
    pub(crate) fn bars(&self, settings: &Settings) -> Bars {
        let mut bars = Bars::default();
        if settings.loop_action != "refuse" {
            return bars;
        }
        for found in &self.lock().found {
            let (Some(session), Some(until)) = (&found.shown.session, found.until_ms()) else { continue };
            bars.sessions.entry(session.clone()).or_default().push(Bar {
                from: moment(found.shown.last_ms),
                until: Some(moment(until)),
                subscription: true,
                local: true,
                message: refused(&found.shown, settings.dashboard_port).into(),
                refused: found.refused.clone(),
            });
        }
        bars
    }

    /// When the next of them may go on.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        let now_ms = millis(SystemTime::now());
        self.lock().found.iter().filter_map(Found::until_ms).filter(|until| now_ms < *until).min()
    }
}

impl Found {
    /// Until when its session is refused, if it is.
    fn until_ms(&self) -> Option<i64> {
        (self.barred && self.shown.going_on).then(|| self.shown.last_ms.saturating_add(REFUSED_MS))
    }
}

impl State {
    fn take(&mut self, call: Noted, enough: usize, barred: bool) -> (bool, Option<News>) {
        self.clock += 1;
        let key = call.conversation.clone();
        let conversation = self.conversations.entry(key.clone()).or_default();
        conversation.used = self.clock;
        conversation.steps.push_back(call);
        while conversation.steps.len() > looked_at(enough) {
            conversation.steps.pop_front();
        }
        let steps: Vec<Step> = conversation.steps.iter().map(|noted| noted.step.clone()).collect();
        let repeat = repeats(&steps, enough);
        let going_on = self.found.iter_mut().find(|found| found.conversation == key && found.shown.going_on);
        let told = match (repeat, going_on, conversation.steps.back()) {
            (None, Some(found), _) => {
                found.shown.going_on = false;
                (true, None)
            }
            (Some(repeat), Some(found), Some(last)) if found.shown.kind == repeat.kind => {
                go_on(&mut found.shown, repeat, last);
                (true, None)
            }
            (Some(repeat), before, Some(_)) => {
                if let Some(before) = before {
                    before.shown.going_on = false;
                }
                let shown = found(repeat, conversation);
                let news = shown.as_ref().map(|shown| (title(shown), sentence(shown)));
                if let Some(shown) = shown {
                    let found = Found { conversation: key, shown, barred, refused: Arc::default() };
                    self.found.push_front(found);
                    self.found.truncate(LISTED);
                }
                (true, news)
            }
            _ => (false, None),
        };
        if self.conversations.len() > MOST {
            let oldest =
                self.conversations.iter().min_by_key(|(_, one)| one.used).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| self.conversations.remove(&oldest));
        }
        told
    }
}

/// One more round of a loop that is known.
fn go_on(shown: &mut FoundLoop, repeat: Repeat, last: &Noted) {
    shown.calls += 1;
    let round = (repeat.steps / repeat.times.max(1)).max(1) as u64;
    shown.times = shown.times.max(shown.calls / round);
    shown.cost = shown.cost.saturating_add(last.cost);
    shown.equivalent = shown.equivalent.saturating_add(last.equivalent);
    (shown.last, shown.last_ms) = (last.call, last.started_ms);
}

fn found(repeat: Repeat, conversation: &Conversation) -> Option<FoundLoop> {
    let from = conversation.steps.len().saturating_sub(repeat.steps);
    let steps = || conversation.steps.iter().skip(from);
    let (first, last) = (steps().next()?, conversation.steps.back()?);
    let (tool, arguments) = last.step.tool.clone().unzip();
    Some(FoundLoop {
        session: last.session.clone(),
        client: last.client.clone(),
        kind: repeat.kind,
        times: repeat.times as u64,
        calls: repeat.steps as u64,
        tool,
        arguments,
        cost: steps().map(|noted| noted.cost).sum(),
        equivalent: steps().map(|noted| noted.equivalent).sum(),
        first: first.call,
        last: last.call,
        last_ms: last.started_ms,
        going_on: true,
        refused_until_ms: None,
    })
}

fn title(found: &FoundLoop) -> String {
    match &found.client {
        Some(client) => format!("{client} goes in circles"),
        None => "A session goes in circles".to_owned(),
    }
}

/// "the tool bash was called with the same arguments 5 times in a row, for $0.0123".
fn what(found: &FoundLoop) -> String {
    use api::LoopKind::{Circle, Same, SameToolCall};
    let times = found.times;
    let what = match (found.kind, &found.tool) {
        (Same, Some(tool)) => {
            format!(
                "the tool {tool} was called with the same arguments and came back with the same {times} times in a row"
            )
        }
        (SameToolCall, Some(tool)) => {
            format!("the tool {tool} was called with the same arguments {times} times in a row")
        }
        (Same | SameToolCall, None) => format!("the same was asked and answered {times} times in a row"),
        (Circle, Some(tool)) => {
            format!("the same few steps, the tool {tool} among them, were made {times} times over")
        }
        (Circle, None) => format!("the same few steps were made {times} times over"),
    };
    let spent = if found.cost > Money::ZERO {
        format!(", for ${}", found.cost.to_decimal())
    } else if found.equivalent > Money::ZERO {
        format!(", worth ${} by the API", found.equivalent.to_decimal())
    } else {
        String::new()
    };
    format!("{what}{spent}")
}

fn sentence(found: &FoundLoop) -> String {
    let session =
        found.session.as_ref().map(|session| format!("In the session {session} ")).unwrap_or_default();
    let text = format!("{session}{}.", what(found));
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn refused(found: &FoundLoop, dashboard: u16) -> String {
    let session = found.session.as_deref().unwrap_or_default();
    let place = match dashboard {
        0 => String::new(),
        port => format!("let it go on in LLMFlow (http://localhost:{port}/), "),
    };
    format!(
        "LLMFlow did not send this call: the session {session} goes in circles, {}. Begin a new session, {place}or wait ten \
         minutes. The settings loop_action and loop_calls decide about this.",
        what(found)
    )
}

fn moment(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms.max(0).unsigned_abs())
}

#[cfg(test)]
mod tests;
