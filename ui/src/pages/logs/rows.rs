//! The rows of a list of log records of which only parts are loaded, newest first; records that wait to be let in.
//! Pure. Leaves out asking for the parts (`list`).

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use api::LogRow;

/// Rows asked for at once.
pub const PAGE: u32 = 200;

/// One loaded row.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub log: Arc<LogRow>,
    /// It came while the page was open: it flashes once.
    pub fresh: bool,
}

/// Which part to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first row that is missing.
    pub start: usize,
    pub offset: u32,
    pub before: Option<String>,
}

/// All rows; those not loaded yet are `None`.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    entries: Vec<Option<Entry>>,
    pending: Vec<LogRow>,
}

impl Rows {
    /// Rows beginning with `logs`, out of `total`.
    pub fn begin(logs: Vec<LogRow>, total: u64) -> Self {
        let mut rows = Self::default();
        rows.resize(total.max(logs.len() as u64));
        rows.place(0, logs);
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

    pub fn index_of(&self, id: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.as_ref().is_some_and(|entry| entry.log.id == id))
    }

    /// The part that begins with the first missing row of `window`.
    pub fn missing(&self, window: Range<usize>) -> Option<Part> {
        let (start, end) = (window.start.min(self.len()), window.end.min(self.len()));
        let start = start + self.entries.get(start..end)?.iter().position(Option::is_none)?;
        let before = start.checked_sub(1).and_then(|index| self.get(index)).map(|entry| entry.log.id.clone());
        // A jump over rows that are not loaded: count, and count those that wait as well.
        let offset = match before {
            Some(_) => 0,
            None => u32::try_from(start + self.pending.len()).unwrap_or(u32::MAX),
        };
        Some(Part { start, offset, before })
    }

    /// Puts loaded records at their place.
    pub fn place(&mut self, start: usize, logs: Vec<LogRow>) {
        for (slot, log) in self.entries.iter_mut().skip(start).zip(logs) {
            *slot = Some(Entry { log: Arc::new(log), fresh: false });
        }
    }

    /// Takes the newest records: known ones change in place, the others enter now or wait. `false` when they do not
    /// join what is known: then everything must be loaded again.
    pub fn arrive(&mut self, logs: Vec<LogRow>, total: u64, enter: bool) -> bool {
        let before = self.len() + self.pending.len();
        let full = logs.len() as u64 >= total;
        let mut joins = full || self.entries.is_empty();
        let mut new = 0;
        for log in logs {
            let known = self.entries.iter_mut().flatten().find(|entry| entry.log.id == log.id);
            if let Some(known) = known {
                joins = true;
                if *known.log != log {
                    known.log = Arc::new(log);
                }
            } else if let Some(waiting) = self.pending.iter_mut().find(|waiting| waiting.id == log.id) {
                *waiting = log;
            } else {
                new += 1;
                self.pending.push(log);
            }
        }
        // Records may come late: those that belong further down are among the total only.
        let counted = total == (before + new) as u64;
        if enter {
            self.take_in();
        }
        self.resize(total.saturating_sub(self.pending.len() as u64));
        joins && counted
    }

    /// Lets in those that wait, each at its place: ids sort by time.
    pub fn take_in(&mut self) {
        let waiting = std::mem::take(&mut self.pending);
        if waiting.is_empty() {
            return;
        }
        let ids: HashSet<&str> = waiting.iter().map(|log| log.id.as_str()).collect();
        let loaded = self.entries.iter().take_while(|entry| entry.is_some()).count();
        let mut head: Vec<Option<Entry>> = self.entries.drain(..loaded).collect();
        head.retain(|entry| entry.as_ref().is_none_or(|entry| !ids.contains(entry.log.id.as_str())));
        drop(ids);
        head.extend(waiting.into_iter().map(|log| Some(Entry { log: Arc::new(log), fresh: true })));
        head.sort_by(|one, other| {
            let id = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.log.id.clone());
            id(other).cmp(&id(one))
        });
        self.entries.splice(0..0, head);
    }

    fn resize(&mut self, total: u64) {
        self.entries.resize(usize::try_from(total).unwrap_or(usize::MAX), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(number: u32) -> LogRow {
        LogRow {
            id: format!("{number:016x}{:016x}", 7),
            time_ns: i64::from(number),
            severity: 9,
            event: None,
            service: None,
            text: String::new(),
            trace_id: None,
            span_id: None,
            session_id: None,
            call: None,
        }
    }

    fn numbers(rows: &Rows) -> Vec<Option<i64>> {
        (0..rows.len()).map(|index| rows.get(index).map(|entry| entry.log.time_ns)).collect()
    }

    #[test]
    fn new_records_wait_until_they_are_let_in() {
        let mut rows = Rows::begin(vec![log(3), log(2)], 3);
        assert!(rows.arrive(vec![log(5), log(4), log(3)], 5, false));
        assert_eq!((rows.pending(), rows.len()), (2, 3));
        rows.take_in();
        assert_eq!(numbers(&rows), [Some(5), Some(4), Some(3), Some(2), None]);
        assert!(rows.get(0).unwrap().fresh && !rows.get(2).unwrap().fresh);
    }

    #[test]
    fn a_late_record_enters_at_its_place_and_a_joined_one_changes() {
        let mut rows = Rows::begin(vec![log(9), log(2)], 2);
        let mut joined = log(2);
        joined.call = "01935a2b-6f4e-7d11-9a43-5b6c7d8e9f01".parse().ok();
        assert!(rows.arrive(vec![log(9), log(5), joined], 3, true));
        assert_eq!(numbers(&rows), [Some(9), Some(5), Some(2)]);
        assert!(rows.get(2).unwrap().log.call.is_some());
    }

    #[test]
    fn what_does_not_join_asks_for_a_fresh_start() {
        let mut rows = Rows::begin(vec![log(1)], 1);
        assert!(!rows.arrive(vec![log(900), log(899)], 900, true), "a gap");
        let mut rows = Rows::begin(vec![log(9), log(8)], 900);
        assert!(!rows.arrive(vec![log(10), log(9)], 902, false), "one came further down");
        assert_eq!((rows.pending(), rows.len()), (1, 901));
    }

    #[test]
    fn missing_rows_are_asked_for_after_the_last_known_one() {
        let mut rows = Rows::begin(vec![log(9), log(8)], 1_000);
        assert_eq!(rows.missing(0..40), Some(Part { start: 2, offset: 0, before: Some(log(8).id) }));
        rows.arrive(vec![log(10), log(9)], 1_001, false);
        assert_eq!(rows.missing(500..540), Some(Part { start: 500, offset: 501, before: None }), "one waits");
        assert_eq!(rows.missing(0..2), None);
    }
}
