//! Invented traces: turns of agents whose calls agree with their spans, and traces that are hard to show.
//! `/traces/` and thirty-one zeros before a digit is one of the hard ones (`odd`).

mod odd;
mod plot;
mod span;
mod turns;

use api::{CallDetail, Reply, Request, SpanRow, TraceDetail, TraceEntry, TraceSummary, TracesPage, Usage};

use super::{calls::Dice, matching};
use crate::entry::EntryId;

/// A trace and its spans.
pub(super) struct Made {
    pub(super) summary: TraceSummary,
    pub(super) spans: Vec<SpanRow>,
    /// Spans come one after the other while one looks: how many are there.
    pub(super) grown: Option<usize>,
}

impl Made {
    fn spans(&self) -> &[SpanRow] {
        self.spans.get(..self.grown.unwrap_or(self.spans.len())).unwrap_or_default()
    }

    /// The summary of what is there.
    fn summary(&self) -> TraceSummary {
        let mut summary = self.summary.clone();
        let spans = self.spans();
        let end = |span: &SpanRow| span.start_ns + span.duration_ns;
        let last = spans.iter().filter(|span| span.start_ns > 0).map(end).max().unwrap_or(0);
        summary.duration_us = u64::try_from((last - summary.started_ms * 1_000_000) / 1_000).unwrap_or(0);
        summary.spans = spans.len() as u64;
        summary.infrastructure = spans.iter().filter(|span| span.infrastructure).count() as u64;
        summary.errors = spans.iter().filter(|span| span.failed).count() as u64;
        summary
    }
}

/// Traces of today, with their calls, which are put among the others.
pub(super) fn make(details: &mut Vec<CallDetail>, now: i64) -> Vec<Made> {
    let mut dice = Dice(0x1234_5678_9ABC_DEF1);
    let mut traces = turns::make(&mut dice, details, now);
    traces.extend(odd::make(&mut dice, details, now));
    details.sort_by_key(|call| std::cmp::Reverse(call.summary.started_ms));
    traces
}

/// One more span in the traces that grow; their ids.
pub(super) fn grow(traces: &mut [Made]) -> Vec<String> {
    let growing =
        traces.iter_mut().filter(|trace| trace.grown.is_some_and(|grown| grown < trace.spans.len()));
    growing
        .map(|trace| {
            trace.grown = trace.grown.map(|grown| grown + 1);
            trace.summary.id.clone()
        })
        .collect()
}

/// The answer to a question about traces; `None` to any other.
pub(super) fn answer(traces: &[Made], details: &[CallDetail], request: &Request) -> Option<Option<Reply>> {
    let find = |id: &str| traces.iter().find(|trace| trace.summary.id == id);
    Some(match request {
        Request::ListTraces { filter, limit, after, offset } => {
            let mut entries: Vec<TraceEntry> = details
                .iter()
                .filter(|call| call.summary.in_trace.is_none() && matching::matches(filter, call))
                .map(|call| TraceEntry::Call(Box::new(call.summary.clone())))
                .collect();
            let unfiltered =
                *filter == api::CallFilter { from_ms: filter.from_ms, ..api::CallFilter::default() };
            let fits = |trace: &&Made| {
                let in_time = filter.from_ms.is_none_or(|from| trace.summary.started_ms >= from);
                let calls =
                    details.iter().filter(|call| call.summary.in_trace.as_ref() == Some(&trace.summary.id));
                (unfiltered && in_time) || calls.into_iter().any(|call| matching::matches(filter, call))
            };
            let kept = traces.iter().filter(fits);
            entries.extend(kept.map(|trace| TraceEntry::Trace(trace.summary())));
            let at = |entry: &TraceEntry| (entry.started_ms(), EntryId::of(entry).number());
            entries.sort_by_key(|entry| std::cmp::Reverse(at(entry)));
            let after = after
                .as_ref()
                .and_then(|after| Some((after.started_ms, after.id.parse::<EntryId>().ok()?.number())));
            let total = entries.len() as u64;
            let later = |entry: &TraceEntry| after.is_none_or(|after| at(entry) < after);
            let part = entries.into_iter().filter(later).skip(*offset as usize).take(*limit as usize);
            Some(Reply::Traces(TracesPage { entries: part.collect(), total, next: None, reading: None }))
        }
        Request::GetTrace { id, offset, limit } => find(id).map(|trace| {
            let all = trace.spans();
            let end = *offset + u64::from(*limit);
            Reply::Trace(Box::new(TraceDetail {
                trace: trace.summary(),
                spans: all.iter().skip(*offset as usize).take(*limit as usize).cloned().collect(),
                next: (end < all.len() as u64).then_some(end),
            }))
        }),
        Request::GetSpan { trace_id, span_id } => find(trace_id).and_then(|trace| {
            let row = trace.spans().iter().find(|span| span.id == *span_id)?;
            Some(Reply::Span(Box::new(span::detail(row, trace, details))))
        }),
        _ => return None,
    })
}

/// What a trace's calls come to.
fn add_up(summary: &mut TraceSummary, calls: &[CallDetail]) {
    let mut usage = Usage::default();
    for call in calls {
        usage.add(&call.summary.usage);
        summary.cost = summary.cost.saturating_add(call.summary.cost.unwrap_or_default());
        summary.unpriced += u64::from(matching::unpriced(&call.summary));
        for bucket in &call.cost.buckets {
            let sum = match bucket.bucket.as_str() {
                "input" => &mut summary.costs.input,
                "cache_read" => &mut summary.costs.cache_read,
                "cache_write_5m" => &mut summary.costs.cache_write_5m,
                _ => &mut summary.costs.output,
            };
            *sum = sum.saturating_add(bucket.cost);
        }
        let model = call.summary.model.clone().unwrap_or_default();
        if !summary.models.contains(&model) {
            summary.models.push(model);
        }
    }
    summary.usage = usage;
    summary.calls = calls.len() as u64;
}
