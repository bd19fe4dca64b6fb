//! The Analytics page: tokens and money over time by model, tool, provider, session or tag, beside the time before, as a
//! chart and a table. Owns the address, what is asked and the keys; its parts draw.

mod figures;
pub mod meter;
mod strip;
mod table;
mod tabs;
mod view;

use api::{ApiError, CallFilter};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use crate::backend::{Backend, use_backend};
use crate::browser::{is_on_control, midnight, now_ms, on_key, press, set_title};
use crate::calendar::{Bars, Range};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::top_bar::{LiveButton, TopBar};
use crate::fetch::{Fetched, fetch};
use crate::live::use_live;
use crate::pages::overview::chart::bars::Plot;
use crate::pages::overview::view::{Group, Measure};
use crate::pages::traces::FirstRun;
use crate::today::{Pulse, use_today};
use figures::Figures;
use view::{AnalyticsView, next};

const HOUR_MS: i64 = 3_600_000;

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Page {
    view: Memo<AnalyticsView>,
    fetched: Fetched<Figures>,
    /// The latest figures, in the order that the address asks for.
    figures: Memo<Option<Figures>>,
    selected: RwSignal<Option<usize>>,
    go: Callback<AnalyticsView>,
}

impl Page {
    fn show(self, view: AnalyticsView) {
        self.go.run(view);
    }
}

/// The page.
#[component]
pub fn Analytics() -> impl IntoView {
    set_title("Analytics");
    let (backend, live, navigate) = (use_backend(), use_live(), use_navigate());
    let search = use_location().search;
    let view = Memo::new(move |_| search.with(|search| AnalyticsView::parse(search)));
    let go = Callback::new(move |view: AnalyticsView| {
        let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        navigate(&view.address(), options);
    });
    let pulse = Pulse::start(live);
    let hour = Memo::new(move |_| live.now.get().div_euclid(HOUR_MS));
    // How the table is sorted is no other question.
    let asked = Memo::new(move |_| {
        let AnalyticsView { chart, compare, .. } = view.get();
        AnalyticsView { chart, compare, ..AnalyticsView::default() }
    });
    let fetched = fetch(
        true,
        move || {
            pulse.track();
            hour.track();
            Some(asked.get())
        },
        move |view| pulse.heed(ask(backend, view)),
    );
    let figures = Memo::new(move |_| {
        let mut figures = fetched.with(|figures| figures.cloned())?;
        figures.sort(AnalyticsView {
            chart: figures.view.chart,
            compare: figures.view.compare,
            ..view.get()
        });
        Some(figures)
    });
    let page = Page { view, fetched, figures, selected: RwSignal::new(None), go };
    provide_context(page);
    Effect::new(move |_| {
        asked.track();
        page.selected.set(None);
    });
    keys(page);
    let nothing_yet = nothing_yet(page);
    view! {
        <TopBar actions=ViewFn::from(|| view! { <LiveButton /> })>
            <h1>"Analytics"</h1>
            <tabs::Tabs />
        </TopBar>
        <Show when=move || !nothing_yet.get() fallback=|| view! { <FirstRun /> }>
            <div class="page anl" data-testid="analytics-grid">
                <strip::Strip />
                <Chart />
                <table::Table />
            </div>
        </Show>
    }
}

/// Whether there is not a single call, of any day.
fn nothing_yet(page: Page) -> Memo<bool> {
    let backend = use_backend();
    let today = use_today();
    let none_here = Memo::new(move |_| {
        page.figures.with(|figures| figures.as_ref().is_some_and(|figures| figures.stacks.total.calls == 0))
    });
    let any = fetch(
        true,
        move || {
            none_here
                .get()
                .then(|| today.overview.with(|figures| figures.map(|figures| figures.totals.calls)))
        },
        move |_| async move { backend.health().await.map(|health| health.calls) },
    );
    Memo::new(move |_| none_here.get() && any.with(|calls| calls == Some(&0)))
}

/// The chart, and what chooses what is shown.
#[component]
fn Chart() -> impl IntoView {
    let page = expect_context::<Page>();
    let stacks = Memo::new(move |_| {
        page.figures.with(|figures| figures.as_ref().map(|figures| figures.stacks.clone()))
    });
    let before = Signal::derive(move || {
        page.figures
            .with(|figures| figures.as_ref().map(|figures| figures.before_by_bar.clone()).unwrap_or_default())
    });
    let loaded = Memo::new(move |_| stacks.with(Option::is_some));
    let error = Memo::new(move |_| page.fetched.error());
    let body = move || match (loaded.get(), error.get()) {
        (true, _) => view! { <Plot stacks=stacks before=before /> }.into_any(),
        (false, Some(error)) => {
            let retry = move |()| page.fetched.retry();
            view! { <ErrorPanel what="The figures could not be loaded" error=error retry=retry /> }.into_any()
        }
        (false, None) if page.fetched.is_late() => {
            view! { <div class="grow"><SkeletonRows rows=6 /></div> }.into_any()
        }
        (false, None) => ().into_any(),
    };
    let title = move || {
        let chart = page.view.get().chart;
        format!("{} by {}", chart.measure.label(), chart.group.word())
    };
    view! {
        <section class="panel anl-chart" data-testid="token-trends-chart">
            <div class="phead">
                <h2>{title}</h2>
                <span class="end"></span>
                <Choice name="What is shown" prefix="show" all=Measure::ALL.map(|one| (one.word(), one.label(), one))
                    now=move |view| view.chart.measure set=|view, one| view.chart.measure = one />
                <Choice name="By" prefix="by" all=Group::ALL.map(|one| (one.word(), one.label(), one))
                    now=move |view| view.chart.group set=|view, one| view.chart.group = one />
                <Choice name="How far back" prefix="range" all=Range::ALL.map(|one| (one.word(), one.label(), one))
                    now=move |view| view.chart.range set=|view, one| view.chart.range = one />
                <button type="button" class="btn sm" data-testid="compare" title="Beside the time before (c)"
                    aria-pressed=move || page.view.get().compare.to_string()
                    on:click=move |_| {
                        let view = page.view.get_untracked();
                        page.show(AnalyticsView { compare: !view.compare, ..view });
                    }>
                    {move || if page.view.get().compare { "Compared" } else { "Compare" }}
                </button>
            </div>
            <div class="cbody">{body}</div>
        </section>
    }
}

/// Buttons of which one is pressed.
#[component]
fn Choice<T, const N: usize>(
    name: &'static str,
    prefix: &'static str,
    all: [(&'static str, &'static str, T); N],
    now: impl Fn(AnalyticsView) -> T + Copy + Send + Sync + 'static,
    set: fn(&mut AnalyticsView, T),
) -> impl IntoView
where
    T: Copy + PartialEq + Send + Sync + 'static,
{
    let page = expect_context::<Page>();
    let buttons = all.map(|(word, label, one)| {
        let choose = move |_| {
            let mut view = page.view.get_untracked();
            set(&mut view, one);
            page.show(view);
        };
        view! {
            <button type="button" data-testid=format!("{prefix}-{word}")
                aria-pressed=move || (now(page.view.get()) == one).to_string() on:click=choose>{label}</button>
        }
    });
    view! { <div class="seg" role="group" aria-label=name>{buttons.into_iter().collect_view()}</div> }
}

async fn ask(backend: Backend, view: AnalyticsView) -> Result<Figures, ApiError> {
    let now = now_ms();
    let (range, group) = (view.chart.range, Some(view.chart.group.asked()));
    let bars = Bars::new(range, now, |days| midnight(now, days));
    let series = backend.series(CallFilter::default(), bars.bounds.clone(), group).await?;
    if !view.compare {
        return Ok(Figures::new(view, bars, &series, None));
    }
    let before = Bars::before(range, now, |days| midnight(now, days));
    let earlier = backend.series(CallFilter::default(), before.bounds.clone(), group).await?;
    Ok(Figures::new(view, bars, &series, Some((&before, &earlier))))
}

fn keys(page: Page) {
    let live = use_live();
    let navigate = use_navigate();
    let step = move |by: isize| {
        let count =
            page.figures.with_untracked(|figures| figures.as_ref().map_or(0, |figures| figures.rows.len()));
        let at = page.selected.get_untracked();
        let next = at.map_or(0, |at| at.saturating_add_signed(by)).min(count.saturating_sub(1));
        page.selected.set((count > 0).then_some(next));
    };
    on_key(move |event| {
        let view = page.view.get_untracked();
        let chart = view.chart;
        match event.key().as_str() {
            "j" | "ArrowDown" => step(1),
            "k" | "ArrowUp" => step(-1),
            "Enter" | " " if is_on_control(event) => return false,
            "Enter" => {
                let address = page.figures.with_untracked(|figures| {
                    let figures = figures.as_ref()?;
                    figures.calls(figures.rows.get(page.selected.get_untracked()?)?)
                });
                let Some(address) = address else { return false };
                navigate(&address, NavigateOptions::default());
            }
            " " => live.paused.update(|paused| *paused = !*paused),
            "m" => page.show(AnalyticsView {
                chart: crate::pages::overview::view::ChartView {
                    measure: next(&Measure::ALL, chart.measure),
                    ..chart
                },
                ..view
            }),
            "b" => page.show(AnalyticsView {
                chart: crate::pages::overview::view::ChartView {
                    group: next(&Group::ALL, chart.group),
                    ..chart
                },
                ..view
            }),
            "c" => page.show(AnalyticsView { compare: !view.compare, ..view }),
            "[" | "]" => press(tabs::OTHER),
            "Escape" if page.selected.get_untracked().is_some() => page.selected.set(None),
            _ => return false,
        }
        true
    });
}
