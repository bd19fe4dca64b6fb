//! The list of traces and calls on screen: loads what is scrolled to, keeps it fresh, holds back what would move it.
//! Leaves out how rows are kept (`rows`) and drawn (`table`).

use std::ops::Range;
use std::time::Duration;

use api::{ApiError, Reading, TraceEntry, TracesPage};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::rows::{Fit, PAGE, Part, Rows};
use crate::backend::Backend;
use crate::browser::{now_ms, utc_offset};
use crate::entry::EntryId;
use crate::filter::View;
use crate::live::{Changes, Live, use_live};

/// Changes in quick succession are looked at together: at least this long, and longer than it took last time.
const GATHER_MS: i64 = 200;
/// A skeleton shows when loading takes longer than this.
const LATE: Duration = Duration::from_millis(150);

/// The turns of changes of calls and of traces.
type Turns = (u64, u64);

/// The list, as the parts of the page share it.
#[derive(Clone, Copy)]
pub struct EntryList {
    pub rows: RwSignal<Rows>,
    /// `None` while the first page loads.
    pub loaded: RwSignal<Option<Result<(), ApiError>>>,
    pub late: RwSignal<bool>,
    /// How many match in all.
    pub total: RwSignal<u64>,
    /// A search is still reading texts, and more may come to be found.
    pub reading: RwSignal<Option<Reading>>,
    /// Counts up when something came or changed: totals are stale.
    pub version: RwSignal<u64>,
    /// Whether the table is scrolled to its top.
    pub at_top: RwSignal<bool>,
    filter: Memo<View>,
    selected: Memo<Option<EntryId>>,
    /// Answers to an older question than this are dropped.
    turn: StoredValue<u64>,
    loading: StoredValue<Option<usize>>,
    /// Whether the first page or what is new is being asked for: one after the other, lest an older answer overwrites a
    /// newer one.
    asking: StoredValue<bool>,
    /// The turn of changes that the rows know, or will with the answer under way.
    looked: StoredValue<Turns>,
    /// How long it took to look at what changed.
    took_ms: StoredValue<i64>,
    live: Live,
    backend: Backend,
}

impl EntryList {
    /// Loads the list, again whenever the filter changes, and follows what happens while the page is open.
    pub fn load(backend: Backend, filter: Memo<View>, selected: Memo<Option<EntryId>>) -> Self {
        let list = Self {
            rows: RwSignal::new(Rows::default()),
            loaded: RwSignal::new(None),
            late: RwSignal::new(false),
            total: RwSignal::new(0),
            reading: RwSignal::new(None),
            version: RwSignal::new(0),
            at_top: RwSignal::new(true),
            filter,
            selected,
            turn: StoredValue::new(0),
            loading: StoredValue::new(None),
            asking: StoredValue::new(false),
            looked: StoredValue::new((0, 0)),
            took_ms: StoredValue::new(0),
            live: use_live(),
            backend,
        };
        Effect::new(move |_| {
            filter.track();
            list.ask(true);
        });
        let waiting = StoredValue::new(false);
        Effect::new(move |before: Option<Turns>| {
            let turn = (list.live.changes.with(Changes::turn), list.live.traces.with(Changes::turn));
            if before.is_some_and(|before| before != turn) && !waiting.get_value() {
                waiting.set_value(true);
                set_timeout(
                    move || {
                        if waiting.try_set_value(false).is_none() {
                            list.follow();
                        }
                    },
                    list.pause(),
                );
            }
            turn
        });
        list
    }

    /// Whether it is known that nothing matches.
    pub fn is_empty(self) -> bool {
        matches!(self.loaded.get(), Some(Ok(()))) && self.rows.with(|rows| rows.len() + rows.pending() == 0)
    }

    /// Asks for everything again. What is shown stays until the answer is there.
    pub fn reload(self) {
        self.ask(false);
    }

    /// Asks for the first page; `fresh` when the question is another one.
    fn ask(self, fresh: bool) {
        let turn = self.next_turn();
        let view = self.filter.get_untracked();
        self.asking.set_value(true);
        self.looked.set_value(self.turns());
        spawn_local(async move {
            let answer = self.part(&view, PAGE, Part::default(), 0).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            self.late.set(false);
            match answer {
                Ok(page) => {
                    self.total.set(page.total);
                    self.reading.set(page.reading);
                    self.rows.set(Rows::begin(page.entries, page.total));
                    self.loaded.set(Some(Ok(())));
                }
                // Rows that are there outlive a lost connection.
                Err(_) if self.rows.with_untracked(|rows| rows.len() > 0) && !fresh => {}
                Err(error) => {
                    self.reading.set(None);
                    self.loaded.set(Some(Err(error)));
                }
            }
            self.version.update(|version| *version += 1);
            self.asked();
        });
        set_timeout(
            move || {
                if self.turn.try_get_value() == Some(turn) && self.loaded.get_untracked().is_none() {
                    self.late.set(true);
                }
            },
            LATE,
        );
    }

    /// Loads what is missing in the window on screen.
    pub fn fill(self, window: Range<usize>) {
        let Some((start, part)) = self.rows.with_untracked(|rows| rows.missing(window)) else {
            return;
        };
        if self.loading.get_value() == Some(start) {
            return;
        }
        self.loading.set_value(Some(start));
        let turn = self.turn.get_value();
        let view = self.filter.get_untracked();
        spawn_local(async move {
            let answer = self.part(&view, PAGE, part, start).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            self.loading.set_value(None);
            if let Ok(page) = answer {
                self.rows.update(|rows| rows.place(start, page.entries));
            }
        });
    }

    /// Lets in what waited.
    pub fn take_in(self) {
        self.rows.update(Rows::take_in);
    }

    /// The row `by` rows further than `from`; the first one when nothing is selected.
    pub fn neighbour(self, from: Option<EntryId>, by: isize) -> Option<EntryId> {
        self.rows.with_untracked(|rows| {
            let index = from.and_then(|from| rows.index_of(from));
            let next = match index {
                Some(index) => {
                    index.checked_add_signed(by).filter(|next| *next < rows.len()).unwrap_or(index)
                }
                None => 0,
            };
            rows.get(next).map(|entry| entry.id).or(from)
        })
    }

    pub fn first(self) -> Option<EntryId> {
        self.rows.with_untracked(|rows| rows.get(0).map(|entry| entry.id))
    }

    /// Loads the last row when it is not there, then gives its id.
    pub fn go_to_end(self, then: impl Fn(EntryId) + 'static) {
        let last = self.rows.with_untracked(Rows::len).saturating_sub(1);
        if let Some(id) = self.rows.with_untracked(|rows| rows.get(last).map(|entry| entry.id)) {
            return then(id);
        }
        let turn = self.turn.get_value();
        let view = self.filter.get_untracked();
        let start = last.saturating_sub(PAGE as usize - 1);
        let offset = (start + self.rows.with_untracked(Rows::pending)) as u64;
        spawn_local(async move {
            let answer = self.part(&view, PAGE, Part { after: None, offset }, start).await;
            if let (Ok(page), true) = (answer, self.turn.try_get_value() == Some(turn)) {
                let id = page.entries.last().map(EntryId::of);
                self.rows.update(|rows| rows.place(start, page.entries));
                if let Some(id) = id {
                    then(id);
                }
            }
        });
    }

    /// An answer is there: what changed while it was under way is looked at next, and what was found meanwhile.
    fn asked(self) {
        self.asking.set_value(false);
        if self.looked.get_value() != self.turns() || self.reading.get_untracked().is_some() {
            set_timeout(
                move || {
                    // The page may be gone by then.
                    if self.asking.try_get_value() == Some(false) {
                        self.follow();
                    }
                },
                self.pause(),
            );
        }
    }

    /// Looks at what changed: the newest entries, and those shown further down.
    fn follow(self) {
        let looked = self.looked.get_value();
        let now = self.turns();
        let calls = self.live.changes.with_untracked(|changes| changes.since(looked.0));
        let traces = self.live.traces.with_untracked(|changes| changes.since(looked.1));
        let reading = self.reading.get_untracked().is_some();
        if self.asking.get_value() || (now == looked && !reading) {
            return;
        }
        // The best stay where they are while one reads; what came counts in the totals.
        if self.filter.with_untracked(View::best_first) {
            if reading {
                return self.reload();
            }
            self.looked.set_value(now);
            self.version.update(|version| *version += 1);
            return;
        }
        self.asking.set_value(true);
        self.looked.set_value(now);
        let still = self.selected.get_untracked().is_none() && self.at_top.get_untracked();
        // What a search finds while it goes on is older than what is there: it moves nothing.
        let enter = reading || (still && !self.live.paused.get_untracked());
        let turn = self.turn.get_value();
        let view = self.filter.get_untracked();
        let began = now_ms();
        spawn_local(async move {
            let answer = self.part(&view, PAGE / 2, Part::default(), 0).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            let Ok(news) = answer else {
                // Looked at with what changes next, or when the connection is there again.
                self.asking.set_value(false);
                self.looked.set_value(looked);
                return;
            };
            let newest: Vec<EntryId> = news.entries.iter().map(EntryId::of).collect();
            self.total.set(news.total);
            self.reading.set(news.reading);
            let mut fit = Fit::Joined;
            self.rows.update(|rows| fit = rows.arrive(news.entries, news.total, enter));
            // Totals are of calls: spans alone change none.
            if reading || calls.all || !calls.ids.is_empty() {
                self.version.update(|version| *version += 1);
            }
            let stale = match fit {
                Fit::Joined => matches!(self.loaded.get_untracked(), Some(Err(_))),
                Fit::Gap => true,
                // What is being read stays until the reader goes on.
                Fit::Gone => enter || calls.all || traces.all,
            };
            if stale {
                return self.reload();
            }
            // After a gap in the events, calls that were open may have ended.
            let open = if calls.all { self.rows.with_untracked(Rows::open) } else { Vec::new() };
            let calls = calls.ids.into_iter().chain(open).map(EntryId::Call);
            let changed = calls.chain(traces.ids.into_iter().map(EntryId::Trace));
            for id in changed.filter(|id| !newest.contains(id)) {
                let shown = self.rows.try_with_untracked(|rows| rows.index_of(id).is_some()) == Some(true);
                if let (true, Some(entry)) = (shown, self.entry(id).await) {
                    self.rows.try_update(|rows| rows.refresh(&entry));
                }
            }
            if self.turn.try_get_value() == Some(turn) {
                self.took_ms.set_value(now_ms() - began);
                self.asked();
            }
        });
    }

    fn pause(self) -> Duration {
        Duration::from_millis((self.took_ms.get_value() * 4).max(GATHER_MS).unsigned_abs())
    }

    /// The part that begins with row `start`.
    async fn part(self, view: &View, limit: u32, part: Part, start: usize) -> Result<TracesPage, ApiError> {
        if view.best_first() {
            let start = u32::try_from(start).unwrap_or(u32::MAX);
            let found = self.backend.best(at_now(view), limit, start).await?;
            let entries = found.hits.into_iter().map(|hit| TraceEntry::Call(Box::new(hit.call))).collect();
            let total = found.compared.unwrap_or(found.total);
            return Ok(TracesPage { entries, total, next: None, reading: found.reading });
        }
        self.backend.traces(at_now(view), limit, part.after, part.offset).await
    }

    /// A row as it is now.
    async fn entry(self, id: EntryId) -> Option<TraceEntry> {
        match id {
            EntryId::Call(id) => {
                let call = self.backend.call(id).await.ok()?;
                Some(TraceEntry::Call(Box::new(call.summary)))
            }
            EntryId::Trace(id) => {
                let trace = self.backend.trace(id.to_string(), 0, 1).await.ok()?;
                Some(TraceEntry::Trace(trace.trace))
            }
        }
    }

    fn turns(self) -> Turns {
        (self.live.changes.with_untracked(Changes::turn), self.live.traces.with_untracked(Changes::turn))
    }

    fn next_turn(self) -> u64 {
        self.turn.update_value(|turn| *turn += 1);
        self.loading.set_value(None);
        self.turn.get_value()
    }
}

fn at_now(view: &View) -> api::CallFilter {
    let now = now_ms();
    view.filter_at(now, utc_offset(now))
}
