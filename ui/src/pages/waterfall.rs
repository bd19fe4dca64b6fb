//! The Trace page of a tree of spans: facts, a map of all of it, the tree with its waterfall, a pane for one span.
//! Owns what the parts share, the address and the keys. Leaves out a single call (`trace`).

mod address;
mod facts;
mod find;
mod legend;
mod load;
mod minimap;
mod pane;
mod row;
mod table;
mod toolbar;

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use api::Erase;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use crate::app::LastTraces;
use crate::browser::{is_on_control, on_key, press, set_title};
use crate::components::erase::EraseButton;
use crate::components::split::remembered;
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::top_bar::TopBar;
use crate::entry::{EntryId, TraceId};
use crate::pages::neighbours::Neighbours;
use crate::tree::rows::{Row, Shown, rows};
use crate::tree::scale::Window;
use crate::tree::{Place, Tree};
use address::Address;
use load::Load;

/// Under what the pane's width is remembered.
const SPLIT: &str = "llmflow.split.trace";

/// Something large that is compared by being the same one.
#[derive(Debug, Default)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    fn new(inside: T) -> Self {
        Self(Arc::new(inside))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub struct Page {
    pub id: TraceId,
    pub load: Load,
    /// What the reader opened and closed.
    pub shown: RwSignal<Shown>,
    pub rows: Memo<Shared<Vec<Row>>>,
    pub address: Memo<Address>,
    /// The id of the selected span.
    pub selected: Memo<Option<String>>,
    pub place: Memo<Option<Place>>,
    /// The stretch of time on screen; `None` for all of it.
    pub window: RwSignal<Option<Window>>,
    /// Whether the critical path is marked.
    pub critical: RwSignal<bool>,
    /// What is looked for, and where it was found.
    pub words: RwSignal<String>,
    pub found: Memo<Shared<HashSet<Place>>>,
    /// Counts the turns of the wheel.
    turning: StoredValue<u64>,
    go: Callback<(Address, bool)>,
}

impl Page {
    /// The tree as it is now, without being told of changes.
    pub fn tree_now(self) -> Shared<Tree> {
        self.load.tree.get_untracked()
    }

    /// The stretch of time on screen.
    pub fn on_screen(self) -> Window {
        let length = self.load.tree.with(|tree| tree.length_ns());
        self.window.get().unwrap_or_else(|| Window::whole(length))
    }

    /// Another selection. Moving about replaces the entry in the history.
    pub fn select(self, place: Option<Place>) {
        let tree = self.tree_now();
        let span = place.and_then(|place| tree.id(place)).map(str::to_owned);
        if let Some(place) = place {
            self.reveal(place);
        }
        self.go.run((Address { span, ..self.address.get_untracked() }, true));
    }

    /// Another tab: a new entry in the history.
    pub fn show_tab(self, tab: pane::Tab) {
        self.go.run((Address { tab: Some(tab), ..self.address.get_untracked() }, false));
    }

    /// Puts the stretch of time on screen into the address, once it stays.
    pub fn settle(self) {
        let start_ns = self.load.tree.with_untracked(|tree| tree.start_ns());
        let window = self.window.get_untracked().map(|window| address::stretch(window, start_ns));
        self.go.run((Address { window, ..self.address.get_untracked() }, true));
    }

    /// The same after a moment without another: a wheel turns faster than an address may change.
    pub fn settle_soon(self) {
        const SOON: Duration = Duration::from_millis(250);
        self.turning.update_value(|turn| *turn += 1);
        let turn = self.turning.get_value();
        set_timeout(
            move || {
                // The page may be gone by then.
                if self.turning.try_get_value() == Some(turn) {
                    self.settle();
                }
            },
            SOON,
        );
    }

    /// Another stretch of time.
    pub fn zoom(self, window: Option<Window>) {
        let length = self.load.tree.with_untracked(|tree| tree.length_ns());
        self.window.set(window.filter(|window| !window.is_whole(length)));
        self.settle();
    }

    /// Opens what hides a place.
    pub fn reveal(self, place: Place) {
        let tree = self.tree_now();
        let is_shown = self.rows.with_untracked(|rows| rows.iter().any(|row| row.place == place));
        if is_shown {
            return;
        }
        self.shown.update(|shown| {
            let hidden = tree.node(place).is_some_and(|node| node.foldable);
            if hidden && !shown.infrastructure {
                let owner =
                    tree.ancestors(place).find(|above| tree.node(*above).is_some_and(|node| !node.foldable));
                shown.unfolded.extend(owner.and_then(|owner| tree.id(owner)).map(str::to_owned));
            }
            for above in tree.ancestors(place) {
                set_open(shown, &tree, above, true);
            }
        });
    }

    /// Opens or closes a place.
    pub fn open(self, place: Place, open: bool) {
        let tree = self.tree_now();
        self.shown.update(|shown| set_open(shown, &tree, place, open));
    }

    /// Shows or folds away the infrastructure of a place.
    pub fn unfold(self, place: Place) {
        let tree = self.tree_now();
        let Some(id) = tree.id(place).map(str::to_owned) else { return };
        self.shown.update(|shown| {
            if !shown.unfolded.remove(&id) {
                shown.unfolded.insert(id);
            }
        });
    }

    /// The row of the selected span, and where it is.
    fn row(self) -> Option<(usize, Row)> {
        let place = self.place.get_untracked()?;
        self.rows.with_untracked(|rows| {
            rows.iter().enumerate().find(|(_, row)| row.place == place).map(|(at, row)| (at, *row))
        })
    }

    fn step(self, by: isize) {
        let at = self.row().map(|(at, _)| at);
        let next = self.rows.with_untracked(|rows| {
            let last = rows.len().checked_sub(1)?;
            let next = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
            rows.get(next).map(|row| row.place)
        });
        if next.is_some() {
            self.select(next);
        }
    }
}

fn set_open(shown: &mut Shown, tree: &Tree, place: Place, open: bool) {
    let Some((id, node)) = tree.id(place).zip(tree.node(place)) else { return };
    // What is at the top is open unless it is turned; so is everything else unless all is closed.
    let turned = (shown.closed && node.depth > 0) == open;
    if turned {
        shown.turned.insert(id.to_owned());
    } else {
        shown.turned.remove(id);
    }
}

/// The page for one trace.
#[component]
pub fn Waterfall(id: TraceId) -> impl IntoView {
    let search = use_location().search;
    let navigate = use_navigate();
    let address = Memo::new(move |_| search.with(|search| Address::parse(search)));
    let go = Callback::new(move |(address, replace): (Address, bool)| {
        let options = NavigateOptions { replace, scroll: false, ..NavigateOptions::default() };
        navigate(&format!("/traces/{id}{}", address.query()), options);
    });
    let load = Load::begin(id);
    let shown = RwSignal::new(Shown::default());
    let rows = Memo::new(move |_| load.tree.with(|tree| shown.with(|shown| Shared::new(rows(tree, shown)))));
    let selected = Memo::new(move |_| address.with(|address| address.span.clone()));
    let place = Memo::new(move |_| {
        selected.with(|id| id.as_ref().and_then(|id| load.tree.with(|tree| tree.find(id))))
    });
    let words = RwSignal::new(String::new());
    let found =
        Memo::new(move |_| load.tree.with(|tree| words.with(|words| Shared::new(tree.with_words(words)))));
    let page = Page {
        id,
        load,
        shown,
        rows,
        address,
        selected,
        place,
        window: RwSignal::new(None),
        critical: RwSignal::new(true),
        words,
        found,
        turning: StoredValue::new(0),
        go,
    };
    provide_context(page);
    follow_address(page);
    Effect::new(move |_| {
        load.summary.with(|trace| set_title(trace.as_ref().map_or("Trace", |trace| trace.name.as_str())));
    });
    keys(page);
    let width = remembered(SPLIT);
    let begun = Memo::new(move |_| load.summary.with(|trace| trace.as_ref().map(|trace| trace.started_ms)));
    view! {
        <TopBar actions=ViewFn::from(move || view! { <EraseTrace id=id /> })>
            <facts::Crumbs />
            <Neighbours id=EntryId::Trace(id) begun=begun />
        </TopBar>
        <div class="wf" style=move || width.get().map(|width| format!("--pane:{width}px")).unwrap_or_default() class:picked=move || selected.with(Option::is_some) data-testid="trace-page">
            <section class="wfp">
                <facts::Facts />
                {move || load.error.get().map(|error| view! {
                    <ErrorPanel what="This trace could not be loaded" error=error retry=move |()| load.again() />
                })}
                <Show when=move || load.is_empty()>
                    <div class="blank" data-testid="trace-empty">
                        <h2>"No spans of this trace were reported"</h2>
                        <p class="t2">"Log records name it. Spans that come later appear here."</p>
                        <a class="btn" href=format!("/logs?trace={id}")>"Its log records"</a>
                    </div>
                </Show>
                <Show when=move || load.is_late()><SkeletonRows rows=14 /></Show>
                <Show when=move || load.is_there()>
                    <toolbar::Toolbar />
                    <minimap::Minimap />
                    <table::Table />
                    <legend::Legend />
                </Show>
            </section>
            <pane::Pane width=width />
        </div>
    }
}

/// The address's stretch of time goes on screen, and its span into view.
fn follow_address(page: Page) {
    let asked = Memo::new(move |_| page.address.with(|address| address.window));
    // Not its length: a trace that grows leaves the time on screen as it is.
    let start = Memo::new(move |_| page.load.tree.with(|tree| (tree.start_ns(), tree.is_empty())));
    Effect::new(move |_| {
        let ((start_ns, _), asked) = (start.get(), asked.get());
        let length_ns = page.load.tree.with_untracked(|tree| tree.length_ns());
        page.window.set(asked.map(|stretch| address::window(stretch, start_ns).within(length_ns)));
    });
    Effect::new(move |_| {
        if let Some(place) = page.place.get() {
            page.reveal(place);
        }
    });
}

fn keys(page: Page) {
    let LastTraces(last) = expect_context();
    let navigate = use_navigate();
    let leave = move || navigate(&last.get_untracked(), NavigateOptions::default());
    let navigate = use_navigate();
    let open_call = move |id: api::CallId| navigate(&format!("/traces/{id}"), NavigateOptions::default());
    on_key(move |event| {
        if is_on_control(event) && matches!(event.key().as_str(), "Enter" | " ") {
            return false;
        }
        let tree = page.tree_now();
        let at = page.place.get_untracked();
        let to = |place: Option<Place>| {
            if place.is_some() {
                page.select(place);
            }
        };
        match event.key().as_str() {
            "j" | "ArrowDown" => page.step(1),
            "k" | "ArrowUp" => page.step(-1),
            "g" => to(page.rows.with_untracked(|rows| rows.first().map(|row| row.place))),
            "G" => to(page.rows.with_untracked(|rows| rows.last().map(|row| row.place))),
            "h" | "ArrowLeft" => match page.row() {
                Some((_, row)) if row.parent && row.open => page.open(row.place, false),
                _ => to(at.and_then(|at| tree.ancestors(at).next())),
            },
            "l" | "ArrowRight" => match page.row() {
                Some((_, row)) if row.parent && !row.open => page.open(row.place, true),
                Some((_, row)) if row.parent => page.step(1),
                Some((_, row)) if row.folded > 0 => page.unfold(row.place),
                _ => return false,
            },
            "e" => to(tree.error_after(at, true)),
            "E" => to(tree.error_after(at, false)),
            "s" => to(at.and_then(|at| tree.sibling(at, 1))),
            "S" => to(at.and_then(|at| tree.sibling(at, -1))),
            "p" => to(at.and_then(|at| tree.ancestors(at).next())),
            "z" => toolbar::zoom_to_selected(page),
            "f" | "/" => find::focus_field(),
            "c" => press("copy-curl"),
            "Enter" => match at.and_then(|at| tree.span(at)?.call.as_ref().map(|call| call.id)) {
                Some(call) => open_call(call),
                None => match page.row() {
                    Some((_, row)) => page.open(row.place, !row.open),
                    None => return false,
                },
            },
            "Escape" if page.selected.with_untracked(Option::is_some) => page.select(None),
            "Escape" if !page.words.with_untracked(String::is_empty) => page.words.set(String::new()),
            "Escape" if page.window.with_untracked(Option::is_some) => page.zoom(None),
            "Escape" => leave(),
            _ => return false,
        }
        true
    });
}

/// Deletes the trace, then goes back to the list.
#[component]
fn EraseTrace(id: TraceId) -> impl IntoView {
    let LastTraces(last) = expect_context();
    let navigate = use_navigate();
    let what = Callback::new(move |()| Some(Erase::Trace(id.to_string())));
    let then = Callback::new(move |_| navigate(&last.get_untracked(), NavigateOptions::default()));
    view! { <EraseButton what=what then=then testid="erase-trace" /> }
}
