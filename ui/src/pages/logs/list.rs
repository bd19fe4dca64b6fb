//! The list of log records on screen: loads what is scrolled to, keeps it fresh, holds back what would move it.
//! Leaves out how rows are kept (`rows`) and drawn (`table`).

use std::ops::Range;
use std::time::Duration;

use api::ApiError;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::rows::{PAGE, Rows};
use super::view::LogView;
use crate::backend::Backend;
use crate::browser::{now_ms, utc_offset};
use crate::components::virtual_rows::Scroll;
use crate::live::{Live, use_live};

/// Changes in quick succession are looked at together.
const GATHER_MS: u64 = 300;
/// An answer that took long is not asked for again before so many times as long.
const SHARE: u64 = 5;
/// A skeleton shows when loading takes longer than this.
const LATE: Duration = Duration::from_millis(150);

/// The list, as the parts of the page share it.
#[derive(Clone, Copy)]
pub struct LogList {
    pub rows: RwSignal<Rows>,
    /// `None` while the first page loads.
    pub loaded: RwSignal<Option<Result<(), ApiError>>>,
    pub late: RwSignal<bool>,
    /// Counts up when records came: totals are stale.
    pub version: RwSignal<u64>,
    /// Where the texts of too many would have to be read for what is searched for: those before this moment were not.
    pub read_back_to_ms: RwSignal<Option<i64>>,
    pub scroll: Scroll,
    filter: Memo<LogView>,
    selected: Memo<Option<String>>,
    /// Answers to an older question than this are dropped.
    turn: StoredValue<u64>,
    loading: StoredValue<Option<usize>>,
    /// Whether the newest are being asked for: one question after the other.
    asking: StoredValue<bool>,
    /// Something came while they were.
    again: StoredValue<bool>,
    took_ms: StoredValue<u64>,
    live: Live,
    backend: Backend,
}

impl LogList {
    /// Loads the list, again whenever the filter changes, and follows what comes while the page is open.
    pub fn load(backend: Backend, filter: Memo<LogView>, selected: Memo<Option<String>>) -> Self {
        let list = Self {
            rows: RwSignal::new(Rows::default()),
            loaded: RwSignal::new(None),
            late: RwSignal::new(false),
            version: RwSignal::new(0),
            read_back_to_ms: RwSignal::new(None),
            scroll: Scroll::new(),
            filter,
            selected,
            turn: StoredValue::new(0),
            loading: StoredValue::new(None),
            asking: StoredValue::new(false),
            again: StoredValue::new(false),
            took_ms: StoredValue::new(0),
            live: use_live(),
            backend,
        };
        Effect::new(move |_| {
            filter.track();
            list.scroll.to(0);
            list.ask(true);
        });
        Effect::new(move |before: Option<u64>| {
            let turn = list.live.logs.get();
            if before.is_some_and(|before| before != turn) {
                list.soon();
            }
            turn
        });
        list
    }

    /// Whether it is known that no record matches.
    pub fn is_empty(self) -> bool {
        matches!(self.loaded.get(), Some(Ok(()))) && self.rows.with(|rows| rows.len() + rows.pending() == 0)
    }

    /// Asks for everything again. What is shown stays until the answer is there.
    pub fn reload(self) {
        self.ask(false);
    }

    /// Lets in what waited.
    pub fn take_in(self) {
        self.rows.update(Rows::take_in);
    }

    /// Asks for the first page; `fresh` when the question is another one.
    fn ask(self, fresh: bool) {
        self.turn.update_value(|turn| *turn += 1);
        let turn = self.turn.get_value();
        self.loading.set_value(None);
        self.asking.set_value(true);
        let view = self.filter.get_untracked();
        spawn_local(async move {
            let answer = self.backend.logs(at_now(&view), PAGE, 0, None).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            self.late.set(false);
            match answer {
                Ok(page) => {
                    self.read_back_to_ms.set(page.read_back_to_ms);
                    self.rows.set(Rows::begin(page.logs, page.total));
                    self.loaded.set(Some(Ok(())));
                }
                // Rows that are there outlive a lost connection.
                Err(_) if self.rows.with_untracked(|rows| rows.len() > 0) && !fresh => {}
                Err(error) => self.loaded.set(Some(Err(error))),
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
        let Some(part) = self.rows.with_untracked(|rows| rows.missing(window)) else { return };
        if self.loading.get_value() == Some(part.start) {
            return;
        }
        self.loading.set_value(Some(part.start));
        let turn = self.turn.get_value();
        let filter = at_now(&self.filter.get_untracked());
        spawn_local(async move {
            let answer = self.backend.logs(filter, PAGE, part.offset, part.before).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            self.loading.set_value(None);
            if let Ok(page) = answer {
                self.rows.update(|rows| rows.place(part.start, page.logs));
            }
        });
    }

    /// The record `by` rows further than `from`; the first one when nothing is selected.
    pub fn neighbour(self, from: Option<&str>, by: isize) -> Option<String> {
        self.rows.with_untracked(|rows| {
            let index = from.and_then(|from| rows.index_of(from));
            let next = match index {
                Some(index) => {
                    index.checked_add_signed(by).filter(|next| *next < rows.len()).unwrap_or(index)
                }
                None => 0,
            };
            rows.get(next).map(|entry| entry.log.id.clone()).or(from.map(str::to_owned))
        })
    }

    pub fn first(self) -> Option<String> {
        self.rows.with_untracked(|rows| rows.get(0).map(|entry| entry.log.id.clone()))
    }

    /// Loads the last row when it is not there, then gives its record.
    pub fn go_to_end(self, then: impl Fn(String) + 'static) {
        let last = self.rows.with_untracked(Rows::len).saturating_sub(1);
        if let Some(id) = self.rows.with_untracked(|rows| rows.get(last).map(|entry| entry.log.id.clone())) {
            return then(id);
        }
        let turn = self.turn.get_value();
        let filter = at_now(&self.filter.get_untracked());
        let start = last.saturating_sub(PAGE as usize - 1);
        let offset = u32::try_from(start + self.rows.with_untracked(Rows::pending)).unwrap_or(u32::MAX);
        spawn_local(async move {
            let answer = self.backend.logs(filter, PAGE, offset, None).await;
            if let (Ok(page), true) = (answer, self.turn.try_get_value() == Some(turn)) {
                let id = page.logs.last().map(|log| log.id.clone());
                self.rows.update(|rows| rows.place(start, page.logs));
                if let Some(id) = id {
                    then(id);
                }
            }
        });
    }

    /// Looks at the newest in a moment.
    fn soon(self) {
        if self.asking.get_value() {
            return self.again.set_value(true);
        }
        self.asking.set_value(true);
        set_timeout(
            move || {
                // The page may be gone by then.
                if self.asking.try_get_value().is_some() {
                    self.follow();
                }
            },
            Duration::from_millis(GATHER_MS.max(self.took_ms.get_value() * SHARE)),
        );
    }

    fn asked(self) {
        self.asking.set_value(false);
        if self.again.get_value() {
            self.again.set_value(false);
            self.soon();
        }
    }

    fn follow(self) {
        let still = self.selected.with_untracked(Option::is_none) && self.scroll.at_top.get_untracked();
        let enter = still && !self.live.paused.get_untracked();
        let turn = self.turn.get_value();
        let filter = at_now(&self.filter.get_untracked());
        spawn_local(async move {
            let began = now_ms();
            let answer = self.backend.logs(filter, PAGE / 2, 0, None).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            self.took_ms.set_value((now_ms() - began).unsigned_abs());
            if let Ok(news) = answer {
                let mut joins = true;
                self.rows.update(|rows| joins = rows.arrive(news.logs, news.total, enter));
                self.version.update(|version| *version += 1);
                let failed = matches!(self.loaded.get_untracked(), Some(Err(_)));
                // What is being read stays until the reader goes on.
                if failed || (!joins && enter) {
                    return self.reload();
                }
            }
            self.asked();
        });
    }
}

fn at_now(view: &LogView) -> api::LogFilter {
    let now = now_ms();
    view.filter_at(now, utc_offset(now))
}
