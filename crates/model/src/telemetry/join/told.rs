//! A call as sources other than the wire tell of it: one report's word, the fields of a call that several told of, and
//! where they disagree. Leaves out which reports belong together (`join`).

use api::{
    CallId, CallReport, CallState, CallSummary, CostSource, Difference, Lineage, Money, Operation,
    ReportSource, Usage, UsageSource,
};
use serde::{Deserialize, Serialize};

use crate::telemetry::reading::{ReportedCall, Whose};
use crate::telemetry::wire::{SpanId, TraceId};

/// The method of calls that did not go through the proxy.
pub const METHOD: &str = "OTLP";
/// The provider of a call of which nobody says it.
const NO_PROVIDER: &str = "unknown";

// What a report says is anybody's word: beyond these it is a mistake, and sums over calls must not run over.
/// Tokens in one bucket of one call.
const MOST_TOKENS: u64 = 100_000_000;
/// Dollars that one call costs, as pico-dollars.
const MOST_COST: Money = Money::from_pico(10_000_000_000_000_000);
/// A call lasts: thirty days, in microseconds.
const LONGEST_US: u64 = 30 * 86_400_000_000;
/// Characters of a name or an id, and of a line.
const LONGEST_NAME: usize = 300;
const LONGEST_LINE: usize = 1_000;

/// What one report tells of a call. Also its stored form: a field may only be added at the end, with
/// `#[serde(default)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// A span or an event.
    pub source: ReportSource,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub whose: Whose,
    /// What it says.
    pub call: ReportedCall,
    /// The trace.
    pub trace: Option<TraceId>,
    /// The span that tells, or that the event stands in.
    pub span: Option<SpanId>,
    /// The span above the one that tells.
    pub parent: Option<SpanId>,
}

impl Told {
    /// When it began, as far as it says: the end, where that is all.
    pub fn began_ns(&self) -> u64 {
        match (self.call.start_ns, self.call.end_ns) {
            (0, end) => end,
            (start, _) => start,
        }
    }

    fn duration_us(&self) -> Option<u64> {
        let (start, end) = (self.call.start_ns, self.call.end_ns);
        let lasted = (start > 0 && end >= start).then(|| (end - start) / 1_000);
        lasted.filter(|lasted| *lasted <= LONGEST_US)
    }

    /// What a call's page shows of it. `log_id`: of an event.
    pub fn report(&self, log_id: Option<String>, matched_by: Option<String>) -> CallReport {
        CallReport {
            source: self.source,
            name: self.name.clone(),
            service: self.whose.service.clone(),
            trace_id: self.trace.as_ref().map(|id| hex(id)),
            span_id: self.span.as_ref().map(|id| hex(id)),
            log_id,
            matched_by,
            model: self.call.model.clone().or_else(|| self.call.requested_model.clone()),
            usage: self.call.usage,
            cost: self.call.cost,
            started_ms: millis(self.began_ns()),
            duration_us: self.duration_us(),
            differs: Vec::new(),
        }
    }

    /// Where it says something else than `shown`.
    pub fn differs(&self, shown: &CallSummary) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut note = |field: &str, says: Option<String>, shown: Option<String>| {
            if let Some((says, shown)) = says.zip(shown).filter(|(says, shown)| says != shown) {
                found.push(Difference { field: field.to_owned(), says, shown });
            }
        };
        let (call, number) = (&self.call, |tokens: Option<u64>| tokens.map(|tokens| tokens.to_string()));
        let model = call.model.as_deref().or(call.requested_model.as_deref());
        // A snapshot and its alias are one model.
        let other = model.filter(|model| {
            let shown = shown.model.as_deref().map(super::family);
            shown.is_some_and(|shown| shown != super::family(model))
        });
        note("model", other.map(str::to_owned), shown.model.clone());
        let (says, is) = (&call.usage, &shown.usage);
        note("input", number(says.input), number(is.input));
        note("cache_read", number(says.cache_read), number(is.cache_read));
        note("cache_write", number(written(says)), number(written(is)));
        note("output", number(says.output), number(is.output));
        note("reasoning", number(says.reasoning), number(is.reasoning));
        // Reporters work with floating point: what is the same to a millionth of a dollar is the same.
        let dollars = |money: Option<Money>| money.map(|money| format!("${:.6}", money.dollars()));
        note("cost", dollars(call.cost), dollars(shown.cost));
        let status = |status: Option<u16>| status.map(|status| status.to_string());
        note("status", status(call.status), status(shown.status));
        let other = |says: &String| shown.finish_reason.as_ref().is_none_or(|shown| !ends_alike(says, shown));
        note("finish_reason", call.finish_reason.clone().filter(other), shown.finish_reason.clone());
        found
    }
}

/// Why a model stopped, in whichever words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    Tool,
    Length,
    Filtered,
}

/// Whether two reasons mean the same. Who says of an answer with calls of tools only that it is finished does not
/// contradict who names the calls: Gemini and OpenAI's Responses know no other word.
fn ends_alike(says: &str, shown: &str) -> bool {
    let end = |reason: &str| match reason.to_ascii_lowercase().replace('-', "_").as_str() {
        "stop" | "end_turn" | "stop_sequence" | "completed" | "complete" | "finish" | "eos" => {
            Some(End::Finished)
        }
        "tool_use" | "tool_calls" | "tool_call" | "function_call" => Some(End::Tool),
        "length" | "max_tokens" | "max_output_tokens" | "incomplete" => Some(End::Length),
        "content_filter" | "safety" | "refusal" => Some(End::Filtered),
        _ => None,
    };
    let plain = |reason: &str| reason == "STOP" || reason == "completed";
    match (end(says), end(shown)) {
        (Some(End::Tool), Some(End::Finished)) => plain(shown),
        (Some(End::Finished), Some(End::Tool)) => plain(says),
        (Some(says), Some(shown)) => says == shown,
        _ => says.eq_ignore_ascii_case(shown),
    }
}

/// Tokens written to a cache, for however long.
fn written(usage: &Usage) -> Option<u64> {
    match (usage.cache_write_5m, usage.cache_write_1h) {
        (None, None) => None,
        (short, long) => Some(short.unwrap_or(0).saturating_add(long.unwrap_or(0))),
    }
}

/// What several told of one call, spans before events and those with more to say first.
#[derive(Clone, Debug)]
pub struct Together<'a> {
    told: Vec<&'a Told>,
}

impl<'a> Together<'a> {
    /// Puts `told` in the order in which they are believed, whatever the order they came in.
    pub fn new(told: impl IntoIterator<Item = &'a Told>) -> Self {
        let mut told: Vec<&Told> = told.into_iter().collect();
        told.sort_by_cached_key(|told| {
            // Of two spans of one call the inner one is nearer to the wire: it began later.
            let began = std::cmp::Reverse(told.began_ns());
            (told.source, told.call.usage.is_unknown(), began, told.span, told.name.clone())
        });
        Self { told }
    }

    fn first<T>(&self, field: impl Fn(&'a Told) -> Option<T>) -> Option<T> {
        self.told.iter().find_map(|told| field(told))
    }

    /// The model asked for.
    pub fn requested_model(&self) -> Option<String> {
        self.first(|told| told.call.requested_model.clone())
    }

    /// The provider's id of the answer.
    pub fn response_id(&self) -> Option<String> {
        self.first(|told| told.call.response_id.clone())
    }

    /// The provider's id of the request.
    pub fn request_id(&self) -> Option<String> {
        self.first(|told| told.call.request_id.clone())
    }

    /// The client's own id of the request.
    pub fn client_request_id(&self) -> Option<String> {
        self.first(|told| told.call.client_request_id.clone())
    }

    /// Batch, flex, priority.
    pub fn service_tier(&self) -> Option<String> {
        self.first(|told| told.call.service_tier.clone())
    }

    /// What one of them says it cost.
    pub fn cost(&self) -> Option<Money> {
        self.first(|told| told.call.cost.filter(|cost| (Money::ZERO..=MOST_COST).contains(cost)))
    }

    /// Whose it is, each field from the first who says it.
    pub fn whose(&self) -> Whose {
        Whose {
            service: self.first(|told| told.whose.service.clone()),
            client: self.first(|told| told.whose.client.clone()),
            session: self.first(|told| told.whose.session.clone()),
            conversation: self.first(|told| told.whose.conversation.clone()),
            prompt: self.first(|told| told.whose.prompt.clone()),
            user: self.first(|told| told.whose.user.clone()),
            agent: self.first(|told| told.whose.agent.clone()),
            agent_parent: self.first(|told| told.whose.agent_parent.clone()),
            agent_name: self.first(|told| told.whose.agent_name.clone()),
        }
    }

    /// Tokens: those of the first who says any, and what only others know.
    fn usage(&self) -> Usage {
        let said =
            |bucket: fn(&Usage) -> Option<u64>| self.first(|told| bucket(&believable(&told.call.usage)));
        let usages = self.told.iter().map(|told| believable(&told.call.usage));
        let Some(first) = { usages }.find(|usage| !usage.is_unknown()) else {
            return Usage::default();
        };
        // Buckets of one source fit together: what another says of the input would count its caches twice.
        let whole = first.input.is_some();
        Usage {
            input: first.input.or_else(|| said(|usage| usage.input)),
            cache_read: if whole { first.cache_read } else { said(|usage| usage.cache_read) },
            cache_write_5m: if whole { first.cache_write_5m } else { said(|usage| usage.cache_write_5m) },
            cache_write_1h: if whole { first.cache_write_1h } else { said(|usage| usage.cache_write_1h) },
            output: first.output.or_else(|| said(|usage| usage.output)),
            reasoning: first.reasoning.or_else(|| said(|usage| usage.reasoning)),
        }
    }

    /// The row of a call that did not go through the proxy. Leaves out its price, its place in a session and its trace.
    pub fn summary(&self, id: CallId) -> CallSummary {
        let usage = self.usage();
        let named = |text: Option<String>| text.map(|text| short(text, LONGEST_NAME));
        let error = self.first(|told| told.call.error.clone()).map(|error| short(error, LONGEST_LINE));
        let status = self.first(|told| told.call.status);
        let failed = error.is_some() || status.is_some_and(|status| status >= 400);
        let whose = self.whose();
        let operation = self
            .first(|told| Some(told.call.operation).filter(|operation| *operation != Operation::Other))
            .unwrap_or_default();
        CallSummary {
            id,
            started_ms: self
                .first(|told| (told.call.start_ns > 0).then(|| millis(told.call.start_ns)))
                .or_else(|| self.first(|told| Some(millis(told.began_ns()))))
                .unwrap_or(0),
            duration_us: self.first(Told::duration_us),
            first_byte_us: None,
            first_token_us: self.first(|told| told.call.first_token_us.filter(|after| *after <= LONGEST_US)),
            state: if failed { CallState::UpstreamError } else { CallState::Complete },
            provider: named(self.first(|told| told.call.provider.clone()))
                .unwrap_or_else(|| NO_PROVIDER.to_owned()),
            operation,
            client: named(whose.client),
            method: METHOD.to_owned(),
            path: named(self.first(|told| Some(told.name.clone()))).unwrap_or_default(),
            status,
            model: named(self.first(|told| told.call.model.clone()).or_else(|| self.requested_model())),
            title: self.first(|told| told.call.title.clone()).map(|title| short(title, LONGEST_LINE)),
            streamed: self.first(|told| told.call.streamed).unwrap_or_default(),
            usage,
            usage_source: usage_source(&usage, operation),
            cost: None,
            cost_source: CostSource::Unknown,
            equivalent: None,
            finish_reason: named(self.first(|told| told.call.finish_reason.clone())),
            error,
            session_id: named(whose.session.or(whose.conversation)),
            lineage: Lineage::default(),
            trace_id: self.first(|told| told.trace.as_ref().map(|id| hex(id))),
            parent_id: self.first(Self::above),
            retry_of: None,
            replay_of: None,
            tags: Vec::new(),
            sources: self.sources(),
            in_trace: None,
        }
    }

    /// Fills what the wire did not tell of a call that went through the proxy, and says whether that was anything.
    pub fn fill(&self, call: &mut CallSummary) -> bool {
        let before = call.clone();
        let told = self.summary(call.id);
        call.model = call.model.take().or(told.model);
        call.client = call.client.take().or(told.client);
        call.title = call.title.take().or(told.title);
        call.finish_reason = call.finish_reason.take().or(told.finish_reason);
        call.first_token_us = call.first_token_us.or(told.first_token_us.filter(|_| call.streamed));
        // A part that the wire told, and the rest that it did not: whoever was told to the end knows better.
        if call.usage.is_unknown() && !told.usage.is_unknown() {
            (call.usage, call.usage_source) = (told.usage, told.usage_source);
        }
        let filled = *call != before;
        // Where it stands is noted beside who told of it.
        if call.trace_id.is_none() {
            (call.trace_id, call.parent_id) = (told.trace_id, told.parent_id);
        }
        filled
    }

    /// The span in which a call was made: above the span that is the call, or the one that its event stands in.
    fn above(told: &Told) -> Option<String> {
        let span = if told.source == ReportSource::Span { &told.parent } else { &told.span };
        span.as_ref().map(|id| hex(id))
    }

    fn sources(&self) -> Vec<ReportSource> {
        let mut sources: Vec<ReportSource> = self.told.iter().map(|told| told.source).collect();
        sources.sort_unstable();
        sources.dedup();
        sources
    }
}

/// Whose word the tokens are. What writes nothing counts nothing written.
fn usage_source(usage: &Usage, operation: Operation) -> UsageSource {
    let silent = matches!(operation, Operation::Embeddings | Operation::Rerank | Operation::Moderation);
    match (usage.prompt_total(), usage.output) {
        (None, None) => UsageSource::Unknown,
        (Some(_), Some(_)) => UsageSource::Provider,
        (Some(_), None) if silent => UsageSource::Provider,
        _ => UsageSource::Partial,
    }
}

/// Tokens as far as there can be so many.
fn believable(usage: &Usage) -> Usage {
    let some = |tokens: Option<u64>| tokens.filter(|tokens| *tokens <= MOST_TOKENS);
    Usage {
        input: some(usage.input),
        cache_read: some(usage.cache_read),
        cache_write_5m: some(usage.cache_write_5m),
        cache_write_1h: some(usage.cache_write_1h),
        output: some(usage.output),
        reasoning: some(usage.reasoning),
    }
}

/// `text`, at most `chars` characters of it.
fn short(mut text: String, chars: usize) -> String {
    if text.len() > chars {
        let end = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
        text.truncate(end);
    }
    text
}

fn millis(ns: u64) -> i64 {
    i64::try_from(ns / 1_000_000).unwrap_or(i64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_not_believed() {
        let mut told = Told {
            source: ReportSource::Span,
            name: "n".repeat(1_000_000),
            whose: Whose { session: Some("s".repeat(1_000_000)), ..Whose::default() },
            call: ReportedCall {
                usage: Usage {
                    input: Some(u64::MAX),
                    cache_read: Some(u64::MAX),
                    output: Some(7),
                    ..Usage::default()
                },
                cost: Some(Money::from_pico(i64::MAX)),
                start_ns: 1,
                end_ns: u64::MAX,
                first_token_us: Some(u64::MAX),
                title: Some("é".repeat(1_000_000)),
                ..ReportedCall::default()
            },
            trace: None,
            span: None,
            parent: None,
        };
        let call = Together::new([&told]).summary(CallId::from_slice(&[0; 16]).unwrap());
        assert_eq!((call.usage.prompt_total(), call.usage.output), (None, Some(7)));
        assert_eq!((call.duration_us, call.first_token_us), (None, None));
        assert_eq!(call.title.as_deref().map(|title| title.chars().count()), Some(LONGEST_LINE));
        assert_eq!((call.path.len(), call.session_id.map(|id| id.len())), (LONGEST_NAME, Some(LONGEST_NAME)));
        assert_eq!(Together::new([&told]).cost(), None);
        told.call.cost = Some(Money::from_pico(5));
        assert_eq!(Together::new([&told]).cost(), Some(Money::from_pico(5)));
        // Whatever is said, comparing and showing it comes to an end.
        let facts = super::super::Facts::told(&told);
        assert!(facts.fits(&facts).is_some_and(|fit| !fit.rule.is_sure()) || facts.fits(&facts).is_none());
        let _shown = told.report(None, None);
    }

    #[test]
    fn reasons_are_compared_by_what_they_mean() {
        for (says, shown) in [
            ("stop", "STOP"),
            ("stop", "completed"),
            ("tool_calls", "completed"),
            ("tool-calls", "tool_calls"),
            ("tool_use", "STOP"),
            ("max_tokens", "MAX_TOKENS"),
            ("length", "max_output_tokens"),
            ("something-new", "Something-New"),
        ] {
            assert!(ends_alike(says, shown), "{says} and {shown}");
        }
        for (says, shown) in [
            ("end_turn", "tool_use"),
            ("tool_use", "end_turn"),
            ("stop", "length"),
            ("new", "newer"),
            ("stop", "odd"),
        ] {
            assert!(!ends_alike(says, shown), "{says} and {shown}");
        }
    }
}
