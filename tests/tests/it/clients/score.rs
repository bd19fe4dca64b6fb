//! The score of one client: what was compared and recorded, and what was wrong.

use api::{CallDetail, CallState, CallSummary, Operation, UsageSource};
use serde_json::Value;
use tests::{App, Dialect, Ended, Exchange, Fault, Heard, Plan, is_priced, rates, sha256};

use super::normal::{normal, normal_body, normal_headers};

/// One run of a client: what its user saw, what it sent and got, what reached the upstream.
pub(super) struct Run {
    pub(super) outcome: Value,
    pub(super) heard: Vec<Heard>,
    pub(super) exchanges: Vec<Exchange>,
}

impl Run {
    /// The client did the same, as far as its user and its requests show it.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let shown = |run: &Self| normal(run.outcome.to_string().as_bytes());
        self.heard.len() == other.heard.len() && shown(self) == shown(other)
    }
}

/// What a record must say beside what the upstream answered.
pub(super) struct Expected<'a> {
    /// The tool's or the SDK's name.
    pub(super) client: Option<&'a str>,
    /// The session that a request names.
    pub(super) session: fn(&Exchange) -> Option<String>,
    /// What the mock followed when it answered this one.
    pub(super) plan: &'a dyn Fn(&Exchange) -> Plan,
    /// Whether the client asks again or gives up is decided by what it had read when the connection was cut.
    pub(super) by_chance: bool,
}

/// Counts for the table and the faults found.
#[derive(Default)]
pub(super) struct Score {
    calls: usize,
    compared: usize,
    different: Vec<String>,
    recorded: usize,
    tokens_off: usize,
    wrong: Vec<String>,
    /// Calls recorded before the run that is looked at.
    before: usize,
}

impl Score {
    /// Notes a difference unless both are the same.
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, direct: &T, through: &T) {
        self.compared += 1;
        if direct != through {
            self.different.push(format!("{what}: {direct:?} became {through:?}"));
        }
    }

    fn same_text(&mut self, what: &str, before: &str, after: &str) {
        let at = before.bytes().zip(after.bytes()).position(|(one, other)| one != other);
        let at = at.unwrap_or(before.len().min(after.len()));
        let near = |text: &str| {
            let piece = &text.as_bytes()[at.saturating_sub(60)..text.len().min(at + 100)];
            String::from_utf8_lossy(piece).into_owned()
        };
        match before == after {
            true => self.same(what, &(), &()),
            false => self.same(&format!("{what} at {at}"), &near(before), &near(after)),
        }
    }

    /// The client did the same, and got the same, with us as without.
    pub(super) fn same_run(&mut self, what: &str, direct: &Run, through: &Run) {
        let shown = |run: &Run| normal(run.outcome.to_string().as_bytes());
        self.same_text(&format!("{what}: outcome"), &shown(direct), &shown(through));
        let requests = |run: &Run| run.heard.len();
        self.same(&format!("{what}: requests"), &requests(direct), &requests(through));
        for (direct, through) in in_order(&direct.heard).into_iter().zip(in_order(&through.heard)) {
            let headers = |heard: &Heard| normal_headers(&heard.asked.head.end_to_end());
            self.same(&format!("{what}: request headers"), &headers(direct), &headers(through));
            let body = |heard: &Heard| normal_body(&heard.asked.body);
            self.same_text(&format!("{what}: request body"), &body(direct), &body(through));
            let (before, after) = (&direct.got, &through.got);
            self.same(&format!("{what}: status"), &before.status(), &after.status());
            if is_our_own(through) {
                continue;
            }
            let headers = |heard: &Heard| normal_headers(&heard.got.head.end_to_end());
            self.same(&format!("{what}: answer headers"), &headers(direct), &headers(through));
            // Of two answers that the client did not hear out, how much it heard is chance.
            let left = |heard: &Heard| heard.got.ended != Ended::Whole;
            let begins = before.body.starts_with(&after.body) || after.body.starts_with(&before.body);
            if !(left(direct) && left(through) && begins) {
                self.same(&format!("{what}: answer"), &sha256(&before.body), &sha256(&after.body));
                self.same(&format!("{what}: answer's end"), &before.ended, &after.ended);
            }
        }
    }

    /// What the client wrote reached the upstream, and what the upstream wrote reached the client, byte for byte.
    /// `prefix` is what stands before the upstream's path here.
    pub(super) fn carried(&mut self, what: &str, prefix: &str, run: &Run) {
        let meant = run.heard.iter().filter(|heard| !is_our_own(heard)).count();
        self.same(&format!("{what}: carried requests"), &meant, &run.exchanges.len());
        let pairs = pairs(run, prefix);
        self.same(&format!("{what}: requests carried as they were"), &meant, &pairs.len());
        for (heard, exchange) in pairs {
            let (asked, reached) = (&heard.asked, &exchange.received);
            let mut before = asked.head.end_to_end();
            let mut after = reached.head.end_to_end();
            // Differently named headers may change places; the sort is stable.
            before.sort_by_key(|header| header.name.to_ascii_lowercase());
            after.sort_by_key(|header| header.name.to_ascii_lowercase());
            self.same(&format!("{what}: carried request headers"), &before, &after);
            self.same(&format!("{what}: carried request"), &sha256(&asked.body), &sha256(&reached.body));
            let sent = exchange.sent.clone().unwrap_or_default();
            let got = &heard.got;
            let part = sent.body.starts_with(&got.body) && got.ended != Ended::Whole;
            let all = sent.body == got.body;
            self.same(
                &format!("{what}: carried answer"),
                &true,
                &(all || part && !sent.whole || part && sent.client_left),
            );
        }
    }

    /// Each request is recorded once, with the bytes that went by, and with what its answer says.
    pub(super) async fn record(
        &mut self,
        what: &str,
        prefix: &str,
        app: &App,
        run: &Run,
        expected: &Expected<'_>,
    ) {
        let count = run.exchanges.len();
        let mut calls = app.recorded(self.before + count).await;
        calls.truncate(count);
        self.before += count;
        self.calls += count;
        let mut details = Vec::new();
        for call in &calls {
            details.push(app.call(call.id).await);
        }
        for (heard, exchange) in pairs(run, prefix) {
            let hash = (!heard.asked.body.is_empty()).then(|| sha256(&heard.asked.body));
            let is_its = |detail: &CallDetail| {
                detail.request_body.wire_sha256 == hash && detail.summary.path == heard.asked.path()
            };
            let Some(index) = details.iter().rposition(is_its) else {
                self.wrong.push(format!("{what}: {} is not recorded", heard.asked.head.start));
                continue;
            };
            self.recorded += 1;
            let detail = details.remove(index);
            self.call(what, app, &detail, heard, exchange, expected).await;
        }
    }

    async fn call(
        &mut self,
        what: &str,
        app: &App,
        detail: &CallDetail,
        heard: &Heard,
        exchange: &Exchange,
        expected: &Expected<'_>,
    ) {
        let call = &detail.summary;
        let got = &heard.got;
        let whole = got.ended == Ended::Whole;
        let hash = (!got.body.is_empty()).then(|| sha256(&got.body));
        // What was under way to a client that left is recorded too.
        if detail.response_body.wire_sha256 != hash && whole {
            self.wrong.push(format!("{what}: the recorded answer's hash is not that of what the client got"));
        }
        let status = (got.status() != 0).then(|| got.status());
        if call.status != status && whole {
            self.wrong.push(format!("{what}: status {:?} is recorded instead of {status:?}", call.status));
        }
        if asks_a_model(exchange) && expected.client.is_some() && call.client.as_deref() != expected.client {
            self.wrong.push(format!("{what}: the client is recorded as {:?}", call.client));
        }
        let session = (expected.session)(exchange);
        if session.is_some() && call.session_id != session {
            self.wrong.push(format!("{what}: session {:?} instead of {session:?}", call.session_id));
        }
        let model = asked_model(exchange);
        if asks_a_model(exchange) && call.model != model {
            self.wrong.push(format!("{what}: model {:?} instead of {model:?}", call.model));
        }
        let plan = (expected.plan)(exchange);
        if !asks_a_model(exchange) {
            if call.operation == Operation::Chat || call.cost.is_some_and(|cost| cost.pico() != 0) {
                self.wrong.push(format!("{what}: a side call is recorded as {:?}", call.operation));
            }
        } else if plan.fault == Fault::None {
            if whole {
                self.answered(what, app, call, exchange, &plan).await;
            }
        } else if call.state == CallState::Complete && !may_be_complete(plan.fault, call.streamed) {
            self.wrong.push(format!("{what}: recorded as complete"));
        }
    }

    async fn answered(
        &mut self,
        what: &str,
        app: &App,
        call: &CallSummary,
        exchange: &Exchange,
        plan: &Plan,
    ) {
        if call.state != CallState::Complete {
            self.wrong.push(format!("{what}: recorded as {:?}: {:?}", call.state, call.error));
        }
        let usage = call.usage;
        let found = [usage.input, usage.cache_read, usage.output];
        let conversation = app.conversation(call.id).await;
        let answer = serde_json::to_string(&conversation.answer).unwrap();
        if !answer.contains(&plan.text) {
            self.wrong.push(format!("{what}: the answer's text is not in the conversation: {answer}"));
        }
        if !reports_usage(exchange) {
            // Nobody said, so nobody may be quoted.
            if call.usage_source == UsageSource::Provider {
                self.tokens_off += 1;
                self.wrong.push(format!("{what}: tokens {found:?} that the upstream did not report"));
            }
            return;
        }
        let tokens = &plan.tokens;
        // Not every provider counts cached tokens.
        let cached = usage.cache_read.or((tokens.cache_read == 0).then_some(0));
        let found = [usage.input, cached, usage.output];
        let expected = [tokens.input, tokens.cache_read, tokens.output].map(Some);
        if found != expected || call.usage_source != UsageSource::Provider {
            self.tokens_off += 1;
            self.wrong.push(format!("{what}: tokens {found:?} instead of {expected:?}"));
        }
        let cost = price_key(call).map(|key| rates(&key).cost(tokens));
        if call.cost.map(api::Money::pico).filter(|cost| *cost != 0) != cost {
            self.wrong.push(format!("{what}: cost {:?} instead of {cost:?}", call.cost));
        }
    }

    /// Hands in the client's line of the table and fails on anything wrong.
    pub(super) fn finish(self, client: &str) {
        let line = format!(
            "| {client} | {} | {} | {} | {} | {} |\n",
            self.calls,
            self.compared,
            self.different.len(),
            self.recorded,
            self.tokens_off
        );
        super::table(&line);
        assert!(self.different.is_empty(), "{:#?}", self.different);
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        assert_eq!(self.calls, self.recorded, "every call is recorded");
    }
}

/// Requests that a client makes at once arrive in any order: the same one for each run.
fn in_order(heard: &[Heard]) -> Vec<&Heard> {
    let mut heard: Vec<&Heard> = heard.iter().collect();
    heard.sort_by_cached_key(|heard| {
        (heard.asked.method().to_owned(), normal_body(&heard.asked.body), heard.got.status())
    });
    heard
}

/// What we answered ourselves instead of asking the upstream.
fn is_our_own(heard: &Heard) -> bool {
    heard.got.head.header("x-llmflow-error").is_some()
}

/// Each request that the client wrote with the one that reached the upstream: the same method, target and body.
fn pairs<'a>(run: &'a Run, prefix: &str) -> Vec<(&'a Heard, &'a Exchange)> {
    let mut left: Vec<&Exchange> = run.exchanges.iter().collect();
    let mut pairs = Vec::new();
    for heard in run.heard.iter().filter(|heard| !is_our_own(heard)) {
        let target = heard.asked.target().strip_prefix(prefix).unwrap_or_default();
        let target = if target.is_empty() { "/" } else { target };
        let is_its = |exchange: &&Exchange| {
            exchange.received.target() == target
                && exchange.received.method() == heard.asked.method()
                && exchange.received.body == heard.asked.body
        };
        if let Some(index) = left.iter().position(is_its) {
            pairs.push((heard, left.remove(index)));
        }
    }
    pairs
}

/// The price table's entry for a call: `PROVIDER/MODEL`, else the model itself. None for what runs at home.
fn price_key(call: &CallSummary) -> Option<String> {
    let model = call.model.as_deref().unwrap_or_default();
    [format!("{}/{model}", call.provider), model.to_owned()].into_iter().find(|key| is_priced(key))
}

/// The model that a request asks for: in its body, or in its path. The mock answers as that one.
fn asked_model(exchange: &Exchange) -> Option<String> {
    let in_body = exchange.received.json()["model"].as_str().map(str::to_owned);
    let in_path = || exchange.received.path().split_once("/models/")?.1.split(':').next().map(str::to_owned);
    in_body.or_else(in_path)
}

fn asks_a_model(exchange: &Exchange) -> bool {
    Dialect::of(&exchange.received).is_some()
}

/// Chat Completions' streams say what was used only to those who ask.
fn reports_usage(exchange: &Exchange) -> bool {
    let request = exchange.received.json();
    exchange
        .received
        .path()
        .ends_with("/chat/completions")
        .then_some(&request)
        .is_none_or(|request| request["stream"] != true || request["stream_options"]["include_usage"] == true)
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
