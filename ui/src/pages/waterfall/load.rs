//! Asking for a trace part by part, and again when it grows. Leaves out drawing.

use std::time::Duration;

use api::{ApiError, SpanRow, TraceSummary};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Shared;
use crate::backend::{Backend, use_backend};
use crate::browser::now_ms;
use crate::entry::TraceId;
use crate::live::use_live;
use crate::tree::Tree;
use crate::tree::critical::{Critical, critical};
use crate::tree::shares::{Share, shares};

/// The first part is there soon; the others cost fewer questions.
const FIRST: u32 = 1_000;
const PART: u32 = 10_000;
/// A skeleton shows when loading takes longer than this.
const LATE: Duration = Duration::from_millis(150);
/// Changes are looked at together: at least this long, and longer than it took last time.
const GATHER_MS: i64 = 300;

/// The trace as far as it is known.
#[derive(Clone, Copy)]
pub struct Load {
    id: TraceId,
    pub summary: RwSignal<Option<TraceSummary>>,
    pub tree: RwSignal<Shared<Tree>>,
    pub path: Memo<Shared<Critical>>,
    pub shares: Memo<Vec<Share>>,
    pub error: RwSignal<Option<ApiError>>,
    /// How many spans are here, while more are asked for.
    pub progress: RwSignal<Option<usize>>,
    late: RwSignal<bool>,
    /// Whether an answer was there.
    loaded: RwSignal<bool>,
    /// Answers to an older question than this are dropped.
    turn: StoredValue<u64>,
    asking: StoredValue<bool>,
    /// It changed while it was asked for.
    stale: StoredValue<bool>,
    /// How long it took last time.
    took_ms: StoredValue<i64>,
    backend: Backend,
}

impl Load {
    /// Loads the trace and follows it.
    pub fn begin(id: TraceId) -> Self {
        let tree = RwSignal::new(Shared::<Tree>::default());
        let load = Self {
            id,
            summary: RwSignal::new(None),
            tree,
            path: Memo::new(move |_| tree.with(|tree| Shared::new(critical(tree)))),
            shares: Memo::new(move |_| tree.with(|tree| shares(tree))),
            error: RwSignal::new(None),
            progress: RwSignal::new(None),
            late: RwSignal::new(false),
            loaded: RwSignal::new(false),
            turn: StoredValue::new(0),
            asking: StoredValue::new(false),
            stale: StoredValue::new(false),
            took_ms: StoredValue::new(0),
            backend: use_backend(),
        };
        load.ask();
        let changed = use_live().trace_changed(id);
        Effect::new(move |before: Option<u64>| {
            let turn = changed.get();
            if before.is_some_and(|before| before != turn) {
                load.follow();
            }
            turn
        });
        load
    }

    pub fn is_there(self) -> bool {
        self.tree.with(|tree| !tree.is_empty())
    }

    /// Whether it is known that nobody reported a span of it: log records may name it all the same.
    pub fn is_empty(self) -> bool {
        !self.is_there() && self.loaded.get() && self.error.with(Option::is_none)
    }

    /// Whether it has been loading long enough to say so.
    pub fn is_late(self) -> bool {
        self.late.get() && !self.loaded.get() && !self.is_there() && self.error.with(Option::is_none)
    }

    /// Asks for everything again.
    pub fn again(self) {
        self.error.set(None);
        self.ask();
    }

    /// It grew: looked at in a moment.
    fn follow(self) {
        if self.asking.get_value() {
            self.stale.set_value(true);
            return;
        }
        self.asking.set_value(true);
        let pause = (self.took_ms.get_value() * 4).max(GATHER_MS).unsigned_abs();
        set_timeout(
            move || {
                // The page may be gone by then.
                if self.turn.try_get_value().is_some() {
                    self.ask();
                }
            },
            Duration::from_millis(pause),
        );
    }

    fn ask(self) {
        self.turn.update_value(|turn| *turn += 1);
        let turn = self.turn.get_value();
        self.asking.set_value(true);
        self.stale.set_value(false);
        let began = now_ms();
        spawn_local(async move {
            let answer = self.gather(turn).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            self.asking.set_value(false);
            self.late.set(false);
            self.progress.set(None);
            self.took_ms.set_value(now_ms() - began);
            match answer {
                Ok(()) => {
                    self.error.set(None);
                    self.loaded.set(true);
                }
                // What is there outlives a lost connection.
                Err(_) if self.tree.with_untracked(|tree| !tree.is_empty()) => {}
                Err(error) => self.error.set(Some(error)),
            }
            if self.stale.get_value() {
                self.follow();
            }
        });
        set_timeout(
            move || {
                if self.turn.try_get_value() == Some(turn) && self.asking.get_value() {
                    self.late.set(true);
                }
            },
            LATE,
        );
    }

    /// Part after part. The first time what is there is shown whenever it has doubled; later all at once.
    async fn gather(self, turn: u64) -> Result<(), ApiError> {
        let first_time = self.tree.with_untracked(|tree| tree.is_empty());
        let mut spans: Vec<SpanRow> = Vec::new();
        let (mut offset, mut published) = (0, 0);
        loop {
            let limit = if offset == 0 { FIRST } else { PART };
            let part = self.backend.trace(self.id.to_string(), offset, limit).await?;
            if self.turn.try_get_value() != Some(turn) {
                return Ok(());
            }
            spans.extend(part.spans);
            self.summary.set(Some(part.trace));
            let Some(next) = part.next else { break };
            offset = next;
            self.progress.set(first_time.then_some(spans.len()));
            if first_time && spans.len() >= published * 2 {
                published = spans.len();
                self.tree.set(Shared::new(Tree::build(spans.clone())));
            }
        }
        self.tree.set(Shared::new(Tree::build(spans)));
        Ok(())
    }
}
