//! The Overview page: what today cost, whether it can be believed, and what is going on. Owns the address, the keys
//! and what its panels share; they draw.

mod buckets;
pub mod chart;
mod completeness;
mod errors;
mod in_flight;
mod kpi;
mod latency;
pub mod limits;
mod panel;
mod sessions;
mod spark;
mod spend;
mod tools;
pub mod view;

use api::Overview as Figures;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use crate::backend::use_backend;
use crate::browser::{is_on_control, on_key, set_title, utc_offset};
use crate::components::top_bar::{LiveButton, TopBar};
use crate::fetch::{Fetched, fetch};
use crate::filter::{Last, View};
use crate::format::time::{Stamp, day_start};
use crate::live::use_live;
use crate::pages::traces::FirstRun;
use crate::today::{Pulse, use_today};
use view::ChartView;

/// What the panels share.
#[derive(Clone, Copy)]
pub struct Page {
    /// Today's figures.
    pub figures: Fetched<Figures>,
    /// When today began and when it ends.
    pub day: Memo<(i64, i64)>,
    /// What the address says about the chart.
    pub chart: Memo<ChartView>,
    /// When to ask again.
    pub pulse: Pulse,
    go: Callback<ChartView>,
}

impl Page {
    /// A part of today's figures, told anew only when it changed.
    pub fn part<T>(self, of: impl Fn(&Figures) -> T + Send + Sync + 'static) -> Memo<Option<T>>
    where
        T: PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |_| self.figures.with(|figures| figures.map(&of)))
    }

    /// Another chart.
    pub fn show(self, chart: ChartView) {
        self.go.run(chart);
    }

    /// The address of today's calls with more conditions.
    pub fn calls(self, narrow: impl FnOnce(&mut View)) -> String {
        let (from, to) = self.day.get_untracked();
        let mut view = View::default();
        if day_start(from, utc_offset(from)) == from && utc_offset(from) == utc_offset(to) {
            view.last = Some(Last::Today);
        } else {
            // On the day the clocks change, "today" is counted from another hour.
            (view.filter.from_ms, view.filter.to_ms) = (Some(from), Some(to));
        }
        narrow(&mut view);
        view.address()
    }
}

/// The page.
#[component]
pub fn Overview() -> impl IntoView {
    set_title("Overview");
    let live = use_live();
    let today = use_today();
    let search = use_location().search;
    let navigate = use_navigate();
    let go = Callback::new(move |chart: ChartView| {
        let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        navigate(&chart.address(), options);
    });
    let page = Page {
        figures: today.overview,
        day: today.day,
        chart: Memo::new(move |_| search.with(|search| ChartView::parse(search))),
        pulse: Pulse::start(live),
        go,
    };
    provide_context(page);
    on_key(move |event| {
        match event.key().as_str() {
            "a" => page.show(page.chart.get_untracked().other_form()),
            " " if is_on_control(event) => return false,
            " " => live.paused.update(|paused| *paused = !*paused),
            _ => return false,
        }
        true
    });
    let date = move || {
        let (from, _) = page.day.get();
        Stamp::new(from, utc_offset(from)).weekday_date()
    };
    let nothing_yet = nothing_yet(page);
    view! {
        <TopBar actions=ViewFn::from(|| view! { <LiveButton /> })>
            <h1>"Overview"</h1>
            <span class="t3 num">{date}</span>
        </TopBar>
        <limits::Limits />
        <Show when=move || !nothing_yet.get() fallback=|| view! { <FirstRun /> }>
            <div class="page ov" data-testid="overview">
                <kpi::Kpi />
                <chart::Chart />
                <buckets::Buckets />
                <in_flight::InFlightPanel />
                <latency::FirstToken />
                <completeness::Completeness />
                <sessions::Sessions />
                <errors::Errors />
                <tools::Tools />
            </div>
        </Show>
    }
}

/// Whether there is not a single call, of any day.
fn nothing_yet(page: Page) -> Memo<bool> {
    let backend = use_backend();
    let live = use_live();
    let none_today = page.part(|figures| figures.totals.calls == 0);
    let any = fetch(
        true,
        move || (none_today.get() == Some(true)).then(|| page.pulse.track()),
        move |()| async move { backend.health().await.map(|health| health.calls) },
    );
    Memo::new(move |_| {
        none_today.get() == Some(true)
            && any.with(|calls| calls == Some(&0))
            && live.flying.with(|flying| flying.total == 0)
    })
}
