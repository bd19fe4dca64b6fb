//! The Traces page: every trace and every call that belongs to none, newest first. Owns the address, what is selected and the keys; its parts draw.

mod detail;
mod entry_list;
mod exchange;
mod filter_bar;
mod first_run;
mod histogram;
mod no_match;
mod row;
mod rows;
mod suggestions;
mod table;
mod totals;
mod trace_pane;
mod trace_row;
mod views;

use api::Stats;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use crate::backend::use_backend;
use crate::browser::{is_on_control, now_ms, on_key, press, set_title, utc_offset};
use crate::components::filter_field::focus_input;
use crate::components::live_strip::LiveStrip;
use crate::components::top_bar::{LiveButton, TopBar};
use crate::entry::EntryId;
use crate::fetch::{Fetched, fetch};
use crate::filter::View;
use crate::live::use_live;
use crate::pages::found::{Found, SearchStrip};
pub use detail::{CurlButton, ReplayOf, RetryOf};
use entry_list::EntryList;
pub use first_run::FirstRun;

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub struct Page {
    /// What the address says.
    pub view: Memo<View>,
    /// The same without the selection.
    pub filter: Memo<View>,
    pub selected: Memo<Option<EntryId>>,
    pub list: EntryList,
    /// When the oldest and the newest row on screen began.
    pub in_view: RwSignal<Option<(i64, i64)>>,
    /// Totals of what is shown.
    pub stats: Fetched<Stats>,
    go: Callback<(View, bool)>,
}

impl Page {
    /// Another filter: a new entry in the history, without a selection.
    pub fn show(self, view: View) {
        self.go.run((View { selected: None, ..view }, false));
    }

    /// Another selection: replaces the entry in the history.
    pub fn select(self, selected: Option<EntryId>) {
        let view = View { selected, ..self.view.get_untracked() };
        self.go.run((view, true));
    }
}

/// The page.
#[component]
pub fn Traces() -> impl IntoView {
    set_title("Traces");
    let search = use_location().search;
    let navigate = use_navigate();
    let view = Memo::new(move |_| search.with(|search| View::parse(search)));
    let filter = Memo::new(move |_| View { selected: None, ..view.get() });
    let selected = Memo::new(move |_| view.with(|view| view.selected));
    let open = navigate.clone();
    let go = Callback::new(move |(view, replace): (View, bool)| {
        navigate(&view.address(), NavigateOptions { replace, scroll: false, ..NavigateOptions::default() });
    });
    let backend = use_backend();
    let list = EntryList::load(backend, filter, selected);
    let stats = fetch(
        true,
        move || {
            list.version.track();
            Some(filter.get())
        },
        move |view| backend.stats(view.filter_at(now_ms(), utc_offset(now_ms()))),
    );
    let page = Page { view, filter, selected, list, in_view: RwSignal::new(None), stats, go };
    provide_context(page);
    let text = Memo::new(move |_| filter.with(|view| view.filter.text.clone()));
    Found::provide(text);
    let best = Memo::new(move |_| filter.with(View::best_first));
    let order = Callback::new(move |best: bool| page.show(View { best, ..filter.get_untracked() }));
    let open = move |id: EntryId| open(&id.address(), NavigateOptions::default());
    keys(page, open);
    let nothing_yet = Memo::new(move |_| list.is_empty() && filter.with(View::is_unfiltered));
    view! {
        <TopBar actions=ViewFn::from(|| view! { <views::TimeRange /><LiveButton /> })>
            <h1>"Traces"</h1>
        </TopBar>
        <Show when=move || !nothing_yet.get() fallback=|| view! { <first_run::FirstRun /> }>
            <views::Views />
            <filter_bar::FilterBar />
            <SearchStrip text=text version=list.version best=(best, order, list.total) reading=list.reading />
            <histogram::Histogram />
            <LiveStrip />
            <div class="split" class:open=move || selected.get().is_some()>
                <section class="list">
                    <table::Table />
                    <totals::Totals />
                </section>
                {move || selected.get().map(|id| match id {
                    EntryId::Call(id) => view! { <detail::Detail id=id /> }.into_any(),
                    EntryId::Trace(id) => view! { <trace_pane::TracePane id=id /> }.into_any(),
                })}
            </div>
        </Show>
    }
}

fn keys(page: Page, open: impl Fn(EntryId) + 'static) {
    let live = use_live();
    let step = move |by: isize| page.select(page.list.neighbour(page.selected.get_untracked(), by));
    on_key(move |event| {
        match event.key().as_str() {
            "j" | "ArrowDown" => step(1),
            "k" | "ArrowUp" => step(-1),
            "g" => page.select(page.list.first()),
            "G" => page.list.go_to_end(move |id| page.select(Some(id))),
            "." => page.list.take_in(),
            "Enter" | " " if is_on_control(event) => return false,
            " " => live.paused.update(|paused| *paused = !*paused),
            "Enter" => match page.selected.get_untracked() {
                Some(id) => open(id),
                None => return false,
            },
            "/" => focus_input(),
            "c" => press("copy-curl"),
            "Escape" if page.selected.get_untracked().is_some() => page.select(None),
            "Escape" if !page.filter.get_untracked().is_unfiltered() => page.show(View::default()),
            _ => return false,
        }
        true
    });
}
