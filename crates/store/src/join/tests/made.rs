//! One call after the other, and what each source says of it.

use std::sync::Arc;

use api::{
    BodyInfo, CallDetail, CallId, CallState, CallSummary, Cost, CostSource, Lineage, Money, Operation,
    ReportSource, Timing, Usage, UsageSource,
};
use model::telemetry::join::{Mark, Told};
use model::telemetry::reading::{LogReading, ReportedCall, SpanReading, Whose};
use model::telemetry::wire::{LogRecord, Origin, Span};

use crate::{Body, CallRecord, LogWrite, Report, Reports, SpanWrite, Store, Ties, Write};

/// When calls begin: each a minute after the one before.
pub(super) const START_MS: i64 = 1_790_000_000_000;

/// A source of the call with this number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) by: ReportSource,
    pub(super) number: u64,
    pub(super) request: bool,
    pub(super) answer: bool,
}

impl Source {
    fn began_ms(&self) -> i64 {
        START_MS + 60_000 * self.number.cast_signed()
    }

    fn request(&self) -> Option<String> {
        self.request.then(|| format!("req_{:020}", self.number))
    }

    fn answer(&self) -> Option<String> {
        self.answer.then(|| format!("msg_{:020}", self.number))
    }
}

/// A price that everybody can work out: a pico-dollar a token.
pub(super) fn price(store: &Store) {
    store.price_with(Box::new(|call: &CallSummary, _| {
        let total = call.usage.total().map(|tokens| Money::from_pico(tokens.cast_signed()));
        let source = if total.is_some() { CostSource::Computed } else { CostSource::Unknown };
        Cost { total, source, ..Cost::default() }
    }));
}

pub(super) fn usage(number: u64) -> Usage {
    Usage { input: Some(1_000 + number), output: Some(10), ..Usage::default() }
}

pub(super) fn proxied(source: &Source) -> Write {
    let id = u128::from(source.began_ms().unsigned_abs()) << 80 | 0x7000 << 64 | 0x8 << 60;
    let summary = CallSummary {
        id: CallId::new(uuid::Uuid::from_u128(id)),
        started_ms: source.began_ms(),
        duration_us: Some(2_000_000),
        first_byte_us: None,
        first_token_us: None,
        state: CallState::Complete,
        provider: "anthropic".into(),
        operation: Operation::Chat,
        client: Some("tool".into()),
        method: "POST".into(),
        path: "/v1/messages".into(),
        status: Some(200),
        model: Some("claude-sonnet-4-5".into()),
        title: Some("asked".into()),
        streamed: false,
        usage: usage(source.number),
        usage_source: UsageSource::Provider,
        cost: usage(source.number).total().map(|tokens| Money::from_pico(tokens.cast_signed())),
        cost_source: CostSource::Computed,
        equivalent: None,
        finish_reason: None,
        error: None,
        session_id: Some("session-1".into()),
        lineage: Lineage::default(),
        trace_id: None,
        parent_id: None,
        retry_of: None,
        replay_of: None,
        tags: Vec::new(),
        sources: vec![ReportSource::Proxy],
        in_trace: None,
    };
    Write::Close(Box::new(CallRecord {
        detail: CallDetail {
            summary,
            upstream: String::new(),
            upstream_path: None,
            query: None,
            http_version: String::new(),
            requested_model: None,
            response_id: source.answer(),
            request_id: source.request(),
            credential: None,
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            request_body: BodyInfo::default(),
            response_body: BodyInfo::default(),
            cost: Cost::default(),
            timing: Timing::default(),
            translated: None,
            reports: Vec::new(),
        },
        request: Body::default(),
        response: Body::default(),
        client: None,
        answer_text: String::new(),
        billed: model::pricing::Facts::default(),
        ties: Ties { holder: "account:me".into(), ..Ties::default() },
    }))
}

fn ns(ms: i64) -> u64 {
    ms.unsigned_abs() * 1_000_000
}

fn call(source: &Source) -> ReportedCall {
    ReportedCall {
        provider: Some("anthropic".into()),
        model: Some("claude-sonnet-4-5".into()),
        operation: Operation::Chat,
        usage: usage(source.number),
        start_ns: ns(source.began_ms()),
        end_ns: ns(source.began_ms() + 2_000),
        title: Some("asked".into()),
        request_id: source.request(),
        response_id: source.answer(),
        ..ReportedCall::default()
    }
}

fn whose() -> Whose {
    Whose { client: Some("tool".into()), session: Some("session-1".into()), ..Whose::default() }
}

/// What the sources send.
pub(super) fn traces(sources: &[&Source]) -> Reports {
    let mut reports = Reports::default();
    let origin = Arc::new(Origin::default());
    for source in sources {
        if source.by == ReportSource::Span {
            reports.spans.push(SpanWrite {
                span: Span {
                    trace_id: [7; 16],
                    span_id: source.number.to_be_bytes(),
                    start_ns: ns(source.began_ms()),
                    end_ns: ns(source.began_ms() + 2_000),
                    ..Span::default()
                },
                origin: origin.clone(),
                reading: SpanReading { whose: whose(), call: Some(call(source)), ..SpanReading::default() },
            });
        } else {
            reports.logs.push(LogWrite {
                record: LogRecord { time_ns: ns(source.began_ms() + 2_000), ..LogRecord::default() },
                origin: origin.clone(),
                reading: LogReading { whose: whose(), call: Some(call(source)), ..LogReading::default() },
            });
        }
    }
    reports
}

/// What was read of what they sent.
pub(super) async fn reports(store: &Store, sources: &[&Source]) -> Vec<Report> {
    let mut reports = Vec::new();
    for source in sources {
        let time_ns = i64::try_from(ns(source.began_ms() + 2_000)).unwrap();
        let (a, b) = if source.by == ReportSource::Span {
            (store.trace_key([7; 16]).await.unwrap().unwrap(), source.number.cast_signed())
        } else {
            let hash = sqlx::query_scalar("SELECT hash FROM log WHERE time_ns = ?").bind(time_ns);
            (time_ns, hash.fetch_one(&store.inner.read).await.unwrap())
        };
        reports.push(Report { mark: Mark { a, b, ..mark(source) }, ..report(source) });
    }
    reports
}

fn mark(source: &Source) -> Mark {
    Mark { source: source.by, a: 0, b: 0 }
}

fn report(source: &Source) -> Report {
    let is_span = source.by == ReportSource::Span;
    let told = Told {
        source: source.by,
        name: "call".into(),
        whose: whose(),
        call: call(source),
        trace: is_span.then_some([7; 16]),
        span: is_span.then(|| source.number.to_be_bytes()),
        parent: None,
    };
    Report { mark: mark(source), told, text: String::new() }
}
