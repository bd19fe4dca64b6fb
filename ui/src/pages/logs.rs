//! The Logs page: what tools report beside their calls, newest first. Owns the address, what is selected and the keys;
//! its parts draw.

mod detail;
mod histogram;
mod list;
mod no_match;
mod rows;
mod table;
mod view;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use crate::backend::use_backend;
use crate::browser::{is_on_control, now_ms, on_key, press_first, set_title, utc_offset};
use crate::components::filter_field::{FilterField, focus_input};
use crate::components::time_range::TimeRange;
use crate::components::top_bar::{LiveButton, TopBar};
use crate::fetch::fetch;
use crate::filter::Last;
use crate::format::time::Stamp;
use crate::live::use_live;
use crate::pages::found::{Found, SearchStrip};
use crate::pages::no_telemetry::NoTelemetry;
use list::LogList;
pub use view::LogView;

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Page {
    /// What the address says, without the selection.
    filter: Memo<LogView>,
    selected: Memo<Option<String>>,
    list: LogList,
    /// When the oldest and the newest record on screen happened.
    in_view: RwSignal<Option<(i64, i64)>>,
    view: Memo<LogView>,
    go: Callback<(LogView, bool)>,
}

impl Page {
    /// Another filter: a new entry in the history, without a selection.
    fn show(self, view: LogView) {
        self.go.run((LogView { log: None, ..view }, false));
    }

    /// Another selection: replaces the entry in the history.
    fn select(self, log: Option<String>) {
        self.go.run((LogView { log, ..self.view.get_untracked() }, true));
    }
}

/// The address of a span, or of its whole trace.
pub fn span_address(trace: &str, span: Option<&str>) -> String {
    match span {
        Some(span) => format!("/traces/{trace}?span={span}"),
        None => format!("/traces/{trace}"),
    }
}

/// The page.
#[component]
pub fn Logs() -> impl IntoView {
    set_title("Logs");
    let search = use_location().search;
    let navigate = use_navigate();
    let view = Memo::new(move |_| search.with(|search| LogView::parse(search)));
    let filter = Memo::new(move |_| LogView { log: None, ..view.get() });
    let selected = Memo::new(move |_| view.with(|view| view.log.clone()));
    let go = Callback::new(move |(view, replace): (LogView, bool)| {
        navigate(&view.address(), NavigateOptions { replace, scroll: false, ..NavigateOptions::default() });
    });
    let list = LogList::load(use_backend(), filter, selected);
    let page = Page { filter, selected, list, in_view: RwSignal::new(None), view, go };
    provide_context(page);
    let text = Memo::new(move |_| filter.with(|view| view.filter.text.clone()));
    Found::provide(text);
    keys(page);
    let look_before = Callback::new(move |ms| {
        let now = now_ms();
        page.show(page.filter.get_untracked().before(ms, now, utc_offset(now)));
    });
    let nothing_yet = Memo::new(move |_| list.is_empty() && filter.with(LogView::is_unfiltered));
    view! {
        <TopBar actions=ViewFn::from(move || view! { <Range /><LiveButton /> })><h1>"Logs"</h1></TopBar>
        <Show when=move || !nothing_yet.get() fallback=|| view! {
            <NoTelemetry title="No log records yet" what="Claude Code, Codex, Gemini CLI and Qwen Code report prompts, tool runs and errors as log records over OTLP." />
        }>
            <FilterBar />
            <SearchStrip text=text version=list.version further=(list.read_back_to_ms, look_before) />
            <histogram::Histogram />
            <div class="split" class:open=move || selected.with(Option::is_some)>
                <section class="list">
                    <table::Table />
                    <table::Totals />
                </section>
                {move || selected.get().map(|id| view! { <detail::Detail id=id /> })}
            </div>
        </Show>
    }
}

#[component]
fn Range() -> impl IntoView {
    let page = expect_context::<Page>();
    let last = Memo::new(move |_| page.filter.with(|view| view.last));
    let absolute = Memo::new(move |_| {
        page.filter.with(|view| view.filter.from_ms.is_some() || view.filter.to_ms.is_some())
    });
    let choose = move |last: Option<Last>| {
        let mut view = page.filter.get_untracked();
        (view.last, view.filter.from_ms, view.filter.to_ms) = (last, None, None);
        page.show(view);
    };
    view! { <TimeRange last=last absolute=absolute choose=choose /> }
}

#[component]
fn FilterBar() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let (typed, focused) = (RwSignal::new(String::new()), RwSignal::new(false));
    let facets = fetch(true, move || focused.get().then_some(()), move |()| backend.log_facets());
    let offered = Memo::new(move |_| {
        facets.with(|facets| view::suggest(&typed.get(), facets.unwrap_or(&api::LogFacets::default())))
    });
    let chips =
        Memo::new(move |_| page.filter.with(|view| view.chips(|ms| Stamp::new(ms, utc_offset(ms)).chip())));
    view! {
        <FilterField
            placeholder="Filter, or search in what records say" typed=typed focused=focused chips=chips offered=offered
            apply=move |text: String| page.show(page.filter.get_untracked().with_typed(&text))
            choose=move |(before, field, value): (String, &'static str, String)| {
                let mut view = page.filter.get_untracked().with_typed(&before);
                view.set(field, &value);
                page.show(view);
            }
            remove=move |field: &'static str| page.show(page.filter.get_untracked().without(field))
        />
    }
}

fn keys(page: Page) {
    let live = use_live();
    let step = move |by: isize| {
        page.select(page.selected.with_untracked(|selected| page.list.neighbour(selected.as_deref(), by)));
    };
    let chosen = move || page.selected.with_untracked(Option::is_some);
    on_key(move |event| {
        match event.key().as_str() {
            "j" | "ArrowDown" => step(1),
            "k" | "ArrowUp" => step(-1),
            "g" => page.select(page.list.first()),
            "G" => page.list.go_to_end(move |id| page.select(Some(id))),
            "." => page.list.take_in(),
            "Enter" | " " if is_on_control(event) => return false,
            " " => live.paused.update(|paused| *paused = !*paused),
            // What it tells of, else where it stands.
            "Enter" if chosen() => press_first(&["open-call", "open-span", "open-session"]),
            "/" => focus_input(),
            "Escape" if chosen() => page.select(None),
            "Escape" if !page.filter.with_untracked(LogView::is_unfiltered) => page.show(LogView::default()),
            _ => return false,
        }
        true
    });
}
