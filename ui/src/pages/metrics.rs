//! The Metrics page: what tools count and measure, each metric as a chart. Owns the address, what is asked and the keys;
//! its parts draw.

mod chart;
mod distribution;
mod legend;
mod list;
mod panel;
mod plot;
mod points;
mod table;
mod usage;
mod view;

use api::{MetricFilter, MetricSummary};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use crate::backend::use_backend;
use crate::browser::{focus, is_on_control, now_ms, on_key, set_title, utc_offset};
use crate::components::icon::{Glyph, Icon};
use crate::components::time_range::TimeRange;
use crate::components::top_bar::{LiveButton, TopBar};
use crate::fetch::{Fetched, fetch};
use crate::filter::Last;
use crate::live::use_live;
use crate::pages::no_telemetry::NoTelemetry;
use crate::pages::pace::paced;
use view::{Form, MetricsView, Which};

const SEARCH_ID: &str = "metric-search";

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Page {
    view: Memo<MetricsView>,
    metrics: Fetched<Vec<MetricSummary>>,
    /// Counts up when points came, and not faster than can be read.
    changed: RwSignal<u64>,
    go: Callback<(MetricsView, bool)>,
}

impl Page {
    /// Another place in the history.
    fn show(self, view: MetricsView) {
        self.go.run((view, false));
    }

    /// The same place, looked at in another way.
    fn turn(self, view: MetricsView) {
        self.go.run((view, true));
    }

    /// From when to when is shown, now.
    fn window(self) -> (i64, i64) {
        let now = now_ms();
        self.view.with_untracked(|view| view.window(now, utc_offset(now)))
    }
}

/// The page.
#[component]
pub fn Metrics() -> impl IntoView {
    set_title("Metrics");
    let (backend, live, navigate) = (use_backend(), use_live(), use_navigate());
    let search = use_location().search;
    let view = Memo::new(move |_| search.with(|search| MetricsView::parse(search)));
    let go = Callback::new(move |(view, replace): (MetricsView, bool)| {
        navigate(&view.address(), NavigateOptions { replace, scroll: false, ..NavigateOptions::default() });
    });
    let changed = paced(move || live.metrics.track());
    let asked = Memo::new(move |_| view.with(|view| (view.text.clone(), view.last, view.fixed)));
    let metrics = fetch(
        true,
        move || {
            changed.track();
            Some(asked.get())
        },
        move |(text, last, fixed)| {
            let now = now_ms();
            let (from, to) =
                MetricsView { last, fixed, ..MetricsView::default() }.window(now, utc_offset(now));
            backend.metrics(MetricFilter { text, service: None, from_ms: Some(from), to_ms: Some(to) })
        },
    );
    let page = Page { view, metrics, changed, go };
    provide_context(page);
    keys(page);
    // Whether there is no metric at all, of any time.
    let none_here = Memo::new(move |_| metrics.with(|metrics| metrics.is_some_and(Vec::is_empty)));
    let any = fetch(
        true,
        move || none_here.get().then(|| changed.track()),
        move |()| async move { backend.metrics(MetricFilter::default()).await.map(|all| all.len()) },
    );
    let nothing_yet = Memo::new(move |_| none_here.get() && any.with(|any| any == Some(&0)));
    let chosen = Memo::new(move |_| view.with(|view| view.which.clone()));
    view! {
        <TopBar actions=ViewFn::from(move || view! { <Range /><LiveButton /> })><h1>"Metrics"</h1></TopBar>
        <Show when=move || !nothing_yet.get() fallback=|| view! {
            <NoTelemetry title="No metrics yet" what="Claude Code, Gemini CLI, Qwen Code and OpenTelemetry SDKs report counts, levels and durations over OTLP." />
        }>
            <div class="metrics" data-testid="metrics-page">
                <section class="mlist">
                    <Search />
                    <list::List />
                </section>
                <section class="mpane">
                    {move || match chosen.get() {
                        Some(which) => view! { <panel::Panel which=which /> }.into_any(),
                        None => view! { <usage::Usage /> }.into_any(),
                    }}
                </section>
            </div>
        </Show>
    }
}

#[component]
fn Range() -> impl IntoView {
    let page = expect_context::<Page>();
    let fixed = Memo::new(move |_| page.view.with(|view| view.fixed.is_some()));
    let last = Memo::new(move |_| page.view.with(|view| Some(view.last).filter(|_| view.fixed.is_none())));
    let choose = move |last: Option<Last>| {
        let view = page.view.get_untracked();
        page.show(MetricsView { last: last.unwrap_or(Last::Day), fixed: None, ..view });
    };
    view! { <TimeRange last=last absolute=fixed choose=choose bounded=true /> }
}

#[component]
fn Search() -> impl IntoView {
    let page = expect_context::<Page>();
    let text = move || page.view.with(|view| view.text.clone().unwrap_or_default());
    let typed = move |event: web_sys::Event| {
        let text = Some(event_target_value(&event)).filter(|text| !text.is_empty());
        page.turn(MetricsView { text, ..page.view.get_untracked() });
    };
    view! {
        <div class="fbar">
            <label class="fin">
                <Glyph icon=Icon::Search small=true />
                <input type="search" id=SEARCH_ID placeholder="Find a metric" aria-label="Find a metric"
                    data-testid="metric-search" prop:value=text on:input=typed />
                <kbd>"/"</kbd>
            </label>
        </div>
    }
}

fn keys(page: Page) {
    let live = use_live();
    let step = move |by: isize| {
        let view = page.view.get_untracked();
        let next = page.metrics.with_untracked(|metrics| {
            let metrics = metrics?;
            let at =
                view.which.as_ref().and_then(|which| metrics.iter().position(|one| Which::of(one) == *which));
            let next = at.map_or(0, |at| at.saturating_add_signed(by).min(metrics.len().saturating_sub(1)));
            metrics.get(next).map(Which::of)
        });
        if next.is_some() && next != view.which {
            page.turn(view.at(next));
        }
    };
    let chosen = move || page.view.with_untracked(|view| view.which.is_some());
    on_key(move |event| {
        match event.key().as_str() {
            "j" | "ArrowDown" => step(1),
            "k" | "ArrowUp" => step(-1),
            "Enter" | " " if is_on_control(event) => return false,
            " " => live.paused.update(|paused| *paused = !*paused),
            "a" if chosen() => {
                let view = page.view.get_untracked();
                let form = if view.form == Form::Table { Form::Chart } else { Form::Table };
                page.turn(MetricsView { form, ..view });
            }
            "/" => focus(SEARCH_ID),
            "Escape" if chosen() => page.show(page.view.get_untracked().at(None)),
            "Escape" if page.view.with_untracked(|view| view.text.is_some()) => {
                page.turn(MetricsView { text: None, ..page.view.get_untracked() });
            }
            _ => return false,
        }
        true
    });
}
