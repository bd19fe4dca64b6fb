//! Cost over time by model, tool, session or tag: bars beside a legend, or a table. Owns asking; the parts draw.

pub mod bars;
mod legend;
pub mod stacks;
mod table;

use api::{ApiError, CallFilter};
use leptos::prelude::*;

use super::Page;
use super::view::{ChartView, Group, amount};
use crate::backend::{Backend, use_backend};
use crate::browser::{midnight, now_ms, utc_offset};
use crate::calendar::{Bars, Range};
use crate::components::icon::{Glyph, Icon};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::fetch::fetch;
use crate::format::time::Stamp;
use crate::live::use_live;
use crate::provenance::of_sum;
use stacks::Stacks;

const HOUR_MS: i64 = 3_600_000;
/// What this page has room for; Analytics has the rest.
const GROUPS: [Group; 4] = [Group::Model, Group::Tool, Group::Session, Group::Tag];
const RANGES: [Range; 3] = [Range::Day, Range::Week, Range::Month];

/// What the panel's body is.
#[derive(Clone, PartialEq)]
enum State {
    Nothing,
    Late,
    Failed(ApiError),
    Bars,
    Table,
}

/// The panel.
#[component]
pub fn Chart() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let live = use_live();
    let hour = Memo::new(move |_| live.now.get().div_euclid(HOUR_MS));
    let asked = Memo::new(move |_| ChartView { table: false, ..page.chart.get() });
    let fetched = fetch(
        true,
        move || {
            page.pulse.track();
            hour.track();
            Some(asked.get())
        },
        move |chart| page.pulse.heed(ask(backend, chart)),
    );
    let stacks = Memo::new(move |_| fetched.with(|stacks| stacks.cloned()));
    // New figures change what is drawn in place: a bar under the pointer stays the same bar.
    let state = Memo::new(move |_| {
        if stacks.with(Option::is_some) {
            return if page.chart.get().table { State::Table } else { State::Bars };
        }
        match fetched.error() {
            Some(error) => State::Failed(error),
            None if fetched.is_late() => State::Late,
            None => State::Nothing,
        }
    });
    let body = move || {
        match state.get() {
        State::Table => view! { <table::Table stacks=stacks /> }.into_any(),
        State::Bars => view! { <bars::Plot stacks=stacks /><legend::Legend stacks=stacks /> }.into_any(),
        State::Failed(error) => {
            view! { <ErrorPanel what="The chart could not be loaded" error=error retry=move |()| fetched.retry() /> }
                .into_any()
        }
        State::Late => view! { <div class="grow"><SkeletonRows rows=7 /></div> }.into_any(),
        State::Nothing => ().into_any(),
    }
    };
    let date = page.part(|figures| figures.price_date.clone());
    let sum = move || {
        let stacks = stacks.get()?;
        let when = format!("in {}", stacks.view.range.label());
        let title = of_sum(&stacks.total, &when, &date.get().unwrap_or_default());
        let unsure = stacks.total.not_fully_priced;
        let text = amount(&stacks.total);
        Some(view! {
            <span class="sub num" title=title>
                {(unsure > 0).then(|| view! { <span class="part"><Glyph icon=Icon::Half small=true /></span> })}
                <span data-testid="chart-total">{text}</span>
            </span>
        })
    };
    view! {
        <section class="panel at-chart" data-testid="cost-chart">
            <div class="phead">
                <h2>{move || format!("Cost by {}", page.chart.get().group.word())}</h2>{sum}
                <span class="end"></span>
                <div class="seg" role="group" aria-label="By">
                    {GROUPS.into_iter().map(|group| view! {
                        <button type="button" data-testid=format!("by-{}", group.word())
                            aria-pressed=move || (page.chart.get().group == group).to_string()
                            on:click=move |_| page.show(ChartView { group, ..page.chart.get_untracked() })>{group.label()}</button>
                    }).collect_view()}
                </div>
                <div class="seg" role="group" aria-label="How far back">
                    {RANGES.into_iter().map(|range| view! {
                        <button type="button" data-testid=format!("range-{}", range.word())
                            aria-pressed=move || (page.chart.get().range == range).to_string()
                            on:click=move |_| page.show(ChartView { range, ..page.chart.get_untracked() })>{range.label()}</button>
                    }).collect_view()}
                </div>
                <button type="button" class="btn sm bare" title="Table or bars (a)" data-testid="chart-form"
                    aria-pressed=move || page.chart.get().table.to_string()
                    on:click=move |_| page.show(page.chart.get_untracked().other_form())>
                    {move || if page.chart.get().table { "Bars" } else { "Table" }}
                </button>
            </div>
            <div class="cbody">{body}</div>
        </section>
    }
}

async fn ask(backend: Backend, view: ChartView) -> Result<Stacks, ApiError> {
    let now = now_ms();
    let bars = Bars::new(view.range, now, |days| midnight(now, days));
    let series = backend.series(CallFilter::default(), bars.bounds.clone(), Some(view.group.asked())).await?;
    Ok(Stacks::new(view, bars, &series))
}

/// A bar's name: its day, its quarter of a day, or its hour.
pub fn bar_name(range: Range, (from, to): (i64, i64)) -> String {
    let (begins, ends) = (Stamp::new(from, utc_offset(from)), Stamp::new(to, utc_offset(to)));
    match range {
        Range::Month | Range::Quarter => begins.weekday_date(),
        Range::Week | Range::Day => {
            format!("{} {} to {}", begins.weekday_date(), begins.short_clock(), ends.short_clock())
        }
    }
}
