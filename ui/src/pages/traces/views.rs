//! The fixed views above the list with their counts, and the time range.

use api::{Operation, Outcome};
use leptos::prelude::*;

use super::Page;
use crate::backend::use_backend;
use crate::browser::{now_ms, utc_offset};
use crate::components::time_range;
use crate::fetch::fetch;
use crate::filter::{Last, View};
use crate::format::capped;

/// All, Errors, No price, and what tools do beside their calls: each counts within the other conditions.
#[component]
pub fn Views() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let base = Memo::new(move |_| page.filter.with(View::without_preset));
    let counts = fetch(
        true,
        move || {
            page.list.version.track();
            Some(base.get())
        },
        move |view| backend.stats(view.filter_at(now_ms(), utc_offset(now_ms()))),
    );
    let all = move || counts.with(|stats| stats.map(|stats| stats.calls));
    let errors = move || counts.with(|stats| stats.map(|stats| stats.errors));
    let unpriced = move || counts.with(|stats| stats.map(|stats| stats.unpriced));
    let beside = move |mut view: View| {
        view.filter.operation = Some(Operation::SideCall);
        view
    };
    let side_calls = fetch(
        true,
        move || {
            page.list.version.track();
            Some(beside(base.get()))
        },
        move |view| backend.stats(view.filter_at(now_ms(), utc_offset(now_ms()))),
    );
    let side_count = move || side_calls.with(|stats| stats.map(|stats| stats.calls));
    let has_side_calls =
        move || side_count().is_some_and(|calls| calls > 0) || page.filter.with(View::side_calls_only);
    let plain = move |view: &View| {
        !view.errors_only() && view.filter.unpriced != Some(true) && !view.side_calls_only()
    };
    view! {
        <div class="tabs views" role="tablist" aria-label="Views">
            <Preset label="All" testid="view-all" count=Signal::derive(all)
                current=Signal::derive(move || page.filter.with(plain)) go=move || base.get() />
            <Preset label="Errors" testid="view-errors" count=Signal::derive(errors)
                current=Signal::derive(move || page.filter.with(View::errors_only))
                go=move || {
                    let mut view = base.get();
                    view.filter.outcome = Some(Outcome::Error);
                    view
                } />
            <Preset label="No price" testid="view-unpriced" count=Signal::derive(unpriced)
                current=Signal::derive(move || page.filter.with(|view| view.filter.unpriced == Some(true)))
                go=move || {
                    let mut view = base.get();
                    view.filter.unpriced = Some(true);
                    view
                } />
            <Show when=has_side_calls>
                <Preset label="Side calls" testid="view-side-calls" count=Signal::derive(side_count)
                    current=Signal::derive(move || page.filter.with(View::side_calls_only))
                    go=move || beside(base.get()) />
            </Show>
        </div>
    }
}

#[component]
fn Preset(
    label: &'static str,
    testid: &'static str,
    count: Signal<Option<u64>>,
    current: Signal<bool>,
    go: impl Fn() -> View + Send + 'static,
) -> impl IntoView {
    let page = expect_context::<Page>();
    view! {
        <button
            type="button" role="tab" data-testid=testid aria-selected=move || current.get().to_string()
            on:click=move |_| page.show(go())
        >
            {label}<span class="n">{move || count.get().map(capped)}</span>
        </button>
    }
}

/// The button that chooses a stretch of time.
#[component]
pub fn TimeRange() -> impl IntoView {
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
    view! { <time_range::TimeRange last=last absolute=absolute choose=choose /> }
}
