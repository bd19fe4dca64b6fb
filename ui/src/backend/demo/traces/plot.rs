//! Spans put down one after the other, each below another.

use api::{
    BucketCosts, CallDetail, CallReport, Difference, Money, ReportSource, SpanCall, SpanRow, SpanType,
    TraceSummary, Usage,
};

use super::super::calls::{self, Dice};
use super::{Made, add_up};

/// A trace in the making.
pub(super) struct Plot {
    pub(super) id: String,
    start_ms: i64,
    pub(super) spans: Vec<SpanRow>,
    calls: Vec<CallDetail>,
    /// Span ids begin with it.
    number: u64,
    service: &'static str,
}

/// A span's place in its plot.
pub(super) type At = usize;

const MS: i64 = 1_000_000;

impl Plot {
    pub(super) fn new(number: u64, start_ms: i64, service: &'static str) -> Self {
        Self { id: format!("{number:032x}"), start_ms, spans: Vec::new(), calls: Vec::new(), number, service }
    }

    /// A span from `from` for `length` milliseconds.
    pub(super) fn add(
        &mut self,
        parent: Option<At>,
        kind: SpanType,
        name: &str,
        label: &str,
        (from, length): (i64, i64),
    ) -> At {
        let at = self.spans.len();
        let parent = parent.map(|parent| self.spans[parent].id.clone());
        self.spans.push(SpanRow {
            id: format!("{:016x}", self.number << 40 | at as u64 | 0xA << 60),
            parent,
            name: name.into(),
            label: (!label.is_empty()).then(|| label.into()),
            span_type: kind,
            infrastructure: false,
            start_ns: self.start_ms * MS + from * MS,
            duration_ns: length * MS,
            failed: false,
            service: Some(self.service.into()),
            call: None,
        });
        at
    }

    /// The plumbing of a span.
    pub(super) fn plumbing(&mut self, parent: At, name: &str, times: (i64, i64)) -> At {
        let at = self.add(Some(parent), SpanType::Custom, name, "", times);
        self.spans[at].infrastructure = true;
        at
    }

    /// A call of the model with this number in `calls::KINDS`.
    pub(super) fn call(&mut self, dice: &mut Dice, parent: At, kind: usize, times: (i64, i64)) -> At {
        let number = self.number << 20 | self.calls.len() as u64 | 1 << 60;
        let mut call =
            calls::of_kind(dice, calls::id(number), self.start_ms + times.0, kind, times.1 as u64 * 1_000);
        let model = call.summary.model.clone().unwrap_or_default();
        let stem = if call.summary.operation == api::Operation::Embeddings {
            SpanType::Embedding
        } else {
            SpanType::Llm
        };
        let at = self.add(Some(parent), stem, "chat", &model, times);
        let span = &mut self.spans[at];
        call.summary.in_trace = Some(self.id.clone());
        call.summary.title = Some("fix flaky store tests".into());
        // Some went through the proxy, too; of some only spans tell.
        let proxied = dice.roll(4) > 0;
        call.summary.sources =
            if proxied { vec![ReportSource::Proxy, ReportSource::Span] } else { vec![ReportSource::Span] };
        if !proxied {
            call.summary.method = "OTLP".into();
            call.summary.path = "chat".into();
        }
        call.reports = vec![CallReport {
            source: ReportSource::Span,
            name: "chat".into(),
            service: Some(self.service.into()),
            trace_id: Some(self.id.clone()),
            span_id: Some(span.id.clone()),
            log_id: None,
            matched_by: proxied.then(|| "request_id".into()),
            model: Some(model.clone()),
            usage: call.summary.usage,
            cost: None,
            started_ms: call.summary.started_ms,
            duration_us: call.summary.duration_us,
            differs: match dice.roll(3) {
                0 if proxied => {
                    vec![Difference { field: "output".into(), says: "1,168".into(), shown: "1,170".into() }]
                }
                _ => vec![],
            },
        }];
        span.call = Some(SpanCall {
            id: call.summary.id,
            model: Some(model),
            usage: call.summary.usage,
            cost: call.summary.cost,
            cost_source: call.summary.cost_source,
            first_token_us: call.summary.first_token_us,
            sources: call.summary.sources.clone(),
        });
        self.calls.push(call);
        at
    }

    pub(super) fn fail(&mut self, at: At) {
        self.spans[at].failed = true;
    }

    /// The trace; its calls go among the others.
    pub(super) fn finish(mut self, details: &mut Vec<CallDetail>, client: &str) -> Made {
        self.spans.sort_by_key(|span| span.start_ns);
        let root = self.spans.iter().find(|span| span.parent.is_none()).or_else(|| self.spans.first());
        let mut summary = TraceSummary {
            id: self.id,
            started_ms: self.start_ms,
            duration_us: 0,
            name: root.map(|root| root.name.clone()).unwrap_or_default(),
            label: root.and_then(|root| root.label.clone()),
            span_type: root.map(|root| root.span_type).unwrap_or_default(),
            service: Some(self.service.into()),
            client: Some(client.into()),
            session_id: Some("sess-of-today".into()),
            spans: 0,
            infrastructure: 0,
            errors: 0,
            orphans: 0,
            calls: 0,
            models: vec![],
            usage: Usage::default(),
            cost: Money::ZERO,
            costs: BucketCosts::default(),
            unpriced: 0,
        };
        add_up(&mut summary, &self.calls);
        details.append(&mut self.calls);
        Made { summary, spans: self.spans, grown: None }
    }
}
