//! Which reports tell of one and the same call of a model: the rules, and comparing two tellings by them. Pure.
//! Leaves out where others are looked for (`keys`), keeping what was told lately (`ledger`), the fields of a call that
//! several told of (`told`), and storing.
//!
//! The rules in words: `docs/joining.md`.

mod family;
mod index;
mod keys;
mod ledger;
mod told;

pub use family::family;
pub use ledger::{Ledger, Mark, Member, Touched};
pub use told::{METHOD, Together, Told};

use api::{CallDetail, ReportSource};

use self::index::Held;
use super::wire::{SpanId, TraceId};
use crate::identity::is_tool;

/// Ends (or, of an answer's id, everything) this far apart are still one call, in microseconds.
const SESSION_US: i64 = 5_000_000;
const TOKENS_US: i64 = 2_000_000;
const MOMENT_US: i64 = 5_000_000;
const ANSWER_US: i64 = 600_000_000;
/// Senders count in milliseconds, and their clock is read before ours.
const CLOCKS_US: i64 = 20_000;
/// Servers that count their answers, or draw numbers below a thousand (Ollama), give short ids to many.
const SHORTEST_ANSWER_ID: usize = 16;

/// By what two tellings were found to be of one call, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The provider's id of the request.
    RequestId,
    /// The client's own id of the request.
    ClientRequestId,
    /// The provider's id of the answer.
    ResponseId,
    /// One was made within the other's span.
    TraceContext,
    /// Session, model, tokens and time.
    SessionTokensTime,
    /// Model, tokens and time.
    TokensTime,
    /// Model and time, where one of them cannot say how many tokens.
    Time,
}

impl Rule {
    /// Every rule, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::RequestId,
        Self::ClientRequestId,
        Self::ResponseId,
        Self::TraceContext,
        Self::SessionTokensTime,
        Self::TokensTime,
        Self::Time,
    ];

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestId => "request_id",
            Self::ClientRequestId => "client_request_id",
            Self::ResponseId => "response_id",
            Self::TraceContext => "trace_context",
            Self::SessionTokensTime => "session_tokens_time",
            Self::TokensTime => "tokens_time",
            Self::Time => "time",
        }
    }

    /// Whether somebody said so, rather than that it looks alike.
    pub const fn is_sure(self) -> bool {
        !matches!(self, Self::SessionTokensTime | Self::TokensTime | Self::Time)
    }
}

/// What one source tells of a call, as far as it tells calls apart. Texts are digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who tells.
    pub source: ReportSource,
    /// The provider's id of the request.
    pub request: Option<i64>,
    /// The client's own id of the request.
    pub client_request: Option<i64>,
    /// The provider's id of the answer.
    pub answer: Option<i64>,
    /// The span that tells.
    pub span: Option<i64>,
    /// Spans it was made in, the nearest first: of a call through the proxy what its headers name, and above that as
    /// long as it is plumbing; of a span its parent; of an event its span.
    pub within: Vec<i64>,
    /// The session, and the conversation where that has another id.
    pub sessions: [Option<i64>; 2],
    /// The model's family, as it was asked for and as it answered.
    pub families: [Option<i64>; 2],
    /// Everything the model was given, caches included.
    pub input: Option<u64>,
    /// Everything it wrote.
    pub output: Option<u64>,
    /// The tool, where it is one that we know: what an SDK calls itself on the wire and what the program it is used in
    /// calls itself say nothing of each other.
    pub client: Option<i64>,
    /// Its beginning in microseconds since 1970; the end, where the beginning is not known.
    pub start_us: i64,
    /// Its end.
    pub end_us: i64,
    /// Whether it failed.
    pub failed: bool,
}

/// How well two tellings fit: the least is the best. Of different pairs none is the same, but where their times are: what is
/// nearest does not depend on who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit {
    /// By what.
    pub rule: Rule,
    /// Plumbing between a call and the span that it was made in.
    distance: usize,
    /// One says that it failed, the other does not.
    differ: bool,
    /// Between their ends, and their beginnings where both know them, in microseconds.
    apart_us: u64,
    /// When they ended and began: the one nearer to the wire, and the other.
    when: [(i64, i64); 2],
}

impl Fit {
    /// Whether nothing that ends `apart_us` or more away can fit better by this rule.
    fn is_best(&self, rule: Rule, apart_us: u64) -> bool {
        self.rule < rule
            || self.rule == rule && !self.differ && self.distance == 0 && self.apart_us < apart_us
    }

    /// What it takes to be nearer.
    fn held(&self) -> Held {
        match u32::try_from(self.apart_us) {
            Ok(apart_us) if !self.differ && self.distance == 0 => Held { rule: self.rule, apart_us },
            _ => Held::LOOSELY,
        }
    }
}

/// The digest of a text that tells calls apart.
pub fn digest(text: &str) -> i64 {
    numbered(blake3::hash(text.as_bytes()))
}

/// The digest by which a span is found.
pub fn span_digest(trace: &TraceId, span: &SpanId) -> i64 {
    let mut both = [0_u8; 24];
    let (first, second) = both.split_at_mut(16);
    first.copy_from_slice(trace);
    second.copy_from_slice(span);
    numbered(blake3::hash(&both))
}

fn numbered(hash: blake3::Hash) -> i64 {
    hash.as_bytes().first_chunk().map_or(0, |first| i64::from_le_bytes(*first))
}

/// The digest of an answer's id, where it is one that tells answers apart.
pub fn answer_digest(id: &str) -> Option<i64> {
    (id.len() >= SHORTEST_ANSWER_ID).then(|| digest(id))
}

fn named(text: Option<&str>) -> Option<i64> {
    text.filter(|text| !text.is_empty()).map(digest)
}

fn tool(client: Option<&str>) -> Option<i64> {
    named(client.filter(|client| is_tool(client)))
}

fn family_of(model: Option<&str>) -> Option<i64> {
    model.filter(|model| !model.is_empty()).map(|model| digest(&family(model)))
}

impl Facts {
    /// What a report tells.
    pub fn told(told: &Told) -> Self {
        let (call, whose) = (&told.call, &told.whose);
        let end_us = micros(if call.end_ns == 0 { call.start_ns } else { call.end_ns });
        let span = told.trace.as_ref().zip(told.span.as_ref()).map(|(trace, span)| span_digest(trace, span));
        let above = told.trace.as_ref().zip(told.parent.as_ref());
        let above = above.map(|(trace, span)| span_digest(trace, span));
        let is_span = told.source == ReportSource::Span;
        Self {
            source: told.source,
            request: named(call.request_id.as_deref()),
            client_request: named(call.client_request_id.as_deref()),
            answer: call.response_id.as_deref().and_then(answer_digest),
            span: span.filter(|_| is_span),
            within: if is_span { above } else { span }.into_iter().collect(),
            sessions: [named(whose.session.as_deref()), named(whose.conversation.as_deref())],
            families: [family_of(call.requested_model.as_deref()), family_of(call.model.as_deref())],
            input: call.usage.prompt_total(),
            output: call.usage.output,
            client: tool(whose.client.as_deref()),
            start_us: if call.start_ns == 0 { end_us } else { micros(call.start_ns).min(end_us) },
            end_us,
            failed: call.error.is_some() || call.status.is_some_and(|status| status >= 400),
        }
    }

    /// What the wire tells. `within`: the span that its headers name, and those above it.
    pub fn proxied(call: &CallDetail, within: Vec<i64>) -> Self {
        let summary = &call.summary;
        let start_us = summary.started_ms.saturating_mul(1_000);
        let lasted = i64::try_from(summary.duration_us.unwrap_or(0)).unwrap_or(i64::MAX);
        let sent = |name: &str| {
            let header = call.request_headers.iter().find(|header| header.name == name);
            header.map(|header| header.value.as_str())
        };
        Self {
            source: ReportSource::Proxy,
            request: named(call.request_id.as_deref()),
            client_request: named(sent("x-client-request-id")),
            answer: call.response_id.as_deref().and_then(answer_digest),
            span: None,
            within,
            sessions: [named(summary.session_id.as_deref()), None],
            families: [family_of(call.requested_model.as_deref()), family_of(summary.model.as_deref())],
            input: summary.usage.prompt_total(),
            output: summary.usage.output,
            client: tool(summary.client.as_deref()),
            start_us,
            end_us: start_us.saturating_add(lasted),
            failed: summary.error.is_some() || summary.status.is_some_and(|status| status >= 400),
        }
    }

    /// By what both are of one call, and how well; `None` when they are not, or nobody can tell.
    pub fn fits(&self, other: &Self) -> Option<Fit> {
        if self.contradicts(other) {
            return None;
        }
        let fit = |rule, distance| Fit {
            rule,
            distance,
            differ: self.failed != other.failed,
            apart_us: self.apart_us(other),
            when: self.when(other),
        };
        let same = |one: Option<i64>, two: Option<i64>| one.is_some() && one == two;
        if same(self.request, other.request) {
            return Some(fit(Rule::RequestId, 0));
        }
        if same(self.client_request, other.client_request) {
            return Some(fit(Rule::ClientRequestId, 0));
        }
        // Gateways' caches and servers that count give an id again: at another time it takes equal tokens, too.
        let again = || self.gap_us(other) > CLOCKS_US && !self.same_tokens(other).1;
        if same(self.answer, other.answer) && self.gap_us(other) <= ANSWER_US && !again() {
            return Some(fit(Rule::ResponseId, 0));
        }
        if let Some(distance) = self.in_context(other).or_else(|| other.in_context(self)) {
            return Some(fit(Rule::TraceContext, distance));
        }
        if differ(self.answer, other.answer) || !self.same_model(other) {
            return None;
        }
        let apart = self.end_us.abs_diff(other.end_us);
        let (known, equal) = self.same_tokens(other);
        if self.shares_session(other) {
            let alike = equal && known || self.failed && other.failed && equal;
            let near = apart <= SESSION_US.unsigned_abs() || self.gap_us(other) == 0;
            return match alike && near {
                true => Some(fit(Rule::SessionTokensTime, 0)),
                false => self.at_one_time(other).then(|| fit(Rule::Time, 0)),
            };
        }
        let both_in_sessions = self.sessions[0].is_some() && other.sessions[0].is_some();
        let counted = self.input.zip(self.output).is_some_and(|(input, output)| input > 0 && output > 0);
        let near = apart <= TOKENS_US.unsigned_abs();
        let whole = counted && self.input == other.input && self.output == other.output;
        let alike = whole && near && !both_in_sessions && !differ(self.client, other.client);
        match alike {
            true => Some(fit(Rule::TokensTime, 0)),
            false => {
                let near = apart <= MOMENT_US.unsigned_abs();
                (near && !both_in_sessions && self.at_one_time(other)).then(|| fit(Rule::Time, 0))
            }
        }
    }

    /// What lies between their ends, and between their beginnings where both know them: calls that end together seldom
    /// began together.
    fn apart_us(&self, other: &Self) -> u64 {
        let began = |facts: &Self| (facts.start_us < facts.end_us).then_some(facts.start_us);
        let starts = began(self).zip(began(other)).map_or(0, |(one, two)| one.abs_diff(two));
        self.end_us.abs_diff(other.end_us).saturating_add(starts)
    }

    fn when(&self, other: &Self) -> [(i64, i64); 2] {
        let mut both = [self, other].map(|facts| (facts.source, facts.end_us, facts.start_us));
        both.sort_unstable();
        both.map(|(_, end, start)| (end, start))
    }

    /// Whether they can be one call by their time, where tokens say nothing: one of them does not know them (an
    /// embedding has no output), or both failed. One lies within the other, but for the clocks' own difference, and
    /// nothing that both know differs.
    fn at_one_time(&self, other: &Self) -> bool {
        let (_, equal) = self.same_tokens(other);
        let silent = !self.is_counted() || !other.is_counted();
        let within = |inner: &Self, outer: &Self| {
            inner.start_us >= outer.start_us - CLOCKS_US && inner.end_us <= outer.end_us + CLOCKS_US
        };
        silent
            && equal
            && self.failed == other.failed
            && !differ(self.client, other.client)
            && (within(self, other) || within(other, self))
    }

    /// Whether what both say cannot be true of one call.
    pub fn contradicts(&self, other: &Self) -> bool {
        let both_proxied = self.source == ReportSource::Proxy && other.source == ReportSource::Proxy;
        both_proxied
            || differ(self.request, other.request)
            || differ(self.client_request, other.client_request)
    }

    /// Whether two reports of one kind may be of one call: the same id, or one within the other, and at one time.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        let sure = self.fits(other).is_some_and(|fit| fit.rule.is_sure());
        sure && self.source != ReportSource::Proxy && self.gap_us(other) == 0
    }

    /// How far below `span` this was made.
    fn in_context(&self, other: &Self) -> Option<usize> {
        let distance = self.within.iter().position(|above| other.span == Some(*above))?;
        // A call of a model within another's span is the same one, told by another instrumentation, only if it says the
        // same; what is no span was made by it.
        let (known, equal) = self.same_tokens(other);
        let inside = self.start_us >= other.start_us && self.end_us <= other.end_us;
        let same = self.source != ReportSource::Span || known && equal && inside && self.same_model(other);
        same.then_some(distance)
    }

    /// Whether both speak of one model. Codex counts tokens on spans that name none: those leave it open.
    fn same_model(&self, other: &Self) -> bool {
        let nameless = |facts: &Self| facts.families.iter().all(Option::is_none);
        if nameless(self) || nameless(other) {
            return true;
        }
        let known = self.families.iter().flatten();
        known.clone().any(|family| other.families.iter().flatten().any(|theirs| theirs == family))
    }

    /// Whether both know tokens of the same kind, and whether those are equal.
    fn same_tokens(&self, other: &Self) -> (bool, bool) {
        let pairs = [(self.input, other.input), (self.output, other.output)];
        let known = || pairs.iter().filter_map(|(ours, theirs)| ours.zip(*theirs));
        (known().next().is_some(), known().all(|(ours, theirs)| ours == theirs))
    }

    fn shares_session(&self, other: &Self) -> bool {
        self.sessions
            .iter()
            .flatten()
            .any(|session| other.sessions.iter().flatten().any(|theirs| theirs == session))
    }

    /// What lies between their times; 0 when they overlap.
    fn gap_us(&self, other: &Self) -> i64 {
        let gap = self.start_us.max(other.start_us).saturating_sub(self.end_us.min(other.end_us));
        gap.max(0)
    }
}

fn differ(one: Option<i64>, two: Option<i64>) -> bool {
    one.zip(two).is_some_and(|(one, two)| one != two)
}

fn micros(ns: u64) -> i64 {
    i64::try_from(ns / 1_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
