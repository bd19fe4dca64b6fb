//! The score of one client: what was compared and recorded, and what was wrong.

use api::{CallState, CallSummary, UsageSource};
use tests::{App, Dialect, Exchange, Fault, Plan, rates, sha256};

use super::normal::{normal, normal_headers};
use crate::requests::model;

/// Counts for the table and the faults found.
#[derive(Default)]
pub(super) struct Score {
    pub(super) calls: usize,
    compared: usize,
    different: Vec<String>,
    recorded: usize,
    tokens_off: usize,
    wrong: Vec<String>,
}

impl Score {
    /// Notes a difference unless both are the same.
    pub(super) fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, direct: &T, through: &T) {
        self.compared += 1;
        if direct != through {
            self.different.push(format!("{what}: {direct:?} became {through:?}"));
        }
    }

    /// What reached the upstream and what it answered, without and with us.
    pub(super) fn exchanges(&mut self, what: &str, direct: &[Exchange], through: &[Exchange]) {
        self.same(&format!("{what}: requests"), &direct.len(), &through.len());
        for (direct, through) in direct.iter().zip(through) {
            let (before, after) = (&direct.received, &through.received);
            self.same(what, &normal(before.head.start.as_bytes()), &normal(after.head.start.as_bytes()));
            let headers = |exchange: &Exchange| normal_headers(&exchange.received.head.end_to_end());
            self.same(&format!("{what}: request headers"), &headers(direct), &headers(through));
            let (before, after) = (normal(&before.body), normal(&after.body));
            if before != after {
                let at = before.bytes().zip(after.bytes()).position(|(one, other)| one != other).unwrap_or(0);
                let near =
                    |text: &str| text.chars().skip(at.saturating_sub(40)).take(120).collect::<String>();
                self.same(&format!("{what}: request body at {at}"), &near(&before), &near(&after));
            } else {
                self.same(what, &(), &());
            }
            let answer = |exchange: &Exchange| exchange.sent.as_ref().map(|sent| sha256(&sent.body));
            self.same(&format!("{what}: answer"), &answer(direct), &answer(through));
        }
    }

    /// Each request is recorded once, with the answer's bytes; and with tokens, price and text when the client was
    /// `content` with the answer.
    pub(super) async fn record(
        &mut self,
        what: &str,
        app: &App,
        before: usize,
        through: &[Exchange],
        plan: &Plan,
        content: bool,
    ) {
        let mut calls = app.recorded(before + through.len()).await;
        calls.truncate(through.len());
        calls.reverse();
        self.recorded += calls.len();
        for (call, exchange) in calls.iter().zip(through) {
            let detail = app.call(call.id).await;
            let sent = exchange.sent.as_ref().map(|sent| sent.body.as_slice()).unwrap_or_default();
            let hash = (!sent.is_empty()).then(|| sha256(sent));
            // A client that is not content may leave in the middle, and what then went by is a part.
            if detail.response_body.wire_sha256 != hash && call.state != CallState::Cancelled {
                self.wrong.push(format!("{what}: the answer's recorded hash is not the sent one's"));
            }
            let asks_a_model = call.method == "POST" && sent.len() > 2;
            if asks_a_model && content {
                self.answered(what, app, call, plan).await;
            } else if asks_a_model
                && call.state == CallState::Complete
                && !may_be_complete(plan.fault, call.streamed)
            {
                self.wrong.push(format!("{what}: recorded as complete"));
            }
        }
    }

    async fn answered(&mut self, what: &str, app: &App, call: &CallSummary, plan: &Plan) {
        if call.state != CallState::Complete {
            self.wrong.push(format!("{what}: recorded as {:?}: {:?}", call.state, call.error));
        }
        let usage = call.usage;
        let found = [usage.input, usage.cache_read, usage.output];
        let expected = [plan.tokens.input, plan.tokens.cache_read, plan.tokens.output].map(Some);
        if found != expected || call.usage_source != UsageSource::Provider {
            self.tokens_off += 1;
            self.wrong.push(format!("{what}: tokens {found:?} instead of {expected:?}"));
        }
        let known =
            Dialect::ALL.into_iter().map(model).find(|(name, _)| Some(*name) == call.model.as_deref());
        let key = known.map_or(call.model.clone().unwrap_or_default(), |(_, key)| key.to_owned());
        let cost = rates(&key).cost(&plan.tokens);
        if call.cost.map(api::Money::pico) != Some(cost) {
            self.wrong.push(format!("{what}: cost {:?} instead of {cost}", call.cost));
        }
        let conversation = app.conversation(call.id).await;
        let answer = serde_json::to_string(&conversation.answer).unwrap();
        if !answer.contains(&plan.text) {
            self.wrong.push(format!("{what}: the answer's text is not in the conversation: {answer}"));
        }
    }

    /// Prints the client's line of the table and fails on anything wrong.
    pub(super) fn finish(self, client: &str) {
        println!(
            "| client | calls | compared | different | recorded | tokens off |\n|---|---|---|---|---|---|"
        );
        println!(
            "| {client} | {} | {} | {} | {} | {} |",
            self.calls,
            self.compared,
            self.different.len(),
            self.recorded,
            self.tokens_off
        );
        assert!(self.different.is_empty(), "{:#?}", self.different);
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
    }
}

/// An invalid body that came whole is a whole answer, and a client may not mind. Two faults befall only streams; a
/// client that asks again without a stream is answered well.
fn may_be_complete(fault: Fault, streamed: bool) -> bool {
    match fault {
        Fault::None | Fault::InvalidJson => true,
        Fault::Truncate | Fault::ErrorEvent => !streamed,
        _ => false,
    }
}

/// What is gone through with each client: a name, and the mock's behaviour.
pub(super) fn scenarios(tool: (&str, &str)) -> Vec<(&'static str, Plan)> {
    let plain = Plan::default;
    let with = |fault| Plan { fault, ..Plan::default() };
    vec![
        ("plain", plain()),
        ("tool", Plan { tool: Some((tool.0.to_owned(), tool.1.to_owned())), ..plain() }),
        ("gzip", Plan { gzip: true, ..plain() }),
        ("odd splits", Plan { split: Some(7), ..plain() }),
        ("single bytes", Plan { split: Some(1), ..plain() }),
        ("crlf", Plan { crlf: true, ..plain() }),
        ("comments", Plan { comments: true, ..plain() }),
        ("429", with(Fault::Status(429))),
        ("500", with(Fault::Status(500))),
        ("529", with(Fault::Status(529))),
        ("html", with(Fault::Html)),
        ("invalid json", with(Fault::InvalidJson)),
        ("disconnect", with(Fault::Disconnect)),
        ("truncation", with(Fault::Truncate)),
        ("error event", with(Fault::ErrorEvent)),
    ]
}
