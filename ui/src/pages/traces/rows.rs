//! The rows of a list of which only parts are loaded, newest first; calls that wait to be let in.
//! Pure. Leaves out asking for the parts (`call_list`).

use std::ops::Range;
use std::sync::Arc;

use api::{CallId, CallState, CallSummary, Page};

/// Rows asked for at once.
pub const PAGE: u32 = 200;

/// One loaded row. The revision changes with the call, so that a drawn row knows when it is stale.
#[derive(Clone, Debug)]
pub struct Entry {
    pub call: Arc<CallSummary>,
    pub revision: u32,
    /// It came while the page was open: it flashes once.
    pub fresh: bool,
}

/// How news fit what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// They join without a gap.
    Joined,
    /// They do not reach back to what is known: everything must be loaded again.
    Gap,
    /// Calls that are shown are no longer in the list.
    Gone,
}

/// All rows; those not loaded yet are `None`.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    entries: Vec<Option<Entry>>,
    pending: Vec<CallSummary>,
    revision: u32,
}

impl Rows {
    /// Rows beginning with `calls`, out of `total`.
    pub fn begin(calls: Vec<CallSummary>, total: u64) -> Self {
        let mut rows = Self::default();
        rows.resize(total.max(calls.len() as u64));
        rows.place(0, calls);
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

    pub fn index_of(&self, id: CallId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.as_ref().is_some_and(|entry| entry.call.id == id))
    }

    /// The calls that had not ended when they were loaded.
    pub fn open(&self) -> Vec<CallId> {
        let open = self.entries.iter().flatten().filter(|entry| entry.call.state == CallState::Open);
        open.map(|entry| entry.call.id).collect()
    }

    /// Where the first missing row of `window` is, and which page holds it.
    pub fn missing(&self, window: Range<usize>) -> Option<(usize, Page)> {
        let start = window.start.min(self.len());
        let end = window.end.min(self.len());
        let missing = start + self.entries.get(start..end)?.iter().position(Option::is_none)?;
        let before = missing.checked_sub(1).and_then(|index| self.get(index)).map(|entry| entry.call.id);
        let page = match before {
            Some(before) => Page { limit: PAGE, offset: 0, before: Some(before) },
            // A jump over rows that are not loaded: count, and count those that wait as well.
            None => {
                let offset = u32::try_from(missing + self.pending.len()).unwrap_or(u32::MAX);
                Page { limit: PAGE, offset, before: None }
            }
        };
        Some((missing, page))
    }

    /// Puts loaded calls at their place.
    pub fn place(&mut self, start: usize, calls: Vec<CallSummary>) {
        for (index, call) in calls.into_iter().enumerate() {
            let entry = self.entry(call, false);
            if let Some(slot) = self.entries.get_mut(start + index) {
                *slot = Some(entry);
            }
        }
    }

    /// Takes news of the newest calls: known ones change in place, the others enter now or wait.
    pub fn arrive(&mut self, calls: Vec<CallSummary>, total: u64, enter: bool) -> Fit {
        let full = calls.len() as u64 >= total;
        let mut joins = full || self.entries.is_empty();
        let gone = self.has_others_than(&calls, full);
        for call in calls {
            if self.refresh(&call) {
                joins = true;
            } else if let Some(waiting) = self.pending.iter_mut().find(|waiting| waiting.id == call.id) {
                *waiting = call;
            } else {
                self.pending.push(call);
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
    fn has_others_than(&self, news: &[CallSummary], full: bool) -> bool {
        let oldest = news.iter().map(|call| call.id).min();
        let within = |id: CallId| full || oldest.is_some_and(|oldest| id >= oldest);
        let rows = self.entries.iter().flatten().map(|entry| entry.call.id);
        rows.take_while(|id| within(*id)).any(|id| news.iter().all(|call| call.id != id))
    }

    /// Changes a known call in place; `false` when it is not loaded.
    pub fn refresh(&mut self, call: &CallSummary) -> bool {
        let Some(index) = self.index_of(call.id) else {
            return false;
        };
        if self.get(index).is_some_and(|known| *known.call != *call) {
            let entry = self.entry(call.clone(), false);
            self.entries[index] = Some(entry);
        }
        true
    }

    /// Lets in those that wait, each at its place.
    pub fn take_in(&mut self) {
        let mut waiting = std::mem::take(&mut self.pending);
        waiting.sort_by_key(|call| call.id);
        for call in waiting {
            let newer = |entry: &Option<Entry>| entry.as_ref().is_none_or(|entry| entry.call.id > call.id);
            let loaded = self.entries.iter().take_while(|entry| entry.is_some()).count();
            let index = self.entries[..loaded].partition_point(newer);
            let entry = self.entry(call, true);
            self.entries.insert(index, Some(entry));
        }
    }

    fn entry(&mut self, call: CallSummary, fresh: bool) -> Entry {
        self.revision += 1;
        Entry { call: Arc::new(call), revision: self.revision, fresh }
    }

    fn resize(&mut self, total: u64) {
        self.entries.resize(usize::try_from(total).unwrap_or(usize::MAX), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::{CostSource, Operation, Usage, UsageSource};

    fn call(number: u32) -> CallSummary {
        CallSummary {
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
            finish_reason: None,
            error: None,
            session_id: None,
            lineage: api::Lineage::default(),
            trace_id: None,
            parent_id: None,
            retry_of: None,
            tags: vec![],
            sources: vec![api::ReportSource::Proxy],
            in_trace: None,
        }
    }

    fn numbers(rows: &Rows) -> Vec<Option<i64>> {
        (0..rows.len()).map(|index| rows.get(index).map(|entry| entry.call.started_ms)).collect()
    }

    #[test]
    fn new_calls_wait_until_they_are_let_in() {
        let mut rows = Rows::begin(vec![call(3), call(2)], 3);
        assert_eq!(rows.arrive(vec![call(5), call(4), call(3)], 5, false), Fit::Joined);
        assert_eq!((rows.pending(), rows.len()), (2, 3));
        rows.take_in();
        assert_eq!(numbers(&rows), [Some(5), Some(4), Some(3), Some(2), None]);
        assert!(rows.get(0).unwrap().fresh && !rows.get(2).unwrap().fresh);
    }

    #[test]
    fn a_late_call_enters_at_its_place_and_a_known_one_changes_in_place() {
        let mut rows = Rows::begin(vec![call(9), call(2)], 2);
        let before = rows.get(1).unwrap().revision;
        let mut changed = call(2);
        changed.state = CallState::Cancelled;
        assert_eq!(rows.arrive(vec![call(9), call(5), changed], 3, true), Fit::Joined);
        assert_eq!(numbers(&rows), [Some(9), Some(5), Some(2)]);
        assert_ne!(rows.get(2).unwrap().revision, before);
    }

    #[test]
    fn news_that_do_not_reach_back_ask_for_a_fresh_start() {
        let mut rows = Rows::begin(vec![call(1)], 1);
        assert_eq!(rows.arrive(vec![call(900), call(899)], 900, true), Fit::Gap);
    }

    #[test]
    fn rows_that_were_deleted_are_noticed() {
        let mut rows = Rows::begin(vec![call(9), call(5), call(2)], 3);
        assert_eq!(rows.arrive(vec![call(9), call(2)], 2, true), Fit::Gone);
    }

    #[test]
    fn missing_rows_are_asked_for_after_the_last_known_one() {
        let mut rows = Rows::begin(vec![call(9), call(8)], 1_000);
        let (start, page) = rows.missing(0..40).unwrap();
        assert_eq!((start, page.offset, page.before), (2, 0, Some(call(8).id)));
        rows.arrive(vec![call(10), call(9)], 1_001, false);
        let (start, page) = rows.missing(500..540).unwrap();
        assert_eq!((start, page.offset, page.before), (500, 501, None), "one waits and counts");
        assert!(rows.missing(0..2).is_none());
    }
}
