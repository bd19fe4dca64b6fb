//! The rows of a list of which only parts are loaded, newest first; entries that wait to be let in.
//! Pure. Leaves out asking for the parts (`entry_list`).

use std::ops::Range;
use std::sync::Arc;

use api::{CallId, CallState, TraceEntry, TracesCursor};

use crate::entry::EntryId;

/// Rows asked for at once.
pub const PAGE: u32 = 200;

/// One loaded row. The revision changes with the entry, so that a drawn row knows when it is stale.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: EntryId,
    pub what: Arc<TraceEntry>,
    pub revision: u32,
    /// It came while the page was open: it flashes once.
    pub fresh: bool,
}

impl Entry {
    pub fn started_ms(&self) -> i64 {
        self.what.started_ms()
    }
}

/// Which part of the list is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    pub after: Option<TracesCursor>,
    pub offset: u64,
}

/// How news fit what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// They join without a gap.
    Joined,
    /// They do not reach back to what is known: everything must be loaded again.
    Gap,
    /// Entries that are shown are no longer in the list.
    Gone,
}

/// All rows; those not loaded yet are `None`.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    entries: Vec<Option<Entry>>,
    pending: Vec<TraceEntry>,
    revision: u32,
}

/// Where an entry stands: newer ones have larger places.
fn place(entry: &TraceEntry) -> (i64, u128) {
    (entry.started_ms(), EntryId::of(entry).number())
}

impl Rows {
    /// Rows beginning with `entries`, out of `total`.
    pub fn begin(entries: Vec<TraceEntry>, total: u64) -> Self {
        let mut rows = Self::default();
        rows.resize(total.max(entries.len() as u64));
        rows.place(0, entries);
        rows
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    pub fn get(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)?.as_ref()
    }

    pub fn index_of(&self, id: EntryId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.as_ref().is_some_and(|entry| entry.id == id))
    }

    /// The calls that had not ended when they were loaded.
    pub fn open(&self) -> Vec<CallId> {
        let calls = self.entries.iter().flatten().filter_map(|entry| match &*entry.what {
            TraceEntry::Call(call) if call.state == CallState::Open => Some(call.id),
            TraceEntry::Call(_) | TraceEntry::Trace(_) => None,
        });
        calls.collect()
    }

    /// Where the first missing row of `window` is, and which part of the list holds it.
    pub fn missing(&self, window: Range<usize>) -> Option<(usize, Part)> {
        let start = window.start.min(self.len());
        let end = window.end.min(self.len());
        let missing = start + self.entries.get(start..end)?.iter().position(Option::is_none)?;
        let before = missing.checked_sub(1).and_then(|index| self.get(index));
        let part = match before {
            Some(before) => {
                let after = TracesCursor { started_ms: before.started_ms(), id: before.id.to_string() };
                Part { after: Some(after), offset: 0 }
            }
            // A jump over rows that are not loaded: count, and count those that wait as well.
            None => Part { after: None, offset: (missing + self.pending.len()) as u64 },
        };
        Some((missing, part))
    }

    /// Puts loaded entries at their place.
    pub fn place(&mut self, start: usize, entries: Vec<TraceEntry>) {
        for (index, what) in entries.into_iter().enumerate() {
            let entry = self.entry(what, false);
            if let Some(slot) = self.entries.get_mut(start + index) {
                *slot = Some(entry);
            }
        }
    }

    /// Takes news of the newest entries: known ones change in place, the others enter now or wait.
    pub fn arrive(&mut self, news: Vec<TraceEntry>, total: u64, enter: bool) -> Fit {
        let full = news.len() as u64 >= total;
        let mut joins = full || self.entries.is_empty();
        let gone = self.has_others_than(&news, full);
        for entry in news {
            let id = EntryId::of(&entry);
            if self.refresh(&entry) {
                joins = true;
            } else if let Some(waiting) = self.pending.iter_mut().find(|waiting| EntryId::of(waiting) == id) {
                *waiting = entry;
            } else {
                self.pending.push(entry);
            }
        }
        if enter {
            self.take_in();
        }
        self.resize(total.saturating_sub(self.pending.len() as u64));
        match joins {
            true if gone => Fit::Gone,
            true => Fit::Joined,
            false => Fit::Gap,
        }
    }

    /// Whether a row that lies within the stretch of `news` is not among them.
    fn has_others_than(&self, news: &[TraceEntry], full: bool) -> bool {
        let oldest = news.iter().map(place).min();
        let within = |entry: &Entry| full || oldest.is_some_and(|oldest| place(&entry.what) >= oldest);
        let mut rows = self.entries.iter().flatten().take_while(|entry| within(entry));
        rows.any(|row| news.iter().all(|entry| EntryId::of(entry) != row.id))
    }

    /// Changes a known entry in place; `false` when it is not loaded.
    pub fn refresh(&mut self, what: &TraceEntry) -> bool {
        let Some(index) = self.index_of(EntryId::of(what)) else {
            return false;
        };
        if self.get(index).is_some_and(|known| *known.what != *what) {
            let entry = self.entry(what.clone(), false);
            self.entries[index] = Some(entry);
        }
        true
    }

    /// Lets in those that wait, each at its place.
    pub fn take_in(&mut self) {
        let mut waiting = std::mem::take(&mut self.pending);
        waiting.sort_by_key(place);
        for what in waiting {
            let newer =
                |entry: &Option<Entry>| entry.as_ref().is_none_or(|entry| place(&entry.what) > place(&what));
            let loaded = self.entries.iter().take_while(|entry| entry.is_some()).count();
            let index = self.entries[..loaded].partition_point(newer);
            let entry = self.entry(what, true);
            self.entries.insert(index, Some(entry));
        }
    }

    fn entry(&mut self, what: TraceEntry, fresh: bool) -> Entry {
        self.revision += 1;
        Entry { id: EntryId::of(&what), what: Arc::new(what), revision: self.revision, fresh }
    }

    fn resize(&mut self, total: u64) {
        self.entries.resize(usize::try_from(total).unwrap_or(usize::MAX), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::{
        BucketCosts, CallSummary, CostSource, Money, Operation, SpanType, TraceSummary, Usage, UsageSource,
    };

    fn call(number: u32) -> TraceEntry {
        TraceEntry::Call(Box::new(CallSummary {
            id: format!("01935a2b-6f4e-7d11-9a43-0000{number:08x}").parse().unwrap(),
            started_ms: i64::from(number),
            duration_us: None,
            first_byte_us: None,
            first_token_us: None,
            state: CallState::Complete,
            provider: "openai".into(),
            operation: Operation::Chat,
            client: None,
            method: "POST".into(),
            path: "/v1/chat/completions".into(),
            status: Some(200),
            model: None,
            title: None,
            streamed: true,
            usage: Usage::default(),
            usage_source: UsageSource::Unknown,
            cost: None,
            cost_source: CostSource::Unknown,
            equivalent: None,
            finish_reason: None,
            error: None,
            session_id: None,
            lineage: api::Lineage::default(),
            trace_id: None,
            parent_id: None,
            retry_of: None,
            replay_of: None,
            tags: vec![],
            sources: vec![api::ReportSource::Proxy],
            in_trace: None,
        }))
    }

    fn trace(number: u32, spans: u64) -> TraceEntry {
        TraceEntry::Trace(TraceSummary {
            id: format!("{number:032x}"),
            started_ms: i64::from(number),
            duration_us: 9,
            name: "turn".into(),
            label: None,
            span_type: SpanType::Trace,
            service: None,
            client: None,
            session_id: None,
            spans,
            infrastructure: 0,
            errors: 0,
            orphans: 0,
            calls: 0,
            models: vec![],
            usage: Usage::default(),
            cost: Money::ZERO,
            costs: BucketCosts::default(),
            unpriced: 0,
        })
    }

    fn numbers(rows: &Rows) -> Vec<Option<i64>> {
        (0..rows.len()).map(|index| rows.get(index).map(Entry::started_ms)).collect()
    }

    #[test]
    fn new_entries_wait_until_they_are_let_in() {
        let mut rows = Rows::begin(vec![call(3), trace(2, 4)], 3);
        assert_eq!(rows.arrive(vec![trace(5, 1), call(4), call(3)], 5, false), Fit::Joined);
        assert_eq!((rows.pending(), rows.len()), (2, 3));
        rows.take_in();
        assert_eq!(numbers(&rows), [Some(5), Some(4), Some(3), Some(2), None]);
        assert!(rows.get(0).unwrap().fresh && !rows.get(2).unwrap().fresh);
    }

    #[test]
    fn a_late_entry_enters_at_its_place_and_a_known_one_changes_in_place() {
        let mut rows = Rows::begin(vec![call(9), trace(2, 4)], 2);
        let before = rows.get(1).unwrap().revision;
        assert_eq!(rows.arrive(vec![call(9), call(5), trace(2, 5)], 3, true), Fit::Joined);
        assert_eq!(numbers(&rows), [Some(9), Some(5), Some(2)]);
        assert_ne!(rows.get(2).unwrap().revision, before);
    }

    #[test]
    fn news_that_do_not_reach_back_ask_for_a_fresh_start() {
        let mut rows = Rows::begin(vec![call(1)], 1);
        assert_eq!(rows.arrive(vec![call(900), call(899)], 900, true), Fit::Gap);
    }

    #[test]
    fn rows_that_were_deleted_or_went_into_a_trace_are_noticed() {
        let mut rows = Rows::begin(vec![call(9), call(5), call(2)], 3);
        assert_eq!(rows.arrive(vec![call(9), call(2)], 2, true), Fit::Gone);
        let mut rows = Rows::begin(vec![call(9), call(5)], 2);
        assert_eq!(rows.arrive(vec![call(9), trace(4, 2)], 2, true), Fit::Gone);
    }

    #[test]
    fn missing_rows_are_asked_for_after_the_last_known_one() {
        let mut rows = Rows::begin(vec![call(9), trace(8, 1)], 1_000);
        let (start, part) = rows.missing(0..40).unwrap();
        let after = TracesCursor { started_ms: 8, id: format!("{:032x}", 8) };
        assert_eq!((start, part), (2, Part { after: Some(after), offset: 0 }));
        rows.arrive(vec![call(10), call(9)], 1_001, false);
        let (start, part) = rows.missing(500..540).unwrap();
        assert_eq!((start, part), (500, Part { after: None, offset: 501 }), "one waits and counts");
        assert!(rows.missing(0..2).is_none());
    }
}
